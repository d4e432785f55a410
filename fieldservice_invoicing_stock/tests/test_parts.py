# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestParts(ServiceStockCommon):
    def test_delivered(self):
        """B1: A done delivery is an order line, with product, quantity and price."""
        picking = self._create_delivery(self.order, (self.filter, 3))
        self.assertFalse(self.order.line_ids)
        picking._action_done()
        line = self._get_line(self.filter)
        self.assertEqual(line.quantity, 3)
        self.assertEqual(line.product_uom_id, self.filter.uom_id)
        self.assertEqual(line.kind, "part")
        self.assertEqual(line.price_subtotal, 60)
        self.assertEqual(line.stock_move_line_ids, picking.move_line_ids)

    def test_added_up(self):
        """B1: Further deliveries of a product add to its one line."""
        self._deliver(self.order, (self.filter, 3))
        line = self._get_line(self.filter)
        self._deliver(self.order, (self.filter, 2))
        self.assertEqual(self._get_line(self.filter), line)
        self.assertEqual(line.quantity, 5)

    def test_link_on_move_only(self):
        """B1: The link of the move counts where the transfer has none."""
        move = self._create_move(
            self.filter, 2, self.stock, self.customers, fsm_order_id=self.order.id
        )
        move._action_done()
        self.assertEqual(self._get_line(self.filter).quantity, 2)

    def test_not_to_customer(self):
        """B1: What moves inside the company is not billed."""
        shelf = self.env["stock.location"].create(
            {"name": "Shelf", "location_id": self.stock.id}
        )
        move = self._create_move(
            self.filter, 2, self.stock, shelf, fsm_order_id=self.order.id
        )
        move._action_done()
        self.assertFalse(self.order.line_ids)

    def test_consumable(self):
        """B1: Goods that are not tracked in stock count too."""
        screws = self._create_service_product("Screws", "consu", 1.0)
        self._deliver(self.order, (screws, 12))
        self.assertEqual(self._get_line(screws).quantity, 12)

    def test_unit_of_measure(self):
        """B1: Quantities are converted to the product's unit."""
        dozen = self.env.ref("uom.product_uom_dozen")
        self.filter.uom_ids = [Command.link(dozen.id)]
        move = self._create_move(
            self.filter,
            2,
            self.stock,
            self.customers,
            fsm_order_id=self.order.id,
            product_uom=dozen.id,
        )
        move._action_done()
        line = self._get_line(self.filter)
        self.assertEqual(line.quantity, 24)
        self.assertEqual(line.price_subtotal, 480)

    def test_lots(self):
        """B1: Each lot has its line, with the number in the description."""
        lots = self._create_lot(self.pump, "SN-1") | self._create_lot(self.pump, "SN-2")
        self._receive(self.pump, 2, 40, lots)
        self._deliver(self.order, (self.pump, 2, lots))
        for lot in lots:
            line = self._get_line(self.pump, lot=lot)
            self.assertEqual(line.quantity, 1)
            self.assertIn(lot.name, line.name)

    def test_lot_description_switch(self):
        """B1: The company can leave lots out of the descriptions."""
        self.company.service_lot_description = False
        lot = self._create_lot(self.pump, "SN-1")
        self._deliver(self.order, (self.pump, 1, lot))
        self.assertNotIn("SN-1", self._get_line(self.pump).name)

    def test_return(self):
        """B1: What comes back is taken off; with nothing left there is nothing to
        bill, and what was said of the part holds for the one that is sent instead."""
        picking = self._deliver(self.order, (self.filter, 3))
        self._return(picking, {self.filter: 1})
        line = self._get_line(self.filter)
        self.assertEqual(line.quantity, 2)
        line.non_billable_reason = "warranty"
        self._return(picking, {self.filter: 2})
        self.assertEqual((line.quantity, self.order.billing_status), (0, "nothing"))
        self._deliver(self.order, (self.filter, 1))
        self.assertEqual(self._get_line(self.filter), line)
        self.assertEqual((line.quantity, line.price_subtotal), (1, 0))

    def test_return_without_link(self):
        """B1: A return counts by the delivery it brings back, linked or not."""
        picking = self._deliver(self.order, (self.filter, 3))
        move = self._create_move(
            self.filter,
            1,
            self.customers,
            self.stock,
            origin_returned_move_id=picking.move_ids.id,
        )
        move._action_done()
        self.assertEqual(self._get_line(self.filter).quantity, 2)

    def test_return_not_to_refund(self):
        """B1: As on a sales order, a return may leave the quantity as it is."""
        picking = self._deliver(self.order, (self.filter, 3))
        back = self._return(picking, {self.filter: 1}, to_refund=False)
        self.assertEqual(self._get_line(self.filter).quantity, 3)
        back.move_ids.to_refund = True
        self.assertEqual(self._get_line(self.filter).quantity, 2)

    def test_never_negative(self):
        """B1: An old part that is brought back does not make a negative line."""
        move = self._create_move(
            self.filter, 1, self.customers, self.stock, fsm_order_id=self.order.id
        )
        move._action_done()
        self.assertFalse(self.order.line_ids)

    def test_corrected(self):
        """B1: The line follows the quantity of a done delivery that is corrected."""
        picking = self._deliver(self.order, (self.filter, 3))
        picking.move_line_ids.quantity = 1
        self.assertEqual(self._get_line(self.filter).quantity, 1)
        picking.move_ids.quantity = 4
        self.assertEqual(self._get_line(self.filter).quantity, 4)

    def test_lot_corrected(self):
        """B1: Another lot on a done delivery is another line."""
        lots = self._create_lot(self.pump, "SN-1") | self._create_lot(self.pump, "SN-2")
        self._receive(self.pump, 2, 40, lots)
        picking = self._deliver(self.order, (self.pump, 1, lots[0]))
        picking.move_line_ids.lot_id = lots[1]
        line = self._get_line(self.pump)
        self.assertEqual(line.lot_id, lots[1])
        self.assertEqual(line.stock_move_line_ids, picking.move_line_ids)

    def test_linked_later(self):
        """B1: A done transfer that gets its order, or another one, takes its parts."""
        other = self._create_order(lines=[])
        picking = self._deliver(self.env["fsm.order"], (self.filter, 3))
        picking.fsm_order_id = self.order
        self.assertEqual(self._get_line(self.filter).quantity, 3)
        picking.fsm_order_id = other
        self.assertFalse(self.order.line_ids)
        self.assertEqual(self._get_line(self.filter, other).quantity, 3)
        picking.fsm_order_id = False
        self.assertFalse(other.line_ids)
        self.assertFalse(picking.move_line_ids.fsm_order_line_id)

    def test_several_steps(self):
        """Never 4: Of several steps the last one counts, once, though the transfer
        that picks the parts has the order."""
        self._receive(self.filter, 5, 8)
        self.warehouse.delivery_steps = "pick_pack_ship"
        picks = self.warehouse.pick_type_id
        picking = self.env["stock.picking"].create(
            {
                "picking_type_id": picks.id,
                "location_id": self.stock.id,
                "location_dest_id": picks.default_location_dest_id.id,
                "fsm_order_id": self.order.id,
            }
        )
        move = self._create_move(
            self.filter,
            2,
            self.stock,
            picking.location_dest_id,
            picking_id=picking.id,
            picking_type_id=picks.id,
            location_final_id=self.customers.id,
        )
        steps = 0
        while move:
            self.assertFalse(self.order.line_ids)
            move.picked = True
            move.picking_id._action_done()
            move = move.move_dest_ids
            steps += 1
        self.assertEqual(steps, 3)
        self.assertEqual(self._get_line(self.filter).quantity, 2)

    def test_scrap(self):
        """Never 4: What is scrapped, here or there, changes nothing of what was
        delivered."""
        picking = self._deliver(self.order, (self.filter, 3))
        for location in self.stock, self.customers:
            self.env["stock.scrap"].create(
                {
                    "product_id": self.filter.id,
                    "scrap_qty": 1,
                    "picking_id": picking.id,
                    "location_id": location.id,
                }
            ).do_scrap()
        self.assertEqual(self._get_line(self.filter).quantity, 3)

    def test_backorder_in_dozens(self):
        """Never 4: A backorder belongs to the order too, and waits to be billed."""
        picking = self._create_delivery(self.order, (self.filter, 3))
        dozen = self.env.ref("uom.product_uom_dozen")
        picking.move_ids.write(
            {"product_uom": dozen.id, "product_uom_qty": 3, "quantity": 1}
        )
        picking._action_done()
        line = self._get_line(self.filter)
        self.assertEqual(line.quantity, 12)
        self._invoice()
        backorder = picking.backorder_ids
        self.assertEqual(backorder.fsm_order_id, self.order)
        backorder.move_ids.write({"quantity": 2, "picked": True})
        backorder._action_done()
        self.assertEqual(line.quantity, 36)
        self.assertEqual(line.qty_to_invoice, 24)

    def test_billed_in_other_transfer(self):
        """Never 4: A billed move does not go to the transfer of another order."""
        picking = self._deliver(self.order, (self.filter, 2))
        other = self._deliver(self._create_order(lines=[]), (self.filter, 1))
        self._invoice()
        move = picking.move_ids
        with self.assertRaisesRegex(UserError, "billed"), self.env.cr.savepoint():
            move.picking_id = other
        self.order.active_invoice_id._cancel_service_invoices("wrong order")
        move.picking_id = other
        self.assertFalse(sum(self.order.line_ids.mapped("quantity")))
        self.assertEqual(self._get_line(self.filter, other.fsm_order_id).quantity, 3)

    def test_billed_stays(self):
        """Never 4: Billed parts can not go to another order, the refusal says why."""
        picking = self._deliver(self.order, (self.filter, 3))
        invoice = self._invoice(post=True)
        other = self._create_order(lines=[])
        with self.assertRaises(UserError) as refusal:
            picking.fsm_order_id = other
        self.assertIn(self.order.name, str(refusal.exception))
        self.assertIn(invoice.name, str(refusal.exception))

    def test_billed_move_stays(self):
        """Never 4: The same for a move without a transfer."""
        move = self._create_move(
            self.filter, 2, self.stock, self.customers, fsm_order_id=self.order.id
        )
        move._action_done()
        self._invoice()
        other = self._create_order(lines=[])
        with self.assertRaises(UserError):
            move.fsm_order_id = other

    def test_late_part(self):
        """C16: A part delivered after billing shows as a difference."""
        self._deliver(self.order, (self.filter, 3))
        invoice = self._invoice()
        self._deliver(self.order, (self.filter, 2))
        line = self._get_line(self.filter)
        self.assertEqual((line.quantity, line.qty_invoiced), (5, 3))
        self.assertEqual(self.order.billing_difference, 40)
        self.order.action_refresh_invoice()
        self.assertEqual(invoice.amount_untaxed, 100)
        self.assertFalse(self.order.billing_difference)

    def test_returned_after_billing(self):
        """C16: What comes back after billing is to be credited; the line stays."""
        picking = self._deliver(self.order, (self.filter, 3))
        self._invoice(post=True)
        self._return(picking)
        line = self._get_line(self.filter)
        self.assertEqual((line.quantity, line.qty_invoiced), (0, 3))
        self.assertEqual(self.order.billing_difference, -60)

    def test_reading_does_not_lose(self):
        """B1: fieldservice_stock clears the link of a move when its order is read; the
        part stays, and can be billed and returned."""
        picking = self._create_delivery(self.env["fsm.order"], (self.filter, 2))
        move = picking.move_ids
        move.fsm_order_id = self.order
        picking._action_done()
        self.order.invalidate_recordset()
        self.assertEqual(self.order.delivery_count, 0)
        self.assertFalse(move.fsm_order_id)
        self.order._follow_sources()
        line = self._get_line(self.filter)
        self.assertEqual(line.quantity, 2)
        self.assertEqual(line.stock_move_line_ids, move.move_line_ids)
        back = self._create_move(
            self.filter,
            1,
            self.customers,
            self.stock,
            origin_returned_move_id=move.id,
        )
        back._action_done()
        self.assertEqual(line.quantity, 1)

    def test_collecting_does_not_write_moves(self):
        """B1: Collecting parts leaves the links of fieldservice_stock as they are."""
        picking = self._create_delivery(self.env["fsm.order"], (self.filter, 2))
        move = picking.move_ids
        move.fsm_order_id = self.order
        picking._action_done()
        self.env.invalidate_all()
        self.order._follow_sources()
        self.order.action_create_invoice()
        self._invoice(post=True)
        self.assertEqual(move.fsm_order_id, self.order)

    def test_delivery_of_a_procurement(self):
        """B1: A delivery made by a procurement for an order is linked as a whole."""
        moves = self.env["stock.move"].create(
            [
                {
                    "product_id": self.filter.id,
                    "product_uom_qty": 1,
                    "location_id": self.stock.id,
                    "location_dest_id": self.customers.id,
                    "picking_type_id": self.warehouse.out_type_id.id,
                    "fsm_order_id": self.order.id,
                }
            ]
        )
        moves._action_confirm()
        moves._assign_picking()
        self.assertEqual(moves.picking_id.fsm_order_id, self.order)

    def test_locked_line(self):
        """B1: Quantity and product of a delivered part can not be typed over."""
        self._deliver(self.order, (self.filter, 3))
        line = self._get_line(self.filter)
        for values in (
            {"quantity": 1},
            {"lot_id": False},
            {"stock_move_line_ids": [Command.clear()]},
        ):
            with self.subTest(values), self.assertRaises(UserError):
                line.write(values)
        with self.assertRaises(UserError):
            line.unlink()

    def test_other_company(self):
        """Never 4: What another company delivers is not this company's to bill."""
        other = self.setup_other_company(name="Other")["company"]
        warehouse = self.env["stock.warehouse"].search(
            [("company_id", "=", other.id)], limit=1
        )
        move = self._create_move(
            self.filter,
            2,
            warehouse.lot_stock_id,
            self.customers,
            company_id=other.id,
            fsm_order_id=self.order.id,
        )
        move._action_done()
        self.assertFalse(self.order.line_ids)

    def test_switch_off(self):
        """C2: With the switch off nothing is collected; it comes once it is on."""
        self.company.service_invoicing = False
        self._deliver(self.order, (self.filter, 3))
        self.assertFalse(self.order.line_ids)
        self.company.service_invoicing = True
        self.assertEqual(self._get_line(self.filter).quantity, 3)

    def test_language(self):
        """D4: The description speaks the bill-to's language."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.filter.with_context(lang="fr_FR").name = "Filtre"
        self.partner_a.lang = "fr_FR"
        self._deliver(self.order, (self.filter, 1))
        self.assertIn("Filtre", self._get_line(self.filter).name)

    def test_sales_order(self):
        """Never 4: What a sales order delivers is billed by the sales order."""
        if "sale_line_id" not in self.env["stock.move"]._fields:
            self.skipTest("sale_stock is not installed")
        self.env.user.group_ids += self.env.ref("sales_team.group_sale_salesman")
        sale = self.env["sale.order"].create(
            {
                "partner_id": self.partner_a.id,
                "order_line": [
                    Command.create({"product_id": self.filter.id, "product_uom_qty": 2})
                ],
            }
        )
        sale.action_confirm()
        picking = sale.picking_ids
        picking.fsm_order_id = self.order
        picking.move_ids.write({"quantity": 2, "picked": True})
        picking._action_done()
        self.assertEqual(sale.order_line.qty_delivered, 2)
        self.assertFalse(self.order.line_ids)

    def test_nothing_for_other_moves(self):
        """B1: Deliveries that belong to no order take no query more."""
        moves = self._deliver(
            self.env["fsm.order"], (self.filter, 1), (self.part, 2)
        ).move_ids
        moves._get_service_orders()
        with self.assertQueryCount(0):
            moves._get_service_orders()._follow_sources()

    def test_discount_by_amount(self):
        """D5: A discount by amount does not keep parts from coming back, before and
        after billing: it falls with the quantity."""
        picking = self._deliver(self.order, (self.filter, 3))
        line = self._get_line(self.filter)
        line.write({"discount_type": "amount", "discount_value": 45})
        self._return(picking, {self.filter: 1})
        self.assertEqual((line.quantity, line.discount_value), (2, 30))
        invoice = self._invoice(post=True)
        self._return(picking, {self.filter: 2})
        self.assertEqual(self.order.billing_difference, -invoice.amount_untaxed)

    def _count_queries(self, count):
        """Queries that collecting takes, first and again, for some orders."""
        self.company.service_invoicing = False
        orders = self.env["fsm.order"]
        for _number in range(count):
            order = self._create_order(lines=[])
            lot = self._create_lot(self.pump, order.name)
            self._receive(self.pump, 1, 30, lot)
            picking = self._deliver(order, (self.filter, 3), (self.pump, 1, lot))
            self._return(picking, {self.filter: 1})
            orders |= order
        self.company.service_invoicing = True
        self.env.flush_all()
        counts = []
        for _time in range(2):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            orders._follow_sources()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(len(orders.line_ids), 2 * count)
        return counts

    def test_query_count(self):
        """B1: Many orders take as many queries as few, lots, returns and prices by cost
        included."""
        self.company.service_part_pricing = "cost"
        self._count_queries(2)
        self.assertEqual(self._count_queries(25), self._count_queries(5))
