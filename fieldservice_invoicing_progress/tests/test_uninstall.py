# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import tagged

from ..hooks import uninstall_hook
from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestUninstall(ProgressCommon):
    def test_nothing_is_billed_twice(self):
        """Without the addon a contract is not on the list to invoice, and its lines
        have the prices that were agreed last."""
        draw = self._draw(1000, 0)
        self._create_change_order(
            {"order_line_id": self.piping.id, "amount": 500.55}, approve=True
        )
        self.assertEqual(self.piping.price_subtotal, 6500.55)
        uninstall_hook(self.env(su=True))
        self.assertEqual(self.piping.price_unit, 6500.55)
        self.assertEqual(self.contract.billing_status, "marked_billed")
        self.assertIn(draw.name, self.contract.marked_billed_reason)

    def test_draft_draw(self):
        """A draw that is a draft, and has no number yet, is named as what it is."""
        self._draw(1000, 0, post=False)
        uninstall_hook(self.env(su=True))
        self.assertEqual(self.contract.billing_status, "marked_billed")
        self.assertIn("Draft Invoice", self.contract.marked_billed_reason)

    def test_deposits_are_noted(self):
        """What is paid and not applied is said on the order."""
        self._deposit(1210.0)
        uninstall_hook(self.env(su=True))
        self.assertIn("1,210.00", self.contract.message_ids[0].body)
