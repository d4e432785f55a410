from . import test_parts
from . import test_price
from . import test_cogs
from . import test_rights
from . import test_closeout
from . import test_add_parts
from . import test_tours
from . import test_line_cost
