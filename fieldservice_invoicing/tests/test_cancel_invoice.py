# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestCancelInvoice(ServiceInvoicingCommon):
    def _cancel(self, invoice, reason="Wrong bill-to"):
        action = invoice.action_cancel_service_invoice()
        wizard = (
            self.env[action["res_model"]]
            .with_context(**action["context"])
            .create({"reason": reason})
        )
        return wizard.action_cancel_invoice()

    def test_cancel_draft(self):
        """X3, X6, X7, X8: a draft is cancelled as it is and the order is free."""
        invoice = self._invoice()
        self._cancel(invoice)
        self.assertRecordValues(
            invoice,
            [
                {
                    "state": "cancel",
                    "service_cancel_reason": "Wrong bill-to",
                    "service_cancel_user_id": self.env.uid,
                    "service_invoice_status": "cancel",
                }
            ],
        )
        self.assertTrue(invoice.service_cancel_date)
        self.assertIn("Cancelled Invoice", invoice.display_name)
        self.assertFalse(self.order.active_invoice_id)
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.assertEqual(self.order.invoice_link_ids.cancel_reason, "Wrong bill-to")
        self.assertIn("Wrong bill-to", self.order.message_ids[0].body)

    def test_cancel_posted(self):
        """X3, X7: a posted one by a full credit note; the next one has a new number
        and the same totals."""
        invoice = self._invoice(post=True)
        number = invoice.name
        self._cancel(invoice)
        credit_note = invoice.reversal_move_ids
        self.assertEqual(credit_note.state, "posted")
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertEqual((invoice.state, invoice.name), ("posted", number))
        self.assertEqual(invoice.amount_residual, 0.0)
        self.assertEqual(invoice.service_invoice_status, "cancel")
        self.assertEqual(
            credit_note.invoice_line_ids.fsm_order_line_id, self.order.line_ids
        )
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.assertNotIn("Invoice paid", str(self.order.message_ids.mapped("body")))
        again = self._invoice(post=True)
        self.assertNotEqual(again.name, number)
        self.assertEqual(again.amount_total, invoice.amount_total)
        self.assertEqual(len(self.order.invoice_link_ids), 2)
        self.assertEqual(self.order.service_invoice_count, 2)

    def test_cancel_from_order(self):
        """X2: from the order's card."""
        invoice = self._invoice()
        action = self.order.action_cancel_invoice()
        self.assertEqual(action["context"]["default_move_ids"], invoice.ids)

    def test_reason_needed(self):
        """X2: a cancellation without a reason is refused."""
        invoice = self._invoice()
        with self.assertRaisesRegex(UserError, "reason"):
            invoice._cancel_service_invoices("  ")
        self.assertEqual(invoice.state, "draft")

    def test_paid(self):
        """X1, X4: paid or partly paid is refused, with the way out."""
        invoice = self._invoice(post=True)
        self.assertTrue(self.order.can_cancel_invoice)
        self._pay(invoice, 100)
        self.assertEqual(invoice.payment_state, "partial")
        self.assertFalse(self.order.can_cancel_invoice)
        with self.assertRaisesRegex(UserError, "A paid invoice cannot be cancelled."):
            invoice._cancel_service_invoices("test")
        self._pay(invoice)
        with self.assertRaisesRegex(UserError, "credit note"):
            invoice.action_cancel_service_invoice()
        self.assertEqual(len(self.order.invoice_link_ids.filtered("is_active")), 1)

    def test_cancel_twice(self):
        """X5: already cancelled, drafts and posted ones."""
        for post in (False, True):
            order = self._create_order()
            invoice = self._invoice(order, post=post)
            invoice._cancel_service_invoices("once")
            with self.assertRaisesRegex(
                UserError, "This invoice is already cancelled."
            ):
                invoice._cancel_service_invoices("twice")

    def test_partly_credited(self):
        """X4: a partial credit note leaves the claim; the way out is another one."""
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids[1].quantity = 1
        self.assertTrue(self.order.active_invoice_id)
        credit_note.action_post()
        self.assertEqual(self.order.active_invoice_id, invoice)
        self.assertEqual(self.order.amount_invoiced, 412.5 - 137.5 - 137.5)
        (invoice | credit_note).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        ).reconcile()
        with self.assertRaisesRegex(UserError, "credited in part"):
            invoice._cancel_service_invoices("test")
        self.assertEqual(self.order.line_ids.mapped("qty_to_invoice"), [2.5, 1.0])

    def test_paid_and_credited(self):
        """X9: a paid invoice that was credited in full frees the order."""
        invoice = self._invoice(post=True)
        self._pay(invoice)
        self.assertEqual(self.order.billing_status, "paid")
        draft = self._credit(invoice, post=False)
        self.assertEqual(self.order.active_invoice_id, invoice)
        draft.action_post()
        self.assertFalse(self.order.active_invoice_id)
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.assertEqual(self._invoice(post=True).amount_total, 499.13)

    def test_back_to_life(self):
        """A credit note or invoice taken back is refused beside a newer invoice."""
        self.company.service_invoice_lock = False
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice)
        self.assertFalse(self.order.active_invoice_id)
        credit_note.button_draft()
        self.assertEqual(self.order.active_invoice_id, invoice)
        credit_note.action_post()
        newer = self._invoice()
        with self.assertRaisesRegex(UserError, self.order.name):
            credit_note.button_draft()
        newer._cancel_service_invoices("test")
        self._invoice()
        with self.assertRaisesRegex(UserError, "can not be active again"):
            newer.button_draft()

    def test_draft_again(self):
        """A cancelled draft set back to draft is the order's invoice again."""
        invoice = self._invoice()
        invoice._cancel_service_invoices("test")
        invoice.button_draft()
        self.assertEqual(self.order.active_invoice_id, invoice)
        self.assertFalse(invoice.service_cancel_reason)

    def test_reverse_and_reinvoice(self):
        """“Reverse and create invoice” keeps the order and frees the old claim."""
        invoice = self._invoice(post=True)
        new = self._credit(invoice, modify=True)
        self.assertEqual(self.order.active_invoice_id, new)
        self.assertEqual(new.invoice_line_ids.fsm_order_line_id, self.order.line_ids)
        self.assertEqual(len(self.order.invoice_link_ids), 2)
        self.assertEqual(self.order.billing_status, "draft")
        self.assertEqual(self.order.billing_difference, 0.0)

    def test_copy_claims_nothing(self):
        """A duplicate of an invoice bills no order."""
        invoice = self._invoice()
        copy = invoice.copy()
        self.assertFalse(copy.service_order_link_ids)
        self.assertFalse(copy.is_service_invoice)
        self.assertEqual(self.order.active_invoice_id, invoice)

    def test_delete_draft(self):
        """A deleted draft frees the order, and the order knows."""
        invoice = self._invoice()
        invoice.unlink()
        self.assertFalse(self.order.invoice_link_ids)
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.assertEqual(self.order.amount_to_invoice, 412.5)

    def test_zero_invoice(self):
        """An invoice of nothing is paid at once, and can still be cancelled."""
        order = self._create_order(lines=[{"name": "Goodwill", "price_unit": 0}])
        invoice = self._invoice(order, post=True)
        self.assertEqual(invoice.payment_state, "paid")
        invoice._cancel_service_invoices("test")
        self.assertFalse(order.active_invoice_id)

    def test_consolidated(self):
        """A credit note for one order of a consolidated invoice frees that one."""
        other = self._create_order()
        invoice = (self.order | other)._create_invoices(grouped=True)
        invoice.action_post()
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids = [
            Command.delete(line.id)
            for line in credit_note.invoice_line_ids
            if line.fsm_order_line_id.order_id == other
        ]
        credit_note.action_post()
        self.assertFalse(self.order.active_invoice_id)
        self.assertEqual(other.active_invoice_id, invoice)

    def test_credited_in_two_steps(self):
        """X9: two credit notes that sum to the invoice free the order, though their
        taxes are rounded each on its own; the amounts are those of the documents."""
        self.company.tax_calculation_rounding_method = "round_globally"
        self.tax.amount = 10
        order = self._create_order(
            lines=[
                {"name": "A", "quantity": 2, "price_unit": 1.13},
                {"name": "B", "quantity": 1, "price_unit": 0.07},
            ]
        )
        invoice = self._invoice(order, post=True)
        self.assertEqual(invoice.amount_total, 2.56)
        self.assertEqual(order.invoice_link_ids.amount_total, 2.56)
        first = self._credit(invoice, post=False)
        first.invoice_line_ids[0].quantity = 1
        first.action_post()
        self.assertTrue(order.active_invoice_id)
        second = self._credit(invoice, post=False)
        second.invoice_line_ids[0].quantity = 1
        second.invoice_line_ids[1].unlink()
        second.action_post()
        self.assertEqual(first.amount_total + second.amount_total, 2.56)
        self.assertFalse(order.active_invoice_id)
        self.assertEqual(order.line_ids.mapped("qty_to_invoice"), [2.0, 1.0])

    def test_forgotten_document(self):
        """Lines of a document that does not claim the order count nowhere."""
        invoice = self._invoice(post=True)
        stray = invoice.sudo().with_context(include_business_fields=True).copy()
        self.assertEqual(stray.invoice_line_ids.fsm_order_line_id, self.order.line_ids)
        self.assertEqual(self.order.line_ids.mapped("qty_to_invoice"), [0.0, 0.0])
        invoice._cancel_service_invoices("test")
        self.assertEqual(self.order.line_ids.mapped("qty_to_invoice"), [2.5, 2.0])
