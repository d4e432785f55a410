# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, models


class FsmOrderLine(models.Model):
    _inherit = "fsm.order.line"

    def _prepare_invoice_line(self, **optional_values):
        # computed all the same; given here, the links of many invoices are one insert
        return {
            **super()._prepare_invoice_line(**optional_values),
            "fsm_order_ids": [Command.link(self.order_id.id)],
        }
