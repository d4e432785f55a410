# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestExclusions(ServiceInvoicingCommon):
    """B4: what the customer is not charged for, and how much at most."""

    def _exclude(self, reason="warranty"):
        line = self.order.line_ids[1]
        line.non_billable_reason = reason
        return line

    def test_left_off(self):
        """B4: a line that is not charged is left off the invoice by default."""
        line = self._exclude()
        invoice = self._invoice()
        self.assertNotIn(line, invoice.invoice_line_ids.fsm_order_line_id)
        self.assertAlmostEqual(invoice.amount_untaxed, 137.5)

    def test_shown_at_no_charge(self):
        """B4: shown at no charge the line says why, costs nothing and is not taxed,
        neither by percentage nor by quantity; announced = invoiced."""
        self.company.service_excluded_lines = "no_charge"
        eco = self.env["account.tax"].create(
            {"name": "Eco", "amount_type": "fixed", "amount": 3.0}
        )
        line = self._exclude()
        line.tax_ids += eco
        total = self._dialog().amount_total
        invoice = self._invoice(post=True)
        shown = invoice.invoice_line_ids.filtered(
            lambda item: item.fsm_order_line_id == line
        )
        self.assertRecordValues(
            shown,
            [{"quantity": 2.0, "price_unit": 0.0, "price_total": 0.0, "tax_ids": []}],
        )
        self.assertIn("No charge: Warranty", shown.name)
        self.assertAlmostEqual(invoice.amount_untaxed, 137.5)
        self.assertAlmostEqual(invoice.amount_total, total)

    def test_no_charge_under_another_tax(self):
        """B4, C8: one tax for all lines does not reach what is not charged."""
        self.company.service_excluded_lines = "no_charge"
        self._exclude()
        invoice = self._invoice(tax_treatment="tax", tax=self.tax)
        self.assertEqual(
            invoice.invoice_line_ids.mapped("tax_ids"), self.tax, "the labor's"
        )
        self.assertAlmostEqual(invoice.amount_untaxed, 137.5)

    def test_no_charge_in_the_language_of_the_bill_to(self):
        """B4: the reason is written in the bill-to's language."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.company.service_excluded_lines = "no_charge"
        field = self.env["ir.model.fields.selection"].search(
            [("field_id.name", "=", "non_billable_reason"), ("value", "=", "warranty")]
        )
        field.with_context(lang="fr_FR").name = "Garantie"
        self.order.bill_to_id.lang = "fr_FR"
        self._exclude()
        self.assertIn("Garantie", self._invoice().invoice_line_ids[1].name)

    def test_nothing_but_exclusions(self):
        """B4, C12: an order with excluded lines only has nothing to bill, also when
        they would be shown."""
        self.company.service_excluded_lines = "no_charge"
        self.order.line_ids.non_billable_reason = "contract"
        with self.assertRaisesRegex(UserError, "None of its order lines is billable"):
            self._invoice()

    def test_excluded_unit_that_is_not_included(self):
        """B4, C7: a unit on warranty is not shown when units are left out."""
        self.company.service_excluded_lines = "no_charge"
        equipment = self.env["fsm.equipment"].create(
            {"name": "Boiler", "list_price": 900, "company_id": self.company.id}
        )
        self.order.equipment_ids = [Command.set(equipment.ids)]
        unit = self.order.line_ids.filtered("equipment_id")
        unit.non_billable_reason = "warranty"
        invoice = self._invoice(include_unit_price=False)
        self.assertNotIn(unit, invoice.invoice_line_ids.fsm_order_line_id)

    def test_not_to_exceed(self):
        """B4: an invoice above the agreed amount is refused and says by how much; up
        to it, it is made. The dialog warns."""
        self.order.not_to_exceed = 400.0
        self.assertTrue(self._dialog().is_above_limit)
        with (
            self.assertRaisesRegex(UserError, r"412\.50.*12\.50.*400\.00") as refusal,
            self.cr.savepoint(),
        ):
            self._invoice()
        self.assertIn(self.order.name, str(refusal.exception))
        self.order.not_to_exceed = 412.5
        self.assertFalse(self._dialog().is_above_limit)
        self.assertTrue(self._invoice(post=True))

    def test_at_no_charge_is_not_credited(self):
        """B4, F2: a line at no charge is nothing to credit: the dialog takes the whole
        invoice."""
        self.company.service_excluded_lines = "no_charge"
        self._exclude()
        invoice = self._invoice(post=True)
        self.assertFalse(self._open_reversal(invoice).has_excess)
        credit_note = self._credit(invoice)
        self.assertEqual(credit_note.amount_total, invoice.amount_total)

    def test_not_to_exceed_leaves_nothing(self):
        """B4, design 7.5: the refused creation leaves neither invoice nor claim."""
        self.order.not_to_exceed = 400.0
        before = self.env["account.move"].search_count([])
        with self.assertRaises(UserError), self.cr.savepoint():
            self._invoice()
        self.assertEqual(self.env["account.move"].search_count([]), before)
        self.assertFalse(self.order.invoice_link_ids)

    def test_not_to_exceed_at_posting(self):
        """B4: what is added to the draft by hand counts too when it is posted."""
        self.order.not_to_exceed = 412.5
        invoice = self._invoice()
        invoice.invoice_line_ids = [
            Command.create({"name": "By hand", "price_unit": 1.0, "quantity": 1})
        ]
        with self.assertRaisesRegex(UserError, r"1\.00 above"):
            invoice.action_post()

    def test_not_to_exceed_on_refresh(self):
        """B4, C16: refreshing the draft goes by the agreed amount."""
        self.order.not_to_exceed = 412.5
        self._invoice()
        self.order.line_ids[0].quantity = 3
        with self.assertRaisesRegex(UserError, "not-to-exceed"):
            self.order.action_refresh_invoice()

    def test_not_to_exceed_of_each_order(self):
        """B4, C17: on an invoice of several orders each keeps to its own limit."""
        other = self._create_order()
        other.not_to_exceed = 412.5
        invoice = (self.order | other)._create_invoices(grouped=True)
        self.assertEqual(len(invoice), 1)
        third, fourth = self._create_order(), self._create_order()
        fourth.not_to_exceed = 400.0
        with self.assertRaisesRegex(UserError, fourth.name):
            (third | fourth)._create_invoices(grouped=True)

    def test_who_sets_the_limit(self):
        """B4, section 5: dispatchers and those who invoice change the limit, a worker
        does not."""
        self._create_users()
        with self.assertRaisesRegex(AccessError, self.order.name):
            self.order.with_user(self.worker).not_to_exceed = 9999.0
        self.order.with_user(self.plain_dispatcher).not_to_exceed = 500.0
        self.order.with_user(self.dispatcher).not_to_exceed = 600.0
        self.assertEqual(self.order.not_to_exceed, 600.0)
