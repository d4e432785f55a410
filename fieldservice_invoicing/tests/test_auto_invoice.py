# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date, datetime

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .test_batch import LINE_LOGGER, BatchCommon

CRON = "fieldservice_invoicing.ir_cron_service_auto_invoice"
# a Thursday
TODAY = "2025-05-15 10:00:00"


class AutoInvoiceCommon(BatchCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "Europe/Brussels"
        cls.lang = cls.env["res.lang"]._activate_lang("en_US")
        cls.lang.week_start = "1"
        cls.company.partner_id.lang = cls.lang.code
        cls.orders.type = cls.env["fsm.order.type"].create({"name": "Visit"})
        cls.order_type = cls.orders.type
        # those of tests that commit
        cls._get_triggers().unlink()

    def _finish(self, orders, when):
        """Have orders finished at a time (str, UTC)."""
        orders.date_end = when
        self.assertEqual(set(orders.mapped("invoiceable_date")), {orders[0].date_end})

    def _run_auto(self):
        """Run the scheduled actions: that of automatic invoicing, then that of batches.

        :return: batches that were started
        """
        before = self._get_batches()
        with self.enter_registry_test_mode():
            self.env.ref(CRON).sudo().method_direct_trigger()
        new = self._get_batches() - before
        while any(batch._run_step() for batch in new):
            pass
        return new

    def _get_batches(self):
        return self.env["service.invoice.batch"].sudo().search([])

    @classmethod
    def _get_triggers(cls):
        triggers = cls.env["ir.cron.trigger"].sudo()
        return triggers.search([("cron_id", "=", cls.env.ref(CRON).id)])

    def _is_triggered(self):
        return bool(self._get_triggers())


@tagged("post_install", "-at_install")
class TestAutoInvoice(AutoInvoiceCommon):
    def test_off(self):
        """C17: automatic invoicing is off unless somebody wants it."""
        self.assertEqual(self.company.service_auto_invoice, "off")
        self.assertFalse(self.order_type.service_auto_invoice)
        self.assertFalse(self.partner_a.service_auto_invoice)
        self._create_order()
        self.assertFalse(self._is_triggered())
        self.assertFalse(self._run_auto())
        self.assertFalse(self.orders.invoice_link_ids)

    def test_switched_off(self):
        """C2: nothing is billed where service invoicing is off."""
        self.company.service_auto_invoice = "finished"
        self.company.service_invoicing = False
        self._create_order()
        self.assertFalse(self._is_triggered())
        self.assertFalse(self._run_auto())

    def test_finished(self):
        """C17: a draft for each order as soon as it is finished, which is said to be
        automatic and has no robot as its salesperson."""
        self.company.service_auto_invoice = "finished"
        batch = self._run_auto()
        self.assertEqual(batch.frequency, "finished")
        self.assertEqual(batch.closing, "draft")
        self.assertTrue(batch.user_id._is_superuser())
        self.assertEqual((batch.state, batch.invoice_count), ("done", 3))
        invoices = self.orders.active_invoice_id
        self.assertEqual(set(invoices.mapped("state")), {"draft"})
        self.assertEqual(invoices.invoice_user_id, self.env.user)
        for record in (self.order, invoices[0]):
            self.assertIn("created automatically", record.message_ids[0].body.lower())
        self.assertFalse(self._run_auto())

    def test_trigger(self):
        """C17: completing an order triggers the scheduled action, and works the same
        for a worker, who sees nothing of all that."""
        self.company.service_auto_invoice = "finished"
        order = self._create_order(done=False)
        self.assertFalse(self._is_triggered())
        order.with_user(self.worker).action_complete()
        self.assertTrue(self._is_triggered())
        self.assertFalse(order.invoice_link_ids)
        self._run_auto()
        self.assertEqual(order.billing_status, "draft")

    def test_trigger_missing(self):
        """C17: automatic invoicing never keeps an order from being completed."""
        self.company.service_auto_invoice = "finished"
        self.env.ref(CRON).sudo().unlink()
        order = self._create_order()
        self.assertEqual(order.stage_id, self.stage_completed)

    def test_trigger_weekly(self):
        """C17: what is collected is not billed at once."""
        self.company.service_auto_invoice = "weekly"
        order = self._create_order()
        self.assertFalse(self._is_triggered())
        self.assertFalse(self._run_auto())
        self.assertEqual(order.billing_status, "to_invoice")

    def test_salesperson(self):
        """C17: the salesperson is who entered the order, a person of its company."""
        entered = self.orders[1].with_user(self.dispatcher).copy()
        self.assertEqual(entered.sudo()._get_invoice_user(), self.dispatcher)
        robot = self.env(user=1, su=True)
        self.assertEqual(entered.with_env(robot)._get_invoice_user(), self.dispatcher)
        self.dispatcher.active = False
        self.assertFalse(entered.with_env(robot)._get_invoice_user())
        by_robot = self.order.with_env(robot).copy()
        self.assertFalse(by_robot._get_invoice_user())
        by_robot.line_ids = [Command.create({"product_id": self.labor.id})]
        by_robot.action_complete()
        self.assertFalse(by_robot._create_invoices().invoice_user_id)

    @freeze_time(TODAY)
    def test_weekly(self):
        """C17: one batch a week, consolidated, of what was finished before the week;
        what is finished or entered late waits for the next."""
        self.company.service_auto_invoice = "weekly"
        this_week, last_week = self.orders[0], self.orders[1:]
        self._finish(this_week, "2025-05-12 08:00:00")
        self._finish(last_week, "2025-05-09 08:00:00")
        batch = self._run_auto()
        self.assertEqual(batch.line_ids.order_id, last_week)
        self.assertEqual(batch.until_date, date(2025, 5, 12))
        self.assertEqual(len(last_week.active_invoice_id), 1)
        late = self._create_order()
        self._finish(late, "2025-05-08 08:00:00")
        self.assertFalse(self._run_auto())
        with freeze_time("2025-05-18 21:00:00"):
            self.assertFalse(self._run_auto())
        # Monday in the company's time zone
        with freeze_time("2025-05-18 22:30:00"):
            batch = self._run_auto()
            self.assertEqual(batch.line_ids.order_id, this_week + late)
            self.assertFalse(self._run_auto())

    @freeze_time(TODAY)
    def test_week_start(self):
        """C17: weeks begin as the language of the company has it."""
        until = self.company._get_auto_invoice_until("weekly")
        self.assertEqual(until, date(2025, 5, 12))
        self.lang.week_start = "7"
        until = self.company._get_auto_invoice_until("weekly")
        self.assertEqual(until, date(2025, 5, 11))
        self.lang.week_start = "5"
        until = self.company._get_auto_invoice_until("weekly")
        self.assertEqual(until, date(2025, 5, 9))
        with freeze_time("2025-05-16 10:00:00"):
            until = self.company._get_auto_invoice_until("weekly")
            self.assertEqual(until, date(2025, 5, 16))

    @freeze_time(TODAY)
    def test_monthly(self):
        """C17: one batch a month; what was missed while the server was down is caught
        up in one."""
        self.company.service_auto_invoice = "monthly"
        march, april, may = self.orders
        self._finish(march, "2025-03-03 08:00:00")
        # the 1st of May is a day later in Brussels than here
        self._finish(may, "2025-04-30 22:30:00")
        self._finish(april, "2025-04-30 21:30:00")
        batch = self._run_auto()
        self.assertEqual(batch.line_ids.order_id, march + april)
        self.assertEqual(batch.until_date, date(2025, 5, 1))
        self.assertEqual(len(batch.line_ids.move_id), 1)
        for day in ("2025-05-31 21:59:00", "2025-05-20 10:00:00"):
            with freeze_time(day):
                self.assertFalse(self._run_auto())
        with freeze_time("2025-05-31 22:01:00"):
            self.assertEqual(self._run_auto().line_ids.order_id, may)

    def test_time_zone(self):
        """C17: the day begins where the company is; without a time zone, in UTC."""
        with freeze_time("2025-06-01 02:00:00"):
            for timezone, day in (
                ("America/New_York", date(2025, 5, 1)),
                ("Asia/Tokyo", date(2025, 6, 1)),
                (False, date(2025, 6, 1)),
            ):
                self.company.partner_id.tz = timezone
                self.assertEqual(
                    self.company._get_auto_invoice_until("monthly"), day, timezone
                )

    @freeze_time(TODAY)
    def test_settings(self):
        """C17: the bill-to comes before the order type, that before the company; blank
        is as the next says."""
        at_once, by_type, by_company = self.orders
        by_company.type = False
        self.order_type.service_auto_invoice = "monthly"
        self.company.service_auto_invoice = "weekly"
        contact = self.env["res.partner"].create(
            {"name": "Invoices", "type": "invoice", "parent_id": self.partner_b.id}
        )
        at_once.bill_to_id = contact
        self.partner_b.service_auto_invoice = "finished"
        expected = {"finished": at_once, "monthly": by_type, "weekly": by_company}
        for _i in range(2):
            for frequency, order in expected.items():
                domain = self.company._get_auto_invoice_domain(frequency)
                found = self.orders.search(domain) & self.orders
                self.assertEqual(found, order, frequency)
            # that of the contact itself is the nearest
            contact.service_auto_invoice = "off"
            expected["finished"] = self.orders.browse()
        without_bill_to = self._create_order(bill_to_id=False)
        domain = self.company._get_auto_invoice_domain("weekly")
        self.assertIn(without_bill_to, self.orders.search(domain))

    @freeze_time(TODAY)
    def test_never_before(self):
        """C17: who is billed monthly is not billed at the end of a week."""
        self.company.service_auto_invoice = "weekly"
        self.partner_a.service_auto_invoice = "monthly"
        self._finish(self.orders, "2025-05-06 08:00:00")
        self.assertFalse(self._run_auto())
        self.partner_a.service_auto_invoice = "off"
        with freeze_time("2025-07-06 08:00:00"):
            self.assertFalse(self._run_auto())

    def test_refused(self):
        """C17: what can not be billed stays in the list, and makes no batch."""
        self.company.service_auto_invoice = "finished"
        self.orders.bill_to_id = False
        self.assertFalse(self._run_auto())
        self.order.bill_to_id = self.partner_a
        self.assertEqual(self._run_auto().line_ids.order_id, self.order)
        self.assertEqual(set(self.orders[1:].mapped("billing_status")), {"to_invoice"})

    def _set_written(self, records, value):
        """Write dates are those of the transaction, which lasts the whole test."""
        self.env.flush_all()
        self.env.cr.execute(
            f"UPDATE {records._table} SET write_date = %s WHERE id IN %s",
            [value, records._ids],
        )
        self.env.invalidate_all()

    def test_refused_while_billed(self):
        """C17: what turns out to be refused is not tried again and again, but when the
        order or its lines have changed."""
        self.company.service_auto_invoice = "finished"
        limited = self.order
        limited.not_to_exceed = 1
        batch = self._run_auto()
        self.assertEqual((batch.invoiced_count, batch.refused_count), (2, 1))
        self.assertFalse(self._run_auto())
        self._set_written(limited.line_ids, datetime(2036, 1, 1))
        again = self._run_auto()
        self.assertEqual(again.line_ids.order_id, limited)
        self.assertEqual(again.refused_count, 1)
        self._set_written(again.line_ids, datetime(2036, 1, 2))
        self.assertFalse(self._run_auto())
        limited.not_to_exceed = 0
        self._set_written(limited, datetime(2036, 1, 3))
        self.assertEqual(self._run_auto().invoiced_count, 1)

    def test_defect(self):
        """C17: an error in the code of one order is recorded once."""
        self.company.service_auto_invoice = "finished"

        def fail(_order):
            raise ZeroDivisionError

        self.patch(self.env.registry["fsm.order"], "_prepare_invoice_link", fail)
        with mute_logger(LINE_LOGGER):
            self.assertEqual(self._run_auto().refused_count, 3)
        self.assertFalse(self._run_auto())

    def test_cancelled(self):
        """C17: what somebody cancelled or deleted is not created again of itself."""
        self.company.service_auto_invoice = "finished"
        self._run_auto()
        first, second, _third = self.orders
        first.active_invoice_id._cancel_service_invoices("not yet")
        second.active_invoice_id.unlink()
        self.assertEqual(first.billing_status, "to_invoice")
        self.assertEqual(second.billing_status, "to_invoice")
        self.assertFalse(self._run_auto())

    def test_waiting(self):
        """C17: orders that wait in a batch of somebody are left to it."""
        batch = self._start(self.orders)
        batch.action_stop()
        self.company.service_auto_invoice = "finished"
        self.assertFalse(self._run_auto())

    def test_companies(self):
        """C17: each company has its own setting, time zone and batches, also where
        they share customers and order types."""
        other = self._create_company(name="Other company")
        other.partner_id.tz = "Asia/Tokyo"
        self.env.user.company_ids += other
        self.env["fsm.team"].create({"name": "Other team", "company_id": other.id})
        theirs = self._create_order(
            lines=[{"name": "Work", "kind": "labor", "price_unit": 10}],
            company_id=other.id,
        )
        self.order_type.with_company(other).service_auto_invoice = "weekly"
        self.partner_a.with_company(other).service_auto_invoice = "weekly"
        self.assertFalse(self.partner_a.service_auto_invoice)
        with freeze_time(TODAY):
            self._finish(theirs + self.orders, "2025-04-29 08:00:00")
            batch = self._run_auto()
            self.assertEqual(batch.company_id, other)
            self.assertEqual(batch.line_ids.order_id, theirs)
            self.assertEqual(batch.line_ids.move_id.company_id, other)
            self.company.service_auto_invoice = "monthly"
            batch = self._run_auto()
            self.assertEqual(batch.line_ids.order_id, self.orders)
        visible = batch.with_user(self.manager).search([])
        self.assertEqual(visible, batch)
        self.assertFalse(batch.with_user(self.dispatcher).search([]))

    def test_one_company_fails(self):
        """C17: a company whose orders can not even be looked at stops no other."""
        other = self._create_company(name="Other company")
        self.company.service_auto_invoice = "finished"
        other.service_auto_invoice = "finished"
        Company = self.env.registry["res.company"]
        run = Company._invoice_automatically
        done = []

        def fail(company):
            done.append(company.id)
            if company.id == self.company.id:
                raise ZeroDivisionError
            return run(company)

        self.patch(Company, "_invoice_automatically", fail)
        with mute_logger("odoo.addons.fieldservice_invoicing.models.res_company"):
            self.assertFalse(self._run_auto())
        self.assertIn(other.id, done)

    def test_rights(self):
        """C3: who manages sets when is billed, nobody else; workers write order types,
        and contacts are written by many."""
        self.order_type.with_user(self.worker).name = "Repair"
        with self.assertRaises(AccessError):
            self.order_type.with_user(self.worker).service_auto_invoice = "finished"
        self.manager.group_ids += self.env.ref("base.group_partner_manager")
        self.dispatcher.group_ids += self.env.ref("base.group_partner_manager")
        with self.assertRaises(AccessError):
            self.partner_a.with_user(self.dispatcher).service_auto_invoice = "weekly"
        self.partner_a.with_user(self.manager).service_auto_invoice = "weekly"
        with self.assertRaises(AccessError):
            self.company.with_user(self.manager).service_auto_invoice = "weekly"
        # the field is no obstacle to others
        self.env["res.partner"].with_user(self.dispatcher).create(
            {"name": "Contact", "parent_id": self.partner_a.id}
        )

    def test_try_again(self):
        """C17: a manager tries again what was refused, by the own rights."""
        self.company.service_auto_invoice = "finished"
        self.order.not_to_exceed = 1
        batch = self._run_auto()
        self.order.not_to_exceed = 0
        batch.with_user(self.manager).action_retry()
        while batch._run_step():
            pass
        self.assertEqual(batch.invoiced_count, 3)
        self.assertEqual(self.order.active_invoice_id.create_uid, self.manager)

    def test_views(self):
        """C17: the settings are where people look for them."""
        with Form(self.order_type) as form:
            form.service_auto_invoice = "weekly"
        with Form(self.partner_a) as form:
            form.service_auto_invoice = "monthly"
        with Form(self.env["res.config.settings"]) as form:
            form.service_auto_invoice = "finished"
            form.save().execute()
        self.assertEqual(self.company.service_auto_invoice, "finished")

    def test_queries(self):
        """F5: as many queries for many orders as for some."""
        self.company.service_auto_invoice = "finished"
        counts = []
        for number in (5, 20):
            for _i in range(number):
                self.orders += self._create_order()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            found = self.company.with_user(1)._get_orders_to_invoice("finished", False)
            counts.append(self.env.cr.sql_log_count - before)
            self.assertLessEqual(self.orders, found)
        self.assertLessEqual(counts[1], counts[0])
