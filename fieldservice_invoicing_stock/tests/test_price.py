# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.tests import Form, tagged

from .common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestPrice(ServiceStockCommon):
    def _price_by_cost(self, record, markup):
        record.service_part_pricing = "cost"
        record.service_part_markup = markup

    def _get_price(self, product=None):
        self._deliver(self.order, (product or self.filter, 1))
        return self._get_line(product or self.filter).price_unit

    def test_price_list(self):
        """B4: Parts have the price of the order's price list, unless told."""
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Half",
                "item_ids": [
                    Command.create(
                        {
                            "compute_price": "percentage",
                            "percent_price": 50,
                            "applied_on": "3_global",
                        }
                    )
                ],
            }
        )
        self.order.pricelist_id = pricelist
        self.assertEqual(self._get_price(), 10)
        self.assertEqual(self._get_line(self.filter).markup, 0)

    def test_company(self):
        """B4: The company prices parts by cost plus markup."""
        self._price_by_cost(self.company, 25)
        self.assertEqual(self._get_price(), 10)

    def test_category(self):
        """B4: The category's word counts before the company's, a parent's as well."""
        self._price_by_cost(self.company, 25)
        parent = self._create_category("Parent", "standard")
        self.category_standard.parent_id = parent
        self._price_by_cost(parent, 50)
        self.assertEqual(self._get_price(), 12)

    def test_product(self):
        """B4: The product's word counts first, its “price list” too."""
        self._price_by_cost(self.category_standard, 50)
        self._price_by_cost(self.pump.product_tmpl_id, 100)
        self.filter.service_part_pricing = "list"
        self.assertEqual(self._get_price(), 20)
        self.pump.tracking = "none"
        self.assertEqual(self._get_price(self.pump), 80)

    def test_setting_of_the_company(self):
        """B4: Category and product have a setting for each company."""
        other = self.setup_other_company(name="Other")["company"]
        self._price_by_cost(self.category_standard.with_company(other), 50)
        self.assertEqual(self._get_price(), 20)

    def test_labor_by_price_list(self):
        """B4: Services have no cost price."""
        self._price_by_cost(self.company, 25)
        self.order.line_ids = [Command.create({"product_id": self.labor.id})]
        self.assertEqual(self.order.line_ids.price_unit, 55)

    def test_typed_part(self):
        """B4: A part that is typed in has the cost of its product."""
        self._price_by_cost(self.company, 25)
        self.order.line_ids = [
            Command.create({"product_id": self.filter.id, "quantity": 2})
        ]
        self.assertEqual(self.order.line_ids.price_unit, 10)

    def test_edited_markup(self):
        """B4: Another markup on the line is another price, while it is not typed."""
        self._price_by_cost(self.company, 25)
        self._deliver(self.order, (self.filter, 1))
        line = self._get_line(self.filter)
        line.markup = 50
        self.assertEqual(line.price_unit, 12)
        line.price_unit = 99
        line.markup = 10
        self.assertEqual(line.price_unit, 99)

    def test_markup_on_the_form(self):
        """B4: The price follows the markup before the line is saved."""
        self._price_by_cost(self.company, 25)
        self._deliver(self.order, (self.filter, 1))
        view = "fieldservice_invoicing.fsm_order_line_view_form"
        with Form(self._get_line(self.filter), view) as form:
            form.markup = 50
            self.assertEqual(form.price_unit, 12)
        self.assertEqual(self._get_line(self.filter).price_unit, 12)

    def test_price_by_hand(self):
        """B4: A price by hand stays when more is delivered."""
        self._price_by_cost(self.company, 25)
        self._deliver(self.order, (self.filter, 1))
        line = self._get_line(self.filter)
        line.price_unit = 99
        self._deliver(self.order, (self.filter, 1))
        self.assertEqual((line.quantity, line.price_unit), (2, 99))

    def test_cost_of_the_moves(self):
        """B4: The cost is that of what was delivered, not today's."""
        self._price_by_cost(self.company, 100)
        part = self._create_part("Fifo", 50.0, category=self.category_fifo)
        self._receive(part, 1, 10)
        self._receive(part, 5, 20)
        self._deliver(self.order, (part, 1))
        line = self._get_line(part)
        self.assertEqual(line.price_unit, 20)
        self._deliver(self.order, (part, 1))
        self.assertEqual(line.price_unit, 30, "twice the average of 10 and 20")
        part.standard_price = 77
        self.order._follow_sources()
        self.assertEqual(line.price_unit, 30)

    def test_cost_of_lots(self):
        """B4: With a valuation by lot each lot has its own cost and price."""
        self._price_by_cost(self.company, 50)
        self.pump.lot_valuated = True
        self.pump.categ_id = self.category_average
        cheap, dear = self._create_lot(self.pump, "A"), self._create_lot(self.pump, "B")
        self._receive(self.pump, 1, 10, cheap)
        self._receive(self.pump, 1, 30, dear)
        self._deliver(self.order, (self.pump, 2, cheap | dear))
        self.assertEqual(self._get_line(self.pump, lot=cheap).price_unit, 15)
        self.assertEqual(self._get_line(self.pump, lot=dear).price_unit, 45)

    def test_consigned(self):
        """B4: What belongs to someone else was not valued: the product's cost."""
        self._price_by_cost(self.company, 25)
        picking = self._create_delivery(self.order, (self.filter, 1))
        picking.move_line_ids.owner_id = self.partner_b
        picking._action_done()
        line = self._get_line(self.filter)
        self.assertEqual(line._get_delivered_cost(), 0)
        self.assertEqual(line.price_unit, 10)

    def test_partly_consigned(self):
        """B4: What was not valued does not lower the cost of what was."""
        self._price_by_cost(self.company, 25)
        picking = self._create_delivery(self.order, (self.filter, 3))
        picking.move_line_ids.owner_id = self.partner_b
        picking._action_done()
        self._deliver(self.order, (self.filter, 1))
        line = self._get_line(self.filter)
        self.assertEqual(line.quantity, 4)
        self.assertEqual(line.price_unit, 10)

    def test_unit_of_measure(self):
        """B4: Costs are per unit of the product, prices per unit of the line."""
        self._price_by_cost(self.company, 25)
        dozen = self.env.ref("uom.product_uom_dozen")
        self.order.line_ids = [
            Command.create({"product_id": self.filter.id, "product_uom_id": dozen.id})
        ]
        self.assertEqual(self.order.line_ids.price_unit, 120)

    def test_currency(self):
        """B4: The cost is converted to the order's currency."""
        self._price_by_cost(self.company, 25)
        currency = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        self.order.currency_id = currency
        self.assertEqual(self._get_price(), 20)

    def test_tax_included(self):
        """B4: The cost has no tax: a tax in the price comes on top of it."""
        self._price_by_cost(self.company, 25)
        self.tax.price_include_override = "tax_included"
        self.assertAlmostEqual(self._get_price(), 12.1)
        self.assertAlmostEqual(self._get_line(self.filter).price_subtotal, 10)
        invoice = self._invoice()
        self.assertAlmostEqual(invoice.amount_untaxed, 10)

    def test_invoiced_price_stays(self):
        """Never 3: The price of a billed part does not move any more."""
        self._price_by_cost(self.company, 25)
        part = self._create_part("Fifo", 50.0, category=self.category_fifo)
        self._receive(part, 1, 10)
        self._receive(part, 5, 20)
        self._deliver(self.order, (part, 1))
        self._invoice(post=True)
        self._deliver(self.order, (part, 1))
        self.assertEqual(self._get_line(part).price_unit, 12.5)
