from . import test_change_amounts
from . import test_change_order
from . import test_contract_lines
from . import test_draw
