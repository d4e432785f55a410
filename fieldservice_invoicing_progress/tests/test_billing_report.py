# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import tagged

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestBillingReport(ProgressCommon):
    """F5: what draws bill is work; deposits and retainage are not."""

    def _get_amounts(self, name):
        report = self.env["service.billing.report"]
        report.invalidate_model()
        rows = report.search([("order_id", "=", self.contract.id)])
        return {row.kind: row[name] for row in rows}

    def test_draws(self):
        """F5: 4,000 and 1,500 of 10,000 are billed, whatever is retained of them or
        paid by a deposit; what is left is unbilled once the order is finished."""
        self._deposit(2420.0)
        self.assertEqual(sum(self._get_amounts("amount_billed").values()), 0.0)
        self._draw(1000, 0)
        self._draw(4000, 1500)
        self.assertEqual(
            self._get_amounts("amount_billed"),
            {"labor": 4000.0, "part": 1500.0, "order": 0.0},
        )
        self.assertEqual(sum(self._get_amounts("amount_unbilled").values()), 0.0)
        self.assertEqual(sum(self._get_amounts("amount_untaxed").values()), 10000.0)
        self.contract.action_complete()
        self.assertEqual(
            self._get_amounts("amount_unbilled"),
            {"labor": 0.0, "part": 4500.0, "order": 0.0},
        )
