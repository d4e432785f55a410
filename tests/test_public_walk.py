# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A random walk over all that people can call, in two companies.

Each step somebody calls a public method of the addons or does one of the usual things
of Odoo around it, on any record, with arguments that make sense or do not. What is
refused is undone and has to be announced. After each step must hold what section 7 of
the design says, whoever did what before.

``STEPS`` in the environment says how many steps are taken (400), in walks of 200 that
begin anew; ``SEED=17`` takes the one walk that a failure names.
"""

import os
import random
import traceback
from collections import defaultdict
from contextlib import closing

from psycopg2 import IntegrityError
from public_methods import get_public_methods, is_own
from rights_calls import Side

from odoo import Command
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.service.model import call_kw
from odoo.tests import TransactionCase, new_test_user, tagged

from odoo.addons.fieldservice_invoicing_progress.tests.common import ProgressCommon

STEPS = int(os.environ.get("STEPS", "400"))
WALK = 200
FIELD_SERVICE = "fieldservice.group_fsm_"
USER = "fieldservice_invoicing.group_service_invoice_user"
MANAGER = "fieldservice_invoicing.group_service_invoice_manager"
APPROVER = "fieldservice_invoicing_progress.group_change_order_approver"
BILLING = "account.group_account_invoice"
ALL = (
    f"{FIELD_SERVICE}manager,{MANAGER},{APPROVER},account.group_account_user,"
    "hr_timesheet.group_timesheet_manager,stock.group_stock_manager,"
    "sales_team.group_sale_manager"
)
PEOPLE = {
    "worker": f"{FIELD_SERVICE}user_own,hr_timesheet.group_hr_timesheet_user",
    "dispatcher": f"{FIELD_SERVICE}dispatcher",
    "invoicer": f"{FIELD_SERVICE}dispatcher,{USER}",
    "manager": f"{FIELD_SERVICE}dispatcher,{MANAGER}",
    "approver": APPROVER,
    "billing": BILLING,
    "accountant": "account.group_account_user",
    "auditor": "account.group_account_readonly",
    "office": f"{FIELD_SERVICE}dispatcher,{MANAGER},{BILLING}",
    "all": ALL,
}
# how Odoo says that a method is for one record, an amount for orders of one currency
BY_ODOO = ("Expected singleton", "Got multiple currencies")
# of Odoo, whose rows nobody may find changed after a refusal
TABLES = (
    "fsm_order",
    "fsm_order_line",
    "fsm_order_invoice",
    "fsm_change_order",
    "service_invoice_snapshot",
    "account_move",
    "account_move_line",
    "account_payment",
    "account_partial_reconcile",
    "mail_message",
)
# what a dialog asks for and has no record to name
QUESTIONS = ("Give ", "Choose ", "The export is not ready", "There is nothing to ex")
FIGURES = (
    "amount_untaxed",
    "amount_tax",
    "amount_total",
    "amount_invoiced",
    "amount_to_invoice",
    "billing_status",
)


@tagged("post_install", "-at_install")
class TestPublicWalk(ProgressCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for group in ALL.split(","):
            cls.env.user.group_ids += cls.env.ref(group)
        cls.env.user.group_ids += cls.env.ref("hr.group_hr_user")
        cls.currency = cls.setup_other_currency("EUR")
        there = cls.setup_other_company(currency_id=cls.currency.id)
        cls.sides = [Side(cls, cls.company_data), Side(cls, there)]
        cls.sides[1].company.service_invoice_lock = False
        cls.people = [
            cls._create_person(f"{name} {index}", groups, side.company)
            for index, side in enumerate(cls.sides)
            for name, groups in PEOPLE.items()
        ]
        companies = cls.sides[0].company | cls.sides[1].company
        cls.everywhere = cls._create_person("everywhere", ALL, companies)
        cls.methods = [
            (model, name)
            for model, names in get_public_methods(cls.env).items()
            for name in sorted(names)
            if name.startswith(("action_", "button_")) or is_own(cls.env, model)
        ]

    @classmethod
    def _create_person(cls, name, groups, companies):
        return new_test_user(
            cls.env,
            login=f"walk {name}",
            groups=groups,
            company_id=companies[:1].id,
            company_ids=[Command.set(companies.ids)],
        )

    def test_walk(self):
        """Section 7: nothing that must never happen happens."""
        seed = os.environ.get("SEED")
        seeds = [int(seed)] if seed else range(-(-STEPS // WALK))
        for seed in seeds:
            self.env.flush_all()
            with closing(self.env.cr.savepoint()):
                walk = Walk(self, seed)
                try:
                    for _step in range(min(STEPS, WALK)):
                        walk.step()
                except Exception as error:
                    raise AssertionError(
                        f"SEED={seed} fails at step {len(walk.log)}:\n"
                        + "\n".join(walk.log[-8:])
                    ) from error
                self.env.clear()
            self.registry.clear_all_caches()


class Walk:
    """Steps of random people, and what is checked after each."""

    def __init__(self, case, seed):
        self.case = case
        self.env = case.env
        self.sides = case.sides
        self.random = random.Random(seed)
        self.log = []
        self.issued = {}
        self.most = defaultdict(float)
        self.steps = [
            getattr(self, name) for name in dir(type(self)) if name.startswith("do_")
        ]
        self.check()

    # One step ------------------------------------------------------------------

    def step(self):
        case = self.case
        user = self.random.choice(
            [*case.people, *[case.everywhere] * 8, *[case.people[9]] * 8]
        )
        user = user if self.random.random() < 0.9 else self.random.choice(case.people)
        companies = user.company_ids.ids
        self.random.shuffle(companies)
        self.user = user
        self.client = self.env(
            user=user.id, context={"allowed_company_ids": companies, "lang": "en_US"}
        )
        do = self.random.choice([*self.steps, *[self.do_call] * len(self.steps)])
        self.log.append(f"{user.login} {do.__name__}")
        before = self._count()
        try:
            with self.env.cr.savepoint():
                do()
                self.client.flush_all()
        except IntegrityError as error:
            # Odoo's dispatcher turns it into a validation error
            self.log[-1] += f" -> {error}"
        except UserError as error:
            self._check_refusal(error)
            assert self._count() == before, "a refusal leaves something behind"
        except ValueError as error:
            if not str(error).startswith(BY_ODOO):
                raise
        self.env.invalidate_all(flush=False)
        self.check()

    def execute(self, model, method, *args, context=()):
        """Call as the client does, over RPC."""
        self.log[-1] += f" {model}.{method}{args!r}"
        context = {**self.client.context, **dict(context)}
        env = self.client(context={})
        result = call_kw(env[model], method, list(args), {"context": context})
        self.client.flush_all()
        return result

    def pick(self, model, domain=(), count=1):
        """Ids of random records, now and then of a company that is not the user's."""
        domain, records = list(domain), self.env[model].sudo()
        company = records._fields.get("company_id")
        if company and company.store and self.random.random() < 0.95:
            companies = [*self.user.company_ids.ids, False]
            domain.append(("company_id", "in", companies))
        elif model == "res.company" and self.random.random() < 0.95:
            domain.append(("id", "in", self.user.company_ids.ids))
        ids = records.search(domain, order="id").ids
        return self.random.sample(ids, min(count, len(ids)))

    def some(self, model, domain=()):
        """Ids for a call: mostly of one record, of several, of none at all."""
        return self.pick(model, domain, self.random.choice((1, 1, 1, 1, 1, 1, 2, 3, 0)))

    def pick_amount(self):
        choices = (0, 1, 10, 100, 33.33, 250, 1000, -5, 1e7)
        return float(self.random.choice(choices))

    # Public methods of the addons ----------------------------------------------

    def do_call(self):
        model, name = self.random.choice(self.case.methods)
        if self.env[model]._transient and self.random.random() < 0.8:
            model, name = self.random.choice(self.case.methods)
        if name in ("action_create_draft", "action_create_and_send"):
            return self.do_open_dialog(model)
        ids = self.some(model)
        args = {
            "create": lambda: [self.prepare(model)],
            "write": lambda: [ids, self.prepare(model)],
            "default_get": lambda: [list(self.env[model]._fields)],
        }.get(name, lambda: [ids])()
        action = self.execute(model, name, *args)
        if isinstance(action, dict) and action.get("res_model") in self.env:
            self.follow(action)

    def do_open_dialog(self, model=None):
        """A dialog over RPC, for whatever records."""
        dialogs = [
            name
            for name in self.env
            if self.env[name]._transient and is_own(self.env, name)
        ]
        model = model or self.random.choice(dialogs)
        dialog_id = self.execute(model, "create", self.prepare(model))
        self.press(model, dialog_id)

    def follow(self, action):
        """Fill in the dialog that a button opens, and press one of its buttons."""
        model = action["res_model"]
        if not self.env[model]._transient or model == "mail.compose.message":
            return
        values = {}
        for name, value in self.prepare(model).items():
            if name not in ("order_id", "order_ids", "move_ids", "move_id"):
                values[name] = value
        context = action.get("context")
        context = context if isinstance(context, dict) else {}
        dialog_id = self.execute(model, "create", values, context=context)
        self.press(model, dialog_id)

    def press(self, model, dialog_id):
        buttons = {
            "account.move.reversal": ["refund_moves", "modify_moves"],
            "account.payment.register": ["action_create_payments"],
            "account.move.send.wizard": ["action_send_and_print"],
            "fsm.order.create.draw": [
                "action_bill_rest",
                "action_create_draft",
                "action_create_and_send",
            ],
        }.get(model) or [
            name
            for own, name in self.case.methods
            if own == model and name.startswith("action_")
        ]
        if model == "fsm.order.create.draw" and self.random.random() < 0.8:
            self.fill_draw(dialog_id)
        for _press in range(self.random.choice((1, 1, 1, 2))):
            if buttons:
                button = self.random.choice(buttons)
                action = self.execute(model, button, [dialog_id])
                self.run_batch(action)

    def run_batch(self, action):
        """Make the first steps of the batch that an action opens, as its screen."""
        batches = "service.invoice.batch"
        if isinstance(action, dict) and action.get("res_model") == batches:
            for _step in range(self.random.choice((0, 1, 2))):
                self.execute(batches, "action_run_step", [action["res_id"]])

    def fill_draw(self, dialog_id):
        lines = self.env["fsm.order.create.draw.line"].sudo()
        for line in lines.search([("wizard_id", "=", dialog_id)], order="id"):
            percent = self.random.choice((0, 10, 25, 50, 75, 100, 100, 101))
            self.execute(line._name, "write", line.ids, {"percent": percent})

    def prepare(self, model):
        """Values of a record: mostly those that make sense."""
        prepare = getattr(self, f"prepare_{model.replace('.', '_')}", dict)
        values = prepare()
        if values and self.random.random() < 0.2:
            values.pop(self.random.choice(sorted(values)))
        return values

    def side(self):
        """One company's records, mostly those of a company of the user."""
        own = [side for side in self.sides if side.company <= self.user.company_ids]
        return self.random.choice(own if self.random.random() < 0.95 else self.sides)

    def one(self, model, domain=()):
        return (self.pick(model, domain) or [False])[0]

    def prepare_account_payment_register(self):
        return self.random.choice(({}, {}, {"amount": self.pick_amount()}))

    def prepare_account_move_reversal(self):
        return {
            "reason": "Walk",
            "journal_id": self.one("account.journal", [("type", "=", "sale")]),
        }

    def prepare_fsm_order_create_invoice(self):
        return {
            "order_ids": [Command.set(self.some("fsm.order"))],
            "tax_treatment": self.random.choice(
                ("default", "default", "exempt", "tax")
            ),
            "tax_id": self.one("account.tax"),
        }

    def prepare_service_invoice_batch_wizard(self):
        return {
            "order_ids": [Command.set(self.some("fsm.order"))],
            "grouped": self.random.random() < 0.5,
            "closing": self.random.choice(("draft", "draft", "post")),
        }

    def prepare_fsm_order_cancel_invoice(self):
        return {
            "move_ids": [Command.set(self.some("account.move"))],
            "reason": self.random.choice(("Wrong", "Wrong", " ")),
        }

    def prepare_fsm_order_mark_billed(self):
        return {
            "order_ids": [Command.set(self.some("fsm.order"))],
            "reason": self.random.choice(("On paper", " ")),
        }

    def prepare_fsm_order_create_deposit(self):
        return {
            "order_id": self.one("fsm.order"),
            "amount_type": self.random.choice(("percent", "fixed")),
            "percent": self.pick_amount(),
            "amount": self.pick_amount(),
        }

    def prepare_fsm_order_create_draw(self):
        return {
            "order_id": self.one("fsm.order", [("billing_method", "=", "progress")])
        }

    def prepare_fsm_order_create_draw_line(self):
        return {"percent": self.pick_amount(), "stored": self.pick_amount()}

    def prepare_fsm_order_release_retainage(self):
        return {
            "order_id": self.one("fsm.order", [("billing_method", "=", "progress")]),
            "amount": self.pick_amount(),
        }

    def prepare_fsm_order_invoice(self):
        return {
            "order_id": self.one("fsm.order"),
            "move_id": self.one("account.move"),
            "slot": self.random.choice(("order", "draw-1", "x")),
        }

    def prepare_fsm_order_line(self):
        return {
            "order_id": self.one("fsm.order"),
            "name": "Extra",
            "kind": self.random.choice(("labor", "part", "charge")),
            "quantity": self.random.choice((1, 2, 2.5, 0, -1)),
            "price_unit": self.pick_amount(),
            "tax_ids": [Command.set(self.pick("account.tax"))],
        }

    def prepare_fsm_change_order(self):
        order_id = self.one("fsm.order", [("billing_method", "=", "progress")])
        item = self.pick("fsm.order.line", [("order_id", "=", order_id)])
        return {
            "order_id": order_id,
            "title": "Change",
            "reason": "Asked for",
            "line_ids": [
                Command.create({"order_line_id": item_id, "amount": self.pick_amount()})
                for item_id in item
            ],
        }

    def prepare_fsm_change_order_line(self):
        return {
            "change_order_id": self.one("fsm.change.order"),
            "order_line_id": self.one("fsm.order.line"),
            "amount": self.pick_amount(),
        }

    def prepare_fsm_closeout_rule(self):
        return {
            "company_id": self.side().company.id,
            "requirement": self.random.choice(("price", "signature", "resolution")),
            "level": self.random.choice(("off", "warning", "blocking")),
        }

    def prepare_service_invoice_export(self):
        return {
            "source": self.random.choice(("selection", "period")),
            "move_ids": [Command.set(self.some("account.move"))],
            "company_ids": [Command.set(self.pick("res.company"))],
            "file_format": self.random.choice(("csv", "xlsx", "zip")),
        }

    # What else people do --------------------------------------------------------

    def do_create_order(self):
        side = self.side()
        progress = self.random.random() < 0.3
        self.execute(
            "fsm.order",
            "create",
            {
                "location_id": side.location.id,
                "company_id": side.company.id,
                "team_id": side.team.id,
                "warehouse_id": side.warehouse.id,
                "billing_method": "progress" if progress else "order",
                "retainage_percent": self.random.choice((0, 10)) if progress else 0,
                "line_ids": [
                    Command.create(
                        {
                            "name": "Work",
                            "price_unit": self.random.choice((10, 99.99, 500)),
                            "quantity": self.random.choice((1, 3)),
                            "tax_ids": [Command.set(side.tax.ids)],
                        }
                    )
                    for _line in range(self.random.choice((1, 2, 3)))
                ],
            },
        )

    def do_complete_order(self):
        self.execute("fsm.order", "action_complete", self.some("fsm.order"))

    def do_change_stage(self):
        stage = self.random.choice(("stage_new", "stage_cancelled"))
        stage_id = getattr(self.case, stage).id
        self.execute(
            "fsm.order", "write", self.pick("fsm.order"), {"stage_id": stage_id}
        )

    def do_write_order(self):
        values = self.random.choice(
            (
                {"bill_to_id": self.one("res.partner", [("is_company", "=", True)])},
                {"discount_type": "percent", "discount_value": self.pick_amount()},
                {"discount_type": "amount", "discount_value": self.pick_amount()},
                {"discount_type": "none"},
                {"not_to_exceed": self.pick_amount()},
                {"company_id": self.side().company.id},
                {"billing_method": self.random.choice(("order", "progress"))},
                {"bill_to_type": "person", "bill_to_name": "Jane Doe"},
                {"bill_to_type": "contact"},
                {"include_unit_price": False},
                {"billing_status": "paid"},
                {"marked_billed_date": "2026-01-01"},
                {"description": "Pump"},
            )
        )
        self.execute("fsm.order", "write", self.some("fsm.order"), values)

    def do_unlink_order(self):
        self.execute("fsm.order", "unlink", self.pick("fsm.order"))

    def do_write_line(self):
        values = self.random.choice(
            (
                {"quantity": self.random.choice((0, 1, 2, 4))},
                {"price_unit": self.pick_amount()},
                {"is_billable": False, "non_billable_reason": "goodwill"},
                {"is_billable": True},
                {"discount_type": "percent", "discount_value": 10.0},
                {"qty_invoiced": 0.0},
            )
        )
        self.execute("fsm.order.line", "write", self.some("fsm.order.line"), values)

    def do_log_hours(self):
        side = self.side()
        self.execute(
            "account.analytic.line",
            "create",
            {
                "name": "Mended",
                "fsm_order_id": self.one("fsm.order"),
                "project_id": side.company.internal_project_id.id,
                "employee_id": side.employee.id,
                "unit_amount": self.random.choice((1.0, 2.5)),
            },
        )

    def do_unlink_hours(self):
        model = "account.analytic.line"
        self.execute(model, "unlink", self.pick(model, [("fsm_order_id", "!=", False)]))

    def pick_moves(self, state=None):
        domain = [("move_type", "in", ("out_invoice", "out_refund"))]
        return self.some("account.move", domain + [("state", "=", state)] * bool(state))

    def do_post(self):
        self.execute("account.move", "action_post", self.pick_moves("draft"))

    def do_post_again(self):
        self.execute("account.move", "action_post", self.pick_moves())

    def do_reset_to_draft(self):
        self.execute("account.move", "button_draft", self.pick_moves())

    def do_cancel(self):
        self.execute("account.move", "button_cancel", self.pick_moves())

    def do_unlink_move(self):
        self.execute("account.move", "unlink", self.pick_moves())

    def do_copy_move(self):
        self.execute("account.move", "copy", self.pick_moves())

    def do_write_move(self):
        values = self.random.choice(
            (
                {"partner_id": self.one("res.partner", [("is_company", "=", True)])},
                {"invoice_date": "2026-03-01"},
                {"narration": "Thank you"},
                {"ref": "PO 7"},
                {"state": "draft"},
                {"currency_id": self.case.currency.id},
                {"service_discount_type": "percent", "service_discount_value": 5.0},
                {"reversed_entry_id": self.one("account.move")},
            )
        )
        self.execute("account.move", "write", self.pick_moves(), values)

    def do_write_move_line(self):
        lines = self.some(
            "account.move.line",
            [("display_type", "=", "product"), ("fsm_order_line_id", "!=", False)],
        )
        values = self.random.choice(
            ({"price_unit": self.pick_amount()}, {"name": "Text"}, {"tax_ids": []})
        )
        self.execute("account.move.line", "write", lines, values)

    def do_unlink_move_line(self):
        domain = [("display_type", "=", "product")]
        lines = self.pick("account.move.line", domain)
        self.execute("account.move.line", "unlink", lines)

    def do_reverse(self):
        context = {
            "active_model": "account.move",
            "active_ids": self.pick_moves("posted"),
        }
        values = self.prepare("account.move.reversal")
        reversal = self.execute(
            "account.move.reversal", "create", values, context=context
        )
        self.press("account.move.reversal", reversal)

    def do_pay(self):
        context = {
            "active_model": "account.move",
            "active_ids": self.pick_moves("posted"),
        }
        values = self.prepare("account.payment.register")
        payment = self.execute(
            "account.payment.register", "create", values, context=context
        )
        self.press("account.payment.register", payment)

    def do_unreconcile(self):
        partial = self.one("account.partial.reconcile")
        moves = self.pick_moves("posted")[:1]
        if partial and moves:
            self.execute(
                "account.move", "js_remove_outstanding_partial", moves, partial
            )

    def do_undo_payment(self):
        name = self.random.choice(("action_draft", "action_cancel"))
        self.execute("account.payment", name, self.pick("account.payment"))

    def do_change_master_data(self):
        partner = self.pick("res.partner", [("is_company", "=", True)])
        model, ids, values = self.random.choice(
            (
                ("res.partner", partner, {"name": f"Renamed {len(self.log)}"}),
                ("res.partner", partner, {"street": f"{len(self.log)} New Street"}),
                ("res.partner", partner, {"vat": "BE0477472701"}),
                ("account.tax", self.side().tax.ids, {"amount": len(self.log) % 25}),
                ("fsm.order.line", self.pick("fsm.order.line"), {"name": "Renamed"}),
            )
        )
        self.execute(model, "write", ids, values)

    # What must never happen -----------------------------------------------------

    def _count(self):
        query = " UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in TABLES)
        return self._fetch(query)

    def _fetch(self, query, *params):
        self.env.cr.execute(query, params)
        return self.env.cr.fetchall()

    def _check_refusal(self, error):
        """Section 7.6: a refusal is announced, and names what it is about."""
        message = str(error.args[0]).strip() if error.args else ""
        assert message, "a silent refusal"
        self.log[-1] += f" -> {type(error).__name__}: {message[:150]}"
        if isinstance(error, AccessError | MissingError):
            return
        frames = traceback.extract_tb(error.__traceback__)
        if "/fieldservice_invoicing" not in frames[-1].filename:
            return
        named = any(name in message for name in self._get_names())
        assert named or message.startswith(QUESTIONS), f"names nothing: {message}"

    def _get_names(self):
        names = self._fetch(
            """
            SELECT name FROM fsm_order UNION SELECT name FROM account_move
            UNION SELECT 'Draft' UNION SELECT 'Cancelled'
            UNION SELECT 'Change Order' UNION SELECT name FROM res_company
            UNION SELECT name FROM fsm_order_line
            """
        )
        return [name for (name,) in names if name and name != "/"]

    def check(self):
        self.check_claims()
        self.check_issued()
        self.check_numbers()
        self.check_quantities()
        self.check_balance()
        if len(self.log) % 10 == 0:
            self.check_figures()
            self.check_companies()

    def check_claims(self):
        """7.1: one active claim for each part of an order's billing, active as its
        invoice and credit notes say."""
        doubles = self._fetch(
            "SELECT order_id, slot FROM fsm_order_invoice WHERE is_active"
            " GROUP BY order_id, slot HAVING count(*) > 1"
        )
        assert not doubles, f"two active claims: {doubles}"
        claims = self._fetch(
            """
            SELECT claim.id, claim.is_active, move.state, move.amount_total,
                   count(note.id), coalesce(sum(note.amount_total), 0)
              FROM fsm_order_invoice claim
              JOIN account_move move ON move.id = claim.move_id
         LEFT JOIN account_move note ON note.reversed_entry_id = move.id
                   AND note.state = 'posted' AND note.move_type = 'out_refund'
                   AND note.currency_id = move.currency_id
             GROUP BY claim.id, move.id
            """
        )
        for claim_id, is_active, state, total, notes, credited in claims:
            if state == "cancel" or (notes and credited >= total):
                assert not is_active, f"claim {claim_id} should be free"
            elif not notes:
                assert is_active, f"claim {claim_id} is lost"

    def check_issued(self):
        """7.2, 7.3: what is issued stays as it is, and its number used."""
        now = dict(self._get_issued())
        for move_id, document in self.issued.items():
            assert move_id in now, f"{document} was deleted or taken back"
            assert now[move_id] == document, f"{document} became {now[move_id]}"
        self.issued = now

    def _get_issued(self):
        rows = self._fetch(
            """
            SELECT move.id, move.name, move.state, move.amount_untaxed, move.amount_tax,
                   move.amount_total, move.partner_id, move.invoice_date,
                   move.invoice_partner_display_name, move.currency_id,
                   -- the label of what is due has the customer's free reference
                   (SELECT md5(string_agg(concat_ws('|', line.id,
                           CASE WHEN line.display_type != 'payment_term'
                                THEN line.name END,
                           line.quantity, line.price_unit, line.discount,
                           line.price_total, line.balance, line.account_id,
                           line.tax_line_id), '#' ORDER BY line.id))
                      FROM account_move_line line WHERE line.move_id = move.id),
                   (SELECT md5(string_agg(shot.values::text, '#' ORDER BY shot.id))
                      FROM service_invoice_snapshot shot WHERE shot.move_id = move.id),
                   (SELECT md5(string_agg(claim.issued_values::text, '#'
                           ORDER BY claim.id))
                      FROM fsm_order_invoice claim WHERE claim.move_id = move.id)
              FROM account_move move
              JOIN res_company company ON company.id = move.company_id
             WHERE move.state = 'posted' AND company.service_invoice_lock
                   AND move.move_type IN ('out_invoice', 'out_refund')
                   AND (EXISTS (SELECT FROM fsm_order_invoice claim
                                 WHERE claim.move_id = move.id)
                    OR EXISTS (SELECT FROM fsm_order_invoice claim
                                WHERE claim.move_id = move.reversed_entry_id))
            """
        )
        return ((row[0], row[1:]) for row in rows)

    def check_numbers(self):
        """7.2: no number is given twice, and none is left out while issued documents
        are locked."""
        gaps = self._fetch(
            """
            SELECT journal_id, sequence_prefix, min(sequence_number),
                   max(sequence_number), count(*), count(DISTINCT sequence_number)
              FROM account_move
             WHERE move_type IN ('out_invoice', 'out_refund') AND name != '/'
                   AND posted_before AND company_id = %s
             GROUP BY journal_id, sequence_prefix
            HAVING max(sequence_number) - min(sequence_number) + 1 != count(*)
                   OR count(*) != count(DISTINCT sequence_number)
            """,
            self.sides[0].company.id,
        )
        assert not gaps, f"numbers: {gaps}"

    def check_quantities(self):
        """7.4: posted less credited is never more than there was to bill."""
        rows = self._fetch(
            """
            SELECT line.id, orders.billing_method, line.quantity, line.price_subtotal,
                   (SELECT coalesce(sum(billed.quantity * CASE move.move_type
                           WHEN 'out_refund' THEN -1 ELSE 1 END), 0)
                      FROM account_move_line billed
                      JOIN account_move move ON move.id = billed.move_id
                     WHERE billed.fsm_order_line_id = line.id
                           AND billed.parent_state = 'posted')
              FROM fsm_order_line line
              JOIN fsm_order orders ON orders.id = line.order_id
             WHERE line.display_type IS NULL
            """
        )
        for line_id, method, quantity, _amount, billed in rows:
            self.most[line_id] = max(self.most[line_id], quantity)
            if method != "progress":
                most = self.most[line_id]
                assert float(billed) <= most + 1e-6, (line_id, billed, most)

    def check_balance(self):
        unbalanced = self._fetch(
            "SELECT move_id, sum(balance) FROM account_move_line"
            " WHERE parent_state = 'posted' GROUP BY move_id"
            " HAVING abs(sum(balance)) > 0.001"
        )
        assert not unbalanced, f"unbalanced: {unbalanced}"

    def check_figures(self):
        """What is stored is what would be computed now."""
        env = self.env(su=True)
        orders = env["fsm.order"].search([], order="id")
        links = env["fsm.order.invoice"].search([], order="id")
        stored = {"fsm.order": FIGURES, "fsm.order.invoice": ("is_active",)}
        before = [records.read(stored[records._name]) for records in (orders, links)]
        with closing(env.cr.savepoint()):
            for records in (orders, links):
                for name in stored[records._name]:
                    env.add_to_compute(records._fields[name], records)
            env.flush_all()
            after = [records.read(stored[records._name]) for records in (orders, links)]
        for old, new in zip(before, after, strict=True):
            for one, other in zip(old, new, strict=True):
                assert one == other, f"stored {one}, computed {other}"

    def check_companies(self):
        """Nobody sees what belongs to a company that is not theirs."""
        user = self.random.choice(self.case.people)
        env = self.env(
            user=user.id, context={"allowed_company_ids": user.company_ids.ids}
        )
        for model in (
            "fsm.order",
            "fsm.order.line",
            "fsm.order.invoice",
            "fsm.change.order",
            "fsm.closeout.rule",
            "service.invoice.snapshot",
        ):
            if not env[model].has_access("read"):
                continue
            seen = env[model].search([]).sudo().company_id
            assert seen <= user.company_ids, (user.login, model, seen)
