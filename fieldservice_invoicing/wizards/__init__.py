from . import fsm_order_create_invoice
from . import fsm_order_cancel_invoice
from . import fsm_order_mark_billed
from . import account_move_reversal
from . import base_partner_merge
from . import account_move_send_wizard
from . import service_invoice_export
from . import service_invoice_export_pdf
