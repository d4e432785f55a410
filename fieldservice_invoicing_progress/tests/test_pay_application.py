# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import Command
from odoo.tests import tagged

from .common import ProgressCommon
from .published_example import SHEET, SHEET_TOTALS

COLUMNS = (
    "scheduled",
    "previous",
    "this_period",
    "stored",
    "completed",
    "percent",
    "balance",
    "retainage",
)


class PayApplicationCommon(ProgressCommon):
    def _get_application(self, draw):
        """What the pay application of a draw says."""
        claim = draw.sudo().service_order_link_ids
        return claim._get_pay_application()

    def _get_columns(self, values):
        return tuple(values[name] for name in COLUMNS)


@tagged("post_install", "-at_install")
class TestPayApplication(PayApplicationCommon):
    """B7: the figures of the pay application that goes with a draw."""

    def test_published_sheet(self):
        """B7: a published continuation sheet (G703) of two draws comes out the same,
        column by column."""
        order = self._create_contract(
            [
                {"name": line.description, "price_unit": float(line.scheduled)}
                for line in SHEET
            ]
        )
        self._draw(*(float(line.previous) for line in SHEET), order=order)
        items = order._get_schedule_lines()
        draw = self._draw(
            *(float(line.previous + line.this_period) for line in SHEET),
            order=order,
            stored={
                item: float(line.stored)
                for item, line in zip(items, SHEET, strict=True)
            },
        )
        application = self._get_application(draw)
        (phase,) = application["phases"]
        for item, line in zip(phase["items"], SHEET, strict=True):
            self._check_columns(item, line)
        self._check_columns(application["totals"], SHEET_TOTALS)

    def _check_columns(self, columns, line):
        for name in COLUMNS:
            published = {"this_period": line.this_period, "completed": line.total}
            value = Decimal(str(columns[name]))
            # percentages are published without decimals
            value = round(value) if name == "percent" else value
            expected = published.get(name, getattr(line, name, None))
            self.assertEqual(value, expected, f"{name} of {line.description}")
