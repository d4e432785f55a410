# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestDeposit(ProgressCommon):
    def test_refund(self):
        """B5: what is left of a deposit is refunded by a credit note."""
        deposit = self._deposit(1210.0)
        self._draw(500, 0)
        self.assertEqual(self.contract.deposit_balance, 1210.0 - 555.0)
        action = self.contract.action_refund_deposit()
        credit_note = self.env["account.move"].browse(action["res_id"])
        self.assertEqual(credit_note.move_type, "out_refund")
        self.assertEqual(credit_note.reversed_entry_id, deposit)
        self.assertEqual(credit_note.amount_total, 655.0)
        credit_note.action_post()
        self.assertEqual(self.contract.deposit_balance, 0.0)
        self.assertEqual(self._get_balance(self.company.downpayment_account_id), 0.0)
        self.assertTrue(deposit.service_order_link_ids.is_active)
        with self.assertRaisesRegex(UserError, "no deposit to refund"):
            self.contract.action_refund_deposit()

    def test_credited(self):
        """B5: a credited deposit leaves the balance, one that is applied stays."""
        deposit = self._deposit(1210.0)
        self._draw(500, 0, deposit=100.0)
        with (
            self.assertRaisesRegex(UserError, "is applied to invoices"),
            self.cr.savepoint(),
        ):
            self._credit(deposit)
        self.assertEqual(self.contract.deposit_balance, 1110.0)
        other = self._deposit(121.0)
        self.assertEqual(self.contract.deposit_balance, 1231.0)
        self._credit(other)
        self.assertEqual(self.contract.deposit_balance, 1110.0)
        self.assertFalse(other.service_order_link_ids.is_active)

    def test_too_much(self):
        """B6: never more than is paid and left, nor more than the invoice."""
        self._deposit(605.0)
        with self.assertRaisesRegex(UserError, "can not be applied"):
            self._draw(4000, 0, deposit=605.01)
        with self.assertRaisesRegex(UserError, "can not be applied"):
            self._draw(100, 0, deposit=600)
        with self.assertRaisesRegex(UserError, "above its contract"):
            self._deposit(100, "percent")

    def test_order_billed_at_once(self):
        """B5, B6: an order that is billed at once can have a deposit as well: it leaves
        the order to invoice, and its invoice applies it."""
        deposit = self.order._create_deposit("percent", 50)
        self.assertEqual(deposit.amount_total, 249.57)
        deposit.action_post()
        self._pay(deposit)
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.assertEqual(self.order.amount_to_invoice, 412.5)
        self.assertFalse(self.order.active_invoice_id)
        invoice = self._invoice(deposit=249.57, post=True)
        self.assertEqual(invoice.amount_total, 499.13 - 249.57)
        self.assertEqual(self.order.active_invoice_id, invoice)
        self.assertEqual(self.order.amount_invoiced, 412.5)
        self.assertEqual(self.order.billing_difference, 0.0)
        self.assertEqual(self.order.deposit_balance, 0.0)
        invoice._cancel_service_invoices("wrong")
        self.assertEqual(self.order.deposit_balance, 249.57)
        self.assertEqual(self.order.billing_status, "to_invoice")

    def test_refreshed(self):
        """C16, B6: a draft that is refreshed keeps its deposit, as much as it comes to
        then."""
        self._deposit(400.0, order=self.order)
        invoice = self._invoice(deposit=400.0)
        self.order.line_ids[0].quantity = 0
        self.order.action_refresh_invoice()
        self.assertEqual(invoice.amount_total, 0.0)
        self.assertEqual(self.order.deposit_balance, 400.0 - 332.75)
        self.order.line_ids[0].quantity = 2.5
        self.order.action_refresh_invoice()
        self.assertEqual(invoice.amount_total, 499.13 - 332.75)
        self.assertEqual(self.order.amount_invoiced, 412.5)

    def test_final_documents(self):
        """B5: a deposit is an issued document that does not change any more."""
        deposit = self._deposit(1210.0)
        with self.assertRaisesRegex(UserError, "is issued"):
            deposit.button_draft()
        with self.assertRaisesRegex(UserError, "is issued"):
            deposit.invoice_line_ids.price_unit = 1
