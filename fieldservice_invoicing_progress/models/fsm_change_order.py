# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class FsmChangeOrder(models.Model):
    """What is added to a contract, or taken off it, once it was agreed."""

    _name = "fsm.change.order"
    _description = "Change Order"
    _order = "order_id, number"

    order_id = fields.Many2one(
        "fsm.order",
        string="Service Order",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="order_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(
        related="order_id.currency_id", store=True, precompute=True
    )
    number = fields.Integer(readonly=True, copy=False)
    state = fields.Selection(
        [("draft", "Draft"), ("approved", "Approved"), ("refused", "Refused")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    line_ids = fields.One2many("fsm.change.order.line", "change_order_id")
