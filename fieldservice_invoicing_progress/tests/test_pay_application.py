# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import Command
from odoo.exceptions import UserError
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
    """A contract in two phases: groundwork of 4,000, installation of 6,000."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls._create_contract(
            [
                {"name": "Groundwork", "display_type": "line_section", "sequence": 1},
                {"name": "Trench", "price_unit": 2500.0, "sequence": 2},
                {"name": "Drain", "price_unit": 1500.0, "sequence": 3},
                {"name": "Installation", "display_type": "line_section", "sequence": 4},
                {"name": "Boiler", "price_unit": 5000.0, "sequence": 5},
                {"name": "Pipes", "price_unit": 1000.0, "sequence": 6},
            ]
        )
        cls.trench, cls.drain, cls.boiler, cls.pipes = cls.job._get_schedule_lines()

    @classmethod
    def _create_contract(cls, lines=None, **values):
        # sections have no taxes
        if lines:
            lines = [
                {**line, "tax_ids": False} if "display_type" in line else line
                for line in lines
            ]
        return super()._create_contract(lines, **values)

    def _get_application(self, draw):
        """What the pay application of a draw says."""
        return draw.sudo().service_order_link_ids._get_pay_application()

    def _get_item_rows(self, application):
        """Items of all phases, as tuples of their columns."""
        return [
            self._get_columns(item)
            for phase in application["phases"]
            for item in phase["items"]
        ]

    def _get_columns(self, values):
        return tuple(values[name] for name in COLUMNS)

    def _check_sums(self, draw):
        """Items add up to phases, these to the contract, that to the summary, and the
        summary leads to the invoice; nothing is rounded twice."""
        application = self._get_application(draw)
        summary, totals = application["summary"], application["totals"]
        for name in COLUMNS:
            if name == "percent":
                continue
            for phase in application["phases"]:
                items = self._add(item[name] for item in phase["items"])
                self.assertEqual(items, Decimal(str(phase["totals"][name])), name)
            phases = self._add(phase["totals"][name] for phase in application["phases"])
            self.assertEqual(phases, Decimal(str(totals[name])), name)
        self.assertEqual(totals["scheduled"], summary["contract"])
        self.assertEqual(totals["completed"], summary["completed"])
        self.assertEqual(totals["retainage"], summary["held"])
        self.assertEqual(
            self._add((totals["balance"], totals["retainage"])),
            Decimal(str(summary["balance"])),
        )
        bill = (summary[name] for name in ("due", "other", "taxes", "deposit"))
        self.assertEqual(self._add(bill), Decimal(str(summary["total"])))
        self.assertEqual(summary["total"], draw.amount_total)
        work = draw.invoice_line_ids.filtered(
            lambda line: line.progress_type in ("work", "retainage")
        )
        due = draw.currency_id.round(sum(work.mapped("price_subtotal")))
        self.assertEqual(summary["due"], due)
        return application

    def _add(self, amounts):
        return sum(Decimal(str(amount)) for amount in amounts)


@tagged("post_install", "-at_install")
class TestPayApplication(PayApplicationCommon):
    """B7, B8: the figures of the pay application that goes with a draw."""

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
        application = self._check_sums(draw)
        (phase,) = application["phases"]
        self.assertFalse(phase["name"])
        for item, line in zip(phase["items"], SHEET, strict=True):
            self._check_published(item, line)
        self._check_published(application["totals"], SHEET_TOTALS)

    def _check_published(self, columns, line):
        published = line._asdict()
        published["completed"] = published["total"]
        for name in COLUMNS:
            value = Decimal(str(columns[name]))
            # percentages are published without decimals
            value = round(value) if name == "percent" else value
            self.assertEqual(value, published[name], f"{name} of {line.description}")

    def test_first_draw(self):
        """B7, B8: one draw, in phases, with materials that are stored."""
        draw = self._draw(1000, 0, 0, 0, order=self.job, stored={self.boiler: 2000.0})
        application = self._check_sums(draw)
        self.assertEqual(application["number"], 1)
        self.assertEqual(application["retainage_percent"], 10.0)
        self.assertEqual(
            [
                (phase["name"], [item["name"] for item in phase["items"]])
                for phase in application["phases"]
            ],
            [
                ("Groundwork", ["Trench", "Drain"]),
                ("Installation", ["Boiler", "Pipes"]),
            ],
        )
        self.assertEqual(
            self._get_item_rows(application),
            [
                (2500.0, 0.0, 1000.0, 0.0, 1000.0, 40.0, 1500.0, 100.0),
                (1500.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1500.0, 0.0),
                (5000.0, 0.0, 0.0, 2000.0, 2000.0, 40.0, 3000.0, 200.0),
                (1000.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1000.0, 0.0),
            ],
        )
        self.assertEqual(
            self._get_columns(application["phases"][1]["totals"]),
            (6000.0, 0.0, 0.0, 2000.0, 2000.0, 33.33, 4000.0, 200.0),
        )
        self.assertEqual(
            application["summary"],
            {
                "original": 10000.0,
                "changes": 0.0,
                "contract": 10000.0,
                "completed": 3000.0,
                "withheld": 300.0,
                "released": 0.0,
                "held": 300.0,
                "earned": 2700.0,
                "previous": 0.0,
                "due": 2700.0,
                "balance": 7300.0,
                "other": 0.0,
                "taxes": 630.0,
                "deposit": 0.0,
                "total": 3330.0,
            },
        )

    def test_three_draws(self):
        """B7, B8: stored materials move to the work once they are installed; change
        orders, another retainage and a partial release show in the summary."""
        self._draw(1000, 0, 0, 0, order=self.job, stored={self.boiler: 2000.0})
        self._create_change_order(
            (self.drain, 500.0), order=self.job, date="2026-03-02", approve=True
        )
        self._create_change_order(
            (self.pipes, -200.0),
            {"name": "Pump", "amount": 150.0, "tax_ids": [Command.set(self.tax.ids)]},
            order=self.job,
            title="Fewer pipes, a pump",
            date="2026-03-09",
            approve=True,
        )
        self._create_change_order((self.drain, 9999.0), order=self.job)
        second = self._draw(
            2500,
            1000,
            1500,
            0,
            order=self.job,
            stored={self.boiler: 500.0},
            retainage_percent=5.0,
        )
        application = self._check_sums(second)
        self.assertEqual(
            self._get_item_rows(application),
            [
                (2500.0, 1000.0, 1500.0, 0.0, 2500.0, 100.0, 0.0, 193.18),
                (2000.0, 0.0, 1000.0, 0.0, 1000.0, 50.0, 1000.0, 77.27),
                (5000.0, 0.0, 1500.0, 500.0, 2000.0, 40.0, 3000.0, 154.55),
                (800.0, 0.0, 0.0, 0.0, 0.0, 0.0, 800.0, 0.0),
                (150.0, 0.0, 0.0, 0.0, 0.0, 0.0, 150.0, 0.0),
            ],
        )
        self.assertEqual(
            application["change_orders"],
            {
                "orders": [
                    {
                        "number": 1,
                        "date": "2026-03-02",
                        "title": "Second drain",
                        "amount": 500.0,
                    },
                    {
                        "number": 2,
                        "date": "2026-03-09",
                        "title": "Fewer pipes, a pump",
                        "amount": -50.0,
                    },
                ],
                "additions": 500.0,
                "deductions": -50.0,
            },
        )
        self._check_summary(
            application,
            original=10000.0,
            changes=450.0,
            contract=10450.0,
            completed=5500.0,
            withheld=425.0,
            held=425.0,
            earned=5075.0,
            previous=2700.0,
            due=2375.0,
            balance=5375.0,
        )
        self.job._release_retainage(125.0).action_post()
        third = self._draw(
            2500, 2000, 4000, 800, 150, order=self.job, stored={self.boiler: 0.0}
        )
        self._check_summary(
            self._check_sums(third),
            completed=9450.0,
            withheld=820.0,
            released=125.0,
            held=695.0,
            earned=8755.0,
            previous=5200.0,
            due=3555.0,
            balance=1695.0,
        )

    def _check_summary(self, application, **expected):
        summary = application["summary"]
        self.assertEqual({name: summary[name] for name in expected}, expected)

    def test_credited_between(self):
        """B7: what was billed before is less what was credited since, which later
        figures of the same draw do not show."""
        first = self._draw(2000, 1000, 0, 0, order=self.job)
        issued = self._get_application(first)
        self._create_change_order((self.drain, -900.0), order=self.job, approve=True)
        credit_note = self.job._create_draw({self.drain: 600.0})
        self.assertEqual(credit_note.move_type, "out_refund")
        credit_note.action_post()
        self.assertEqual(self._get_application(first), issued)
        second = self._draw(2500, 600, 0, 0, order=self.job)
        application = self._check_sums(second)
        self.assertEqual(
            self._get_item_rows(application)[:2],
            [
                (2500.0, 2000.0, 500.0, 0.0, 2500.0, 100.0, 0.0, 250.0),
                (600.0, 600.0, 0.0, 0.0, 600.0, 100.0, 0.0, 60.0),
            ],
        )
        self._check_summary(application, earned=2790.0, previous=2340.0, due=450.0)

    def test_cancelled_between(self):
        """B7: a draw that was cancelled counts for nothing in the one that takes its
        number."""
        self._draw(1000, 0, 0, 0, order=self.job)
        second = self._draw(2000, 0, 0, 0, order=self.job)
        issued = self._get_application(second)
        second._cancel_service_invoices("wrong")
        again = self._draw(1500, 0, 0, 0, order=self.job)
        application = self._check_sums(again)
        self.assertEqual(application["number"], 2)
        self._check_summary(application, previous=900.0, due=450.0)
        self.assertEqual(self._get_application(second), issued)

    def test_deposit_and_other_lines(self):
        """B6: taxes, the deposit and what was added by hand lead from the payment due
        to the total of the invoice."""
        self._deposit(605.0, order=self.job)
        draw = self._draw(2500, 0, 0, 0, order=self.job, post=False)
        draw.invoice_line_ids = [
            Command.create(
                {
                    "name": "Permit",
                    "price_unit": 80.0,
                    "tax_ids": [Command.set(self.tax.ids)],
                }
            )
        ]
        draw.action_post()
        self._check_summary(
            self._check_sums(draw),
            due=2250.0,
            other=80.0,
            taxes=541.8,
            deposit=-605.0,
            total=2266.8,
        )

    def test_tax_on_release(self):
        """B8: where the tax waits for the release, the figures before taxes are the
        same."""
        self.company.service_retainage_tax_point = "release"
        draw = self._draw(1000, 333.33, 0, 0, order=self.job)
        self._check_summary(
            self._check_sums(draw), completed=1333.33, held=133.33, due=1200.0
        )

    def test_deductive_items(self):
        """B7, B8: a deductive item takes off what is held of the others; where nothing
        is billed to share by, all items share the same."""
        order = self._create_contract(
            [
                {"name": "Boiler", "price_unit": 1000.0},
                {"name": "Old boiler, taken back", "price_unit": -500.0},
            ]
        )
        draw = self._draw(1000, -400, order=order)
        self.assertEqual(
            self._get_item_rows(self._check_sums(draw)),
            [
                (1000.0, 0.0, 1000.0, 0.0, 1000.0, 100.0, 0.0, 100.0),
                (-500.0, 0.0, -400.0, 0.0, -400.0, 80.0, -100.0, -40.0),
            ],
        )
        claim = draw.sudo().service_order_link_ids
        shares = claim._allocate_application_retainage(
            [
                item._replace(completed=Decimal(0))
                for item in claim._get_application_items()
            ],
            Decimal("0.05"),
        )
        self.assertEqual(shares, [Decimal("0.03"), Decimal("0.02")])

    def test_currency_without_decimals(self):
        """B7: in a currency without decimals every figure is whole."""
        yen = self.setup_other_currency(
            "JPY", rates=[("1900-01-01", 151.7)], rounding=1.0
        )
        order = self._create_contract(
            [
                {"name": name, "price_unit": 333334.0}
                for name in ("Trench", "Drain", "Boiler")
            ],
            currency_id=yen.id,
        )
        draw = self._draw(100001, 33333, 7, order=order)
        application = self._check_sums(draw)
        for columns in self._get_item_rows(application):
            amounts = columns[:5] + columns[6:]
            self.assertTrue(all(amount.is_integer() for amount in amounts), columns)
        self._check_summary(application, held=13334.0, due=120007.0)

    # ------------------------------------------------------------------
    # As issued
    # ------------------------------------------------------------------

    def test_draft_is_live(self):
        """D4: a draft says how the contract stands; from its issue on it says what it
        said, whatever is changed, billed or released later."""
        draw = self._draw(1000, 0, 0, 0, order=self.job, post=False)
        self._create_change_order((self.drain, 500.0), order=self.job, approve=True)
        self.job.line_ids[0].name = "Earthworks"
        application = self._get_application(draw)
        self.assertEqual(application["summary"]["contract"], 10500.0)
        self.assertEqual(application["phases"][0]["name"], "Earthworks")
        draw.action_post()
        self._create_change_order((self.drain, 700.0), order=self.job, approve=True)
        self.job.line_ids.filtered("display_type").write({"name": "New"})
        self.job.change_order_ids.invalidate_recordset()
        self._draw(2500, 1500, 0, 0, order=self.job)
        self.job._release_retainage(50.0).action_post()
        self._credit(draw, post=False)
        self.assertEqual(self._get_application(draw), application)

    def test_issued_is_kept(self):
        """D2: what is kept of an issued draw is not written again, nor read by those
        who may read the claim."""
        draw = self._draw(1000, 0, 0, 0, order=self.job)
        claim = draw.service_order_link_ids
        with self.assertRaises(UserError):
            claim.sudo().issued_pay_application = {"number": 7}
        self.assertNotIn(
            "issued_pay_application",
            claim.with_user(self._create_reader()).fields_get(),
        )

    def _create_reader(self):
        self._create_users()
        return self.dispatcher

    def test_back_to_draft(self):
        """D4: without the lock a draft says how the contract stands again."""
        self.company.service_invoice_lock = False
        draw = self._draw(1000, 0, 0, 0, order=self.job)
        draw.button_draft()
        self.assertFalse(draw.sudo().service_order_link_ids.issued_pay_application)
        self._create_change_order((self.drain, 500.0), order=self.job, approve=True)
        application = self._get_application(draw)
        self.assertEqual(application["summary"]["contract"], 10500.0)

    def test_queries(self):
        """The pay application takes the same queries for few items and many."""
        few, many = (
            self._create_contract(
                [{"name": f"Item {number}", "price_unit": 100.0}] * number
            )
            for number in (3, 30)
        )
        counts = []
        for order in (few, many):
            draw = self._draw(*[50] * len(order.line_ids), order=order, post=False)
            claim = draw.sudo().service_order_link_ids
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            # as found anew: nothing of it is to be read along
            claim.browse(claim.ids)._prepare_pay_application()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])
