from . import test_create_invoice
from . import test_cancel_invoice
from . import test_order_line
from . import test_accounting_flow
from . import test_documents
from . import test_rights
from . import test_breakdown
from . import test_race
