# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class FsmChangeOrderLine(models.Model):
    """One item of a contract that a change order adds, raises or lowers."""

    _name = "fsm.change.order.line"
    _description = "Change Order Line"

    change_order_id = fields.Many2one(
        "fsm.change.order", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="change_order_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="change_order_id.currency_id")
    state = fields.Selection(related="change_order_id.state", store=True)
    order_line_id = fields.Many2one(
        "fsm.order.line",
        string="Contract Item",
        index="btree_not_null",
        ondelete="restrict",
    )
    amount = fields.Monetary(required=True)
