# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import SUPERUSER_ID, Command
from odoo.exceptions import ConcurrencyError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.fieldservice_invoicing.tests.common import USER
from odoo.addons.fieldservice_invoicing.tests.test_batch import BatchCommon
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import Job
from odoo.addons.queue_job.tests.common import trap_jobs


@tagged("post_install", "-at_install")
class TestJobs(BatchCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.orders += cls._create_order(bill_to_id=cls.partner_b.id)

    def _start_batch(self, orders=None, **values):
        """A batch in the background of the dispatcher, in superuser mode."""
        orders = (orders or self.orders).with_user(self.dispatcher)
        values = {"is_background": True, **values}
        return (
            self.env["service.invoice.batch"]
            .with_user(self.dispatcher)
            ._start(orders, **values)
            .sudo()
        )

    def _get_jobs(self, batch):
        """The jobs (`queue.job`) of a batch, in order."""
        jobs = self.env["queue.job"].sudo().search([("method_name", "=", "_run_job")])
        jobs = jobs.filtered(lambda job: job.records == batch)
        return jobs.sorted(lambda job: job.args)

    def _perform(self, jobs):
        for job in jobs:
            Job.load(self.env, job.uuid).perform()

    def _count_messages(self):
        return (
            self.env["mail.message"]
            .sudo()
            .search_count(
                [
                    ("partner_ids", "in", self.dispatcher.partner_id.ids),
                    ("subject", "=", "Service invoicing is done"),
                ]
            )
        )

    def test_performed(self):
        """C17: a batch in the background is billed by jobs, one for each consolidated
        invoice, and tells its user once at the end."""
        with trap_jobs() as trap:
            batch = self._start_batch(grouped=True)
            trap.assert_jobs_count(2, only=batch._run_job)
            trap.assert_enqueued_job(batch._run_job, args=(1, 1))
            trap.assert_enqueued_job(batch._run_job, args=(2, 2))
            trap.perform_enqueued_jobs()
        self.assertEqual((batch.state, batch.invoice_count), ("done", 2))
        self.assertTrue(batch.end_date)
        self.assertEqual(batch.line_ids.move_id.create_uid, self.dispatcher)
        self._run_cron()
        self.assertEqual(self._count_messages(), 1)

    def test_queued(self):
        """C17: the jobs of a batch are in a channel of their own, have a name, and
        are of the user who started it."""
        batch = self._start_batch()
        job = self._get_jobs(batch)
        self.assertEqual(job.args, [1, 20])
        self.assertEqual(job.channel, "root.service_invoicing")
        self.assertEqual(job.name, f"{batch.display_name}: step 1")
        self.assertEqual(job.user_id, self.dispatcher)
        self.assertEqual(job.max_retries, 10)
        self.assertEqual(job.open_related_action()["res_id"], batch.id)

    def test_step(self):
        """C17: orders that are billed each by itself share jobs."""
        orders = self.orders.browse()
        for _i in range(21):
            orders |= self._create_order()
        batch = self._start_batch(orders)
        jobs = self._get_jobs(batch)
        self.assertEqual(jobs.mapped("args"), [[1, 20], [21, 40]])
        self._perform(jobs[1])
        self.assertEqual(batch.invoiced_count, 1)
        self._perform(jobs[0])
        self.assertEqual((batch.state, batch.invoiced_count), ("done", 21))

    def test_small_batch(self):
        """C17: what a screen runs needs no job."""
        batch = self._start_batch(is_background=False)
        self.assertFalse(self._get_jobs(batch))

    def test_stop(self):
        """C17: the jobs of a stopped batch bill nothing; continuing queues each piece
        of work once, also beside jobs that still wait."""
        batch = self._start_batch(grouped=True)
        first, second = self._get_jobs(batch)
        batch.action_stop()
        self._perform(first)
        self.assertFalse(batch.invoiced_count)
        Job.load(self.env, first.uuid).set_done()
        first.state = "done"
        batch.with_user(self.dispatcher).action_resume()
        jobs = self._get_jobs(batch)
        self.assertEqual(len(jobs), 3)
        self.assertEqual(jobs.mapped("args"), [[1, 1], [1, 1], [2, 2]])
        self.assertIn(second, jobs)
        self._perform(jobs)
        self.assertEqual((batch.state, batch.invoice_count), ("done", 2))

    def test_twice(self):
        """C5: a job that is run again bills nothing again."""
        batch = self._start_batch()
        job = self._get_jobs(batch)
        self._perform(job)
        invoices = batch.line_ids.move_id
        self._perform(job)
        self.assertEqual(batch.line_ids.move_id, invoices)
        self.assertEqual(len(self.orders.invoice_link_ids), 4)

    def test_refused(self):
        """C17: what can not be billed is recorded and does not fail the job; trying
        again is new work with a job of its own."""
        limited = self.orders[0]
        batch = self._start_batch()
        limited.not_to_exceed = 1
        self._perform(self._get_jobs(batch))
        self.assertEqual((batch.invoiced_count, batch.refused_count), (3, 1))
        limited.not_to_exceed = 0
        self._get_jobs(batch).state = "done"
        batch.with_user(self.dispatcher).action_retry()
        self._perform(self._get_jobs(batch).filtered(lambda job: job.state != "done"))
        self.assertEqual((batch.invoiced_count, batch.state), (4, "done"))

    def test_rights(self):
        """C3: a job bills by the rights that the user who started the batch has when
        it runs; nobody queues jobs for a batch of somebody else."""
        batch = self._start_batch()
        self.dispatcher.group_ids = [Command.unlink(self.env.ref(USER).id)]
        self._perform(self._get_jobs(batch))
        self.assertEqual(batch.refused_count, 4)
        self.assertFalse(self.orders.invoice_link_ids)

    def test_continued_by_another(self):
        """C3: jobs that still wait bill by the rights of who continued the batch."""
        batch = self._start_batch()
        job = self._get_jobs(batch)
        batch.with_user(self.manager).action_stop()
        batch.with_user(self.manager).action_resume()
        self.assertEqual(self._get_jobs(batch), job)
        self._perform(job)
        self.assertEqual(batch.line_ids.move_id.create_uid, self.manager)

    def test_scheduled_action(self):
        """C17: the scheduled action leaves the work to the jobs, and takes over when
        nothing has been done for a while: no order is lost with a job."""
        batch = self._start_batch()
        self._run_cron()
        self.assertEqual(batch.pending_count, 4)
        self._get_jobs(batch).state = "cancelled"
        self._age(batch)
        self._run_cron()
        self.assertEqual((batch.state, batch.invoiced_count), ("done", 4))
        self.assertEqual(self._count_messages(), 1)

    def test_continued_after_a_while(self):
        """C17: the silence begins anew when a batch is continued."""
        batch = self._start_batch()
        batch.action_stop()
        self._age(batch)
        batch.with_user(self.dispatcher).action_resume()
        self._run_cron()
        self.assertEqual(batch.pending_count, 4)

    def test_automatic(self):
        """C17: automatic batches are billed by jobs, too, and tell nobody."""
        self.company.service_auto_invoice = "weekly"
        self.orders.date_end = "2020-01-01 12:00:00"
        batch = self.company.with_user(SUPERUSER_ID)._invoice_automatically()
        self.assertEqual(self._get_jobs(batch).mapped("args"), [[1, 1], [2, 2]])
        self._perform(self._get_jobs(batch))
        self.assertEqual((batch.state, batch.invoice_count), ("done", 2))
        self.assertEqual(set(batch.line_ids.move_id.mapped("state")), {"draft"})
        self.assertFalse(self._count_messages())

    def test_conflict(self):
        """C5: a conflict with somebody else is tried again, not taken for a refusal."""
        batch = self._start_batch()

        def fail(_order):
            raise ConcurrencyError("in use")

        self.patch(self.env.registry["fsm.order"], "_prepare_invoice", fail)
        with self.assertRaises(RetryableJobError), mute_logger("odoo.addons.queue_job"):
            self._perform(self._get_jobs(batch))
        self.assertEqual(batch.pending_count, 4)
