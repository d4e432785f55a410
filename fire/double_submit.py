# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Two people press the same button at the same moment, a thousand times.

Each order goes through rounds: create, issue, cancel, create anew, issue, pay. In each
round two sessions have the same dialog open, and submit it at once; browsers do the
same by hand on orders of their own. Of two one succeeds, the other reads why not.
"""

import argparse
import collections
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import data
from .audit import audit, count_invoices
from .client import ServerError
from .server import Server

ANNOUNCED = {
    "create": [r"An invoice already exists for this service order\."],
    "post": [r"must be in draft", r"is issued"],
    "cancel": [r"This invoice is already cancelled\."],
    "pay": [r"nothing left to pay"],
}
USER_ERRORS = ("odoo.exceptions.UserError", "odoo.exceptions.ValidationError")
# what an order goes through, a double submit each
ROUNDS = ("create", "post", "cancel", "create", "post", "pay")
DRAFT_ROUNDS = ("create", "cancel", "create", "post", "pay")


@dataclass
class Tally:
    """What was submitted, and what was answered."""

    submits: collections.Counter = field(default_factory=collections.Counter)
    answers: collections.Counter = field(default_factory=collections.Counter)
    faults: list = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, action, order_id, outcomes):
        """Count a double submit.

        :param list outcomes: None or the error (`ServerError`) of each
        """
        errors = [outcome for outcome in outcomes if outcome]
        with self.lock:
            self.submits[action] += 1
            for error in errors:
                self.answers[action, _shorten(error.message)] += 1
                if not is_announced(action, error):
                    self.faults.append(f"{action} of order {order_id}: {error}")
            if len(errors) != len(outcomes) - 1:
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
            for login in data.USERS
        }
        self.pool = ThreadPoolExecutor(2)

    def process(self, order_id):
        for action in random.choice((ROUNDS, DRAFT_ROUNDS)):
            submits = getattr(self, f"_prepare_{action}")(order_id)
            self.tally.add(action, order_id, self._submit(submits))

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
            self._press(client, "fsm.order.create.invoice", "action_create_draft",
                        client.open_create([order_id]))
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
            self._press(client, "fsm.order.cancel.invoice", "action_cancel_invoice",
                        client.open_cancel(move_id))
            for client in clients
        ]

    def _prepare_pay(self, order_id):
        clients = self.clients["accountant"]
        move_id = clients[0].get_invoice_id(order_id)
        return [
            self._press(client, "account.payment.register", "action_create_payments",
                        client.open_payment(move_id))
            for client in clients
        ]

    def _press(self, client, model, button, record_id):
        return lambda: client.call(model, button, [record_id])


def run(server, submits, threads=16):
    """Double submits over RPC, by ``threads`` sessions at once.

    :param Server server: a started one
    :param int submits: how many double submits, about
    :return: ``Tally``, and the ids of the orders
    """
    admin = data.log_in(server, "admin")
    data.create_users(admin)
    orders = max(1, round(submits * 2 / (len(ROUNDS) + len(DRAFT_ROUNDS))))
    order_ids = data.create_orders(admin, orders)
    tally = Tally()
    lanes = [Lane(server, tally) for _lane in range(max(1, threads // 2))]
    todo = iter(order_ids)

    def work(lane):
        while order_id := next_order(todo):
            lane.process(order_id)

    lock = threading.Lock()

    def next_order(todo):
        with lock:
            return next(todo, None)

    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(work, lanes))
    return tally, order_ids


def check(server, tally, order_ids):
    """What went wrong (list of str)."""
    counts = count_invoices(server.database, order_ids)
    return [
        *tally.faults,
        *(
            f"order {order_id} has {count} active invoices"
            for order_id, count in counts.items()
            if count != 1
        ),
        *audit(server.database),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("--submits", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--browsers", type=int, default=2)
    options = parser.parse_args()
    with Server(options.database) as server:
        start = time.monotonic()
        tally, order_ids = run(server, options.submits, options.threads)
        faults = check(server, tally, order_ids)
        print(f"{sum(tally.submits.values())} double submits of {len(order_ids)} orders "
              f"in {time.monotonic() - start:.0f} s: {dict(tally.submits)}")
        for (action, message), count in sorted(tally.answers.items()):
            print(f"  {action:7} {count:5} x {message}")
        for fault in faults:
            print("WRONG", fault)
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
