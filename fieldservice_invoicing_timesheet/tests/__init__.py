from . import test_labor_rules
from . import test_hours
from . import test_rules_on_order
from . import test_billed_entries
from . import test_rights
from . import test_closeout
from . import test_performance
from . import test_tours
