# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields

from odoo.addons.fieldservice_invoicing.tests.common import ServiceInvoicingCommon

MONDAY = fields.Date.to_date("2026-03-02")
SATURDAY = fields.Date.to_date("2026-03-07")


class ServiceTimesheetCommon(ServiceInvoicingCommon):
    """A finished order without lines, and two employees who log time on it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref(
            "hr_timesheet.group_timesheet_manager"
        ) + cls.env.ref("hr.group_hr_user")
        cls.hour = cls.env.ref("uom.product_uom_hour")
        cls.day = cls.env.ref("uom.product_uom_day")
        cls.labor.uom_id = cls.hour
        cls.company.service_labor_product_id = cls.labor
        cls.project = cls.company.internal_project_id
        cls.ann = cls._create_employee("Ann")
        cls.bob = cls._create_employee("Bob")
        cls.order = cls._create_order(lines=[])

    @classmethod
    def _create_employee(cls, name, **values):
        return cls.env["hr.employee"].create(
            {"name": name, "company_id": cls.company.id, **values}
        )

    @classmethod
    def _log(cls, time, order=None, **values):
        """Time (float, hours) that Ann worked on an order on a Monday."""
        return cls.env["account.analytic.line"].create(
            {
                "name": "Pump mended",
                "date": MONDAY,
                "fsm_order_id": (order or cls.order).id,
                "project_id": cls.project.id,
                "employee_id": cls.ann.id,
                "unit_amount": time,
                **values,
            }
        )

    @classmethod
    def _create_calendar(cls):
        """Eight hours from Monday to Friday."""
        return cls.env["resource.calendar"].create(
            {"name": "Week", "company_id": cls.company.id, "tz": "UTC"}
        )

    def _get_labor_lines(self, order=None):
        return (order or self.order).line_ids.filtered(
            lambda line: line.quantity_source == "timesheet"
        )

    def assertLabor(self, expected, order=None, names=("quantity", "price_unit")):
        """Compare the labor lines with tuples of values, in any order."""
        lines = self._get_labor_lines(order)
        found = [tuple(line[name] for name in names) for line in lines]
        self.assertCountEqual(found, expected)
