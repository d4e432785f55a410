# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged, users

from odoo.addons.fieldservice_invoicing.tests.common import GeneratedOrdersCommon

from .common import DialogCommon, ProgressCommon


@tagged("post_install", "-at_install")
class TestDrawDialog(DialogCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.phased = cls._create_contract(
            [
                {"display_type": "line_section", "name": "Ground", "sequence": 1},
                {"name": "Digging", "price_unit": 999.99, "sequence": 2},
                {"name": "Concrete", "price_unit": 3000.0, "sequence": 3},
                {"display_type": "line_section", "name": "House", "sequence": 4},
                {
                    "name": "Pipe",
                    "kind": "part",
                    "price_unit": 15.0,
                    "quantity": 400.0,
                    "sequence": 5,
                },
            ]
        )

    def _get_line(self, wizard, name):
        return wizard.line_ids.filtered(lambda line: line.name == name)

    def test_phases_in_form(self):
        """B7: a percentage on a phase sets that of its lines, which can be changed one
        by one; each line says what it comes to, and the dialog what is invoiced."""
        with self._open_form(self.phased.action_create_draw()) as form:
            names = [form.line_ids.edit(i).name for i in range(len(form.line_ids))]
            self.assertEqual(names, ["Ground", "Digging", "Concrete", "House", "Pipe"])
            with form.line_ids.edit(0) as phase:
                phase.phase_percent = 50
            with form.line_ids.edit(2) as line:
                self.assertEqual(line.percent, 50)
                line.percent = 10
            with form.line_ids.edit(1) as line:
                self.assertEqual((line.percent, line.completed), (50, 500.0))
            with form.line_ids.edit(0) as phase:
                self.assertEqual(phase.scheduled, 3999.99)
                self.assertEqual(phase.this_period, 800.0)
                self.assertEqual(phase.balance, 3199.99)
            self.assertEqual(form.amount_work, 800.0)
            self.assertEqual(form.amount_retainage, -80.0)
            self.assertEqual(form.amount_total, 888.0)
        wizard = form.record
        self.assertRecordValues(wizard, [{"amount_work": 800.0, "amount_total": 888.0}])
        wizard.action_create_draft()
        draw = self.phased._get_draws().move_id
        self.assertEqual(draw.amount_total, 888.0)

    def test_phases_over_rpc(self):
        """B7: over RPC a percentage on a phase does the same as in the form."""
        phase, digging, concrete, _house, _pipe = self.phased.line_ids
        wizard = self._create_dialog(
            self.phased.action_create_draw(),
            line_ids=[
                Command.create({"order_line_id": phase.id, "phase_percent": 50}),
                Command.create({"order_line_id": digging.id}),
                Command.create({"order_line_id": concrete.id, "percent": 10}),
            ],
        )
        self.assertRecordValues(wizard, [{"amount_work": 800.0, "amount_total": 888.0}])
        wizard = self._create_dialog(self.phased.action_create_draw())
        self._get_line(wizard, "Ground").phase_percent = 50
        self._get_line(wizard, "Concrete").percent = 10
        self.assertRecordValues(wizard, [{"amount_work": 800.0, "amount_total": 888.0}])
        self._get_line(wizard, "Ground").phase_percent = 60
        self.assertEqual(wizard.amount_work, 2399.99)

    def test_amounts(self):
        """B7: by the amount of the period; what is billed before counts, and stored
        materials that are installed are not billed twice."""
        _phase, digging, _concrete, _house, pipe = self.phased.line_ids
        draw = self.phased._create_draw({digging: 100.0}, {pipe: 450.0})
        draw.action_post()
        wizard = self._create_dialog(
            self.phased.action_create_draw(), entry_method="amount"
        )
        line = self._get_line(wizard, "Pipe")
        self.assertRecordValues(
            line,
            [
                {
                    "billed": 450.0,
                    "stored_before": 450.0,
                    "stored": 450.0,
                    "balance": 5550,
                }
            ],
        )
        line.write({"work_amount": 600.0, "stored": 150.0})
        self._get_line(wizard, "Digging").work_amount = 0.01
        self.assertRecordValues(
            line, [{"completed": 600.0, "this_period": 300.0, "balance": 5250.0}]
        )
        self.assertEqual(wizard.amount_work, 300.01)
        wizard.action_create_draft()
        self.assertRecordValues(
            self.phased._get_draws()[-1], [{"number": 2, "work_amount": 300.01}]
        )
        self.assertEqual(pipe.amount_stored, 150.0)

    def test_quantities(self):
        """B7: by quantities installed and stored, at the unit value of the scheduled
        value."""
        wizard = self._create_dialog(
            self.phased.action_create_draw(), entry_method="quantity"
        )
        line = self._get_line(wizard, "Pipe")
        line.write({"quantity_done": 100.0, "quantity_stored": 20.0})
        self.assertRecordValues(
            line,
            [{"completed": 1500.0, "stored": 300.0, "this_period": 1800.0}],
        )
        line.quantity_done = 400.01
        self.assertTrue(wizard.is_excess)
        with self.assertRaisesRegex(UserError, "beyond its scheduled value"):
            wizard.action_create_draft()

    def test_change_of_method(self):
        """B7: what was entered stays to the cent when another way to enter is chosen,
        also when it is no round percentage or quantity."""
        with self._open_form(self.phased.action_create_draw()) as form:
            form.entry_method = "amount"
            with form.line_ids.edit(2) as line:
                line.work_amount = 0.07
            with form.line_ids.edit(4) as line:
                line.work_amount = 1000.01
                line.stored = 77.77
            for method in ("quantity", "percent", "amount", "quantity"):
                form.entry_method = method
                self.assertEqual(form.amount_work, 1077.85)
        self.assertEqual(form.record.amount_work, 1077.85)
        form.record.action_create_draft()
        self.assertEqual(self.phased.progress_billed, 1077.85)

    def test_bill_rest(self):
        """B7: Bill the Rest takes every item to exactly 100 %, by any method."""
        _phase, digging, _concrete, _house, pipe = self.phased.line_ids
        self.phased._create_draw({digging: 0.01}, {pipe: 3.33}).action_post()
        for method in ("percent", "amount", "quantity"):
            wizard = self._create_dialog(
                self.phased.action_create_draw(), entry_method=method
            )
            action = wizard.action_bill_rest()
            self.assertEqual(action["res_id"], wizard.id)
            self.assertEqual(wizard.amount_work, 9999.99 - 3.34)
            self.assertEqual(set(wizard.line_ids.mapped("balance")), {0.0})
        wizard.action_create_draft()
        self.phased._get_draws()[-1].move_id.action_post()
        self.assertEqual(self.phased.progress_billed, 9999.99)
        self.assertEqual(self.phased.balance_to_finish, 0.0)

    def test_item_that_is_not_touched(self):
        """B7: an item whose amount is no round percentage stays as it was billed."""
        self._draw(1.11, 3333.33)
        wizard = self._create_dialog(self.contract.action_create_draw())
        self.assertEqual(wizard.amount_work, 0.0)
        wizard.line_ids[0].percent = 50
        self.assertEqual(wizard.amount_work, 1998.89)
        with self.assertRaisesRegex(UserError, "nothing to bill"):
            self._create_dialog(
                self.contract.action_create_draw()
            ).action_create_draft()

    def test_retainage(self):
        """B8: the percentage of the contract is proposed and changed for one draw."""
        wizard = self._create_dialog(self.contract.action_create_draw())
        self.assertEqual(wizard.retainage_percent, 10.0)
        wizard.line_ids[0].percent = 50
        wizard.retainage_percent = 5
        self.assertEqual(wizard.amount_retainage, -100.0)
        wizard.action_create_draft()
        self.assertEqual(self.contract.retainage_held, 100.0)
        self.assertEqual(self.contract.retainage_percent, 10.0)

    def test_deposit(self):
        """B6: all that is available of the deposit is proposed, follows what is billed,
        and less or nothing of it can be applied; more is refused."""
        self._deposit(1210.0)
        with self._open_form(self.contract.action_create_draw()) as form:
            self.assertEqual(form.deposit, 0.0)
            with form.line_ids.edit(0) as line:
                line.percent = 10
            self.assertEqual((form.deposit, form.amount_total), (444.0, 0.0))
            with form.line_ids.edit(0) as line:
                line.percent = 100
            self.assertEqual((form.deposit, form.amount_total), (1210.0, 3230.0))
            self.assertEqual(form.amount_deposit, -1000.0)
            form.deposit = 0.0
            with form.line_ids.edit(1) as line:
                line.percent = 100
            self.assertEqual(form.deposit, 0.0)
        wizard = form.record
        self.assertEqual(wizard.amount_total, 11100.0)
        wizard.deposit = 1210.01
        with self.assertRaisesRegex(UserError, "can not be applied"):
            wizard.action_create_draft()
        wizard.deposit = 0.0
        wizard.action_create_draft()
        self.assertEqual(self.contract.deposit_balance, 1210.0)
        draw = self.contract._get_draws().move_id
        self.assertEqual(draw.amount_total, 11100.0)

    def test_change(self):
        """B7, D1: Change Draw opens with what the draft says, and saves it."""
        self._deposit(121.0)
        self._draw(500, 0, deposit=0.0)
        draft = self._draw(
            1000, 333.33, post=False, stored={self.piping: 50.0}, retainage_percent=5.0
        )
        total = draft.amount_total
        wizard = self._create_dialog(self.contract.action_change_draw())
        self.assertRecordValues(
            wizard,
            [
                {
                    "move_id": draft.id,
                    "number": 2,
                    "retainage_percent": 5.0,
                    "deposit": 121.0,
                    "amount_work": 883.33,
                    "amount_total": total,
                }
            ],
        )
        self.assertRecordValues(
            wizard.line_ids,
            [
                {"billed": 500.0, "completed": 1000.0, "stored": 0.0},
                {"billed": 0.0, "completed": 333.33, "stored": 50.0},
            ],
        )
        wizard.line_ids[1].percent = 10
        wizard.action_create_draft()
        self.assertEqual(self.contract._get_draws().move_id[-1], draft)
        self.assertEqual(self.contract.progress_billed, 1650.0)
        self.assertEqual(draft.amount_total, wizard.amount_total)
        draft.action_post()
        with self.assertRaisesRegex(UserError, "no draft draw"):
            self.contract.action_change_draw()
        with self.assertRaisesRegex(UserError, "not the last draw"):
            wizard.action_create_draft()

    def test_change_keeps_deposit(self):
        """B6: Change Draw leaves the deposit that the draft applies, also none of it,
        until someone enters more."""
        self._deposit(1210.0)
        draft = self._draw(4000, 0, post=False, deposit=500.0)
        for deposit in (500.0, 0.0, 1210.0):
            wizard = self._create_dialog(self.contract.action_change_draw())
            self.assertEqual(wizard.deposit_limit, 1210.0)
            wizard.deposit = deposit
            wizard.action_create_draft()
            self.assertEqual(draft.amount_total, 4440.0 - deposit)
            wizard = self._create_dialog(self.contract.action_change_draw())
            self.assertEqual(wizard.deposit, deposit)
            wizard.line_ids[0].percent = 99
            self.assertEqual(wizard.deposit, deposit)

    def test_redone(self):
        """B7, X7: a draw billed anew starts from what the cancelled one said."""
        self._draw(500, 0)
        draw = self._draw(1000.01, 333.33, stored={self.piping: 50.0})
        total = draw.amount_total
        draw._cancel_service_invoices("wrong")
        wizard = self._create_dialog(self.contract.action_create_draw())
        self.assertRecordValues(wizard, [{"number": 2, "amount_total": total}])
        self.assertRecordValues(
            wizard.line_ids,
            [
                {"billed": 500.0, "completed": 1000.01, "stored": 0.0},
                {"billed": 0.0, "completed": 333.33, "stored": 50.0},
            ],
        )
        wizard.action_create_draft()
        self.assertEqual(self.contract._get_draws()[-1].move_id.amount_total, total)

    def test_credit(self):
        """B7: a draw below what is billed says that it drafts credit notes; those are
        for who may credit, and reviewed before they are posted."""
        self._draw(4000, 3000)
        wizard = self._create_dialog(self.contract.action_create_draw())
        wizard.line_ids[0].percent = 75
        self.assertRecordValues(
            wizard,
            [{"is_credit": True, "amount_work": -1000.0, "amount_total": 0.0}],
        )
        with self.assertRaisesRegex(UserError, "comes to a credit"):
            wizard.action_create_and_send()
        wizard.action_create_draft()
        credit_note = self.contract._get_draws().move_id.reversal_move_ids
        self.assertRecordValues(
            credit_note, [{"state": "draft", "move_type": "out_refund"}]
        )
        credit_note.action_post()
        self.assertEqual(self.contract.progress_billed, 6000.0)

    def test_reduced_contract(self):
        """B7: what a reduced contract leaves billed too much is proposed as a credit,
        installed work first."""
        self._draw(1000, 0, stored={self.groundwork: 2000})
        self._create_change_order((self.groundwork, -1500), approve=True)
        wizard = self._create_dialog(self.contract.action_create_draw())
        self.assertFalse(wizard.is_excess)
        self.assertTrue(wizard.is_credit)
        self.assertEqual(wizard.amount_work, -500.0)
        self.assertRecordValues(
            wizard.line_ids[0], [{"completed": 500.0, "stored": 2000.0}]
        )
        wizard.action_create_draft()
        self.contract._get_draws().move_id.reversal_move_ids.action_post()
        self.assertEqual(self.groundwork.amount_billed, 2500.0)

    def test_create_and_send(self):
        """C11, B7: who may post ends in the send dialog in one step."""
        wizard = self._create_dialog(self.contract.action_create_draw())
        wizard.line_ids[0].percent = 50
        action = wizard.action_create_and_send()
        self.assertEqual(action["res_model"], "account.move.send.wizard")
        draw = self.contract._get_draws().move_id
        self.assertEqual(draw.state, "posted")

    def test_second_click(self):
        """C5, B7: a second click bills nothing twice."""
        first, second = (
            self._create_dialog(self.contract.action_create_draw()) for _i in range(2)
        )
        first.line_ids[0].percent = 50
        second.line_ids[0].percent = 50
        first.action_create_draft()
        for wizard in (first, second):
            with self.assertRaisesRegex(UserError, "still a draft"):
                wizard.action_create_draft()
        self.assertEqual(self.contract.progress_billed, 2000.0)

    def test_create_invoice_opens_it(self):
        """B7: Create Invoice of an order with progress billing bills a draw."""
        action = self.contract.action_create_invoice()
        self.assertEqual(action["res_model"], "fsm.order.create.draw")
        action = (self.contract + self.order).action_create_invoice()
        dialog = self._create_dialog(action)
        self.assertEqual(dialog.refused_order_ids, self.contract)
        self.assertIn("progress draws", self.contract.invoice_refusal)
        with self.assertRaisesRegex(UserError, "billed at once"):
            self.order.action_create_draw()

    @users("fsi_dispatcher")
    def test_as_dispatcher(self):
        """C3, B7: who may create invoices bills draws, without any accounting group,
        and sees them on the order."""
        contract = self.contract.with_user(self.env.user)
        wizard = self._create_dialog(contract.action_create_draw())
        wizard.line_ids[0].percent = 50
        self.assertRecordValues(
            wizard, [{"amount_total": 2220.0, "can_send": False, "is_credit": False}]
        )
        action = wizard.action_create_draft()
        self.assertEqual(action["type"], "ir.actions.act_window_close")
        self.assertEqual(contract.progress_billed, 2000.0)
        wizard = self._create_dialog(contract.action_change_draw())
        wizard.line_ids[0].percent = 60
        wizard.action_create_draft()
        self.assertEqual(contract.progress_billed, 2400.0)
        with self.assertRaises(AccessError):
            wizard.action_create_and_send()

    def test_rights(self):
        """C3: others are refused, with and without the dialog."""
        self._draw(1000, 0, post=False)
        for user in (self.worker, self.plain_dispatcher, self.accountant):
            contract = self.contract.with_user(user)
            for name in ("action_create_draw", "action_change_draw"):
                with self.assertRaises(AccessError):
                    getattr(contract, name)()
            with self.assertRaises(AccessError):
                self.env["fsm.order.create.draw"].with_user(user).create(
                    {"order_id": self.contract.id}
                )

    def test_switched_off(self):
        """C2: with service invoicing off every action refuses."""
        wizard = self._create_dialog(self.contract.action_create_draw())
        wizard.line_ids[0].percent = 50
        self.company.service_invoicing = False
        for action in (
            self.contract.action_create_draw,
            self.contract.action_change_draw,
            self.contract.action_create_deposit,
            self.contract.action_release_retainage,
            self.contract.action_refund_deposit,
            wizard.action_create_draft,
        ):
            with self.assertRaisesRegex(UserError, "switched off"):
                action()
        self.assertRecordValues(
            self.contract, [{"can_create_draw": False, "can_create_deposit": False}]
        )

    def test_buttons(self):
        """B7: each button is there when it can work, for who may."""
        draft = self._draw(4000, 0, post=False)
        contract = self.contract
        self.assertTrue(contract.can_change_draw)
        self.assertFalse(contract.can_create_draw)
        self.assertFalse(contract.can_release_retainage)
        draft.action_post()
        self.assertFalse(contract.can_change_draw)
        self.assertTrue(contract.can_create_draw)
        self.assertTrue(contract.can_release_retainage)
        self.assertFalse(contract.can_refund_deposit)
        self._deposit(100.0)
        self.assertTrue(contract.can_refund_deposit)
        as_user = contract.with_user(self.dispatcher)
        self.assertTrue(as_user.can_create_draw)
        self.assertFalse(as_user.can_release_retainage)
        self.assertFalse(as_user.can_refund_deposit)
        as_worker = contract.with_user(self.worker)
        self.assertFalse(as_worker.can_create_draw)
        self.assertFalse(as_worker.can_create_deposit)
        self._draw(4000, 6000)
        self.assertFalse(contract.can_create_draw)
        self.assertFalse(contract.can_create_invoice)


@tagged("post_install", "-at_install")
class TestAnnouncedDraw(GeneratedOrdersCommon, ProgressCommon):
    def test_announced_is_invoiced(self):
        """B7, C9: what the dialog announces is invoiced to the cent: odd amounts, taxes
        included and not, several rates, currencies with 0, 2 and 3 decimals, early
        payment discounts, deposits, retainage with tax on draw and on release."""
        rng = random.Random(7)
        taxes = self.taxes.filtered(lambda tax: tax.amount_type == "percent")
        for round_number in range(6):
            self.company.service_retainage_tax_point = rng.choice(("draw", "release"))
            self.company.service_deposit_tax_point = rng.choice(("deposit", "invoice"))
            self.company.tax_calculation_rounding_method = rng.choice(
                ("round_per_line", "round_globally")
            )
            lines = [self._random_line(rng) for _i in range(rng.randint(1, 4))]
            for line in lines:
                some = rng.sample(list(taxes), rng.choice((0, 1, 1, 1, 2)))
                line["tax_ids"] = [Command.set([tax.id for tax in some])]
            order = self._create_contract(
                [{"name": "Item", "price_unit": 1000.07}, *lines],
                retainage_percent=rng.choice((0.0, 5.0, 7.5)),
            )
            # Odoo can not balance an early payment discount on several rates in a
            # foreign currency
            order.currency_id = rng.choice(self.currencies)
            if order.currency_id == self.company.currency_id:
                order.payment_term_id = self.early
            with self.subTest(round_number=round_number, currency=order.currency_id):
                self._check_contract(rng, order)

    def _check_contract(self, rng, order):
        if rng.random() < 0.7:
            dialog = self.env["fsm.order.create.deposit"].create(
                {"order_id": order.id, "percent": rng.choice((10.0, 33.333))}
            )
            deposit = self._create_announced(order, dialog)
            deposit.action_post()
            self._pay(deposit)
        for _draw in range(2):
            self._check_draw(rng, order)
        dialog = self.env["fsm.order.create.draw"].create({"order_id": order.id})
        dialog.action_bill_rest()
        self._create_announced(order, dialog).action_post()
        self.assertEqual(order.balance_to_finish, 0.0)
        if order.retainage_held:
            dialog = self.env["fsm.order.release.retainage"].create(
                {"order_id": order.id, "amount": order.retainage_held / 3}
            )
            self._create_announced(order, dialog)

    def _check_draw(self, rng, order):
        dialog = self.env["fsm.order.create.draw"].create({"order_id": order.id})
        for line in dialog.line_ids:
            line.percent += round(rng.uniform(0, 50), rng.choice((0, 2)))
        if rng.random() < 0.3:
            dialog.deposit = order.currency_id.round(dialog.deposit * rng.random())
        if dialog.amount_work:
            self._create_announced(order, dialog).action_post()

    def _create_announced(self, order, dialog):
        """The invoice (`account.move`) that a dialog creates as it announced it."""
        before = order.invoice_link_ids.move_id
        names = ("amount_untaxed", "amount_tax", "amount_total")
        announced = {name: dialog[name] for name in names}
        dialog.action_create_draft()
        move = order.invoice_link_ids.move_id - before
        self.assertRecordValues(move, [announced])
        return move
