# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import SATURDAY, ServiceTimesheetCommon


@tagged("post_install", "-at_install")
class TestBilledEntries(ServiceTimesheetCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.entry = cls._log(2.0)
        cls.other_project = cls.project.sudo().copy()

    def assertLocked(self, entry, invoice):
        """Nothing that is billed of an entry can change; the refusal says why."""
        other = self._create_order(lines=[])
        for values in (
            {"unit_amount": 1.25},
            {"date": SATURDAY},
            {"employee_id": self.bob.id},
            {"product_id": self.part.id},
            {"product_uom_id": self.day.id},
            {"project_id": self.other_project.id},
            {"fsm_order_id": other.id},
            {"fsm_order_id": False},
        ):
            with self.assertRaises(UserError, msg=str(values)) as refused:
                entry.write(values)
            for word in (entry.name, self.order.name, invoice.display_name, "Cancel"):
                self.assertIn(word, refused.exception.args[0])
        with self.assertRaisesRegex(UserError, "billed"):
            entry.unlink()

    def assertFree(self, entry):
        entry.write({"unit_amount": entry.unit_amount + 1.0})
        entry.write({"unit_amount": entry.unit_amount - 1.0})

    def test_draft_locks(self):
        """§7.4: an entry on a draft invoice stays, also for managers and superuser."""
        invoice = self._invoice()
        self.assertLocked(self.entry, invoice)
        with self.assertRaisesRegex(UserError, "billed"):
            self.entry.sudo().unit_amount = 1.0
        self.assertTrue(self.entry.readonly_timesheet)

    def test_same_values(self):
        """Values that an entry has already, and its text, can be written."""
        self._invoice()
        self.entry.write({"unit_amount": 2.0, "employee_id": self.ann.id, "name": "X"})
        self.assertEqual(self.entry.name, "X")

    def test_validation_of_billed(self):
        """A billed entry can be validated, and then stays validated."""
        self._invoice()
        self.entry.action_validate_timesheet()
        with self.assertRaisesRegex(UserError, "billed"):
            self.entry.action_invalidate_timesheet()
        self.assertTrue(self.entry.validated)

    def test_cancelled_draft_frees(self):
        """X7: a cancelled or deleted draft frees its entries."""
        invoice = self._invoice()
        invoice._cancel_service_invoices("wrong")
        self.assertFree(self.entry)
        invoice = self._invoice()
        self.assertLocked(self.entry, invoice)
        invoice.unlink()
        self.assertFree(self.entry)

    def test_full_credit_frees(self):
        """§7.4: a posted full credit note frees what it credited, a draft one not."""
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        self.assertLocked(self.entry, invoice)
        credit_note.action_post()
        self.assertFree(self.entry)

    def test_partial_credit_frees_nothing(self):
        """§7.4: a credit note for a part of the hours frees none of them."""
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.quantity = 1.0
        credit_note.action_post()
        self.assertLocked(self.entry, invoice)

    def test_credit_of_one_line(self):
        """§7.4: of two lines the entries of the credited one are free."""
        self.company.service_timesheet_grouping = "entry"
        other = self._log(1.0)
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        kept = self._get_labor_lines().filtered(lambda line: line.quantity == 2.0)
        credit_note.invoice_line_ids = [
            Command.delete(line.id)
            for line in credit_note.invoice_line_ids
            if line.fsm_order_line_id == kept
        ]
        credit_note.action_post()
        self.assertFree(other)
        self.assertLocked(self.entry, invoice)

    def test_overtime_locks(self):
        """§7.4: an entry on two lines is free when both are credited."""
        self.labor.write(
            {
                "service_labor_calendar_id": self._create_calendar().id,
                "service_labor_overtime": 1.5,
            }
        )
        self.entry.unit_amount = 9.0
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids = [
            Command.delete(line.id)
            for line in credit_note.invoice_line_ids
            if line.quantity == 1.0
        ]
        credit_note.action_post()
        self.assertLocked(self.entry, invoice)

    def test_reverse_and_reinvoice(self):
        """An invoice that is made anew bills the entries of the one it replaces."""
        invoice = self._invoice(post=True)
        late = self._log(1.0)
        new = self._credit(invoice, modify=True)
        self.assertEqual(new.state, "draft")
        self.assertLocked(self.entry, new)
        self.assertFree(late)

    def test_late_entry(self):
        """C16: time that is logged after billing is free and shows on the card."""
        invoice = self._invoice(post=True)
        late = self._log(1.0)
        line = self._get_labor_lines()
        self.assertEqual(line.timesheet_ids, self.entry + late)
        self.assertEqual(self.order.billing_difference, 55.0)
        self.assertLocked(self.entry, invoice)
        self.assertFree(late)
        late.unlink()
        self.assertEqual(self.order.billing_difference, 0.0)

    def test_refreshed_draft(self):
        """C16: a draft that is refreshed bills, and locks, what was logged since."""
        invoice = self._invoice()
        late = self._log(1.0)
        self.order.action_refresh_invoice()
        self.assertEqual(invoice.amount_untaxed, 165.0)
        self.assertLocked(late, invoice)

    def test_correction_after_billing(self):
        """C16: less time after billing is to be credited; the dialog proposes it."""
        invoice = self._invoice(post=True)
        self._log(-0.5)
        self.assertEqual(self.order.billing_difference, -27.5)
        credit_note = self._credit(invoice)
        self.assertEqual(credit_note.amount_untaxed, 27.5)
        self.assertEqual(self.order.billing_difference, 0.0)

    def test_settings_after_billing(self):
        """C16: another grouping or labor product changes nothing that is billed."""
        self._invoice(post=True)
        self.company.service_timesheet_grouping = "entry"
        self.company.service_labor_product_id = self._create_service_product(
            "Other", "service", 99.0
        )
        self.order._follow_sources()
        self.assertLabor([(2.0, 55.0)])
        self.assertEqual(self.order.billing_difference, 0.0)

    def test_correction_with_other_product(self):
        """C16: a correction lowers what was billed, whatever product time has now."""
        self._invoice(post=True)
        other = self._create_service_product("Other", "service", 99.0)
        self.company.service_labor_product_id = other
        self._log(-0.5)
        self.assertLabor([(1.5, 55.0)])
        self.assertEqual(self.order.billing_difference, -27.5)

    def test_all_entries_undone(self):
        """C16: the line of a billed order falls to zero and is not lost."""
        self._invoice(post=True)
        self._log(-2.0)
        self.assertLabor([(0.0, 55.0)])
        self.assertEqual(self.order.billing_difference, -110.0)
