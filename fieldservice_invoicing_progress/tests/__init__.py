from . import test_change_amounts
from . import test_change_order
from . import test_credit_draw
from . import test_deposit
from . import test_draw
from . import test_pay_application
from . import test_progress_arithmetic
from . import test_uninstall
