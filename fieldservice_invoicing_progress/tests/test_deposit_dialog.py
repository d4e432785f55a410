# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged, users

from odoo.addons.fieldservice_invoicing.tests.common import GeneratedOrdersCommon

from .common import DialogCommon, ProgressCommon

TOTALS = ("amount_untaxed", "amount_tax", "amount_total")


@tagged("post_install", "-at_install")
class TestDepositDialog(DialogCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()

    def _get_last_invoice(self, order):
        return order.invoice_link_ids.move_id.sorted("id")[-1]

    def test_percentage(self):
        """B5: a percentage of the contract is proposed; untaxed amount, taxes and total
        are announced and invoiced."""
        with self._open_form(self.contract.action_create_deposit()) as form:
            self.assertEqual((form.amount_type, form.percent), ("percent", 30.0))
            form.percent = 20
            self.assertEqual(form.amount_total, 2420.0)
        announced = {name: form.record[name] for name in TOTALS}
        form.record.action_create_draft()
        deposit = self._get_last_invoice(self.contract)
        self.assertRecordValues(deposit, [announced])
        self.assertEqual(deposit.service_order_link_ids.slot, "deposit/1")

    def test_amount(self):
        """B5: an amount can be asked for before there is any order line."""
        order = self._create_order([], done=False)
        with self._open_form(order.action_create_deposit()) as form:
            self.assertEqual(form.amount_type, "fixed")
            form.amount = 121.0
            self.assertEqual(form.amount_untaxed, 100.0)
            form.amount_type = "percent"
            self.assertEqual(form.amount_total, 0.0)
        with self.assertRaisesRegex(UserError, "no priced order lines"):
            form.record.action_create_draft()
        form.record.amount_type = "fixed"
        form.record.action_create_draft()
        self.assertEqual(order.deposit_billed, 121.0)

    def test_bad_input(self):
        """B5: nothing, less than nothing, and more than the contract are refused."""
        action = self.contract.action_create_deposit()
        for values in (
            {"percent": 0.0},
            {"percent": 100.01},
            {"amount_type": "fixed", "amount": 0.0},
            {"amount_type": "fixed", "amount": -1.0},
            {"amount_type": "fixed", "amount": 12100.01},
        ):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self._create_dialog(action, **values).action_create_draft()
        self.assertFalse(self.contract.invoice_link_ids)

    @users("fsi_dispatcher")
    def test_as_dispatcher(self):
        """B5, C3: who may create invoices asks for deposits, posting is for others."""
        contract = self.contract.with_user(self.env.user)
        wizard = self._create_dialog(contract.action_create_deposit(), percent=10.0)
        self.assertEqual(wizard.amount_total, 1210.0)
        action = wizard.action_create_draft()
        self.assertEqual(action["type"], "ir.actions.act_window_close")
        self.assertEqual(contract.deposit_billed, 1210.0)
        with self.assertRaises(AccessError):
            wizard.action_create_and_send()

    def test_rights(self):
        """C3: others are refused, with and without the dialog."""
        for user in (self.worker, self.plain_dispatcher, self.accountant):
            with self.assertRaises(AccessError):
                self.contract.with_user(user).action_create_deposit()
            with self.assertRaises(AccessError):
                self.env["fsm.order.create.deposit"].with_user(user).create(
                    {"order_id": self.contract.id}
                )

    # ------------------------------------------------------------------
    # Applied to the invoice of an order that is billed at once
    # ------------------------------------------------------------------

    def test_invoice_at_once(self):
        """B6: the Create Invoice dialog proposes all of the deposit that is paid, and
        applies what is left in it."""
        self._deposit(121.0, order=self.order)
        wizard = self._dialog()
        self.assertRecordValues(
            wizard,
            [
                {
                    "deposit_limit": 121.0,
                    "deposit": 121.0,
                    "amount_deposit": -100.0,
                    "tax_deposit": -21.0,
                    "amount_total": 378.13,
                }
            ],
        )
        wizard.deposit = 21.01
        total = wizard.amount_total
        wizard.action_create_draft()
        self.assertEqual(total, 478.12)
        self.assertEqual(self.order.active_invoice_id.amount_total, total)
        self.assertEqual(self.order.deposit_balance, 99.99)

    def test_never_more_than_the_invoice(self):
        """B6: a deposit above the invoice is applied up to its total; more is
        refused."""
        self._deposit(1000.0, order=self.order)
        wizard = self._dialog()
        self.assertRecordValues(wizard, [{"deposit": 499.13, "amount_total": 0.0}])
        wizard.deposit = 499.14
        with self.assertRaisesRegex(UserError, "can not be applied"):
            wizard.action_create_draft()
        wizard.deposit = -1.0
        with self.assertRaisesRegex(UserError, "can not be applied"):
            wizard.action_create_draft()
        wizard.deposit = 499.13
        wizard.action_create_draft()
        self.assertEqual(self.order.active_invoice_id.amount_total, 0.0)
        self.assertEqual(self.order.deposit_balance, 500.87)

    def test_unpaid(self):
        """B6: what is not paid is not applied."""
        self._deposit(121.0, order=self.order, paid=False).action_post()
        wizard = self._dialog()
        self.assertRecordValues(wizard, [{"deposit_limit": 0.0, "deposit": 0.0}])

    def test_several_orders(self):
        """B6, C17: an order with a deposit is not invoiced among others: whether the
        deposit is applied is said in its own dialog."""
        self._deposit(121.0, order=self.order)
        orders = self.order + self._create_order()
        wizard = self._create_dialog(orders.action_create_invoice())
        self.assertEqual(wizard.refused_order_ids, self.order)
        self.assertIn("121.00 to apply", self.order.invoice_refusal)
        dialog = self.env["fsm.order.create.invoice"].create(
            {"order_ids": orders.ids, "deposit": 10.0}
        )
        with self.assertRaisesRegex(UserError, "one by one"):
            dialog.action_create_draft()

    # ------------------------------------------------------------------
    # Release of retainage
    # ------------------------------------------------------------------

    def test_release(self):
        """B8: all that is held is proposed; a part of it, and a deposit, are announced
        and invoiced."""
        self._draw(4000, 6000)
        self._deposit(121.0)
        with self._open_form(self.contract.action_release_retainage()) as form:
            self.assertEqual((form.held, form.amount), (1000.0, 1000.0))
            self.assertEqual(form.amount_total, 879.0)
            form.amount = 100.0
            self.assertEqual((form.deposit, form.amount_total), (100.0, 0.0))
            form.deposit = 50.0
            form.amount = 400.0
            self.assertEqual((form.deposit, form.amount_total), (50.0, 350.0))
        form.record.action_create_draft()
        release = self._get_last_invoice(self.contract)
        self.assertEqual(release.amount_total, 350.0)
        wizard = self._create_dialog(self.contract.action_release_retainage())
        self.assertEqual(wizard.held, 600.0)
        wizard.amount = 600.01
        self.assertEqual(wizard.amount_total, 0.0)
        with self.assertRaisesRegex(UserError, "can not be released"):
            wizard.action_create_draft()
        self.assertEqual(self.contract.retainage_held, 600.0)

    def test_release_rights(self):
        """B8: retainage is released by managers only."""
        self._draw(4000, 6000)
        for user in (self.worker, self.dispatcher, self.accountant):
            with self.assertRaises(AccessError):
                self.contract.with_user(user).action_release_retainage()
            with self.assertRaises(AccessError):
                self.env["fsm.order.release.retainage"].with_user(user).create(
                    {"order_id": self.contract.id}
                )
        contract = self.contract.with_user(self.manager)
        action = contract.action_release_retainage()
        Dialog = self.env[action["res_model"]].with_user(self.manager)
        wizard = Dialog.with_context(**action["context"]).create({})
        wizard.action_create_draft()
        self.assertEqual(contract.retainage_held, 0.0)
        with self.assertRaisesRegex(UserError, "no retainage to release"):
            contract.action_release_retainage()


@tagged("post_install", "-at_install")
class TestAnnouncedInvoice(GeneratedOrdersCommon, ProgressCommon):
    def test_announced_is_invoiced(self):
        """B6, C9: an invoice that applies a deposit comes to what the dialog announced,
        to the cent: any currency, taxes included and not, discounts on the whole,
        another tax treatment, early payment discount."""
        rng = random.Random(6)
        percents = self.taxes.filtered(lambda tax: tax.amount_type == "percent")
        for round_number in range(6):
            self.company.service_deposit_tax_point = rng.choice(("deposit", "invoice"))
            self.company.tax_calculation_rounding_method = rng.choice(
                ("round_per_line", "round_globally")
            )
            order = self._create_order(
                [
                    {
                        "name": "Item",
                        "price_unit": 500.07,
                        "tax_ids": [Command.set(self.tax.ids)],
                    },
                    *(self._random_line(rng) for _i in range(3)),
                ]
            )
            order.currency_id = rng.choice(self.currencies)
            if order.currency_id == self.company.currency_id:
                order.payment_term_id = self.early
            self._discount_whole(rng, order)
            self._deposit(rng.choice((15.0, 99.999)), "percent", order=order)
            dialog = self._dialog(
                order,
                tax_treatment=rng.choice(("default", "default", "exempt", "tax")),
                tax_id=rng.choice(percents).id,
            )
            if rng.random() < 0.3:
                dialog.deposit = order.currency_id.round(dialog.deposit * rng.random())
            announced = {name: dialog[name] for name in TOTALS}
            with self.subTest(round_number=round_number, dialog=dialog.read(TOTALS)):
                dialog.action_create_draft()
                self.assertRecordValues(order.active_invoice_id, [announced])
                order.active_invoice_id.action_post()
