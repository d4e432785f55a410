# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from .res_company import GROUP_COST


class ServiceCostMixin(models.AbstractModel):
    """What a service order costs the company, and leaves it."""

    _name = "service.cost.mixin"
    _description = "Cost of a Service Order"

    currency_id = fields.Many2one("res.currency")
    cost = fields.Monetary(
        compute="_compute_cost",
        store=True,
        groups=GROUP_COST,
        help="What the order lines cost the company, those too that are not charged.",
    )
    margin = fields.Monetary(
        compute="_compute_cost",
        store=True,
        groups=GROUP_COST,
        help="Untaxed amount of the order, less its cost.",
    )
    margin_percent = fields.Float(
        string="Margin (%)",
        compute="_compute_cost",
        store=True,
        aggregator="avg",
        groups=GROUP_COST,
    )

    @api.depends(
        "amount_untaxed",
        "include_unit_price",
        "line_ids.cost",
        "line_ids.is_billable",
        "line_ids.kind",
    )
    def _compute_cost(self):
        for order in self:
            order.cost = sum(order._get_costed_lines().mapped("cost"))
            order.margin = order.amount_untaxed - order.cost
            order.margin_percent = order.amount_untaxed and (
                order.margin / order.amount_untaxed
            )

    def _get_costed_lines(self):
        """Lines (`fsm.order.line`) whose cost is the order's (one record): those that
        the customer is charged for here, and those that are not charged at all. A unit
        that is left out was the customer's before."""
        self.ensure_one()
        uncharged = self.line_ids.filtered(lambda line: not line.is_billable)
        return self._get_priced_lines() | uncharged
