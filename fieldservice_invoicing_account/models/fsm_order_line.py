# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, models


class FsmOrderLine(models.Model):
    _inherit = "fsm.order.line"

    def _prepare_invoice_line(self, **optional_values):
        values = super()._prepare_invoice_line(**optional_values)
        values["fsm_order_ids"] = [Command.set(self.order_id.ids)]
        return values
