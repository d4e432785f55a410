# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import os
import unittest

from fire import double_submit, kill, sending
from fire.smtp import MODES, MailServer


class TestFire(unittest.TestCase):
    """Short versions of what ``make fire`` does to a live Odoo with two workers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        database = os.environ.get("FIRE_DB")
        if not database:
            raise RuntimeError(
                "FIRE_DB has to name a database, a fresh copy of that of the tests, "
                "which these tests write to: setup/test.sh makes one."
            )
        cls.server = cls.enterClassContext(sending.SmallDiskServer(database))

    def test_double_submit(self):
        """C5, X5, F2: over RPC and in two browsers at once, one of two succeeds, the
        other reads why not; no number is missing."""
        tally, order_ids = double_submit.run(
            self.server,
            submits=12,
            threads=4,
            browser_orders=1,
            browser_rounds=("create", "post", "pay"),
        )
        self.assertEqual(double_submit.check(self.server, tally, order_ids), [])
        self.assertLessEqual({"create", "post", "cancel", "pay"}, tally.submits.keys())

    def test_kill(self):
        """C17: a batch is killed and run again; each order is billed once."""
        batch, killed, order_ids = kill.run(
            self.server, orders=60, kills=2, pause=(0.1, 0.6)
        )
        self.assertEqual(kill.check(self.server, order_ids), [])
        self.assertGreater(sum(killed.values()), 0)
        self.assertTrue(batch.failures)

    def test_sending(self):
        """F2: an invoice that could not be sent is marked so, and sent once later."""
        with MailServer() as mail:
            script = sending.Script(self.server, mail)
            for mode in MODES[:-1]:
                script.fail_mail(mode, 1)
            script.fail_disk(1)
            script.fail_one_of_two()
        self.assertEqual(script.faults, [])
