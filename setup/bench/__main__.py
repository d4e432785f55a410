# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
# pylint: disable=print-used
"""Measure how fast the core addon is, beside Odoo itself.

    make bench

Called by bench.sh with two fresh databases: one with the core addon and ``sale``, one
with the same addons but those of this repository. Variables of the environment:

``SIZES``: how many orders are invoiced at once ("50 100 200 500 1000 2000")
``ROUNDS``: rounds of each comparison (9); the big sizes have fewer
``ORDERS``: service orders in the database (10000)
``LINES``: lines of the order whose form is opened (500)
``ONLY``: "create" or "open"
``CLOCK``: "cpu" counts Odoo's processor time only, for a machine with other work to do
"""

import odoo.init  # noqa: F401  isort: skip  (what makes a process one of Odoo)

import os
import sys
from copy import deepcopy
from dataclasses import replace
from functools import partial
from statistics import median
from unittest.mock import patch

import data
from measure import Comparison, Contender, Database, run_rounds
from views import PAGE, get_specification

from odoo.service.server import load_server_wide_modules
from odoo.tools import config

SIZES = [int(size) for size in os.environ["SIZES"].split()]
ROUNDS = int(os.environ["ROUNDS"])
ORDERS = int(os.environ["ORDERS"])
LINES = int(os.environ["LINES"])
ONLY = os.environ.get("ONLY")


class GotValues(Exception):
    """Carries the values of the invoices instead of creating them."""


def get_invoice_values(database, order_ids):
    """The values (list of dicts) with which the addon creates the invoices."""

    def stop(_orders, vals_list):
        raise GotValues(vals_list)

    with database.transaction() as env:
        orders = env["fsm.order"].browse(order_ids)
        with patch.object(env.registry["fsm.order"], "_create_account_invoices", stop):
            try:
                orders._create_invoices()
            except GotValues as values:
                return values.args[0]


def invoice_orders(order_ids, env):
    return env["fsm.order"].browse(order_ids)._create_invoices


def create_moves(vals_list, with_amounts, env):
    """:param bool with_amounts: whether lines get their amounts, as the addon does it,
    before the clock starts"""
    moves = env["account.move"].sudo().with_context(default_move_type="out_invoice")
    vals_list = deepcopy(vals_list)
    if with_amounts:
        for values in vals_list:
            moves._add_line_amounts(values)
    return partial(moves.create, vals_list)


def invoice_sales(order_ids, env):
    return partial(env["sale.order"].browse(order_ids)._create_invoices, grouped=True)


def open_list(domain, view, env):
    """A page of the list, as the client reads it."""
    view_id = view and env.ref(view).id
    model = env["fsm.order"]
    specification = get_specification(model, "list", view_id)
    return partial(
        model.web_search_read, domain, specification, limit=PAGE, count_limit=10001
    )


def open_form(model, record_id, env):
    record = env[model].browse(record_id)
    return partial(record.web_read, get_specification(record, "form"))


def get_rounds(size):
    """The big ones take long, and vary less."""
    return max(1, min(ROUNDS, ROUNDS * 100 // size))


def compare_creations(database, world, order_ids):
    sale_ids = data.make_sales(database, world, max(SIZES), len(data.LINES))
    database.vacuum()
    vals_list = get_invoice_values(database, order_ids)
    comparisons = [
        Comparison(
            f"{size}",
            [
                Contender(database, partial(invoice_orders, order_ids[:size])),
                Contender(database, partial(create_moves, vals_list[:size], False)),
                Contender(database, partial(create_moves, vals_list[:size], True)),
                Contender(database, partial(invoice_sales, sale_ids[:size])),
            ],
            get_rounds(size),
        )
        for size in SIZES
    ]
    # of the same calls, so that the first one warms up the caches for all
    comparisons[0].warm_up()
    run_rounds(comparisons)
    print_creations(comparisons)


def print_creations(comparisons):
    print(
        "\nInvoices of six lines, milliseconds and queries an order (medians):\n\n"
        "ours: `fsm.order._create_invoices`\n"
        "bare: `account.move.create` of the same values\n"
        "bare+: the same, with the amounts of the lines, which ours reckons first\n"
        "sale: `sale.order._create_invoices`\n"
    )
    names = ["ours", "bare", "bare+", "sale"]
    print_header("orders", "rounds", *names, *(f"ours/{name}" for name in names[1:]))
    for comparison in comparisons:
        size = int(comparison.label)
        print_row(
            size,
            comparison.rounds,
            *(
                f"{median(contender.seconds) / size * 1000:.2f} "
                f"({contender.queries / size:.2f})"
                for contender in comparison.contenders
            ),
            *map(format_ratios, comparison.get_ratios()),
        )
    costs = {
        int(comparison.label): median(comparison.contenders[0].seconds)
        / int(comparison.label)
        for comparison in comparisons
    }
    base = 100 if 100 in costs else min(costs)
    print(
        f"\nGrowth: an order among {max(costs)} costs "
        f"{costs[max(costs)] / costs[base]:.3f} times one among {base}."
    )


def compare_openings(ours, plain, world, order_ids):
    """:param list order_ids: finished orders of six lines"""
    few, many, billed, sale, without = make_opened(ours, plain, world, order_ids)
    all_orders = Contender(plain, partial(open_list, [], None))
    to_invoice = partial(
        open_list,
        [("billing_status", "=", "to_invoice")],
        "fieldservice_invoicing.fsm_order_view_list_to_invoice",
    )
    comparisons = [
        compare(label, Contender(ours, mine), theirs)
        for label, mine, theirs in [
            ("list / without", all_orders.prepare, all_orders),
            ("Orders to Invoice / list without", to_invoice, all_orders),
            (f"form, {len(data.LINES)} lines / without", few, without),
            (f"form, {LINES} lines / without", many, without),
            (f"form, {LINES} lines, billed / without", billed, without),
            (f"form, {LINES} lines / sales order", many, sale),
        ]
    ]
    for comparison in comparisons:
        comparison.warm_up()
    run_rounds(comparisons)
    print_openings(comparisons)


def compare(label, mine, theirs):
    return Comparison(label, [mine, replace(theirs, seconds=[])], 5 * ROUNDS)


def make_opened(ours, plain, world, order_ids):
    """Make what is opened, and the orders around it.

    :return: how to open the form of an order of six lines, of one with many, of one
        that is billed; then contenders: the form of a sales order with as many lines,
        and that of an order without the addon
    """
    left = ORDERS - len(order_ids)
    data.make_invoices(ours, data.make_orders(ours, world, left // 4, 1))
    data.make_orders(ours, world, left - left // 4, 1)
    many, billed = data.make_orders(ours, world, 2, LINES)
    data.make_invoices(ours, [billed])
    [sale] = data.make_sales(ours, world, 1, LINES)
    plain_id = data.make_orders(plain, data.make_world(plain), ORDERS)[-1]
    ours.vacuum()
    plain.vacuum()
    few, many, billed, plain_id = (
        partial(open_form, "fsm.order", order_id)
        for order_id in (order_ids[0], many, billed, plain_id)
    )
    sale = Contender(ours, partial(open_form, "sale.order", sale))
    return few, many, billed, sale, Contender(plain, plain_id)


def print_openings(comparisons):
    print("\nOpening views beside others, milliseconds and queries (medians)")
    print_header("ours / theirs", "rounds", "ours", "theirs", "ours/theirs")
    for comparison in comparisons:
        print_row(
            comparison.label,
            comparison.rounds,
            *(
                f"{median(contender.seconds) * 1000:.1f} ({contender.queries})"
                for contender in comparison.contenders
            ),
            *map(format_ratios, comparison.get_ratios()),
        )


def format_ratios(ratios):
    return "{:.3f} ({:.3f} to {:.3f})".format(*ratios)


def print_header(*names):
    print("(ratios: median, and lowest to highest of the rounds)\n")
    print_row(*names)
    print_row(*["---"] * len(names))


def print_row(*cells):
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def main(with_addons, without_addons):
    config.parse_config(["--no-http", "--log-level=warn"], setup_logging=True)
    load_server_wide_modules()
    ours, plain = Database(with_addons), Database(without_addons)
    world = data.make_world(ours)
    data.make_history(ours, world)
    order_ids = data.make_orders(ours, world, max(SIZES), len(data.LINES))
    if ONLY != "open":
        compare_creations(ours, world, order_ids)
    if ONLY != "create":
        compare_openings(ours, plain, world, order_ids)


main(*sys.argv[1:])
