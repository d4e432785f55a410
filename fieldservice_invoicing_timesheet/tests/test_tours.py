# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields
from odoo.tests import HttpCase, tagged

from .common import ServiceTimesheetCommon


@tagged("post_install", "-at_install")
class TestTours(ServiceTimesheetCommon, HttpCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_hours(self):
        """B1: a worker logs time on a phone, the order has its labor line."""
        worker = self._create_user(
            "fsi_worker",
            "fieldservice.group_fsm_user_own",
            "hr_timesheet.group_hr_timesheet_user",
        )
        employee = self._create_employee("Wendy", user_id=worker.id)
        order = self._create_order(name="TOUR-WORK", lines=[], done=False)
        self.start_tour(
            f"/odoo/action-fieldservice.action_fsm_operation_order/{order.id}",
            "fieldservice_invoicing_timesheet_hours",
            login=worker.login,
        )
        self.env.invalidate_all()
        self.assertRecordValues(
            order.timesheet_ids,
            [
                {
                    "employee_id": employee.id,
                    "unit_amount": 2.5,
                    "name": "Pump replaced",
                    "date": fields.Date.today(),
                    "create_uid": worker.id,
                }
            ],
        )
        self.assertRecordValues(
            order.line_ids,
            [{"product_id": self.labor.id, "quantity": 2.5, "price_unit": 55.0}],
        )
