# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _get_service_billing_lines(self):
        """Lines (`sale.order.line`) by which these sales orders bill work.

        A cancelled sales order bills what it has invoiced, and nothing else.
        """
        return self.order_line.filtered(
            lambda line: (
                not line.is_downpayment
                and (line.order_id.state != "cancel" or line.qty_invoiced)
            )
        )

    def write(self, vals):
        if vals.get("state", "cancel") != "cancel":
            cancelled = self.filtered(lambda sale: sale.state == "cancel")
            cancelled._ensure_work_is_not_billed()
        res = super().write(vals)
        if "state" in vals:
            # what it delivered stays with it, or is left to the service orders
            self._get_service_orders()._follow_sources()
        return res

    def _get_service_orders(self):
        """Service orders (`fsm.order`, superuser mode) on which the work of these sales
        orders is done."""
        return (
            self.env["fsm.order"]
            .sudo()
            .search(
                [
                    "|",
                    ("sale_id", "in", self.ids),
                    ("sale_line_id.order_id", "in", self.ids),
                ]
            )
        )

    def _ensure_work_is_not_billed(self):
        """Refuse to revive cancelled sales orders whose work was billed since by its
        service orders.

        :raise UserError: names the sales order, the service order and its invoice
        """
        for order in self._get_service_orders():
            sale = order._get_sale_order()
            if order._get_billed_lines().product_id & sale.order_line.product_id:
                raise UserError(
                    self.env._(
                        "Sales order %(sale)s can not be taken up again: its work is "
                        "billed by %(invoice)s of service order %(order)s. Cancel or "
                        "credit that invoice first, or make a new sales order.",
                        sale=sale.name,
                        invoice=order.active_invoice_id.display_name,
                        order=order.name,
                    )
                )
