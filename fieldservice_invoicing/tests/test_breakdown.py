# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random

from odoo.tests import tagged

from .common import GeneratedOrdersCommon

KINDS = {"labor": "labor", "parts": "part", "unit": "unit", "other": "charge"}


@tagged("post_install", "-at_install")
class TestBreakdown(GeneratedOrdersCommon):
    """C9: what the dialog announces is what the invoice says, to the cent."""

    def _check(self, dialog, order, case):
        kinds = [*KINDS, "discount"]
        names = [f"amount_{name}" for name in ("untaxed", "tax", "total", *kinds)]
        names += [f"tax_{name}" for name in kinds]
        announced = {name: dialog[name] for name in names}
        dialog.action_create_draft()
        invoice = order.active_invoice_id
        said = {name: invoice[name] for name in names[:3]}
        for name, kind in KINDS.items():
            lines = invoice.invoice_line_ids.filtered(
                lambda line, kind=kind: line.fsm_order_line_id.kind == kind
            )
            said[f"amount_{name}"] = -sum(lines.mapped("amount_currency"))
        lines = invoice.invoice_line_ids.filtered("is_service_discount")
        said["amount_discount"] = -sum(lines.mapped("amount_currency"))
        currency = invoice.currency_id
        for name, value in said.items():
            self.assertEqual(
                currency.compare_amounts(announced[name], value),
                0,
                f"case {case}, {name}: {announced[name]} announced, {value} "
                f"invoiced in {currency.name}",
            )
        if order.payment_term_id != self.early:
            taxes = sum(announced[f"tax_{name}"] for name in kinds)
            self.assertEqual(
                currency.compare_amounts(taxes, announced["amount_tax"]), 0, case
            )

    def test_generated(self):
        """C9, D6: 300 generated invoices: rates, included taxes, fixed taxes, discounts
        on lines and on the whole, both rounding methods, currencies with 0, 2 and 3
        decimals, early payment discounts, tax treatments."""
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
            self._discount_whole(rng, order)
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
