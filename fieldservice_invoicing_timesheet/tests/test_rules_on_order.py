# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from psycopg2 import IntegrityError

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SATURDAY, ServiceTimesheetCommon


@tagged("post_install", "-at_install")
class TestRulesOnOrder(ServiceTimesheetCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls._create_calendar()
        cls.labor.write(
            {
                "service_labor_calendar_id": cls.calendar.id,
                "service_labor_overtime": 1.5,
                "service_labor_day_off": 2.0,
            }
        )

    def test_increment(self):
        """B1: each entry is rounded to the time increment, up or to the nearest."""
        self.labor.service_labor_increment = 0.25
        self._log(1.1)
        self._log(1.1)
        self.assertLabor([(2.5, 55.0)])
        self.labor.service_labor_rounding = "nearest"
        self.order._follow_sources()
        self.assertLabor([(2.0, 55.0)])

    def test_minimum(self):
        """B1: a visit costs its minimum, each day anew, however many people come."""
        self.labor.service_labor_minimum = 1.0
        self._log(0.2)
        self._log(0.3, employee_id=self.bob.id)
        self.assertLabor([(1.0, 55.0)])
        self._log(0.2, date="2026-03-03")
        self.assertLabor([(2.0, 55.0)])

    def test_overtime(self):
        """B1: what goes beyond the day's working time is a line of its own, with its
        own price, so that the hours stay true."""
        entries = self._log(6.0) + self._log(3.0)
        self._log(8.0, employee_id=self.bob.id)
        self.assertLabor(
            [(16.0, 55.0, "Labor"), (1.0, 82.5, "Labor\novertime × 1.5")],
            names=("quantity", "price_unit", "name"),
        )
        overtime = self._get_labor_lines().filtered(lambda line: line.quantity == 1)
        self.assertEqual(overtime.timesheet_ids, entries[1])
        self.assertEqual(self.order.amount_untaxed, 16 * 55 + 82.5)

    def test_factor_in_language(self):
        """B1: the factor in the description is written as the bill-to writes it."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.order.bill_to_id.lang = "fr_FR"
        self._log(9.0)
        names = self._get_labor_lines().mapped("name")
        self.assertEqual(sum("× 1,5" in name for name in names), 1)

    def test_day_off(self):
        """B1: a weekend has its own price."""
        self._log(2.0, date=SATURDAY)
        self.assertLabor(
            [(2.0, 110.0, "Labor\nday off × 2")],
            names=("quantity", "price_unit", "name"),
        )

    def test_flexible_calendar(self):
        """B1: a calendar without days has neither overtime nor days off."""
        self.calendar.schedule_type = "flexible"
        self._log(10.0)
        self._log(2.0, date=SATURDAY)
        self.assertLabor([(12.0, 55.0)])

    def test_goods(self):
        """B1: rules are those of services: other products bill the time as it is."""
        self.labor.write({"service_labor_increment": 1.0, "type": "consu"})
        self._log(0.5, date=SATURDAY)
        self.assertLabor([(0.5, 55.0)])
        self.assertEqual(self._get_labor_lines().kind, "labor")

    def test_public_holiday(self):
        """B1: so has a public holiday of the order's company, of no other."""
        other = self.setup_other_company()["company"]
        self._log(2.0)
        for company, price in ((other, 55.0), (self.company, 110.0)):
            self.env["resource.calendar.leaves"].with_company(company).create(
                {
                    "name": "Holiday",
                    "calendar_id": False,
                    "date_from": "2026-03-02 00:00:00",
                    "date_to": "2026-03-02 23:59:59",
                }
            )
            self.order._follow_sources()
            self.assertLabor([(2.0, price)])

    def test_changed_factor(self):
        """B1: another factor prices what is not billed anew, by hand stays."""
        self._log(2.0, date=SATURDAY)
        self.labor.service_labor_day_off = 3.0
        self.order._follow_sources()
        self.assertLabor([(2.0, 165.0)])
        self._get_labor_lines().price_unit = 100.0
        self.labor.service_labor_day_off = 2.0
        self.order._follow_sources()
        self.assertLabor([(2.0, 100.0)])

    def test_refused_rules(self):
        """B1: times below zero and factors of zero are refused."""
        for values in (
            {"service_labor_increment": -1},
            {"service_labor_minimum": -1},
            {"service_labor_overtime": 0},
            {"service_labor_day_off": -2},
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.labor.product_tmpl_id.write(values)
