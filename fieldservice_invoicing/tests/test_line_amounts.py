# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random
from copy import deepcopy

from odoo.tests import tagged

from .common import GeneratedOrdersCommon

NAMES = ("amount_currency", "balance", "tax_tag_ids")


@tagged("post_install", "-at_install")
class TestLineAmounts(GeneratedOrdersCommon):
    """The amounts with which invoice lines are created are those that Odoo computes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tag = cls.env["account.account.tag"].create(
            {"name": "Base", "applicability": "taxes"}
        )
        base_lines = cls.taxes.invoice_repartition_line_ids.filtered(
            lambda line: line.repartition_type == "base"
        )
        base_lines.tag_ids = tag

    def _prepare_values(self, order):
        """Values (dict) of an invoice that does not claim the order."""
        order._update_amounts()
        values = order._prepare_invoice()
        values["invoice_line_ids"] = order._prepare_invoice_lines({})
        del values["service_order_link_ids"]
        return values

    def _create_random_order(self, rng):
        currency = rng.choice(self.currencies)
        order = self._create_order(
            lines=[self._random_line(rng) for _i in range(rng.randint(1, 6))],
            currency_id=currency.id,
        )
        self._discount_whole(rng, order)
        return order

    def _read(self, lines):
        """What is compared of journal items (list of dicts)."""
        return [
            {
                name: line._fields[name].convert_to_write(line[name], line)
                for name in NAMES
            }
            for line in lines
        ]

    def _round(self, values, invoice):
        """The same of values (dict) of a line of the invoice, as they are stored."""
        currencies = invoice.currency_id, invoice.company_currency_id
        amounts = [
            currency.round(values[name])
            for name, currency in zip(NAMES, currencies, strict=False)
        ]
        return dict(zip(NAMES, [*amounts, values["tax_tag_ids"]], strict=True))

    def test_generated(self):
        """C9: of 100 generated invoices the given amounts are those that Odoo finds
        without them, in both currencies and with the same tags."""
        rng = random.Random(7)
        Move = self.env["account.move"].sudo()
        for case in range(100):
            self.company.tax_calculation_rounding_method = rng.choice(
                ("round_per_line", "round_globally")
            )
            values = self._prepare_values(self._create_random_order(rng))
            given = deepcopy(values)
            Move._add_line_amounts(given)
            invoice = Move.create(values)
            lines = invoice.invoice_line_ids - invoice.invoice_line_ids.filtered(
                "is_service_discount"
            )
            given_amounts = [
                self._round(line, invoice)
                for _command, _id, line in given["invoice_line_ids"]
            ]
            self.assertEqual(
                given_amounts, self._read(lines.sorted("id")), f"case {case}"
            )

    def test_wrong_amounts(self):
        """C9: Odoo computes the amounts in any case: wrong ones have no effect."""
        rng = random.Random(11)
        for _case in range(5):
            values = self._prepare_values(self._create_random_order(rng))
            wrong = deepcopy(values)
            for _command, _id, line in wrong["invoice_line_ids"]:
                line.update({"amount_currency": -1.23, "balance": -1.11})
            right, mended = self.env["account.move"].sudo().create([values, wrong])
            self.assertEqual(self._read(mended.line_ids), self._read(right.line_ids))
            self.assertEqual(mended.amount_total, right.amount_total)
