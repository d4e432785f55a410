from . import test_billed_by_sale_order
from . import test_changes
from . import test_rights
