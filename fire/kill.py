# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The server, or PostgreSQL, is killed while a batch of orders is invoiced.

Each time it is started again, and the batch is run again, until all orders are
invoiced: each of them once.
"""

import argparse
import random
import threading
import time
from contextlib import nullcontext

from . import data
from .audit import audit, count_invoices
from .client import ServerError
from .postgres import Postgres
from .server import Server

CHUNK = 5  # orders that are invoiced in one transaction


class Batch:
    """A person who has orders invoiced, and does so again when the server is back.

    :param Server server: a started one
    :param list order_ids: of finished orders
    """

    def __init__(self, server, order_ids):
        self.biller = data.log_in(server, "biller")
        self.order_ids = order_ids
        self.failures = []
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            try:
                left = self._find_left()
                if not left:
                    self.done.set()
                for start in range(0, len(left), CHUNK):
                    self.biller.create_invoices(left[start : start + CHUNK])
            except ServerError as error:
                self.failures.append(error)
                time.sleep(0.2)

    def _find_left(self):
        domain = [("id", "in", self.order_ids), ("billing_status", "=", "to_invoice")]
        return self.biller.call("fsm.order", "search", domain)


def run(server, orders, kills, postgres=None):
    """Invoice a batch under kills.

    :param Server server: a started one
    :param int kills: at most so many
    :param Postgres postgres: killed in turn with the server, if given
    :return: ``Batch``, how often each was killed (dict), ids of the orders
    """
    admin = data.log_in(server, "admin")
    data.create_users(admin)
    order_ids = data.create_orders(admin, orders)
    batch = Batch(server, order_ids)
    thread = threading.Thread(target=batch.run)
    thread.start()
    killed = {"server": 0, "PostgreSQL": 0}
    try:
        while sum(killed.values()) < kills:
            if batch.done.wait(random.uniform(0.3, 3)):
                break
            if postgres and random.random() < 0.5:
                killed["PostgreSQL"] += 1
                postgres.kill()
                postgres.start()
            else:
                killed["server"] += 1
                server.kill()
                server.start()
        batch.done.wait(1800)
    finally:
        batch.done.set()
        thread.join()
    return batch, killed, order_ids


def check(server, order_ids):
    """What went wrong (list of str)."""
    counts = count_invoices(server.database, order_ids)
    return [
        f"order {order_id} has {count} active invoices"
        for order_id, count in counts.items()
        if count != 1
    ] + audit(server.database)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument(
        "--keep-postgres", action="store_true", help="kill Odoo alone"
    )
    options = parser.parse_args()
    start = time.monotonic()
    own = nullcontext() if options.keep_postgres else Postgres(options.database)
    with own as postgres, Server(options.database) as server:
        batch, killed, order_ids = run(
            server, options.orders, options.kills, postgres
        )
        faults = check(server, order_ids)
    print(
        f"{len(order_ids)} orders, killed {killed}, {len(batch.failures)} calls failed, "
        f"{time.monotonic() - start:.0f} s"
    )
    for fault in faults:
        print("WRONG", fault)
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
