# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestCloseout(ServiceStockCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls.env["fsm.closeout.rule"].create(
            {
                "company_id": cls.company.id,
                "requirement": "delivery",
                "level": "blocking",
            }
        )

    def test_open_delivery(self):
        """B2: An order with an open delivery is not billed, when it is done it is."""
        self._deliver(self.order, (self.filter, 1))
        picking = self._create_delivery(self.order, (self.filter, 1))
        self.order.invalidate_recordset()
        self.assertIn("not done", self.order.closeout_blocking)
        with self.assertRaises(UserError) as refusal:
            self._invoice()
        self.assertIn(self.order.name, str(refusal.exception))
        picking._action_done()
        self.assertEqual(self._invoice().amount_untaxed, 40)

    def test_cancelled_delivery(self):
        """B2: A cancelled delivery is no obstacle."""
        self._deliver(self.order, (self.filter, 1))
        self._create_delivery(self.order, (self.filter, 1)).action_cancel()
        self.assertTrue(self._invoice())

    def test_move_without_transfer(self):
        """B2: Neither is a move that only itself names the order left out."""
        self._deliver(self.order, (self.filter, 1))
        self._create_move(
            self.filter, 1, self.stock, self.customers, fsm_order_id=self.order.id
        )
        with self.assertRaises(UserError):
            self._invoice()

    def test_warning(self):
        """B2: A rule that warns lets the order be billed."""
        self.rule.level = "warning"
        self._deliver(self.order, (self.filter, 1))
        self._create_delivery(self.order, (self.filter, 1))
        self.order.invalidate_recordset()
        self.assertTrue(self.order.closeout_warning)
        self.assertTrue(self._invoice())

    def test_many_orders(self):
        """B2: Each order of many has its own finding."""
        other = self._create_order(lines=[])
        self._create_delivery(other, (self.filter, 1))
        gaps = self.rule._get_gaps("delivery", self.order | other)
        self.assertEqual(list(gaps), [other])
