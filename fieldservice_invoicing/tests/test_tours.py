# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import HttpCase, tagged

from .common import USER, ServiceInvoicingCommon


class TourCommon(ServiceInvoicingCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.partner_a.email = "partner_a@example.com"

    def _tour(self, tour, order, user):
        """What ``user`` does in a browser, beginning on the form of ``order``."""
        self.start_tour(
            f"/odoo/action-fieldservice.action_fsm_operation_order/{order.id}",
            f"fieldservice_invoicing_{tour}",
            login=user.login,
        )
        self.env.invalidate_all()

    def _tour_batch(self, tour, user):
        """What ``user`` does in a browser, beginning on the orders to invoice.

        :return: the batch that was started, if any
        """
        self.order.name = "TOUR-BATCH"
        self.start_tour(
            "/odoo/service-orders-to-invoice",
            f"fieldservice_invoicing_{tour}",
            login=user.login,
        )
        self.env.invalidate_all()
        batches = self.env["service.invoice.batch"].sudo()
        return batches.search([("user_id", "=", user.id)])

    def _create_bad_order(self):
        """An order among those to invoice that can not be: its bill-to is archived."""
        order = self._create_order(name="TOUR-BAD", bill_to_id=self.partner_b.id)
        self.partner_b.active = False
        return order


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

    def test_accountant(self):
        """F1, F2, F3, X9: confirm, send, pay and credit from the order's card."""
        user = self._create_user(
            "fsi_service_accountant",
            "account.group_account_invoice",
            "fieldservice.group_fsm_user",
            USER,
        )
        order = self._create_order(name="TOUR-ACCOUNT")
        self._tour("accountant", order, user)
        invoice = order.invoice_link_ids.move_id
        self.assertRecordValues(
            invoice,
            [{"state": "posted", "payment_state": "paid", "amount_total": 499.13}],
        )
        self.assertRecordValues(
            invoice.matched_payment_ids, [{"amount": 499.13, "create_uid": user.id}]
        )
        self.assertRecordValues(
            invoice.reversal_move_ids,
            [{"state": "posted", "amount_total": 499.13, "create_uid": user.id}],
        )
        self.assertFalse(order.active_invoice_id)
        self.assertEqual(order.billing_status, "to_invoice")

    def test_cancel(self):
        """X2, X3, X6, X7, X8: cancel from the card and from a row, bill again."""
        order = self._create_order(name="TOUR-CANCEL")
        first = self._invoice(order, post=True)
        self._tour("cancel", order, self.manager)
        self.assertRecordValues(
            order.invoice_link_ids.move_id.sorted("id"),
            [
                {
                    "id": first.id,
                    "state": "posted",
                    "payment_state": "reversed",
                    "service_cancel_reason": "Wrong bill-to",
                    "service_cancel_user_id": self.manager.id,
                    "amount_total": 499.13,
                },
                {
                    "id": order.invoice_link_ids.move_id.sorted("id")[1].id,
                    "state": "cancel",
                    "payment_state": "not_paid",
                    "service_cancel_reason": "Billed by mistake",
                    "service_cancel_user_id": self.manager.id,
                    "amount_total": 499.13,
                },
            ],
        )
        self.assertEqual(first.reversal_move_ids.state, "posted")
        self.assertFalse(order.active_invoice_id)
        self.assertEqual(order.billing_status, "to_invoice")

    def test_manager_credits(self):
        """F2: without an accounting group, a draft credit note from the card."""
        order = self._create_order(name="TOUR-CREDIT")
        invoice = self._invoice(order, post=True)
        self._tour("manager_credit", order, self.manager)
        self.assertRecordValues(
            invoice.reversal_move_ids, [{"state": "draft", "amount_total": 499.13}]
        )
        self.assertEqual(order.active_invoice_id, invoice)

    def test_bill(self):
        """C1, C9, C11: complete an order that has its lines and bill it."""
        order = self._create_order(name="TOUR-BILL", done=False)
        self._tour("bill", order, self.dispatcher)
        self.assertRecordValues(
            order.active_invoice_id, [{"state": "draft", "amount_total": 499.13}]
        )

    def test_closeout(self):
        """B2: what is missing hides the buttons until it is there; a warning stays."""
        self.env["fsm.closeout.rule"].create(
            [
                {"requirement": requirement, "level": level, "company_id": company}
                for requirement, level, company in (
                    ("resolution", "blocking", self.company.id),
                    ("signature", "warning", self.company.id),
                )
            ]
        )
        order = self._create_order(name="TOUR-CLOSEOUT")
        self._tour("closeout", order, self.dispatcher)
        self.assertIn("Pump replaced", order.resolution)
        self.assertEqual(order.active_invoice_id.amount_total, 499.13)

    def test_batch(self):
        """C17: all on the list, consolidated: what is announced is made, in two
        currencies; the bad one is listed with its reason."""
        currency = self.setup_other_currency("EUR")
        orders = self.order + self._create_order()
        foreign = self._create_order(currency_id=currency.id)
        foreign += self._create_order(currency_id=currency.id)
        bad = self._create_bad_order()
        batch = self._tour_batch("batch", self.dispatcher)
        self.assertRecordValues(
            batch,
            [{"state": "done", "grouped": True, "user_id": self.dispatcher.id}],
        )
        self.assertEqual(len(orders.active_invoice_id), 1)
        self.assertEqual(orders.active_invoice_id.amount_total, 998.25)
        self.assertEqual(len(foreign.active_invoice_id), 1)
        self.assertEqual(foreign.active_invoice_id.currency_id, currency)
        self.assertFalse(bad.active_invoice_id)

    def test_batch_stop(self):
        """C17: a batch is stopped and continued on its screen, which bills each order
        once."""
        orders = self.order
        for _number in range(49):
            orders += self._create_order()
        batch = self._tour_batch("batch_stop", self.dispatcher)
        self.assertEqual(batch.state, "done")
        self.assertTrue(batch.end_date)
        for order in orders:
            self.assertEqual(len(order.invoice_link_ids), 1)

    def test_batch_post(self):
        """C17: who may post has the invoices posted."""
        accountant = self._create_user(
            "fsi_service_accountant",
            "account.group_account_invoice",
            "fieldservice.group_fsm_user",
            USER,
        )
        orders = self.order + self._create_order()
        self._tour_batch("batch_post", accountant)
        self.assertEqual(
            set(orders.active_invoice_id.mapped("state")),
            {"posted"},
        )
        self.assertEqual(len(orders.active_invoice_id), 2)

    def test_batch_of_one(self):
        """C17: one selected order opens the dialog of one order."""
        self.assertFalse(self._tour_batch("batch_one", self.dispatcher))
        self.assertEqual(self.order.active_invoice_id.state, "draft")

    def test_worker(self):
        """C3: without the right to invoice, order lines and nothing else."""
        order = self._create_order(name="TOUR-WORKER")
        self._tour("worker", order, self.worker)
        self.assertRecordValues(
            order.line_ids[-1],
            [
                {
                    "product_id": self.labor.id,
                    "kind": "labor",
                    "quantity": 1.5,
                    "price_unit": 55.0,
                    "create_uid": self.worker.id,
                }
            ],
        )
        self.assertEqual(len(order.line_ids), 3)
        self.assertFalse(order.invoice_link_ids)

    def test_worker_on_billed_order(self):
        """C3: the form of a billed order opens without the right to read invoices."""
        order = self._create_order(name="TOUR-BILLED")
        self._invoice(order, post=True)
        self._tour("worker_billed", order, self.worker)


@tagged("post_install", "-at_install")
class TestToursPhone(TourCommon):
    browser_size = "375x667"
    touch_enabled = True

    def test_phone(self):
        """C6, section 6: card and dialog at a phone's width."""
        order = self._create_order(name="TOUR-PHONE")
        self._tour("phone", order, self.dispatcher)
        self.assertRecordValues(
            order.active_invoice_id,
            [
                {
                    "state": "draft",
                    "amount_untaxed": 412.5,
                    "amount_tax": 0.0,
                    "service_tax_treatment": "exempt",
                }
            ],
        )

    def test_batch(self):
        """C17: select, bill and see what was not billed at a phone's width."""
        bad = self._create_bad_order()
        batch = self._tour_batch("batch_phone", self.dispatcher)
        self.assertEqual(batch.line_ids.order_id, self.order + bad)
        self.assertTrue(self.order.active_invoice_id)
        self.assertFalse(bad.active_invoice_id)

    def test_one_off(self):
        """D2, D3, D6: on a phone a dispatcher types in whom an order bills, and gives
        a discount on the whole; an accountant issues just that."""
        accountant = self._create_user(
            "fsi_service_accountant",
            "account.group_account_invoice",
            "fieldservice.group_fsm_user",
            USER,
        )
        order = self._create_order(name="TOUR-ONE-OFF")
        self._tour("one_off", order, self.dispatcher)
        invoice = order.active_invoice_id
        self.assertEqual(invoice.state, "draft")
        self._tour("one_off_posted", order, accountant)
        self.assertRecordValues(
            invoice,
            [
                {
                    "state": "posted",
                    "partner_id": self.company.service_walk_in_partner_id.id,
                    "bill_to_type": "person",
                    "bill_to_name": "Marisol Vega",
                    "bill_to_street": "300 Berry Street",
                    "service_discount_type": "percent",
                    "service_discount_value": 20.0,
                    "amount_untaxed": 330.0,
                    "amount_tax": 69.3,
                    "amount_total": 399.3,
                }
            ],
        )
        self.assertRecordValues(
            invoice._get_service_discount_lines(),
            [{"name": "Discount 20 %", "price_subtotal": -82.5}],
        )
