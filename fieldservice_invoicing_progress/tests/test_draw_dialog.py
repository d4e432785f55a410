# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import Form, tagged

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestDrawDialog(ProgressCommon):
    def _open(self, action):
        """The dialog of an action, as a form."""
        return Form(self.env[action["res_model"]].with_context(**action["context"]))

    def test_create(self):
        """B7: over RPC as in the form, by percentage of the lines."""
        wizard = self.env["fsm.order.create.draw"].create(
            {"order_id": self.contract.id}
        )
        lines = wizard.line_ids
        self.assertEqual(lines.mapped("order_line_id"), self.contract.line_ids)
        lines[0].percent = 50
        self.assertRecordValues(
            wizard,
            [
                {
                    "amount_work": 2000.0,
                    "amount_retainage": -200.0,
                    "amount_total": 2220.0,
                }
            ],
        )
        wizard.action_create_draft()
