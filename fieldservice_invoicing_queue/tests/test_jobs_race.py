# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from contextlib import closing

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.fieldservice_invoicing.tests.test_batch_race import BatchRaceCommon
from odoo.addons.queue_job.controllers.main import RunJobController
from odoo.addons.queue_job.job import Job

PEOPLE = 3


@tagged("post_install", "-at_install", "race")
class TestJobsRace(BatchRaceCommon):
    """Jobs in real transactions, performed as the job runner has them performed."""

    def _start_jobs(self, order_ids, **values):
        """Id of a committed batch, and the ids of its jobs in order."""
        batch_id = self._start(order_ids, is_background=True, **values)
        with closing(self.registry.cursor()) as cr:
            jobs = self._env(cr)["queue.job"].search([("method_name", "=", "_run_job")])
            jobs = jobs.filtered(lambda job: job.records.ids == [batch_id])
            return batch_id, jobs.sorted(lambda job: job.args).mapped("uuid")

    def _race(self, *args, **options):
        with mute_logger("odoo.addons.queue_job.controllers.main"):
            return super()._race(*args, **options)

    def _copy_job(self, batch_id, *groups):
        """Another job for the same work, as after a started one was taken for dead."""
        with closing(self.registry.cursor()) as cr:
            batch = self._env(cr)["service.invoice.batch"].browse(batch_id)
            uuid = batch.with_delay()._run_job(*groups).uuid
            cr.commit()  # pylint: disable=invalid-commit
            return uuid

    def _create_customer(self):
        with closing(self.registry.cursor()) as cr:
            customer = self._env(cr)["res.partner"].create({"name": "Other customer"})
            cr.commit()  # pylint: disable=invalid-commit
            return customer.id

    def _bill_to(self, order_id, customer_id):
        with closing(self.registry.cursor()) as cr:
            self._env(cr)["fsm.order"].browse(order_id).bill_to_id = customer_id
            cr.commit()  # pylint: disable=invalid-commit

    def _enqueue(self, uuid):
        with closing(self.registry.cursor()) as cr:
            job = Job.load(self._env(cr), uuid)
            job.set_enqueued()
            job.store()
            cr.commit()  # pylint: disable=invalid-commit

    def _perform(self, env, uuid):
        """What the runner's request to the server does, until the job is done."""
        for _i in range(10):
            job = RunJobController._acquire_job(env, uuid)
            if not job:
                return None
            RunJobController._runjob(env, job)
            # the controller leaves the commit to the tests
            env.cr.commit()
            if Job.load(env, uuid).state == "done":
                return "done"
            self._enqueue(uuid)
            env.cr.rollback()
        return "tried in vain"

    def _check(self, batch_id, order_ids):
        """All orders have one invoice, by the batch; its user was told once."""
        with closing(self.registry.cursor()) as cr:
            self._env(cr)["service.invoice.batch"]._cron_run()
        result = self._check_billed(order_ids)
        self.assertEqual(result["by_batch"], len(order_ids))
        self.assertTrue(result["ended"])
        self.assertEqual(self._count_messages(batch_id), 1)

    def test_same_work(self):
        """C5: several jobs for the same orders at once, or one that is run in
        several workers: each order is billed once."""
        for same_job in (True, False) * 2:
            order_ids = self._create_orders(3)
            batch_id, (uuid,) = self._start_jobs(order_ids)
            uuids = [uuid] * PEOPLE
            if not same_job:
                uuids[1:] = [self._copy_job(batch_id, 1, 20) for _i in uuids[1:]]
            for one in set(uuids):
                self._enqueue(one)
            outcomes = self._race(
                lambda env, index, uuids=tuple(uuids): self._perform(env, uuids[index]),
                snapshot=True,
                people=PEOPLE,
            )
            expected = ["done", None, None] if same_job else ["done"] * 3
            self.assertCountEqual(outcomes, expected)
            self._check(batch_id, order_ids)

    def test_different_work(self):
        """C17: jobs at once on different orders of one batch all bill theirs, and the
        end is told once though none of them sees the last order billed."""
        for _i in range(2):
            order_ids = self._create_orders(PEOPLE)
            for order_id in order_ids:
                self._bill_to(order_id, self._create_customer())
            batch_id, uuids = self._start_jobs(order_ids, grouped=True)
            self.assertEqual(len(uuids), PEOPLE)
            for uuid in uuids:
                self._enqueue(uuid)
            outcomes = self._race(
                lambda env, index, uuids=tuple(uuids): self._perform(env, uuids[index]),
                snapshot=True,
                people=PEOPLE,
            )
            self.assertEqual(outcomes, ["done"] * PEOPLE)
            self._check(batch_id, order_ids)

    def test_beside_others(self):
        """C5: a job beside the scheduled action that took over: one invoice each."""
        for _i in range(2):
            order_ids = self._create_orders(3)
            batch_id, (uuid,) = self._start_jobs(order_ids)
            self._enqueue(uuid)

            def work(env, index, batch_id=batch_id, uuid=uuid):
                if index:
                    batch = env["service.invoice.batch"].browse(batch_id)
                    return batch._run_step()
                return self._perform(env, uuid)

            outcomes = self._race(work, snapshot=True, people=2)
            self.assertEqual(outcomes[0], "done")
            self.assertIn(outcomes[1], (0, 3))
            self._check(batch_id, order_ids)

    def test_dead_worker(self):
        """C17: what a worker did that died is undone; the job is queued again by the
        runner and bills everything."""
        order_ids = self._create_orders(2)
        batch_id, (uuid,) = self._start_jobs(order_ids)
        self._enqueue(uuid)
        with closing(self.registry.cursor()) as cr:
            job = RunJobController._acquire_job(self._env(cr), uuid)
            job.perform()
            cr.rollback()
        self._enqueue(uuid)
        with closing(self.registry.cursor()) as cr:
            self.assertEqual(self._perform(self._env(cr), uuid), "done")
        self._check(batch_id, order_ids)
