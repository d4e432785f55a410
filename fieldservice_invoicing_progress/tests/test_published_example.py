# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.tests import tagged

from . import published_example as example
from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestPublishedExample(ProgressCommon):
    """Draws, releases and journal entries come to published figures: the sources are
    named in ``published_example``."""

    def _create_example(self, *scheduled):
        """A contract of items, pairs of a name and a Decimal, without taxes."""
        return self._create_contract(
            [
                {
                    "name": name,
                    "price_unit": float(amount),
                    "tax_ids": [Command.clear()],
                }
                for name, amount in scheduled
            ],
            retainage_percent=float(example.RETAINAGE_PERCENT),
        )

    def _draw_applications(self, order):
        """The draws (`account.move`) of the applications of the continuation sheet."""
        items = dict(zip(example.SHEET, order.line_ids, strict=True))
        completed = dict.fromkeys(example.SHEET, 0)
        draws = self.env["account.move"]
        for application in example.APPLICATIONS:
            for line in example.SHEET:
                completed[line] += application[line.item].work
            draw = order._create_draw(
                {items[line]: float(amount) for line, amount in completed.items()},
                {
                    item: float(application[line.item].stored)
                    for line, item in items.items()
                },
            )
            draw.action_post()
            draws |= draw
        return draws

    def _assert_columns(self, columns, line):
        """The columns of a pay application are those of a row of the sheet."""
        self.assertEqual(
            {name: columns[name] for name in columns.keys() & line._asdict().keys()},
            {
                "scheduled": line.scheduled,
                "previous": line.previous,
                "this_period": line.this_period,
                "stored": line.stored,
                "percent": columns["percent"],
                "balance": line.balance,
                "retainage": line.retainage,
            },
        )
        self.assertEqual(columns["completed"], line.total)
        self.assertAlmostEqual(columns["percent"], float(line.percent), delta=0.5)

    def test_continuation_sheet(self):
        """B7, B8: two real draws come to the continuation sheet, line by line: on the
        items, on the invoices and on the pay application."""
        order = self._create_example(
            *((line.description, line.scheduled) for line in example.SHEET)
        )
        draws = self._draw_applications(order)
        second = draws[1]
        for line, item in zip(example.SHEET, order.line_ids, strict=True):
            with self.subTest(line.description):
                self.assertEqual(item.amount_billed, line.total)
                self.assertEqual(item.amount_stored, line.stored)
                drawn = second.invoice_line_ids.filtered(
                    lambda aml, item=item: aml.fsm_order_line_id == item
                )
                self.assertEqual(
                    sum(drawn.mapped("price_subtotal")), line.this_period + line.stored
                )
        application = second.service_order_link_ids.sudo()._get_pay_application()
        (phase,) = application["phases"]
        for columns, line in zip(phase["items"], example.SHEET, strict=True):
            with self.subTest(line.description):
                self._assert_columns(columns, line)
        totals = example.SHEET_TOTALS
        self._assert_columns(application["totals"], totals)
        self.assertEqual(order.contract_revised, totals.scheduled)
        self.assertEqual(order.progress_billed, totals.total)
        self.assertEqual(order.balance_to_finish, totals.balance)
        self.assertEqual(order.retainage_held, totals.retainage)
        self.assertEqual(
            sum(draws.mapped("amount_total")), totals.total - totals.retainage
        )
        self.assertEqual(
            self._get_balance(self.company.service_retainage_account_id),
            totals.retainage,
        )

    def test_postings(self):
        """B8: draws that withhold and releases come to the published postings to trade
        and retainage receivables."""
        order = self._create_example(("Contract", example.CONTRACT_SUM))
        account = self.company.service_retainage_account_id
        completed = billed = retained = 0
        for draw in example.DRAWS:
            with self.subTest(draw=draw):
                moves = self.env["account.move"]
                completed += draw.work
                if draw.work:
                    moves |= self._draw(float(completed), order=order)
                if draw.released:
                    moves |= order._release_retainage(float(draw.released))
                    moves[-1].action_post()
                receivable = moves.line_ids.filtered(
                    lambda line: line.account_type == "asset_receivable"
                )
                self.assertEqual(sum(receivable.mapped("balance")), draw.receivable)
                retained += draw.retained
                self.assertEqual(self._get_balance(account), retained)
                billed += sum(moves.mapped("amount_total"))
                self.assertEqual(billed, draw.billed_to_date)
        self.assertEqual(order.progress_billed, example.CONTRACT_SUM)
        self.assertEqual(order.retainage_held, 0.0)
        self.assertEqual(order.billing_status, "invoiced")
