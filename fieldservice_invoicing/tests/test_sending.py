# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import errno
import os
import smtplib
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_attachment import IrAttachment
from odoo.addons.mail.tests.common import MailCommon

from .common import ServiceInvoicingCommon

MUTED = ("odoo.addons.mail.models.mail_mail", "odoo.addons.base.models.ir_mail_server")


@tagged("post_install", "-at_install")
class TestSending(ServiceInvoicingCommon, MailCommon):
    """F2: an invoice is marked as sent once its e-mails have left."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact = cls.partner_a
        cls.contact.email = "customer@example.com"
        cls.contact.with_company(cls.company).invoice_sending_method = "email"
        cls.second = cls.env["res.partner"].create(
            {"name": "Second", "email": "second@example.com"}
        )

    def setUp(self):
        super().setUp()
        # what tests with transactions of their own have left to send
        self.env["mail.mail"].search([]).unlink()
        self.invoice = self._invoice(post=True)
        self.refused = {}
        self.sent = []

    def _send(self, invoice=None, partners=None):
        """Send as the dialog does. ``self.refused`` has the error by address."""
        invoice = invoice or self.invoice
        wizard = (
            self.env["account.move.send.wizard"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({})
        )
        if partners:
            wizard.mail_partner_ids = partners
        with self._deliveries():
            wizard.action_send_and_print()
        return wizard

    @contextmanager
    def _deliveries(self):
        """E-mails go to :meth:`_deliver`."""
        with ExitStack() as stack:
            stack.enter_context(mute_logger(*MUTED))
            stack.enter_context(self.mock_mail_gateway(mail_unlink_sent=True))
            session = type(self.testing_smtp_session)
            stack.enter_context(patch.object(session, "send_message", self._deliver))
            yield

    def _deliver(self, _message, _sender, recipients):
        for recipient in recipients:
            if error := self.refused.get(recipient):
                raise error
        self.sent += recipients

    def _refuse(self, address, error=None):
        self.refused[address] = error or smtplib.SMTPDataError(554, b"No such user")

    def test_sent(self):
        """F2: marked when the e-mail has left."""
        self._send()
        self.assertEqual(self.sent, ["customer@example.com"])
        self.assertTrue(self.invoice.is_move_sent)
        self.assertTrue(self.order.is_active_invoice_sent)

    def test_refused(self):
        """F2: not marked when it was refused, the reason is on invoice and order; the
        next try sends once."""
        self._refuse("customer@example.com")
        self._send()
        self.assertEqual(self.sent, [])
        self.assertFalse(self.invoice.is_move_sent)
        self.assertEqual(self.invoice.state, "posted")
        for record in self.invoice, self.order:
            bodies = "".join(record.message_ids.mapped("body"))
            self.assertIn("No such user", bodies)
        self.refused = {}
        self._send()
        self.assertEqual(self.sent, ["customer@example.com"])
        self.assertTrue(self.invoice.is_move_sent)
        self.assertFalse(self.env["mail.mail"].search([("state", "=", "exception")]))

    def test_disconnected(self):
        """F2: neither when the connection breaks; the person who sends sees the invoice
        and no error of the server."""
        self._refuse("customer@example.com", smtplib.SMTPServerDisconnected("gone"))
        self._send()
        self.assertFalse(self.invoice.is_move_sent)
        self.refused = {}
        self._send()
        self.assertEqual(self.sent, ["customer@example.com"])
        self.assertTrue(self.invoice.is_move_sent)

    def test_queued(self):
        """F2: nor as long as the e-mail waits; sent anew, the one that waits is given
        up, so that one arrives."""
        self.env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "1")
        self._send()
        self.assertEqual(self.sent, [])
        self.assertFalse(self.invoice.is_move_sent)
        self._send()
        with self._deliveries():
            self.env["mail.mail"].process_email_queue()
        self.assertEqual(self.sent, ["customer@example.com"])
        self.assertTrue(self.invoice.is_move_sent)

    def test_some_refused(self):
        """F2: sent to some, it is not marked; the next try proposes the others."""
        self._refuse("second@example.com")
        both = self.contact | self.second
        self._send(partners=both)
        self.assertEqual(self.sent, ["customer@example.com"])
        self.assertFalse(self.invoice.is_move_sent)
        wizard = self._send(partners=self.second)
        self.assertFalse(self.invoice.is_move_sent)
        self.refused = {}
        wizard = self._send(partners=self.second)
        self.assertNotIn(self.contact, wizard.mail_partner_ids)
        self.assertEqual(self.sent, ["customer@example.com", "second@example.com"])
        self.assertTrue(self.invoice.is_move_sent)

    def test_sent_again(self):
        """F2: who sends an invoice a second time sends it to everybody again."""
        self._send()
        self._send()
        self.assertEqual(self.sent, ["customer@example.com"] * 2)
        self.assertTrue(self.invoice.is_move_sent)

    def test_other_invoice(self):
        """F2: invoices of no service order are marked as Odoo has it."""
        invoice = self.init_invoice("out_invoice", self.contact, post=True, amounts=[1])
        self._refuse("customer@example.com")
        self._send(invoice)
        self.assertTrue(invoice.is_move_sent)

    def _fill_disk(self, invoice):
        """Let the PDF of an invoice find the disk full."""
        write = IrAttachment.create

        def create(attachments, vals_list):
            if any(
                vals.get("res_field") == "invoice_pdf_report_file"
                and vals.get("res_id") == invoice.id
                for vals in vals_list
            ):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(attachments, vals_list)

        return patch.object(IrAttachment, "create", create)

    def test_full_disk(self):
        """F2: an invoice whose PDF can not be stored is not sent, in words."""
        refused = self.assertRaisesRegex(UserError, f"{self.invoice.name} is not sent")
        with self._fill_disk(self.invoice), refused:
            self._send()
        self.assertEqual(self.sent, [])
        self.assertFalse(self.invoice.is_move_sent)

    def test_full_disk_many(self):
        """F2: sent in the background, it says so itself and holds up no other."""
        other = self._invoice(self._create_order(), post=True)
        invoices = self.invoice | other
        self.env["account.move.send.batch.wizard"].create(
            {"move_ids": invoices.ids}
        ).action_send_and_print()
        cron = self.env.ref("account.ir_cron_account_move_send")
        with (
            self._fill_disk(self.invoice),
            self._deliveries(),
            self.enter_registry_test_mode(),
        ):
            cron.method_direct_trigger()
            # Odoo leaves these e-mails to its queue
            self.env["mail.mail"].process_email_queue()
        invoices.invalidate_recordset()
        self.assertEqual(invoices.mapped("is_move_sent"), [False, True])
        self.assertIn("not sent", self.invoice.message_ids[0].body)
        self.assertFalse(any(invoices.mapped("sending_data")))
