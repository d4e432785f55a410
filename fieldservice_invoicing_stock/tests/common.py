# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, fields
from odoo.tests import Form

from odoo.addons.fieldservice_invoicing.tests.common import ServiceInvoicingCommon


class ServiceStockCommon(ServiceInvoicingCommon):
    """Parts in the warehouse of a company with perpetual valuation, to deliver."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("stock.group_stock_manager")
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company.id)], limit=1
        )
        cls.stock = cls.warehouse.lot_stock_id
        cls.customers = cls.env.ref("stock.stock_location_customers")
        cls.suppliers = cls.env.ref("stock.stock_location_suppliers")
        cls.category_standard = cls._create_category("Standard", "standard")
        cls.category_average = cls._create_category("Average", "average")
        cls.category_fifo = cls._create_category("Fifo", "fifo")
        cls.filter = cls._create_part("Filter", 20.0, cost=8.0)
        cls.pump = cls._create_part("Pump", 100.0, cost=40.0, tracking="serial")
        cls.order.line_ids.unlink()
        cls.account_expense = cls.company_data["default_account_expense"]
        cls.account_valuation = cls.company.account_stock_valuation_id

    @classmethod
    def _create_category(cls, name, cost_method, valuation="real_time"):
        return cls.env["product.category"].create(
            {
                "name": name,
                "property_cost_method": cost_method,
                "property_valuation": valuation,
            }
        )

    @classmethod
    def _create_part(cls, name, price, cost=0.0, category=None, **values):
        product = cls._create_service_product(name, "consu", price)
        product.write(
            {
                "is_storable": True,
                "categ_id": (category or cls.category_standard).id,
                "property_account_expense_id": (
                    cls.company_data["default_account_expense"].id
                ),
                **values,
            }
        )
        product.standard_price = cost
        return product

    @classmethod
    def _create_lot(cls, product, name):
        return cls.env["stock.lot"].create({"product_id": product.id, "name": name})

    @classmethod
    def _create_move(cls, product, quantity, source, target, lots=None, **values):
        move = cls.env["stock.move"].create(
            {
                "product_id": product.id,
                "product_uom": product.uom_id.id,
                "product_uom_qty": quantity,
                "location_id": source.id,
                "location_dest_id": target.id,
                "company_id": cls.company.id,
                **values,
            }
        )
        move._action_confirm()
        if lots:
            move.move_line_ids.unlink()
            move.move_line_ids = [
                Command.create(
                    {
                        "product_id": product.id,
                        "location_id": source.id,
                        "location_dest_id": target.id,
                        "picking_id": values.get("picking_id"),
                        "lot_id": lot.id,
                        "quantity": quantity / len(lots),
                    }
                )
                for lot in lots
            ]
        else:
            move.quantity = quantity
        move.picked = True
        return move

    @classmethod
    def _receive(cls, product, quantity, cost, lots=None):
        """Get parts into the warehouse at a cost of one."""
        move = cls._create_move(
            product,
            quantity,
            cls.suppliers,
            cls.stock,
            lots,
            picking_type_id=cls.warehouse.in_type_id.id,
            value_manual=cost * quantity,
            price_unit=cost,
        )
        move._action_done()
        return move

    @classmethod
    def _create_delivery(cls, order, *parts, **values):
        """A delivery ready to validate; parts are (product, quantity[, lots])."""
        picking = cls.env["stock.picking"].create(
            {
                "picking_type_id": cls.warehouse.out_type_id.id,
                "location_id": cls.stock.id,
                "location_dest_id": cls.customers.id,
                "fsm_order_id": order.id,
                **values,
            }
        )
        for product, quantity, *lots in parts:
            cls._create_move(
                product,
                quantity,
                cls.stock,
                cls.customers,
                *lots,
                picking_id=picking.id,
                picking_type_id=picking.picking_type_id.id,
            )
        return picking

    @classmethod
    def _deliver(cls, order, *parts, **values):
        picking = cls._create_delivery(order, *parts, **values)
        picking._action_done()
        return picking

    @classmethod
    def _return(cls, picking, quantities=None, to_refund=True):
        """Bring parts of a delivery back, by Odoo's dialog; quantities by product."""
        wizard = Form(
            cls.env["stock.return.picking"].with_context(
                active_ids=picking.ids, active_id=picking.id, active_model=picking._name
            )
        ).save()
        for line in wizard.product_return_moves:
            line.quantity = (quantities or {}).get(
                line.product_id, 0.0 if quantities else line.move_id.quantity
            )
            line.to_refund = to_refund
        action = wizard.action_create_returns()
        back = cls.env["stock.picking"].browse(action["res_id"])
        back.move_ids.picked = True
        back._action_done()
        return back

    def _get_line(self, product, order=None, lot=None):
        """The one order line of a delivered product and lot."""
        lines = (order or self.order).line_ids.filtered(
            lambda line: (
                line.product_id == product
                and line.quantity_source == "stock"
                and (lot is None or line.lot_id == lot)
            )
        )
        self.assertEqual(len(lines), 1)
        return lines

    def _get_cogs(self, product=None):
        """Net cost of goods sold that the company posted, by its expense account."""
        lines = self.env["account.move.line"].search(
            [
                ("display_type", "=", "cogs"),
                ("parent_state", "=", "posted"),
                ("company_id", "=", self.company.id),
                ("product_id", "in", product.ids) if product else (1, "=", 1),
            ]
        )
        expense = sum(
            lines.filtered(lambda line: line.account_id == self.account_expense).mapped(
                "balance"
            )
        )
        valuation = sum(
            lines.filtered(
                lambda line: line.account_id == self.account_valuation
            ).mapped("balance")
        )
        self.assertAlmostEqual(expense, -valuation)
        return expense

    def _credit_with(self, invoice, **values):
        """A draft credit note by Odoo's dialog, as its fields say."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create(
                {
                    "date": fields.Date.today(),
                    "journal_id": invoice.journal_id.id,
                    **values,
                }
            )
        )
        wizard.refund_moves()
        return wizard.new_move_ids
