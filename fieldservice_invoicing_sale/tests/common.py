# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError

from odoo.addons.fieldservice_invoicing.tests.common import ServiceInvoicingCommon


class SoldOrderCommon(ServiceInvoicingCommon):
    """A confirmed sales order of an inspection at 200, whose service order is done."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("sales_team.group_sale_manager")
        cls.inspection = cls._create_service_product("Inspection", "service", 200.0)
        cls.inspection.field_service_tracking = "line"
        cls.visit = cls._create_service_product("Visit", "service", 90.0)
        cls.visit.field_service_tracking = "sale"
        (cls.inspection | cls.visit | cls.part).invoice_policy = "order"
        cls.sale = cls._create_sale(cls.inspection)
        cls.sold = cls._finish(cls.sale)

    @classmethod
    def _create_sale(cls, *products, confirm=True):
        sale = cls.env["sale.order"].create(
            {
                "partner_id": cls.partner_a.id,
                "fsm_location_id": cls.location.id,
                "company_id": cls.company.id,
                "order_line": [
                    Command.create({"product_id": product.id}) for product in products
                ],
            }
        )
        if confirm:
            sale.action_confirm()
        return sale

    @classmethod
    def _finish(cls, sale):
        """The completed service orders of a sales order, each with a line for every
        product that was sold."""
        orders = cls.env["fsm.order"].search(
            ["|", ("sale_id", "=", sale.id), ("sale_line_id.order_id", "=", sale.id)]
        )
        for order in orders:
            for product in sale.order_line.product_id:
                cls._add_line(order, product)
            order.action_complete()
        return orders

    @classmethod
    def _add_line(cls, order, product, **values):
        return cls.env["fsm.order.line"].create(
            {"order_id": order.id, "product_id": product.id, **values}
        )

    def _invoice_sale(self, sale=None, post=True):
        invoice = (sale or self.sale)._create_invoices()
        if post:
            invoice.action_post()
        return invoice

    def _assert_billed_by_sale(self, order, sale):
        """The service order has nothing to bill, and says who bills it."""
        self.assertEqual(order.billing_sale_id, sale)
        self.assertEqual(order.billing_status, "nothing")
        self.assertEqual(order.amount_total, 0)
        self.assertEqual(order.amount_to_invoice, 0)
        with self.assertRaisesRegex(UserError, f"{order.name}.*{sale.name}"):
            order.action_create_invoice()
        with self.assertRaisesRegex(UserError, f"{order.name}.*{sale.name}"):
            order._create_invoices()
