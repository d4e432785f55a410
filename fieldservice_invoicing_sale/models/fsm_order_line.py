# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class FsmOrderLine(models.Model):
    _inherit = "fsm.order.line"

    is_on_sale_order = fields.Boolean(
        string="On Sales Order",
        compute="_compute_is_on_sale_order",
        compute_sudo=True,
        help="The sales order of the service order has the product and bills it: the "
        "line is left off the invoice of the service order.",
    )

    @api.depends(
        "product_id",
        "kind",
        "source_key",
        "order_id.billing_sale_id.state",
        "order_id.billing_sale_id.order_line.product_id",
        "order_id.billing_sale_id.order_line.product_uom_qty",
        "order_id.billing_sale_id.order_line.qty_delivered",
        "order_id.billing_sale_id.order_line.qty_invoiced",
        "order_id.invoice_link_ids.is_active",
        "invoice_line_ids",
    )
    def _compute_is_on_sale_order(self):
        for order, lines in self.grouped("order_id").items():
            sold = order._get_sold_products()
            for line in lines:
                line.is_on_sale_order = line._is_sold(sold) and not line._is_invoiced()

    def _is_sold(self, products):
        """Whether the sales order of the line (one record) bills it (bool).

        Hook of addons that know more of a line than its product. A unit that was there
        before is never billed beside a sales order: what the customer agreed to pay is
        said there. What follows deliveries or hours counts those only that no sales
        order item counts.

        :param products: `product.product` on the sales order
        """
        self.ensure_one()
        sale = self.order_id.billing_sale_id
        if self.source_key and self.product_id in products:
            items = sale._get_service_billing_lines().filtered(
                lambda item: item.product_id == self.product_id
            )
            return not all(item._bills_what_it_counts() for item in items)
        if self.kind == "unit" and not self.source_key:
            return bool(sale)
        return self.product_id in products

    @api.depends("is_on_sale_order")
    def _compute_qty_invoiced(self):
        res = super()._compute_qty_invoiced()
        self.filtered("is_on_sale_order").qty_to_invoice = 0.0
        return res
