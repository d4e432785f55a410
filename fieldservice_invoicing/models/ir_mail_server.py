# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import smtplib

from odoo import api, models

from odoo.addons.base.models.ir_mail_server import MailDeliveryException


class IrMailServer(models.Model):
    _inherit = "ir.mail_server"

    @api.private  # of no use over RPC: its message is an object
    @api.model
    def send_email(self, message, *args, **kwargs):
        """As Odoo does it; a connection that breaks while an invoice is sent is a
        failed delivery as any other. Odoo would undo what it knows of the e-mails that
        have left before, and send them again."""
        try:
            return super().send_email(message, *args, **kwargs)
        except smtplib.SMTPServerDisconnected as error:
            if not (message["X-Odoo-Objects"] or "").startswith("account.move-"):
                raise
            raise MailDeliveryException(
                self.env._("Mail Delivery Failed"),
                self.env._("The mail server closed the connection: %s", error),
            ) from error
