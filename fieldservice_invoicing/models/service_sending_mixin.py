# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from functools import partial

from odoo import SUPERUSER_ID, Command, api, fields, models, modules
from odoo.modules.registry import Registry
from odoo.service.model import retrying

FAILED = ("exception", "bounce")


class ServiceSendingMixin(models.AbstractModel):
    """What `account.move` needs to tell service invoices that were sent from those
    whose e-mail is still to leave, or failed.

    Odoo marks an invoice as sent once it has its PDF. E-mails leave after the
    transaction, so that the mark has to follow them.
    """

    _name = "service.sending.mixin"
    _description = "Sending of a Service Invoice"

    service_sending_message_ids = fields.Many2many(
        "mail.message",
        string="Sent by",
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        help="The messages that carry the document: the last one, and those before it "
        "that did not reach everybody.",
    )

    def _get_sending_notifications(self):
        """E-mail notifications (`mail.notification`) of the last sending of one
        document to those it is for; followers get a copy, which does not count."""
        self.ensure_one()
        message = self.sudo().service_sending_message_ids.sorted("id")[-1:]
        return message.notification_ids.filtered(
            lambda notification: (
                notification.notification_type == "email"
                and (
                    notification.mail_email_address
                    or notification.res_partner_id in message.partner_ids
                )
            )
        )

    def _get_reached_partners(self):
        """Contacts (`res.partner`) who got one document, which is to be sent again as
        others did not get it."""
        self.ensure_one()
        notifications = self._get_sending_notifications()
        if all(one.notification_status == "sent" for one in notifications):
            return self.env["res.partner"]
        notifications = self.sudo().service_sending_message_ids.notification_ids
        return notifications.filtered(
            lambda notification: notification.notification_status == "sent"
        ).res_partner_id

    def _give_up_unsent(self):
        """Have no e-mail leave any more of an earlier sending of one document, which is
        sent anew; forget that sending when it reached everybody."""
        self.ensure_one()
        notifications = self._get_sending_notifications()
        if all(one.notification_status == "sent" for one in notifications):
            self.service_sending_message_ids = False
            return
        unsent = self.service_sending_message_ids.notification_ids.filtered(
            lambda notification: (
                notification.notification_type == "email"
                and notification.notification_status != "sent"
            )
        )
        unsent.mail_mail_id.filtered(lambda mail: mail.state != "sent").cancel()
        unsent.notification_status = "canceled"

    def _keep_sending(self, message):
        """Have the mark of one document follow the e-mails of a message.

        :param message: `mail.message` that has just been posted
        """
        self.ensure_one()
        self.service_sending_message_ids = [Command.link(message.id)]
        self._update_sent(message.notification_ids)

    @api.model
    def _follow_sending_after_commit(self, notifications):
        """:meth:`_follow_sending` in a transaction of its own: were it to fail in that
        of the e-mails, these would be sent again."""
        if modules.module.current_test:
            self._follow_sending(notifications)
            return
        database, ids = self.env.cr.dbname, notifications.ids

        @self.env.cr.postcommit.add
        def follow_sending():
            with Registry(database).cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                left = env["mail.notification"].browse(ids)
                retrying(partial(env[self._name]._follow_sending, left), env)

    @api.model
    def _follow_sending(self, notifications):
        """Bring the marks of documents up to date.

        :param notifications: `mail.notification` whose e-mails have left, or failed
        """
        messages = notifications.mail_message_id
        for document in self._get_documents_sent_by(messages):
            document._update_sent(notifications)

    @api.model
    def _get_documents_sent_by(self, messages):
        """Documents (superuser mode) whose mark follows messages (`mail.message`)."""
        return self.sudo().search([("service_sending_message_ids", "in", messages.ids)])

    def _update_sent(self, notifications):
        """Mark one document as sent, or not, and note why not.

        :param notifications: `mail.notification` that have changed
        """
        current = self._get_sending_notifications()
        self.is_move_sent = all(
            notification.notification_status == "sent" for notification in current
        )
        self._log_not_sent(
            (current & notifications).filtered(
                lambda notification: notification.notification_status in FAILED
            )
        )

    def _log_not_sent(self, notifications):
        """Note on one document, and on its orders, whom it did not reach and why.

        :param notifications: its failed `mail.notification`
        """
        for notification in notifications:
            address = notification.mail_email_address
            note = self.env._(
                "Not sent to %(recipient)s: %(reason)s",
                recipient=address or notification.res_partner_id.display_name,
                reason=notification.failure_reason
                or notification.format_failure_reason(),
            )
            self._message_log(body=note)
            self._log_on_service_orders(self.env._("Invoice not sent: %s"), note)
