# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Random walks through deposits, progress draws, retainage and change orders.

The walk keeps its own ledger of what was ordered, billed, paid, withheld and applied,
in decimals. It foretells which step is refused, compares every figure of the order and
the journal entries with its ledger after every step, and brings each contract to its
end. ``WALKS`` in the environment says how many walks there are (8).
"""

import functools
import os
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from freezegun import freeze_time
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged

from odoo.addons.fieldservice_invoicing_progress.tests.common import ProgressCommon

BEGIN = date(2026, 1, 5)
RATES = (1.0, 1.0717, 0.9312, 1.2345, 0.8117, 1.0093, 1.1111)
INDEX = st.integers(0, 20)
PERCENT = st.sampled_from((None, 0, 5, 7, 10, 25, 33.33, 50, 66.667, 75, 90, 99.9, 100))
PERCENTS = st.lists(PERCENT, min_size=5, max_size=5)
STORED = st.lists(
    st.sampled_from((None, None, None, 0, 10, 50)), min_size=5, max_size=5
)
RETAINAGE = st.sampled_from((None, None, 0, 5, 7.5, 10, 33.33, 100))
DEPOSIT = st.sampled_from((None, None, 0, 0.1, 0.37, 0.5, 1))
TAXES = (
    (),
    ("21 excluded",),
    ("7.7 excluded",),
    ("21 included",),
    ("5.5 included",),
    ("21 excluded", "7.7 excluded"),
    ("21 included", "5.5 included"),
    ("21 included", "7.7 excluded"),
)
ITEM = st.tuples(
    st.integers(2000, 999999) | st.integers(1, 99),  # price in cents
    st.sampled_from((1, 1, 1, 3, 2.5)),  # quantity
    st.sampled_from((0, 0, 0, 7, 12.5)),  # discount in percent
    st.sampled_from(TAXES),
    st.sampled_from(("labor", "part", "charge", "charge-back")),
)
START = st.fixed_dictionaries(
    {
        "currency": st.integers(0, 3),
        "rounding": st.sampled_from(("round_per_line", "round_globally")),
        "deposit_tax": st.sampled_from(("deposit", "invoice")),
        "retainage_tax": st.sampled_from(("draw", "release")),
        "percent": st.sampled_from((0, 5, 10, 7.5)),
        "cap": st.sampled_from((0, 0, 5, 2.5)),
        "items": st.lists(ITEM, min_size=1, max_size=4),
    }
)


@dataclass(eq=False)
class Document:
    """What the walk knows of one invoice, or of one credit note for it."""

    kind: str
    move: object
    origin: "Document | None" = None
    state: str = "draft"
    number: int = 0
    percent: Decimal = Decimal(0)
    work: dict = field(default_factory=dict)
    stored: dict = field(default_factory=dict)
    retainage: Decimal = Decimal(0)
    applied: dict = field(default_factory=dict)
    deposit: Decimal = Decimal(0)
    payments: dict = field(default_factory=dict)
    day: date | None = None

    @property
    def sign(self):
        return -1 if self.origin else 1

    @property
    def counts(self):
        return self.state == "posted" or (self.state == "draft" and not self.origin)

    def get_amounts(self):
        return {
            **{("work", item): amount for item, amount in self.work.items()},
            **{("applied", claim): amount for claim, amount in self.applied.items()},
            "retainage": self.retainage,
            "deposit": self.deposit,
        }


@tagged("post_install", "-at_install")
class TestProgressWalk(ProgressCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.currencies = [cls.company.currency_id] + [
            cls.env["res.currency"].create(
                {
                    "name": f"X{decimals}",
                    "symbol": f"X{decimals}",
                    "rounding": 10**-decimals,
                    "rate_ids": [
                        Command.create(
                            {
                                "name": BEGIN + timedelta(days=-1 + 3 * index),
                                "rate": rate * factor,
                            }
                        )
                        for index, factor in enumerate(RATES)
                    ],
                }
            )
            for decimals, rate in ((0, 151.37), (2, 0.8731), (3, 0.3071))
        ]
        cls.taxes = {
            f"{amount} {included}": cls.tax.copy(
                {
                    "name": f"{amount} {included}",
                    "amount": amount,
                    "price_include_override": f"tax_{included}",
                }
            )
            for amount in (5.5, 7.7, 21)
            for included in ("excluded", "included")
        }

    def test_walk(self):
        """B5-B8: whatever happens to the deposits, draws and releases of a contract,
        no item is billed beyond its scheduled value, a deposit is applied once, the
        ledger holds what the order says, and in the end exactly the contract is
        billed, and nothing is left on the accounts of deposits and retainage."""
        case = self

        class CaseWalk(Walk):
            pass

        CaseWalk.case = case
        with freeze_time(BEGIN) as CaseWalk.clock:
            run_state_machine_as_test(
                CaseWalk,
                settings=settings(
                    max_examples=int(os.environ.get("WALKS", "8")),
                    stateful_step_count=25,
                    deadline=None,
                    database=None,
                    derandomize="WALKS" not in os.environ,
                    suppress_health_check=list(HealthCheck),
                    print_blob=True,
                ),
            )


def step(kind=None, state=None, is_credit=None, **strategies):
    """A rule for walks that have a document of some kind, state and sign; a walk is
    only brought to its end if its last step went well."""

    def is_possible(self):
        return kind is state is is_credit is None or any(
            kind in (None, document.kind)
            and state in (None, document.state)
            and is_credit in (None, bool(document.origin))
            for document in self.documents
        )

    def decorate(method):
        @functools.wraps(method)
        def run(self, **values):
            self.is_sound = False
            method(self, **values)

        return precondition(is_possible)(rule(**strategies)(run))

    return decorate


class Walk(RuleBasedStateMachine):
    case: TestProgressWalk

    @initialize(start=START)
    def begin(self, start):
        self.is_sound = False
        self.env = self.case.env
        self.savepoint = self.env.cr.savepoint()
        self.today = BEGIN
        self.clock.move_to(BEGIN)
        company = self.case.company
        company.write(
            {
                "tax_calculation_rounding_method": start["rounding"],
                "service_deposit_tax_point": start["deposit_tax"],
                "service_retainage_tax_point": start["retainage_tax"],
            }
        )
        self.currency = self.case.currencies[start["currency"]]
        self.unit = Decimal(1).scaleb(-self.currency.decimal_places)
        self.order = self.case._create_contract(
            [self._prepare_item(*item) for item in start["items"]],
            currency_id=self.currency.id,
            retainage_percent=start["percent"],
            retainage_cap_percent=start["cap"],
        )
        self.percent = Decimal(str(start["percent"]))
        self.cap = Decimal(str(start["cap"]))
        self.items = self.order.line_ids
        if self.order.contract_revised <= 0:
            self.items.filtered(lambda item: item.price_unit < 0).price_unit = 0
        self.original = self._money(sum(self.items.mapped("price_subtotal")))
        self.scheduled = {item: self._money(item.price_subtotal) for item in self.items}
        self.documents = []
        self.is_reduced = set()

    def _prepare_item(self, cents, quantity, discount, taxes, kind):
        price = self.currency.round(cents / 100 * (-0.03 if "back" in kind else 1))
        return {
            "name": "Item",
            "kind": kind.split("-")[0],
            "price_unit": price,
            "quantity": quantity,
            "discount_type": "percent" if discount else "none",
            "discount_value": discount,
            "tax_ids": [
                Command.set([self.case.taxes[name].id for name in taxes]),
            ],
        }

    def teardown(self):
        if not hasattr(self, "savepoint"):
            return
        try:
            if self.is_sound:
                self.finish()
        finally:
            self.env.invalidate_all(flush=False)
            self.savepoint.close(rollback=True)
            self.env.clear()

    # Arithmetic ------------------------------------------------------------------

    def _round(self, amount):
        return (amount / self.unit).to_integral_value(ROUND_HALF_UP) * self.unit

    def _money(self, amount):
        """Decimal of a float that the database rounds."""
        return self._round(Decimal(repr(round(amount, 6))))

    # The ledger of the walk ------------------------------------------------------

    def _counted(self, kind=None):
        return [
            document
            for document in self.documents
            if document.counts and kind in (None, document.kind)
        ]

    def _credits(self, document):
        return [
            other
            for other in self.documents
            if other.origin is document and other.state == "posted"
        ]

    def _net(self, document):
        """Amounts of one invoice less those of its credit notes."""
        net = defaultdict(Decimal, document.get_amounts())
        for credit in self._credits(document):
            for key, amount in credit.get_amounts().items():
                net[key] -= amount
        return net

    def _is_alive(self, document):
        if document.origin or document.state not in ("draft", "posted"):
            return False
        return not self._credits(document) or any(self._net(document).values())

    def _draws(self):
        draws = [
            document
            for document in self.documents
            if document.kind == "draw" and self._is_alive(document)
        ]
        return sorted(draws, key=lambda draw: draw.number)

    def _billed(self, item, without=None):
        return sum(
            (
                document.sign * document.work.get(item, Decimal(0))
                for document in self._counted("draw")
                if document is not without
            ),
            Decimal(0),
        )

    def _stored(self, item, without=None):
        for draw in self._draws()[::-1]:
            if draw is not without and item in draw.stored:
                stored = draw.stored[item]
                for credit in self._credits(draw):
                    stored = credit.stored.get(item, stored)
                return stored
        return Decimal(0)

    def _held(self, without=None):
        return sum(
            (
                document.sign * document.retainage
                for document in self._counted()
                if document is not without
            ),
            Decimal(0),
        )

    def _releasable(self):
        return sum(
            (
                document.sign * document.retainage
                for document in self._counted()
                if document.kind == "release"
                or (document.origin or document).state == "posted"
            ),
            Decimal(0),
        )

    def _deposits(self):
        return [
            document
            for document in self.documents
            if document.kind == "deposit" and not document.origin
        ]

    def _deposit_total(self, deposit):
        return self._net(deposit)["deposit"] if deposit.counts else Decimal(0)

    def _deposit_applied(self, deposit, without=None):
        return sum(
            (
                document.sign * document.applied.get(deposit, Decimal(0))
                for document in self._counted()
                if document is not without
            ),
            Decimal(0),
        )

    def _deposit_paid(self, deposit):
        paid = sum(deposit.payments.values(), Decimal(0))
        return max(min(paid, self._deposit_total(deposit)), Decimal(0))

    def _deposit_left(self, deposit, without=None):
        left = self._deposit_paid(deposit) - self._deposit_applied(deposit, without)
        return max(left, Decimal(0))

    def _apply(self, amount, without=None):
        """How much of each deposit is applied, the oldest first."""
        applied = {}
        for deposit in sorted(self._deposits(), key=lambda deposit: deposit.number):
            share = min(self._deposit_left(deposit, without), amount)
            if share > 0:
                applied[deposit] = share
                amount -= share
        return applied

    def _revised(self):
        return sum(self.scheduled.values(), Decimal(0))

    def _get_excess(self):
        """Items that are billed beyond their scheduled values."""
        return [
            item
            for item in self.items
            if not self._is_within(self._billed(item), self.scheduled[item])
        ]

    def _is_within(self, amount, limit):
        """Whether an amount is between zero and a limit, on either side of it."""
        return min(limit, 0) <= amount <= max(limit, 0)

    def _withhold(self, work, percent, without=None):
        amount = self._round(work * percent / 100)
        if self.cap:
            cap = self._round(self._revised() * self.cap / 100)
            amount = min(amount, max(cap - self._held(without), Decimal(0)))
        return amount

    # What is refused -------------------------------------------------------------

    def _get_refusal(self, changed):
        """Why documents can not be in the state that they have now in the ledger."""
        for document in changed:
            is_issued = document.state == "posted" and not document.origin
            if is_issued and document.kind == "draw" and self._get_excess():
                return "beyond its scheduled value"
            if is_issued:
                for deposit in document.applied:
                    applied = self._deposit_applied(deposit)
                    if applied > self._deposit_paid(deposit):
                        return "is applied by"
            origin = document.origin or document
            for key, amount in self._net(origin).items():
                billed = origin.get_amounts().get(key, Decimal(0))
                if not self._is_within(amount, billed):
                    return "more than it bills"
            if (
                origin.kind == "draw"
                and not self._is_alive(origin)
                and any(draw.number > origin.number for draw in self._draws())
            ):
                return "Only the last draw"
        for deposit in self._deposits():
            if self._deposit_applied(deposit) > self._deposit_total(deposit):
                return "is applied to invoices"
        if self._held() < 0:
            return "would be released"
        return None

    def _attempt(self, action):
        """What ``action`` gives, or the text (str) of its refusal."""
        try:
            with self.env.cr.savepoint():
                result = action()
                self.env.flush_all()
                return result
        except UserError as error:
            return str(error)

    def _expect(self, refusal, result):
        """Whether a step was taken (bool), as it was to be."""
        if refusal:
            assert isinstance(result, str), f"Not refused: {refusal}"
            return False
        assert not isinstance(result, str), result
        return True

    def _try_states(self, action, states, **added):
        """Take a step that gives documents other states, if the ledger allows it."""
        before = {document: document.state for document in states}
        for document, state in states.items():
            document.state = state
            document.day = self.today if state == "posted" else document.day
        refusal = self._get_refusal(states)
        for document, state in before.items():
            document.state = state
        result = self._attempt(action)
        if self._expect(refusal, result):
            for document, state in states.items():
                document.state = state
        return result

    def _choose(self, index, condition):
        documents = [
            document
            for document in self.documents
            if document.state != "gone" and condition(document)
        ]
        return documents[index % len(documents)] if documents else None

    # Contract --------------------------------------------------------------------

    @step(days=st.integers(1, 4))
    def pass_days(self, days):
        self.today += timedelta(days=days)
        self.clock.move_to(self.today)
        # as a day later is another transaction
        self.env.flush_all()
        self.env.invalidate_all()

    @step(index=INDEX, percent=st.sampled_from((-100, -75, -50, -33.3, -10, 5, 40)))
    def change(self, index, percent):
        """A change order: so much more or less of an item."""
        item = self.items[index % len(self.items)]
        amount = self._round(self.scheduled[item] * Decimal(str(percent)) / 100)
        if amount:
            self._change(item, amount)

    def _change(self, item, amount):
        change = (item, float(amount))
        result = self._attempt(
            lambda: self.case._create_change_order(
                change, order=self.order, approve=True
            )
        )
        is_negative = self._revised() + amount < 0
        if self._expect(is_negative and "whole contract", result):
            self.scheduled[item] += amount

    @step(cents=st.integers(1, 99999), taxes=st.sampled_from(TAXES))
    def extend(self, cents, taxes):
        """A change order with a new item."""
        if len(self.items) >= 5:
            return
        amount = self._round(Decimal(cents) / 100) or self.unit
        self.case._create_change_order(
            {
                "name": "Extra",
                "amount": float(amount),
                "tax_ids": [Command.set([self.case.taxes[name].id for name in taxes])],
            },
            order=self.order,
            approve=True,
        )
        item = self.order.line_ids - self.items
        self.items += item
        self.scheduled[item] = amount

    # Deposits --------------------------------------------------------------------

    @step(
        amount_type=st.sampled_from(("fixed", "percent")),
        percent=st.sampled_from((0.7, 5, 10, 30, 33.33, 80, 100)),
    )
    def deposit(self, amount_type, percent):
        self._deposit(amount_type, percent)

    def _deposit(self, kind, percent):
        total = self._money(self.order.amount_total)
        value = Decimal(str(percent))
        if kind == "fixed":
            value = self._round(total * value / 100)
        draw_up = functools.partial(
            self.order._get_deposit_base_lines, kind, float(value)
        )
        # of a few cents over several taxes nothing exact can be taken
        if value <= 0 or self._revised() <= 0 or total < 100 * self.unit:
            return
        announced = self._attempt(draw_up)
        assert not isinstance(announced, str), announced
        totals = self.order._get_tax_totals(announced)
        untaxed = self._money(totals["base_amount_currency"])
        present = sum(
            self._money(self._get_untaxed(deposit.move, "deposit"))
            - sum(
                self._money(self._get_untaxed(credit.move, "deposit"))
                for credit in self._credits(deposit)
            )
            for deposit in self._deposits()
            if deposit.counts
        )
        result = self._attempt(lambda: self.order._create_deposit(kind, float(value)))
        refusal = present + untaxed > self._revised() and "above its contract"
        if not self._expect(refusal, result):
            return
        self._check_announced(totals, result)
        amount = self._money(result.amount_total)
        if kind == "fixed":
            assert amount == value, (amount, value)
        self.documents.append(
            Document(
                "deposit", result, deposit=amount, number=self._get_number("deposit")
            )
        )

    def _get_untaxed(self, move, progress_type):
        lines = move.invoice_line_ids.filtered(
            lambda line: line.progress_type == progress_type
        )
        return sum(lines.mapped("price_subtotal"))

    def _get_number(self, kind):
        alive = [
            document.number
            for document in self.documents
            if document.kind == kind and self._is_alive(document)
        ]
        return max(alive, default=0) + 1

    @step(percent=st.sampled_from((10, 30, 50)), share=st.sampled_from((1, 1, 0.4)))
    def deposit_and_pay(self, percent, share):
        """What people do most of all, so that the walk gets beyond it."""
        count = len(self.documents)
        self._deposit("fixed", percent)
        if len(self.documents) > count:
            self._post(self.documents[-1])
            self._pay(self.documents[-1], share)

    @step("deposit", "posted")
    def refund(self):
        """Credit notes for what is left of deposits."""
        self._refund()

    def _refund(self):
        left = [
            deposit for deposit in self._deposits() if self._deposit_left(deposit) > 0
        ]
        drafted = any(
            document.origin in left and document.state == "draft"
            for document in self.documents
        )
        refusal = (not left and "no deposit to refund") or (drafted and "draft")
        before = self.order.invoice_link_ids.move_id.reversal_move_ids
        result = self._attempt(self.order.action_refund_deposit)
        if not self._expect(refusal, result):
            return
        new = self.order.invoice_link_ids.move_id.reversal_move_ids - before
        assert len(new) == len(left)
        for deposit in left:
            move = new.filtered(
                lambda move, deposit=deposit: move.reversed_entry_id == deposit.move
            )
            amount = self._deposit_total(deposit) - self._deposit_applied(deposit)
            assert self._money(move.amount_total) == amount, (move.amount_total, amount)
            self.documents.append(
                Document("deposit", move, origin=deposit, deposit=amount)
            )

    # Draws -----------------------------------------------------------------------

    def _get_drawn(self, percents, stored, without=None):
        """Amounts of what is completed and stored to date, for items."""
        completed, held = {}, {}
        for index, item in enumerate(self.items):
            scheduled = self.scheduled[item]
            if percents[index] is not None:
                completed[item] = self._round(
                    scheduled * Decimal(str(percents[index])) / 100
                )
            if stored[index] is not None:
                held[item] = self._round(scheduled * Decimal(str(stored[index])) / 100)
        return completed, held

    def _get_periods(self, completed, stored, without=None):
        """What is billed this period and stored then, of items that are touched."""
        work, held, beyond = {}, {}, False
        for item in self.items:
            billed = self._billed(item, without)
            before = self._stored(item, without)
            now = stored.get(item, before)
            done = completed.get(item, billed - before)
            if done + now != billed or now != before:
                work[item] = done + now - billed
                held[item] = now
            scheduled = self.scheduled[item]
            beyond |= not self._is_within(done + now, scheduled)
            beyond |= now * scheduled < 0
        return work, held, beyond

    def _get_draw_refusal(self, work, beyond):
        draws = self._draws()
        if draws and draws[-1].state == "draft":
            return "is still a draft"
        if draws and all(
            self._billed(item) == self.scheduled[item] for item in self.items
        ):
            return "billed in full"
        if any(
            document.state == "draft" and document.origin in draws
            for document in self.documents
        ):
            return "draft credit note"
        return (beyond and "beyond") or (not work and "nothing to bill")

    @step(percents=PERCENTS, stored=STORED, percent=RETAINAGE, share=DEPOSIT)
    def draw(self, percents, stored, percent, share):
        self._draw(*self._get_drawn(percents, stored), percent, share)

    def _draw(self, completed, stored, percent=None, share=None):
        self.asked = completed, stored
        work, held, beyond = self._get_periods(completed, stored)
        refusal = self._get_draw_refusal(work, beyond)
        total = sum(work.values(), Decimal(0))
        if not refusal and total < 0:
            self._draw_credit(completed, stored, work, held)
            return
        options, expected = self._get_draw_options(work, percent, share, refusal)
        refusal = refusal or expected.pop("refusal")
        result = self._attempt(
            lambda: self.order._create_draw(
                *self._to_floats(completed, stored), **options
            )
        )
        if not self._expect(refusal, result):
            return
        document = Document(
            "draw",
            result,
            number=self._get_number("draw"),
            work=work,
            stored=held,
        )
        self._take_draw(document, expected)
        self.documents.append(document)

    def _to_floats(self, *amounts):
        return [
            {item: float(amount) for item, amount in dictionary.items()}
            for dictionary in amounts
        ]

    def _get_draw_options(self, work, percent, share, refusal, without=None):
        """Options of a draw, and what has to come of it."""
        value = self.percent if percent is None else Decimal(str(percent))
        total = sum(work.values(), Decimal(0))
        options = {"retainage_percent": percent, "deposit": share}
        expected = {"percent": value, "refusal": False}
        if refusal:
            return options, expected
        expected["retainage"] = self._withhold(total, value, without)
        amount = self._announce(work, value, 0.0, without)["total_amount_currency"]
        amount = self._money(amount)
        left = sum(
            (self._deposit_left(deposit, without) for deposit in self._deposits()),
            Decimal(0),
        )
        most = max(min(amount, left), Decimal(0))
        if share is not None:
            most = self._round(most * Decimal(str(share)))
            options["deposit"] = float(most)
        expected |= {
            "applied": self._apply(most, without),
            "announced": self._announce(work, value, options["deposit"], without),
            "refusal": amount < 0 and "would be negative",
        }
        return options, expected

    def _announce(self, work, percent, deposit, without=None):
        """Totals as the dialog announces them, for the work that the walk foretells."""
        move = without.move if without else None
        completed, stored = self._to_floats(*self.asked)
        items = self.order._get_draw_items(completed, stored, without=move)
        for item in items:
            assert item.this_period == work.get(item.line, 0), item
        base_lines = self.order._get_draw_base_lines(
            items, float(percent), deposit, without=move
        )
        return self.order._get_tax_totals(base_lines)

    def _take_draw(self, document, expected):
        document.percent = expected["percent"]
        document.retainage = expected["retainage"]
        document.applied = expected["applied"]
        self._check_announced(expected["announced"], document.move)

    def _check_announced(self, totals, move):
        announced = [
            self._money(totals[f"{name}_amount_currency"])
            for name in ("base", "tax", "total")
        ]
        invoiced = [
            self._money(move[f"amount_{name}"]) for name in ("untaxed", "tax", "total")
        ]
        assert announced == invoiced, (announced, invoiced)

    def _draw_credit(self, completed, stored, work, held):
        """A draw that comes to less than nothing: credit notes, from the last draw
        back."""
        to_credit = {item: -amount for item, amount in work.items()}
        credited, given_back = [], Decimal(0)
        restated = {item for item in held if held[item] != self._stored(item)}
        for draw in self._draws()[::-1]:
            net = self._net(draw)
            part = {
                item: min(net["work", item], amount)
                for item, amount in to_credit.items()
                if min(net["work", item], amount) > 0
            }
            for item in restated & draw.stored.keys():
                part.setdefault(item, Decimal(0))
            restated -= draw.stored.keys()
            if part:
                for item, amount in part.items():
                    to_credit[item] -= amount
                most = max(min(self._held() - given_back, net["retainage"]), Decimal(0))
                retainage = min(
                    self._round(sum(part.values()) * draw.percent / 100), most
                )
                given_back += retainage
                credited.append((draw, part, retainage))
        refusal = any(amount > 0 for amount in work.values()) and "comes to a credit"
        refusal = refusal or (any(to_credit.values()) and "never billed")
        result = self._attempt(
            lambda: self.order._create_draw(*self._to_floats(completed, stored))
        )
        if not self._expect(refusal, result):
            return
        assert len(result) == len(credited), (result, credited)
        for draw, part, retainage in credited:
            move = result.filtered(
                lambda move, draw=draw: move.reversed_entry_id == draw.move
            )
            total = sum(part.values()) - retainage
            assert self._money(move.amount_untaxed) == total, (move, total)
            self.documents.append(
                Document(
                    "draw",
                    move,
                    origin=draw,
                    work=part,
                    stored={item: held[item] for item in part},
                    retainage=retainage,
                )
            )

    @step(percents=PERCENTS, stored=STORED, percent=RETAINAGE, share=DEPOSIT)
    def draw_and_post(self, percents, stored, percent, share):
        self._post_all()
        self._draw(*self._get_drawn(percents, stored), percent, share)
        self._post_all()

    @step(
        "draw",
        "posted",
        False,
        index=INDEX,
        percent=st.sampled_from((0, 20, 75, 99)),
        is_posted=st.booleans(),
    )
    def reduce_and_credit(self, index, percent, is_posted):
        """A contract that falls below what is billed, and the draw that settles it."""
        item = self.items[index % len(self.items)]
        billed = self._billed(item)
        amount = self._round(billed * percent / 100) - self.scheduled[item]
        if not billed or not amount:
            return
        self._post_all()
        self._change(item, amount)
        self._lower_to_contract(is_posted)

    def _post_all(self):
        for document in [*self.documents]:
            if document.state == "draft":
                self._post(document)

    @step(
        "draw",
        "draft",
        False,
        percents=PERCENTS,
        stored=STORED,
        percent=RETAINAGE,
        share=DEPOSIT,
    )
    def edit_draw(self, percents, stored, percent, share):
        draft = self._draws()[-1:]
        if not draft or draft[0].state != "draft":
            return
        draft = draft[0]
        completed, held = self._get_drawn(percents, stored)
        work, held_then, beyond = self._get_periods(completed, held, draft)
        refusal = (beyond and "beyond") or (not work and "nothing to bill")
        if not refusal and sum(work.values()) < 0:
            refusal = "would be negative"
        self.asked = completed, held
        options, expected = self._get_draw_options(work, percent, share, refusal, draft)
        refusal = refusal or expected.pop("refusal")
        result = self._attempt(
            lambda: self.order._update_draw(
                draft.move, *self._to_floats(completed, held), **options
            )
        )
        if self._expect(refusal, result):
            draft.work, draft.stored = work, held_then
            self._take_draw(draft, expected)

    # Through accounting ----------------------------------------------------------

    @step(None, "draft", index=INDEX)
    def post(self, index):
        document = self._choose(index, lambda document: document.state == "draft")
        if document:
            self._post(document)

    def _post(self, document):
        if not document.move.invoice_date:
            # the rate of the day on which it is posted
            document.move.invoice_date = self.today
        self._try_states(document.move.action_post, {document: "posted"})

    @step(None, "posted", False, index=INDEX, share=st.sampled_from((1, 1, 0.5, 0.333)))
    def pay(self, index, share):
        document = self._choose(
            index,
            lambda document: (
                document.state == "posted"
                and not document.origin
                and document.move.amount_residual > 0
            ),
        )
        if document:
            self._pay(document, share)

    def _pay(self, document, share):
        residual = self._money(document.move.amount_residual)
        amount = self._round(residual * Decimal(str(share)))
        if amount <= 0:
            return
        before = document.move.matched_payment_ids
        self.case._pay(document.move, float(amount))
        payment = document.move.matched_payment_ids - before
        assert len(payment) == 1
        document.payments[payment] = amount

    @step(None, "posted", False, index=INDEX)
    def undo_payment(self, index):
        document = self._choose(index, lambda document: document.payments)
        if document:
            payment, _amount = document.payments.popitem()
            payment.action_draft()
            payment.action_cancel()

    @step(is_credit=False, index=INDEX)
    def cancel(self, index):
        """Cancel an invoice, as its button does."""
        document = self._choose(
            index,
            lambda document: (
                self._is_alive(document) and not document.move._get_cancel_refusal()
            ),
        )
        if not document:
            return
        if document.state == "draft":
            action = functools.partial(document.move._cancel_service_invoices, "walk")
            self._try_states(action, {document: "cancel"})
            return
        credit = self._copy(document)
        self.documents.append(credit)
        result = self._try_states(
            lambda: document.move._cancel_service_invoices("walk"), {credit: "posted"}
        )
        self._settle(credit, result)

    def _copy(self, document):
        """What a credit note for the whole of an invoice says."""
        return Document(
            document.kind,
            None,
            origin=document,
            work=dict(document.work),
            retainage=document.retainage,
            applied=dict(document.applied),
            deposit=document.deposit,
        )

    def _settle(self, document, move):
        """Keep a document that came to be, forget one that was refused."""
        if isinstance(move, str):
            self.documents.remove(document)
        else:
            document.move = move

    @step(None, "cancel", index=INDEX)
    def revive(self, index):
        """A cancelled draft is a draft again."""
        document = self._choose(
            index,
            lambda document: (
                document.state == "cancel"
                and not any(
                    self._is_alive(other)
                    and (other.kind, other.number) == (document.kind, document.number)
                    for other in self.documents
                )
            ),
        )
        if document:
            self._try_states(document.move.button_draft, {document: "draft"})

    @step(None, "draft", index=INDEX)
    def drop(self, index):
        """Delete a draft."""
        document = self._choose(index, lambda document: document.state == "draft")
        if document:
            self._drop(document)

    def _drop(self, document):
        later = document.kind == "draw" and not document.origin
        later = later and self._draws()[-1] is not document
        result = self._attempt(document.move.unlink)
        if self._expect(later and "Only the last draw", result):
            document.state = "gone"

    @step(None, "posted", False, index=INDEX, is_posted=st.booleans())
    def credit(self, index, is_posted):
        """A credit note for the whole, by Odoo's dialog."""
        document = self._choose_posted(index)
        if not document:
            return
        credit = self._copy(document)
        credit.move = self.case._credit(document.move, post=False)
        self.documents.append(credit)
        if is_posted:
            self._post(credit)

    def _choose_posted(self, index, kind=None):
        return self._choose(
            index,
            lambda document: (
                document.state == "posted"
                and not document.origin
                and kind in (None, document.kind)
            ),
        )

    @step(
        "draw",
        "posted",
        False,
        index=INDEX,
        part=INDEX,
        share=st.sampled_from((0.1, 0.5, 1)),
    )
    def credit_in_part(self, index, part, share):
        """A credit note for a part of one item, edited by hand."""
        document = self._choose_posted(index, "draw")
        if not document:
            return
        move = self.case._credit(document.move, post=False)
        lines = move.invoice_line_ids.filtered(
            lambda line: line.progress_type == "work" and line.price_subtotal
        )
        if not lines:
            move.unlink()
            return
        line = lines[part % len(lines)]
        (move.invoice_line_ids - line).unlink()
        line.quantity = share
        work = {line.fsm_order_line_id: self._money(line.price_subtotal)}
        if move.amount_total < 0:
            move.unlink()
            return
        credit = Document("draw", move, origin=document, work=work)
        self.documents.append(credit)
        self._post(credit)

    @step(None, "posted", False, index=INDEX)
    def bill_anew(self, index):
        """“Reverse and create invoice” of Odoo's dialog."""
        document = self._choose(
            index,
            lambda document: (
                document.state == "posted"
                and self._is_alive(document)
                and not document.origin
            ),
        )
        if not document:
            return
        credit = self._copy(document)
        self.documents.append(credit)
        result = self._try_states(
            lambda: self.case._credit(document.move, modify=True), {credit: "posted"}
        )
        self._settle(
            credit,
            result
            if isinstance(result, str)
            else document.move.reversal_move_ids.sorted("id")[-1:],
        )
        if not isinstance(result, str):
            new = self._copy(document)
            new.origin, new.move = None, result
            new.number, new.percent = document.number, document.percent
            new.stored = dict(document.stored)
            self.documents.append(new)

    # Retainage -------------------------------------------------------------------

    @step(
        "draw",
        "posted",
        False,
        share=st.sampled_from((None, 0.25, 0.5, 1, 1.01)),
        deposit=DEPOSIT,
    )
    def release(self, share, deposit):
        self._release(share, deposit)

    def _release(self, share=None, deposit=None):
        held = self._releasable()
        amount = held if share is None else self._round(held * Decimal(str(share)))
        wanted = None if share is None else float(amount)
        refusal = held <= 0 or not 0 < amount <= held
        if not refusal:
            base_lines = self.order._get_release_base_lines(wanted, 0.0)
            total = self.order._get_tax_totals(base_lines)["total_amount_currency"]
            left = sum(
                (self._deposit_left(deposit) for deposit in self._deposits()),
                Decimal(0),
            )
            applied = min(self._money(total), left)
            if deposit is not None:
                applied = self._round(applied * Decimal(str(deposit)))
                deposit = float(applied)
            totals = self.order._get_tax_totals(
                self.order._get_release_base_lines(wanted, deposit)
            )
        result = self._attempt(lambda: self.order._release_retainage(wanted, deposit))
        if not self._expect(refusal, result):
            return None
        self._check_announced(totals, result)
        document = Document(
            "release",
            result,
            number=self._get_number("release"),
            retainage=-amount,
            applied=self._apply(applied),
        )
        self.documents.append(document)
        return document

    @step("draw", "posted", False, share=st.sampled_from((None, 0.5)))
    def release_and_post(self, share):
        document = self._release(share)
        if document:
            self._post(document)

    # What has to be true ---------------------------------------------------------

    @invariant()
    def check(self):
        if not hasattr(self, "documents"):
            return
        self.env.flush_all()
        self.check_order()
        self.check_items()
        self.check_deposits()
        self.check_ledger()
        self.check_documents()
        self.is_sound = True

    def check_order(self):
        order = self.order
        billed = sum((self._billed(item) for item in self.items), Decimal(0))
        expected = {
            "contract_original": self.original,
            "contract_revised": self._revised(),
            "contract_changes": self._revised() - self.original,
            "progress_billed": billed,
            "balance_to_finish": self._revised() - billed,
            "retainage_held": self._held(),
            "deposit_billed": sum(map(self._deposit_total, self._deposits())),
            "deposit_balance": sum(map(self._deposit_left, self._deposits())),
        }
        present = {name: self._money(order[name]) for name in expected}
        assert present == expected, (present, expected)

    def check_items(self):
        for item in self.items:
            figures = (
                item.price_subtotal,
                item._get_amount_billed(),
                item._get_amount_stored(),
            )
            assert tuple(map(self._money, figures)) == (
                self.scheduled[item],
                self._billed(item),
                self._stored(item),
            ), (item, figures, self._billed(item), self._stored(item))

    def check_deposits(self):
        for deposit in self._deposits():
            if deposit.state == "gone":
                continue
            claim = deposit.move.service_order_link_ids
            assert tuple(
                map(
                    self._money,
                    (
                        claim.deposit_total,
                        claim.deposit_paid,
                        claim.deposit_applied,
                        claim.deposit_left,
                    ),
                )
            ) == (
                self._deposit_total(deposit),
                self._deposit_paid(deposit),
                self._deposit_applied(deposit),
                self._deposit_left(deposit),
            ), claim.read()

    def _search_lines(self, progress_type):
        return self.env["account.move.line"].search(
            [
                ("progress_order_id", "=", self.order.id),
                ("progress_type", "=", progress_type),
                ("parent_state", "=", "posted"),
            ]
        )

    def check_ledger(self):
        posted = [document for document in self.documents if document.state == "posted"]
        retained = sum(
            (document.sign * document.retainage for document in posted), Decimal(0)
        )
        lines = self._search_lines("retainage")
        account = self.case.company.service_retainage_account_id
        assert lines.account_id <= account
        assert self._money(sum(lines.mapped("amount_currency"))) == retained
        billed = sum(
            (document.sign * sum(document.work.values()) for document in posted),
            Decimal(0),
        )
        lines = self._search_lines("work")
        assert self._money(-sum(lines.mapped("amount_currency"))) == billed
        for day in {document.day for document in posted} | {BEGIN, self.today}:
            held = sum(
                (
                    document.sign * document.retainage
                    for document in posted
                    if document.day <= day
                ),
                Decimal(0),
            )
            ledger = self.order._get_ledger_retainage(day).get(self.order, 0.0)
            assert self._money(ledger) == held, (day, ledger, held)
        self.check_liability(posted)

    def check_liability(self, posted):
        """What is left of deposits is on the liability account, and none of them is
        left on it that is applied or credited."""
        lines = self._search_lines("deposit")
        account = self.case.company.downpayment_account_id
        assert lines.account_id <= account
        for deposit in self._deposits():
            if deposit.state != "posted":
                continue
            applied = sum(
                document.sign * document.applied.get(deposit, Decimal(0))
                for document in posted
            )
            own = lines.filtered(
                lambda line, deposit=deposit: (
                    line.deposit_claim_id == deposit.move.service_order_link_ids
                    or deposit.move in (line.move_id | line.move_id.reversed_entry_id)
                )
            )
            gross = self._money(
                -sum(line._get_signed(line.price_total) for line in own)
            )
            left = self._deposit_total(deposit) - applied
            assert -gross == left, (gross, left)
            balance = self._money(sum(own.mapped("amount_currency")))
            assert (not balance) if not left else balance <= 0, (balance, left)

    def check_documents(self):
        claims = self.order.invoice_link_ids
        moves = claims.move_id | claims.move_id.reversal_move_ids
        for move in moves:
            assert move.company_currency_id.is_zero(
                sum(move.line_ids.mapped("balance"))
            )
        known = [document.move for document in self.documents if document.move]
        assert moves <= self.env["account.move"].union(*known), "left behind"
        for document in self.documents:
            if document.state != "gone" and not document.origin:
                claim = document.move.service_order_link_ids
                assert claim.is_active == self._is_alive(document), claim
                assert claim.number == document.number
            if document.state != "gone":
                assert document.move.state == document.state

    # The end ---------------------------------------------------------------------

    def finish(self):
        """Bring the contract to its end, whatever the walk left of it."""
        self._settle_drafts()
        for deposit in self._deposits():
            if deposit.state == "posted":
                self._pay(deposit, 1)
        self._lower_to_contract()
        for _time in range(3):
            if all(self._billed(item) == self.scheduled[item] for item in self.items):
                break
            self._draw_up_to_contract()
        self.check()
        assert self._money(self.order.balance_to_finish) == 0
        while self._releasable() > 0:
            self._post(self._release())
        if any(self._deposit_left(deposit) > 0 for deposit in self._deposits()):
            self._refund()
            self._post_all()
        self.check()
        self.check_end()

    def _settle_drafts(self):
        """Delete the drafts: the last draw before those that it follows."""
        for document in self.documents[::-1]:
            if document.state == "draft":
                self._drop(document)

    def _lower_to_contract(self, is_posted=True):
        """Credit what is billed of items above their scheduled values."""
        completed = {item: self.scheduled[item] for item in self._get_excess()}
        if completed:
            stored = {item: Decimal(0) for item in completed}
            self._draw(completed, stored, 0, 0)
            if is_posted:
                self._post_all()

    def _draw_up_to_contract(self):
        """Draw all. What would come to a credit, of items that take something off the
        contract, is taken off it by a change order instead."""
        rest = {item: self.scheduled[item] - self._billed(item) for item in self.items}
        if sum(rest.values()) < 0:
            for item in self.items:
                if rest[item] < 0:
                    self._change(item, -rest[item])
        completed = dict(self.scheduled)
        stored = {item: Decimal(0) for item in self.items}
        self._draw(completed, stored, 0)
        self._post_all()

    def check_end(self):
        posted = [document for document in self.documents if document.state == "posted"]
        untaxed = sum(
            (
                document.sign * self._money(document.move.amount_untaxed)
                for document in posted
            ),
            Decimal(0),
        )
        assert untaxed == self._revised(), (untaxed, self._revised())
        company = self.case.company
        for account in (
            company.downpayment_account_id,
            company.service_retainage_account_id,
        ):
            lines = self.env["account.move.line"].search(
                [("account_id", "=", account.id), ("parent_state", "=", "posted")]
            )
            assert not self._money(sum(lines.mapped("amount_currency"))), account.name
            assert company.currency_id.is_zero(sum(lines.mapped("balance"))), lines
            assert all(lines.mapped("reconciled")), account.name
        self.check_taxes(posted)

    def check_taxes(self, posted):
        """The taxes are those of the contract, within half a unit for each document,
        or each of its lines when taxes are rounded by line."""
        per_line = self.case.company.tax_calculation_rounding_method == "round_per_line"
        for tax in self.case.taxes.values():
            due = sum(
                (
                    self.scheduled[item] * Decimal(str(tax.amount)) / 100
                    for item in self.items
                    if tax in item.tax_ids
                ),
                Decimal(0),
            )
            billed, roundings = Decimal(0), 0
            for document in posted:
                lines = document.move.line_ids.filtered(
                    lambda line, tax=tax: line.tax_line_id == tax
                )
                taxed = document.move.invoice_line_ids.filtered(
                    lambda line, tax=tax: tax in line.tax_ids
                )
                billed += self._money(-sum(lines.mapped("amount_currency")))
                roundings += len(taxed) if per_line else bool(taxed)
            assert abs(billed - due) <= self.unit * roundings / 2, (
                tax.name,
                billed,
                due,
                roundings,
            )
