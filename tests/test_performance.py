# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Queries of many orders beside those of few. ``ORDERS`` in the environment says how
many are many (20)."""

import os
from math import ceil

from odoo import Command, fields
from odoo.orm.models import INSERT_BATCH_SIZE
from odoo.tests import Form, tagged
from odoo.tools.constants import PREFETCH_MAX

from odoo.addons.fieldservice_invoicing.tests.common import ServiceInvoicingCommon

FEW, MANY = 5, int(os.environ.get("ORDERS", "20"))
DAYS = [fields.Date.to_date(f"2026-03-0{day}") for day in range(2, 9)]


@tagged("post_install", "-at_install")
class TestPerformance(ServiceInvoicingCommon):
    """Orders with parts by list price, by cost and by lot, and with hours of several
    employees and days; a price list with rules, in another currency."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("stock.group_stock_manager")
        cls.env.user.group_ids += cls.env.ref("hr_timesheet.group_timesheet_manager")
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company.id)], limit=1
        )
        cls.customers = cls.env.ref("stock.stock_location_customers")
        cls.parts = cls._create_parts()
        cls.employees = cls.env["hr.employee"].create(
            [
                {"name": f"Worker {number}", "company_id": cls.company.id}
                for number in range(4)
            ]
        )
        cls.labor.write(
            {
                "uom_id": cls.env.ref("uom.product_uom_hour").id,
                "service_labor_calendar_id": cls.env["resource.calendar"]
                .create({"name": "Week", "company_id": cls.company.id, "tz": "UTC"})
                .id,
                "service_labor_increment": 0.25,
                "service_labor_overtime": 1.5,
                "service_labor_day_off": 2.0,
            }
        )
        cls.company.write(
            {
                "service_labor_product_id": cls.labor.id,
                "service_timesheet_grouping": "day",
                "service_part_markup": 25.0,
            }
        )
        cls.partner_a.property_product_pricelist = cls._create_pricelist()

    @classmethod
    def _create_parts(cls):
        """Four parts by list price, four by cost (average), two by serial number."""
        category = cls.env["product.category"].create(
            {
                "name": "By cost",
                "property_cost_method": "average",
                "property_valuation": "real_time",
                "service_part_pricing": "cost",
                "service_part_markup": 30.0,
            }
        )
        parts = cls.env["product.product"].union(
            *(
                cls._create_service_product(f"Part {number}", "consu", 10.0 + number)
                for number in range(10)
            )
        )
        parts.is_storable = True
        parts[4:8].categ_id = category
        parts[8:].tracking = "serial"
        for part in parts:
            part.standard_price = part.list_price / 2
        return parts

    @classmethod
    def _create_pricelist(cls):
        currency = cls.setup_other_currency("EUR")
        return cls.env["product.pricelist"].create(
            {
                "name": "Good customers",
                "currency_id": currency.id,
                "company_id": cls.company.id,
                "item_ids": [
                    Command.create(
                        {
                            "applied_on": "0_product_variant",
                            "product_id": part.id,
                            "compute_price": "percentage",
                            "percent_price": 10.0,
                        }
                    )
                    for part in cls.parts[:3]
                ]
                + [
                    Command.create(
                        {
                            "applied_on": "3_global",
                            "min_quantity": 2.0,
                            "compute_price": "formula",
                            "base": "standard_price",
                            "price_markup": 40.0,
                        }
                    )
                ],
            }
        )

    @classmethod
    def _create_orders(cls, count, moves=20, entries=20):
        """Orders with work that their lines do not know yet."""
        cls._switch(False)
        orders = cls.env["fsm.order"].create(
            [
                {"location_id": cls.location.id, "company_id": cls.company.id}
                for _number in range(count)
            ]
        )
        orders.write({"stage_id": cls.stage_new.id})
        cls._deliver(orders, moves)
        cls._log(orders, entries)
        cls._switch(True)
        cls.env.flush_all()
        cls.env.invalidate_all()
        return orders

    @classmethod
    def _deliver(cls, orders, count):
        """Parts delivered on each order, ``count`` moves in one transfer."""
        cls._create_deliveries(orders, count)._action_done()

    @classmethod
    def _create_deliveries(cls, orders, count):
        pickings = cls.env["stock.picking"].create(
            [
                {
                    "picking_type_id": cls.warehouse.out_type_id.id,
                    "location_id": cls.warehouse.lot_stock_id.id,
                    "location_dest_id": cls.customers.id,
                    "company_id": cls.company.id,
                    "fsm_order_id": order.id,
                }
                for order in orders
            ]
        )
        moves = cls.env["stock.move"].create(
            [
                {
                    "picking_id": picking.id,
                    "product_id": cls.parts[number % len(cls.parts)].id,
                    "product_uom_qty": 1.0,
                    "location_id": picking.location_id.id,
                    "location_dest_id": picking.location_dest_id.id,
                    "company_id": cls.company.id,
                }
                for picking in pickings
                for number in range(count)
            ]
        )
        moves._action_confirm(merge=False)
        cls._supply(moves)
        moves.picked = True
        return pickings

    @classmethod
    def _supply(cls, moves):
        """Move lines for all of it, with new serial numbers where a part has them."""
        tracked = moves.filtered(lambda move: move.product_id.tracking == "serial")
        lots = cls.env["stock.lot"].create(
            [
                {"product_id": move.product_id.id, "name": f"SN{move.id}"}
                for move in tracked
            ]
        )
        lot_by_move = dict(zip(tracked, lots, strict=True))
        moves.move_line_ids.unlink()
        cls.env["stock.move.line"].create(
            [
                {
                    "move_id": move.id,
                    "picking_id": move.picking_id.id,
                    "product_id": move.product_id.id,
                    "location_id": move.location_id.id,
                    "location_dest_id": move.location_dest_id.id,
                    "lot_id": lot_by_move[move].id if move in lot_by_move else False,
                    "quantity": 1.0,
                }
                for move in moves
            ]
        )

    @classmethod
    def _log(cls, orders, count):
        """Hours logged on each order, ``count`` entries over a week, with overtime."""
        return cls.env["account.analytic.line"].create(
            [
                {
                    "name": f"Visit {number}",
                    "date": DAYS[number % len(DAYS)],
                    "fsm_order_id": order.id,
                    "project_id": cls.company.internal_project_id.id,
                    "employee_id": cls.employees[number % len(cls.employees)].id,
                    "unit_amount": 1.1 + 9 * (number % 2),
                }
                for order in orders
                for number in range(count)
            ]
        )

    def _count_queries(self, call):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        call()
        self.env.flush_all()
        return self.cr.sql_log_count - before

    def _count_batches(self, rows):
        """Statements that Odoo writes so many rows by."""
        return ceil(rows / INSERT_BATCH_SIZE)

    @classmethod
    def _switch(cls, on):
        """Switch service invoicing, by SQL: the company would bring all its orders up
        to date, and here that is counted."""
        cls.env.flush_all()
        cls.env.cr.execute(
            "UPDATE res_company SET service_invoicing = %s WHERE id = %s",
            [on, cls.company.id],
        )
        cls.company.invalidate_recordset(["service_invoicing"])

    def _change(self, orders):
        """One more part of each order, other hours in each entry, unknown to the
        lines."""
        self._switch(False)
        self._deliver(orders, 1)
        for entry in orders.timesheet_ids:
            entry.unit_amount += 0.5
        self._switch(True)

    def assertConstant(self, few, many, batches=0):
        """Bringing many orders up to date takes no more queries than few, but for the
        batches in which rows are written, and those in which Odoo reads."""
        queries = self._count_queries(few._follow_sources)
        # lines, moves, entries, and what each of them leads to
        batches += 8 * (28 * MANY // PREFETCH_MAX)
        self.assertLessEqual(
            self._count_queries(many._follow_sources), queries + batches
        )

    def test_follow_sources(self):
        """B1: the lines of many orders take as many queries as those of few: when they
        are made, when nothing changed, when all changed, and when one entry more was
        logged on each."""
        self._create_orders(2)._follow_sources()
        few, many = self._create_orders(FEW), self._create_orders(MANY)
        # lines are inserted and their amounts updated; moves get their lines, orders
        # their amounts and terms
        rows = 2 * self._count_batches(28 * MANY) + self._count_batches(20 * MANY)
        rows += 3 * self._count_batches(MANY)
        self.assertConstant(few, many, rows)
        self.assertEqual(len(many.line_ids), len(few.line_ids) * MANY // FEW)
        self.assertConstant(few, many)
        self._change(few)
        self._change(many)
        quantities = many.line_ids.mapped("quantity")
        self.assertConstant(few, many, rows)
        self.assertNotEqual(many.line_ids.mapped("quantity"), quantities)
        self._switch(False)
        self._log(few | many, 1)
        self._switch(True)
        # Odoo adds to a relation record by record
        self.assertConstant(few, many, rows + 2 * (MANY - FEW))

    def test_follow_billed_orders(self):
        """B1, C16: neither do orders take more queries that are billed."""
        orders = self._create_orders(FEW + MANY)
        orders.action_complete()
        orders._create_invoices().action_post()
        few, many = orders[:FEW], orders[FEW:]
        few._follow_sources()
        self.assertConstant(few, many)
        self._switch(False)
        self._deliver(orders, 1)
        self._log(orders, 1)
        self._switch(True)
        rows = 2 * self._count_batches(28 * MANY)
        self.assertConstant(few, many, rows + 2 * (MANY - FEW))
        self.assertTrue(all(many.mapped("billing_difference")))

    def test_transfer_follows_once(self):
        """B1: a transfer of many parts brings the lines of its order up to date once,
        not with every part."""
        self._create_orders(2)._follow_sources()
        costs = []
        for count in (10, 20, 60):
            order, other = self._create_orders(2, 0, 0)
            self._switch(False)
            without = self._create_deliveries(other, count)
            queries = self._count_queries(without._action_done)
            self._switch(True)
            picking = self._create_deliveries(order, count)
            costs.append(self._count_queries(picking._action_done) - queries)
            self.assertEqual(sum(order.line_ids.mapped("quantity")), count)
        self.assertLessEqual(costs[2], costs[1] + 3)

    def test_entries_follow_once(self):
        """B1: many entries bring the lines of their order up to date once."""
        self._create_orders(2)._follow_sources()
        order, other = self._create_orders(2, 0, 0)
        queries = self._count_queries(lambda: self._log(order, 8))
        self.assertLessEqual(
            self._count_queries(lambda: self._log(other, 24)), queries + 1
        )

    def test_open_list(self):
        """F4: a list of 80 orders opens with as many queries as one of 20, that of all
        orders and that of Orders to Invoice."""
        self._create_users()
        orders = self._create_orders(80, 2, 2)
        orders.action_complete()
        orders[::2]._create_invoices()
        for view in (
            "fieldservice.fsm_order_list_view",
            "fieldservice_invoicing.fsm_order_view_list_to_invoice",
        ):
            with self.subTest(view):
                self._check_list(orders, self.env.ref(view))

    def _check_list(self, orders, view):
        Order = self.env["fsm.order"].with_user(self.dispatcher)
        views = Order.get_views([(view.id, "list")])
        # else the rules on records have it read, with all other fields of the orders
        self.assertIn('name="company_id"', views["views"]["list"]["arch"])
        fields_info = views["models"]["fsm.order"]
        names = Order.get_view(view.id, "list")["models"]["fsm.order"]
        # less those that the user may not see
        names = [name for name in names if name in fields_info["fields"]]
        specification = {
            name: {"fields": {"display_name": {}}}
            if fields_info["fields"][name].get("relation")
            else {}
            for name in names
        }

        def read(count):
            self.env.flush_all()
            domain = [("id", "in", orders[:count].ids)]
            found = Order.web_search_read(domain, specification)
            self.assertEqual(len(found["records"]), count)

        read(20)
        queries = self._count_queries(lambda: read(20))
        self.assertLessEqual(self._count_queries(lambda: read(80)), queries)

    def test_open_form(self):
        """C6: the form of an order with many lines opens with as many queries as one
        with few."""
        few, many = self._create_orders(1, 9, 2), self._create_orders(1, 40, 20)
        orders = few | many
        orders._follow_sources()
        orders.action_complete()
        orders._create_invoices()
        with Form(few) as form:
            specification = form._view["fields_spec"]
        # fieldservice_stock writes on moves when the order is first read
        for order in orders:
            order.web_read(specification)
        queries = self._count_queries(lambda: few.web_read(specification))
        self.assertLessEqual(
            self._count_queries(lambda: many.web_read(specification)), queries
        )
