# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import tagged

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestChangeOrder(ProgressCommon):
    def test_first(self):
        change = self.env["fsm.change.order"].create(
            {"order_id": self.contract.id, "title": "Drain", "reason": "Wet",
             "line_ids": [(0, 0, {"name": "Drain", "kind": "part", "amount": 500}),
                          (0, 0, {"order_line_id": self.piping.id, "amount": -1000})]}
        )
        change.action_approve()
        self.assertEqual(self.contract.contract_revised, 9500)
        self.assertEqual(change.line_ids[0].order_line_id.price_subtotal, 500)
        self.assertEqual(change.line_ids[0].order_line_id.price_total, 605)
        for m in (self.contract | self.env['fsm.order']).message_ids: print(m.body)
        print(change.message_ids.mapped('body'))
