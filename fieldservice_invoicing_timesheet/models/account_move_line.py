# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        # an invoice made anew bills what the one that it replaces billed
        lines.sudo().filtered(
            lambda line: (
                line.fsm_order_line_id.quantity_source == "timesheet"
                and line.move_id.move_type == "out_invoice"
                and not line.move_id.service_replaces_id
            )
        ).fsm_order_line_id._remember_billed_timesheets()
        return lines
