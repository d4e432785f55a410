# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.service_reminder_mixin import REMINDER
from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestReminder(ServiceInvoicingCommon):
    """F5: an activity for work that is finished and not billed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        # other orders of the database are not the matter here
        others = cls.env["res.company"].search([("id", "!=", cls.company.id)])
        others.service_unbilled_reminder_days = 0
        cls._finish(cls.order, 10)

    @classmethod
    def _finish(cls, order, days):
        order.date_end = fields.Datetime.now() - timedelta(days=days)

    def _run(self):
        with self.enter_registry_test_mode():
            self.env.ref(
                "fieldservice_invoicing.ir_cron_service_unbilled_reminder"
            ).method_direct_trigger()

    def _reminders(self, orders=None):
        return (orders or self.order).activity_search([REMINDER])

    def test_after_days(self):
        """F5: after seven days, and not before; the note says value and date."""
        early = self._create_order()
        self._finish(early, 6)
        late = self._create_order()
        self._finish(late, 7)
        self._run()
        self.assertFalse(self._reminders(early))
        self.assertEqual(len(self._reminders(late)), 1)
        reminder = self._reminders()
        self.assertEqual(len(reminder), 1)
        self.assertEqual(reminder.date_deadline, fields.Date.today())
        self.assertIn("412.50", reminder.note)
        date = self.order.invoiceable_date.strftime("%m/%d/%Y")
        self.assertIn(date, reminder.note)

    def test_once(self):
        """F5: not a second one while one is open."""
        self._run()
        self._run()
        self.assertEqual(len(self._reminders()), 1)

    def test_done_without_billing(self):
        """F5: marked as done and still unbilled, it comes again after the same time."""
        self._run()
        reminder = self._reminders()
        reminder.action_feedback(feedback="Later")
        self._run()
        self.assertFalse(self._reminders())
        reminder.date_done = fields.Date.today() - timedelta(days=7)
        self._run()
        self.assertEqual(len(self._reminders()), 1)

    def test_refusal(self):
        """F5: the note says why the order can not be billed."""
        self.order.bill_to_id.active = False
        self._run()
        self.assertIn("is archived", self._reminders().note)

    def test_responsible(self):
        """F5: the worker on the order, else who created it."""
        person = self.env["fsm.person"].create(
            {"partner_id": self.worker.partner_id.id}
        )
        created = self.order.with_user(self.dispatcher).copy()
        self.assertEqual(created._get_billing_responsible(), self.dispatcher)
        self.order.person_id = person
        self._run()
        self.assertEqual(self._reminders().user_id, self.worker)
        self.assertTrue(self._reminders().with_user(self.worker).has_access("read"))

    def test_nobody_responsible(self):
        """F5: without anyone who works there the reminder is nobody's, and there."""
        self.worker.active = False
        self.order.person_id = self.env["fsm.person"].create(
            {"partner_id": self.worker.partner_id.id}
        )
        self.env.cr.execute(
            "UPDATE fsm_order SET create_uid = %s WHERE id = %s",
            (self.accountant.id, self.order.id),
        )
        self.order.invalidate_recordset(["create_uid"])
        self._run()
        self.assertEqual(len(self._reminders()), 1)
        self.assertFalse(self._reminders().user_id)

    def test_closed_by_invoice(self):
        """F5: an invoice takes it back, by who has no right on activities of others."""
        self._run()
        self._invoice(self.order.with_user(self.dispatcher))
        self.assertFalse(self._reminders())
        self._run()
        self.assertFalse(self._reminders())

    def test_closed_by_mark(self):
        """F5: so does marking as billed."""
        self._run()
        self.order.with_user(self.manager)._mark_billed("Paid in cash")
        self.assertFalse(self._reminders())

    def test_closed_when_reopened(self):
        """F5: an order that is not finished any more needs none."""
        self._run()
        self.order.stage_id = self.stage_new
        self._run()
        self.assertFalse(self._reminders())

    def test_credited(self):
        """F5: work that is unbilled again is reminded of again."""
        self._run()
        invoice = self._invoice(post=True)
        self._credit(invoice)
        self._run()
        self.assertEqual(len(self._reminders()), 1)

    def test_switches(self):
        """F5: none with zero days, nor with service invoicing switched off."""
        self.company.service_unbilled_reminder_days = 0
        self._run()
        self.assertFalse(self._reminders())
        self.company.service_unbilled_reminder_days = 7
        self.company.service_invoicing = False
        self._run()
        self.assertFalse(self._reminders())

    def test_companies(self):
        """F5: each company has its own number of days."""
        other = self.setup_other_company()["company"]
        other.service_unbilled_reminder_days = 20
        order = self._create_order(company_id=other.id, done=False, lines=[])
        order.line_ids.create(
            {"order_id": order.id, "name": "Visit", "price_unit": 10.0}
        )
        order.action_complete()
        self._finish(order, 10)
        self._run()
        self.assertFalse(self._reminders(order))
        self._finish(order, 20)
        self._run()
        self.assertEqual(len(self._reminders(order)), 1)

    def test_chunks(self):
        """F5: more orders than one chunk, each once."""
        orders = self.order
        for _index in range(4):
            orders |= self._create_order()
        for order in orders:
            self._finish(order, 10)
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            self.env(cr=cr)["fsm.order"]._cron_remind_unbilled(batch_size=2)
        self.env.invalidate_all()
        reminders = self._reminders(orders)
        self.assertEqual(sorted(reminders.mapped("res_id")), sorted(orders.ids))

    def test_negative(self):
        """F5: negative days are refused."""
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(CheckViolation),
            self.cr.savepoint(),
        ):
            self.company.service_unbilled_reminder_days = -1
            self.env.flush_all()
