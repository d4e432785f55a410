# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
import uuid
from contextlib import closing

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tests import new_test_user, tagged

from .test_race import RaceCommon

ALREADY = "already exists"


class BatchRaceCommon(RaceCommon):
    """Batches of a dispatcher who creates invoices, in real transactions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with closing(cls.registry.cursor()) as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            # the stages that are there need not be of this company
            stage = env["fsm.stage"].create(
                {
                    "name": "Race finished",
                    "stage_type": "order",
                    "company_id": cls.ids["company"],
                    "sequence": 1000 + cls.ids["company"],
                    "is_invoiceable": True,
                }
            )
            cls.ids["stage"] = stage.id
            user = new_test_user(
                env,
                login=f"race-{uuid.uuid4()}",
                groups="fieldservice.group_fsm_dispatcher,"
                "fieldservice_invoicing.group_service_invoice_user",
                company_id=cls.ids["company"],
                company_ids=[Command.set([cls.ids["company"]])],
            )
            cls.ids["user"] = user.id
            cr.commit()  # pylint: disable=invalid-commit

    def _user_env(self, env):
        """The environment of the dispatcher, in the transaction of another one."""
        return env(user=self.ids["user"], su=False)

    def _create_orders(self, number):
        return [self._create_order() for _i in range(number)]

    def _start(self, order_ids, **values):
        """Id of a committed batch that the dispatcher started."""
        with closing(self.registry.cursor()) as cr:
            env = self._user_env(self._env(cr))
            orders = env["fsm.order"].browse(order_ids)
            batch = env["service.invoice.batch"]._start(orders, **values)
            cr.commit()  # pylint: disable=invalid-commit
            return batch.id

    def _run_screen(self, env, batch_id):
        """What a screen does: call step after step until the batch is done, and look
        again some time later when others are at it."""
        batch = self._user_env(env)["service.invoice.batch"].browse(batch_id)
        pending = None
        for _i in range(100):
            progress = self._retry(env, batch.action_run_step)
            if not progress["pending_count"]:
                break
            if progress["pending_count"] == pending:
                time.sleep(0.3)
            pending = progress["pending_count"]
        return progress

    def _run_cron(self, env, _batch_id):
        env["service.invoice.batch"]._cron_run()

    def _retry(self, env, work):
        """Another request of the same person."""
        result = retrying(work, env)
        env.cr.commit()  # pylint: disable=invalid-commit
        return result

    def _count_messages(self, batch_id):
        """How often the dispatcher was told that the batch is done."""
        with closing(self.registry.cursor()) as cr:
            user = self._env(cr)["res.users"].browse(self.ids["user"])
            return user.env["mail.message"].search_count(
                [
                    ("partner_ids", "in", user.partner_id.ids),
                    ("subject", "=", "Service invoicing is done"),
                    ("body", "like", f'/{batch_id}"'),
                ]
            )

    def _set_automatic(self, frequency):
        """Bill the company's orders automatically, until the end of the test."""
        if frequency != "off":
            self.addCleanup(self._set_automatic, "off")
        with closing(self.registry.cursor()) as cr:
            company = self._env(cr)["res.company"].browse(self.ids["company"])
            company.service_auto_invoice = frequency
            cr.commit()  # pylint: disable=invalid-commit

    def _check_billed(self, order_ids):
        """Each order has exactly one invoice, and each line of a batch says what
        became of its order."""
        with closing(self.registry.cursor()) as cr:
            env = self._env(cr)
            orders = env["fsm.order"].browse(order_ids)
            for order in orders:
                self.assertEqual(len(order.invoice_link_ids), 1)
            lines = env["service.invoice.batch.line"].search(
                [("order_id", "in", order_ids)]
            )
            for line in lines:
                self.assertIn(line.state, ("invoiced", "refused"))
                if line.state == "invoiced":
                    self.assertEqual(line.move_id, line.order_id.active_invoice_id)
                    self.assertFalse(line.message)
                else:
                    self.assertFalse(line.move_id)
                    self.assertIn(ALREADY, line.message)
            invoiced = lines.filtered(lambda line: line.state == "invoiced").order_id
            return {
                "states": sorted(lines.mapped("state")),
                "by_batch": len(invoiced),
                "ended": all(lines.batch_id.mapped("end_date")),
                "invoices": len(orders.active_invoice_id),
            }


@tagged("post_install", "-at_install", "race")
class TestBatchRace(BatchRaceCommon):
    def test_two_screens(self):
        """C5: two screens run the same batch: each order is billed once."""
        for snapshot, grouped in ((True, False), (False, True), (True, True)):
            order_ids = self._create_orders(5)
            batch_id = self._start(order_ids, grouped=grouped)
            outcomes = self._race(
                lambda env, _index, batch_id=batch_id: self._run_screen(env, batch_id),
                snapshot,
            )
            for outcome in outcomes:
                self.assertEqual(outcome["pending_count"], 0, outcomes)
                self.assertEqual(outcome["invoiced_count"], 5)
            result = self._check_billed(order_ids)
            self.assertEqual(result["by_batch"], 5)
            self.assertEqual(result["invoices"], 1 if grouped else 5)

    def test_screen_and_cron(self):
        """C5: the scheduled action beside the screen, as when that was silent for a
        while: each order is billed once, and the end is recorded."""
        for snapshot in (True, False):
            order_ids = self._create_orders(5)
            batch_id = self._start(order_ids)
            self._age(batch_id)

            def work(env, index, batch_id=batch_id):
                run = self._run_cron if index else self._run_screen
                return run(env, batch_id)

            outcomes = self._race(work, snapshot)
            self.assertEqual(outcomes[0]["invoiced_count"], 5, outcomes)
            self.assertIsNone(outcomes[1])
            self.assertEqual(self._check_billed(order_ids)["by_batch"], 5)

    def _age(self, batch_id):
        with closing(self.registry.cursor()) as cr:
            for table, column in (
                ("service_invoice_batch", "id"),
                ("service_invoice_batch_line", "batch_id"),
            ):
                cr.execute(
                    f"UPDATE {table} SET write_date = write_date - interval '1 hour' "
                    f"WHERE {column} = %s",
                    [batch_id],
                )
            cr.commit()  # pylint: disable=invalid-commit

    def test_end(self):
        """C17: two steps that end at once both see orders waiting; the end is still
        recorded, and told once."""
        first, second = self._create_orders(2)
        batch_id = self._start([first, second], is_background=True)

        def work(env, index):
            batch = env["service.invoice.batch"].browse(batch_id)
            return batch._run_step(batch.line_ids[index])

        self.assertEqual(self._race(work, snapshot=True), [1, 1])
        self._race(lambda env, _i: self._run_cron(env, batch_id), snapshot=True)
        self.assertTrue(self._check_billed([first, second])["ended"])
        self.assertEqual(self._count_messages(batch_id), 1)

    def test_step_does_not_wait(self):
        """C17: while one step is at its orders, another one has nothing to do with
        them, nor does it wait for them: it comes back at once."""
        order_ids = self._create_orders(2)
        batch_id = self._start(order_ids, is_background=True)
        with (
            closing(self.registry.cursor()) as busy,
            closing(self.registry.cursor()) as other,
        ):
            batch = self._env(busy)["service.invoice.batch"].browse(batch_id)
            self.assertEqual(batch._run_step(batch.line_ids[0]), 1)
            other.execute("SET LOCAL lock_timeout = '5s'")
            batch = self._env(other)["service.invoice.batch"].browse(batch_id)
            self.assertEqual(batch._run_step(batch.line_ids[0]), 0)
            self.assertEqual(batch._run_step(), 1)
            other.commit()  # pylint: disable=invalid-commit
            busy.commit()  # pylint: disable=invalid-commit
        self.assertEqual(self._check_billed(order_ids)["by_batch"], 2)

    def test_person(self):
        """C5: a batch, and somebody who bills one of its orders alone."""
        for snapshot, grouped in ((True, False), (True, True), (False, True)):
            order_ids = self._create_orders(4)
            batch_id = self._start(order_ids, grouped=grouped)

            def work(env, index, batch_id=batch_id, order_ids=tuple(order_ids)):
                if index == 0:
                    return self._run_screen(env, batch_id)
                order = self._user_env(env)["fsm.order"].browse(order_ids[2])
                return order._create_invoices().ids

            outcomes = self._race(work, snapshot)
            result = self._check_billed(order_ids)
            if isinstance(outcomes[1], Exception):
                self.assertIsInstance(outcomes[1], UserError)
                self.assertIn(ALREADY, str(outcomes[1]))
                self.assertEqual(result["by_batch"], 4)
            else:
                self.assertEqual(result["by_batch"], 3)
            self.assertEqual(outcomes[0]["pending_count"], 0)

    def test_two_batches(self):
        """C5: two batches of the same orders, also in another sequence and otherwise
        consolidated: each order is billed by one of them."""
        for snapshot, grouped in ((True, False), (True, True), (False, None)):
            order_ids = self._create_orders(6)
            batch_ids = [
                self._start(order_ids, grouped=bool(grouped)),
                self._start(order_ids[::-1], grouped=grouped is not False),
            ]
            outcomes = self._race(
                lambda env, index, ids=tuple(batch_ids): self._run_screen(
                    env, ids[index]
                ),
                snapshot,
            )
            for outcome in outcomes:
                self.assertEqual(outcome["pending_count"], 0, outcomes)
            result = self._check_billed(order_ids)
            self.assertEqual(result["by_batch"], 6)
            self.assertEqual(result["states"], ["invoiced"] * 6 + ["refused"] * 6)

    def test_stopped(self):
        """C17: somebody stops the batch while a step is made: that step is finished,
        the next bills nothing."""
        order_ids = self._create_orders(2)
        batch_id = self._start(order_ids)

        def work(env, index):
            batch = self._user_env(env)["service.invoice.batch"].browse(batch_id)
            return batch.action_run_step() if index else batch.action_stop()

        outcomes = self._race(work, snapshot=True)
        self.assertIs(outcomes[0], True)
        self.assertIn(outcomes[1]["invoiced_count"], (0, 2), outcomes)
        with closing(self.registry.cursor()) as cr:
            batch = self._env(cr)["service.invoice.batch"].browse(batch_id)
            self.assertTrue(batch.is_stopped)
            count = batch.invoiced_count
            self.assertEqual(batch._run_step(), 0)
            self.assertEqual(batch.invoiced_count, count)

    def test_automatic(self):
        """C5: automatic invoicing, run by two servers at once, beside somebody who
        bills an order, and somebody who completes another."""
        self._set_automatic("finished")
        order_ids = self._create_orders(3)

        def work(env, index):
            if index == 2:
                order = self._user_env(env)["fsm.order"].browse(order_ids[1])
                return order._create_invoices().ids
            company = env["res.company"].browse(self.ids["company"])
            batch = company._invoice_automatically()
            self._retry(env, lambda: None)
            while self._retry(env, lambda: sum(one._run_step() for one in batch)):
                pass
            return batch.ids

        outcomes = self._race(work, snapshot=True, people=3)
        for outcome in outcomes[:2]:
            self.assertIsInstance(outcome, list, outcomes)
        if isinstance(outcomes[2], Exception):
            self.assertIn(ALREADY, str(outcomes[2]))
        self._check_billed(order_ids)

    def test_one_week(self):
        """C17: of two servers that invoice a week at once one does."""
        self._set_automatic("weekly")
        order_ids = self._create_orders(2)
        with closing(self.registry.cursor()) as cr:
            env = self._env(cr)
            env["fsm.order"].browse(order_ids).date_end = "2020-01-01 12:00:00"
            cr.commit()  # pylint: disable=invalid-commit
        outcomes = self._race(
            lambda env, _index: (
                env["res.company"]
                .browse(self.ids["company"])
                ._invoice_automatically()
                .ids
            ),
            snapshot=True,
        )
        batches = [one for one in outcomes if isinstance(one, list) and one]
        self.assertEqual(len(batches), 1, outcomes)
        with closing(self.registry.cursor()) as cr:
            batch = self._env(cr)["service.invoice.batch"].browse(batches[0])
            while self._retry(batch.env, batch._run_step):
                pass
        self.assertEqual(self._check_billed(order_ids)["invoices"], 1)
