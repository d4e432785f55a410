# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random

from odoo.tests import tagged

from .common import GeneratedOrdersCommon


@tagged("post_install", "-at_install")
class TestBatchTotals(GeneratedOrdersCommon):
    """What the dialog of many orders announces is what their invoices come to."""

    def _create_random_orders(self, rng):
        """Some orders, of which several can share an invoice."""
        currencies = [self.currencies[0], rng.choice(self.currencies)]
        orders = self.env["fsm.order"]
        for _i in range(rng.randint(2, 6)):
            currency = rng.choice(currencies)
            # in other currencies Odoo makes some early payments with unbalanced cents
            is_own = currency == self.company.currency_id
            order = self._create_order(
                lines=[self._random_line(rng) for _j in range(rng.randint(1, 4))],
                currency_id=currency.id,
                payment_term_id=is_own and rng.choice((False, self.early.id)),
            )
            self._discount_whole(rng, order)
            if order.discount_type == "percent":
                order.discount_value = rng.choice((5, 12.5))
            orders += order
        return orders

    def _get_totals(self, invoices):
        """The same of invoices as the dialog's: dict by currency."""
        return {
            currency.id: [
                currency.round(sum(moves.mapped(name)))
                for name in ("amount_untaxed", "amount_tax", "amount_total")
            ]
            for currency, moves in invoices.grouped("currency_id").items()
        }

    def _check(self, rng, grouped):
        orders = self._create_random_orders(rng)
        orders.flush_recordset()
        wizard = self.env["service.invoice.batch.wizard"].create(
            {"order_ids": orders.ids, "grouped": grouped}
        )
        announced = {
            total["currency_id"]: [total[name] for name in ("untaxed", "tax", "total")]
            for total in wizard.totals
        }
        count = wizard.invoice_count
        batch = self.env["service.invoice.batch"].browse(
            wizard.action_create_invoices()["res_id"]
        )
        while batch.action_run_step()["pending_count"]:
            pass
        self.assertEqual(batch.invoice_count, count, batch.line_ids.mapped("message"))
        created = self._get_totals(batch.line_ids.move_id)
        self.assertEqual(announced.keys(), created.keys())
        for currency in self.env["res.currency"].browse(created):
            for one, other in zip(
                announced[currency.id], created[currency.id], strict=True
            ):
                self.assertEqual(currency.compare_amounts(one, other), 0)

    def test_generated(self):
        """C17, C9: of 20 generated selections in several currencies, with discounts
        on the whole and early payment, consolidated and not, to the cent."""
        rng = random.Random(17)
        for case in range(20):
            method = rng.choice(("round_per_line", "round_globally"))
            self.company.tax_calculation_rounding_method = method
            with self.subTest(case=case, method=method):
                self._check(rng, grouped=bool(case % 2))
