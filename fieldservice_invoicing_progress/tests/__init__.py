from . import test_credit_draw
from . import test_deposit
from . import test_draw
from . import test_progress_arithmetic
from . import test_uninstall
from . import test_draw_dialog
