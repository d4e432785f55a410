# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestHashLock(ServiceInvoicingCommon):
    """D2: the journal is hashed by Odoo. Its integrity check passes after every flow of
    service invoicing, with and without the lock of issued service invoices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.journal = cls.company_data["default_journal_sale"]
        cls.journal.restrict_mode_hash_table = True
        cls.auditor = cls._create_user("fsi_auditor", "account.group_account_user")

    def _assert_hashed(self, *documents):
        """All posted documents of the journal are hashed, and say what they said."""
        for document in documents:
            self.assertTrue(document.inalterable_hash, document.name)
        posted = self.env["account.move"].search(
            [("journal_id", "=", self.journal.id), ("state", "=", "posted")]
        )
        self.assertTrue(posted)
        self.assertTrue(all(posted.mapped("inalterable_hash")))
        self.env.flush_all()
        self.env.invalidate_all()
        company = self.company.with_user(self.auditor)
        results = [
            result
            for result in company._check_hash_integrity()["results"]
            if result["restricted_by_hash_table"] == "V"
        ]
        self.assertTrue(results)
        self.assertEqual({result["status"] for result in results}, {"verified"})

    def _for_each_lock(self):
        for lock in (True, False):
            self.company.service_invoice_lock = lock
            with self.subTest(lock=lock):
                yield lock

    def test_post_and_send(self):
        """Create and post, by the order's buttons, and send."""
        for _lock in self._for_each_lock():
            order = self._create_order()
            self._dialog(order).action_create_draft()
            order.action_post_invoice()
            invoice = order.active_invoice_id
            wizard = (
                self.env["account.move.send.wizard"]
                .with_context(active_model="account.move", active_ids=invoice.ids)
                .create({"sending_methods": []})
            )
            wizard.action_send_and_print()
            self.assertTrue(invoice.invoice_pdf_report_id)
            self._assert_hashed(invoice)

    def test_cancel(self):
        """Cancel a draft and an issued invoice, and bill the order again."""
        for _lock in self._for_each_lock():
            order = self._create_order()
            self._invoice(order)._cancel_service_invoices("draft")
            invoice = self._invoice(order, post=True)
            credit_note = invoice._cancel_service_invoices("issued")
            again = self._invoice(order, post=True)
            self.assertEqual(invoice.payment_state, "reversed")
            self._assert_hashed(invoice, credit_note, again)

    def test_reverse(self):
        """Credit in part, and reverse and create anew by Odoo's dialog."""
        for _lock in self._for_each_lock():
            order = self._create_order()
            invoice = self._invoice(order, post=True)
            partial = self._credit(invoice, post=False)
            partial.invoice_line_ids[0].quantity = 1
            partial.action_post()
            other = self._invoice(self._create_order(), post=True)
            new = self._credit(other, modify=True)
            new.action_post()
            self._assert_hashed(invoice, partial, other, new)

    def test_excess(self):
        """Credit what is billed too much, by the order's button."""
        for _lock in self._for_each_lock():
            order = self._create_order()
            invoice = self._invoice(order, post=True)
            order.line_ids[0].quantity = 1
            order.action_credit_invoice()
            credit_note = self._credit(invoice)
            self._assert_hashed(invoice, credit_note)

    def test_refresh(self):
        """Refresh a draft from the order; an issued invoice does not follow."""
        for _lock in self._for_each_lock():
            order = self._create_order()
            invoice = self._invoice(order)
            order.line_ids[0].quantity = 3
            order.action_refresh_invoice()
            self.assertEqual(invoice.invoice_line_ids[0].quantity, 3)
            invoice.action_post()
            order.line_ids[0].quantity = 4
            with self.assertRaises(UserError):
                order.action_refresh_invoice()
            self._assert_hashed(invoice)

    def test_consolidated(self):
        """Several orders on one invoice, credited for one of them, then cancelled."""
        for _lock in self._for_each_lock():
            orders = self._create_order() | self._create_order()
            invoice = orders._create_invoices(grouped=True)
            self.assertEqual(len(invoice), 1)
            invoice.action_post()
            credit_note = self._credit(invoice, post=False)
            credit_note.invoice_line_ids.filtered(
                lambda line, order=orders[0]: line.fsm_order_line_id.order_id != order
            ).unlink()
            credit_note.action_post()
            again = self._invoice(orders[0], post=True)
            self._assert_hashed(invoice, credit_note, again)

    def test_payment(self):
        """Pay, take the payment back, pay in another currency at another rate: the
        exchange difference is an entry of its own."""
        currency = self.setup_other_currency("EUR", rates=[("2020-01-01", 2)])
        for _lock in self._for_each_lock():
            order = self._create_order()
            order.currency_id = currency
            invoice = self._invoice(order)
            invoice.invoice_date = fields.Date.subtract(fields.Date.today(), days=9)
            invoice.action_post()
            self.env["res.currency.rate"].search(
                [("currency_id", "=", currency.id), ("name", ">", "2020-01-01")]
            ).unlink()
            self.env["res.currency.rate"].create(
                {
                    "currency_id": currency.id,
                    "company_id": self.company.id,
                    "name": fields.Date.subtract(fields.Date.today(), days=1),
                    "rate": 4,
                }
            )
            self._pay(invoice)
            receivable = invoice.line_ids.filtered(
                lambda line: line.display_type == "payment_term"
            )
            self.assertTrue(receivable.matched_credit_ids.exchange_move_id)
            receivable.remove_move_reconcile()
            self.assertEqual(invoice.payment_state, "not_paid")
            self._assert_hashed(invoice)

    def test_cash_basis(self):
        """Taxes due on payment are moved by an entry of their own."""
        self.company.tax_exigibility = True
        transition = self.company_data["default_account_assets"].copy(
            {"reconcile": True}
        )
        self.tax.write(
            {
                "tax_exigibility": "on_payment",
                "cash_basis_transition_account_id": transition.id,
            }
        )
        for _lock in self._for_each_lock():
            invoice = self._invoice(self._create_order(), post=True)
            self._pay(invoice)
            self.assertTrue(invoice.tax_cash_basis_created_move_ids)
            self._assert_hashed(invoice)

    def test_master_data(self):
        """Changes of customer, product, tax and terms leave the chain whole."""
        invoice = self._invoice(post=True)
        partner = invoice.partner_id
        with Form(partner) as form:
            form.name = "Other"
            form.street = "Elsewhere 1"
        group = self.env["res.partner"].create({"name": "Group", "is_company": True})
        with self.assertRaisesRegex(UserError, "hashed"), self.env.cr.savepoint():
            partner.parent_id = group
        self.labor.write({"name": "Other", "uom_id": self.labor.uom_id.id})
        self.tax.write({"amount": 6, "name": "Other"})
        self.order.line_ids[0].write({"quantity": 9, "name": "Other"})
        with Form(invoice) as form:
            form.ref = "PO 1"
        self._assert_hashed(invoice)

    def test_instalments(self):
        """Due dates move, the hash stays."""
        terms = self.env["account.payment.term"].create(
            {
                "name": "Two",
                "line_ids": [
                    Command.create({"value_amount": 30, "nb_days": 0}),
                    Command.create({"value_amount": 70, "nb_days": 30}),
                ],
            }
        )
        self.order.payment_term_id = terms
        invoice = self._invoice(post=True)
        last = invoice.line_ids.filtered("date_maturity")[-1]
        last.with_user(self.accountant).date_maturity = fields.Date.add(
            invoice.invoice_date, days=45
        )
        self._pay(invoice, 100)
        self._assert_hashed(invoice)

    def test_refused_by_both(self):
        """With both locks the refusal is the one that names the way out; with the hash
        lock alone it is Odoo's."""
        for lock in self._for_each_lock():
            invoice = self._invoice(self._create_order(), post=True)
            message = f"{invoice.name} is issued" if lock else "locked|hash"
            for attempt in (
                invoice.button_draft,
                lambda: invoice.write({"date": "2020-01-01"}),  # noqa: B023
                lambda: invoice.invoice_line_ids.write({"name": "x"}),  # noqa: B023
            ):
                with (
                    self.assertRaisesRegex(UserError, message),
                    self.env.cr.savepoint(),
                ):
                    attempt()
            self._assert_hashed(invoice)
