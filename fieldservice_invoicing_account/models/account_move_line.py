# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    # Computed, and so in superuser mode: an accountant who credits an invoice may
    # have no access to service orders.
    fsm_order_ids = fields.Many2many(compute="_compute_fsm_order_ids", store=True)

    @api.depends("fsm_order_line_id")
    def _compute_fsm_order_ids(self):
        billing = self.filtered("fsm_order_line_id")
        for order, lines in billing.grouped(
            lambda line: line.fsm_order_line_id.order_id
        ).items():
            lines.fsm_order_ids = [Command.link(order.id)]
        for line in self - billing:
            line.fsm_order_ids = line.fsm_order_ids
