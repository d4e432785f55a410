# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Hours and parts from a worker's phone to the invoice, with all addons here."""

from odoo import fields
from odoo.tests import HttpCase, tagged

from odoo.addons.fieldservice_invoicing.tests.common import USER
from odoo.addons.fieldservice_invoicing_stock.tests.common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestTours(ServiceStockCommon, HttpCase):
    browser_size = "390x844"
    touch_enabled = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("hr.group_hr_user")
        cls.labor.uom_id = cls.env.ref("uom.product_uom_hour")
        cls.company.service_labor_product_id = cls.labor
        cls.valve = cls._create_part("Valve", 137.5, cost=60.0)
        cls._receive(cls.valve, 5, 60.0)
        cls.worker = cls._create_user(
            "fsi_worker",
            "fieldservice.group_fsm_user_own",
            "stock.group_stock_user",
            "hr_timesheet.group_hr_timesheet_user",
        )
        cls.employee = cls.env["hr.employee"].create(
            {"name": "Wendy", "user_id": cls.worker.id, "company_id": cls.company.id}
        )
        cls.dispatcher = cls._create_user(
            "fsi_dispatcher", "fieldservice.group_fsm_dispatcher", USER
        )

    def _tour(self, tour, order, user):
        self.start_tour(
            f"/odoo/action-fieldservice.action_fsm_operation_order/{order.id}",
            tour,
            login=user.login,
        )
        self.env.invalidate_all()

    def test_work_is_billed(self):
        """B1: a worker logs hours and delivers parts on a phone, and the dispatcher,
        who has no access to either, completes and bills the order: nobody types a
        line."""
        order = self._create_order(name="TOUR-WORK", lines=[], done=False)
        self._tour("fieldservice_invoicing_timesheet_hours", order, self.worker)
        self._tour("fieldservice_invoicing_stock_parts", order, self.worker)
        order.name = "TOUR-BILL"
        self._tour("fieldservice_invoicing_bill", order, self.dispatcher)
        lines = order.line_ids.sorted("kind")
        self.assertEqual(lines.mapped("quantity_source"), ["timesheet", "stock"])
        labor, parts = lines
        invoice = order.active_invoice_id
        self.assertRecordValues(
            invoice,
            [
                {
                    "state": "draft",
                    "amount_untaxed": 412.5,
                    "amount_tax": 86.63,
                    "amount_total": 499.13,
                    "create_uid": self.dispatcher.id,
                }
            ],
        )
        self.assertRecordValues(
            invoice.invoice_line_ids.sorted("price_subtotal"),
            [
                {
                    "fsm_order_line_id": labor.id,
                    "product_id": self.labor.id,
                    "quantity": 2.5,
                    "price_subtotal": 137.5,
                },
                {
                    "fsm_order_line_id": parts.id,
                    "product_id": self.valve.id,
                    "quantity": 2.0,
                    "price_subtotal": 275.0,
                },
            ],
        )
        self.assertRecordValues(
            labor.sudo().billed_timesheet_ids,
            [
                {
                    "employee_id": self.employee.id,
                    "unit_amount": 2.5,
                    "date": fields.Date.today(),
                    "create_uid": self.worker.id,
                }
            ],
        )
        self.assertRecordValues(
            parts.stock_move_line_ids,
            [
                {
                    "product_id": self.valve.id,
                    "quantity": 2.0,
                    "state": "done",
                    "create_uid": self.worker.id,
                }
            ],
        )
        invoice.action_post()
        self.assertEqual(self._get_cogs(self.valve), 120.0)
