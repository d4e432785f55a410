# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing_sale.tests.common import SoldOrderCommon
from odoo.addons.fieldservice_invoicing_stock.tests.common import ServiceStockCommon
from odoo.addons.fieldservice_invoicing_timesheet.tests.common import (
    ServiceTimesheetCommon,
)


class TogetherCommon(ServiceStockCommon, ServiceTimesheetCommon, SoldOrderCommon):
    """A sales order of an inspection, 2 filters and hours, whose service order also
    takes parts and hours that nobody sold."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("project.group_project_manager")
        cls._receive(cls.filter, 50, 8)
        cls.valve = cls._create_part("Valve", 30.0, cost=12.0)
        cls._receive(cls.valve, 50, 12)
        (cls.filter | cls.valve | cls.pump).invoice_policy = "delivery"
        cls.sold_hours = cls.env["product.product"].create(
            {
                "name": "Hours as sold",
                "type": "service",
                "list_price": 90.0,
                "uom_id": cls.hour.id,
                "invoice_policy": "delivery",
                "service_type": "timesheet",
                "taxes_id": [Command.set(cls.tax.ids)],
            }
        )
        cls.billable = cls.env["project.project"].create(
            {
                "name": "Maintenance",
                "allow_timesheets": True,
                "allow_billable": True,
                "partner_id": cls.partner_a.id,
                "company_id": cls.company.id,
            }
        )

    def setUp(self):
        super().setUp()
        self._sell()

    def _sell(self):
        """Confirm a sales order, and complete the service order that it makes."""
        self.sale = self.env["sale.order"].create(
            {
                "partner_id": self.partner_a.id,
                "fsm_location_id": self.location.id,
                "company_id": self.company.id,
                "order_line": [
                    Command.create(
                        {"product_id": product.id, "product_uom_qty": quantity}
                    )
                    for product, quantity in (
                        (self.inspection, 1),
                        (self.filter, 2),
                        (self.sold_hours, 10),
                    )
                ],
            }
        )
        self.sale.action_confirm()
        self.hours_item = self.sale.order_line[2]
        self.task = self.env["project.task"].create(
            {
                "name": "Pumps",
                "project_id": self.billable.id,
                "partner_id": self.partner_a.id,
                "sale_line_id": self.hours_item.id,
            }
        )
        self.order = self.sale.order_line[0].fsm_order_id
        self.order.action_complete()

    def _deliver_sale(self, **quantities):
        """Validate the delivery of the sales order, for the service order."""
        picking = self.sale.picking_ids.filtered(lambda one: one.state != "done")
        picking.fsm_order_id = self.order
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty
        picking.move_ids.picked = True
        picking._action_done()
        return picking

    def _log(self, time, order=None, **values):
        return super()._log(time, order or self.order, **values)

    def _log_sold(self, time, **values):
        return self._log(
            time, project_id=self.billable.id, task_id=self.task.id, **values
        )

    def _get_billed(self, product, order=None):
        """Quantity on all invoices, of sales and service, less credit notes."""
        lines = self.env["account.move.line"].search(
            [
                ("product_id", "=", product.id),
                ("display_type", "=", "product"),
                ("parent_state", "!=", "cancel"),
                ("company_id", "=", self.company.id),
            ]
        )
        return sum(
            (1 if line.move_id.move_type == "out_invoice" else -1)
            * line.product_uom_id._compute_quantity(line.quantity, product.uom_id)
            for line in lines
        )

    def assertBilled(self, **expected):
        products = {
            "filter": self.filter,
            "valve": self.valve,
            "pump": self.pump,
            "inspection": self.inspection,
            "sold_hours": self.sold_hours,
            "labor": self.labor,
        }
        found = {name: self._get_billed(products[name]) for name in expected}
        self.assertEqual(found, expected)


@tagged("post_install", "-at_install")
class TestTogether(TogetherCommon):
    """§7.4: over all invoices what was delivered and worked is billed once."""

    def _work(self):
        self._deliver_sale()
        self._deliver(self.order, (self.filter, 3), (self.valve, 2))
        self._log_sold(2.0)
        self._log(1.5)
        self._add_line(self.order, self.visit)

    def _assert_all_billed(self):
        self.assertBilled(inspection=1, filter=5, valve=2, sold_hours=2, labor=1.5)
        self.assertEqual(self._get_billed(self.visit), 1)
        self.assertFalse(self.order.billing_difference)

    def test_sale_first(self):
        """§7.4: the sales order is invoiced, then the extras of its service order."""
        self._work()
        self._invoice_sale()
        self._invoice(post=True)
        self._assert_all_billed()

    def test_service_first(self):
        """§7.4: the same in the other order of events."""
        self._work()
        self._invoice(post=True)
        self._invoice_sale()
        self._assert_all_billed()

    def test_invoices_between(self):
        """§7.4: invoiced between the deliveries, cancelled, billed again."""
        self._deliver(self.order, (self.filter, 3))
        self._invoice(post=True)
        self._deliver_sale()
        self._log_sold(2.0)
        self._invoice_sale()
        self._log(1.5)
        self._deliver(self.order, (self.valve, 2))
        self._add_line(self.order, self.visit)
        self.order.active_invoice_id._cancel_service_invoices("more work")
        self._invoice(post=True)
        self._assert_all_billed()

    def test_sold_part_from_the_van(self):
        """§7.4: while a sales order bills what was ordered and has not delivered it,
        the same product from the van is what was sold."""
        self.filter.invoice_policy = "order"
        self._sell()
        self._deliver(self.order, (self.filter, 2))
        with self.assertRaises(UserError):
            self._invoice()
        self._invoice_sale()
        self.assertBilled(filter=2)

    def test_extra_of_ordered(self):
        """§7.4: once it has delivered it, more of the product is extra."""
        self.filter.invoice_policy = "order"
        self._sell()
        self._deliver_sale()
        self._deliver(self.order, (self.filter, 3))
        self._invoice(post=True)
        self._invoice_sale()
        self.assertBilled(filter=5)

    def test_added_to_sales_delivery(self):
        """§7.4: what is added to the delivery of a sales order comes on the sales
        order, and is billed there only."""
        picking = self.sale.picking_ids
        self._create_move(
            self.valve,
            2,
            self.stock,
            self.customers,
            picking_id=picking.id,
            picking_type_id=picking.picking_type_id.id,
        )
        self._deliver_sale()
        item = self.sale.order_line.filtered(lambda one: one.product_id == self.valve)
        self.assertEqual(item.qty_delivered, 2)
        self._deliver(self.order, (self.valve, 1))
        self._invoice(post=True)
        self._invoice_sale()
        self.assertBilled(filter=2, valve=3)

    def test_unsold_hours_of_sold_product(self):
        """§7.4: an hour that was taken off its sales order item is billed on the
        service order, though the product is on the sales order."""
        self.company.service_labor_product_id = self.sold_hours
        self._log_sold(2.0)
        entry = self._log_sold(1.0)
        entry.write({"so_line": False, "is_so_line_edited": True})
        self._invoice(post=True)
        self._invoice_sale()
        self.assertBilled(sold_hours=3)

    def test_prepaid_hours(self):
        """§7.4: hours that were sold at what was ordered are not billed again."""
        self.sold_hours.service_policy = "ordered_prepaid"
        self._sell()
        self.company.service_labor_product_id = self.sold_hours
        self._log(3.0)
        with self.assertRaises(UserError):
            self._invoice()
        self._invoice_sale()
        self.assertBilled(sold_hours=10)

    def test_delivered_equipment(self):
        """§7.4: a unit that was delivered on the order, and that nobody sold, is billed
        there."""
        serial = self._create_lot(self.pump, "S1")
        self._receive(self.pump, 1, 40, serial)
        self._deliver(self.order, (self.pump, 1, serial))
        equipment = self.env["fsm.equipment"].create(
            {"name": "Pump S1", "product_id": self.pump.id, "lot_id": serial.id}
        )
        self.order.equipment_ids = equipment
        self._invoice(post=True)
        self._invoice_sale()
        self.assertBilled(pump=1)
        self.assertEqual(self._get_cogs(self.pump), 40)

    def test_sold_equipment(self):
        """§7.4: a unit that the sales order delivered is billed there only."""
        serial = self._create_lot(self.pump, "S1")
        self._receive(self.pump, 1, 40, serial)
        self.sale.order_line = [
            Command.create({"product_id": self.pump.id, "product_uom_qty": 1})
        ]
        picking = self.sale.picking_ids
        picking.fsm_order_id = self.order
        move = picking.move_ids.filtered(lambda one: one.product_id == self.pump)
        move.move_line_ids.lot_id = serial
        self._deliver_sale()
        equipment = self.env["fsm.equipment"].create(
            {"name": "Pump S1", "product_id": self.pump.id, "lot_id": serial.id}
        )
        self.order.equipment_ids = equipment
        with self.assertRaises(UserError):
            self._invoice()
        self._invoice_sale()
        self.assertBilled(pump=1)

    def test_returns_on_both(self):
        """§7.4: what comes back is credited where it was billed."""
        sold = self._deliver_sale()
        own = self._deliver(self.order, (self.filter, 3))
        invoice = self._invoice(post=True)
        self._invoice_sale()
        self.assertBilled(filter=5)
        self._return(own, {self.filter: 1})
        self._return(sold, {self.filter: 1})
        self._credit(invoice)
        self.sale._create_invoices(final=True).action_post()
        self.assertBilled(filter=3)
        self.assertFalse(self.order.billing_difference)

    def test_sale_line_on_billed_delivery(self):
        """§7.4: a delivery that a service invoice bills is not put on a sales order."""
        picking = self._deliver(self.order, (self.filter, 1))
        self._invoice(post=True)
        item = self.sale.order_line.filtered(
            lambda line: line.product_id == self.filter
        )
        with self.assertRaisesRegex(UserError, "billed"):
            picking.move_ids.sale_line_id = item

    def test_late_hour_after_reversal(self):
        """§7.4: an hour that came on an invoice made anew, by its refreshing, is billed
        there, and gets no sales order item any more."""
        self.task.sale_line_id = False
        self.billable.sale_line_id = False
        self._log_sold(2.0)
        invoice = self._invoice(post=True)
        late = self._log_sold(1.0)
        self._credit(invoice, modify=True)
        self.order.action_refresh_invoice()
        self.assertEqual(self.order.active_invoice_id.amount_untaxed, 165.0)
        self.task.sale_line_id = self.hours_item
        self.env.flush_all()
        self.assertFalse(late.so_line)
        with self.assertRaisesRegex(UserError, "billed"):
            late.unit_amount = 5

    def test_cancelled_sale(self):
        """§7.4: what a cancelled sales order delivered and did not invoice is billed by
        the service order, and the sales order is not taken up again then."""
        self._deliver_sale()
        self._log_sold(2.0)
        with self.assertRaises(UserError):
            self._invoice()
        self.sale._action_cancel()
        self.assertEqual(self.order.billing_status, "to_invoice")
        invoice = self._invoice(post=True)
        self.assertBilled(filter=2, labor=2)
        with self.assertRaisesRegex(UserError, "billed"):
            self.sale.action_draft()
        invoice._cancel_service_invoices("sold after all")
        self.sale.action_draft()
        self.sale.action_confirm()
        with self.assertRaises(UserError):
            self._invoice()

    def test_cancelled_sale_of_hours(self):
        """§7.4: nor is one whose hours only are billed."""
        self._log_sold(2.0)
        self.sale._action_cancel()
        self._invoice(post=True)
        with self.assertRaisesRegex(UserError, "billed"):
            self.sale.action_draft()

    def test_cancelled_after_invoice(self):
        """§7.4: what it has invoiced stays with it."""
        self._deliver_sale()
        self._log_sold(2.0)
        self._invoice_sale()
        self.sale._action_cancel()
        with self.assertRaises(UserError):
            self._invoice()

    def test_switched_off_and_on(self):
        """C2: what was delivered and worked while service invoicing was off is among
        what is to invoice once it is on."""
        order = self._create_order(lines=[])
        self.company.service_invoicing = False
        self._deliver(order, (self.filter, 3))
        self._log(1.0, order=order)
        self.assertFalse(order.line_ids)
        self.company.service_invoicing = True
        self.assertEqual(order.billing_status, "to_invoice")
        self.assertEqual(order.amount_to_invoice, 115.0)

    def test_changes_before_reversal(self):
        """§7.4: an invoice made anew and refreshed bills what is there by then, at its
        cost."""
        order = self._create_order(lines=[])
        picking = self._deliver(order, (self.filter, 2))
        self._log(2.0, order=order)
        invoice = self._invoice(order, post=True)
        self._return(picking, {self.filter: 1})
        self._deliver(order, (self.valve, 1))
        self._log(-1.0, order=order)
        self._credit(invoice, modify=True)
        order.action_refresh_invoice()
        order.active_invoice_id.action_post()
        self.assertBilled(filter=1, valve=1, labor=1)
        self.assertEqual(self._get_cogs(), 20)

    def test_consolidated(self):
        """§7.4: of a consolidated invoice one order is credited and billed again."""
        orders = self._create_order(lines=[]) + self._create_order(lines=[])
        for order, quantity in zip(orders, (2, 3), strict=True):
            self._deliver(order, (self.filter, quantity))
            self._log(quantity, order=order)
        invoice = orders._create_invoices(grouped=True)
        invoice.action_post()
        self.assertEqual(len(invoice), 1)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.order_id == orders[1]
        ).unlink()
        credit_note.action_post()
        self.assertBilled(filter=3, labor=3)
        self._invoice(orders[0], post=True)
        self.assertBilled(filter=5, labor=5)
        self.assertEqual(self._get_cogs(), 40)

    def test_archived(self):
        """§7.4: products and employees that were archived since are billed."""
        order = self._create_order(lines=[])
        self._deliver(order, (self.filter, 2))
        self._log(1.0, order=order)
        (self.filter | self.labor).active = False
        self.ann.active = False
        self._invoice(order, post=True)
        self.assertBilled(filter=2, labor=1)
