from . import fsm_equipment
from . import fsm_order_line
from . import fsm_order
