# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import Command, fields
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
        self._credit(invoice, post=False)
        with self.assertRaisesRegex(UserError, "A paid invoice cannot be cancelled."):
            invoice._cancel_service_invoices("test")
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

    def test_cancellation_taken_back(self):
        """X6, F3: without its credit note a cancelled invoice is not cancelled any
        more, and the order is billed by it."""
        self.company.service_invoice_lock = False
        invoice = self._invoice(post=True)
        credit_note = invoice._cancel_service_invoices("test")
        credit_note.button_draft()
        self.assertFalse(invoice.service_cancel_date)
        credit_note.unlink()
        self.assertEqual(self.order.billing_status, "invoiced")
        self.assertEqual(self.order.amount_invoiced, 412.5)
        self.assertEqual(self.order.line_ids.mapped("qty_to_invoice"), [0.0, 0.0])

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

    def test_reinvoice_beside_newer(self):
        """“Reverse and create invoice” is refused, by name, for an order that was
        credited and billed anew before."""
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
        self._invoice()
        with (
            self.assertRaisesRegex(UserError, self.order.name),
            self.env.cr.savepoint(),
        ):
            self._credit(invoice, modify=True)
        self.assertEqual(other.active_invoice_id, invoice)

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

    def test_lines_of_consolidated(self):
        """Never 1: lines that tell an order's share of an issued consolidated invoice
        stay, else its credited claim would come back to life with the next credit note
        for another order."""
        equipment = self.env["fsm.equipment"].create(
            {"name": "Boiler", "list_price": 50}
        )
        other = self._create_order(equipment_ids=[Command.set(equipment.ids)])
        invoice = (self.order | other)._create_invoices(grouped=True)
        invoice.action_post()
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.order_id == self.order
        ).unlink()
        credit_note.action_post()
        with self.assertRaisesRegex(UserError, "set its quantity to zero"):
            other.line_ids[0].unlink()
        other.equipment_ids = False
        other.line_ids.quantity = 0
        other.line_ids = [Command.create({"product_id": self.part.id})]
        other.equipment_ids = equipment
        self.assertEqual(other.amount_to_invoice, 137.5 + 50)
        newer = self._invoice(other, post=True)
        credit_note = self._credit(invoice, post=False)
        lines = credit_note.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.order_id == self.order
        )
        (credit_note.invoice_line_ids - lines[0]).unlink()
        credit_note.action_post()
        self.assertEqual(other.active_invoice_id, newer)
        self.assertEqual(self.order.active_invoice_id, invoice)

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

    def test_credited_unit_by_unit(self):
        """X9: credit notes for all that was billed free the order, though the tax
        that each of them rounds away leaves a cent of the invoice."""
        order = self._create_order(
            lines=[{"name": "A", "quantity": 3, "price_unit": 0.02}]
        )
        invoice = self._invoice(order, post=True)
        self.assertEqual(invoice.amount_total, 0.07)
        for left in (0.05, 0.03, 0.01):
            self.assertEqual(order.active_invoice_id, invoice)
            credit_note = self._credit(invoice, post=False)
            credit_note.invoice_line_ids.quantity = 1
            credit_note.action_post()
            self.assertEqual(invoice.amount_residual, left)
        self.assertFalse(order.active_invoice_id)
        self.assertEqual(order.billing_status, "to_invoice")
        self.assertTrue(self._invoice(order))

    def test_all_units_at_a_lower_price(self):
        """X9: a rebate on all units is no full credit: the rest is more than
        rounding."""
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        for line in credit_note.invoice_line_ids:
            line.price_unit -= 1.0
        credit_note.action_post()
        self.assertEqual(invoice.amount_residual, 5.45)
        self.assertEqual(self.order.active_invoice_id, invoice)

    def test_forgotten_document(self):
        """Lines of a document that does not claim the order count nowhere."""
        invoice = self._invoice(post=True)
        stray = invoice.sudo().with_context(include_business_fields=True).copy()
        self.assertEqual(stray.invoice_line_ids.fsm_order_line_id, self.order.line_ids)
        self.assertEqual(self.order.line_ids.mapped("qty_to_invoice"), [0.0, 0.0])
        invoice._cancel_service_invoices("test")
        self.assertEqual(self.order.line_ids.mapped("qty_to_invoice"), [2.5, 2.0])

    def test_credited_in_another_currency(self):
        """X9: a credit note in another currency counts by what it is worth."""
        currency = self.setup_other_currency("EUR", rates=[("2000-01-01", 200.0)])
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        credit_note.currency_id = currency
        credit_note.action_post()
        self.assertEqual(credit_note.amount_total, 499.13)
        self.assertEqual(self.order.active_invoice_id, invoice)
        self.assertEqual(self.order.invoice_link_ids.credited_total, 2.5)
        self.assertEqual(self.order.amount_invoiced, 412.5 - 2.06)

    def test_partly_credited_unreconciled(self):
        """X3, X4: what a credit note gave back already is not credited again, though
        it is not reconciled with the invoice."""
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids[1].quantity = 1
        credit_note.action_post()
        invoice.line_ids.remove_move_reconcile()
        self.assertEqual(invoice.payment_state, "not_paid")
        self.assertFalse(self.order.can_cancel_invoice)
        with self.assertRaisesRegex(UserError, "credited in part"):
            invoice._cancel_service_invoices("test")

    def test_paid_and_partly_credited(self):
        """X4: partly paid and partly credited is refused as paid."""
        invoice = self._invoice(post=True)
        self._pay(invoice, 100)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids[1].quantity = 1
        credit_note.action_post()
        (invoice | credit_note).line_ids.filtered(
            lambda line: (
                line.account_id.account_type == "asset_receivable"
                and not line.reconciled
            )
        ).reconcile()
        with self.assertRaisesRegex(UserError, "A paid invoice cannot be cancelled."):
            invoice._cancel_service_invoices("test")

    def test_draft_credit_note(self):
        """X3: an invoice with a draft credit note is not credited beside it."""
        invoice = self._invoice(post=True)
        draft = self._credit(invoice, post=False)
        self.assertFalse(self.order.can_cancel_invoice)
        with self.assertRaisesRegex(UserError, "draft credit note"):
            invoice._cancel_service_invoices("test")
        draft.unlink()
        invoice._cancel_service_invoices("test")
        self.assertFalse(self.order.active_invoice_id)

    def test_blocked(self):
        """X3: an invoice whose payment is blocked is unpaid, and can be cancelled."""
        invoice = self._invoice(post=True)
        invoice.action_toggle_block_payment()
        self.assertEqual(invoice.payment_state, "blocked")
        invoice._cancel_service_invoices("test")
        self.assertFalse(self.order.active_invoice_id)

    def test_cancel_dated_ahead(self):
        """X3: the credit note of an invoice dated ahead is not dated before it."""
        invoice = self._invoice()
        invoice.invoice_date = fields.Date.today() + timedelta(days=9)
        invoice.action_post()
        credit_note = invoice._cancel_service_invoices("test")
        self.assertEqual(credit_note.invoice_date, invoice.invoice_date)
        self.assertEqual(invoice.payment_state, "reversed")

    def test_credited_by_price(self):
        """X9: credit notes that lower the price of the same units free each unit
        once."""
        invoice = self._invoice(post=True)
        for labor, part in ((20, 37.5), (35, 100)):
            self.assertEqual(self.order.active_invoice_id, invoice)
            credit_note = self._credit(invoice, post=False)
            credit_note.invoice_line_ids[0].price_unit = labor
            credit_note.invoice_line_ids[1].price_unit = part
            credit_note.action_post()
        self.assertFalse(self.order.active_invoice_id)
        self.assertEqual(self.order.line_ids.mapped("qty_to_invoice"), [2.5, 2.0])
        self.assertEqual(self._invoice().amount_total, 499.13)

    def _credit_by_hand(self, invoice):
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids = [
            Command.clear(),
            Command.create(
                {
                    "name": "All of it",
                    "price_unit": invoice.amount_untaxed,
                    "tax_ids": [Command.set(self.tax.ids)],
                }
            ),
        ]
        credit_note.action_post()

    def test_credited_by_hand(self):
        """X9: a full credit note whose lines name no order line frees the order, to
        be billed anew."""
        self._credit_by_hand(self._invoice(post=True))
        self.assertFalse(self.order.active_invoice_id)
        self.assertEqual(self._invoice().amount_total, 499.13)

    def test_consolidated_credited_by_hand(self):
        """X9: so does one for a consolidated invoice, for each of its orders."""
        orders = self.order | self._create_order()
        invoice = orders._create_invoices(grouped=True)
        invoice.action_post()
        self._credit_by_hand(invoice)
        self.assertFalse(orders.active_invoice_id)
        self.assertEqual(len(orders._create_invoices()), 2)

    def test_consolidated_with_free_order(self):
        """A credit note for one order leaves another that was billed at zero."""
        free = self._create_order(lines=[{"name": "Goodwill", "price_unit": 0}])
        invoice = (self.order | free)._create_invoices(grouped=True)
        invoice.action_post()
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids = [
            Command.delete(line.id)
            for line in credit_note.invoice_line_ids
            if line.fsm_order_line_id != self.order.line_ids[0]
        ]
        credit_note.action_post()
        self.assertEqual(free.active_invoice_id, invoice)
        self.assertEqual(self.order.active_invoice_id, invoice)

    def test_back_and_forth(self):
        """X7, X8: invoices given up and taken back in one transaction never meet."""
        first = self._invoice()
        first._cancel_service_invoices("one")
        second = self._invoice()
        second._cancel_service_invoices("two")
        first.button_draft()
        self.env.flush_all()
        self.assertEqual(self.order.active_invoice_id, first)
        first._cancel_service_invoices("three")
        third = self._invoice(post=True)
        third._cancel_service_invoices("four")
        second.button_draft()
        self.env.flush_all()
        self.assertEqual(self.order.active_invoice_id, second)

    def test_other_slot(self):
        """An invoice comes back beside one that bills another slot of the order."""
        invoice = self._invoice()
        invoice._cancel_service_invoices("test")
        draw = self._invoice(self._create_order())
        self.env["fsm.order.invoice"].sudo().create(
            {"order_id": self.order.id, "move_id": draw.id, "slot": "draw"}
        )
        invoice.button_draft()
        self.assertTrue(all(self.order.invoice_link_ids.mapped("is_active")))
