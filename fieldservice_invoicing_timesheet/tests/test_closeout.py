# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ServiceTimesheetCommon


@tagged("post_install", "-at_install")
class TestCloseout(ServiceTimesheetCommon):
    def _require(self, requirement, level="blocking"):
        self.env["fsm.closeout.rule"].create(
            {
                "company_id": self.company.id,
                "requirement": requirement,
                "level": level,
            }
        )

    def test_validated(self):
        """B2: an order with hours that are not validated is not billed, if so set."""
        self._require("timesheet")
        entries = self._log(1.0) + self._log(2.0)
        entries[0].action_validate_timesheet()
        self.assertIn("validated", self.order.closeout_blocking)
        with self.assertRaisesRegex(UserError, "validated"):
            self._invoice()
        entries.action_validate_timesheet()
        self.assertFalse(self.order.closeout_blocking)
        self.assertEqual(self._invoice().amount_untaxed, 165.0)

    def test_logged(self):
        """B2: an order without any hours warns, if so set."""
        self._require("hours", "warning")
        other = self._create_order()
        self._log(1.0)
        self.assertFalse(self.order.closeout_warning)
        self.assertIn("No hours", other.closeout_warning)
        self.assertEqual(self._invoice(other).amount_untaxed, 412.5)
