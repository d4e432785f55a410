# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestAddParts(ServiceStockCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.technician = cls._create_user(
            "fsi_technician", "fieldservice.group_fsm_user", "stock.group_stock_user"
        )

    def _add_parts(self, order=None):
        """The delivery form that the button opens, for the technician."""
        order = (order or self.order).with_user(self.technician)
        action = order.with_company(self.company).action_add_parts()
        picking = self.env[action["res_model"]].with_user(self.technician)
        picking = picking.with_context(**action.get("context", {}))
        return picking.browse(action.get("res_id"))

    def test_add_parts(self):
        """B1: A technician adds parts and validates; they are lines of the order."""
        place = self.env["stock.location"].create(
            {
                "name": "Site",
                "usage": "customer",
                "location_id": self.customers.location_id.id,
            }
        )
        self.location.inventory_location_id = place
        form = Form(self._add_parts(), "stock.view_picking_form")
        with form.move_ids.new() as move:
            move.product_id = self.filter
            move.product_uom_qty = 2
        picking = form.save()
        self.assertEqual(picking.fsm_order_id, self.order)
        self.assertEqual(picking.picking_type_id, self.warehouse.out_type_id)
        self.assertEqual(picking.location_id, self.stock)
        self.assertEqual(picking.location_dest_id, place)
        self.assertEqual(picking.partner_id, self.location.partner_id)
        picking.action_confirm()
        picking.move_ids.write({"quantity": 2, "picked": True})
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertEqual(self._get_line(self.filter).quantity, 2)

    def test_open_delivery(self):
        """B1: An open delivery of the order is taken up again."""
        picking = self._create_delivery(self.order, (self.filter, 1))
        self.assertEqual(self._add_parts(), picking)
        picking._action_done()
        self.assertFalse(self._add_parts())

    def test_billed_order(self):
        """C16: Parts can be added to a billed order: they show as a difference."""
        self._deliver(self.order, (self.filter, 1))
        self._invoice()
        self.assertFalse(self._add_parts())

    def test_refused(self):
        """B1: Only for who works with stock, and while the switch is on."""
        worker = self._create_user("fsi_plain_worker", "fieldservice.group_fsm_user")
        with self.assertRaises(AccessError):
            self.order.with_user(worker).action_add_parts()
        self.company.service_invoicing = False
        with self.assertRaises(UserError):
            self._add_parts()

    def test_warehouse_of_another_company(self):
        """B1: A warehouse of another company is refused, by name."""
        other = self.setup_other_company(name="Other")["company"]
        self.order.warehouse_id = self.env["stock.warehouse"].search(
            [("company_id", "=", other.id)], limit=1
        )
        with self.assertRaises(UserError) as refusal:
            self.order.action_add_parts()
        self.assertIn(self.order.warehouse_id.name, str(refusal.exception))
