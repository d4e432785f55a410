# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestCreditDraw(ProgressCommon):
    def _reduce(self, line, amount):
        """An approved change order that takes an amount off one item."""
        self._create_change_order(
            {"order_line_id": line.id, "amount": -amount}, approve=True
        )

    def test_credit_draw(self):
        """B7: what is billed above a contract that was reduced is credited by a draw,
        with its retainage, from the last draw back."""
        self._draw(1000, 3000)
        self._draw(4000, 3500)
        self._reduce(self.groundwork, 3500)
        self.assertEqual(self.contract.contract_revised, 6500.0)
        self.assertEqual(self.contract.balance_to_finish, -1000.0)
        credit_notes = self._draw(500, 3500, post=False)
        self.assertEqual(len(credit_notes), 2)
        self.assertEqual(set(credit_notes.mapped("move_type")), {"out_refund"})
        with self.assertRaisesRegex(UserError, "draft credit note"):
            self._draw(500, 3500)
        credit_notes.action_post()
        self.assertEqual(sum(credit_notes.mapped("amount_untaxed")), 3150.0)
        self.assertEqual(self.groundwork.amount_billed, 500.0)
        self.assertEqual(self.contract.progress_billed, 4000.0)
        self.assertEqual(self.contract.retainage_held, 400.0)
        self._draw(500, 6000)
        self.assertEqual(self.contract.billing_status, "invoiced")

    def test_netted(self):
        """B7: a reduction that the rest of the draw outweighs is a line of it."""
        self._draw(4000, 0)
        self._reduce(self.groundwork, 1000)
        draw = self._draw(3000, 5000)
        self.assertEqual(draw.move_type, "out_invoice")
        self.assertEqual(draw.amount_untaxed, 3600.0)
        self.assertEqual(self.contract.progress_billed, 8000.0)

    def test_no_increase(self):
        """A credit draw bills nothing at the same time."""
        self._draw(4000, 0)
        self._reduce(self.groundwork, 3000)
        with self.assertRaisesRegex(UserError, "comes to a credit"):
            self._draw(1000, 10)

    def test_update(self):
        """F1: a draft draw is changed, with what it billed free again."""
        deposit = self._deposit(1210.0)
        draw = self._draw(1000, 0, post=False)
        self.assertEqual(draw.amount_total, 0.0)
        items = self.contract._get_schedule_lines()
        self.contract._update_draw(
            draw,
            {items[0]: 4000, items[1]: 6000},
            retainage_percent=5,
            deposit=1000.0,
        )
        self.assertEqual(draw.amount_total, 12100.0 - 500.0 - 1000.0)
        self.assertEqual(self.contract.deposit_balance, 210.0)
        draw.action_post()
        self.assertEqual(deposit.payment_state, "paid")
        with self.assertRaisesRegex(UserError, "not the last draw"):
            self.contract._update_draw(draw, {items[0]: 10})

    def test_reverse_and_create(self):
        """F2: “Reverse and create” makes the draw anew, with its claim."""
        draw = self._draw(1000, 2000)
        new = self._credit(draw, modify=True)
        claim = new.service_order_link_ids
        self.assertEqual(
            (claim.slot, claim.retainage_percent, claim.work_amount),
            ("draw/1", 10.0, 3000.0),
        )
        self.assertEqual(self.contract.progress_billed, 3000.0)
        new.action_post()
        self.assertEqual(self.contract.retainage_held, 300.0)
        with self.assertRaisesRegex(UserError, "use progress billing|progress draws"):
            self.contract._create_invoices()

    def test_stored(self):
        """B7: stored materials are billed, and when they are installed not again."""
        first = self._draw(0, 1000, stored={self.piping: 2000})
        self.assertEqual(first.amount_untaxed, 2700.0)
        self.assertEqual(self.piping.amount_stored, 2000.0)
        second = self._draw(0, 3000, stored={self.piping: 0}, post=False)
        self.assertEqual(second.amount_untaxed, 0.0)
        second.action_post()
        self.assertEqual(self.piping.amount_stored, 0.0)
        self.assertEqual(self.piping.amount_billed, 3000.0)

    def test_reduced_items_are_settled(self):
        """B7: what is billed too much of one item is not left behind by a draw of
        another."""
        self._draw(4000, 0)
        self._reduce(self.groundwork, 1000)
        with self.assertRaisesRegex(UserError, "beyond its scheduled value"):
            self._draw(4000, 3000)

    def test_draft_credit_note_deleted(self):
        """A draft credit note for an earlier draw can be deleted."""
        first = self._draw(1000, 0)
        self._draw(2000, 0)
        self._credit(first, post=False).unlink()
        self.assertFalse(first.reversal_move_ids)

    def test_replaced_draw(self):
        """B7: a draw that was given up and billed anew counts no more."""
        given_up = self._draw(1000, 0)
        given_up._cancel_service_invoices("wrong")
        self._draw(2000, 0)
        self._draw(3000, 0)
        given_up.service_order_link_ids._check_is_last_draw()
        self.assertEqual(
            self.contract._get_draws().mapped("slot"), ["draw/1", "draw/2"]
        )
