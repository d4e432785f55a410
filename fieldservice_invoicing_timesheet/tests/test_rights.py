# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from odoo.addons.fieldservice_invoicing.tests.common import USER

from .common import ServiceTimesheetCommon


@tagged("post_install", "-at_install")
class TestRights(ServiceTimesheetCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.technician = cls._create_user(
            "fsi_technician",
            "fieldservice.group_fsm_user_own",
            "hr_timesheet.group_hr_timesheet_user",
        )
        cls.approver = cls._create_user(
            "fsi_approver",
            "fieldservice.group_fsm_user",
            "hr_timesheet.group_hr_timesheet_approver",
        )
        cls.tess = cls._create_employee("Tess", user_id=cls.technician.id)
        cls.person = cls.env["fsm.person"].create(
            {"name": "Tess", "partner_id": cls.technician.partner_id.id}
        )
        cls.order.person_id = cls.person

    def _log_as_technician(self, **values):
        return (
            self.env["account.analytic.line"]
            .with_user(self.technician)
            .create({"fsm_order_id": self.order.id, "unit_amount": 1.0, **values})
        )

    def test_technician_logs(self):
        """B1: a technician logs own time on an order without project; its line
        appears, though she may not set what it costs."""
        entry = self._log_as_technician()
        self.assertEqual(entry.employee_id, self.tess)
        self.assertLabor([(1.0, 55.0)])
        entry.unit_amount = 2.0
        self.assertLabor([(2.0, 55.0)])
        entry.unlink()
        self.assertLabor([])

    def test_technician_logs_in_form(self):
        """B1: so she does on the order's form, which fills in employee and project."""
        order = self.order.with_user(self.technician)
        with Form(order) as form, form.timesheet_ids.new() as entry:
            self.assertEqual(entry.employee_id, self.tess)
            entry.unit_amount = 1.5
            entry.name = "Pump mended"
        self.assertEqual(order.timesheet_ids.project_id, self.project)
        self.assertLabor([(1.5, 55.0)])

    def test_technician_on_billed_order(self):
        """C16: late hours on a billed order are logged, and wait to be billed."""
        self._log(1.0)
        self._invoice(post=True)
        self._log_as_technician()
        self.assertEqual(self.order.billing_difference, 55.0)

    def test_order_out_of_sight(self):
        """Time can not be logged on an order that the user does not see."""
        other = self.setup_other_company()["company"]
        team = self.env["fsm.team"].create({"name": "There", "company_id": other.id})
        hidden = self._create_order(
            lines=[], done=False, company_id=other.id, team_id=team.id
        )
        entry = self._log_as_technician()
        with self.assertRaises(AccessError):
            entry.fsm_order_id = hidden.id
        with self.assertRaises(AccessError):
            self._log_as_technician(fsm_order_id=hidden.id, project_id=self.project.id)

    def test_lines_without_timesheet_rights(self):
        """B1: who has no timesheets reads the lines, and bills them."""
        self._log(2.0)
        self.env.invalidate_all()
        lines = self._get_labor_lines().with_user(self.worker)
        values = lines.read()[0]
        self.assertEqual(values["quantity"], 2.0)
        self.assertNotIn("timesheet_ids", values)
        with self.assertRaises(AccessError):
            lines.read(["timesheet_ids"])
        with Form(self.order.with_user(self.worker)) as form:
            self.assertNotIn("timesheet_ids", form._view["fields"])
        invoice = self._invoice(self.order.with_user(self.dispatcher))
        self.assertEqual(invoice.amount_untaxed, 110.0)

    def test_dispatcher_collects(self):
        """B1: who bills gets the hours of today's settings, without any timesheet
        or employee right."""
        self._log(2.0)
        self.ann.service_labor_product_id = self._create_service_product(
            "Expert", "service", 80.0
        )
        self.env.invalidate_all()
        order = self.order.with_user(self.dispatcher)
        self.assertFalse(self.dispatcher.has_group("hr.group_hr_user"))
        self.assertTrue(self.dispatcher.has_group(USER))
        self.assertEqual(self._invoice(order).amount_untaxed, 160.0)

    def test_only_approvers_validate(self):
        """B2: hours are validated by approvers only, over RPC too."""
        entry = self._log_as_technician()
        for attempt in (
            entry.action_validate_timesheet,
            lambda: entry.write({"validated": True}),
            lambda: self._log_as_technician(validated=True),
        ):
            with self.assertRaisesRegex(AccessError, "approve"):
                attempt()
        entry.with_user(self.approver).action_validate_timesheet()
        self.assertTrue(entry.validated)

    def test_validated_stays(self):
        """B2: a validated entry is changed and deleted by approvers only."""
        entry = self._log_as_technician()
        entry.with_user(self.approver).action_validate_timesheet()
        for attempt in (
            lambda: entry.write({"unit_amount": 3.0}),
            lambda: entry.write({"name": "X"}),
            lambda: entry.write({"validated": False}),
            entry.action_invalidate_timesheet,
            entry.unlink,
        ):
            with self.assertRaises(AccessError):
                attempt()
        self.assertTrue(entry.readonly_timesheet)
        self.env.invalidate_all()
        by_approver = entry.with_user(self.approver)
        self.assertFalse(by_approver.readonly_timesheet)
        by_approver.unit_amount = 3.0
        self.assertLabor([(3.0, 55.0)])

    def test_memory_is_closed(self):
        """§7.4: nobody unlocks a billed entry by writing what was billed."""
        entry = self._log(1.0)
        self._invoice()
        line = self._get_labor_lines()
        for record, name in (
            (entry, "billed_service_line_ids"),
            (line, "billed_timesheet_ids"),
        ):
            with self.assertRaises(AccessError):
                record.with_user(self.env.user).write({name: [(5, 0, 0)]})

    def test_copies_are_not_validated(self):
        """B2: a copy has to be validated itself."""
        entry = self._log(1.0)
        entry.action_validate_timesheet()
        self.assertFalse(entry.copy().validated)

    def test_labor_product_of_type(self):
        """Workers, who may write order types, do not set their labor product."""
        order_type = self.env["fsm.order.type"].create({"name": "Repair"})
        with self.assertRaises(AccessError):
            order_type.with_user(self.worker).service_labor_product_id = self.labor
