# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import tagged

from .common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestLineCost(ServiceStockCommon):
    """F5: parts cost what left the stock for them."""

    def test_standard(self):
        """F5: 3 filters at a standard cost of 8."""
        self._deliver(self.order, (self.filter, 3))
        line = self._get_line(self.filter)
        self.assertRecordValues(line, [{"purchase_price": 8.0, "cost": 24.0}])
        self.assertEqual(self.order.cost, 24.0)

    def test_first_in_first_out(self):
        """F5: 2 bought at 10 and 3 at 12, of which 4 are delivered: 2·10 + 2·12."""
        product = self._create_part("Belt", 50.0, category=self.category_fifo)
        self._receive(product, 2, 10.0)
        self._receive(product, 3, 12.0)
        picking = self._deliver(self.order, (product, 4))
        line = self._get_line(product)
        self.assertRecordValues(line, [{"purchase_price": 11.0, "cost": 44.0}])
        product.standard_price = 99.0
        self.assertEqual(line.cost, 44.0, "what was delivered has its cost")
        self._return(picking, {product: 1})
        self.assertRecordValues(line, [{"quantity": 3.0}])
        self.assertAlmostEqual(line.cost, line.purchase_price * 3)

    def test_manual_part(self):
        """F5: a part that is typed in costs what the product does."""
        line = self.env["fsm.order.line"].create(
            {"order_id": self.order.id, "product_id": self.filter.id, "quantity": 2}
        )
        self.assertRecordValues(line, [{"purchase_price": 8.0, "cost": 16.0}])
