# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from .res_company import GROUP_COST


class ServiceLineCostMixin(models.AbstractModel):
    """What a line of a service order costs the company, and leaves it."""

    _name = "service.line.cost.mixin"
    _description = "Cost of a Service Order Line"

    currency_id = fields.Many2one("res.currency")
    purchase_price = fields.Float(
        string="Unit Cost",
        compute="_compute_purchase_price",
        min_display_digits="Product Price",
        store=True,
        readonly=False,
        copy=False,
        groups=GROUP_COST,
        help="What one unit of measure costs the company, in the order's currency.",
    )
    cost = fields.Monetary(
        compute="_compute_cost",
        store=True,
        groups=GROUP_COST,
        help="What the line costs the company, charged or not.",
    )
    margin = fields.Monetary(
        compute="_compute_cost",
        store=True,
        groups=GROUP_COST,
        help="What the customer is charged for the line before taxes, less its cost.",
    )

    @api.depends("product_id", "product_uom_id", "company_id", "currency_id")
    def _compute_purchase_price(self):
        for line in self:
            company = line.company_id
            line.purchase_price = company.currency_id._convert(
                line._get_purchase_price(),
                line.currency_id or company.currency_id,
                company,
                fields.Date.context_today(line),
                round=False,
            )

    def _get_purchase_price(self):
        """Cost (float, company currency) of one of the line's unit of measure: hook of
        the addons that know what the work or the part did cost."""
        self.ensure_one()
        product = self.product_id.with_company(self.company_id)
        if not product:
            return 0.0
        return product.uom_id._compute_price(
            product.standard_price, self.product_uom_id or product.uom_id
        )

    @api.depends("purchase_price", "quantity", "price_subtotal", "display_type")
    def _compute_cost(self):
        for line in self:
            cost = 0.0 if line.display_type else line.purchase_price * line.quantity
            line.cost = cost
            line.margin = line.price_subtotal - cost

    @api.model
    def _get_amount_fields(self):
        """Names (set) of the amounts that follow from what is entered on a line."""
        return {"cost", "margin"}
