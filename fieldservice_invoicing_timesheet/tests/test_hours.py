# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import MONDAY, SATURDAY, ServiceTimesheetCommon


@tagged("post_install", "-at_install")
class TestHours(ServiceTimesheetCommon):
    def test_line_by_itself(self):
        """B1: logged time becomes a labor line with product, price and taxes."""
        entry = self._log(2.5)
        line = self._get_labor_lines()
        self.assertRecordValues(
            line,
            [
                {
                    "kind": "labor",
                    "product_id": self.labor.id,
                    "product_uom_id": self.hour.id,
                    "quantity": 2.5,
                    "price_unit": 55.0,
                    "tax_ids": self.tax.ids,
                    "name": "Labor",
                    "timesheet_ids": entry.ids,
                }
            ],
        )
        self.assertEqual(self.order.amount_untaxed, 137.5)

    def test_follows_entries(self):
        """B1: the line follows entries that are added, changed, moved and deleted."""
        first, second = self._log(2.0), self._log(1.0, employee_id=self.bob.id)
        self.assertLabor([(3.0, 55.0)])
        second.unit_amount = 1.5
        self.assertLabor([(3.5, 55.0)])
        other = self._create_order(lines=[])
        second.fsm_order_id = other
        self.assertLabor([(2.0, 55.0)])
        self.assertLabor([(1.5, 55.0)], other)
        (first + second).unlink()
        self.assertLabor([])
        self.assertLabor([], other)

    def test_prices_of_people_stay(self):
        """B1: price, discount and description that people entered stay."""
        entry = self._log(2.0)
        line = self._get_labor_lines()
        line.write({"price_unit": 40.0, "discount_type": "percent", "name": "Repair"})
        line.discount_value = 10
        entry.unit_amount = 3.0
        self.assertRecordValues(
            line,
            [{"quantity": 3.0, "price_unit": 40.0, "name": "Repair"}],
        )
        self.assertEqual(line.price_subtotal, 108.0)

    def test_quantity_can_not_be_entered(self):
        """B1: what the timesheets say is mended there."""
        self._log(2.0)
        line = self._get_labor_lines()
        with self.assertRaisesRegex(UserError, "Timesheets"):
            line.quantity = 3
        with self.assertRaisesRegex(UserError, "Timesheets"):
            line.timesheet_ids = [Command.clear()]
        with self.assertRaisesRegex(UserError, "Timesheets"):
            line.unlink()

    def test_validated_only(self):
        """B1: as the company has it, validated entries only."""
        self.company.service_timesheet_policy = "validated"
        entry = self._log(2.0) + self._log(1.0)
        self.assertLabor([])
        entry[0].action_validate_timesheet()
        self.assertLabor([(2.0, 55.0)])
        entry[0].action_invalidate_timesheet()
        self.assertLabor([])

    def test_nearest_product(self):
        """B1: the product of the entry, employee, order type or company, in order."""
        products = [
            self._create_service_product(f"Product {price}", "service", price)
            for price in (60.0, 70.0, 80.0)
        ]
        entry = self._log(1.0)
        self.assertLabor([(1.0, 55.0)])
        order_type = self.env["fsm.order.type"].create({"name": "Repair"})
        order_type.with_company(self.company).service_labor_product_id = products[0]
        self.order.type = order_type
        self.order._follow_sources()
        self.assertLabor([(1.0, 60.0)])
        self.ann.service_labor_product_id = products[1]
        self.order._follow_sources()
        self.assertLabor([(1.0, 70.0)])
        entry.product_id = products[2]
        self.assertLabor([(1.0, 80.0)])
        self.assertEqual(self._get_labor_lines().kind, "labor")

    def test_order_type_by_company(self):
        """B1: an order type that companies share has a labor product for each."""
        other = self.setup_other_company()["company"]
        order_type = self.env["fsm.order.type"].create({"name": "Repair"})
        product = self._create_service_product("There", "service", 99.0)
        order_type.with_company(other).service_labor_product_id = product
        self.order.type = order_type
        self._log(1.0)
        self.assertLabor([(1.0, 55.0)])

    def test_product_of_other_company(self):
        """B1: a product of another company is passed over."""
        other = self.setup_other_company()["company"]
        product = self._create_service_product("There", "service", 99.0)
        product.company_id = other
        self.ann.service_labor_product_id = product
        self._log(1.0)
        self.assertLabor([(1.0, 55.0)])

    def test_no_product(self):
        """B1: without any product a line says what it is, and has no price yet."""
        self.company.service_labor_product_id = False
        self._log(1.5)
        line = self._get_labor_lines()
        self.assertRecordValues(
            line,
            [
                {
                    "name": "Labor",
                    "kind": "labor",
                    "product_id": False,
                    "quantity": 1.5,
                    "price_unit": 0.0,
                }
            ],
        )
        line.price_unit = 50.0
        self._log(0.5)
        self.assertRecordValues(line, [{"quantity": 2.0, "price_unit": 50.0}])

    def test_bare_entry(self):
        """B1: time without product, unit, project and employee is billed as well."""
        self._log(
            2.0, project_id=False, employee_id=False, product_uom_id=False
        ).product_uom_id = False
        self.assertLabor([(2.0, 55.0)])

    def test_costs_are_not_labor(self):
        """B1: what a vendor bill or another unit of measure books is no labor."""
        bill = self.init_invoice(
            "in_invoice", products=self.part, post=True, company=self.company
        )
        self._log(1.0, move_line_id=bill.invoice_line_ids.id, project_id=False)
        self._log(
            30.0,
            product_uom_id=self.env.ref("uom.product_uom_km").id,
            project_id=False,
        )
        self.assertLabor([])

    def test_units(self):
        """B1: days of work are hours of a product per hour, and the other way round."""
        self._log(0.5, product_uom_id=self.day.id)
        self.assertLabor([(4.0, 55.0)])
        self.labor.uom_id = self.day
        self.order._follow_sources()
        line = self._get_labor_lines()
        self.assertRecordValues(
            line, [{"quantity": 0.5, "product_uom_id": self.day.id}]
        )

    def test_product_without_time_unit(self):
        """B1: a product sold by the piece is billed by the hour."""
        self.labor.uom_id = self.env.ref("uom.product_uom_unit")
        self._log(1.5)
        self.assertLabor(
            [(1.5, 55.0, self.hour)],
            names=("quantity", "price_unit", "product_uom_id"),
        )
        self.assertEqual(self._invoice().amount_untaxed, 82.5)

    def test_grouping(self):
        """B1: one line by product, day, employee or entry; the total is the same."""
        self.order.bill_to_id.lang = "en_US"
        self._log(1.0)
        self._log(2.0, employee_id=self.bob.id, name="Valve")
        self._log(3.0, date=SATURDAY, name="/")
        for grouping, expected in (
            ("product", [(6.0, "Labor")]),
            ("day", [(3.0, "Labor\n03/02/2026"), (3.0, "Labor\n03/07/2026")]),
            ("employee", [(4.0, "Labor\nAnn"), (2.0, "Labor\nBob")]),
            (
                "entry",
                [
                    (1.0, "Labor\n03/02/2026, Ann, Pump mended"),
                    (2.0, "Labor\n03/02/2026, Bob, Valve"),
                    (3.0, "Labor\n03/07/2026, Ann"),
                ],
            ),
        ):
            self.company.service_timesheet_grouping = grouping
            self.order._follow_sources()
            self.assertLabor(expected, names=("quantity", "name"))
            self.assertEqual(self.order.amount_untaxed, 330.0)

    def test_grouping_adds_up(self):
        """B1: five minutes twelve times are an hour, on one line or on twelve."""
        self.company.service_timesheet_grouping = "entry"
        for _count in range(12):
            self._log(5 / 60)
        self.assertEqual(len(self._get_labor_lines()), 12)
        self.assertAlmostEqual(sum(self._get_labor_lines().mapped("quantity")), 1.0)

    def test_description_in_language(self):
        """B1: the description is in the language of the bill-to."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.labor.with_context(lang="fr_FR").name = "Main d'œuvre"
        self.order.bill_to_id.lang = "fr_FR"
        self.company.service_timesheet_grouping = "day"
        self._log(1.0)
        self.assertEqual(self._get_labor_lines().name, "Main d'œuvre\n02/03/2026")

    def test_entry_text_follows(self):
        """B1: the text of an entry reaches its line."""
        self.company.service_timesheet_grouping = "entry"
        entry = self._log(1.0)
        entry.name = "Valve replaced"
        self.assertIn("Valve replaced", self._get_labor_lines().name)

    def test_corrections(self):
        """B1: a negative entry lowers the line, an exact correction removes it."""
        entry = self._log(2.0)
        correction = self._log(-0.5)
        self.assertLabor([(1.5, 55.0)])
        self.assertEqual(self._get_labor_lines().timesheet_ids, entry + correction)
        correction.unit_amount = -2.0
        self.assertLabor([])
        correction.unit_amount = -3.0
        self.assertLabor([])

    def test_switched_off(self):
        """C2: without the switch nothing is billed; it comes when the switch is on."""
        self.company.service_invoicing = False
        self._log(2.0)
        self.assertLabor([])
        self.company.service_invoicing = True
        self.order._follow_sources()
        self.assertLabor([(2.0, 55.0)])

    def test_project(self):
        """B1: time on an order is logged on its project, else on the internal one."""
        values = {
            "fsm_order_id": self.order.id,
            "employee_id": self.ann.id,
            "unit_amount": 1.0,
        }
        entry = self.env["account.analytic.line"].create(values)
        self.assertEqual(entry.project_id, self.project)
        project = (
            self.env["project.project"]
            .sudo()
            .create(
                {
                    "name": "Maintenance",
                    "allow_timesheets": True,
                    "company_id": self.company.id,
                }
            )
        )
        self.order.project_id = project
        entry = self.env["account.analytic.line"].create(values)
        self.assertEqual(entry.project_id, project)

    def test_other_company(self):
        """B1: time is billed in the company and currency of the order."""
        other = self.setup_other_company()["company"]
        self.env.user.company_ids += other
        team = self.env["fsm.team"].create({"name": "There", "company_id": other.id})
        order = self._create_order(
            lines=[], done=False, company_id=other.id, team_id=team.id
        )
        other.service_labor_product_id = self.part
        carl = self._create_employee("Carl", company_id=other.id)
        self._log(
            1.0,
            order,
            employee_id=carl.id,
            project_id=other.internal_project_id.id,
            date=MONDAY,
        )
        self.assertRecordValues(
            self._get_labor_lines(order),
            [{"company_id": other.id, "product_id": self.part.id, "kind": "labor"}],
        )

    def test_uninstall(self):
        """Without the addon people mend the lines that timesheets made."""
        self._log(2.0)
        line = self._get_labor_lines()
        self.env.ref(
            "fieldservice_invoicing_timesheet"
            ".selection__fsm_order_line__quantity_source__timesheet"
        ).sudo()._process_ondelete()
        line.invalidate_recordset()
        line.quantity = 3.0
        self.assertRecordValues(line, [{"quantity_source": "manual", "quantity": 3.0}])

    def test_analysis(self):
        """B2: the analysis of timesheets tells validated entries from others."""
        entries = self._log(1.0) + self._log(2.0)
        entries[0].action_validate_timesheet()
        self.env.flush_all()
        report = self.env["timesheets.analysis.report"]
        self.assertIn("to_validate", report.get_view(view_type="search")["arch"])
        found = report.search(
            [("validated", "=", True), ("fsm_order_id", "=", self.order.id)]
        )
        self.assertEqual(found.ids, entries[0].ids)
