# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import contextlib
from unittest import SkipTest

from lxml import etree

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, tagged

from .common import MANAGER, USER, ServiceInvoicingCommon


class RightsCommon(ServiceInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.users = cls.worker | cls.plain_dispatcher | cls.dispatcher | cls.manager

    def _as(self, user, records):
        """Records as a user sees them, nothing left in the cache."""
        self.env.flush_all()
        self.env.invalidate_all()
        return records.with_user(user).with_context(
            allowed_company_ids=user.company_id.ids
        )

    def _open(self, user, record, view=None):
        """The whole form of a record, every field of its views read as the user."""
        return Form(self._as(user, record), view=view)

    def _list(self, user, model, view, view_type="list", domain=()):
        """Rows of a list or pivot, as its client reads them."""
        model = self._as(user, self.env[model])
        view_id = self.env.ref(view).id if view else False
        arch = model.get_views([(view_id, view_type)])["views"][view_type]["arch"]
        nodes = etree.fromstring(arch).iter("field")
        names = list(dict.fromkeys(node.get("name") for node in nodes))
        if view_type == "list":
            return model.web_search_read(list(domain), {name: {} for name in names})[
                "records"
            ]
        groupby = [name for name in names if not model._fields[name].aggregator]
        aggregates = [f"{n}:sum" for n in names if model._fields[n].aggregator]
        aggregates.append("__count")
        return model.formatted_read_group(list(domain), groupby, aggregates)

    def _other_documents(self):
        """Journal entries that service invoicing has nothing to do with."""
        bill = self.init_invoice("in_invoice", products=self.product_a, post=True)
        customer = self.init_invoice("out_invoice", products=self.product_a, post=True)
        entry = self.env["account.move"].create(
            {"journal_id": self.company_data["default_journal_misc"].id}
        )
        return bill | customer | entry


@tagged("post_install", "-at_install")
class TestSwitch(RightsCommon):
    """C2: the company's switch."""

    def _assert_off(self, method, *args):
        with self.assertRaisesRegex(UserError, "switched off"), self.cr.savepoint():
            method(*args)

    def test_orders(self):
        """C2: every action of the order refuses, for whom it would be allowed."""
        invoice = self._invoice()
        self.manager.group_ids += self.env.ref("account.group_account_invoice")
        self.company.service_invoicing = False
        order = self._as(self.manager, self.order)
        for name in (
            "action_create_invoice",
            "action_view_service_invoices",
            "action_open_invoice",
            "action_view_journal_items",
            "action_post_invoice",
            "action_send_invoice",
            "action_register_payment",
            "action_credit_invoice",
            "action_cancel_invoice",
            "action_refresh_invoice",
            "action_mark_billed",
            "action_unmark_billed",
        ):
            with self.subTest(name):
                self._assert_off(getattr(order, name))
        self._assert_off(order._create_invoices)
        self._assert_off(order._mark_billed, "reason")
        for name in ("create", "cancel", "post"):
            self.assertFalse(order[f"can_{name}_invoice"])
        self.assertFalse(order.can_mark_billed)
        self.assertEqual(invoice.state, "draft")

    def test_every_action_is_tested(self):
        """C2: a new action has to be added to the lists of this class."""
        own = {
            name
            for model in ("fsm.order", "account.move")
            for cls in type(self.env[model]).__mro__
            if cls.__module__.startswith("odoo.addons.fieldservice_invoicing.")
            for name in vars(cls)
            if not name.startswith("_") and callable(getattr(cls, name))
        }
        self.assertEqual(
            {name for name in own if name.startswith("action_")},
            {
                "action_create_invoice",
                "action_view_service_invoices",
                "action_open_invoice",
                "action_view_journal_items",
                "action_post_invoice",
                "action_send_invoice",
                "action_register_payment",
                "action_credit_invoice",
                "action_cancel_invoice",
                "action_refresh_invoice",
                "action_mark_billed",
                "action_unmark_billed",
                "action_cancel_service_invoice",
                "action_view_service_orders",
            },
        )

    def test_invoices_and_wizards(self):
        """C2: so do those of the invoice and the dialogs opened before."""
        marked = self._create_order()
        fresh = self._create_order()
        invoice = self._invoice(post=True)
        manager_env = self._as(self.manager, self.env["res.users"]).env
        create = manager_env["fsm.order.create.invoice"].create(
            {"order_ids": [Command.set(fresh.ids)]}
        )
        cancel = manager_env["fsm.order.cancel.invoice"].create(
            {"move_ids": [Command.set(invoice.ids)], "reason": "test"}
        )
        mark = manager_env["fsm.order.mark.billed"].create(
            {"order_ids": [Command.set(marked.ids)], "reason": "test"}
        )
        reversal = (
            manager_env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        self.company.service_invoicing = False
        invoice = self._as(self.manager, invoice)
        self._assert_off(invoice.action_cancel_service_invoice)
        self._assert_off(invoice.action_view_service_orders)
        self._assert_off(invoice._cancel_service_invoices, "test")
        self._assert_off(create.action_create_draft)
        self._assert_off(cancel.action_cancel_invoice)
        self._assert_off(mark.action_mark_billed)
        self._assert_off(reversal.reverse_moves)
        self._assert_off(reversal.refund_moves)
        self._assert_off(reversal.modify_moves)
        self.assertFalse(invoice.can_cancel_service_invoice)
        self.manager.group_ids += self.env.ref("account.group_account_invoice")
        self._assert_off(create.action_create_and_send)
        self.assertFalse(marked.marked_billed_date)
        self.assertFalse(invoice.reversal_move_ids)

    def test_superuser(self):
        """C2: scheduled jobs are refused too."""
        self.company.service_invoicing = False
        self._assert_off(self.order.sudo()._create_invoices)

    def test_menu(self):
        """C2: the menu goes with the switch and comes back with it."""
        menus = self.env.ref("fieldservice_invoicing.menu_service_invoicing")
        menus |= self.env.ref("fieldservice_invoicing.menu_service_invoices")

        def visible(user):
            loaded = self._as(user, self.env["ir.ui.menu"]).load_menus(False)
            return [menu.id in loaded for menu in menus]

        self.assertEqual(visible(self.manager), [True] * 2)
        self.assertEqual(visible(self.plain_dispatcher), [False] * 2)
        self.company.service_invoicing = False
        self.assertEqual(visible(self.manager), [False] * 2)
        self.company.service_invoicing = True
        self.assertEqual(visible(self.manager), [True] * 2)

    def test_data_comes_back(self):
        """C2: switching off and on changes no data."""
        invoice = self._invoice()
        before = self.order.read(["billing_status", "amount_invoiced", "line_ids"])
        self.company.service_invoicing = False
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertTrue(self.order.invoice_link_ids.is_active)
        self.company.service_invoicing = True
        after = self.order.read(["billing_status", "amount_invoiced", "line_ids"])
        self.assertEqual(before, after)
        self.assertEqual(self.order.active_invoice_id, invoice)
        self._as(self.manager, invoice)._cancel_service_invoices("test")

    def test_forms_open(self):
        """C2: nobody's forms break while it is off."""
        invoice = self._invoice()
        self.company.service_invoicing = False
        for user in self.users:
            self._open(user, self.order)
        self._open(self.accountant, invoice)

    def test_accounting_goes_on(self):
        """C2: an accountant still posts, pays and credits what exists."""
        invoice = self._as(self.accountant, self._invoice())
        self.company.service_invoicing = False
        invoice.action_post()
        self._pay(invoice)
        self._credit(invoice)
        self.assertFalse(self.order.active_invoice_id)


@tagged("post_install", "-at_install")
class TestGroups(RightsCommon):
    """C3, X1: who may do what."""

    def test_creating_needs_its_right(self):
        """C3: no button without the right, and every way in refuses."""
        for user in self.worker | self.plain_dispatcher | self.accountant:
            with self.subTest(user.login):
                order = self._as(user, self.order)
                for name in (
                    "action_create_invoice",
                    "action_refresh_invoice",
                    "_create_invoices",
                ):
                    with self.assertRaises(AccessError):
                        getattr(order, name)()
                with self.assertRaises(AccessError):
                    order.env["fsm.order.create.invoice"].create(
                        {"order_ids": [Command.set(order.ids)]}
                    )
        for user in self.worker | self.plain_dispatcher:
            order = self._as(user, self.order)
            self.assertFalse(order.can_create_invoice)
            form = order.get_views([(False, "form")])["views"]["form"]["arch"]
            self.assertNotIn('name="action_create_invoice"', form)
            self.assertNotIn("invoice_card", form)
        self.assertTrue(self._as(self.dispatcher, self.order).can_create_invoice)

    def test_dialog_of_someone_else(self):
        """C3: a dialog that another user opened is of no use."""
        dialog = self._as(self.dispatcher, self.env["fsm.order.create.invoice"]).create(
            {"order_ids": [Command.set(self.order.ids)]}
        )
        for user in self.worker | self.plain_dispatcher:
            for name in ("action_create_draft", "action_create_and_send"):
                with self.assertRaises(AccessError), self.cr.savepoint():
                    getattr(self._as(user, dialog), name)()
        with self.assertRaises(AccessError):
            self._as(self.dispatcher, dialog).action_create_and_send()
        self.assertFalse(self.order.invoice_link_ids)

    def test_refusal_names_the_right(self):
        """C3: the refusal says which right is missing."""
        with self.assertRaisesRegex(AccessError, "create invoices from service orders"):
            self._as(self.plain_dispatcher, self.order).action_create_invoice()
        invoice = self._invoice()
        with self.assertRaisesRegex(AccessError, "cancel and credit"):
            self._as(self.dispatcher, invoice).action_cancel_service_invoice()

    def test_dispatcher_creates(self):
        """C3, section 5: creating needs no accounting group."""
        action = self._as(self.dispatcher, self.order).action_create_invoice()
        model = self._as(self.dispatcher, self.env[action["res_model"]])
        dialog = Form(model.with_context(**action["context"]))
        self.assertEqual(dialog.amount_total, 499.13)
        self.assertFalse(dialog.can_send)
        dialog.save().action_create_draft()
        order = self._as(self.dispatcher, self.order)
        self.assertEqual(order.active_invoice_id.invoice_user_id, self.dispatcher)
        self.assertEqual(order.active_invoice_id.state, "draft")
        order.line_ids[0].quantity = 3
        order.action_refresh_invoice()
        self.assertEqual(order.active_invoice_id.amount_untaxed, 440)

    def test_cancelling_needs_its_right(self):
        """X1: no button without the right, and every way in refuses."""
        invoice = self._invoice()
        for user in self.worker | self.plain_dispatcher | self.dispatcher:
            with self.subTest(user.login):
                order = self._as(user, self.order)
                self.assertFalse(order.can_cancel_invoice)
                self.assertFalse(order.can_mark_billed)
                for name in (
                    "action_cancel_invoice",
                    "action_credit_invoice",
                    "action_mark_billed",
                    "action_unmark_billed",
                ):
                    with self.assertRaises(AccessError):
                        getattr(order, name)()
                for name, field in (
                    ("fsm.order.cancel.invoice", "move_ids"),
                    ("fsm.order.mark.billed", "order_ids"),
                    ("account.move.reversal", "move_ids"),
                ):
                    with self.assertRaises(AccessError):
                        order.env[name].create({field: [], "reason": "x"})
                for method in (
                    lambda move: move.action_cancel_service_invoice(),
                    lambda move: move._cancel_service_invoices("x"),
                ):
                    with self.assertRaises(AccessError):
                        method(self._as(user, invoice))
        self.assertFalse(self._as(self.dispatcher, invoice).can_cancel_service_invoice)
        self.assertTrue(self._as(self.manager, invoice).can_cancel_service_invoice)
        self.assertEqual(invoice.state, "draft")

    def test_manager_cancels(self):
        """X1, X3, X6: a manager without accounting rights cancels what is posted."""
        invoice = self._invoice(post=True)
        action = self._as(self.manager, self.order).action_cancel_invoice()
        Wizard = self._as(self.manager, self.env[action["res_model"]])
        wizard = Form(Wizard.with_context(**action["context"]))
        wizard.reason = "Wrong bill-to"
        wizard.save().action_cancel_invoice()
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertEqual(invoice.service_cancel_user_id, self.manager)
        self.assertFalse(self.order.active_invoice_id)
        self._open(self.manager, self.order)
        self._open(self.manager, invoice)
        self._open(self.manager, invoice.reversal_move_ids)

    def _reversal(self, user, moves, **values):
        return (
            self._as(user, self.env["account.move.reversal"])
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"reason": "test", "journal_id": moves[:1].journal_id.id, **values})
        )

    def test_manager_credits(self):
        """Section 5: a manager credits service invoices by Odoo's own dialog."""
        invoice = self._invoice(post=True)
        action = self._as(self.manager, self.order).action_credit_invoice()
        self.assertEqual(action["res_model"], "account.move.reversal")
        model = self._as(self.manager, self.env["account.move.reversal"])
        wizard = Form(
            model.with_context(active_model="account.move", active_ids=invoice.ids)
        ).save()
        wizard.refund_moves()
        self.assertEqual(invoice.reversal_move_ids.state, "draft")
        self._open(self.manager, invoice.reversal_move_ids)
        invoice.reversal_move_ids.unlink()
        self._reversal(self.manager, invoice).modify_moves()
        self.assertEqual(self.order.billing_status, "draft")
        self.assertEqual(self.order.active_invoice_id.service_replaces_id, invoice)

    def test_manager_credits_nothing_else(self):
        """Section 5: and no other journal entry, mixed in or by itself."""
        invoice = self._invoice(post=True)
        others = self._other_documents()
        others[2].line_ids = [
            Command.create(
                {
                    "account_id": self.company_data["default_account_revenue"].id,
                    "name": str(amount),
                    "balance": amount,
                }
            )
            for amount in (10, -10)
        ]
        others[2].action_post()
        for other in others:
            for moves in (other, invoice | other):
                with self.assertRaises(AccessError), self.cr.savepoint():
                    self._reversal(self.manager, moves).refund_moves()
                with self.assertRaises(AccessError), self.cr.savepoint():
                    wizard = self._reversal(self.manager, invoice)
                    wizard.write({"move_ids": [Command.set(moves.ids)]})
                    self._as(self.manager, wizard).modify_moves()
        with self.assertRaises(UserError), self.cr.savepoint():
            wizard = self._reversal(self.manager, invoice)
            wizard.move_ids = False
            wizard.refund_moves()
        credit_note = self._credit(invoice)
        with self.assertRaises(UserError), self.cr.savepoint():
            self._reversal(self.manager, credit_note).refund_moves()
        draft = self._invoice(self._create_order())
        with self.assertRaises(UserError), self.cr.savepoint():
            wizard = self._reversal(self.manager, invoice)
            wizard.write({"move_ids": [Command.set(draft.ids)]})
            wizard.modify_moves()
        with self.assertRaises(UserError):
            self._as(self.manager, others[1]).sudo()._cancel_service_invoices("x")
        with self.assertRaises(AccessError):
            self._as(self.manager, others[1])._cancel_service_invoices("x")

    def test_manager_is_no_accountant(self):
        """Section 5: manager and dispatcher get nothing else of accounting."""
        invoice = self._invoice()
        posted = self._invoice(self._create_order(), post=True)
        for user in self.manager | self.dispatcher:
            for name in ("action_post", "button_draft", "button_cancel", "unlink"):
                with self.subTest(f"{user.login} {name}"), self.assertRaises(UserError):
                    getattr(self._as(user, invoice), name)()
            move = self._as(user, invoice)
            with self.assertRaises(AccessError):
                move.write({"ref": "x"})
            with self.assertRaises(AccessError):
                move.invoice_line_ids.write({"price_unit": 1})
            with self.assertRaises(AccessError):
                move.invoice_line_ids.unlink()
            with self.assertRaises(AccessError):
                move.copy()
            env = move.env
            with self.assertRaises(AccessError):
                env["account.move"].create({"move_type": "out_invoice"})
            with self.assertRaises(AccessError):
                env["account.move.line"].create({"move_id": move.id, "name": "x"})
            with self.assertRaises(AccessError):
                env["account.payment"].create({"amount": 1})
            with self.assertRaises(AccessError):
                env["account.journal"].create({"name": "x", "type": "sale"})
            with self.assertRaises(AccessError):
                env["account.journal"].search([], limit=1).write({"name": "x"})
            with self.assertRaises(AccessError):
                env["account.payment.register"].with_context(
                    active_model="account.move", active_ids=posted.ids
                ).create({})
            with self.assertRaises(AccessError):
                env["account.move.send.wizard"].create({"move_id": posted.id})
            for name in (
                "account.payment",
                "account.bank.statement.line",
                "account.partial.reconcile",
            ):
                with self.assertRaises(AccessError):
                    env[name].search([], limit=1)
            for name in (
                "action_post_invoice",
                "action_send_invoice",
                "action_register_payment",
                "action_view_journal_items",
            ):
                with self.assertRaises(AccessError):
                    getattr(self._as(user, self.order), name)()

    def test_reads_service_invoices_only(self):
        """Section 5: dispatchers see service invoices and no other journal entry."""
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        others = self._other_documents()
        copy = invoice.copy()
        self._pay(invoice, 10)
        payment = self.env["account.payment"].search([], order="id desc", limit=1)
        others |= copy | payment.move_id
        for user in self.dispatcher | self.manager:
            moves = self._as(user, self.env["account.move"])
            self.assertEqual(moves.search([]), invoice | credit_note)
            self.assertEqual(
                moves.env["account.move.line"].search([]).move_id,
                invoice | credit_note,
            )
            for other in others:
                with self.assertRaises(AccessError):
                    self._as(user, other).read(["name"])
                if other.line_ids:
                    with self.assertRaises(AccessError):
                        self._as(user, other.line_ids).read(["balance"])
        for user in self.worker | self.plain_dispatcher:
            for records in (invoice, invoice.line_ids, invoice.service_order_link_ids):
                self.assertTrue(records)
                self.assertFalse(self._as(user, records)._filtered_access("read"))
            with self.assertRaises(AccessError):
                self._as(user, invoice).read(["name"])

    def test_opens_the_invoice(self):
        """Section 5, F4: the invoice form, the list and the pivot open for who has
        no accounting right."""
        invoice = self._invoice()
        for user in self.dispatcher | self.manager | self.accountant:
            with self.subTest(user.login):
                self._open(user, invoice)
                rows = self._list(
                    user,
                    "account.move",
                    "fieldservice_invoicing.service_invoice_view_list",
                    domain=[("is_service_invoice", "=", True)],
                )
                self.assertEqual([row["id"] for row in rows], invoice.ids)
                groups = self._list(
                    user,
                    "account.move",
                    None,
                    "pivot",
                    domain=[("is_service_invoice", "=", True)],
                )
                self.assertTrue(groups)
        invoice.action_post()
        self._pay(invoice, 10)
        self._credit(invoice)
        for user in self.dispatcher | self.manager | self.accountant:
            self._open(user, invoice)
            self._open(user, invoice.reversal_move_ids)
        for user in self.dispatcher | self.manager:
            self._list(user, "fsm.order.invoice", None)
            self._list(user, "fsm.order", "fieldservice_invoicing.fsm_order_view_list")
            self._list(
                user,
                "fsm.order",
                "fieldservice_invoicing.fsm_order_view_pivot",
                "pivot",
            )

    def test_search_service_invoices(self):
        """F4: the list finds invoices by order, and the opposite filter works."""
        invoice = self._invoice()
        self._other_documents()
        for user in self.dispatcher | self.accountant:
            moves = self._as(user, self.env["account.move"])
            found = moves.search([("is_service_invoice", "!=", False)])
            self.assertEqual(found, invoice)
            found = moves.search([("is_service_invoice", "=", False)])
            self.assertNotIn(invoice, found)
        self.assertEqual(
            self._as(self.dispatcher, self.env["account.move"]).search(
                [("service_order_ids", "ilike", self.order.name)]
            ),
            invoice,
        )

    def test_opens_the_order(self):
        """Everybody's order form opens whole, before and after billing."""
        orders = self.order | self._create_order(done=False)
        for billed in (False, True, True):
            for user in self.users:
                for order in orders:
                    with self.subTest(f"{user.login} {billed}"):
                        self._open(user, order)
            if not self.order.active_invoice_id:
                self._invoice()
            elif self.order.active_invoice_id.state == "draft":
                self.order.active_invoice_id.action_post()

    def test_lists_of_orders(self):
        """The order list opens for everybody."""
        for user in self.users:
            self._list(user, "fsm.order", "fieldservice.fsm_order_list_view")
            self._list(user, "fsm.order.line", None)

    def test_accountant_goes_all_the_way(self):
        """Section 5, F1–F3: who has no field service right takes any service invoice
        through accounting, while its order follows."""
        invoice = self._as(self.accountant, self._invoice())
        self._open(self.accountant, invoice)
        invoice = self._as(self.accountant, invoice)
        invoice.invoice_line_ids[0].price_unit = 60
        self.assertEqual(self.order.amount_invoiced, 425)
        invoice.action_post()
        self.assertEqual(self.order.billing_status, "invoiced")
        self._open(self.accountant, invoice)
        action = self._as(self.accountant, invoice).action_send_and_print()
        self._as(self.accountant, self.env[action["res_model"]]).with_context(
            **action["context"]
        ).create({"sending_methods": ["manual"]}).action_send_and_print()
        invoice.message_post(body="Sent")
        self._pay(self._as(self.accountant, invoice))
        self.assertEqual(self.order.billing_status, "paid")
        self._credit(self._as(self.accountant, invoice))
        self.assertFalse(self.order.active_invoice_id)
        draft = self._as(self.accountant, self._invoice())
        draft.button_cancel()
        self.assertEqual(self.order.billing_status, "to_invoice")
        draft.button_draft()
        self.assertEqual(self.order.billing_status, "draft")
        self._as(self.accountant, draft).unlink()
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.assertEqual(len(self.order.invoice_link_ids), 1)

    def test_accountant_takes_back(self):
        """D2: with the lock off an accountant resets to draft, as Odoo has it."""
        self.company.service_invoice_lock = False
        invoice = self._as(self.accountant, self._invoice(post=True))
        invoice.button_draft()
        self.assertEqual(self.order.billing_status, "draft")
        invoice.action_post()
        new = self._credit(self._as(self.accountant, invoice), modify=True)
        self.assertEqual(self.order.active_invoice_id, new)
        self._open(self.accountant, new)

    def test_auditor_reads(self):
        """Section 5: who reads accounting reads service invoices, and does no more."""
        invoice = self._invoice()
        auditor = self._create_user("fsi_auditor", "account.group_account_readonly")
        self._open(auditor, invoice)
        invoice.action_post()
        self._pay(invoice, 10)
        self._open(auditor, invoice)
        self._list(
            auditor,
            "account.move",
            "fieldservice_invoicing.service_invoice_view_list",
            domain=[("is_service_invoice", "=", True)],
        )
        self._as(auditor, invoice.service_order_link_ids).read(["amount_total"])
        with self.assertRaises(AccessError):
            self._as(auditor, invoice)._cancel_service_invoices("x")
        auditor.group_ids += self.env.ref("fieldservice.group_fsm_dispatcher")
        self._open(auditor, self.order)
        for name in ("action_create_invoice", "action_cancel_invoice"):
            with self.assertRaises(AccessError):
                getattr(self._as(auditor, self.order), name)()
        for name in ("action_open_invoice", "action_view_service_invoices"):
            with self.subTest(name):
                getattr(self._as(auditor, self.order), name)()

    def test_customer_reads(self):
        """A customer on the portal reads the invoice, and nothing of the order."""
        invoice = self._invoice(post=True)
        portal = self._create_user("fsi_portal", "base.group_portal")
        portal.partner_id = self.env["res.partner"].create(
            {"name": "Portal", "parent_id": self.partner_a.id}
        )
        self._as(portal, invoice).read(["name", "amount_total"])
        for model in ("fsm.order.invoice", "fsm.order.line"):
            with self.assertRaises(AccessError):
                self._as(portal, self.env[model]).search([])
        with self.assertRaises(AccessError):
            self._as(portal, invoice)._cancel_service_invoices("x")

    def test_accountant_sees_no_order(self):
        """Section 5: accounting rights open no service order. Where OCA
        fieldservice_project opens orders to every employee, they add nothing to it,
        and what is billed stays closed."""
        invoice = self._invoice()
        employee = self._create_user("fsi_employee", "base.group_user")
        open_to_all = (
            self.env["ir.module.module"]._get("fieldservice_project").state
            == "installed"
        )
        for user in self.accountant | employee:
            with self.subTest(user.login):
                order = self._as(user, self.order)
                self.assertEqual(order.has_access("read"), open_to_all)
                self.assertFalse(order.has_access("write"))
                with self.assertRaises(AccessError):
                    self._as(user, self.order.line_ids).read(["name"])
                with self.assertRaises(AccessError):
                    self._as(user, invoice).action_view_service_orders()


@tagged("post_install", "-at_install")
class TestWorker(RightsCommon):
    """Section 5: field service users and the order's lines."""

    def test_edits_until_billed(self):
        """Workers add and edit lines until billed, then are told why not."""
        order = self._create_order(lines=[], done=False)
        for user in self.worker | self.plain_dispatcher:
            with self._open(user, order) as form, form.line_ids.new() as line:
                line.product_id = self._as(user, self.labor)
                line.quantity = 2
        self.assertEqual(order.amount_untaxed, 220)
        with self._open(self.worker, order) as form, form.line_ids.edit(0) as line:
            line.quantity = 1
        self._as(self.worker, order.line_ids[1]).unlink()
        self.assertEqual(order.amount_untaxed, 55)
        self._as(self.worker, order).action_complete()
        self._as(self.worker, order.line_ids).quantity = 2
        invoice = self._invoice(order)
        line = order.line_ids
        for user in self.worker | self.plain_dispatcher:
            refused = self.assertRaisesRegex(
                UserError, f"{order.name} is billed .*Ask someone"
            )
            for values in (
                {"quantity": 3},
                {"name": "x"},
                {"price_unit": 1},
                {"is_billable": False, "non_billable_reason": "other"},
                {"equipment_id": False, "technical_price_unit": 3},
                {"tax_ids": [Command.clear()]},
            ):
                with refused, self.cr.savepoint():
                    self._as(user, line).write(values)
            with refused, self.cr.savepoint():
                self._as(user, line).unlink()
            with refused, self.cr.savepoint():
                self._as(user, line).create({"order_id": order.id, "name": "x"})
            with refused, self.cr.savepoint():
                self._as(user, order).write(
                    {"line_ids": [Command.create({"name": "x"})]}
                )
            self._as(user, order).description = "Done"
        self._as(self.dispatcher, line).quantity = 4
        self.assertEqual(order.billing_difference, 110)
        invoice._cancel_service_invoices("x")
        self._as(self.worker, line).quantity = 2

    def test_lines_stay_on_their_order(self):
        """A line can not be moved to a billed order, or away from one."""
        other = self._create_order()
        with self.assertRaisesRegex(UserError, "can not move"):
            self._as(self.worker, other.line_ids[0]).order_id = self.order

    def test_sees_no_invoice(self):
        """Workers read neither the invoices nor what they say."""
        self._invoice(post=True)
        for user in self.worker | self.plain_dispatcher:
            order = self._as(user, self.order)
            for name in (
                "invoice_link_ids",
                "active_invoice_id",
                "service_invoice_count",
                "active_invoice_status",
                "active_invoice_due",
                "active_invoice_residual",
                "pending_draft",
                "pending_payment",
                "card_total",
                "card_labor",
                "card_tax",
            ):
                with self.subTest(name):
                    with self.assertRaises(AccessError):
                        order.read([name])
                    self.assertNotIn(name, order.fields_get())
            with self.assertRaises(AccessError):
                order.line_ids.read(["invoice_line_ids"])
            for name in ("action_open_invoice", "action_view_service_invoices"):
                with self.assertRaises(AccessError):
                    getattr(order, name)()

    def test_cannot_forge_the_status(self):
        """What an order is billed is derived: nobody writes it, over RPC either."""
        for user in self.users:
            order = self._as(user, self.order)
            for values in (
                {"billing_status": "paid"},
                {"amount_invoiced": 1.0},
                {"amount_to_invoice": 0.0},
                {"amount_total": 0.0},
                {
                    "line_ids": [
                        Command.update(order.line_ids[0].id, {"price_total": 0})
                    ]
                },
            ):
                with (
                    self.subTest(f"{user.login} {values}"),
                    self.assertRaises(UserError),
                ):
                    order.write(values)
            with self.assertRaises(UserError), self.cr.savepoint():
                order.line_ids[0].write({"price_subtotal": 1})
            with self.assertRaises(UserError), self.cr.savepoint():
                order.line_ids[0].write({"company_id": self.company.copy().id})

    def test_cannot_forge_new_orders(self):
        """Nor are they given to a new order, as a value or as a default."""
        location = {"location_id": self.location.id}
        line = {"name": "x", "price_unit": 5, "price_subtotal": 1, "price_total": 1}
        forged = {"billing_status": "paid", "amount_total": 1, "amount_invoiced": 1}
        context = {f"default_{name}": value for name, value in forged.items()}
        mark = {"marked_billed_date": fields.Datetime.now()}
        for user in self.plain_dispatcher | self.dispatcher | self.manager:
            model = self._as(user, self.env["fsm.order"])
            for order in (
                model.create(
                    {**location, **forged, "line_ids": [Command.create(line)]}
                ),
                model.with_context(**context).create(
                    {**location, "line_ids": [Command.create(line)]}
                ),
            ):
                self.assertEqual(order.billing_status, "not_ready")
                self.assertEqual(order.amount_untaxed, 5)
                self.assertEqual(order.amount_invoiced, 0)
                self.assertEqual(order.line_ids.price_subtotal, 5)
            with self.assertRaisesRegex(UserError, "Mark as Billed"):
                model.create({**location, **mark})
            with self.assertRaisesRegex(UserError, "Mark as Billed"):
                model.with_context(
                    default_marked_billed_date=fields.Datetime.now()
                ).create(location)

    def test_mark_as_billed_is_kept(self):
        """C15: the mark is set by its action only: who and when are true."""
        now = fields.Datetime.now()
        for user in self.users:
            order = self._as(user, self.order)
            for values in (
                {"marked_billed_date": now},
                {"marked_billed_reason": "x"},
                {"marked_billed_user_id": self.worker.id},
            ):
                with (
                    self.subTest(f"{user.login} {values}"),
                    self.assertRaises(UserError),
                ):
                    order.write(values)
        wizard = self._as(self.manager, self.env["fsm.order.mark.billed"]).create(
            {"order_ids": [Command.set(self.order.ids)], "reason": "Old system"}
        )
        wizard.action_mark_billed()
        self.assertEqual(self.order.marked_billed_user_id, self.manager)
        self._open(self.worker, self.order)
        self._open(self.manager, self.order)
        self._as(self.manager, self.order).action_unmark_billed()
        self.assertFalse(self.order.marked_billed_date)


@tagged("post_install", "-at_install")
class TestForgery(RightsCommon):
    """Section 5: the links between orders and invoices are made by the addon."""

    def test_claims_are_nobodys(self):
        """No group writes, creates or deletes claims."""
        invoice = self._invoice()
        link = invoice.service_order_link_ids
        other = self._create_order()
        admin = self._create_user("fsi_admin", "base.group_system", MANAGER)
        for user in self.users | self.accountant | admin:
            for values in ({"is_active": False}, {"slot": "x"}, {"order_id": other.id}):
                with self.assertRaises(AccessError):
                    self._as(user, link).write(values)
            with self.assertRaises(AccessError):
                self._as(user, link).unlink()
            with self.assertRaises(AccessError):
                self._as(user, link).create(
                    {"order_id": other.id, "move_id": invoice.id}
                )
            with self.assertRaises(AccessError), self.cr.savepoint():
                self._as(user, self.order).write(
                    {"invoice_link_ids": [Command.delete(link.id)]}
                )

    def test_accountant_forges_claims(self):
        """An accountant creates or gives up no claim through the invoice."""
        invoice = self._invoice()
        link = invoice.service_order_link_ids
        other = self._create_order()
        Move = self._as(self.accountant, self.env["account.move"])
        claim = {"order_id": other.id, "slot": "order"}
        for method, values in (
            (Move.create, {"service_order_link_ids": [Command.create(claim)]}),
            (Move.create, {"service_order_link_ids": [Command.link(link.id)]}),
            (
                invoice.with_user(self.accountant).write,
                {
                    "service_order_link_ids": [Command.create(claim)],
                },
            ),
            (
                invoice.with_user(self.accountant).write,
                {
                    "service_order_link_ids": [Command.delete(link.id)],
                },
            ),
            (
                invoice.with_user(self.accountant).write,
                {
                    "service_order_link_ids": [Command.update(link.id, {"slot": "x"})],
                },
            ),
        ):
            if method == Move.create:
                values["move_type"] = "out_invoice"
            with self.assertRaises(UserError), self.cr.savepoint():
                method(values)

    def _invoice_values(self, **values):
        return {
            "move_type": "out_invoice",
            "partner_id": self.partner_a.id,
            "invoice_line_ids": [Command.create({"name": "x", **values})],
        }

    def test_accountant_forges_lines(self):
        """A line of an invoice bills no order that the invoice does not claim."""
        line = self.order.line_ids[0]
        Move = self._as(self.accountant, self.env["account.move"])

        def refused():
            return self.assertRaisesRegex(
                UserError, f"can not bill .*{self.order.name}"
            )

        with refused(), self.cr.savepoint():
            Move.create(self._invoice_values(fsm_order_line_id=line.id))
        move = Move.create(self._invoice_values())
        with refused(), self.cr.savepoint():
            move.invoice_line_ids.fsm_order_line_id = line
        other = self._invoice(self._create_order())
        with refused(), self.cr.savepoint():
            self._as(self.accountant, other).invoice_line_ids[0].write(
                {"fsm_order_line_id": line.id}
            )
        with refused(), self.cr.savepoint():
            self._as(self.accountant, self.env["account.move.line"]).with_context(
                default_fsm_order_line_id=line.id
            ).create({"move_id": move.id, "name": "y"})
        self.assertEqual(line.qty_to_invoice, 2.5)

    def test_accountant_moves_lines(self):
        """D2: no line is slipped into or out of an issued invoice."""
        issued = self._invoice(post=True)
        draft = self.init_invoice("out_invoice", products=self.product_a)
        draft.invoice_line_ids = [
            Command.create({"display_type": "line_note", "name": "Note"})
        ]
        note = draft.invoice_line_ids.filtered("display_type")[-1]
        note = self._as(self.accountant, note)
        with self.assertRaisesRegex(UserError, "is issued"), self.cr.savepoint():
            note.move_id = issued
        with self.assertRaisesRegex(UserError, "is issued"), self.cr.savepoint():
            self._as(self.accountant, draft).write(
                {"line_ids": [Command.link(issued.invoice_line_ids[0].id)]}
            )

    def test_forged_cancellation(self):
        """X6: when, by whom and why are recorded, and not entered."""
        invoice = self._invoice()
        move = self._as(self.accountant, invoice)
        values = {
            "service_cancel_reason": "x",
            "service_cancel_user_id": self.manager.id,
            "service_cancel_date": fields.Datetime.now(),
        }
        for name, value in values.items():
            with self.assertRaises(UserError), self.cr.savepoint():
                move.write({name: value})
            with self.assertRaises(UserError), self.cr.savepoint():
                move.create({"move_type": "out_invoice", name: value})
        invoice._cancel_service_invoices("True reason")
        for name in values:
            with self.assertRaises(UserError), self.cr.savepoint():
                self._as(self.accountant, invoice).write({name: False})
        self._as(self.accountant, invoice).button_draft()
        self.assertFalse(invoice.service_cancel_date)

    def test_forged_replacement(self):
        """A reversal claims the orders of the invoices it reverses, no others."""
        victim = self._invoice(self._create_order(), post=True)
        victim._cancel_service_invoices("x")
        freed = victim.service_order_link_ids.order_id
        invoice = self._invoice(post=True)
        plain = self.init_invoice("out_invoice", products=self.product_a, post=True)
        for moves in (invoice, plain):
            wizard = (
                self._as(self.accountant, self.env["account.move.reversal"])
                .with_context(active_model="account.move", active_ids=moves.ids)
                .create({"journal_id": moves.journal_id.id})
                .with_context(default_service_replaces_id=victim.id)
            )
            with self.cr.savepoint() as savepoint:
                with contextlib.suppress(UserError):
                    wizard.refund_moves()
                self.assertEqual(len(freed.invoice_link_ids), 1)
                savepoint.rollback()
            with self.cr.savepoint() as savepoint:
                with contextlib.suppress(UserError):
                    wizard.modify_moves()
                self.assertEqual(len(freed.invoice_link_ids), 1)
                savepoint.rollback()
        with self.assertRaises(UserError), self.cr.savepoint():
            self._as(self.accountant, plain).write({"service_replaces_id": victim.id})

    def test_switch_move_type(self):
        """A draft that bills an order can not be made a credit note or an entry."""
        invoice = self._as(self.accountant, self._invoice())
        with self.assertRaisesRegex(UserError, self.order.name), self.cr.savepoint():
            invoice.action_switch_move_type()
        with self.assertRaises(UserError), self.cr.savepoint():
            invoice.write({"move_type": "out_refund"})

    def test_context_brings_no_values(self):
        """Creating is superuser work: a caller's context adds nothing to it."""
        posted = self._invoice(self._create_order(), post=True)
        order = self._as(self.dispatcher, self.order)
        values = {
            "state": "posted",
            "auto_post": "at_date",
            "name": "INV/FORGED",
            "service_cancel_reason": "x",
            "is_move_sent": True,
            "reversed_entry_id": posted.id,
            "inalterable_hash": "x",
            "fsm_order_line_id": posted.invoice_line_ids[0].fsm_order_line_id.id,
        }
        dialog = (
            order.env["fsm.order.create.invoice"]
            .create({"order_ids": [Command.set(order.ids)]})
            .with_context(
                check_move_validity=False,
                skip_invoice_sync=True,
                **{f"default_{name}": value for name, value in values.items()},
            )
        )
        dialog.action_create_draft()
        invoice = self.order.active_invoice_id
        self.assertRecordValues(
            invoice,
            [
                {
                    "state": "draft",
                    "auto_post": "no",
                    "name": False,
                    "service_cancel_reason": False,
                    "is_move_sent": False,
                    "reversed_entry_id": False,
                    "inalterable_hash": False,
                }
            ],
        )
        self.assertEqual(sum(invoice.line_ids.mapped("balance")), 0)
        self.assertEqual(
            len(invoice.line_ids.filtered(lambda l: l.display_type == "payment_term")),
            1,
        )
        manager = self._as(self.manager, posted).with_context(
            **{f"default_{name}": value for name, value in values.items()}
        )
        manager._cancel_service_invoices("test")
        credit_note = posted.reversal_move_ids
        self.assertEqual(credit_note.state, "posted")
        self.assertNotEqual(credit_note.name, "INV/FORGED")
        self.assertFalse(credit_note.inalterable_hash)

    def test_tax_of_another_treatment(self):
        """C8: a tax that the treatment does not use is not kept."""
        tax = self.env["account.tax"].create({"name": "6%", "amount": 6})
        dialog = self._as(self.dispatcher, self.env["fsm.order.create.invoice"]).create(
            {"order_ids": [Command.set(self.order.ids)], "tax_id": tax.id}
        )
        dialog.action_create_draft()
        self.assertFalse(self.order.active_invoice_id.service_tax_id)


@tagged("post_install", "-at_install")
class TestCompanies(RightsCommon):
    """Section 5: record rules keep companies apart."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_data = cls.setup_other_company()
        cls.other = cls.other_data["company"]
        cls.env["fsm.team"].create({"name": "Team B", "company_id": cls.other.id})
        values = {
            "company_id": cls.other.id,
            "company_ids": [Command.set(cls.other.ids)],
        }
        groups = "fieldservice.group_fsm_manager"
        cls.worker_b = cls._create_user(
            "fsi_b_worker", "fieldservice.group_fsm_user_own"
        )
        cls.user_b = cls._create_user("fsi_b_user", groups, USER)
        cls.manager_b = cls._create_user(
            "fsi_b_manager", groups, MANAGER, "account.group_account_manager"
        )
        cls.users_b = cls.worker_b | cls.user_b | cls.manager_b
        cls.users_b.write(values)

    def test_reads_nothing(self):
        """Lines, claims and invoices of another company can not be read."""
        invoice = self._invoice()
        for user in self.users_b:
            line = self._as(user, self.order.line_ids)
            self.assertFalse(line.search([("order_id", "=", self.order.id)]))
            with self.assertRaises(AccessError):
                line.read(["price_unit"])
            with self.assertRaises(AccessError):
                line.write({"quantity": 1})
            with self.assertRaises(AccessError):
                line.unlink()
            with self.assertRaises(AccessError), self.cr.savepoint():
                line.create({"order_id": self.order.id, "name": "x"})
            with self.assertRaises(AccessError):
                self._as(user, self.order).read(["amount_total"])
        for user in self.user_b | self.manager_b:
            link = self._as(user, invoice.service_order_link_ids)
            self.assertFalse(link.search([]))
            with self.assertRaises(AccessError):
                link.read(["amount_total"])
            self.assertFalse(self._as(user, invoice).search([]))
            with self.assertRaises(AccessError):
                self._as(user, invoice).read(["amount_total"])

    def test_does_nothing(self):
        """No action and no dialog works on another company's orders and invoices."""
        order = self._create_order()
        invoice = self._invoice()
        for user in self.user_b | self.manager_b:
            for name in (
                "action_create_invoice",
                "action_refresh_invoice",
                "action_open_invoice",
                "action_view_service_invoices",
                "_create_invoices",
            ):
                with self.assertRaises(AccessError), self.cr.savepoint():
                    getattr(self._as(user, self.order), name)()
                with self.assertRaises(AccessError), self.cr.savepoint():
                    getattr(self._as(user, order), name)()
        orders = self._as(self.manager_b, self.order | order)
        for record in orders:
            for name in (
                "action_mark_billed",
                "action_unmark_billed",
                "action_cancel_invoice",
                "action_post_invoice",
                "action_send_invoice",
                "action_register_payment",
                "action_credit_invoice",
                "action_view_journal_items",
            ):
                with self.assertRaises(AccessError), self.cr.savepoint():
                    getattr(record, name)()
        with self.assertRaises(AccessError):
            orders._mark_billed("x")
        move = self._as(self.manager_b, invoice)
        for name in ("action_cancel_service_invoice", "action_view_service_orders"):
            with self.assertRaises(AccessError):
                getattr(move, name)()
        with self.assertRaises(AccessError):
            move._cancel_service_invoices("x")

    def _smuggle(self, model, action, **values):
        """A dialog made with ids of another company, then used in a later call."""
        model = self._as(self.manager_b, self.env[model])
        with self.assertRaises(UserError), self.cr.savepoint():
            wizard = model.create(values)
            getattr(self._as(self.manager_b, wizard), action)()
        with self.assertRaises(UserError), self.cr.savepoint():
            wizard = model.create(values)
            spec = {
                name: {"fields": {"display_name": {}}}
                for name in wizard._fields
                if wizard._fields[name].relational
            }
            spec |= {name: {} for name in wizard._fields if name not in spec}
            rows = self._as(self.manager_b, wizard).web_read(spec)
            text = str(rows)
            for name in (self.order.name, self.partner_a.name, "412.5"):
                self.assertNotIn(name, text)
            raise UserError(str(len(rows)))

    def test_smuggled_ids(self):
        """A dialog given another company's ids refuses, and shows nothing of them."""
        order = self._create_order()
        invoice = self._invoice(post=True)
        orders = [Command.set(order.ids)]
        moves = [Command.set(invoice.ids)]
        for action in ("action_create_draft", "action_create_and_send"):
            self._smuggle("fsm.order.create.invoice", action, order_ids=orders)
        self._smuggle(
            "fsm.order.cancel.invoice",
            "action_cancel_invoice",
            move_ids=moves,
            reason="x",
        )
        self._smuggle(
            "fsm.order.mark.billed", "action_mark_billed", order_ids=orders, reason="x"
        )
        journal = self.other_data["default_journal_sale"]
        for action in ("refund_moves", "modify_moves"):
            self._smuggle(
                "account.move.reversal",
                action,
                move_ids=moves,
                journal_id=journal.id,
                company_id=self.other.id,
            )
        self.manager_b.group_ids -= self.env.ref("account.group_account_manager")
        self.manager_b.group_ids -= self.env.ref("account.group_account_invoice")
        for action in ("refund_moves", "modify_moves"):
            self._smuggle(
                "account.move.reversal",
                action,
                move_ids=moves,
                journal_id=journal.id,
                company_id=self.other.id,
            )
        self.assertFalse(order.invoice_link_ids)
        self.assertFalse(order.marked_billed_date)
        self.assertFalse(invoice.reversal_move_ids)

    def test_smuggled_defaults(self):
        """Nor does a dialog that is only being opened show anything of them."""
        order = self._create_order()
        model = self._as(self.user_b, self.env["fsm.order.create.invoice"])
        spec = {name: {} for name in model._fields}
        spec |= {
            name: {"fields": {"display_name": {}}}
            for name, field in model._fields.items()
            if field.relational
        }
        model = model.with_context(default_order_ids=[Command.set(order.ids)])
        with self.assertRaises(AccessError):
            model.onchange({}, [], spec)
        with self.assertRaises(AccessError):
            model.onchange({"order_ids": [Command.link(order.id)]}, ["order_ids"], spec)

    def test_empty_dialogs(self):
        """A dialog without orders or invoices is refused, not silently done."""
        for model, action in (
            ("fsm.order.create.invoice", "action_create_draft"),
            ("fsm.order.cancel.invoice", "action_cancel_invoice"),
            ("fsm.order.mark.billed", "action_mark_billed"),
        ):
            values = {"reason": "x"} if "create" not in model else {}
            wizard = self._as(self.manager, self.env[model]).create(values)
            with self.assertRaises(UserError):
                getattr(wizard, action)()

    def test_forged_lines(self):
        """An invoice of one company takes nothing off an order of another."""
        line = self.order.line_ids[0]
        with self.assertRaises(UserError), self.cr.savepoint():
            self._as(self.manager_b, self.env["account.move"]).create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.partner_b.id,
                    "invoice_line_ids": [
                        Command.create({"name": "x", "fsm_order_line_id": line.id})
                    ],
                }
            )
        self.assertEqual(line.qty_to_invoice, 2.5)

    def test_foreign_line_values(self):
        """Products and taxes of another company are refused on a line."""
        self.env.user.company_ids += self.other
        product = self._create_service_product("B only", "service", 10)
        product.company_id = self.other
        tax = self.other_data["default_tax_sale"]
        order = self.order.with_context(
            allowed_company_ids=(self.company | self.other).ids
        )
        for values in (
            {"product_id": product.id},
            {"name": "x", "tax_ids": [Command.set(tax.ids)]},
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                order.line_ids = [Command.create(values)]
            with self.assertRaises(UserError), self.cr.savepoint():
                order.line_ids[0].write(values)
        for foreign in (tax, self.other_data["default_tax_purchase"]):
            dialog = self._dialog(order, tax_treatment="tax", tax_id=foreign.id)
            with self.assertRaisesRegex(UserError, "not a sales tax"):
                dialog.action_create_draft()

    def test_foreign_terms(self):
        """Price list, fiscal position, payment terms and bill-to of another company
        are refused on an order, on create and on write."""
        values = {"name": "B only", "company_id": self.other.id}
        terms = {
            "pricelist_id": self.env["product.pricelist"].create(values).id,
            "fiscal_position_id": self.env["account.fiscal.position"].create(values).id,
            "payment_term_id": self.env["account.payment.term"].create(values).id,
            "bill_to_id": self.env["res.partner"].create(values).id,
        }
        for name, value in terms.items():
            with self.subTest(name):
                refused = self.assertRaisesRegex(ValidationError, self.other.name)
                with refused, self.cr.savepoint():
                    self.order.write({name: value})
                with refused, self.cr.savepoint():
                    self._create_order(done=False, **{name: value})

    def test_switch_is_the_orders_company(self):
        """C2: the switch of the order's company counts, not that of the user's."""
        self.env.user.company_ids += self.other
        self.other.service_invoicing = False
        order = self.order.with_context(
            allowed_company_ids=(self.other | self.company).ids
        )
        self.assertTrue(order.can_create_invoice)
        self._invoice(order)
        self.other.service_invoicing = True
        self.company.service_invoicing = False
        with self.assertRaisesRegex(UserError, self.company.name):
            order.with_company(self.other).action_cancel_invoice()

    def test_invoice_stays_in_its_company(self):
        """A draft can not be taken to another company with its claim."""
        self.env.user.company_ids += self.other
        order = self._create_order(
            lines=[{"name": "Fee", "price_unit": 1, "tax_ids": [Command.clear()]}]
        )
        invoice = self._invoice(order).with_context(
            allowed_company_ids=(self.company | self.other).ids
        )
        journal = self.other_data["default_journal_sale"]
        with self.assertRaises(UserError), self.cr.savepoint():
            invoice.write({"journal_id": journal.id})
        with self.assertRaises(UserError), self.cr.savepoint():
            invoice.write(
                {
                    "journal_id": journal.id,
                    "company_id": self.other.id,
                    "invoice_line_ids": [
                        Command.update(
                            invoice.invoice_line_ids.id,
                            {
                                "account_id": self.other_data[
                                    "default_account_revenue"
                                ].id
                            },
                        )
                    ],
                }
            )


@tagged("post_install", "-at_install")
class TestIssued(RightsCommon):
    """D2: an issued document is final."""

    def _assert_issued(self, method, *args):
        with self.assertRaisesRegex(UserError, "is issued"), self.cr.savepoint():
            method(*args)

    def test_final(self):
        """D2: no write, reset, cancel or delete, for nobody, invoice or credit note."""
        invoice = self._invoice(post=True)
        documents = invoice | self._credit(invoice)
        account = self.company_data["default_account_assets"]
        admin = self._create_user(
            "fsi_admin", "base.group_system", MANAGER, "account.group_account_manager"
        )
        for user in (self.accountant, admin, self.env.ref("base.user_root")):
            for document in documents:
                document = self._as(user, document)
                for name in ("button_draft", "button_cancel", "unlink"):
                    self._assert_issued(getattr(document, name))
                self._assert_issued(document.with_context(force_delete=True).unlink)
                for values in (
                    {"state": "draft"},
                    {"state": "cancel"},
                    {"name": "INV/1"},
                    {"partner_id": self.partner_b.id},
                    {"partner_shipping_id": self.partner_b.id},
                    {"invoice_date": "2020-01-01"},
                    {"currency_id": self.env.ref("base.CHF").id},
                    {"narration": "x"},
                    {
                        "reversed_entry_id": False
                        if document.reversed_entry_id
                        else documents[1].id
                    },
                    {"fiscal_position_id": self.fiscal_pos_a.id},
                    {"invoice_line_ids": [Command.clear()]},
                    {"invoice_line_ids": [Command.create({"name": "x"})]},
                    {"amount_total": 1.0},
                    {"amount_untaxed": 1.0},
                    {"invoice_partner_display_name": "x"},
                    {"commercial_partner_id": self.partner_b.id},
                ):
                    with self.subTest(f"{user.login} {values}"):
                        self._assert_issued(document.write, values)
                line = document.invoice_line_ids[0]
                for values in (
                    {"name": "x"},
                    {"quantity": 7},
                    {"price_unit": 7},
                    {"discount": 7},
                    {"service_discount_amount": 7},
                    {"tax_ids": [Command.clear()]},
                    {"account_id": account.id},
                    {"balance": 7},
                    {"price_subtotal": 7.0},
                    {"price_total": 7.0},
                    {"fsm_order_line_id": False},
                ):
                    with self.subTest(f"{user.login} {values}"):
                        self._assert_issued(line.write, values)
                self._assert_issued(line.unlink)
                self._assert_issued(line.with_context(dynamic_unlink=True).unlink)
                self._assert_issued(line.create, {"move_id": document.id, "name": "x"})
                self._assert_issued(
                    line.create,
                    {"move_id": document.id, "name": "x", "display_type": "line_note"},
                )

    def test_wizards_of_accounting(self):
        """D2: numbers stay, also against Odoo's resequencing dialog."""
        first = self._invoice(post=True)
        second = self._invoice(self._create_order(), post=True)
        wizard = (
            self.env["account.resequence.wizard"]
            .with_context(active_model="account.move", active_ids=(first | second).ids)
            .create({"first_name": "INV/2000/00001"})
        )
        self._assert_issued(wizard.resequence)

    def test_what_still_works(self):
        """D2, F2: payment, reconciliation, reference, due date, chatter, files, send
        and credit note."""
        invoice = self._as(self.accountant, self._invoice(post=True))
        due = fields.Date.add(fields.Date.today(), days=45)
        invoice.invoice_date_due = due
        self.assertEqual(invoice.invoice_date_due, due)
        invoice.payment_reference = "RF18 5390"
        invoice.ref = "PO 1"
        invoice.message_post(body="Hello")
        invoice.activity_schedule("mail.mail_activity_data_todo")
        invoice.env["ir.attachment"].create(
            {
                "name": "a.txt",
                "raw": b"a",
                "res_model": invoice._name,
                "res_id": invoice.id,
            }
        )
        invoice.action_send_and_print()
        self._pay(invoice)
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))
        receivable = invoice.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        self.assertTrue(receivable.reconciled)
        receivable.remove_move_reconcile()
        self.assertEqual(invoice.payment_state, "not_paid")
        self._credit(invoice, post=False).action_post()
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertEqual(invoice.amount_residual, 0)
        again = self._as(self.accountant, self._invoice(post=True))
        self._credit(again, modify=True)

    def test_draft_is_free(self):
        """D1: a draft is edited and deleted as Odoo has it."""
        invoice = self._as(self.accountant, self._invoice())
        with Form(invoice) as form:
            form.partner_id = self._as(self.accountant, self.partner_b)
            with form.invoice_line_ids.edit(0) as line:
                line.price_unit = 1
        self.assertFalse(invoice.name and invoice.name != "/")
        invoice.unlink()
        self.assertEqual(self.order.billing_status, "to_invoice")

    def test_lock_off(self):
        """D2: without the lock Odoo's own rules hold."""
        self.company.service_invoice_lock = False
        invoice = self._as(self.accountant, self._invoice(post=True))
        invoice.narration = "x"
        invoice.button_draft()
        invoice.invoice_line_ids[0].price_unit = 7

    def test_other_invoices_are_free(self):
        """D2: the lock holds for service invoices only."""
        self._invoice(post=True)
        other = self.init_invoice("out_invoice", products=self.product_a, post=True)
        other = self._as(self.accountant, other)
        other.narration = "x"
        other.button_draft()


@tagged("post_install", "-at_install")
class TestPartnerMerge(RightsCommon):
    """Section 7.3: merging contacts."""

    def _merge(self, source, destination):
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (source | destination).ids, destination
        )
        self.env.invalidate_all()

    def test_bill_to_follows(self):
        """The bill-to of an order that is not issued follows the merge."""
        self._merge(self.partner_a, self.partner_b)
        self.assertEqual(self.order.bill_to_id, self.partner_b)
        self.assertEqual(self._invoice().partner_id, self.partner_b)

    def test_draft_follows(self):
        """So does a draft."""
        invoice = self._invoice()
        self._merge(self.partner_a, self.partner_b)
        self.assertEqual(invoice.partner_id, self.partner_b)

    def test_document_is_kept(self):
        """D4: an issued document says what it said, also after a merge of the
        customer and of the company the customer belongs to."""
        parent = self.env["res.partner"].create({"name": "Parent"})
        self.partner_a.parent_id = parent
        invoice = self._invoice(post=True)
        name = invoice.invoice_partner_display_name
        self.assertIn("Parent", name)
        self._merge(self.partner_a, self.partner_b)
        self._merge(parent, self.env["res.partner"].create({"name": "Other Parent"}))
        self.assertEqual(invoice.partner_id, self.partner_b)
        self.assertEqual(invoice.invoice_partner_display_name, name)
        issued = invoice._get_document_partner()
        self.assertEqual(issued.name, "partner_a")
        self.assertEqual(issued.commercial_partner_id.name, "Parent")
        with invoice._records_as_issued():
            self.assertEqual(invoice.partner_id.name, "partner_a")
        self.assertEqual(invoice.partner_id.name, "partner_b")

    def test_hashed_is_kept(self):
        """D2: the bill-to of a hashed invoice is not merged away, whichever Odoo picks
        as the destination; into it is fine."""
        self.company_data["default_journal_sale"].restrict_mode_hash_table = True
        invoice = self._invoice(post=True)
        with self.assertRaisesRegex(UserError, f"partner_a.*{invoice.name}"):
            self._merge(self.partner_a, self.partner_b)
        self._merge(self.partner_b, self.partner_a)
        self.assertEqual(invoice.partner_id, self.partner_a)
        wizard = self.env["base.partner.merge.automatic.wizard"]
        self.partner_a.active = False
        other = self.env["res.partner"].create({"name": "Other"})
        with self.assertRaises(UserError):
            wizard._merge((other | self.partner_a).ids, None)


@tagged("post_install", "-at_install")
class TestBadInput(RightsCommon):
    """What is refused with a reason, for everybody."""

    def test_line_values(self):
        """Quantities, prices and discounts that make no sense."""
        line = self.order.line_ids[1]
        for values, reason in (
            ({"quantity": -1}, "can not be negative"),
            ({"price_unit": -1}, "can not be negative"),
            (
                {"discount_type": "percent", "discount_value": 101},
                "between 0 and 100 %",
            ),
            ({"discount_type": "percent", "discount_value": -1}, "between 0 and"),
            ({"discount_type": "amount", "discount_value": 275.01}, "275.00"),
            ({"discount_type": "amount", "discount_value": -1}, "between 0 and"),
            ({"is_billable": False}, "give the reason"),
        ):
            with self.subTest(values):
                with (
                    self.assertRaisesRegex(ValidationError, reason),
                    self.cr.savepoint(),
                ):
                    line.write(values)
                with (
                    self.assertRaisesRegex(ValidationError, self.order.name),
                    self.cr.savepoint(),
                ):
                    self.order.line_ids = [
                        Command.create(
                            {"product_id": self.part.id, "quantity": 2, **values}
                        )
                    ]
        line.write({"discount_type": "amount", "discount_value": 275})

    def test_discount_outlives_nothing(self):
        """Price and discount are checked again when quantity, price or kind change."""
        cheap = self._create_service_product("Cheap", "consu", 1)
        line = self.order.line_ids[1]
        line.write({"discount_type": "amount", "discount_value": 200})
        for values in ({"quantity": 1}, {"price_unit": 1}):
            with self.subTest(values), self.assertRaises(ValidationError):
                line.write(values)
                self.env.flush_all()
        rebate = self.env["fsm.order.line"].create(
            {
                "order_id": self.order.id,
                "name": "Rebate",
                "kind": "charge",
                "price_unit": -10,
            }
        )
        for values in ({"kind": "part"}, {"product_id": cheap.id}):
            with self.subTest(values), self.assertRaises(ValidationError):
                rebate.write(values)
                self.env.flush_all()
        with self.assertRaises(ValidationError), self.cr.savepoint():
            line.is_billable = False
        line.write({"is_billable": False, "non_billable_reason": "warranty"})
        line.non_billable_reason = False
        self.assertTrue(line.is_billable)

    def test_moved_and_deleted_orders(self):
        """A billed order stays in its company and is not deleted; a deleted draft
        frees it."""
        other = self.setup_other_company()["company"]
        invoice = self._invoice()
        with self.assertRaisesRegex(UserError, self.order.name), self.cr.savepoint():
            self.order.company_id = other
        with self.assertRaises(UserError), self.cr.savepoint():
            self._as(self.manager, self.order).unlink()
        with self.assertRaisesRegex(UserError, "is on an invoice"):
            self.order.line_ids[0].unlink()
        self._as(self.accountant, invoice).unlink()
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.order.stage_id = self.stage_new
        self.order.unlink()

    def test_mark_needs_a_reason(self):
        """C15: no mark without a reason, or beside an invoice."""
        for reason in ("", " ", False):
            with self.assertRaisesRegex(UserError, "reason"):
                self._as(self.manager, self.order)._mark_billed(reason)
        self._invoice()
        with self.assertRaisesRegex(UserError, "already exists"):
            self._as(self.manager, self.order)._mark_billed("x")


@tagged("post_install", "-at_install")
class TestRemoteCalls(RightsCommon, HttpCase):
    """C2, C3, D2 as a client over the wire meets them."""

    @classmethod
    def setUpClass(cls):
        if not cls.http_port():
            raise SkipTest("Needs the HTTP server")
        super().setUpClass()

    def _call(self, model, method, *args, **kwargs):
        """Result of a remote call; the name of the exception class that it raised."""
        context = {"allowed_company_ids": self.company.ids}
        response = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            json={
                "jsonrpc": "2.0",
                "params": {
                    "model": model,
                    "method": method,
                    "args": args,
                    "kwargs": {"context": context, **kwargs},
                },
            },
        ).json()
        self.env.invalidate_all()
        if error := response.get("error"):
            return error["data"]["name"].rpartition(".")[2]
        return response["result"]

    def _login(self, user):
        self.authenticate(user.login, user.login)

    def test_refused(self):
        """C3: workers and dispatchers without the right create nothing."""
        ids = self.order.ids
        for user in self.worker | self.plain_dispatcher:
            self._login(user)
            for args in (
                ("fsm.order", "action_create_invoice", ids),
                ("fsm.order", "_create_invoices", ids),
                ("fsm.order.create.invoice", "create", {"order_ids": [(6, 0, ids)]}),
                ("fsm.order.invoice", "search", []),
                ("account.move", "search", []),
                ("fsm.order", "write", ids, {"billing_status": "paid"}),
                ("fsm.order", "write", ids, {"marked_billed_reason": "x"}),
            ):
                with self.subTest(args):
                    self.assertIn(self._call(*args), ("AccessError", "UserError"))
        self.assertFalse(self.order.invoice_link_ids)

    def test_way_through(self):
        """C3, C2, X1: the dispatcher creates, the manager cancels, in steps."""
        self._login(self.dispatcher)
        action = self._call("fsm.order", "action_create_invoice", self.order.ids)
        values = {"order_ids": action["context"]["default_order_ids"]}
        wizard = self._call("fsm.order.create.invoice", "create", values)
        spec = {"amount_total": {}, "order_ids": {"fields": {"display_name": {}}}}
        [row] = self._call("fsm.order.create.invoice", "web_read", [wizard], spec)
        self.assertEqual(row["amount_total"], 499.13)
        self.company.service_invoicing = False
        self.assertEqual(
            self._call("fsm.order.create.invoice", "action_create_draft", [wizard]),
            "UserError",
        )
        self.company.service_invoicing = True
        self._call("fsm.order.create.invoice", "action_create_draft", [wizard])
        invoice = self.order.active_invoice_id
        self.assertEqual(invoice.state, "draft")
        for args in (
            ("account.move", "action_post", invoice.ids),
            ("account.move", "unlink", invoice.ids),
            ("account.move", "write", invoice.ids, {"ref": "x"}),
            ("account.move", "action_cancel_service_invoice", invoice.ids),
            ("account.move", "_cancel_service_invoices", invoice.ids, "x"),
            ("fsm.order.invoice", "unlink", invoice.service_order_link_ids.ids),
        ):
            self.assertEqual(self._call(*args), "AccessError")
        self._login(self.manager)
        values = {"move_ids": [(6, 0, invoice.ids)], "reason": "Wrong"}
        wizard = self._call("fsm.order.cancel.invoice", "create", values)
        self._call("fsm.order.cancel.invoice", "action_cancel_invoice", [wizard])
        self.assertEqual(invoice.state, "cancel")

    def test_issued(self):
        """D2: an accountant can not change an issued invoice."""
        invoice = self._invoice(post=True)
        self._login(self.accountant)
        line = invoice.invoice_line_ids[0]
        for args in (
            ("account.move", "button_draft", invoice.ids),
            ("account.move", "button_cancel", invoice.ids),
            ("account.move", "unlink", invoice.ids),
            ("account.move", "write", invoice.ids, {"state": "draft"}),
            ("account.move", "write", invoice.ids, {"narration": "x"}),
            ("account.move", "web_save", invoice.ids, {"narration": "x"}, {}),
            ("account.move.line", "write", line.ids, {"price_unit": 1}),
            ("account.move.line", "unlink", line.ids),
        ):
            self.assertEqual(self._call(*args), "UserError")
        self._call("account.move", "write", invoice.ids, {"payment_reference": "x"})
        self.assertEqual(invoice.payment_reference, "x")
