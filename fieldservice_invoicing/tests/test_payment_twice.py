# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestPaymentTwice(ServiceInvoicingCommon):
    """F2: two people have Odoo's payment dialog open for the same invoice."""

    def _open_payment(self, invoices):
        return self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoices.ids
        )

    def test_paid_meanwhile(self):
        """F2: the second one reads which invoice is paid; there is one payment."""
        invoice = self._invoice(post=True)
        dialogs = [self._open_payment(invoice).create({}) for _person in range(2)]
        dialogs[0].action_create_payments()
        with self.assertRaisesRegex(UserError, f"{invoice.name}.* nothing is left"):
            dialogs[1].action_create_payments()
        self.assertEqual(len(invoice.matched_payment_ids), 1)

    def test_one_of_many_paid_meanwhile(self):
        """F2: so they do when one of several invoices was paid: none is paid twice."""
        invoices = self._invoice(post=True)
        invoices |= self._invoice(self._create_order(), post=True)
        dialog = self._open_payment(invoices).create({"group_payment": True})
        self._open_payment(invoices[0]).create({}).action_create_payments()
        with self.assertRaisesRegex(UserError, invoices[0].name):
            dialog.action_create_payments()
        self.assertEqual(len(invoices.matched_payment_ids), 1)

    def test_parts(self):
        """F2: what is left is still paid in parts."""
        invoice = self._invoice(post=True)
        for share in (2, 1):
            with Form(self._open_payment(invoice)) as form:
                form.amount = invoice.amount_residual / share
            form.record.action_create_payments()
        self.assertEqual(len(invoice.matched_payment_ids), 2)
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))

    def test_other_invoices(self):
        """F2: invoices of no service order are paid as Odoo has it."""
        invoice = self.init_invoice("out_invoice", post=True, amounts=[100])
        dialogs = [self._open_payment(invoice).create({}) for _person in range(2)]
        for dialog in dialogs:
            dialog.action_create_payments()
        self.assertEqual(len(invoice.matched_payment_ids), 2)
