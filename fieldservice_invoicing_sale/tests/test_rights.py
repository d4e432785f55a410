# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from odoo.addons.fieldservice_invoicing.tests.common import USER

from .common import SoldOrderCommon

SALE = "sales_team.group_sale_salesman_all_leads"


@tagged("post_install", "-at_install")
class TestRights(SoldOrderCommon):
    """Who invoices service orders needs no right in sales."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.clerk = cls._create_user("fsi_clerk", USER)
        cls.seller = cls._create_user(
            "fsi_seller", SALE, "fieldservice.group_fsm_dispatcher"
        )
        cls.selling_dispatcher = cls._create_user(
            "fsi_selling", SALE, "fieldservice.group_fsm_dispatcher", USER
        )
        cls.selling_worker = cls._create_user(
            "fsi_selling_worker", "sales_team.group_sale_salesman", USER
        )
        (cls.sold | cls.order).person_id = cls.env["fsm.person"].create(
            {"name": "Clerk", "partner_id": cls.clerk.partner_id.id}
        )

    def _as(self, user, records):
        self.env.flush_all()
        self.env.invalidate_all()
        return records.with_user(user).with_context(
            allowed_company_ids=user.company_id.ids
        )

    def _buttons(self, user):
        order = self._as(user, self.sold)
        view = self.env.ref("fieldservice.fsm_order_form")
        arch = etree.fromstring(order.get_view(view.id)["arch"])
        card = arch.xpath("//div[@name='billed_by_sale_order']")
        return {node.get("name") for part in card for node in part.iter("button")}

    def test_form(self):
        """C6: the form opens for everyone, and has the sales order's buttons for who
        may open it."""
        buttons = {"action_view_sales", "action_view_sale_invoices"}
        for user, expected in (
            (self.worker, set()),
            (self.plain_dispatcher, set()),
            (self.clerk, set()),
            (self.dispatcher, set()),
            (self.manager, set()),
            (self.selling_dispatcher, buttons),
        ):
            self.assertEqual(self._buttons(user), expected, user.login)
        for user in (self.plain_dispatcher, self.dispatcher, self.selling_dispatcher):
            form = Form(self._as(user, self.sold))
            self.assertEqual(form.billing_sale_id.id, self.sale.id)

    def test_name_without_sale_rights(self):
        """C6: those without any access to sales read its name and invoice status on
        the card."""
        for user in (self.dispatcher, self.manager):
            values = self._as(user, self.sold).web_read(
                {
                    "billing_sale_id": {"fields": {"display_name": {}}},
                    "billing_sale_status": {},
                    "billing_sale_invoice_count": {},
                    "billed_twice": {},
                }
            )[0]
            name = values["billing_sale_id"]["display_name"]
            self.assertIn(self.sale.name, name)
            self.assertEqual(values["billing_sale_status"], "to invoice")

    def test_refusal(self):
        """C12: who may not read the sales order is told its name by the refusal."""
        for user in (self.dispatcher, self.selling_dispatcher):
            with self.assertRaisesRegex(UserError, self.sale.name):
                self._as(user, self.sold).action_create_invoice()

    def test_extras(self):
        """C3: a dispatcher with the right to invoice, and none in sales, invoices
        extras by the dialog; one without the right does not."""
        self._add_line(self.sold, self.part)
        order = self._as(self.dispatcher, self.sold)
        self.assertTrue(order.can_create_invoice)
        dialog = self._dialog(order)
        self.assertEqual(dialog.amount_untaxed, 137.5)
        dialog.action_create_draft()
        self.assertEqual(self.sold.active_invoice_id.amount_untaxed, 137.5)
        with self.assertRaises(AccessError):
            self._as(self.plain_dispatcher, self.order).action_create_invoice()

    def test_lines(self):
        """A worker who adds lines sees which ones the sales order has."""
        order = self._as(self.plain_dispatcher, self.sold)
        line = order.line_ids.create(
            {"order_id": order.id, "product_id": self.inspection.id}
        )
        self.assertTrue(line.is_on_sale_order)
        self.assertEqual(self.sold.amount_to_invoice, 0)

    def test_open_sale(self):
        """The sales order's invoices open for sellers, and refuse to others."""
        invoice = self._invoice_sale()
        action = self._as(
            self.selling_dispatcher, self.sold
        ).action_view_sale_invoices()
        self.assertEqual(action["res_id"], invoice.id)
        for user in (self.dispatcher, self.plain_dispatcher, self.worker):
            with self.assertRaises(AccessError):
                self._as(user, self.sold).action_view_sale_invoices()

    def test_own_sales_only(self):
        """A seller who sees own sales orders only does not open another's."""
        self.selling_worker.group_ids += self.env.ref("fieldservice.group_fsm_user_own")
        self.sale.user_id = self.env.user
        order = self._as(self.selling_worker, self.sold)
        with self.assertRaises(AccessError):
            order.action_view_sale_invoices()

    def test_switch(self):
        """C2: with service invoicing off the card's action refuses."""
        self.company.service_invoicing = False
        with self.assertRaisesRegex(UserError, "switched off"):
            self._as(self.selling_dispatcher, self.sold).action_view_sale_invoices()

    def test_leave_sale(self):
        """Who has no rights in sales does not take an order off its sales order over
        RPC, to have it billed a second time; a seller may."""
        for user in (self.plain_dispatcher, self.dispatcher, self.manager):
            for vals in ({"sale_id": False}, {"sale_line_id": False}):
                with self.assertRaisesRegex(AccessError, self.sale.name):
                    self._as(user, self.sold).write(vals)
        order = self._as(self.plain_dispatcher, self.sold)
        order.write({"sale_id": self.sale.id, "todo": "unchanged link"})
        order = self._as(self.seller, self.sold)
        order.write({"sale_id": False, "sale_line_id": False})
        self.assertEqual(self.sold.amount_to_invoice, 200)

    def test_link_to_sale(self):
        """Nor leaves an order that nobody sold to a sales order, where its work may be
        billed by nobody."""
        for user in (self.worker, self.plain_dispatcher, self.dispatcher):
            with self.assertRaisesRegex(AccessError, self.order.name):
                self._as(user, self.order).sale_id = self.sale
        self._as(self.selling_dispatcher, self.order).sale_id = self.sale
        self.assertEqual(self.order.billing_sale_id, self.sale)

    def test_not_entered(self):
        """The billing sales order follows from the links and is not entered, over RPC
        neither, when an order is created as little."""
        with self.assertRaises(UserError):
            self._as(self.selling_dispatcher, self.sold).write(
                {"billing_sale_id": False}
            )
        order = self._as(self.selling_dispatcher, self.order).create(
            {
                "location_id": self.location.id,
                "company_id": self.company.id,
                "billing_sale_id": self.sale.id,
            }
        )
        self.assertFalse(order.billing_sale_id)

    def test_seller_changes_no_invoice_line(self):
        """Section 5: a seller who is a dispatcher too reads the invoices of sales, as
        sellers do, and changes no line of them by fieldservice_account's rights."""
        line = self._invoice_sale(post=False).invoice_line_ids
        line = self._as(self.seller, line)
        self.assertEqual(line.quantity, 1)
        with self.assertRaises(AccessError):
            line.price_unit = 1
        with self.assertRaises(AccessError):
            line.unlink()

    def test_seller_invoices(self):
        """A seller without accounting rights still invoices the sales order of a
        service order."""
        sale = self._as(self.seller, self.sale)
        invoice = sale._create_invoices()
        self.assertEqual(invoice.sudo().amount_untaxed, 200)
        self.assertEqual(self.sale.order_line.qty_invoiced, 1)

    def test_invoice_form(self):
        """F6: the form of an invoice for extras opens for who creates them and has no
        rights in sales."""
        self._add_line(self.sold, self.part)
        invoice = self._invoice(self.sold).sudo(False)
        for user in (self.dispatcher, self.manager, self.accountant):
            form = Form(self._as(user, invoice))
            self.assertEqual(form.partner_id, self.partner_a)
