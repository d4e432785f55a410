# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import tagged

from .common import ServiceTimesheetCommon


@tagged("post_install", "-at_install")
class TestLaborCost(ServiceTimesheetCommon):
    """F5: labor costs what the hours did, whatever the product says."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.labor.standard_price = 5.0
        cls.ann.hourly_cost = 30.0
        cls.bob.hourly_cost = 40.0

    def test_hours(self):
        """F5: 2 h at 30 and 1 h at 40 are 100, 33.33 for each hour billed."""
        self._log(2.0)
        self._log(1.0, employee_id=self.bob.id)
        line = self._get_labor_lines()
        self.assertAlmostEqual(line.cost, 100.0)
        self.assertAlmostEqual(line.purchase_price, 100.0 / 3)
        self.assertAlmostEqual(self.order.margin, 3 * 55.0 - 100.0)

    def test_rounded_up(self):
        """F5: half an hour billed as a whole one costs half an hour."""
        self.labor.product_tmpl_id.write({"service_labor_increment": 1.0})
        self._log(0.5)
        line = self._get_labor_lines()
        self.assertRecordValues(line, [{"quantity": 1.0, "cost": 15.0}])

    def test_correction(self):
        """F5: more hours on an entry cost more."""
        entry = self._log(2.0)
        line = self._get_labor_lines()
        self.assertEqual(line.cost, 60.0)
        entry.unit_amount = 3.0
        self.assertEqual(line.cost, 90.0)

    def test_overtime(self):
        """F5: an entry of 10 hours on two lines, 8 and 2, costs 300 in all."""
        self.labor.product_tmpl_id.write(
            {
                "service_labor_calendar_id": self._create_calendar().id,
                "service_labor_overtime": 1.5,
            }
        )
        self._log(10.0)
        lines = self._get_labor_lines().sorted("quantity")
        self.assertEqual(lines.mapped("quantity"), [2.0, 8.0])
        self.assertAlmostEqual(lines[0].cost, 60.0)
        self.assertAlmostEqual(lines[1].cost, 240.0)

    def test_manual_labor(self):
        """F5: labor that is typed in costs what the product does, or what is entered
        and stays when the quantity changes."""
        line = self.env["fsm.order.line"].create(
            {"order_id": self.order.id, "product_id": self.labor.id, "quantity": 2}
        )
        self.assertEqual(line.cost, 10.0)
        line.purchase_price = 7.0
        line.quantity = 3.0
        self.assertEqual(line.cost, 21.0)
