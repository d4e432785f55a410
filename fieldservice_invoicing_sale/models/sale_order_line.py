# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.fields import Domain


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _get_invoiceable_fsm_order_domain(self):
        # An order that was invoiced for its extras still belongs on the invoice of
        # its sales order.
        linked = Domain("fsm_order_line_id", "=", False)
        return [
            Domain("invoice_lines", "not any!", linked)
            if leaf == ("invoice_lines", "=", False)
            else leaf
            for leaf in super()._get_invoiceable_fsm_order_domain()
        ]
