# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class FsmOrderCancelInvoice(models.TransientModel):
    _name = "fsm.order.cancel.invoice"
    _description = "Cancel Invoice of a Service Order"

    move_ids = fields.Many2many("account.move", string="Invoices", required=True)
    reason = fields.Char(
        required=True, help="Shown on the invoice and on the service order."
    )
    has_posted = fields.Boolean(compute="_compute_has_posted")

    @api.depends("move_ids.state")
    def _compute_has_posted(self):
        for wizard in self:
            wizard.has_posted = "posted" in wizard.move_ids.mapped("state")

    def action_cancel_invoice(self):
        """Cancel the invoices for the reason given.

        :raise UserError, AccessError: see ``account.move._ensure_can_be_cancelled``
        """
        self.ensure_one()
        if not self.move_ids:
            raise UserError(self.env._("Choose the invoices to cancel."))
        self.move_ids._cancel_service_invoices(self.reason)
        return {"type": "ir.actions.act_window_close"}
