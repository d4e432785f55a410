from . import service_billing_dialog_mixin
from . import service_deposit_dialog_mixin
from . import fsm_order_create_draw
from . import fsm_order_create_draw_line
from . import fsm_order_create_deposit
from . import fsm_order_release_retainage
from . import fsm_order_create_invoice
