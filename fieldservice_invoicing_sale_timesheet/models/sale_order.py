# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def write(self, vals):
        if vals.get("state", "cancel") != "cancel":
            # a cancelled sales order has left its hours to their service orders
            cancelled = self.filtered(lambda sale: sale.state == "cancel")
            cancelled._get_sold_entries()._ensure_not_billed()
        res = super().write(vals)
        if "state" in vals:
            self._get_sold_entries().fsm_order_id._follow_sources()
        return res

    def _get_sold_entries(self):
        """Time (`account.analytic.line`, superuser mode) of these sales orders' items
        on service orders."""
        return (
            self.env["account.analytic.line"]
            .sudo()
            .search(
                [
                    ("so_line", "in", self.order_line.ids),
                    ("fsm_order_id", "!=", False),
                ]
            )
        )
