# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.fields import Domain


class AccountMove(models.Model):
    _inherit = "account.move"

    # not stored: what was stored did not hear of new links, nor of deleted orders
    fsm_order_ids = fields.Many2many(
        store=False, search="_search_fsm_order_ids", compute_sudo=True
    )
    fsm_order_count = fields.Integer(store=False, compute_sudo=True)

    @api.depends(
        "line_ids.fsm_order_ids",
        "service_order_link_ids.order_id",
        "reversed_entry_id.service_order_link_ids.order_id",
    )
    def _compute_fsm_order_ids(self):
        for move in self:
            orders = move._get_service_order_links().order_id
            move.fsm_order_ids = orders | move.line_ids.fsm_order_ids
            move.fsm_order_count = len(move.fsm_order_ids)

    @api.model
    def _search_fsm_order_ids(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        linked = Domain("line_ids.fsm_order_ids", operator, value)
        claimed = Domain("service_order_link_ids.order_id", operator, value)
        return linked | claimed | Domain("reversed_entry_id", "any", claimed)
