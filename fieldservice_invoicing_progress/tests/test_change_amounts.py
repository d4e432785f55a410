# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random

from odoo import Command
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing.tests.common import GeneratedOrdersCommon

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestChangeAmounts(GeneratedOrdersCommon, ProgressCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rates = cls.taxes.filtered(lambda tax: tax.amount_type == "percent")

    def _assert_amounts(self, currency, pairs):
        for amount, expected in pairs:
            self.assertEqual(
                currency.compare_amounts(amount, expected), 0, (amount, expected)
            )

    def _random_contract(self, rng, currency):
        lines = [
            {
                **self._random_line(rng),
                "tax_ids": [Command.set([tax.id for tax in taxes])],
            }
            for taxes in (
                rng.sample(list(self.rates), rng.choice((0, 1, 1, 2)))
                for _line in range(4)
            )
        ]
        return self._create_contract(lines, currency_id=currency.id)

    def _random_changes(self, rng, contract):
        """An amount for each item, and one for a new item."""
        currency = contract.currency_id
        for line in contract.line_ids:
            lowest = -line.price_subtotal
            amount = currency.round(rng.choice((lowest, rng.uniform(lowest, 900))))
            if amount:
                yield line, amount
        yield {
            "name": "New item",
            "kind": rng.choice(("labor", "part", "charge")),
            "amount": currency.round(rng.uniform(1, 900)),
            "tax_ids": [Command.set(contract.line_ids[0].tax_ids.ids)],
        }

    def test_exact(self):
        """B7: a change order changes the scheduled value by exactly its amount, and a
        draw bills exactly that: in currencies with 0, 2 and 3 decimals, with taxes that
        the price includes, discounts, and both ways to round."""
        rng = random.Random(20261121)
        for number in range(16):
            currency = rng.choice(self.currencies)
            self.company.tax_calculation_rounding_method = rng.choice(
                ("round_per_line", "round_globally")
            )
            contract = self._random_contract(rng, currency)
            lines = contract.line_ids
            before = {line: line.price_subtotal for line in lines}
            total = contract.contract_revised
            changes = list(self._random_changes(rng, contract))
            with self.subTest(number=number, currency=currency.name):
                change = self._create_change_order(*changes, order=contract)
                expected = total + change.amount
                self._assert_amounts(currency, [(change.contract_revised, expected)])
                change.action_approve()
                self._assert_amounts(
                    currency,
                    [
                        *(
                            (line.price_subtotal, before[line] + amount)
                            for line, amount in changes[:-1]
                        ),
                        (
                            (contract.line_ids - lines).price_subtotal,
                            changes[-1]["amount"],
                        ),
                        (contract.contract_revised, expected),
                        (contract.contract_original, total),
                        (contract.contract_changes, change.amount),
                    ],
                )
                values = contract._get_schedule_lines().mapped("price_subtotal")
                self._draw(*values, order=contract)
                self.assertTrue(contract._is_billed_in_full())
                self._assert_amounts(currency, [(contract.progress_billed, expected)])

    def test_exact_undone(self):
        """B7: what a change order adds, another one takes off to the cent, one after
        the other."""
        included = self.rates.filtered(
            lambda tax: tax.price_include_override == "tax_included"
        )
        contract = self._create_contract(
            [
                {
                    "name": "Item",
                    "kind": "part",
                    "price_unit": 33.335,
                    "quantity": 3,
                    "discount_type": "percent",
                    "discount_value": 3.33,
                    "tax_ids": [Command.set(included[-1].ids)],
                }
            ]
        )
        item = contract.line_ids
        before = item.price_subtotal, item.price_total
        for amount in (0.01, 0.02, 17.43, -0.01, -17.43):
            expected = item.price_subtotal + amount
            self._create_change_order((item, amount), order=contract, approve=True)
            self.assertAlmostEqual(item.price_subtotal, expected, 7)
        self._create_change_order((item, -0.02), order=contract, approve=True)
        self.assertEqual((item.price_subtotal, item.price_total), before)
        self._create_change_order((item, -before[0]), order=contract, approve=True)
        self.assertEqual((item.price_subtotal, item.price_total), (0, 0))

    def test_deposit(self):
        """B5, B7: a deposit is a percentage of the contract as it was changed."""
        included = self.rates.filtered(
            lambda tax: (
                tax.amount == 21 and tax.price_include_override == "tax_included"
            )
        )
        contract = self._create_contract(
            [
                {
                    "name": "Item",
                    "kind": "part",
                    "price_unit": 1210.0,
                    "tax_ids": [Command.set(included.ids)],
                }
            ]
        )
        self._create_change_order(
            (contract.line_ids, 500.0), order=contract, approve=True
        )
        self.assertEqual(contract.amount_total, 1815.0)
        deposit = self._deposit(50, "percent", order=contract)
        self.assertRecordValues(
            deposit, [{"amount_untaxed": 750.0, "amount_total": 907.5}]
        )
