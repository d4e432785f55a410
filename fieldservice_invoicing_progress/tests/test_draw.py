# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestDraw(ProgressCommon):
    def test_draws(self):
        """B7: draws are cumulative, each bills what was completed since the last; the
        final one takes the contract to exactly 100 %."""
        first = self._draw(1000, 0)
        self.assertRecordValues(
            first,
            [{"amount_untaxed": 900.0, "amount_tax": 210.0, "amount_total": 1110.0}],
        )
        second = self._draw(4000, 1500)
        self.assertRecordValues(second, [{"amount_untaxed": 4050.0}])
        self.assertRecordValues(
            self.contract,
            [
                {
                    "contract_original": 10000.0,
                    "contract_revised": 10000.0,
                    "progress_billed": 5500.0,
                    "progress_percent": 55.0,
                    "balance_to_finish": 4500.0,
                    "retainage_held": 550.0,
                    "billing_status": "progress",
                }
            ],
        )
        self._draw(4000, 6000)
        self.assertEqual(self.contract.progress_billed, 10000.0)
        self.assertEqual(self.contract.balance_to_finish, 0.0)
        self.assertEqual(self.contract.billing_status, "invoiced")
        with self.assertRaisesRegex(UserError, "billed in full"):
            self._draw(4000, 6000)

    def test_deposit(self):
        """B5, B6: a deposit is held on the order once it is paid, and applied by draws,
        never more than is paid and left nor more than the invoice."""
        deposit = self._deposit(2420.0, paid=False)
        self.assertRecordValues(
            deposit, [{"amount_untaxed": 2000.0, "amount_total": 2420.0}]
        )
        deposit.action_post()
        self.assertEqual(self.contract.deposit_balance, 0.0)
        self._pay(deposit)
        self.assertEqual(self.contract.deposit_balance, 2420.0)
        account = self.company.downpayment_account_id
        self.assertEqual(self._get_balance(account), -2000.0)
        draw = self._draw(1000, 0)
        self.assertEqual(draw.amount_total, 0.0)
        self.assertEqual(self.contract.deposit_balance, 1310.0)
        self._draw(4000, 0)
        self.assertEqual(self.contract.deposit_balance, 0.0)
        self.assertEqual(self._get_balance(account), 0.0)
        lines = self.contract.invoice_link_ids.move_id.line_ids
        deposits = lines.filtered(lambda line: line.account_id == account)
        self.assertTrue(all(deposits.mapped("reconciled")))

    def test_release(self):
        """B8: retainage is held on its own account until a release invoice."""
        self._draw(4000, 6000)
        account = self.company.service_retainage_account_id
        self.assertEqual(self._get_balance(account), 1000.0)
        release = self.contract._release_retainage(400.0)
        release.action_post()
        self.assertEqual(release.amount_total, 400.0)
        self.assertEqual(self.contract.retainage_held, 600.0)
        self.assertEqual(self._get_balance(account), 600.0)
        self.contract._release_retainage().action_post()
        self.assertEqual(self._get_balance(account), 0.0)
        self.assertEqual(self.contract._get_ledger_retainage(), {self.contract: 0.0})

    def test_release_with_tax(self):
        """B8: the tax on retainage can wait until it is released."""
        self.company.service_retainage_tax_point = "release"
        draw = self._draw(4000, 6000)
        self.assertRecordValues(
            draw, [{"amount_untaxed": 9000.0, "amount_tax": 1890.0}]
        )
        release = self.contract._release_retainage()
        self.assertRecordValues(
            release, [{"amount_untaxed": 1000.0, "amount_tax": 210.0}]
        )

    def test_over_billing(self):
        """B7: more than the scheduled value is refused, with the amount."""
        with self.assertRaisesRegex(UserError, r"beyond its scheduled value"):
            self._draw(4000.01, 0)

    def test_only_last_cancelled(self):
        """B7: only the last draw can be cancelled, and is billed anew with the same
        number."""
        first, second = self._draw(1000, 0), self._draw(2000, 0)
        with self.assertRaisesRegex(UserError, "Only the last draw"):
            first._cancel_service_invoices("wrong")
        second._cancel_service_invoices("wrong")
        self.assertEqual(self.contract.progress_billed, 1000.0)
        self.assertEqual(self.contract.retainage_held, 100.0)
        third = self._draw(1500, 0)
        self.assertEqual(third.service_order_link_ids.slot, "draw/2")
        self.assertEqual(third.amount_untaxed, 450.0)

    def test_phases(self):
        """B7: a draw has each item below its phase, and no phase without an item; the
        order shows the draw that was created last."""
        order = self._create_contract(
            [
                {"display_type": "line_section", "name": "Below", "tax_ids": False},
                {"name": "Groundwork", "price_unit": 4000.0},
                {"display_type": "line_section", "name": "Above", "tax_ids": False},
                {"name": "Piping", "price_unit": 6000.0},
                {"display_type": "line_section", "name": "Finish", "tax_ids": False},
                {"name": "Paint", "price_unit": 1000.0},
            ]
        )
        draw = self._draw(1000, 2000, order=order)
        self.assertEqual(
            draw.invoice_line_ids.sorted().mapped("name"),
            ["Below", "Groundwork", "Above", "Piping", "Retainage"],
        )
        self.assertEqual(order.active_invoice_id, draw)
        second = self._draw(1000, 2000, 500, order=order)
        self.assertEqual(order.active_invoice_id, second)

    def test_chatter(self):
        """F6: the order's chatter says which draw an invoice is."""
        draw = self._draw(1000, 0)
        bodies = " ".join(self.contract.message_ids.mapped("body"))
        self.assertRegex(bodies, f"Invoice posted: .*{draw.name}.*Progress Draw 1")

    def test_release_of_cancelled_order(self):
        """B8: what was withheld on a job that is called off is still released."""
        self._draw(1000, 0)
        self.contract.action_cancel()
        self.assertEqual(self.contract.stage_id, self.stage_cancelled)
        self.assertTrue(self.contract.can_release_retainage)
        self.assertEqual(self.contract._release_retainage().amount_total, 100.0)
        with self.assertRaisesRegex(UserError, "not invoiceable"):
            self._draw(2000, 0)
