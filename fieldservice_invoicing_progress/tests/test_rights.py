# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import contextlib

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.fieldservice_invoicing.tests.common import MANAGER

from .common import APPROVER, ProgressCommon

BILLING = ("action_create_draw", "action_change_draw", "action_create_deposit")
CLOSING = ("action_release_retainage", "action_refund_deposit")
CHANGES = ("action_new_change_order", "action_view_change_orders")


class ProgressRightsCommon(ProgressCommon):
    """A contract with a paid deposit, a posted draw and a draft one, and the people
    that the rights are for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.approver = cls._create_user("fsp_approver", APPROVER)
        cls.portal = cls._create_user("fsp_portal", "base.group_portal")
        other = cls.env["res.company"].create({"name": "Other"})
        cls.foreigner = new_test_user(
            cls.env,
            login="fsp_foreigner",
            groups=f"fieldservice.group_fsm_manager,{MANAGER},{APPROVER},"
            "account.group_account_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        cls.fresh = cls._create_contract()

    def setUp(self):
        super().setUp()
        self.deposit = self._deposit(1210.0)
        self.posted = self._draw(1000, 500, deposit=0.0)
        self.draft = self._draw(2000, 1000, deposit=0.0, post=False)
        self.claim = self.deposit.service_order_link_ids
        self.change = self._create_change_order((self.piping, 100))

    def _as(self, user, records):
        """Records as a user sees them, nothing left in the cache."""
        self.env.flush_all()
        self.env.invalidate_all()
        return records.with_user(user).with_context(
            allowed_company_ids=user.company_id.ids
        )

    def _assert_refused(self, method, *args, error=AccessError):
        """Nobody gets anything, nor leaves anything behind."""
        with self.assertRaises(error), self.cr.savepoint():
            method(*args)
            self.env.flush_all()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestActions(ProgressRightsCommon):
    def _get_order(self, user, name):
        order = self.fresh if name == "action_create_draw" else self.contract
        return self._as(user, order)

    def test_orders(self):
        """B5, B7, B8: who bills creates draws and deposits, who manages also releases
        and refunds; over RPC as well nobody else does."""
        self.draft.unlink()
        self._draw(2000, 1000, deposit=0.0, post=False)
        allowed = {
            self.dispatcher: BILLING + CHANGES,
            self.manager: BILLING + CLOSING + CHANGES,
            self.worker: CHANGES,
            self.plain_dispatcher: CHANGES,
            self.approver: CHANGES,
        }
        people = (self.accountant, self.portal, self.foreigner, *allowed)
        for user in people:
            for name in BILLING + CLOSING + CHANGES:
                method = getattr(self._get_order(user, name), name)
                with self.subTest(user=user.login, action=name):
                    if name in allowed.get(user, ()):
                        with self.cr.savepoint():
                            self.assertTrue(method()["type"])
                    else:
                        self._assert_refused(method)

    def test_change_orders(self):
        """B7: change orders are decided on by approvers of the company only."""
        for user in (
            self.worker,
            self.plain_dispatcher,
            self.dispatcher,
            self.manager,
            self.accountant,
            self.portal,
            self.foreigner,
        ):
            change = self._as(user, self.change)
            for name in ("action_approve", "action_refuse", "action_draft"):
                with self.subTest(user=user.login, action=name):
                    self._assert_refused(getattr(change, name))
        self._as(self.approver, self.change).action_approve()
        self.assertEqual(self.change.state, "approved")

    def test_switch(self):
        """C2: with service invoicing switched off every action refuses."""
        self.manager.group_ids += self.env.ref(APPROVER)
        self.company.service_invoicing = False
        for name in BILLING + CLOSING + CHANGES:
            with (
                self.subTest(name),
                self.assertRaisesRegex(UserError, "switched off"),
            ):
                getattr(self._get_order(self.manager, name), name)()
        for name in ("action_approve", "action_refuse", "action_draft"):
            with (
                self.subTest(name),
                self.assertRaisesRegex(UserError, "switched off"),
            ):
                getattr(self._as(self.manager, self.change), name)()
        order = self._as(self.manager, self.contract)
        for name in (
            "can_create_draw",
            "can_change_draw",
            "can_create_deposit",
            "can_release_retainage",
            "can_refund_deposit",
        ):
            self.assertFalse(order[name], name)

    def test_switch_in_dialogs(self):
        """C2: so do the dialogs that were opened before."""
        env = self._as(self.manager, self.env["res.users"]).env
        dialogs = [
            env["fsm.order.create.draw"].create(
                {"order_id": self.contract.id, "move_id": self.draft.id}
            ),
            env["fsm.order.create.deposit"].create({"order_id": self.contract.id}),
            env["fsm.order.release.retainage"].create({"order_id": self.contract.id}),
        ]
        self.company.service_invoicing = False
        for dialog in dialogs:
            with self.assertRaisesRegex(UserError, "switched off"):
                dialog.action_create_draft()

    def test_every_action_is_tested(self):
        """C2: a new action has to be added to the lists of this class."""
        own = {
            name
            for model in ("fsm.order", "fsm.change.order", "account.move")
            for cls in type(self.env[model]).__mro__
            if cls.__module__.startswith("odoo.addons.fieldservice_invoicing_progress.")
            for name in vars(cls)
            if name.startswith("action_")
        }
        self.assertEqual(
            own,
            {
                *BILLING,
                *CLOSING,
                *CHANGES,
                "action_create_invoice",
                "action_approve",
                "action_refuse",
                "action_draft",
            },
        )


@tagged("post_install", "-at_install")
class TestDialogs(ProgressRightsCommon):
    def test_groups(self):
        """B5, B7, B8: the dialogs are for those who may do what they do."""
        may_not = {
            "fsm.order.create.draw": (self.worker, self.plain_dispatcher),
            "fsm.order.create.deposit": (self.accountant, self.approver),
            "fsm.order.release.retainage": (self.dispatcher, self.accountant),
        }
        for model, users in may_not.items():
            for user in users + (self.portal,):
                with self.subTest(model=model, user=user.login):
                    dialogs = self._as(user, self.env[model])
                    self._assert_refused(dialogs.create, {"order_id": self.contract.id})

    def test_post_at_once(self):
        """B5: “Create and Send” is for who may post; nothing is left behind."""
        dialogs = self._as(self.dispatcher, self.env["fsm.order.create.deposit"])
        dialog = dialogs.create({"order_id": self.contract.id})
        count = len(self.contract.invoice_link_ids)
        self._assert_refused(dialog.action_create_and_send)
        self.assertEqual(len(self.contract.invoice_link_ids), count)

    def test_other_company(self):
        """B7: a dialog tells nothing of a contract of another company, neither when it
        is created over RPC nor before that."""
        for model, names in (
            ("fsm.order.create.draw", ("bill_to_display_name", "closeout_warning")),
            ("fsm.order.create.deposit", ("order_untaxed", "deposit_billed")),
            ("fsm.order.release.retainage", ("held", "amount", "bill_to_display_name")),
            ("fsm.change.order", ("contract_original", "contract_revised")),
        ):
            dialogs = self._as(self.foreigner, self.env[model])
            values = {"order_id": self.contract.id}
            for name in names:
                with self.subTest(model=model, field=name):
                    self._assert_untold(dialogs, values, name)
            values = values if model != "fsm.change.order" else {**values, **TEXTS}
            with self.subTest(model=model):
                self._assert_refused(dialogs.create, values)

    def _assert_untold(self, dialogs, values, name):
        """A dialog that is not saved yet says nothing: it refuses, or it is empty."""
        told = {}
        with contextlib.suppress(AccessError), self.cr.savepoint():
            told = dialogs.onchange(values, [], {name: {}})["value"]
        self.env.invalidate_all()
        self.assertFalse(told.get(name))

    def test_order_exchanged(self):
        """B7: nor when its order is exchanged afterwards."""
        order = self._create_order(
            [], done=False, company_id=self.foreigner.company_id.id
        )
        dialogs = self._as(self.foreigner, self.env["fsm.order.create.deposit"])
        dialog = dialogs.create({"order_id": order.id})
        self._assert_refused(dialog.write, {"order_id": self.contract.id})

    def test_other_draft(self):
        """B7: the dialog changes the last draw of its order, no other document."""
        other = self._draw(10, 10, order=self.fresh, post=False)
        bill = self.init_invoice("in_invoice", products=self.product_a)
        dialogs = self._as(self.dispatcher, self.env["fsm.order.create.draw"])
        for move in (other, self.posted, self.deposit, bill):
            with self.subTest(move.display_name):
                values = {"order_id": self.contract.id, "move_id": move.id}
                self._assert_refused(
                    lambda values=values: dialogs.create(values).action_create_draft(),
                    error=UserError,
                )

    def test_other_lines(self):
        """B7: lines of another contract bill nothing, and tell nothing."""
        foreign = self._create_contract()
        dialogs = self._as(self.dispatcher, self.env["fsm.order.create.draw"])
        dialog = dialogs.create(
            {
                "order_id": self.contract.id,
                "move_id": self.draft.id,
                "line_ids": [
                    Command.create(
                        {"order_line_id": foreign.line_ids[0].id, "percent": 100.0}
                    )
                ],
            }
        )
        self._assert_refused(dialog.action_create_draft, error=UserError)
        self.assertEqual(foreign.progress_billed, 0.0)
        self.assertEqual(self.contract.progress_billed, 3000.0)


TEXTS = {"title": "More", "reason": "Wanted"}


@tagged("post_install", "-at_install")
class TestRecorded(ProgressRightsCommon):
    def test_figures(self):
        """B7: nobody enters the figures of a contract, nor what bills it."""
        self.manager.group_ids += self.env.ref("account.group_account_manager")
        order = self._as(self.manager, self.contract)
        for name in (
            "contract_original",
            "contract_changes",
            "contract_revised",
            "progress_billed",
            "progress_percent",
            "balance_to_finish",
            "retainage_held",
            "deposit_billed",
            "deposit_balance",
            "billing_status",
            "change_order_number",
        ):
            with self.subTest(name):
                self._assert_refused(order.write, {name: 1}, error=UserError)
        claim = self._as(self.manager, self.claim)
        self._assert_refused(claim.write, {"retainage_percent": 50.0})
        self._assert_refused(claim.unlink)
        link = {"order_id": order.id, "move_id": self.draft.id, "slot": "draw/9"}
        self._assert_refused(claim.create, link)
        item = self._as(self.manager, self.piping)
        self._assert_refused(item.write, {"change_amount": 9.0}, error=UserError)

    def test_defaults(self):
        """B7: neither does who writes defaults into the context."""
        order = self._as(self.dispatcher, self.fresh).with_context(
            default_progress_type="deposit",
            default_deposit_claim_id=self.claim.id,
            default_slot="order",
            default_retainage_percent=99.0,
        )
        draw = order._create_draw({order.line_ids[0]: 100.0})
        self.assertEqual(draw.service_order_link_ids.slot, "draw/1")
        self.assertEqual(draw.service_order_link_ids.retainage_percent, 10.0)
        self.assertFalse(draw.invoice_line_ids.deposit_claim_id)
        orders = self._as(self.dispatcher, self.env["fsm.order"]).with_context(
            default_contract_revised=5.0,
            default_progress_billed=7.0,
            default_deposit_balance=9.0,
        )
        other = orders.create({"location_id": self.location.id})
        self.assertRecordValues(
            other,
            [{"contract_revised": 0, "progress_billed": 0, "deposit_balance": 0}],
        )

    def test_terms(self):
        """B7, B8: workers do not say how their orders are billed."""
        order = self._as(self.worker, self.fresh)
        for values in (
            {"billing_method": "order"},
            {"retainage_percent": 0.0},
            {"retainage_cap_percent": 1.0},
        ):
            with self.subTest(**values):
                self._assert_refused(order.write, values)
        self._as(self.plain_dispatcher, self.fresh).retainage_percent = 5.0
        self.assertEqual(self.fresh.retainage_percent, 5.0)


@tagged("post_install", "-at_install")
class TestAccountant(ProgressRightsCommon):
    """Accounting edits drafts, and records nothing of a contract by hand."""

    def _forge(self, **values):
        line = {
            "name": "Forged",
            "price_unit": -10.0,
            "account_id": self.company_data["default_account_revenue"].id,
        }
        self._as(self.accountant, self.draft).write(
            {"invoice_line_ids": [Command.create({**line, **values})]}
        )

    def test_forged_lines(self):
        """B6, B8: a line that someone adds withholds, applies and bills nothing."""
        contract = {"progress_order_id": self.contract.id}
        for values in (
            {"progress_type": "work", "fsm_order_line_id": self.piping.id, **contract},
            {"progress_type": "retainage", **contract},
            {"progress_type": "deposit", **contract},
            {"progress_type": "deposit", "deposit_claim_id": self.claim.id},
            {"deposit_claim_id": self.claim.id},
            {"progress_stored": 5.0},
        ):
            with (
                self.subTest(**values),
                self.assertRaisesRegex(UserError, "can not be entered"),
                self.cr.savepoint(),
            ):
                self._forge(**values)
        self._forge()
        self.assertEqual(self.contract.deposit_balance, 1210.0)

    def test_forged_by_context(self):
        """B6: nor when the context says so, nor when it is imported."""
        move = self._as(self.accountant, self.draft).with_context(
            default_deposit_claim_id=self.claim.id
        )
        income = self.company_data["default_account_revenue"]
        with (
            self.assertRaisesRegex(UserError, "can not be entered"),
            self.cr.savepoint(),
        ):
            move.env["account.move.line"].create(
                {"move_id": move.id, "name": "x", "account_id": income.id}
            )
        result = (
            move.with_context(default_deposit_claim_id=False)
            .env["account.move.line"]
            .load(
                ["move_id/.id", "name", "account_id/.id", "deposit_claim_id/.id"],
                [[str(move.id), "x", str(income.id), str(self.claim.id)]],
            )
        )
        self.assertFalse(result["ids"])
        self.assertIn("can not be entered", result["messages"][0]["message"])

    def test_forged_copy(self):
        """B8: a line that pretends to credit another says what that one says."""
        credit_note = self._credit(self.posted, post=False)
        origin = self.posted.invoice_line_ids.filtered(
            lambda line: line.progress_type == "work"
        )[:1]
        line = {
            "name": "Forged",
            "account_id": origin.account_id.id,
            "service_origin_line_id": origin.id,
            "progress_order_id": self.contract.id,
            "progress_type": "retainage",
        }
        move = self._as(self.accountant, credit_note)
        with self.assertRaisesRegex(UserError, "can not be entered"):
            move.write({"invoice_line_ids": [Command.create(line)]})

    def test_entered(self):
        """B6, B8: nor is what a line says of a contract changed."""
        line = self._as(self.accountant, self.draft.invoice_line_ids[:1])
        for name, value in (
            ("progress_type", "deposit"),
            ("progress_order_id", False),
            ("progress_stored", 5.0),
            ("deposit_claim_id", self.claim.id),
        ):
            with (
                self.subTest(name),
                self.assertRaisesRegex(UserError, "can not be entered"),
            ):
                line[name] = value

    def test_accounting(self):
        """F1, F2: an accountant without field service posts, credits, redoes, cancels
        and deletes documents of contracts, and the figures follow."""
        draft = self._as(self.accountant, self.draft)
        draft.action_post()
        self.assertEqual(self.contract.progress_billed, 3000.0)
        wizard = self._as(self.accountant, self._open_reversal(self.draft))
        wizard.modify_moves()
        self.assertEqual(self.contract.progress_billed, 3000.0)
        anew = self.contract._get_draws()[-1:].move_id
        self.assertEqual(anew.state, "draft")
        self._as(self.accountant, anew).button_cancel()
        self.assertEqual(self.contract.progress_billed, 1500.0)
        draft = self._draw(2000, 1000, deposit=0.0, post=False)
        self._as(self.accountant, draft).unlink()
        self.assertEqual(self.contract.progress_billed, 1500.0)
        self.assertEqual(self.contract.retainage_held, 150.0)

    def test_duplicate(self):
        """B7: a duplicate bills nothing of a contract."""
        copy = self._as(self.accountant, self.posted).copy()
        self.assertFalse(copy.invoice_line_ids.progress_order_id)
        self.assertFalse(copy.service_order_link_ids)
        self.assertEqual(self.contract.progress_billed, 3000.0)
        with self.assertRaises(UserError):
            self._as(self.accountant, self.posted).with_context(
                include_business_fields=True
            ).copy()

    def test_several_at_once(self):
        """B7: drafts of several contracts are posted together, and each is checked."""
        other = self._draw(10, 10, order=self.fresh, post=False)
        self._as(self.accountant, self.draft | other).action_post()
        self.assertEqual(self.fresh.progress_billed, 20.0)
        self.assertEqual(set((self.draft | other).mapped("state")), {"posted"})
