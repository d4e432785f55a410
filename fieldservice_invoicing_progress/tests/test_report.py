# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import io

from lxml import html

from odoo import Command
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools.pdf import PdfFileReader

from odoo.addons.fieldservice_invoicing.tests.test_export import ExportCommon
from odoo.addons.fieldservice_invoicing.tests.test_report import REPORT, ReportCommon

from .test_pay_application import PayApplicationCommon


class ProgressReportCommon(PayApplicationCommon, ReportCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # as in the other documents
        cls.tax.invoice_label = "VAT 21%"

    def _get_table(self, content, name):
        """Rows of a table of the pay application, as texts of their cells."""
        rows = html.fromstring(content).xpath(f"//table[@name='{name}']/tbody/tr")
        return [
            [" ".join(cell.text_content().split()) for cell in row.xpath("td")]
            for row in rows
        ]

    def _get_summary(self, content):
        return dict(self._get_table(content, "pay_application_summary"))

    def _draw_with_all(self):
        """A second draw after a deposit, a change order and a release."""
        self._deposit(605.0, order=self.job)
        self._draw(
            1000, 0, 0, 0, order=self.job, deposit=0, stored={self.boiler: 2000.0}
        )
        self.job._release_retainage(100.0, deposit=0).action_post()
        self._create_change_order(
            (self.drain, 500.0), order=self.job, date="2026-03-02", approve=True
        )
        return self._draw(
            2500, 1000, 1500, 0, order=self.job, stored={self.boiler: 500.0}
        )


@tagged("post_install", "-at_install")
class TestProgressReport(ProgressReportCommon):
    """D10: the printed documents of contracts."""

    def test_titles(self):
        """D10: deposits, draws and releases say which one they are, drafts too, and
        their credit notes what they credit; other invoices say nothing."""
        deposit = self._deposit(605.0, order=self.job)
        draw = self._draw(1000, 0, 0, 0, order=self.job, deposit=0)
        release = self.job._release_retainage(deposit=0)
        for move, title in (
            (deposit, f"Invoice {deposit.name} – Deposit 1"),
            (draw, f"Invoice {draw.name} – Progress Draw 1"),
            (release, "Draft Invoice – Retainage Release 1"),
        ):
            self.assertEqual(self._get_title(move), title)
            self.assertIn(
                f"Service Order {self.job.name}",
                self._get_texts(self._render(move), "service_orders"),
            )
        invoice = self._invoice(post=True)
        self.assertEqual(self._get_title(invoice), f"Invoice {invoice.name}")

    def test_credit_note(self):
        """D10: the credit note of a draw names the draw, its items and the retainage
        that it gives back; it has no pay application and no percentages."""
        draw = self._draw(1000, 0, 500, 0, order=self.job)
        credit_note = draw._cancel_service_invoices("Wrong item")
        content = self._render(credit_note)
        self.assertEqual(
            self._get_title(credit_note), f"Credit Note {credit_note.name}"
        )
        self.assertEqual(
            self._get_texts(content, "service_credited_invoice"),
            [f"Credited Invoice {draw.name} Progress Draw 1"],
        )
        self.assertEqual(
            [(row[0], row[-1]) for row in self._get_rows(content)],
            [
                ("Groundwork", "$ 1,000.00"),
                ("Trench", "$ 1,000.00"),
                ("Installation", "$ 500.00"),
                ("Boiler", "$ 500.00"),
                ("Retainage", "$ -\ufeff150.00"),
            ],
        )
        self.assertFalse(self._get_texts(content, "pay_application"))
        self.assertFalse(self._get_texts(content, "percent_to_date"))
        cancelled = self._render(draw)
        self.assertEqual(len(self._get_texts(cancelled, "service_cancelled_mark")), 2)

    def test_lines(self):
        """D10: work in phases with their subtotals and what is completed to date, then
        retainage, then the deposit, in no phase and without a quantity."""
        content = self._render(self._draw_with_all())
        deposit = self.job.invoice_link_ids.filtered(
            lambda claim: claim.billing_kind == "deposit"
        )
        self.assertEqual(
            self._get_rows(content),
            [
                ["Groundwork", "$ 2,500.00"],
                ["Trench – 100.00 % to date", "1.00", "1,500.00", "VAT 21%"]
                + ["$ 1,500.00"],
                ["Drain – 50.00 % to date", "1.00", "1,000.00", "VAT 21%"]
                + ["$ 1,000.00"],
                ["Installation", "$ 0.00"],
                ["Boiler – 40.00 % to date", "1.00", "0.00", "VAT 21%", "$ 0.00"],
                ["Retainage", "", "", "", "$ -\ufeff250.00"],
                [
                    f"Deposit applied: {deposit.move_id.name}",
                    "",
                    "",
                    "VAT 21%",
                    "$ -\ufeff500.00",
                ],
            ],
        )

    def test_lines_without_phases(self):
        """D10: without phases the work goes by kind, and retainage is no kind of it."""
        draw = self._draw(1000, 600)
        self.assertEqual(
            [(row[0], row[-1]) for row in self._get_rows(self._render(draw))],
            [
                ("Labor", "$ 1,000.00"),
                ("Groundwork – 25.00 % to date", "$ 1,000.00"),
                ("Parts", "$ 600.00"),
                ("Piping – 10.00 % to date", "$ 600.00"),
                ("Retainage", "$ -\ufeff160.00"),
            ],
        )

    def test_deposit_on_whole_order(self):
        """B6, D10: the invoice of an order that is billed at once applies its deposit
        below the work, in no section."""
        self._deposit(121.0, order=self.order)
        invoice = self._invoice(deposit=121.0, post=True)
        rows = [(row[0], row[-1]) for row in self._get_rows(self._render(invoice))]
        self.assertIn(("Labor", "$ 137.50"), rows)
        self.assertNotIn("Other", dict(rows))
        self.assertEqual(rows[-1][1], "$ -\ufeff100.00")

    def test_pay_application(self):
        """B7, D10: summary, change orders and continuation sheet on one page."""
        draw = self._draw_with_all()
        content = self._render(draw)
        (text,) = self._get_texts(content, "pay_application_informations")
        for part in (self.job.name, "Plant room", "Hotel Meridian", draw.name, "10.00"):
            self.assertIn(part, text)
        self.assertEqual(
            self._get_summary(content),
            {
                "Original Contract": "$ 10,000.00",
                "Net Change by Change Orders": "$ 500.00",
                "Contract Sum to Date": "$ 10,500.00",
                "Total Completed and Stored to Date": "$ 5,500.00",
                "Retainage Withheld to Date": "$ 550.00",
                "Retainage Released": "$ 100.00",
                "Less Retainage Held": "$ 450.00",
                "Total Earned less Retainage": "$ 5,050.00",
                "Less Previous Draws and Releases": "$ 2,800.00",
                "Current Payment Due": "$ 2,250.00",
                "Taxes": "$ 525.00",
                "Deposit Applied, with Taxes": "$ -\ufeff605.00",
                "Total of the Invoice": "$ 2,170.00",
                "Balance to Finish, with Retainage": "$ 5,450.00",
            },
        )
        self.assertEqual(
            self._get_table(content, "pay_application_changes"),
            [
                ["1", "03/02/2026", "Second drain", "$ 500.00"],
                ["Additions", "$ 500.00"],
                ["Deductions", "$ 0.00"],
            ],
        )
        rows = self._get_table(content, "pay_application_schedule")
        self.assertEqual(
            [row[:2] for row in rows],
            [
                ["", "Groundwork"],
                ["1", "Trench"],
                ["2", "Drain"],
                ["", "Subtotal"],
                ["", "Installation"],
                ["3", "Boiler"],
                ["4", "Pipes"],
                ["", "Subtotal"],
                ["", "Total"],
            ],
        )
        self.assertEqual(
            rows[-1][2:],
            [
                "10,500.00",
                "1,000.00",
                "4,000.00",
                "500.00",
                "5,500.00",
                "52.38",
                "5,000.00",
                "450.00",
            ],
        )

    def test_only_draws(self):
        """D10: what is no draw has no pay application, and an invoice of an order that
        is billed at once prints as it did."""
        moves = self._deposit(605.0, order=self.job)
        self._draw(1000, 0, 0, 0, order=self.job, deposit=0)
        moves += self.job._release_retainage(deposit=0) + self._invoice(post=True)
        for move in moves:
            self.assertFalse(self._get_texts(self._render(move), "pay_application"))

    def test_as_issued(self):
        """D4, D8: an issued draw prints the same text, whatever becomes of the contract
        and of the records behind it; a draft does not."""
        draw = self._draw_with_all()
        before = self._render(draw)
        self._create_change_order(
            (self.trench, 700.0), {"name": "Pump", "amount": 90.0}, order=self.job
        ).action_approve()
        self._draw(3200, 2000, 4500, 1000, order=self.job)
        self.job._release_retainage().action_post()
        self.job.line_ids.filtered("display_type").name = "New"
        self.job.with_context(tracking_disable=True).name = "New"
        self.partner_a.name = "New"
        self.location.name = "New"
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self._render(draw).splitlines(), before.splitlines())

    def test_language(self):
        """D10: numbers and dates as the customer's language writes them."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.partner_a.lang = "fr_FR"
        draw = self._draw_with_all()
        rows = self._get_table(self._render(draw), "pay_application_schedule")
        self.assertEqual("".join(rows[-1][2].split()), "10500,00")
        (change, *_sums) = self._get_table(
            self._render(draw), "pay_application_changes"
        )
        self.assertEqual(change[1], "02/03/2026")

    def test_currency_without_decimals(self):
        """D10: amounts have the decimals of the currency, percentages have two."""
        yen = self.setup_other_currency(
            "JPY", rates=[("1900-01-01", 151.7)], rounding=1.0, symbol="¥"
        )
        order = self._create_contract(
            [{"name": "Boiler", "price_unit": 333334.0}], currency_id=yen.id
        )
        content = self._render(self._draw(100001, order=order))
        (_item, total) = self._get_table(content, "pay_application_schedule")
        self.assertEqual(
            total[2:],
            ["333,334", "0", "100,001", "0", "100,001", "30.00", "233,333", "10,000"],
        )
        self.assertIn("90,001", self._get_summary(content)["Current Payment Due"])

    def test_layouts(self):
        """D10: every document layout has the pay application of the document."""
        draw = self._draw_with_all()
        for layout in self.env["report.layout"].search([]):
            with self.subTest(layout.name):
                self.company.external_report_layout_id = layout.view_id
                content = self._render(draw)
                self.assertEqual(len(self._get_texts(content, "pay_application")), 1)

    def test_many_documents(self):
        """Several documents in one print keep to themselves."""
        draw = self._draw_with_all()
        invoice = self._invoice(post=True)
        together = html.fromstring(self._render(draw + invoice)).find_class("article")
        for move, article in zip(draw + invoice, together, strict=True):
            alone = html.fromstring(self._render(move)).find_class("article")[0]
            self.assertEqual(
                article.text_content().split(), alone.text_content().split()
            )

    def test_low_rights(self):
        """Who reads the invoice prints it with its pay application, issued or not."""
        self._create_users()
        issued = self._draw_with_all()
        draft = self._draw(2500, 2000, 4500, 0, order=self.job, post=False)
        expected = [self._get_summary(self._render(move)) for move in issued + draft]
        for user in (self.dispatcher, self.accountant):
            with self.subTest(user.login):
                self.env.invalidate_all()
                report = self.env["ir.actions.report"].with_user(user)
                seen = [
                    self._get_summary(
                        report._render_qweb_html(REPORT, move.ids)[0].decode()
                    )
                    for move in issued + draft
                ]
                self.assertEqual(seen, expected)

    def test_form(self):
        """The form of the invoice says which draw it is and of which order, to
        accountants too, who read no service orders."""
        self._create_users()
        draw = self._draw(1000, 0, 0, 0, order=self.job)
        for user in (self.dispatcher, self.accountant):
            with self.subTest(user.login), Form(draw.with_user(user)) as form:
                self.assertEqual(form.progress_title, "Progress Draw 1")
                self.assertEqual(form.progress_order_id.id, self.job.id)
        read = draw.with_user(self.accountant).web_read(
            {"progress_order_id": {"fields": {"display_name": {}}}}
        )
        self.assertEqual(
            read[0]["progress_order_id"]["display_name"], self.job.display_name
        )
        self.assertFalse(self._invoice().progress_title)


@tagged("post_install", "-at_install")
class TestProgressExport(ProgressReportCommon, ExportCommon):
    def test_export(self):
        """D11: the table of deposits, draws and releases adds up, row by row, and comes
        to what the journal says."""
        yen = self.setup_other_currency(
            "JPY", rates=[("1900-01-01", 151.7)], rounding=1.0
        )
        lines = [
            {"name": "Trench", "price_unit": 3333.33},
            {
                "name": "Drain",
                "price_unit": 1234.57,
                "tax_ids": [Command.set(self.tax_6.ids)],
            },
        ]
        moves = self.env["account.move"]
        for values in ({}, {"currency_id": yen.id}):
            for tax_point in ("draw", "release"):
                self.company.service_retainage_tax_point = tax_point
                order = self._create_contract(lines, **values)
                moves += self._deposit(700.0, order=order)
                moves += self._draw(1111, 777, order=order, deposit=333)
                moves += self._draw(3333, 1234, order=order)
                release = order._release_retainage(123.0)
                release.action_post()
                moves += release
        last = moves[-2]
        moves += self._credit(last)
        rows = self._read_csv(moves)
        self.assertEqual(len(rows), len(moves))
        for row in rows:
            move = moves.filtered(lambda move, row=row: move.name == row["Number"])
            self._check_row(row, move)

    def _check_row(self, row, move):
        sign = -1 if move.move_type == "out_refund" else 1
        for suffix, untaxed, tax, total in (
            (
                "",
                sign * move.amount_untaxed,
                sign * move.amount_tax,
                sign * move.amount_total,
            ),
            (
                " (company currency)",
                move.amount_untaxed_signed,
                move.amount_tax_signed,
                move.amount_total_signed,
            ),
        ):
            for label, amount in (("Untaxed", untaxed), ("Tax", tax), ("Total", total)):
                self.assertAlmostEqual(float(row[label + suffix]), amount, 2)
            for label, amount in (("Base ", untaxed), ("Tax ", tax)):
                names = [
                    name
                    for name in row
                    if name.startswith(label)
                    and name != f"Tax{suffix}"
                    and ("(company currency)" in name) == bool(suffix)
                ]
                by_rate = sum(float(row[name] or 0.0) for name in names)
                self.assertAlmostEqual(by_rate, amount, 2, f"{label} {move.name}")
        journal = sum(
            move.line_ids.filtered(lambda line: line.display_type == "tax").mapped(
                "balance"
            )
        )
        self.assertAlmostEqual(float(row["Tax (company currency)"]), -journal, 2)


@tagged("post_install", "-at_install")
class TestProgressPortal(ProgressReportCommon, HttpCase):
    def test_portal(self):
        """D10: the customer opens and downloads the draw with its pay application; no
        other customer does."""
        draw = self._draw_with_all()
        expected = self._get_summary(self._render(draw))
        for login, partner in (("customer", self.partner_a), ("other", self.partner_b)):
            user = new_test_user(self.env, login, groups="base.group_portal")
            user.partner_id.parent_id = partner
            draw.message_subscribe(user.partner_id.ids) if login == "customer" else None
            self.authenticate(login, login)
            for report_type in ("html", "pdf"):
                response = self.url_open(
                    f"/my/invoices/{draw.id}?report_type={report_type}&download=true"
                )
                content = response.content.decode(errors="ignore")
                if login == "customer":
                    self.assertEqual(self._get_summary(content), expected)
                else:
                    self.assertNotIn("pay_application", content)


@tagged("post_install", "-at_install")
class TestProgressPdf(ProgressReportCommon, HttpCase):
    """D10: the documents by wkhtmltopdf, see `TestPdf` of the addon below."""

    def _count_pages(self, move):
        Report = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        if Report.get_wkhtmltopdf_state() == "install":
            self.skipTest("wkhtmltopdf is not installed")
        content, extension = Report._render_qweb_pdf(REPORT, move.ids)
        self.assertEqual(extension, "pdf")
        return len(PdfFileReader(io.BytesIO(content)).pages)

    def test_pages(self):
        """D10: the invoice on one page and the pay application on the next; both on
        more for many items; other documents have no second page."""
        draw = self._draw_with_all()
        for layout in self.env["report.layout"].search([]):
            with self.subTest(layout.name):
                self.company.external_report_layout_id = layout.view_id
                self.assertEqual(self._count_pages(draw), 2)
        self.assertEqual(self._count_pages(self.job._release_retainage()), 1)
        order = self._create_contract(
            [{"name": f"Item {n}", "price_unit": 1000.0} for n in range(60)]
        )
        long = self._draw(*range(100, 700, 10), order=order)
        self.assertIn(self._count_pages(long), (4, 5, 6))
