# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError


class FsmOrderMarkBilled(models.TransientModel):
    _name = "fsm.order.mark.billed"
    _description = "Mark Service Orders as Billed"

    order_ids = fields.Many2many("fsm.order", string="Service Orders", required=True)
    reason = fields.Char(
        required=True,
        help="Why no invoice is needed, e.g. billed in another system. "
        "Shown on the service order.",
    )

    def action_mark_billed(self):
        """Mark the orders as billed for the reason given.

        :raise UserError, AccessError: see ``fsm.order._mark_billed``
        """
        self.ensure_one()
        if not self.order_ids:
            raise UserError(self.env._("Choose the service orders to mark as billed."))
        self.order_ids._mark_billed(self.reason)
        return {"type": "ir.actions.act_window_close"}
