# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import doctest
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from .. import progress
from . import published_example as example

CENT = Decimal("0.01")
ZERO = Decimal(0)

roundings = st.sampled_from([Decimal(unit) for unit in ("0.01", "1", "0.001", "0.05")])
units = st.integers(min_value=-(10**9), max_value=10**9)
units_above_zero = st.integers(min_value=1, max_value=10**9)
units_from_zero = st.integers(min_value=0, max_value=10**9)
percentages = st.one_of(
    st.sampled_from([ZERO, Decimal(100)]),
    st.decimals(min_value=0, max_value=100, places=4),
)
weights = st.lists(
    st.one_of(st.sampled_from([0, 1, 1]), st.integers(-1000, 1000)).map(Decimal),
    min_size=1,
    max_size=8,
)


def check(**strategies):
    """Many examples, the same ones each time."""

    def decorate(method):
        return settings(
            max_examples=200, derandomize=True, deadline=None, database=None
        )(given(**strategies)(method))

    return decorate


@tagged("post_install", "-at_install")
class TestProgressArithmetic(BaseCase):
    def assertIsMultiple(self, amount, rounding):
        self.assertEqual(amount % rounding, 0)

    def test_documentation(self):
        """The examples in the documentation of the arithmetic are true."""
        result = doctest.testmod(progress)
        self.assertTrue(result.attempted)
        self.assertFalse(result.failed)

    @check(
        amount=st.decimals(min_value=-(10**9), max_value=10**9, places=6),
        rounding=roundings,
    )
    def test_round(self, amount, rounding):
        """An amount is rounded to the nearest unit, a credit like what it credits."""
        rounded = progress.round_to(amount, rounding)
        self.assertIsMultiple(rounded, rounding)
        self.assertLessEqual(abs(rounded - amount), rounding / 2)
        self.assertEqual(progress.round_to(-amount, rounding), -rounded)

    @check(count=units_from_zero, rounding=roundings)
    def test_round_tie(self, count, rounding):
        """A tie is rounded away from zero, as Odoo's currencies do."""
        tie = (count + Decimal("0.5")) * rounding
        self.assertEqual(progress.round_to(tie, rounding), (count + 1) * rounding)
        self.assertEqual(progress.round_to(-tie, rounding), -(count + 1) * rounding)

    def test_no_minus_zero(self):
        """B7: what is nothing does not print as a negative amount."""
        self.assertEqual(str(progress.round_to(Decimal("-0.001"), CENT)), "0.00")
        parts = progress.allocate(-CENT, [Decimal(1), Decimal(0)], CENT)
        self.assertEqual([str(part) for part in parts], ["-0.01", "0.00"])

    @check(count=units, shares=weights, rounding=roundings)
    def test_allocate(self, count, shares, rounding):
        """B7: the parts are whole units, add up to the amount and are less than one
        unit from their share; no share, no part."""
        if not sum(shares):
            shares = [*shares, Decimal(1)]
        amount = count * rounding
        parts = progress.allocate(amount, shares, rounding)
        self.assertEqual(len(parts), len(shares))
        self.assertEqual(sum(parts), amount)
        total = sum(map(Fraction, shares))
        for part, share in zip(parts, shares, strict=True):
            self.assertIsMultiple(part, rounding)
            exact = Fraction(amount) * Fraction(share) / total
            self.assertLess(abs(Fraction(part) - exact), Fraction(rounding))
            if not share:
                self.assertEqual(part, 0)

    @check(count=units, shares=weights, rounding=roundings)
    def test_allocate_largest_remainder(self, count, shares, rounding):
        """B7: who gets a unit more has lost no less by rounding than who does not, and
        of equals the first gets it."""
        if not sum(shares):
            shares = [*shares, Decimal(1)]
        amount = abs(count) * rounding
        total = sum(map(Fraction, shares))
        exact = [abs(count) * Fraction(share) / total for share in shares]
        parts = progress.allocate(amount, shares, rounding)
        got_more = [
            Fraction(part) / Fraction(rounding) - floor(value)
            for part, value in zip(parts, exact, strict=True)
        ]
        lost = [value - floor(value) for value in exact]
        ranking = sorted(range(len(parts)), key=lambda index: (-lost[index], index))
        for better, worse in pairwise(ranking):
            self.assertGreaterEqual(got_more[better], got_more[worse])

    @check(count=units, shares=weights, rounding=roundings)
    def test_allocate_credit(self, count, shares, rounding):
        """B7: a credit is split just as the amount that it takes back."""
        if not sum(shares):
            shares = [*shares, Decimal(1)]
        amount = count * rounding
        self.assertEqual(
            progress.allocate(-amount, shares, rounding),
            [-part for part in progress.allocate(amount, shares, rounding)],
        )

    def test_allocate_refused(self):
        """Without a proportion only nothing can be split; parts of a unit cannot."""
        opposite = [Decimal(5), Decimal(-5)]
        self.assertEqual(progress.allocate(ZERO, [], CENT), [])
        self.assertEqual(progress.allocate(ZERO, opposite, CENT), [ZERO, ZERO])
        with self.assertRaises(ValueError):
            progress.allocate(CENT, [], CENT)
        with self.assertRaises(ValueError):
            progress.allocate(CENT, opposite, CENT)
        with self.assertRaises(ValueError):
            progress.allocate(Decimal("0.005"), [Decimal(1)], CENT)

    @check(
        count=units,
        percents=st.lists(percentages, max_size=8),
        rounding=roundings,
    )
    def test_cumulative(self, count, percents, rounding):
        """B7: draws up and down add up to the work completed to date, and at 100 % to
        exactly the scheduled value."""
        scheduled, billed = count * rounding, ZERO
        for percent in [*percents, Decimal(100)]:
            completed = progress.get_completed(scheduled, percent, rounding)
            draw = progress.get_this_period(completed, ZERO, billed)
            self.assertIsMultiple(draw, rounding)
            billed += draw
            self.assertEqual(billed, completed)
            self.assertEqual(progress.get_excess(billed, scheduled), 0)
        self.assertEqual(billed, scheduled)

    @check(
        count=units,
        steps=st.lists(st.tuples(percentages, units_from_zero), max_size=8),
        rounding=roundings,
    )
    def test_stored_materials(self, count, steps, rounding):
        """B7: materials are billed once, whether they are stored, installed or taken
        away again."""
        scheduled, billed = count * rounding, ZERO
        for percent, stored_units in steps:
            completed = progress.get_completed(scheduled, percent, rounding)
            stored = stored_units * rounding
            billed += progress.get_this_period(completed, stored, billed)
            self.assertEqual(billed, completed + stored)
        billed += progress.get_this_period(scheduled, ZERO, billed)
        self.assertEqual(billed, scheduled)

    @check(
        counts=st.lists(units, min_size=2, max_size=5),
        percent=percentages,
        rounding=roundings,
    )
    def test_contract_changed(self, counts, percent, rounding):
        """B7: after a change order the next draw corrects what was billed before."""
        billed = ZERO
        for count in counts:
            completed = progress.get_completed(count * rounding, percent, rounding)
            billed += progress.get_this_period(completed, ZERO, billed)
        self.assertEqual(billed, completed)

    @check(count=units, done=units_from_zero, left=units_from_zero, rounding=roundings)
    def test_by_quantity(self, count, done, left, rounding):
        """B7: the installed quantity completes its share of the scheduled value, all
        of it the whole, nothing nothing."""
        scheduled, quantity = count * rounding, Decimal(done + left or 1)
        completed = progress.get_completed_by_quantity(
            scheduled, quantity, Decimal(done), rounding
        )
        self.assertIsMultiple(completed, rounding)
        exact = Fraction(scheduled) * done / Fraction(quantity)
        self.assertLessEqual(abs(Fraction(completed) - exact), Fraction(rounding) / 2)
        for part, expected in ((quantity, scheduled), (ZERO, ZERO)):
            self.assertEqual(
                progress.get_completed_by_quantity(scheduled, quantity, part, rounding),
                expected,
            )

    def test_by_no_quantity(self):
        """B7: what has no quantity is not measured by quantity."""
        with self.assertRaises(ValueError):
            progress.get_completed_by_quantity(Decimal(10), ZERO, ZERO, CENT)

    @check(count=units, completed=units, rounding=roundings)
    def test_percent(self, count, completed, rounding):
        """B7: the percentage of a completed amount completes just that amount."""
        scheduled, completed = (count or 1) * rounding, completed * rounding
        percent = progress.get_percent(completed, scheduled)
        self.assertEqual(
            progress.get_completed(scheduled, percent, rounding), completed
        )
        self.assertEqual(progress.get_percent(completed, ZERO), 0)

    @check(billed=units, scheduled=units, rounding=roundings)
    def test_excess(self, billed, scheduled, rounding):
        """B7: additive and deductive items are capped alike, and what is not in excess
        is between nothing and the scheduled value."""
        billed, scheduled = billed * rounding, scheduled * rounding
        excess = progress.get_excess(billed, scheduled)
        self.assertEqual(progress.get_excess(-billed, -scheduled), excess)
        self.assertGreaterEqual(excess, 0)
        lowest, highest = min(scheduled, ZERO), max(scheduled, ZERO)
        distance = max(lowest - billed, billed - highest, ZERO)
        self.assertEqual(excess, distance)

    @check(
        works=st.lists(units, max_size=8),
        percent=percentages,
        held=units_from_zero,
        cap=st.one_of(st.none(), units_from_zero),
        rounding=roundings,
    )
    def test_retainage_bounds(self, works, percent, held, cap, rounding):
        """B8: whatever is billed or credited, what is held does not rise above its cap
        nor fall below nothing."""
        held = held * rounding
        cap = None if cap is None else cap * rounding
        for count in works:
            work = count * rounding
            retainage = progress.get_retainage(work, percent, held, rounding, cap)
            self.assertIsMultiple(retainage, rounding)
            self.assertGreaterEqual(retainage * work, 0)
            self.assertLessEqual(
                abs(retainage), abs(progress.round_to(work * percent / 100, rounding))
            )
            if cap is not None:
                self.assertLessEqual(held + retainage, max(cap, held))
            held += retainage
            self.assertGreaterEqual(held, 0)

    @check(
        works=st.lists(units_above_zero, max_size=8),
        percent=percentages,
        cap=units_from_zero,
        rounding=roundings,
    )
    def test_retainage_reaches_cap(self, works, percent, cap, rounding):
        """B8: the percentage of each draw is withheld in full until the cap."""
        cap, held, uncapped = cap * rounding, ZERO, ZERO
        for count in works:
            work = count * rounding
            uncapped += progress.get_retainage(work, percent, uncapped, rounding)
            held += progress.get_retainage(work, percent, held, rounding, cap)
            self.assertEqual(held, min(uncapped, cap))

    @check(
        steps=st.lists(
            st.tuples(units, percentages, st.integers(0, 10)), min_size=1, max_size=8
        ),
        rounding=roundings,
    )
    def test_retainage_released(self, steps, rounding):
        """B8: what was withheld less what was released is what is held, never less than
        nothing, and the last release leaves nothing."""
        withheld = released = ZERO
        for count, percent, tenths in steps:
            held = withheld - released
            work = count * rounding
            withheld += progress.get_retainage(work, percent, held, rounding)
            held = withheld - released
            wanted = progress.round_to(held * tenths / 10, rounding)
            released += progress.get_release(held, wanted)
            self.assertGreaterEqual(withheld - released, 0)
        released += progress.get_release(withheld - released)
        self.assertEqual(withheld, released)

    def test_release_refused(self):
        """B8: nothing is released that is not held, nor withheld by a release."""
        for wanted in (Decimal("-0.01"), Decimal("100.01")):
            with self.assertRaises(ValueError):
                progress.get_release(Decimal("100.00"), wanted)
        self.assertEqual(progress.get_release(Decimal("100.00"), ZERO), 0)

    @check(
        paid=units_from_zero,
        totals=st.lists(st.tuples(units, st.integers(0, 10)), max_size=8),
        rounding=roundings,
    )
    def test_deposit(self, paid, totals, rounding):
        """B6: a deposit is never applied beyond what is left of it or the invoice, and
        not at all to a credit."""
        available = paid * rounding
        for count, tenths in totals:
            total = count * rounding
            most = progress.get_deposit_to_apply(available, total)
            self.assertEqual(most, max(min(available, total), 0))
            wanted = progress.round_to(most * tenths / 10, rounding)
            applied = progress.get_deposit_to_apply(available, total, wanted)
            self.assertEqual(applied, wanted)
            available -= applied
            self.assertGreaterEqual(available, 0)

    def test_deposit_refused(self):
        """B6: more than is available or invoiced is refused, not cut off in silence."""
        for available, total, wanted in ((50, 80, 51), (80, 50, 51), (80, -50, 1)):
            with self.assertRaises(ValueError):
                progress.get_deposit_to_apply(
                    Decimal(available), Decimal(total), Decimal(wanted)
                )
        with self.assertRaises(ValueError):
            progress.get_deposit_to_apply(Decimal(80), Decimal(50), Decimal(-1))

    @check(
        count=units_above_zero,
        percents=st.lists(percentages, min_size=1, max_size=8),
        retained=percentages,
        rounding=roundings,
    )
    def test_balance_to_finish(self, count, percents, retained, rounding):
        """B7: the payments that fell due and the balance to finish are the contract
        sum, at any time; nothing is left after the last release."""
        scheduled, billed, held, due = count * rounding, ZERO, ZERO, ZERO
        for percent in [*percents, Decimal(100)]:
            completed = progress.get_completed(scheduled, percent, rounding)
            draw = progress.get_this_period(completed, ZERO, billed)
            retainage = progress.get_retainage(draw, retained, held, rounding)
            billed, held, due = billed + draw, held + retainage, due + draw - retainage
            balance = progress.get_balance_to_finish(scheduled, billed, held)
            self.assertEqual(due + balance, scheduled)
        due += progress.get_release(held)
        self.assertEqual(due, scheduled)
        self.assertEqual(progress.get_balance_to_finish(scheduled, billed, ZERO), 0)


@tagged("post_install", "-at_install")
class TestPublishedExample(BaseCase):
    def _bill(self, line):
        """Bill the applications of a line: billed and held to date, last draw."""
        billed = held = completed = ZERO
        for application in example.APPLICATIONS:
            work, stored = application[line.item]
            completed += work
            draw = progress.get_this_period(completed, stored, billed)
            billed += draw
            held += progress.get_retainage(draw, example.RETAINAGE_PERCENT, held, CENT)
        return billed, held, draw

    def _check_line(self, line, billed, held, draw):
        """What was billed and held gives the published figures of a line."""
        self.assertEqual(draw, line.this_period + line.stored)
        self.assertEqual(billed, line.total)
        self.assertEqual(held, line.retainage)
        self.assertEqual(
            progress.round_to(progress.get_percent(billed, line.scheduled), Decimal(1)),
            line.percent,
        )
        # the sheet's balance leaves retainage out, unlike line 9 of the certificate
        self.assertEqual(
            progress.get_balance_to_finish(line.scheduled, billed, ZERO), line.balance
        )

    def test_continuation_sheet(self):
        """B7, B8: two applications give the figures of a published continuation sheet.

        "Construction Schedule of Values Template", Levelset,
        https://www.scribd.com/document/526836327/Construction-Schedule-of-Values-Template-Levelset
        """
        for line in example.SHEET:
            with self.subTest(line.description):
                self._check_line(line, *self._bill(line))

    def test_continuation_sheet_totals(self):
        """B7, B8: the lines of that sheet add up to its totals, and the retainage of
        the whole is split over the lines as published."""
        sheet, totals = example.SHEET, example.SHEET_TOTALS
        for column in ("scheduled", "previous", "this_period", "stored"):
            with self.subTest(column):
                self.assertEqual(
                    sum(getattr(line, column) for line in sheet),
                    getattr(totals, column),
                )
        billed = [self._bill(line) for line in sheet]
        self._check_line(totals, *map(sum, zip(*billed, strict=True)))
        self.assertEqual(
            progress.allocate(totals.retainage, [line.total for line in sheet], CENT),
            [line.retainage for line in sheet],
        )

    def test_draws(self):
        """B8: three draws that withhold, release half and release the rest give the
        postings of a published example.

        "Billing Retention Using Draw Request", Spectrum help, Trimble Viewpoint,
        https://help.viewpoint.com/en/spectrum/spectrum/accounting/accounting/accounts-receivable/spectrum-menus/data-entry-overview/draw-request-entry/billing-retention-using-draw-request
        """
        held = billed = ZERO
        for draw in example.DRAWS:
            with self.subTest(draw=draw):
                withheld = progress.get_retainage(
                    draw.work, example.RETAINAGE_PERCENT, held, CENT
                )
                released = progress.get_release(held + withheld, draw.released)
                self.assertEqual(withheld - released, draw.retained)
                self.assertEqual(draw.work - withheld + released, draw.receivable)
                billed += draw.work
                held += withheld - released
                self.assertEqual(billed - held, draw.billed_to_date)
                self.assertEqual(
                    progress.get_balance_to_finish(example.CONTRACT_SUM, billed, held),
                    example.CONTRACT_SUM - draw.billed_to_date,
                )
        self.assertEqual((billed, held), (example.CONTRACT_SUM, 0))
