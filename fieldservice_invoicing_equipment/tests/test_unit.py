# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing_equipment.hooks import uninstall_hook
from odoo.addons.fieldservice_invoicing_stock.tests.common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestUnit(ServiceStockCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lot = cls._create_lot(cls.pump, "SN-1")
        cls.equipment = cls._create_equipment(product_id=cls.pump.id, lot_id=cls.lot.id)

    @classmethod
    def _create_equipment(cls, **values):
        # names of equipment are unique
        name = f"Boiler {cls.env['fsm.equipment'].search_count([])}"
        return cls.env["fsm.equipment"].create(
            {"name": name, "company_id": cls.company.id, **values}
        )

    def _add(self, equipment=None):
        """Put equipment on the order: its unit line."""
        equipment = equipment or self.equipment
        self.order.equipment_ids = [Command.link(equipment.id)]
        return self.order.line_ids.filtered(lambda line: line.equipment_id == equipment)

    def test_product_and_serial(self):
        """C7: A unit is billed as its product, at the price list, with its serial."""
        line = self._add()
        self.assertEqual(line.product_id, self.pump)
        self.assertEqual((line.kind, line.quantity, line.price_unit), ("unit", 1, 100))
        self.assertIn("SN-1", line.name)
        self.assertIn("Boiler", line.name)

    def test_serial_only(self):
        """C7: Equipment with a serial only is billed as the product of the serial."""
        equipment = self._create_equipment(lot_id=self.lot.id)
        self.assertEqual(self._add(equipment).product_id, self.pump)

    def test_own_price(self):
        """C7: The equipment's own price counts before list and cost."""
        self.company.service_part_pricing = "cost"
        self.equipment.list_price = 250
        self.assertEqual(self._add().price_unit, 250)

    def test_without_anything(self):
        """C7: Equipment without product, serial or price is not billed."""
        self.assertFalse(self._add(self._create_equipment()))

    def test_follows_the_equipment(self):
        """C7: Another product or serial on the equipment reaches unbilled orders."""
        line = self._add()
        lot = self._create_lot(self.pump, "SN-2")
        self.equipment.lot_id = lot
        self.assertEqual(line.lot_id, lot)
        self.assertIn("SN-2", line.name)
        self.equipment.write({"product_id": self.filter.id, "lot_id": False})
        self.assertEqual((line.product_id, line.price_unit), (self.filter, 20))
        self.assertNotIn("SN-2", line.name)

    def test_product_comes_later(self):
        """C7: Equipment that gets its product later is billed then."""
        equipment = self._create_equipment()
        self._add(equipment)
        equipment.product_id = self.pump
        self.assertEqual(self.order.line_ids.product_id, self.pump)

    def test_billed_unit_stays(self):
        """Never 3: A billed unit stays what it is."""
        line = self._add()
        self._invoice(post=True)
        self.equipment.lot_id = self._create_lot(self.pump, "SN-2")
        self.order._follow_sources()
        self.assertEqual(line.lot_id, self.lot)

    def test_cost_of_the_serial(self):
        """B4: By cost, a unit has the cost of its serial where that is valued."""
        self.company.write({"service_part_pricing": "cost", "service_part_markup": 50})
        self.assertEqual(self._add().price_unit, 60)
        self.pump.lot_valuated = True
        self.lot.standard_price = 70
        self.order.line_ids.unlink()
        self.order._follow_sources()
        self.assertEqual(self.order.line_ids.price_unit, 105)

    def test_delivered_before(self):
        """Never 4: A unit that was delivered on the order is billed once, as unit, and
        costs what was delivered."""
        self._receive(self.pump, 1, 40, self.lot)
        picking = self._deliver(self.order, (self.pump, 1, self.lot), (self.filter, 2))
        self.assertEqual(len(self.order.line_ids), 2)
        line = self._add()
        self.assertEqual(len(self.order.line_ids), 2)
        self.assertEqual(
            line.stock_move_line_ids,
            picking.move_line_ids.filtered(lambda move: move.lot_id == self.lot),
        )
        invoice = self._invoice(post=True)
        self.assertEqual(invoice.amount_untaxed, 140)
        self.assertEqual(self._get_cogs(self.pump), 40)
        invoice._cancel_service_invoices("again")
        self.assertEqual(self._get_cogs(), 0)

    def test_delivered_after(self):
        """Never 4: The same when the delivery comes after the equipment, even after
        the unit was billed."""
        line = self._add()
        self._invoice()
        self._receive(self.pump, 1, 40, self.lot)
        self._deliver(self.order, (self.pump, 1, self.lot))
        self.assertEqual(self.order.line_ids, line)
        self.assertEqual(line.quantity, 1)
        self.assertFalse(self.order.billing_difference)

    def test_uninstall(self):
        """Without the addon the quantity of a delivered unit is entered again."""
        line = self._add()
        self._receive(self.pump, 1, 40, self.lot)
        self._deliver(self.order, (self.pump, 1, self.lot))
        with self.assertRaises(UserError):
            line.quantity = 2
        uninstall_hook(self.env(su=True))
        line.quantity = 2
        self.assertEqual(line.price_subtotal, 200)

    def test_left_out(self):
        """C7: Without “Include unit price” a unit that was delivered on the order is
        billed all the same, as the item it is; others are not. The dialog says so."""
        self._receive(self.pump, 1, 40, self.lot)
        self._deliver(self.order, (self.pump, 1, self.lot))
        self._add()
        self._add(self._create_equipment(list_price=500))
        wizard = self._dialog(include_unit_price=False)
        self.assertEqual(wizard.amount_untaxed, 100)
        invoice = self._invoice(include_unit_price=False)
        self.assertEqual(invoice.amount_untaxed, 100)
        self.assertEqual(self.order.amount_untaxed, 100)
        self.assertFalse(self.order.billing_difference)

    def test_returned(self):
        """C16: A delivered unit that comes back is credited."""
        line = self._add()
        self._receive(self.pump, 1, 40, self.lot)
        picking = self._deliver(self.order, (self.pump, 1, self.lot))
        invoice = self._invoice(post=True)
        self._return(picking)
        self.assertEqual(line.quantity, 0)
        self.assertEqual(self.order.billing_difference, -100)
        self._credit(invoice)
        self.assertEqual(self._get_cogs(), 0)

    def test_equipment_taken_off(self):
        """Never 4: Without its equipment on the order the delivered unit is a part."""
        self._receive(self.pump, 1, 40, self.lot)
        self._add()
        self._deliver(self.order, (self.pump, 1, self.lot))
        self.order.equipment_ids = [Command.clear()]
        line = self._get_line(self.pump)
        self.assertEqual((line.kind, line.quantity), ("part", 1))
        self.assertTrue(line.stock_move_line_ids)

    def test_delivery_taken_off(self):
        """C7: A unit whose delivery goes to another order counts one, as before."""
        line = self._add()
        self._receive(self.pump, 1, 40, self.lot)
        picking = self._deliver(self.order, (self.pump, 1, self.lot))
        other = self._create_order(lines=[])
        picking.fsm_order_id = other
        self.assertEqual((line.quantity, line.source_key), (1, False))
        self.assertFalse(line.stock_move_line_ids)
        self.assertEqual(self._get_line(self.pump, other).quantity, 1)

    def test_shared_lot(self):
        """Never 4: Two equipments of one lot do not bill its delivery twice."""
        self.pump.tracking = "lot"
        self._receive(self.pump, 2, 40, self.lot)
        self._deliver(self.order, (self.pump, 2, self.lot))
        twin = self._create_equipment(product_id=self.pump.id, lot_id=self.lot.id)
        self._add()
        self._add(twin)
        self.assertEqual(sum(self.order.line_ids.mapped("quantity")), 2)
        self.assertEqual(self._invoice().amount_untaxed, 200)

    def test_equipment_from_delivery(self):
        """C7: Equipment that fieldservice_equipment_stock makes of a delivery is
        billed once when it is put on the order."""
        self.pump.create_fsm_equipment = True
        self.warehouse.out_type_id.create_fsm_equipment = True
        lot = self._create_lot(self.pump, "SN-9")
        self._receive(self.pump, 1, 40, lot)
        self._deliver(self.order, (self.pump, 1, lot))
        self.assertEqual(self.order.line_ids.kind, "part")
        line = self._add(lot.fsm_equipment_id)
        self.assertEqual(self.order.line_ids, line)

    def test_worker(self):
        """B1: A worker without rights in stock puts equipment on the order and changes
        it; the line follows."""
        self._create_users()
        worker = self._create_user("fsi_fsm_user", "fieldservice.group_fsm_manager")
        order = self.order.with_user(worker)
        order.write({"equipment_ids": [Command.link(self.equipment.id)]})
        self.assertEqual(self.order.line_ids.lot_id, self.lot)
        self.equipment.with_user(worker).product_id = self.filter
        self.assertEqual(self.order.line_ids.product_id, self.filter)

    def test_query_count(self):
        """C7: Units of many orders take as many queries as those of few."""
        counts = []
        for number in (3, 15):
            orders = self.env["fsm.order"]
            for _order in range(number):
                order = self._create_order(lines=[])
                order.equipment_ids = self._create_equipment(
                    product_id=self.pump.id
                ) | self._create_equipment(list_price=30)
                orders |= order
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            orders._follow_sources()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(*counts)
