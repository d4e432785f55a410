# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _copy_data_extend_business_fields(self, values):
        res = super()._copy_data_extend_business_fields(values)
        values["fsm_order_ids"] = [Command.set(self.fsm_order_ids.ids)]
        return res
