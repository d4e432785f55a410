# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from lxml import etree

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

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


@tagged("post_install", "-at_install")
class TestGroups(RightsCommon):
    """C3, X1: who may do what."""

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
                try:
                    wizard.refund_moves()
                except UserError:
                    pass
                self.assertEqual(len(freed.invoice_link_ids), 1)
                savepoint.rollback()
            with self.cr.savepoint() as savepoint:
                try:
                    wizard.modify_moves()
                except UserError:
                    pass
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

    def test_issued_is_kept(self):
        """The bill-to of an issued invoice is not merged away; into it is fine."""
        invoice = self._invoice(post=True)
        with self.assertRaisesRegex(UserError, f"partner_a.*{invoice.name}"):
            self._merge(self.partner_a, self.partner_b)
        self._merge(self.partner_b, self.partner_a)
        self.assertEqual(invoice.partner_id, self.partner_a)

    def test_destination_is_chosen(self):
        """Without a destination, or with one that is not merged, Odoo picks one: the
        check judges the same."""
        self._invoice(post=True)
        wizard = self.env["base.partner.merge.automatic.wizard"]
        new = self.env["res.partner"].create
        for destination in (None, new({"name": "Outside"})):
            archived = new({"name": "Archived", "active": False})
            wizard._merge((archived | self.partner_a).ids, destination)
            self.assertTrue(self.partner_a.exists())
            self.partner_a.active = False
            other = new({"name": "Other"})
            with self.assertRaises(UserError):
                wizard._merge((other | self.partner_a).ids, destination)
            self.partner_a.active = True

    def test_lock_off(self):
        """Without the lock Odoo merges as ever."""
        self.company.service_invoice_lock = False
        invoice = self._invoice(post=True)
        self._merge(self.partner_a, self.partner_b)
        self.assertEqual(invoice.partner_id, self.partner_b)


@tagged("post_install", "-at_install")
class TestBadInput(RightsCommon):
    """What is refused with a reason, for everybody."""

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
        with self.assertRaises(ValidationError), self.cr.savepoint():
            line.non_billable_reason = False

    def test_mark_needs_a_reason(self):
        """C15: no mark without a reason, or beside an invoice."""
        for reason in ("", " ", False):
            with self.assertRaisesRegex(UserError, "reason"):
                self._as(self.manager, self.order)._mark_billed(reason)
        self._invoice()
        with self.assertRaisesRegex(UserError, "already exists"):
            self._as(self.manager, self.order)._mark_billed("x")
