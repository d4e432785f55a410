# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import SoldOrderCommon


@tagged("post_install", "-at_install")
class TestBilledBySaleOrder(SoldOrderCommon):
    """What was sold on a sales order is billed there, the rest here, nothing twice."""

    def test_sold_by_line(self):
        """C12: an order of a sales order line has nothing to bill, and its refusal
        names the sales order."""
        self.assertEqual(self.sold.sale_line_id, self.sale.order_line)
        self._assert_billed_by_sale(self.sold, self.sale)
        self.assertTrue(self.sold.line_ids.is_on_sale_order)
        self.assertEqual(self.sold.line_ids.qty_to_invoice, 0)

    def test_sold_by_sale(self):
        """C12: so has the one order of a whole sales order."""
        sale = self._create_sale(self.visit, self.part)
        order = self._finish(sale)
        self.assertFalse(order.sale_line_id)
        self.assertEqual(len(order.line_ids), 2)
        self._assert_billed_by_sale(order, sale)

    def test_without_lines(self):
        """C12: an order without lines names its sales order too."""
        self.sold.line_ids.unlink()
        self._assert_billed_by_sale(self.sold, self.sale)

    def test_not_sold(self):
        """An order without sales order is billed as ever."""
        self.assertFalse(self.order.billing_sale_id)
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.assertEqual(self._invoice().amount_untaxed, 412.5)

    def test_extras(self):
        """C9: only what the sales order does not have is announced and billed: other
        products, and charges without product."""
        self._add_line(self.sold, self.part, quantity=2)
        self.env["fsm.order.line"].create(
            {"order_id": self.sold.id, "name": "Parking", "price_unit": 12.5}
        )
        self.assertEqual(self.sold.billing_status, "to_invoice")
        self.assertEqual(self.sold.amount_untaxed, 287.5)
        self.assertEqual(self.sold.amount_to_invoice, 287.5)
        self.assertEqual(self.sold.card_labor, 0)
        self.assertEqual(self.sold.card_parts, 275)
        dialog = self._dialog(self.sold)
        self.assertEqual(dialog.amount_labor, 0)
        self.assertEqual(dialog.amount_untaxed, 287.5)
        invoice = dialog._create_invoices()
        self.assertEqual(invoice.amount_untaxed, 287.5)
        self.assertEqual(invoice.amount_total, dialog.amount_total)
        self.assertNotIn(self.inspection, invoice.invoice_line_ids.product_id)
        self.assertFalse(self.sold.billing_difference)

    def test_refresh_extras(self):
        """C16: a refreshed draft has the extras still, and those alone."""
        line = self._add_line(self.sold, self.part)
        invoice = self._invoice(self.sold)
        line.quantity = 3
        self.sold.action_refresh_invoice()
        self.assertEqual(invoice.amount_untaxed, 412.5)
        self.assertEqual(invoice.invoice_line_ids.product_id, self.part)

    def test_unit(self):
        """C7: a unit is never billed beside a sales order, nor offered in the dialog:
        the price of the unit that was serviced is not asked for on top."""
        boiler = self._create_service_product("Boiler", "consu", 3000.0)
        equipment = self.env["fsm.equipment"].create(
            [
                {"name": "Boiler 7", "product_id": boiler.id},
                {"name": "Boiler 8", "list_price": 2000},
            ]
        )
        self.sold.equipment_ids = equipment
        self.assertEqual(self.sold.line_ids.equipment_id, equipment)
        self._assert_billed_by_sale(self.sold, self.sale)
        self._add_line(self.sold, self.part)
        dialog = self._dialog(self.sold)
        self.assertFalse(dialog.has_unit)
        self.assertEqual(dialog.amount_untaxed, 137.5)

    def test_at_no_charge(self):
        """B4: work that is not charged, and that the sales order has, is not shown on
        the invoice for the extras."""
        self.company.service_excluded_lines = "no_charge"
        self.sold.line_ids.non_billable_reason = "warranty"
        self._add_line(self.sold, self.part)
        invoice = self._invoice(self.sold)
        self.assertEqual(invoice.invoice_line_ids.product_id, self.part)

    def test_down_payment(self):
        """A down payment on the sales order bills no product of the service order."""
        self.sale.order_line.create(
            {
                "order_id": self.sale.id,
                "product_id": self.part.id,
                "is_downpayment": True,
                "product_uom_qty": 0,
            }
        )
        line = self._add_line(self.sold, self.part)
        self.assertFalse(line.is_on_sale_order)
        self.assertEqual(self.sold.amount_untaxed, 137.5)

    def test_many_orders(self):
        """C17: of several orders the one that its sales order bills stops all."""
        with self.assertRaisesRegex(UserError, self.sale.name):
            (self.order | self.sold)._create_invoices()
        self.assertFalse(self.order.active_invoice_id)

    def test_queries(self):
        """The amounts of many sold orders cost no more queries than those of one."""
        self._invoice_sale()
        sales = [self._create_sale(self.inspection) for _i in range(6)]
        orders = self.env["fsm.order"].union(*(self._finish(sale) for sale in sales))

        def count(records):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            records.line_ids.mapped("is_on_sale_order")
            records.mapped("tax_totals")
            return self.cr.sql_log_count - before

        count(self.sold)
        self.assertEqual(count(orders), count(orders[0]))


@tagged("post_install", "-at_install")
class TestInvoices(SoldOrderCommon):
    """Invoices of the sales order and of the service order leave each other alone."""

    def _assert_sale_invoiced(self, order, invoice):
        line = self.sale.order_line
        self.assertEqual(line.qty_invoiced, 1)
        self.assertEqual(line.qty_to_invoice, 0)
        self.assertEqual(self.sale.invoice_ids, invoice)
        self.assertEqual(self.sale.invoice_status, "invoiced")
        self.assertEqual(invoice.amount_untaxed, 200)
        self.assertEqual(invoice.invoice_line_ids.fsm_order_ids, order)

    def test_sale_first(self):
        """The invoice of the sales order, which fieldservice_sale links to the service
        order, is none of the service order's; the extras follow on their own."""
        sale_invoice = self._invoice_sale()
        self.assertIn(sale_invoice, self.sold.invoice_ids)
        self.assertFalse(self.sold.active_invoice_id)
        self.assertFalse(self.sold.invoice_link_ids)
        self._assert_billed_by_sale(self.sold, self.sale)
        self._add_line(self.sold, self.part)
        invoice = self._invoice(self.sold, post=True)
        self.assertEqual(invoice.amount_untaxed, 137.5)
        self.assertEqual(self.sold.billing_status, "invoiced")
        self.assertEqual(self.sold.amount_to_invoice, 0)
        self._assert_sale_invoiced(self.sold, sale_invoice)
        self._pay(sale_invoice)
        self.assertEqual(self.sold.billing_status, "invoiced", "ours is not paid")

    def test_extras_first(self):
        """An invoice for extras invoices nothing of the sales order, whose own invoice
        follows in full and is linked to the service order as ever."""
        self._add_line(self.sold, self.part)
        invoice = self._invoice(self.sold, post=True).sudo(False)
        self.assertEqual(self.sale.order_line.qty_invoiced, 0)
        self.assertEqual(self.sale.invoice_status, "to invoice")
        self.assertFalse(self.sale.invoice_ids)
        self.assertEqual(self.sold.invoice_ids, invoice)
        self.env.flush_all()
        sale_invoice = self._invoice_sale()
        self._assert_sale_invoiced(self.sold, sale_invoice)
        self.assertEqual(self.sold.active_invoice_id, invoice)
        self.assertEqual(self.sold.amount_invoiced, 137.5)
        self.assertFalse(self.sold.billing_difference)

    def test_credit_of_extras(self):
        """X7: a full credit of the extras frees these, and nothing of the sales
        order."""
        self._add_line(self.sold, self.part)
        sale_invoice = self._invoice_sale()
        self._credit(self._invoice(self.sold, post=True))
        self.assertEqual(self.sold.billing_status, "to_invoice")
        self.assertEqual(self.sold.amount_to_invoice, 137.5)
        self._assert_sale_invoiced(self.sold, sale_invoice)
        self.assertEqual(self._invoice(self.sold).amount_untaxed, 137.5)

    def test_credit_of_sale(self):
        """A credited sales order bills again itself: its work does not come here."""
        self._credit(self._invoice_sale())
        self.assertEqual(self.sale.order_line.qty_to_invoice, 1)
        self._assert_billed_by_sale(self.sold, self.sale)

    def test_one_sale_order_with_two_orders(self):
        """Each order of a sales order leaves all of its products to it."""
        sale = self._create_sale(self.inspection, self.inspection, self.part)
        orders = self._finish(sale)
        self.assertEqual(len(orders), 2)
        self._invoice_sale(sale)
        for order in orders:
            self._assert_billed_by_sale(order, sale)
        self.assertEqual(sale.order_line.mapped("qty_invoiced"), [1, 1, 1])

    def test_consolidated(self):
        """C17: extras join other orders of the customer on one invoice, by the same
        terms."""
        self._add_line(self.sold, self.part)
        invoice = (self.order | self.sold)._create_invoices(grouped=True)
        self.assertEqual(len(invoice), 1)
        self.assertEqual(invoice.amount_untaxed, 550)
        self.assertEqual(self.sale.order_line.qty_invoiced, 0)

    def test_card(self):
        """C6: the card has the state of the sales order's invoicing."""
        self.assertEqual(self.sold.billing_sale_status, "to invoice")
        self.assertEqual(self.sold.billing_sale_invoice_count, 0)
        invoice = self._invoice_sale()
        self.assertEqual(self.sold.billing_sale_status, "invoiced")
        self.assertEqual(self.sold.billing_sale_invoice_count, 1)
        self.assertEqual(self.sold.action_view_sale_invoices()["res_id"], invoice.id)
        self.assertEqual(self.sold.action_view_sales()["res_id"], self.sale.id)

    def test_mark_billed(self):
        """C15: marking a sold order as billed changes nothing of its sales order."""
        self.sold._mark_billed("sold")
        self.assertEqual(self.sold.billing_status, "marked_billed")
        self.sold.action_unmark_billed()
        self._assert_billed_by_sale(self.sold, self.sale)

    def test_line_by_command(self):
        """A line that is entered with the order in one go is recognised too."""
        order = self._create_order(
            [{"product_id": self.inspection.id}, {"product_id": self.part.id}],
            sale_id=self.sale.id,
        )
        self.assertEqual(order.line_ids.mapped("is_on_sale_order"), [True, False])
        self.assertEqual(order.amount_untaxed, 137.5)
        order.line_ids = [Command.create({"product_id": self.labor.id})]
        self.assertEqual(order.amount_untaxed, 192.5)
