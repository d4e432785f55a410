# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import ServiceInvoicingCommon

COST = "fieldservice_invoicing.group_service_cost"
LINE_FIELDS = ("purchase_price", "cost", "margin")
ORDER_FIELDS = ("cost", "margin", "margin_percent")


@tagged("post_install", "-at_install")
class TestCost(ServiceInvoicingCommon):
    """F5: what an order costs and leaves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.labor.standard_price = 20.0
        cls.part.standard_price = 80.0
        cls.order = cls._create_order()
        cls._create_users()

    def _as(self, user, records):
        self.env.flush_all()
        self.env.invalidate_all()
        return records.with_user(user).with_context(
            allowed_company_ids=user.company_id.ids
        )

    def test_amounts(self):
        """F5: 2.5 h at 55 that cost 20, 2 parts at 137.50 that cost 80."""
        self.assertRecordValues(
            self.order.line_ids,
            [
                {"purchase_price": 20.0, "cost": 50.0, "margin": 87.5},
                {"purchase_price": 80.0, "cost": 160.0, "margin": 115.0},
            ],
        )
        self.assertRecordValues(self.order, [{"cost": 210.0, "margin": 202.5}])
        self.assertAlmostEqual(self.order.margin_percent, 202.5 / 412.5)

    def test_unit_of_measure(self):
        """F5: the cost of a dozen is twelve times that of one."""
        line = self.order.line_ids[1]
        line.product_uom_id = self.env.ref("uom.product_uom_dozen")
        self.assertEqual(line.purchase_price, 960.0)
        self.assertEqual(line.cost, 1920.0)

    def test_currency(self):
        """F5: the cost is in the order's currency, at today's rate."""
        currency = self.env["res.currency"].create(
            {
                "name": "XTC",
                "symbol": "X",
                "rate_ids": [Command.create({"name": "2020-01-01", "rate": 2.5})],
            }
        )
        order = self._create_order(currency_id=currency.id)
        self.assertEqual(order.line_ids.mapped("purchase_price"), [50.0, 200.0])
        self.assertEqual(order.cost, 525.0)

    def test_entered(self):
        """F5: who sees the cost corrects it; a new product brings its own."""
        line = self.order.line_ids[1]
        self._as(self.manager, line).purchase_price = 90.0
        self.assertEqual(line.cost, 180.0)
        line.quantity = 3
        self.assertEqual(line.cost, 270.0)
        line.product_id = self.labor
        self.assertEqual(line.purchase_price, 20.0)

    def test_not_charged(self):
        """F5: warranty work costs, and brings nothing."""
        self.order.line_ids[1].non_billable_reason = "warranty"
        self.assertRecordValues(self.order, [{"cost": 210.0, "margin": -72.5}])

    def test_unit_left_out(self):
        """F5: a unit that is left off the bill was the customer's: no cost."""
        order = self._create_order(
            lines=[
                {"product_id": self.labor.id, "quantity": 1},
                {"product_id": self.part.id, "kind": "unit", "quantity": 1},
            ]
        )
        self.assertRecordValues(order, [{"cost": 100.0, "margin": 92.5}])
        order.include_unit_price = False
        self.assertRecordValues(order, [{"cost": 20.0, "margin": 35.0}])

    def test_discount_on_the_whole(self):
        """F5: a discount on the whole lowers the order's margin."""
        self.order.write({"discount_type": "percent", "discount_value": 10})
        self.assertRecordValues(self.order, [{"cost": 210.0, "margin": 161.25}])

    def test_sections_cost_nothing(self):
        """F5: a section has no cost."""
        self.order.line_ids = [
            Command.create({"display_type": "line_section", "name": "Work"})
        ]
        section = self.order.line_ids.filtered("display_type")
        self.assertRecordValues(section, [{"cost": 0.0, "margin": 0.0}])

    def test_hidden(self):
        """F5: without the right nothing of it is read, searched, grouped or written."""
        self.assertFalse(self.dispatcher.has_group(COST))
        for user in (self.worker, self.plain_dispatcher, self.dispatcher):
            order = self._as(user, self.order)
            for records, names in (
                (order, ORDER_FIELDS),
                (order.line_ids, LINE_FIELDS),
            ):
                for name in names:
                    self.assertNotIn(name, records.fields_get())
                    with self.assertRaises(AccessError):
                        records.read([name])
                    with self.assertRaises(AccessError):
                        records.search([(name, ">", 0)])
                    with self.assertRaises(AccessError):
                        records._read_group([], [], [f"{name}:sum"])
                    # an AccessError is one, too
                    with self.assertRaises(UserError):
                        records.write({name: 1.0})
            with self.assertRaises(AccessError):
                self.env["fsm.order.line"].with_user(user).create(
                    {"order_id": order.id, "name": "Parking", "purchase_price": 1.0}
                )

    def test_views(self):
        """F5: the views have the columns for those who may see them, and no others."""
        for user, visible in ((self.dispatcher, False), (self.manager, True)):
            orders = self._as(user, self.env["fsm.order"])
            list_view = self.env.ref(
                "fieldservice_invoicing.fsm_order_view_list_to_invoice"
            )
            for view_type, view_id in (("form", False), ("list", list_view.id)):
                arch = orders.get_views([(view_id, view_type)])["views"][view_type]
                names = {
                    node.get("name")
                    for node in etree.fromstring(arch["arch"]).iter("field")
                }
                self.assertEqual(bool(names & {"cost", "margin"}), visible, view_type)

    def test_who_sees(self):
        """F5: managers, accountants and auditors see cost."""
        auditor = self._create_user("fsi_auditor", "account.group_account_readonly")
        for user in (self.manager, self.accountant, auditor):
            self.assertTrue(user.has_group(COST), user.login)
        order = self._as(self.manager, self.order)
        self.assertEqual(order.read(["cost"])[0]["cost"], 210.0)

    def test_amounts_are_not_entered(self):
        """F5: cost and margin follow; over RPC nobody enters them."""
        order = self._as(self.manager, self.order)
        for records, names in (
            (order, ORDER_FIELDS),
            (order.line_ids, ("cost", "margin")),
        ):
            for name in names:
                with self.assertRaises(UserError):
                    records.write({name: 7.0})
        line = self._as(self.manager, self.env["fsm.order.line"]).create(
            {"order_id": order.id, "product_id": self.part.id, "cost": 1.0}
        )
        self.assertEqual(line.cost, 80.0)

    def test_batch(self):
        """F5: the queries do not grow with the orders."""
        few = self._create_order() | self._create_order()
        many = few.union(*(self._create_order() for _index in range(10)))
        self.assertLessEqual(self._count_queries(many), self._count_queries(few))

    def _count_queries(self, orders):
        """Queries that it takes to compute the cost of orders anew."""
        lines = self.env["fsm.order.line"].search([("order_id", "in", orders.ids)])
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        self.env.add_to_compute(lines._fields["purchase_price"], lines)
        lines.modified(["purchase_price"])
        self.env.flush_all()
        return self.cr.sql_log_count - before
