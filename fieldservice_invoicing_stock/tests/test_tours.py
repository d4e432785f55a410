# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import HttpCase, tagged

from .common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestTours(ServiceStockCommon, HttpCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_parts(self):
        """B1: a worker delivers parts on a phone, the order has its line."""
        worker = self._create_user(
            "fsi_worker", "fieldservice.group_fsm_user_own", "stock.group_stock_user"
        )
        part = self._create_part("Valve", 137.5, cost=60.0)
        self._receive(part, 5, 60.0)
        order = self._create_order(name="TOUR-WORK", lines=[], done=False)
        self.start_tour(
            f"/odoo/action-fieldservice.action_fsm_operation_order/{order.id}",
            "fieldservice_invoicing_stock_parts",
            login=worker.login,
        )
        self.env.invalidate_all()
        self.assertRecordValues(
            order.line_ids,
            [{"product_id": part.id, "quantity": 2.0, "price_unit": 137.5}],
        )
        self.assertRecordValues(
            order.line_ids.stock_move_line_ids,
            [{"state": "done", "quantity": 2.0, "create_uid": worker.id}],
        )
