# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Invoices are sent while the mail server fails, or the disk is full.

Whatever fails, the invoice stays posted, and is marked as not sent, with the reason on
it; the next try, once the cause is gone, sends it once. One by one in Odoo's dialog,
and many in the background.
"""

import argparse
import os
import resource
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from . import data
from .audit import audit, report, run_query
from .client import ServerError
from .server import Server, end_with_command, get_number
from .smtp import MODES, MailServer

DISK = 96  # megabytes of a disk of the filestore's own
PATIENCE = 180  # seconds that scheduled actions get


def get_small_disk_wrapper(folder):
    """Command line (tuple) to run a server whose ``folder`` is a small disk of its own.

    Without root it takes a user namespace, which most kernels give to everybody.
    """
    unshare = ["unshare", "--mount"]
    if os.getuid():
        unshare.append("--map-root-user")
    script = (
        'cp -a "$1" "$1.full" && mount -t tmpfs -o "size=$2m" tmpfs "$1" && '
        'cp -a "$1.full/." "$1/" && rm -r "$1.full" && shift 2 && exec "$@"'
    )
    return (*unshare, "sh", "-c", script, "sh", str(folder), str(DISK))


class SmallDiskServer(Server):
    """A server whose files are on a small disk, which can be filled."""

    def __init__(self, database, **options):
        super().__init__(database, **options)
        wrapper = get_small_disk_wrapper(self.filestore)
        self.has_own_disk = not subprocess.run(
            [*wrapper, "true"], check=False
        ).returncode
        if self.has_own_disk:
            self.wrapper = wrapper

    def full_disk(self):
        """Context in which the server can store no file."""
        return self._fill_disk() if self.has_own_disk else self._limit_files()

    @contextmanager
    def _limit_files(self):
        """Where no disk can be mounted: no file gets longer than some kilobytes, also
        that of the printer. The system says so as for a full disk."""
        _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._set_limit(8192, hard)
        yield
        self._set_limit(hard, hard)

    def _set_limit(self, *limits):
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(ProcessLookupError):
                if os.getpgid(int(folder.name)) == self.process.pid:
                    resource.prlimit(int(folder.name), resource.RLIMIT_FSIZE, limits)

    @contextmanager
    def _fill_disk(self):
        # seen from the server: the disk is mounted for it alone
        disk = Path(f"/proc/{self.process.pid}/root{self.filestore}")
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        yield
        ballast.unlink()


class Script:
    """What a person sees and does who sends invoices.

    :param Server server: a started one, ``full_disk`` too for that part
    :param MailServer mail: where its e-mails go
    """

    def __init__(self, server, mail):
        self.server, self.mail = server, mail
        self.faults = []
        self.count = 0
        admin = data.log_in(server, "admin")
        data.create_users(admin)
        admin.call(
            "ir.mail_server",
            "create",
            [{"name": "fire", "smtp_host": "127.0.0.1", "smtp_port": mail.port}],
        )
        self.admin = admin
        self.accountant = data.log_in(server, "accountant")

    def create_invoices(self, count):
        """Posted invoices of a customer of their own (address, ids)."""
        self.count += 1
        address = f"customer{self.count}@example.com"
        order_ids = data.create_orders(self.admin, count, address)
        self.accountant.create_invoices(order_ids)
        move_ids = [self.accountant.get_invoice_id(order_id) for order_id in order_ids]
        self.accountant.post(move_ids)
        return address, move_ids

    def send(self, move_id, other_id=None):
        """Send one invoice by Odoo's dialog; the error (str) that the user reads.

        :param int other_id: a contact to add to those whom the dialog proposes
        """
        context = {"active_model": "account.move", "active_ids": [move_id]}
        model = "account.move.send.wizard"
        try:
            [dialog_id] = self.accountant.call(model, "create", [{}], context=context)
            if other_id:
                values = {"mail_partner_ids": [(4, other_id)]}
                self.accountant.call(model, "write", [dialog_id], values)
            self.accountant.call(model, "action_send_and_print", [dialog_id])
        except ServerError as error:
            if error.name != "odoo.exceptions.UserError":
                self.faults.append(f"sending said: {error}")
            return error.message

    def send_many(self, move_ids):
        """Send invoices in the background, and wait until their e-mails were tried."""
        model = "account.move.send.batch.wizard"
        [dialog_id] = self.accountant.call(model, "create", [{"move_ids": move_ids}])
        self.accountant.call(model, "action_send_and_print", [dialog_id])
        deadline = time.monotonic() + PATIENCE
        while run_query(
            self.server.database,
            "SELECT id FROM account_move WHERE id = ANY(%s)"
            " AND sending_data IS NOT NULL AND sending_data <> 'false'",
            [move_ids],
        ):
            if time.monotonic() > deadline:
                self.faults.append(f"invoices {move_ids} are still being sent")
                return
            time.sleep(0.5)
        self._run_mail_queue()

    def expect(self, what, move_ids, address, sent, mails):
        """Compare the invoices with what has to be.

        :param str what: that was done
        :param int sent: how many are marked as sent
        :param int mails: how many e-mails the address got
        """
        # e-mails, and the marks that follow them, come after the transaction
        deadline = time.monotonic() + 10
        while (found := self._look(move_ids, address)) != (len(move_ids), sent, mails):
            if time.monotonic() > deadline:
                self.faults.append(
                    f"{what}: posted, marked, mails are {found}, "
                    f"not {(len(move_ids), sent, mails)}"
                )
                return
            time.sleep(0.2)

    def _look(self, move_ids, address):
        [(posted, sent)] = run_query(
            self.server.database,
            "SELECT count(*) FILTER (WHERE state = 'posted'),"
            " count(*) FILTER (WHERE is_move_sent)"
            " FROM account_move WHERE id = ANY(%s)",
            [move_ids],
        )
        return posted, sent, self.mail.count(address)

    def expect_reason(self, what, move_ids):
        """Each invoice has to say why it was not sent."""
        [(count,)] = run_query(
            self.server.database,
            "SELECT count(DISTINCT res_id) FROM mail_message"
            " WHERE model = 'account.move'"
            " AND res_id = ANY(%s) AND body ILIKE '%%not sent%%'",
            [move_ids],
        )
        if count != len(move_ids):
            self.faults.append(f"{what}: {count} of {len(move_ids)} say why")

    # ------------------------------------------------------------------

    def fail_mail(self, mode, many):
        """Send while the mail server fails, then when it works."""
        what = f"{mode}, {many} at once"
        address, move_ids = self.create_invoices(many)
        self.mail.mode = mode
        self._send_all(move_ids)
        self.expect(what, move_ids, address, sent=0, mails=0)
        self.expect_reason(what, move_ids)
        self.mail.mode = "work"
        self._send_all(move_ids)
        self.expect(f"{what}, again", move_ids, address, sent=many, mails=many)
        self._run_mail_queue()
        self.expect(f"{what}, queue", move_ids, address, sent=many, mails=many)

    def fail_disk(self, many):
        """Send with a full disk, then with room on it."""
        what = f"full disk, {many} at once"
        address, move_ids = self.create_invoices(many)
        with self.server.full_disk():
            answer = self._send_all(move_ids)
            self.expect(what, move_ids, address, sent=0, mails=0)
        if many > 1:
            self.expect_reason(what, move_ids)
        elif "is not sent" not in (answer or ""):
            self.faults.append(f"{what}: the user reads {answer!r}")
        self._send_all(move_ids)
        self.expect(f"{what}, again", move_ids, address, sent=many, mails=many)
        self._run_mail_queue()
        self.expect(f"{what}, queue", move_ids, address, sent=many, mails=many)

    def fail_one_of_two(self):
        """Send to two contacts, of whom the mail server refuses one at first."""
        address, [move_id] = self.create_invoices(1)
        [other_id] = self.admin.call(
            "res.partner", "create", [{"name": "Other", "email": "other@example.com"}]
        )
        self.mail.refused = {"other@example.com"}
        self.send(move_id, other_id)
        self.expect("one of two", [move_id], address, sent=0, mails=1)
        self.expect_reason("one of two", [move_id])
        self.mail.refused = set()
        self.send(move_id, other_id)
        self.expect("one of two, again", [move_id], address, sent=1, mails=1)
        self.expect("the other", [move_id], "other@example.com", sent=1, mails=1)

    def _send_all(self, move_ids):
        if len(move_ids) == 1:
            return self.send(*move_ids)
        return self.send_many(move_ids)

    def _run_mail_queue(self):
        """Odoo's queue sends what waits: nothing may be left there to go out twice."""
        name = "mail.ir_cron_mail_scheduler_action"
        cron_id = data.get_id(self.admin, name)
        self.admin.call("ir.cron", "method_direct_trigger", [cron_id])


def main():
    end_with_command()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument(
        "--invoices", type=int, default=get_number("INVOICES", 20), help="sent at once"
    )
    options = parser.parse_args()
    start = time.monotonic()
    with MailServer() as mail, SmallDiskServer(options.database) as server:
        script = Script(server, mail)
        for many in (1, options.invoices):
            for mode in MODES[:-1]:
                script.fail_mail(mode, many)
            script.fail_disk(many)
        script.fail_one_of_two()
        script.faults += audit(options.database)
    report(
        f"{2 * len(MODES) + 1} ways to fail in {time.monotonic() - start:.0f} s",
        script.faults,
    )


if __name__ == "__main__":
    main()
