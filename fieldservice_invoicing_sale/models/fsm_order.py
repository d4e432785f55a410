# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.fieldservice_invoicing.models.fsm_order import INVOICE_READERS

GROUP_SALE = "sales_team.group_sale_salesman"


class FsmOrder(models.Model):
    _inherit = "fsm.order"

    # what an order is billed by follows from here: changes of a sales order look
    # for its service orders
    sale_id = fields.Many2one(index="btree_not_null")
    sale_line_id = fields.Many2one(index="btree_not_null")
    billing_sale_id = fields.Many2one(
        "sale.order",
        string="Billed by Sales Order",
        compute="_compute_billing_sale_id",
        store=True,
        index="btree_not_null",
        help="The sales order on which the work was sold, and which bills it.",
    )
    billing_sale_status = fields.Selection(
        related="billing_sale_id.invoice_status",
        string="Sales Order Invoicing",
        groups=INVOICE_READERS,
    )
    billing_sale_invoice_count = fields.Integer(
        related="billing_sale_id.invoice_count",
        string="Sales Order Invoices",
        groups=INVOICE_READERS,
    )
    billed_twice = fields.Char(
        string="Also on the Sales Order",
        compute="_compute_billed_twice",
        compute_sudo=True,
        groups=INVOICE_READERS,
        help="Products that an invoice of this service order bills, and that came on "
        "the sales order since.",
    )

    @api.depends(
        "sale_id.state",
        "sale_id.order_line.qty_invoiced",
        "sale_line_id.order_id.state",
        "sale_line_id.order_id.order_line.qty_invoiced",
    )
    def _compute_billing_sale_id(self):
        for order in self:
            order.billing_sale_id = order._get_sale_order().filtered(
                lambda sale: sale.state != "cancel" or sale._get_service_billing_lines()
            )

    def _get_sale_order(self):
        """The sales order (`sale.order`) on which one order was sold, if any, whatever
        its state."""
        return self.sale_line_id.order_id or self.sale_id

    def _get_sold_products(self):
        """Products (`product.product`) that the sales orders of these orders bill."""
        return self.billing_sale_id._get_service_billing_lines().product_id

    @api.depends(
        "line_ids.is_on_sale_order",
        "line_ids.product_id",
        "invoice_link_ids.is_active",
        "billing_sale_id.order_line.product_id",
    )
    def _compute_billed_twice(self):
        for order in self:
            sold = order._get_sold_products()
            lines = order._get_billed_lines().filtered(
                lambda line, sold=sold: line.product_id in sold and line._is_sold(sold)
            )
            products = lines.product_id
            order.billed_twice = ", ".join(products.mapped("display_name"))

    def _get_billed_lines(self):
        """Lines (`fsm.order.line`) with a product that active invoices of these orders
        bill."""
        lines = self.line_ids.filtered("product_id")
        return lines.filtered(lambda line: line._is_invoiced())

    # ------------------------------------------------------------------
    # What is left to bill here: what the sales order does not have
    # ------------------------------------------------------------------

    @api.depends("line_ids.is_on_sale_order")
    def _compute_amounts(self):
        return super()._compute_amounts()

    def _get_priced_lines(self, include_unit_price=None):
        lines = super()._get_priced_lines(include_unit_price)
        extras = lines.filtered(lambda line: not line.is_on_sale_order)
        return extras.with_prefetch(lines._prefetch_ids)

    def _get_lines_at_no_charge(self, include_unit_price=None):
        lines = super()._get_lines_at_no_charge(include_unit_price)
        return lines.filtered(lambda line: not line.is_on_sale_order)

    def _get_nothing_billable_message(self):
        sale = self.sudo().billing_sale_id
        if not sale:
            return super()._get_nothing_billable_message()
        return self.env._(
            "Service order %(order)s is billed by its sales order %(sale)s: create the "
            "invoice there. Only lines that the sales order does not have are billed "
            "by the service order.",
            order=self.name,
            sale=sale.name,
        )

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.model
    def _get_billing_terms(self):
        return super()._get_billing_terms() | {"sale_id", "sale_line_id"}

    @api.model
    def _get_derived_fields(self):
        return super()._get_derived_fields() | {"billing_sale_id"}

    def write(self, vals):
        for name in vals.keys() & {"sale_id", "sale_line_id"}:
            self.filtered(
                lambda order, name=name: order[name].id != vals[name]
            )._ensure_may_change_sale_order()
        return super().write(vals)

    def _ensure_may_change_sale_order(self):
        """Refuse those without sales rights who would take work off the bill of its
        sales order, and have it billed a second time here, or leave it to a sales order
        that bills something else.

        :raise AccessError: names the order and the sales order
        """
        if not self or self.env.su or self.env.user.has_group(GROUP_SALE):
            return
        if sold := self.sudo().filtered("billing_sale_id"):
            raise AccessError(
                self.env._(
                    "Service order %(order)s is billed by sales order %(sale)s. Ask "
                    "someone in sales to link it to another, or to none.",
                    order=sold[0].name,
                    sale=sold[0].billing_sale_id.name,
                )
            )
        raise AccessError(
            self.env._(
                "Service order %(order)s is billed by itself. Ask someone in sales to "
                "link it to a sales order.",
                order=self[0].name,
            )
        )

    # ------------------------------------------------------------------
    # Actions of the card
    # ------------------------------------------------------------------

    def action_view_sale_invoices(self):
        """Open the invoices of the sales order that bills one order (action dict).

        :raise AccessError: the user has no access to sales
        """
        self.ensure_one()
        self.company_id._ensure_service_invoicing(GROUP_SALE)
        self.check_access("read")
        self.billing_sale_id.check_access("read")
        return self.billing_sale_id.action_view_invoice()
