# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.fields import Domain


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _bills_what_it_counts(self):
        """Whether one item bills no work but the deliveries or hours that are linked
        to it (bool): more of its product is an extra.

        One that bills what was ordered pays for other work of its product too, until
        all that was ordered is delivered.
        """
        self.ensure_one()
        if self.qty_delivered_method not in ("stock_move", "timesheet"):
            return False
        return (
            self.product_id.invoice_policy == "delivery"
            or self.product_uom_id.compare(self.qty_delivered, self.product_uom_qty)
            >= 0
        )

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
