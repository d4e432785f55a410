# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestAccountingFlow(ServiceInvoicingCommon):
    def test_post(self):
        """F1: Confirm gives number and journal items, linked to the order."""
        invoice = self._invoice()
        self.assertFalse(invoice.name)
        self.order.action_post_invoice()
        self.assertEqual(invoice.state, "posted")
        self.assertTrue(invoice.name)
        self.assertEqual(sum(invoice.line_ids.mapped("balance")), 0.0)
        action = self.order.action_view_journal_items()
        items = self.env["account.move.line"].search(action["domain"])
        self.assertEqual(items, invoice.line_ids)

    def test_odoo_dialogs(self):
        """F2: send, payment and credit note from the order, by Odoo's dialogs."""
        with self.assertRaisesRegex(UserError, "no active invoice"):
            self.order.action_send_invoice()
        self._invoice(post=True)
        for name, model in (
            ("action_send_invoice", "account.move.send.wizard"),
            ("action_register_payment", "account.payment.register"),
            ("action_credit_invoice", "account.move.reversal"),
        ):
            self.assertEqual(getattr(self.order, name)()["res_model"], model)

    def test_status(self):
        """F3: the order's billing status follows the invoice, and back."""
        order = self.order
        invoice = self._invoice()
        self.assertEqual(order.billing_status, "draft")
        invoice.action_post()
        self.assertEqual(order.billing_status, "invoiced")
        self.assertEqual((order.amount_invoiced, order.amount_to_invoice), (412.5, 0))
        self._pay(invoice)
        self.assertEqual(order.billing_status, "paid")
        self.assertIn("Invoice paid", "".join(order.message_ids.mapped("body")))
        receivable = invoice.line_ids.filtered("reconciled")
        receivable.remove_move_reconcile()
        self.assertEqual(order.billing_status, "invoiced")
        self.company.service_invoice_lock = False
        invoice.button_draft()
        self.assertEqual(order.billing_status, "draft")
        invoice.button_cancel()
        self.assertEqual(order.billing_status, "to_invoice")

    def test_search(self):
        """F3, F4: orders by billing status, invoices by number, customer and order."""
        Order = self.env["fsm.order"]
        mine = [("id", "in", self.order.ids)]
        self.assertTrue(Order.search([*mine, ("billing_status", "=", "to_invoice")]))
        invoice = self._invoice(post=True)
        self.assertTrue(Order.search([*mine, ("billing_status", "=", "invoiced")]))
        self.assertEqual(
            Order.search([("active_invoice_id", "=", invoice.id)]), self.order
        )
        Move = self.env["account.move"]
        domain = [
            ("is_service_invoice", "=", True),
            ("company_id", "=", self.company.id),
        ]
        self.init_invoice("out_invoice", products=self.labor, post=True)
        self.assertEqual(Move.search(domain), invoice)
        for term in (
            ("name", "ilike", invoice.name),
            ("partner_id", "ilike", self.partner_a.name),
            ("service_order_ids", "ilike", self.order.name),
        ):
            self.assertEqual(Move.search([*domain, term]), invoice)
        credit_note = self._credit(invoice)
        self.assertIn(credit_note, Move.search(domain))
        self.assertEqual(credit_note.service_order_ids, self.order)

    def test_invoice_status(self):
        """F4: draft, posted, overdue, partly paid, paid, credited, cancelled."""
        invoice = self._invoice()
        self.assertEqual(invoice.service_invoice_status, "draft")
        invoice.invoice_date_due = fields.Date.today() + timedelta(days=30)
        invoice.invoice_payment_term_id = False
        invoice.invoice_date_due = fields.Date.today() + timedelta(days=30)
        invoice.action_post()
        self.assertEqual(invoice.service_invoice_status, "posted")
        self._pay(invoice, 100)
        self.assertEqual(invoice.service_invoice_status, "partial")
        invoice.invoice_date_due = fields.Date.today() - timedelta(days=3)
        self.assertEqual(invoice.service_invoice_status, "overdue")
        self._pay(invoice)
        self.assertEqual(invoice.service_invoice_status, "paid")

    def test_ways_between(self):
        """F6: from the invoice to its orders and back."""
        invoice = self._invoice()
        action = invoice.action_view_service_orders()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("fsm.order", self.order.id)
        )
        self.assertEqual(self.order.action_open_invoice()["res_id"], invoice.id)
        self.assertEqual(invoice.service_order_count, 1)
        action = self.order.action_view_service_invoices()
        self.assertEqual(action["res_id"], invoice.id)

    def test_invoices_tab(self):
        """B3: all invoices with their amounts, and what is pending."""
        first = self._invoice(post=True)
        first._cancel_service_invoices("Wrong price")
        second = self._invoice()
        self.assertEqual(self.order.pending_draft, 499.13)
        second.action_post()
        self.assertEqual(
            (self.order.pending_draft, self.order.pending_payment), (0.0, 499.13)
        )
        self.assertRecordValues(
            self.order.invoice_link_ids.sorted(),
            [
                {
                    "move_id": second.id,
                    "is_active": True,
                    "amount_untaxed": 412.5,
                    "amount_total": 499.13,
                    "credited_total": 0.0,
                    "cancel_reason": False,
                },
                {
                    "move_id": first.id,
                    "is_active": False,
                    "amount_untaxed": 412.5,
                    "amount_total": 499.13,
                    "credited_total": 499.13,
                    "cancel_reason": "Wrong price",
                },
            ],
        )

    def test_journal_and_terms(self):
        """Settings: journal and payment terms of the company."""
        journal = self.env["account.journal"].create(
            {"name": "Service", "type": "sale", "code": "SRV"}
        )
        term = self.env.ref("account.account_payment_term_15days")
        self.company.service_invoice_journal_id = journal
        self.company.service_payment_term_id = term
        self.partner_a.property_payment_term_id = False
        invoice = self._invoice(self._create_order())
        self.assertEqual(invoice.journal_id, journal)
        self.assertEqual(invoice.invoice_payment_term_id, term)
