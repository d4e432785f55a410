# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from ..hooks import uninstall_hook
from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestDocuments(ServiceInvoicingCommon):
    def test_draft(self):
        """D1, F1: a draft has no number, is editable and can be deleted."""
        invoice = self._invoice()
        self.assertFalse(invoice.name)
        with Form(invoice) as form:
            form.invoice_date = fields.Date.to_date("2026-01-31")
            with form.invoice_line_ids.edit(0) as line:
                line.price_unit = 60.0
        self.assertEqual(invoice.amount_untaxed, 425.0)
        invoice.unlink()
        self.assertEqual(self.order.billing_status, "to_invoice")

    def test_numbers(self):
        """D1: consecutive numbers, also over a cancellation."""
        numbers = []
        for _i in range(3):
            invoice = self._invoice(post=True)
            numbers.append(invoice.sequence_number)
            invoice._cancel_service_invoices("test")
        self.assertEqual(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2])

    def test_issued(self):
        """D2: an issued invoice, and its credit note, is not edited, reset or
        deleted, whoever asks; payments and notes still work."""
        invoice = self._invoice(post=True)
        credit_note = self._credit(self._invoice(self._create_order(), post=True))
        for document in (invoice, credit_note):
            line = document.invoice_line_ids[0]
            for name, attempt in (
                ("reset", document.button_draft),
                ("cancel", document.button_cancel),
                ("state", lambda d=document: d.write({"state": "draft"})),
                (
                    "partner",
                    lambda d=document: d.write({"partner_id": self.partner_b.id}),
                ),
                ("name", lambda d=document: d.write({"name": "INV/1999/1"})),
                ("price", lambda x=line: x.write({"price_unit": 1})),
                ("text", lambda x=line: x.write({"name": "Other"})),
                ("line", line.unlink),
                ("delete", document.with_context(force_delete=True).unlink),
                (
                    "new line",
                    lambda d=document: self.env["account.move.line"].create(
                        {"move_id": d.id, "name": "x", "price_unit": 1}
                    ),
                ),
            ):
                with (
                    self.subTest(name),
                    self.assertRaises(UserError),
                    self.env.cr.savepoint(),
                ):
                    attempt()
        self.assertFalse(invoice.show_reset_to_draft_button)
        invoice.payment_reference = "Thanks"
        invoice.message_post(body="Called the customer")
        self._pay(invoice)
        self.assertEqual(self.order.billing_status, "paid")

    def test_lock_is_a_setting(self):
        """D2: without the company's lock Odoo's own rules hold; other invoices are
        never touched."""
        other = self.init_invoice("out_invoice", products=self.labor, post=True)
        self.assertTrue(other.show_reset_to_draft_button)
        other.button_draft()
        self.company.service_invoice_lock = False
        invoice = self._invoice(post=True)
        self.assertTrue(invoice.show_reset_to_draft_button)
        invoice.button_draft()
        self.assertEqual(invoice.state, "draft")

    def test_tax_by_rate(self):
        """D7: tax per line after its discount; base and tax by rate in the footer."""
        group = self.env["account.tax.group"].create({"name": "Reduced"})
        six = self.env["account.tax"].create(
            {"name": "6%", "amount": 6, "tax_group_id": group.id}
        )
        self.order.line_ids = [
            Command.create(
                {
                    "name": "Insulation",
                    "quantity": 3,
                    "price_unit": 100,
                    "discount_type": "percent",
                    "discount_value": 10,
                    "tax_ids": [Command.set(six.ids)],
                }
            )
        ]
        totals = self._invoice().tax_totals
        by_group = {
            tax_group["group_name"]: (
                tax_group["display_base_amount_currency"],
                tax_group["tax_amount_currency"],
            )
            for tax_group in totals["subtotals"][0]["tax_groups"]
        }
        self.assertEqual(by_group["Reduced"], (270.0, 16.2))
        self.assertEqual(by_group[self.tax.tax_group_id.name], (412.5, 86.63))
        self.assertEqual(totals["total_amount_currency"], 412.5 + 270 + 86.63 + 16.2)

    def test_printed_discount(self):
        """D5: a discount as an amount is on the printed invoice."""
        self.order.line_ids[1].write({"discount_type": "amount", "discount_value": 5})
        invoice = self._invoice(post=True)
        html = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", invoice.ids
        )[0]
        self.assertIn("service_discount_amount", html.decode())
        self.assertIn("5.00", html.decode())

    def test_uninstall(self):
        """Without the addon an issued invoice still prints the totals of its journal
        items, though only the addon knows of discounts by amount."""
        self.order.line_ids[1].write(
            {"discount_type": "amount", "discount_value": 50.01}
        )
        invoice = self._invoice()
        invoice.invoice_line_ids[1].discount = 12.5
        invoice.action_post()
        line = invoice.invoice_line_ids[1]
        before = invoice.tax_totals, line.price_subtotal, line.balance
        self.assertEqual(invoice.tax_totals["base_amount_currency"], 328.12)
        uninstall_hook(self.env)
        self.assertFalse(line.service_discount_amount)
        self.assertEqual(line.discount, 12.5)
        self.assertAlmostEqual(line.price_unit, 137.5 - 50.01 / 2 / 0.875)
        invoice.invalidate_recordset()
        after = invoice.tax_totals, line.price_subtotal, line.balance
        self.assertEqual(after, before)

    def test_changed_tax(self):
        """D8: a changed rate or default tax reaches new invoices only."""
        issued = self._invoice(post=True)
        waiting = self._create_order()
        self.tax.amount = 22
        self.env.invalidate_all()
        self.assertEqual(issued.amount_tax, 86.63)
        self.assertEqual(issued.tax_totals["tax_amount_currency"], 86.63)
        self.assertEqual(waiting.card_tax, 90.75)
        self.assertEqual(self._invoice(waiting).amount_tax, 90.75)
        six = self.env["account.tax"].create({"name": "6%", "amount": 6})
        self.part.taxes_id = six
        self.labor.taxes_id = six
        self.assertEqual(issued.amount_tax, 86.63)
        self.assertEqual(self._invoice(self._create_order()).amount_tax, 24.75)
