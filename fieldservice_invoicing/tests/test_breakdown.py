# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random

from odoo import Command
from odoo.tests import tagged

from .common import ServiceInvoicingCommon

KINDS = {"labor": "labor", "parts": "part", "unit": "unit", "other": "charge"}


@tagged("post_install", "-at_install")
class TestBreakdown(ServiceInvoicingCommon):
    """C9: what the dialog announces is what the invoice says, to the cent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.currencies = [cls.company.currency_id] + [
            cls.env["res.currency"].create(
                {
                    "name": f"X{decimals}",
                    "symbol": f"X{decimals}",
                    "rounding": 10**-decimals,
                    "rate_ids": [Command.create({"name": "2000-01-01", "rate": rate})],
                }
            )
            for decimals, rate in ((0, 151.37), (2, 0.8731), (3, 0.3071))
        ]
        cls.taxes = cls.env["account.tax"].create(
            [
                {"name": f"{amount} {included}", "amount": amount, **included_values}
                for amount in (0, 5.5, 6, 7.7, 21, 33.333)
                for included, included_values in (
                    ("excluded", {"price_include_override": "tax_excluded"}),
                    ("included", {"price_include_override": "tax_included"}),
                )
            ]
            + [{"name": "Eco fee", "amount": 0.37, "amount_type": "fixed"}]
        )
        cls.early = cls.env["account.payment.term"].create(
            {
                "name": "2 % within 7 days, tax always reduced",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 7,
                "early_pay_discount_computation": "mixed",
                "line_ids": [Command.create({"value": "percent", "value_amount": 100})],
            }
        )

    def _random_line(self, rng):
        product = rng.choice((self.labor, self.part))
        price = round(rng.uniform(0, 900), rng.choice((0, 2, 2, 3)))
        quantity = rng.choice((1, 2, 3, round(rng.uniform(0.01, 40), 2)))
        kind = rng.choice(("none", "percent", "amount"))
        discount = {
            "none": 0,
            "percent": rng.choice((0, 100, round(rng.uniform(0, 100), 2))),
            "amount": int(price * quantity * rng.uniform(0, 0.9)),
        }[kind]
        taxes = rng.sample(list(self.taxes), rng.choice((0, 1, 1, 1, 2)))
        return {
            "product_id": product.id,
            "kind": rng.choice(("labor", "part", "charge")),
            "quantity": quantity,
            "price_unit": price,
            "discount_type": kind,
            "discount_value": discount,
            "tax_ids": [Command.set([tax.id for tax in taxes])],
        }

    def _check(self, dialog, order, case):
        names = [f"amount_{name}" for name in ("untaxed", "tax", "total", *KINDS)]
        names += [f"tax_{name}" for name in KINDS]
        announced = {name: dialog[name] for name in names}
        dialog.action_create_draft()
        invoice = order.active_invoice_id
        said = {name: invoice[name] for name in names[:3]}
        for name, kind in KINDS.items():
            lines = invoice.invoice_line_ids.filtered(
                lambda line, kind=kind: line.fsm_order_line_id.kind == kind
            )
            said[f"amount_{name}"] = -sum(lines.mapped("amount_currency"))
        currency = invoice.currency_id
        for name, value in said.items():
            self.assertEqual(
                currency.compare_amounts(announced[name], value),
                0,
                f"case {case}, {name}: {announced[name]} announced, {value} "
                f"invoiced in {currency.name}",
            )
        if order.payment_term_id != self.early:
            taxes = sum(announced[f"tax_{name}"] for name in KINDS)
            self.assertEqual(
                currency.compare_amounts(taxes, announced["amount_tax"]), 0, case
            )

    def test_generated(self):
        """C9: 300 generated invoices: rates, included taxes, fixed taxes, discounts,
        both rounding methods, currencies with 0, 2 and 3 decimals, early payment
        discounts, tax treatments."""
        rng = random.Random(20)
        for case in range(300):
            self.company.tax_calculation_rounding_method = rng.choice(
                ("round_per_line", "round_globally")
            )
            currency = rng.choice(self.currencies)
            # Odoo itself refuses some early payment discounts in a foreign currency
            # ("The entry is not balanced."), so they stay in the company's.
            own_currency = currency == self.company.currency_id
            order = self._create_order(
                lines=[self._random_line(rng) for _i in range(rng.randint(1, 6))],
                currency_id=currency.id,
                payment_term_id=own_currency and rng.choice((False, self.early.id)),
            )
            treatment = rng.choice(("default", "default", "tax", "exempt"))
            tax = (
                rng.choice(self.taxes)
                if treatment == "tax"
                else self.env["account.tax"]
            )
            dialog = self._dialog(order, tax_treatment=treatment, tax_id=tax.id)
            if treatment == "default":
                self.assertEqual(
                    order.currency_id.compare_amounts(
                        dialog.amount_total, order.amount_total
                    ),
                    0,
                )
            self._check(dialog, order, case)
