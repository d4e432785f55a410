# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Two people press the same button at the same moment, a thousand times.

Each order goes through rounds: create, issue, cancel, create anew, issue, pay. In each
round two sessions have the same dialog open, and submit it at once; browsers do the
same by hand on orders of their own. Of two one succeeds, the other reads why not. Some
orders are issued, or paid, by one while the other cancels.
"""

import argparse
import collections
import queue
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from . import data
from .audit import audit, count_invoices, report
from .browser import REFUSALS, Browser
from .client import ServerError
from .server import Server, end_with_command, get_number

ANNOUNCED = {
    "create": [r"An invoice already exists for this service order\."],
    "post": [r"must be in draft", r"is issued"],
    "cancel": [r"This invoice is already cancelled\."],
    "pay": [r"nothing is left to pay", r"There's nothing left to pay"],
    "post or cancel": [r"must be in draft", r"This invoice is already cancelled\."],
    "pay or cancel": [
        r"nothing is left to pay",
        r"A paid invoice cannot be cancelled\.",
    ],
}
USER_ERRORS = ("odoo.exceptions.UserError", "odoo.exceptions.ValidationError")
# what an order goes through, a double submit each
ROUNDS = ("create", "post", "cancel", "create", "post", "pay")
DRAFT_ROUNDS = ("create", "cancel", "create", "post", "pay")
CLASHING_ROUNDS = ("create", "post or cancel", "pay or cancel")
ALL_ROUNDS = (ROUNDS, DRAFT_ROUNDS, CLASHING_ROUNDS)
# by action: buttons on the order and in the dialog that it opens
BUTTONS = {
    "create": ("action_create_invoice", "action_create_draft"),
    "post": ("action_post_invoice", None),
    "cancel": ("action_cancel_invoice", "action_cancel_invoice"),
    "pay": ("action_register_payment", "action_create_payments"),
}


@dataclass
class Tally:
    """What was submitted, and what was answered."""

    submits: collections.Counter = field(default_factory=collections.Counter)
    answers: collections.Counter = field(default_factory=collections.Counter)
    faults: list = field(default_factory=list)
    cancelled: set = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, action, order_id, outcomes):
        """Count a double submit.

        :param list outcomes: None or the error (`ServerError`) of each
        """
        errors = [outcome for outcome in outcomes if outcome]
        with self.lock:
            self.submits[action] += 1
            if action == "pay or cancel" and not outcomes[1]:
                self.cancelled.add(order_id)
            for error in errors:
                self.answers[action, _shorten(error.message)] += 1
                if not is_announced(action, error):
                    self.faults.append(f"{action} of order {order_id}: {error}")
            # what was issued can be cancelled next
            both = action == "post or cancel" and not errors
            if len(errors) != len(outcomes) - 1 and not both:
                self.faults.append(
                    f"{action} of order {order_id}: {len(outcomes) - len(errors)} of "
                    f"{len(outcomes)} succeeded: {errors}"
                )


def is_announced(action, error):
    return error.name in USER_ERRORS and any(
        re.search(pattern, error.message) for pattern in ANNOUNCED[action]
    )


def _shorten(message):
    return re.sub(r"\d[\d/]*", "0", message.splitlines()[0])[:90]


class Lane:
    """Two sessions of each user, that submit the same at once."""

    def __init__(self, server, tally):
        self.tally = tally
        self.clients = {
            login: [data.log_in(server, login) for _session in range(2)]
            for login in ("biller", "manager", "accountant")
        }
        self.pool = ThreadPoolExecutor(2)

    def process(self, order_id):
        for action in random.choice(ALL_ROUNDS):
            self._catch_up(action, order_id)
            prepare = getattr(self, f"_prepare_{action.replace(' ', '_')}")
            submits = prepare(order_id)
            self.tally.add(action, order_id, self._submit(submits))

    def _catch_up(self, action, order_id):
        """Issue what a cancellation came before, so that it can be paid."""
        if action != "pay or cancel":
            return
        accountant = self.clients["accountant"][0]
        if not accountant.get_invoice_id(order_id):
            accountant.create_invoices([order_id])
            accountant.post(accountant.get_invoice_id(order_id))

    def _submit(self, submits):
        barrier = threading.Barrier(len(submits))

        def submit(press):
            barrier.wait(60)
            try:
                press()
            except ServerError as error:
                return error

        return list(self.pool.map(submit, submits))

    def _prepare_create(self, order_id):
        return [
            self._press(
                client,
                "fsm.order.create.invoice",
                "action_create_draft",
                client.open_create([order_id]),
            )
            for client in self.clients["biller"]
        ]

    def _prepare_post(self, order_id):
        clients = self.clients["accountant"]
        move_id = clients[0].get_invoice_id(order_id)
        return [
            self._press(client, "account.move", "action_post", move_id)
            for client in clients
        ]

    def _prepare_cancel(self, order_id):
        clients = self.clients["manager"]
        move_id = clients[0].get_invoice_id(order_id)
        return [
            self._press(
                client,
                "fsm.order.cancel.invoice",
                "action_cancel_invoice",
                client.open_cancel(move_id),
            )
            for client in clients
        ]

    def _prepare_pay(self, order_id):
        clients = self.clients["accountant"]
        move_id = clients[0].get_invoice_id(order_id)
        return [
            self._press(
                client,
                "account.payment.register",
                "action_create_payments",
                client.open_payment(move_id),
            )
            for client in clients
        ]

    def _prepare_post_or_cancel(self, order_id):
        return [self._prepare_post(order_id)[0], self._prepare_cancel(order_id)[0]]

    def _prepare_pay_or_cancel(self, order_id):
        return [self._prepare_pay(order_id)[0], self._prepare_cancel(order_id)[0]]

    def _press(self, client, model, button, record_id):
        return lambda: client.call(model, button, [record_id])


class Screens:
    """Two browsers with the same order open, in which the same button is pressed."""

    def __init__(self, browsers, tally, rounds):
        self.browsers, self.tally, self.rounds = browsers, tally, rounds
        self.pool = ThreadPoolExecutor(len(browsers))

    def process(self, order_id):
        for action in self.rounds:
            barrier = threading.Barrier(len(self.browsers))
            submits = self.pool.map(
                lambda browser, action=action, barrier=barrier: self._submit(
                    browser, action, order_id, barrier
                ),
                self.browsers,
            )
            self.tally.add(action, order_id, list(submits))

    def _submit(self, browser, action, order_id, barrier):
        on_order, in_dialog = BUTTONS[action]
        browser.open_order(order_id)
        if in_dialog:
            browser.press(on_order)
        if action == "cancel":
            browser.type("reason", "Under fire")
        button = in_dialog or on_order
        browser.await_button(button)
        barrier.wait(120)
        browser.press(button)
        if answer := browser.await_answer(button):
            title, message = answer
            return ServerError(USER_ERRORS[0] if title in REFUSALS else title, message)


def run_browsers(server, tally, count, rounds):
    """Double submits by hand in two browsers.

    :param int count: of the orders
    :param tuple rounds: what each order goes through
    :return: ids of the orders
    """
    admin = data.log_in(server, "admin")
    data.create_users(admin)
    order_ids = data.create_orders(admin, count)
    with (
        Browser(data.log_in(server, "owner")) as one,
        Browser(data.log_in(server, "owner")) as other,
    ):
        screens = Screens([one, other], tally, rounds)
        for order_id in order_ids:
            screens.process(order_id)
    return order_ids


def run(server, submits, threads=16, browser_orders=0, browser_rounds=ROUNDS):
    """Double submits over RPC, by ``threads`` sessions at once.

    :param Server server: a started one
    :param int submits: how many double submits, about
    :param int browser_orders: how many orders two browsers process meanwhile
    :param tuple browser_rounds: what each of these goes through
    :return: ``Tally``, and the ids of the orders
    """
    admin = data.log_in(server, "admin")
    data.create_users(admin)
    orders = max(1, round(submits * len(ALL_ROUNDS) / sum(map(len, ALL_ROUNDS))))
    order_ids = data.create_orders(admin, orders)
    tally = Tally()
    lanes = [Lane(server, tally) for _lane in range(max(1, threads // 2))]
    todo = queue.SimpleQueue()
    for order_id in order_ids:
        todo.put(order_id)

    def work(lane):
        with suppress(queue.Empty):
            while True:
                lane.process(todo.get_nowait())

    with ThreadPoolExecutor(len(lanes) + 1) as pool:
        if browser_orders:
            screens = pool.submit(
                run_browsers, server, tally, browser_orders, browser_rounds
            )
        list(pool.map(work, lanes))
        if browser_orders:
            order_ids += screens.result()
    return tally, order_ids


def check(server, tally, order_ids):
    """What went wrong (list of str)."""
    counts = count_invoices(server.database, order_ids)
    return [
        *tally.faults,
        *(
            f"order {order_id} has no active invoice"
            for order_id, count in counts.items()
            if not count and order_id not in tally.cancelled
        ),
        *audit(server.database),
    ]


def main():
    end_with_command()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("--submits", type=int, default=get_number("SUBMITS", 1000))
    parser.add_argument("--threads", type=int, default=get_number("THREADS", 16))
    parser.add_argument(
        "--browser-orders",
        type=int,
        default=get_number("BROWSER_ORDERS", 10),
        help="that two browsers process meanwhile",
    )
    options = parser.parse_args()
    with Server(options.database) as server:
        start = time.monotonic()
        tally, order_ids = run(
            server, options.submits, options.threads, options.browser_orders
        )
        faults = check(server, tally, order_ids)
    answers = [
        f"  {action:14} {count:5} x {message}"
        for (action, message), count in sorted(tally.answers.items())
    ]
    report(
        f"{sum(tally.submits.values())} double submits of {len(order_ids)} orders in "
        f"{time.monotonic() - start:.0f} s: {dict(tally.submits)}\n"
        + "\n".join(answers),
        faults,
    )


if __name__ == "__main__":
    main()
