from . import test_linked_invoices
from . import test_rights
