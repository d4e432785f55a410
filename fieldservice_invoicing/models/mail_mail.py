# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        mails = self.filtered(lambda mail: mail.model == "account.move")
        notifications = self.env["mail.notification"]
        if mails:
            # read before Odoo deletes the e-mails that have left
            notifications = notifications.search([("mail_mail_id", "in", mails.ids)])
        res = super()._postprocess_sent_message(
            success_pids,
            success_emails,
            failure_reason=failure_reason,
            failure_type=failure_type,
        )
        if notifications:
            self.env["account.move"]._follow_sending_after_commit(notifications)
        return res
