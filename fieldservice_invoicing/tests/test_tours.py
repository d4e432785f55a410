# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import HttpCase, tagged

from .common import ServiceInvoicingCommon


class TourCommon(ServiceInvoicingCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()

    def _tour(self, tour, order, user):
        """What ``user`` does in a browser, beginning on the form of ``order``."""
        self.start_tour(
            f"/odoo/action-fieldservice.action_fsm_operation_order/{order.id}",
            f"fieldservice_invoicing_{tour}",
            login=user.login,
        )
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestTours(TourCommon):
    def test_dispatcher(self):
        """C1, C6, C8, C9, C11, C13, B3, F4: complete, add a line, invoice, look."""
        before = self._create_order(name="TOUR-BEFORE")
        self._invoice(before)
        order = self._create_order(name="TOUR-DISPATCH", lines=[], done=False)
        self._tour("dispatcher", order, self.dispatcher)
        self.assertEqual(order.stage_id, self.stage_completed)
        self.assertRecordValues(
            order.line_ids,
            [{"product_id": self.part.id, "quantity": 2, "price_unit": 137.5}],
        )
        self.assertRecordValues(
            order.active_invoice_id,
            [
                {
                    "state": "draft",
                    "partner_id": self.partner_a.id,
                    "amount_untaxed": 275.0,
                    "amount_tax": 57.75,
                    "amount_total": 332.75,
                    "service_tax_treatment": "default",
                }
            ],
        )
        self.assertEqual(len(order.invoice_link_ids), 1)
