# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    # a stored count would not hear of deleted orders
    fsm_order_count = fields.Integer(
        compute="_compute_fsm_order_count", store=False, compute_sudo=True
    )

    @api.depends(
        "line_ids.fsm_order_ids",
        "service_order_link_ids.order_id",
        "reversed_entry_id.service_order_link_ids.order_id",
    )
    def _compute_fsm_order_ids(self):
        # not by a search of what is written already: the links of lines that are
        # being created are not
        for move in self:
            orders = move._get_service_order_links().order_id
            move.fsm_order_ids = orders | move.line_ids.fsm_order_ids

    @api.depends("fsm_order_ids")
    def _compute_fsm_order_count(self):
        for move in self:
            move.fsm_order_count = len(move.fsm_order_ids)
