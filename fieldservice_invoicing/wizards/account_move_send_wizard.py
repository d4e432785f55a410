# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.account_move_send import ONE_OFF_METHODS


class AccountMoveSendWizard(models.TransientModel):
    _inherit = "account.move.send.wizard"

    bill_to_type = fields.Selection(related="move_id.bill_to_type")
    outgoing_email_to = fields.Char(
        string="Email",
        compute="_compute_outgoing_email_to",
        store=True,
        readonly=False,
        help="Address of the one-off who is billed. It does not become a contact.",
    )

    @api.depends("move_id")
    def _compute_outgoing_email_to(self):
        for wizard in self:
            wizard.outgoing_email_to = self._get_default_email_to(wizard.move_id)

    def _compute_sending_method_checkboxes(self):
        res = super()._compute_sending_method_checkboxes()
        for wizard in self.filtered(lambda wizard: wizard.move_id._is_one_off()):
            wizard.sending_method_checkboxes = {
                method: values
                for method, values in wizard.sending_method_checkboxes.items()
                if method in ONE_OFF_METHODS
            }
        return res

    def _compute_mail_partners(self):
        res = super()._compute_mail_partners()
        for wizard in self.filtered(lambda wizard: wizard.move_id._is_one_off()):
            # without a template Odoo proposes the contact of the invoice
            wizard.mail_partner_ids -= wizard.move_id.partner_id
        return res

    def _get_sending_settings(self):
        settings = super()._get_sending_settings()
        if self.move_id._is_one_off():
            settings["outgoing_email_to"] = self.outgoing_email_to
        return settings

    def action_send_and_print(self, allow_fallback_pdf=False):
        self._ensure_recipient()
        return super().action_send_and_print(allow_fallback_pdf=allow_fallback_pdf)

    def _ensure_recipient(self):
        """Refuse to send the invoice of a one-off by e-mail to nobody.

        :raise UserError: names the invoice and the way out
        """
        if (
            self.move_id._is_one_off()
            and "email" in (self.sending_methods or [])
            and not (self.outgoing_email_to or self.mail_partner_ids)
        ):
            raise UserError(
                self.env._(
                    "%(document)s: no e-mail address was typed in for %(name)s. Give "
                    "one here, or untick sending by e-mail and print the invoice.",
                    document=self.move_id.name,
                    name=self.move_id.invoice_partner_display_name,
                )
            )
