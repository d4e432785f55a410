# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import doctest
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from .. import labor

PRODUCTS = ("Labor", "Expert")

times = st.integers(min_value=-600, max_value=600).map(lambda minutes: minutes * 60)


@st.composite
def entries(draw, seconds=times):
    """Entries of two people on two days with two products."""
    return [
        labor.Entry(
            key=key,
            date=draw(st.sampled_from(("Mon", "Sat"))),
            person=draw(st.sampled_from(("Ann", "Bob", None))),
            product=draw(st.sampled_from(PRODUCTS)),
            seconds=draw(seconds),
            working_time=draw(st.sampled_from((None, 0, 8 * 3600))),
        )
        for key in range(draw(st.integers(min_value=0, max_value=8)))
    ]


rules = st.builds(
    labor.Rules,
    increment=st.sampled_from((0, 360, 900, 1800, 3600)),
    nearest=st.booleans(),
    minimum=st.sampled_from((0, 1800, 7200)),
    overtime=st.sampled_from((1.0, 1.5)),
    day_off=st.sampled_from((1.0, 2.0)),
)
rules_by_product = st.fixed_dictionaries(dict.fromkeys(PRODUCTS, rules))


def sum_by_product(items, get_product):
    totals = defaultdict(int)
    for item in items:
        totals[get_product(item)] += item.seconds
    return totals


def get_essence(portions):
    """What is billed, whatever the keys of the entries are."""
    return sorted(
        (str(portion.entry.person), portion.entry.date, portion.rate, portion.seconds)
        for portion in portions
    )


def check(**strategies):
    """Many examples, the same ones each time."""

    def decorate(method):
        return settings(
            max_examples=200, derandomize=True, deadline=None, database=None
        )(given(**strategies)(method))

    return decorate


@tagged("post_install", "-at_install")
class TestLaborRules(BaseCase):
    def test_documentation(self):
        """B1: the examples in the documentation of the arithmetic are true."""
        result = doctest.testmod(labor)
        self.assertTrue(result.attempted)
        self.assertFalse(result.failed)

    @check(logged=entries(), by_product=rules_by_product)
    def test_never_less_than_worked(self, logged, by_product):
        """B1: billed time is never less than worked time, unless the company rounds to
        the nearest increment; what is corrected is not worked."""
        worked = sum_by_product(logged, lambda entry: entry.product)
        billed = sum_by_product(
            labor.bill(logged, by_product), lambda portion: portion.entry.product
        )
        for product, rule in by_product.items():
            if not rule.nearest:
                self.assertGreaterEqual(billed[product], max(worked[product], 0))

    @check(logged=entries())
    def test_nothing_lost_or_added(self, logged):
        """B1: without rounding and minimum billed is what was worked, to the second;
        only less than nothing is not billed."""
        no_rules = dict.fromkeys(PRODUCTS, labor.Rules(overtime=1.5, day_off=2.0))
        worked = sum_by_product(logged, lambda entry: entry.product)
        billed = sum_by_product(
            labor.bill(logged, no_rules), lambda portion: portion.entry.product
        )
        for product in PRODUCTS:
            self.assertEqual(billed[product], max(worked[product], 0))

    @check(logged=entries(seconds=times.map(abs)), by_product=rules_by_product)
    def test_less_than_one_increment_added(self, logged, by_product):
        """B1: rounding adds less than one increment an entry."""
        by_product = {
            product: replace(rule, minimum=0) for product, rule in by_product.items()
        }
        billed = sum_by_product(
            labor.bill(logged, by_product), lambda portion: portion.entry.key
        )
        for entry in logged:
            difference = abs(billed[entry.key] - entry.seconds)
            self.assertLess(difference, by_product[entry.product].increment or 1)

    @check(logged=entries(), by_product=rules_by_product, at=st.data())
    def test_correction_undoes(self, logged, by_product, at):
        """B1: an entry and its exact correction bill nothing, whatever was logged
        between them."""
        position = at.draw(st.integers(min_value=0, max_value=len(logged)))
        wrong = labor.Entry(
            key=100,
            date="Mon",
            person=at.draw(st.sampled_from(("Ann", None))),
            product="Labor",
            # like that of no other entry
            seconds=at.draw(times) + 7,
            working_time=8 * 3600,
        )
        undone = replace(wrong, key=101, seconds=-wrong.seconds)
        self.assertEqual(
            get_essence(
                labor.bill(
                    [*logged[:position], wrong, *logged[position:], undone], by_product
                )
            ),
            get_essence(labor.bill(logged, by_product)),
        )

    @check(logged=entries(), by_product=rules_by_product)
    def test_minimum_per_visit(self, logged, by_product):
        """B1: a visit on which time was worked is charged at its minimum at least."""
        visits = defaultdict(int)
        for portion in labor.bill(logged, by_product):
            visits[portion.entry.date, portion.entry.product] += portion.seconds
        for (_date, product), seconds in visits.items():
            self.assertGreaterEqual(seconds, by_product[product].minimum)

    @check(
        seconds=st.lists(st.integers(min_value=0, max_value=100000), max_size=12),
        unit=st.sampled_from((60.00012, 3600.0, 28800.0)),
        data=st.data(),
    )
    def test_grouping_keeps_the_total(self, seconds, unit, data):
        """B1: however portions share lines, the quantities add up to the same."""
        total = labor.spread([sum(seconds)], unit)[0]
        cuts = data.draw(
            st.lists(st.integers(min_value=0, max_value=len(seconds))).map(sorted)
        )
        groups = [
            sum(seconds[start:stop])
            for start, stop in zip([0, *cuts], [*cuts, len(seconds)], strict=True)
        ]
        quantities = labor.spread(groups, unit)
        self.assertEqual(
            sum(Fraction(str(quantity)) for quantity in quantities),
            Fraction(str(total)),
        )
        self.assertGreaterEqual(min(quantities), 0)

    def test_tenths_of_hours(self):
        """B1: sums of tenths of an hour do not jump an increment."""
        rule = {"Labor": labor.Rules(increment=labor.hours(0.1))}
        for tenths in range(1, 200):
            time = sum([0.1] * tenths)
            entry = labor.Entry(1, "Mon", "Ann", "Labor", labor.hours(time))
            [portion] = labor.bill([entry], rule)
            self.assertEqual(portion.seconds, tenths * 360)

    def test_overtime_of_several_products(self):
        """B1: the hours of a day count together, each priced by its own product."""
        first = labor.Entry(1, "Mon", "Ann", "Labor", 7 * 3600, 8 * 3600)
        second = labor.Entry(2, "Mon", "Ann", "Expert", 2 * 3600, 8 * 3600)
        portions = labor.bill(
            [first, second], dict.fromkeys(PRODUCTS, labor.Rules(overtime=1.5))
        )
        self.assertEqual(
            [
                (portion.entry.key, portion.rate, portion.seconds)
                for portion in portions
            ],
            [(1, "normal", 7 * 3600), (2, "normal", 3600), (2, "overtime", 3600)],
        )

    def test_correction_takes_overtime(self):
        """B1: a correction takes back overtime first, so that the rest is right."""
        first = labor.Entry(1, "Mon", "Ann", "Labor", 9 * 3600, 8 * 3600)
        correction = replace(first, key=2, seconds=-3600)
        [portion] = labor.bill([first, correction], {"Labor": labor.Rules(overtime=2)})
        self.assertEqual((portion.rate, portion.seconds), ("normal", 8 * 3600))
        self.assertEqual(portion.corrections, (2,))
