# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.tests import HttpCase, tagged

from .common import ProgressCommon

PHONE = "390x844"


@tagged("post_install", "-at_install")
class TestTours(ProgressCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.accountant.group_ids += cls.env.ref("fieldservice.group_fsm_user")
        tax = {"tax_ids": [Command.set(cls.tax.ids)]}
        section = {"display_type": "line_section", "tax_ids": False}
        cls.contract = cls._create_contract(
            [
                {"name": "Below Ground", **section},
                {"name": "Excavation", "kind": "labor", "price_unit": 4000.0, **tax},
                {"name": "Drains", "kind": "part", "price_unit": 2000.0, **tax},
                {"name": "Above Ground", **section},
                {"name": "Piping", "kind": "part", "price_unit": 4000.0, **tax},
            ],
            name="TOUR-CONTRACT",
        )

    def _tour(self, tour, user, phone=False):
        """What ``user`` does in a browser, beginning on the form of the contract."""
        self.browser_size = PHONE if phone else HttpCase.browser_size
        self.touch_enabled = phone
        self.start_tour(
            f"/odoo/action-fieldservice.action_fsm_operation_order/{self.contract.id}",
            f"fieldservice_invoicing_progress_{tour}",
            login=user.login,
        )
        self.env.invalidate_all()

    def test_deposit_to_release(self):
        """B5, B6, B7, B8: a dispatcher asks for a deposit and draws by the percentage
        of a phase on a phone, then bills the rest; a manager releases the retainage; an
        accountant posts all of it. At the end no account holds a cent too much."""
        self._tour("deposit", self.dispatcher, phone=True)
        self._tour("deposit_paid", self.accountant)
        self.assertEqual(self.contract.deposit_balance, 3630.0)
        self._tour("draw", self.dispatcher, phone=True)
        self._tour("post", self.accountant)
        self._check_ledger(retainage=300.0, deposits=-2000.0, income=-3000.0)
        self._tour("final", self.dispatcher)
        self._tour("post", self.accountant)
        self._check_ledger(retainage=1000.0, deposits=0.0, income=-10000.0)
        self._tour("release", self.manager)
        self._tour("release_posted", self.accountant)
        self._check_ledger(retainage=0.0, deposits=0.0, income=-10000.0)
        self._check_documents()
        self.assertRecordValues(
            self.contract,
            [
                {
                    "billing_status": "invoiced",
                    "progress_billed": 10000.0,
                    "balance_to_finish": 0.0,
                    "retainage_held": 0.0,
                    "deposit_balance": 0.0,
                }
            ],
        )

    def _check_ledger(self, retainage, deposits, income):
        """Check what the ledger holds on accounts of the contract."""
        company = self.company
        claims = self.contract.invoice_link_ids
        work = claims.move_id.invoice_line_ids.filtered(
            lambda line: line.progress_type == "work"
        )
        self.assertEqual(
            [
                self._get_balance(company.service_retainage_account_id),
                self._get_balance(company.downpayment_account_id),
                self._get_balance(work.account_id),
            ],
            [retainage, deposits, income],
        )
        held = self.contract._get_ledger_retainage().get(self.contract, 0.0)
        self.assertEqual(held, self.contract.retainage_held)

    def _check_documents(self):
        """Check who made and posted what, and what the customer owes by it."""
        claims = self.contract.invoice_link_ids.sorted("id")
        self.assertEqual(
            claims.mapped("slot"), ["deposit/1", "draw/1", "draw/2", "release/1"]
        )
        dispatcher, manager = self.dispatcher.id, self.manager.id
        self.assertRecordValues(
            claims.move_id.sorted("id"),
            [
                {
                    "state": "posted",
                    "create_uid": user,
                    "amount_total": total,
                    "amount_residual": residual,
                }
                for user, total, residual in (
                    (dispatcher, 3630.0, 0.0),
                    (dispatcher, 2120.0, 2120.0),
                    (dispatcher, 5350.0, 5350.0),
                    (manager, 1000.0, 1000.0),
                )
            ],
        )
        self.assertEqual(sum(claims.move_id.mapped("amount_tax")), 2100.0)
