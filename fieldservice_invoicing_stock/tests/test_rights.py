# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from odoo.addons.fieldservice_invoicing.tests.common import MANAGER

from .common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestRights(ServiceStockCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.storekeeper = cls._create_user("fsi_store", "stock.group_stock_user")

    def _as(self, records, user):
        return records.with_user(user).with_company(self.company)

    def test_storekeeper_validates(self):
        """B1: Someone from the store without any right to service orders validates a
        delivery and takes it back; the order lines follow."""
        picking = self._create_delivery(self.order, (self.filter, 3))
        self._as(picking, self.storekeeper).button_validate()
        self.assertEqual(picking.state, "done")
        self.assertEqual(self._get_line(self.filter).quantity, 3)
        with self.assertRaises(AccessError):
            self._as(self.order.line_ids, self.storekeeper).read(["quantity"])

    def test_stock_manager_corrects(self):
        """B1: The same for who corrects a done delivery."""
        keeper = self._create_user("fsi_stock_manager", "stock.group_stock_manager")
        picking = self._deliver(self.order, (self.filter, 3))
        self._as(picking.move_line_ids, keeper).quantity = 1
        self.assertEqual(self._get_line(self.filter).quantity, 1)

    def test_order_opens_without_stock(self):
        """C6: The order form opens for who has no access to stock, and shows transfers
        to who has."""
        self._deliver(self.order, (self.filter, 3))
        handyman = self._create_user(
            "fsi_stock_worker",
            "fieldservice.group_fsm_user",
            "stock.group_stock_user",
        )
        for user, sees in (
            (self.worker, False),
            (self.dispatcher, False),
            (self.manager, False),
            (handyman, True),
        ):
            form = Form(self._as(self.order, user))
            self.assertEqual("move_ids" in form._view["fields"], sees, user.login)

    def test_worker_reads_lines(self):
        """B1: A worker without rights in stock reads the order's lines."""
        self._deliver(self.order, (self.filter, 3))
        line = self._as(self._get_line(self.filter), self.worker)
        line.invalidate_recordset()
        self.assertEqual(line.read(["quantity", "name", "markup"])[0]["quantity"], 3)
        with self.assertRaises(AccessError):
            line.read(["stock_move_line_ids"])

    def test_worker_reads_all_of_a_line(self):
        """B1: What the views of a line ask for is there for a worker."""
        self._deliver(self.order, (self.filter, 3))
        line = self._as(self._get_line(self.filter), self.worker)
        names = line.get_views([(False, "form")])["models"]["fsm.order.line"]["fields"]
        self.assertIn("markup", names)
        self.assertTrue(line.read(list(names)))

    def test_worker_keeps_the_source(self):
        """B1: A worker can not type over what was delivered."""
        self._deliver(self.order, (self.filter, 3))
        with self.assertRaises(UserError):
            self._as(self._get_line(self.filter), self.worker).quantity = 1

    def test_worker_enters_no_source(self):
        """B1: Nor make a source up, which would lock a line, or be taken for what was
        delivered; of a billed order nothing that prices a line."""
        self.order.line_ids = [Command.create({"product_id": self.filter.id})]
        line = self._as(self.order.line_ids, self.worker)
        for values in (
            {"source_key": "x"},
            {"quantity_source": "stock"},
            {"quantity_source": "stock", "source_key": f"{self.filter.id}:0"},
        ):
            with self.subTest(values), self.assertRaises(UserError):
                line.write(values)
            with self.subTest(values), self.assertRaises(UserError):
                line.create(
                    {
                        "order_id": self.order.id,
                        "product_id": self.pump.id,
                        **values,
                    }
                )
        with self.assertRaises(UserError):
            line.with_context(default_quantity_source="stock").create(
                {"order_id": self.order.id, "product_id": self.pump.id}
            )
        self._invoice()
        with self.assertRaises(UserError):
            line.is_cost_plus = True

    def test_dispatcher_bills(self):
        """C3: Who creates invoices needs no right in stock for it."""
        self._deliver(self.order, (self.filter, 3))
        invoice = self._as(self.order, self.dispatcher)._create_invoices()
        self.assertEqual(invoice.amount_untaxed, 60)

    def test_accountant_posts(self):
        """F1: An accountant without rights in stock posts invoice and credit note with
        the cost of goods sold, also after a return."""
        picking = self._deliver(self.order, (self.filter, 3))
        invoice = self._as(self._invoice().sudo(False), self.accountant)
        invoice.action_post()
        self.assertEqual(self._get_cogs(), 24)
        self._return(picking, {self.filter: 1})
        credit_note = self._credit_with(invoice)
        credit_note.action_post()
        self.assertEqual(self._get_cogs(), 16)

    def test_manager_cancels(self):
        """X1: Who cancels service invoices needs no right in stock or accounting."""
        self._deliver(self.order, (self.filter, 3))
        invoice = self._invoice(post=True)
        manager = self._create_user("fsi_only", MANAGER)
        self._as(invoice.sudo(False), manager)._cancel_service_invoices("wrong")
        self.assertEqual(self._get_cogs(), 0)

    def test_link_not_entered(self):
        """Never 4: Every user may write move lines in Odoo: none may say over RPC which
        order line counts them."""
        picking = self._deliver(self.order, (self.filter, 3))
        other = self._create_order(
            lines=[{"product_id": self.filter.id, "quantity": 1}], done=False
        )
        for user in (self.storekeeper, self.worker, self.dispatcher):
            with self.subTest(user.login), self.assertRaises(UserError):
                self._as(picking.move_line_ids, user).write(
                    {"fsm_order_line_id": other.line_ids.id}
                )
        with self.assertRaises(AccessError):
            self._as(other.line_ids, self.worker).write(
                {"stock_move_line_ids": [Command.set(picking.move_line_ids.ids)]}
            )
        with self.assertRaises(UserError):
            self._as(self.env["stock.move.line"], self.storekeeper).with_context(
                default_fsm_order_line_id=other.line_ids.id
            ).create(
                {
                    "product_id": self.filter.id,
                    "company_id": self.company.id,
                    "location_id": self.stock.id,
                    "location_dest_id": self.customers.id,
                    "quantity": 1,
                }
            )

    def test_settings_by_administrators(self):
        """B4: Who may change prices of parts: product managers, not workers."""
        with self.assertRaises(AccessError):
            self._as(self.filter, self.worker).service_part_pricing = "cost"
