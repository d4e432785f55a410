# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing_timesheet.tests.common import (
    ServiceTimesheetCommon,
)


@tagged("post_install", "-at_install")
class TestBilledOnce(ServiceTimesheetCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("project.group_project_manager")
        cls.env.user.group_ids += cls.env.ref("sales_team.group_sale_manager")
        cls.billable = cls.env["project.project"].create(
            {
                "name": "Maintenance",
                "allow_timesheets": True,
                "allow_billable": True,
                "partner_id": cls.partner_a.id,
                "company_id": cls.company.id,
            }
        )
        cls.task = cls.env["project.task"].create(
            {
                "name": "Pumps",
                "project_id": cls.billable.id,
                "partner_id": cls.partner_a.id,
            }
        )
        cls.service = cls.env["product.product"].create(
            {
                "name": "Hours as sold",
                "type": "service",
                "list_price": 90.0,
                "uom_id": cls.hour.id,
                "invoice_policy": "delivery",
                "service_type": "timesheet",
            }
        )
        cls.sale_order = cls.env["sale.order"].create(
            {
                "partner_id": cls.partner_a.id,
                "order_line": [
                    Command.create(
                        {"product_id": cls.service.id, "product_uom_qty": 10}
                    )
                ],
            }
        )
        cls.sale_order.action_confirm()
        cls.item = cls.sale_order.order_line

    def _log_on_task(self, time, **values):
        return self._log(
            time, project_id=self.billable.id, task_id=self.task.id, **values
        )

    def test_sales_order_first(self):
        """§7.4: what a sales order item bills makes no labor line."""
        self.task.sale_line_id = self.item
        entry = self._log_on_task(2.0)
        self.assertEqual(entry.so_line, self.item)
        self.assertLabor([])
        self.assertEqual(self.item.qty_delivered, 2.0)
        self.sale_order._create_invoices()
        with self.assertRaisesRegex(UserError, "nothing to invoice"):
            self._invoice()

    def test_service_order_first(self):
        """§7.4: what a service invoice bills gets no sales order item."""
        entry = self._log_on_task(2.0)
        self.assertLabor([(2.0, 55.0)])
        self._invoice()
        self.task.sale_line_id = self.item
        self.env.flush_all()
        self.assertFalse(entry.so_line)
        self.assertEqual(self.item.qty_delivered, 0.0)
        self.assertFalse(entry._is_not_billed())
        with self.assertRaisesRegex(UserError, "billed"):
            entry.so_line = self.item
        late = self._log_on_task(1.0)
        self.assertEqual(late.so_line, self.item)
        self.assertEqual(self.item.qty_delivered, 1.0)
        self.assertLabor([(2.0, 55.0)])
        self.assertEqual(self.order.billing_difference, 0.0)

    def test_sold_before_billing(self):
        """§7.4: an entry that becomes part of a sale between logging and billing
        leaves the service order."""
        entry = self._log_on_task(2.0)
        self._log(1.0)
        self.assertLabor([(3.0, 55.0)])
        self.task.sale_line_id = self.item
        invoice = self._invoice()
        self.assertEqual(entry.so_line, self.item)
        self.assertEqual(invoice.amount_untaxed, 55.0)
        self.assertEqual(self.item.qty_delivered, 2.0)

    def test_by_hand(self):
        """§7.4: an item that is set and removed by hand moves the entry at once."""
        entry = self._log_on_task(2.0)
        entry.so_line = self.item
        self.assertLabor([])
        entry.write({"so_line": False, "is_so_line_edited": True})
        self.assertLabor([(2.0, 55.0)])

    def test_billable_project(self):
        """§7.4: nor do a sold project, its employee prices, or a project that is no
        longer billable touch what is billed."""
        entry = self._log_on_task(2.0)
        self._invoice()
        self.billable.sale_line_id = self.item
        self.billable.sale_line_employee_ids = [
            Command.create({"employee_id": self.ann.id, "sale_line_id": self.item.id})
        ]
        self.env.flush_all()
        self.assertFalse(entry.so_line)
        self.billable.allow_billable = False
        self.assertEqual(entry.project_id, self.billable)
        self.assertLabor([(2.0, 55.0)])

    def test_freed(self):
        """§7.4: once the service invoice is cancelled the entry can be sold."""
        entry = self._log_on_task(2.0)
        self._invoice()._cancel_service_invoices("sold")
        self.task.sale_line_id = self.item
        self.assertEqual(entry.so_line, self.item)
        with self.assertRaisesRegex(UserError, "nothing to invoice"):
            self._invoice()
        self.assertEqual(self.item.qty_delivered, 2.0)

    def test_invoiced_on_sales_order(self):
        """§7.4: an entry on a posted invoice of its sales order can not come back."""
        self.task.sale_line_id = self.item
        entry = self._log_on_task(2.0)
        self.sale_order._create_invoices().action_post()
        with self.assertRaises(UserError):
            entry.write({"so_line": False})
        self.order._follow_sources()
        self.assertLabor([])
