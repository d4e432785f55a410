# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import tagged

from .common import ServiceTimesheetCommon


@tagged("post_install", "-at_install")
class TestPerformance(ServiceTimesheetCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.labor.write(
            {
                "service_labor_calendar_id": cls._create_calendar().id,
                "service_labor_overtime": 1.5,
            }
        )

    def _create_orders(self, count):
        """Orders with time that their lines do not know yet."""
        self.company.service_invoicing = False
        orders = self.env["fsm.order"].union(
            *(self._create_order(lines=[]) for _count in range(count))
        )
        for order in orders:
            self._log(6.0, order)
            self._log(3.0, order, employee_id=self.bob.id)
            self._log(3.0, order)
        self.company.service_invoicing = True
        self.env.flush_all()
        self.env.invalidate_all()
        return orders

    def _count_queries(self, orders):
        before = self.env.cr.sql_log_count
        orders._follow_sources()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_constant_queries(self):
        """B1: 25 orders take no more queries than 5, but for the batches in which
        the lines are written."""
        self._create_orders(2)._follow_sources()
        few, many = self._create_orders(5), self._create_orders(25)
        first = self._count_queries(few)
        self.env.invalidate_all()
        self.assertLessEqual(self._count_queries(many), first + 2)
        self.assertEqual(len(many.line_ids), 50)

    def test_nothing_changed(self):
        """B1: lines that are up to date are not written."""
        orders = self._create_orders(3)
        orders._follow_sources()
        self.env.flush_all()
        lines = orders.line_ids
        self.env.cr.execute(
            "UPDATE fsm_order_line SET write_uid = NULL WHERE id IN %s",
            [tuple(lines.ids)],
        )
        self.env.invalidate_all()
        orders._follow_sources()
        self.env.flush_all()
        self.assertEqual(orders.line_ids, lines)
        self.assertFalse(lines.write_uid, "no line was written")
