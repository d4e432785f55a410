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
from .audit import audit, count_invoices, report
from .client import ServerError
from .postgres import Postgres
from .server import Server, end_with_command, get_number


class Batch:
    """A screen that runs a batch, and goes on when the server is back.

    :param Server server: a started one
    :param list order_ids: of finished orders
    """

    def __init__(self, server, order_ids):
        self.biller = data.log_in(server, "biller")
        model = "service.invoice.batch.wizard"
        [dialog_id] = self.biller.call(model, "create", [{"order_ids": order_ids}])
        action = self.biller.call(model, "action_create_invoices", [dialog_id])
        self.id = action["res_id"]
        self.failures = []
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            try:
                progress = self.biller.call(
                    "service.invoice.batch", "action_run_step", [self.id]
                )
            except ServerError as error:
                self.failures.append(error)
                time.sleep(0.2)
            else:
                if progress["state"] == "done":
                    self.done.set()


def run(server, orders, kills, postgres=None, pause=(0.3, 3)):
    """Invoice a batch under kills.

    :param Server server: a started one
    :param int kills: at most so many
    :param tuple pause: shortest and longest time (seconds) between two of them
    :param Postgres postgres: killed in turn with the server, if given
    :return: ``Batch``, how often each was killed (dict), ids of the orders
    """
    admin = data.log_in(server, "admin")
    data.create_users(admin)
    # as much as it is, the screen makes the steps: each is a call that can be killed
    admin.call(
        "ir.config_parameter", "set_param", "fieldservice_invoicing.batch_limit", "9999"
    )
    order_ids = data.create_orders(admin, orders)
    batch = Batch(server, order_ids)
    thread = threading.Thread(target=batch.run)
    thread.start()
    killed = {"server": 0, "PostgreSQL": 0}
    try:
        while sum(killed.values()) < kills:
            if batch.done.wait(random.uniform(*pause)):
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
    end_with_command()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("--orders", type=int, default=get_number("ORDERS", 500))
    parser.add_argument("--kills", type=int, default=get_number("KILLS", 40))
    parser.add_argument("--keep-postgres", action="store_true", help="kill Odoo alone")
    options = parser.parse_args()
    start = time.monotonic()
    own = nullcontext() if options.keep_postgres else Postgres(options.database)
    with own as postgres, Server(options.database) as server:
        batch, killed, order_ids = run(server, options.orders, options.kills, postgres)
        faults = check(server, order_ids)
    report(
        f"{len(order_ids)} orders, killed {killed}, {len(batch.failures)} calls failed,"
        f" {time.monotonic() - start:.0f} s",
        faults,
    )


if __name__ == "__main__":
    main()
