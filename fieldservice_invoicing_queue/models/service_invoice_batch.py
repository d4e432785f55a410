# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import ConcurrencyError

from odoo.addons.fieldservice_invoicing.models.service_invoice_batch import (
    SILENCE_MINUTES,
    STEP,
)
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import identity_exact

# how often a job is tried that others are in the way of, or whose worker died
MAX_TRIES = 10


class ServiceInvoiceBatch(models.Model):
    _inherit = "service.invoice.batch"

    def _proceed(self):
        """Have batches in the background billed by jobs.

        The scheduled action stays in reserve: it goes on where jobs were cancelled or
        failed, or where nothing runs them.
        """
        if not self.is_background:
            return super()._proceed()
        self._delay_jobs()
        self._trigger_cron(minutes=SILENCE_MINUTES + 1)

    def _delay_jobs(self):
        """Queue a job for each step of one batch, unless it is queued already."""
        pending = self.line_ids.filtered(lambda line: line.state == "pending")
        size = 1 if self.grouped else STEP
        # the same limits however much is billed already: so a queued job is known
        steps = {(group - 1) // size for group in pending.mapped("group")}
        for step in sorted(steps):
            self.with_delay(
                description=self.env._(
                    "%(batch)s: step %(step)s", batch=self.display_name, step=step + 1
                ),
                identity_key=identity_exact,
                max_retries=MAX_TRIES,
            )._run_job(step * size + 1, (step + 1) * size)

    def _run_job(self, first, last):
        """Bill some invoices of one batch: called by a job, in superuser mode.

        Nothing happens where somebody else has billed them or is about to, when the
        batch is stopped, and when the job is run once more.

        :param int first: number of the first invoice, see ``group`` of the lines
        :param int last: number of the last one
        :return: number of orders (int) that were dealt with
        :raise RetryableJobError: somebody else is at work on the same records
        """
        lines = self.line_ids.search(
            [
                ("batch_id", "in", self.ids),
                ("state", "=", "pending"),
                ("group", ">=", first),
                ("group", "<=", last),
            ]
        )
        try:
            done = self._run_step(lines)
        except ConcurrencyError as error:
            raise RetryableJobError(str(error)) from error
        # no job knows whether another one bills the last orders at this moment
        self._trigger_cron()
        return done

    def _is_for_cron(self):
        if self.is_background and self.pending_count:
            return self._is_silent()
        return super()._is_for_cron()
