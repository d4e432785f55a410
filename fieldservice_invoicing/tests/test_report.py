# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
import io

from lxml import html
from PIL import Image

from odoo import Command
from odoo.tests import HttpCase, tagged
from odoo.tools.pdf import PdfFileReader

from .common import ServiceInvoicingCommon

REPORT = "account.report_invoice_with_payments"


class ReportCommon(ServiceInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "name": "Brightwater",
                "street": "Quay 86",
                "vat": "US943217650",
                "logo": cls._create_image(),
            }
        )
        cls.partner_a.write(
            {
                "name": "Hotel Meridian",
                "street": "Harbour 12",
                "country_id": cls.env.ref("base.us").id,
                "vat": "US940428759",
                "ref": "C-1042",
            }
        )
        cls.tax.invoice_label = "VAT 21%"
        cls.tax_6 = cls.env["account.tax"].create(
            {
                "name": "6%",
                "amount": 6,
                "invoice_label": "VAT 6%",
                # as some charts have it: one group for several rates
                "tax_group_id": cls.tax.tax_group_id.id,
            }
        )
        cls.location.write({"name": "Plant room", "street": "Dock 3"})
        cls.equipment = cls.env["fsm.equipment"].create({"name": "Boiler 200"})
        cls.person = cls.env["fsm.person"].create({"name": "Sam Peeters"})
        cls.work = {
            "equipment_ids": [Command.set(cls.equipment.ids)],
            "person_id": cls.person.id,
            "description": "<p>No hot water</p>",
            "resolution": "<p>Replaced the pump</p>",
        }
        cls.order = cls._create_order(**cls.work)
        cls.order.write({"signature": cls._create_image(), "signed_by": "J. Claes"})

    @classmethod
    def _create_image(cls, color="blue"):
        image = io.BytesIO()
        Image.new("RGB", (30, 10), color).save(image, "PNG")
        return base64.b64encode(image.getvalue())

    def _render(self, moves, report=REPORT):
        content = self.env["ir.actions.report"]._render_qweb_html(report, moves.ids)[0]
        return content.decode()

    def _get_texts(self, content, name):
        """Texts of the nodes called ``name``, white space apart."""
        nodes = html.fromstring(content).xpath(f"//*[@name='{name}']")
        return [" ".join(node.text_content().split()) for node in nodes]

    def _get_title(self, move):
        title = html.fromstring(self._render(move)).xpath("//h2")[0]
        return " ".join(title.text_content().split())

    def _get_rows(self, content):
        """Rows of the table of lines, as text of their cells."""
        rows = html.fromstring(content).xpath(
            "//table[@name='invoice_line_table']/tbody/tr"
        )
        return [self._get_cells(row) for row in rows]

    def _get_totals(self, content):
        rows = html.fromstring(content).xpath("//div[@id='total']//tr")
        return [self._get_cells(row) for row in rows]

    def _get_cells(self, row):
        # what a phone sees of a heading is there a second time
        return [
            " ".join(cell.text_content().split())
            for cell in row.xpath("td[not(contains(@class, 'd-md-none'))]")
        ]


@tagged("post_install", "-at_install")
class TestReport(ReportCommon):
    """D10: the printed document of service orders."""

    def test_usual_case(self):
        """D10, D7: bill-to, order, location, equipment, work, lines by section with
        their subtotals, base and tax by rate, totals; no column without use."""
        self.order.line_ids = [
            Command.create(
                {
                    "name": "Gasket",
                    "kind": "part",
                    "quantity": 2,
                    "price_unit": 10,
                    "tax_ids": [Command.set(self.tax_6.ids)],
                }
            ),
            Command.create({"name": "Call-out", "price_unit": 45}),
        ]
        invoice = self._invoice(post=True)
        content = self._render(invoice)
        for text in (
            "Hotel Meridian",
            "Harbour 12",
            "US940428759",
            "C-1042",
            "Brightwater",
            "US943217650",
            invoice.name,
        ):
            self.assertIn(text, content)
        for name, text in (
            ("service_orders", f"Service Order {self.order.name}"),
            ("service_equipment", "Equipment Boiler 200"),
            ("service_technician", "Technician Sam Peeters"),
            ("service_request", "Requested No hot water"),
            ("service_resolution", "Work Done Replaced the pump"),
            ("service_signature", "Signature J. Claes"),
        ):
            self.assertEqual(self._get_texts(content, name), [text])
        self.assertIn("Plant room", self._get_texts(content, "service_location")[0])
        self.assertIn("Dock 3", self._get_texts(content, "service_location")[0])
        rows = [(row[0], row[-1]) for row in self._get_rows(content)]
        self.assertEqual(
            rows,
            [
                ("Labor", "$ 137.50"),
                ("Labor", "$ 137.50"),
                ("Parts", "$ 295.00"),
                ("Pump", "$ 275.00"),
                ("Gasket", "$ 20.00"),
                ("Other", "$ 45.00"),
                ("Call-out", "$ 45.00"),
            ],
        )
        self.assertEqual(
            self._get_totals(content),
            [
                ["Untaxed Amount", "$ 477.50"],
                ["VAT 21% on $ 457.50", "$ 96.08"],
                ["VAT 6% on $ 20.00", "$ 1.20"],
                ["Total Tax", "$ 97.28"],
                ["Total", "$ 574.78"],
            ],
        )
        self.assertFalse(self._get_texts(content, "th_discount"))
        self.assertNotIn("service_cancelled_mark", content)

    def test_location_without_address(self):
        """A location without address is named and nothing else."""
        self.location.street = False
        content = self._render(self._invoice(post=True))
        self.assertEqual(
            self._get_texts(content, "service_location"),
            ["Service Location Plant room"],
        )

    def test_titles(self):
        """D10: a draft says so, and so does what was cancelled without a number."""
        draft = self._invoice()
        self.assertEqual(self._get_title(draft), "Draft Invoice")
        draft._cancel_service_invoices("Entered twice")
        self.assertEqual(self._get_title(draft), "Cancelled Invoice")
        invoice = self._invoice(post=True)
        self.assertEqual(self._get_title(invoice), f"Invoice {invoice.name}")
        credit_note = self._credit(invoice, post=False)
        self.assertEqual(self._get_title(credit_note), "Draft Credit Note")

    def test_other_invoices(self):
        """An invoice without service order prints as without the addon, but for a
        discount by amount, of which Odoo does not know."""
        invoice = self.init_invoice("out_invoice", products=self.part, post=True)
        invoice.invoice_line_ids.discount = 10
        with_addon = self._render(invoice)
        self.assertNotIn("service_", with_addon.split("<body", 1)[1])
        invoice.button_draft()
        invoice.invoice_line_ids.service_discount_amount = 5
        self.assertEqual(
            self._get_texts(self._render(invoice), "service_discount_amount"),
            ["Discount: $ 5.00"],
        )
        invoice.invoice_line_ids.service_discount_amount = 0
        with_addon = self._render(invoice)
        views = self.env["ir.ui.view"].search(
            [("key", "=like", "fieldservice_invoicing.%"), ("inherit_id", "!=", False)]
        )
        views.filtered(lambda view: view.type == "qweb").active = False
        without_addon = self._render(invoice)
        self.assertEqual(with_addon.split(), without_addon.split())

    def test_sections_of_the_order(self):
        """Sections that the order has are kept, and no others are made."""
        self.order.line_ids = [
            Command.create(
                {"display_type": "line_section", "name": "Visit", "sequence": 1}
            )
        ]
        rows = self._get_rows(self._render(self._invoice(post=True)))
        self.assertEqual([row[0] for row in rows], ["Visit", "Labor", "Pump"])

    def test_notes(self):
        """A note stays below its line when the lines are sorted by section."""
        self.order.line_ids = [
            Command.create({"name": "Call-out", "price_unit": 45, "sequence": 1}),
            Command.create(
                {"display_type": "line_note", "name": "By night", "sequence": 2}
            ),
        ]
        rows = self._get_rows(self._render(self._invoice(post=True)))
        self.assertEqual(
            [row[0] for row in rows],
            ["Labor", "Labor", "Parts", "Pump", "Other", "Call-out", "By night"],
        )

    def test_consolidated(self):
        """One invoice for several orders: a heading with number, location and subtotal
        above the lines of each; a section ends with its order."""
        second = self._create_order(
            lines=[
                {"display_type": "line_section", "name": "Visit"},
                {"product_id": self.labor.id, "quantity": 1},
            ],
            **self.work,
        )
        third = self._create_order()
        orders = self.order + second + third
        invoice = self._invoice(orders, grouped=True, post=False)
        invoice.invoice_line_ids = [
            Command.create({"name": "Postage", "price_unit": 5, "sequence": 1})
        ]
        invoice.action_post()
        content = self._render(invoice)
        rows = [(row[0], row[-1]) for row in self._get_rows(content) if len(row) > 1]
        headings = [f"Service Order {order.name} – Plant room" for order in orders]
        self.assertEqual(
            [(text.split(" – ", 2)[0], amount) for text, amount in rows],
            [
                (headings[0].split(" – ")[0], "$ 412.50"),
                ("Labor", "$ 137.50"),
                ("Labor", "$ 137.50"),
                ("Parts", "$ 275.00"),
                ("Pump", "$ 275.00"),
                (headings[1].split(" – ")[0], "$ 55.00"),
                ("Visit", "$ 55.00"),
                ("Labor", "$ 55.00"),
                (headings[2].split(" – ")[0], "$ 412.50"),
                ("Labor", "$ 137.50"),
                ("Labor", "$ 137.50"),
                ("Parts", "$ 275.00"),
                ("Pump", "$ 275.00"),
                ("Other", "$ 5.00"),
                ("Postage", "$ 5.00"),
            ],
        )
        self.assertTrue(rows[0][0].startswith(headings[0]))
        self.assertEqual(len(self._get_texts(content, "service_resolution")), 2)

    def test_consolidated_without_details(self):
        """An order whose details the accountant hides on the form is printed as one
        line, below its heading."""
        orders = self.order + self._create_order()
        invoice = self._invoice(orders, grouped=True, post=False)
        section = invoice.invoice_line_ids.filtered("service_heading_order_id")[0]
        section.collapse_composition = True
        invoice.action_post()
        rows = [
            (row[0].split(" – ")[0], row[-1])
            for row in self._get_rows(self._render(invoice))
            if len(row) > 1
        ]
        self.assertEqual(
            rows,
            [
                (f"Service Order {self.order.name}", "$ 412.50"),
                (self.order.name, "$ 412.50"),
                (f"Service Order {orders[1].name}", "$ 412.50"),
                ("Labor", "$ 137.50"),
                ("Labor", "$ 137.50"),
                ("Parts", "$ 275.00"),
                ("Pump", "$ 275.00"),
            ],
        )

    def test_credit_note(self):
        """A credit note names the invoice, the reason, and of several orders the one
        that it credits; the work and the signature are the invoice's."""
        second = self._create_order()
        invoice = self._invoice(self.order + second, grouped=True, post=True)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.order_id == second
        ).unlink()
        credit_note.action_post()
        content = self._render(credit_note)
        self.assertEqual(
            self._get_texts(content, "service_credited_invoice"),
            [f"Credited Invoice {invoice.name}"],
        )
        self.assertEqual(
            self._get_texts(content, "service_orders"),
            [f"Service Order {self.order.name}"],
        )
        reason = self._get_texts(content, "service_credit_reason")[0]
        self.assertIn("test", reason)
        self.assertFalse(self._get_texts(content, "service_resolution"))
        self.assertFalse(self._get_texts(content, "service_signature"))

    def test_cancelled(self):
        """D10, X6: a cancelled invoice says so across it, when and why; it asks for no
        payment. Its credit note is not marked."""
        draft = self._invoice()
        draft._cancel_service_invoices("Entered twice")
        issued = self._invoice(post=True)
        credit_note = issued._cancel_service_invoices("Wrong customer")
        for invoice, reason in ((draft, "Entered twice"), (issued, "Wrong customer")):
            content = self._render(invoice)
            self.assertEqual(
                self._get_texts(content, "service_cancelled_mark"), ["Cancelled"]
            )
            text = self._get_texts(content, "service_cancel_reason")[0]
            self.assertIn(reason, text)
        content = self._render(credit_note)
        self.assertFalse(self._get_texts(content, "service_cancelled_mark"))
        self.assertIn(
            "Wrong customer", self._get_texts(content, "service_credit_reason")[0]
        )

    def test_discount_on_the_whole(self):
        """D6: one heading says type, value and what it comes to before taxes; the rows
        below split it over the rates, and no own section of the order counts it."""
        self.order.line_ids[0].tax_ids = self.tax_6
        invoice = self._bill_with_discount(self.order, "percent", 20)
        self.assertEqual(
            self._get_rows(self._render(invoice))[-3:],
            [
                ["Discount 20 %", "$ -\ufeff82.50"],
                ["Discount 20 %", "", "", "VAT 6%", "$ -\ufeff27.50"],
                ["Discount 20 %", "", "", "VAT 21%", "$ -\ufeff55.00"],
            ],
        )
        sections = self._create_order()
        sections.line_ids = [
            Command.create(
                {"display_type": "line_section", "name": "Visit", "sequence": 1}
            )
        ]
        invoice = self._bill_with_discount(sections, "amount", 49.91)
        rows = self._get_rows(self._render(invoice))
        self.assertEqual(rows[0], ["Visit", "$ 412.50"])
        self.assertEqual(
            rows[-2:],
            [
                ["Discount $ 49.91 with taxes", "$ -\ufeff41.25"],
                ["Discount", "", "", "VAT 21%", "$ -\ufeff41.25"],
            ],
        )

    def _bill_with_discount(self, order, discount_type, value):
        """An issued invoice with a discount on the whole."""
        order.write({"discount_type": discount_type, "discount_value": value})
        return self._invoice(order, post=True)

    def test_discounts(self):
        """D5, D10: a discount column only when a line has one; percentage and amount
        both show."""
        self.order.line_ids[0].write({"discount_type": "percent", "discount_value": 10})
        content = self._render(self._invoice(post=True))
        self.assertEqual(self._get_texts(content, "th_discount"), ["Disc.%"])
        self.assertEqual(self._get_texts(content, "td_discount"), ["10.00%", ""])
        order = self._create_order()
        order.line_ids[1].write({"discount_type": "amount", "discount_value": 5})
        invoice = self._invoice(order)
        invoice.invoice_line_ids[1].discount = 20
        invoice.action_post()
        content = self._render(invoice)
        self.assertEqual(self._get_texts(content, "th_discount"), ["Disc."])
        self.assertEqual(self._get_texts(content, "td_discount"), ["", "20.00% $ 5.00"])
        self.assertIn("$ 215.00", self._get_rows(content)[3])

    def test_reverse_charge(self):
        """D9: no tax, and the fiscal position's note in the customer's language."""
        self.env["res.lang"]._activate_lang("fr_FR")
        position = self.env["account.fiscal.position"].create(
            {"name": "Reverse charge", "note": "VAT due by the customer"}
        )
        position.with_context(lang="fr_FR").note = "TVA due par le preneur"
        zero = self.env["account.tax"].create(
            {
                "name": "0% reverse charge",
                "amount": 0,
                "fiscal_position_ids": [Command.set(position.ids)],
                "original_tax_ids": [Command.set(self.tax.ids)],
            }
        )
        self.partner_a.lang = "fr_FR"
        self.order.fiscal_position_id = position
        invoice = self._invoice(post=True)
        self.assertEqual(invoice.invoice_line_ids.tax_ids, zero)
        content = self._render(invoice)
        self.assertEqual(
            self._get_texts(content, "service_fiscal_position_note"),
            ["TVA due par le preneur"],
        )
        self.assertEqual(invoice.amount_tax, 0)
        self.assertEqual(
            [row[0].split(" ")[0] for row in self._get_totals(content)][1], "0%"
        )

    def test_tax_treatment(self):
        """C8, D9: what the dialog did to the taxes is noted on the invoice, and an
        exemption is printed."""
        invoice = self._invoice(tax_treatment="exempt")
        self.assertIn("exempt", invoice.message_ids.mapped("preview")[0])
        content = self._render(invoice)
        self.assertEqual(
            self._get_texts(content, "service_tax_exempt"), ["Exempt from tax."]
        )
        invoice.action_post()
        credit_note = self._render(self._credit(invoice))
        self.assertTrue(self._get_texts(credit_note, "service_tax_exempt"))
        self.assertIn(["No tax on $ 412.50", "$ 0.00"], self._get_totals(content))
        other = self._invoice(self._create_order(), tax_treatment="tax", tax=self.tax_6)
        self.assertIn("6%", other.message_ids.mapped("preview")[0])
        content = self._render(other)
        self.assertFalse(self._get_texts(content, "service_tax_exempt"))
        self.assertIn(["VAT 6% on $ 412.50", "$ 24.75"], self._get_totals(content))
        plain = self._invoice(self._create_order())
        self.assertFalse(
            [text for text in plain.message_ids.mapped("preview") if "tax" in text]
        )

    def test_payments(self):
        """Payments and what is still due."""
        invoice = self._invoice(post=True)
        self._pay(invoice, 100)
        totals = self._get_totals(self._render(invoice))
        self.assertEqual(totals[-2][1], "$ 100.00")
        self.assertEqual(totals[-1], ["Amount Due", "$ 399.13"])

    def test_payment_terms(self):
        """Installments and an early payment discount, as the terms show them."""
        self.order.payment_term_id = self.env["account.payment.term"].create(
            {
                "name": "Twice",
                "display_on_invoice": True,
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 30}),
                    Command.create(
                        {"value": "percent", "value_amount": 70, "nb_days": 60}
                    ),
                ],
            }
        )
        content = self._render(self._invoice(post=True))
        self.assertIn("Installment of", content)
        self.assertIn("349.39", content)
        order = self._create_order()
        order.payment_term_id = self.env["account.payment.term"].create(
            {
                "name": "Early",
                "display_on_invoice": True,
                "early_discount": True,
                "discount_percentage": 10,
                "discount_days": 7,
            }
        )
        content = self._render(self._invoice(order, post=True))
        early = html.fromstring(content).xpath("//div[@id='early_payment_discount']")
        self.assertIn("449.22", early[0].text_content())

    def test_foreign_currency(self):
        """D7: Odoo's block in the company's currency, by rate as well."""
        euro = self.setup_other_currency("EUR", rates=[("2017-01-01", 2.0)])
        self.order.currency_id = euro
        content = self._render(self._invoice(post=True))
        block = html.fromstring(content).find_class("totals_taxes_company_currency")
        text = " ".join(block[0].text_content().split())
        self.assertIn("VAT 21% on $", text)

    def test_layouts(self):
        """D10: every document layout has the company's name, VAT number and logo, the
        bill-to and the document."""
        invoice = self._invoice(post=True)
        company = self.company
        company.write({"name": "Elsewhere", "vat": False, "logo": False})
        for layout in self.env["report.layout"].search([]):
            with self.subTest(layout.name):
                company.external_report_layout_id = layout.view_id
                content = self._render(invoice)
                self.assertIn("Brightwater", content)
                self.assertIn("US943217650", content)
                self.assertIn("Hotel Meridian", content)
                self.assertIn("Plant room", content)
                self.assertIn(invoice.name, content)
                logos = html.fromstring(content).xpath("//img[@alt='Logo']")
                self.assertEqual(len(logos), 1)

    def test_many_documents(self):
        """Several documents in one print keep to themselves."""
        invoice = self._invoice(post=True)
        self.company.vat = "US940428759"
        other = self.init_invoice("out_invoice", products=self.part, post=True)
        second = self._invoice(self._create_order(), post=True)
        together = self._render(invoice + other + second)
        articles = html.fromstring(together).find_class("article")
        for move, article in zip(invoice + other + second, articles, strict=True):
            alone = html.fromstring(self._render(move)).find_class("article")[0]
            self.assertEqual(
                article.text_content().split(), alone.text_content().split()
            )

    def test_as_issued(self):
        """D4, D8: an issued invoice prints the same text, whatever becomes of the
        records behind it."""
        order, company, partner = self.order, self.company, self.partner_a
        self.env["res.lang"]._activate_lang("fr_FR")
        state = self.env["res.country.state"].create(
            {"name": "Old State", "code": "OS", "country_id": partner.country_id.id}
        )
        partner.state_id = state
        bank = self.env["res.partner.bank"].create(
            {"acc_number": "123456", "partner_id": company.partner_id.id}
        )
        term = self.env["account.payment.term"].create(
            {
                "name": "Early",
                "note": "Old terms",
                "display_on_invoice": True,
                "early_discount": True,
                "discount_percentage": 10,
                "discount_days": 7,
            }
        )
        position = self.env["account.fiscal.position"].create(
            {"name": "Old", "note": "Old note", "foreign_vat": False}
        )
        order.write({"payment_term_id": term.id, "fiscal_position_id": position.id})
        invoice = self._invoice()
        invoice.partner_bank_id = bank
        invoice.action_post()
        credit_note = self._credit(invoice)
        documents = invoice + credit_note
        before = [self._render(document) for document in documents]
        self.assertIn("Old note", before[0])

        partner.write(
            {
                "name": "New",
                "street": "New",
                "vat": False,
                "ref": "New",
                "lang": "fr_FR",
                "state_id": False,
                "country_id": self.env.ref("base.jp").id,
                "active": False,
            }
        )
        self.env.ref("base.us").write({"name": "New", "vat_label": "New"})
        state.name = "New"
        company.write(
            {
                "name": "New",
                "street": "New",
                "vat": False,
                "logo": self._create_image("red"),
                "report_header": "New",
                "report_footer": "New",
                "company_details": "New",
            }
        )
        term.write({"note": "New", "display_on_invoice": False, "active": False})
        position.write({"name": "New", "note": "New", "active": False})
        self.tax.tax_group_id.name = "New"
        self.tax.write({"name": "New", "invoice_label": "New", "amount": 7})
        self.tax.active = False
        bank.acc_number = "999999"
        order.line_ids.product_uom_id.name = "New"
        self.part.write({"name": "New", "active": False})
        order.line_ids.kind = "charge"
        order.write(
            {
                "name": "New",
                "description": "New",
                "resolution": "New",
                "signature": self._create_image("red"),
                "signed_by": "New",
                "person_id": False,
            }
        )
        order.location_id.write({"name": "New", "street": "New"})
        self.equipment.name = "New"
        self.person.name = "New"
        self.env.flush_all()
        self.env.invalidate_all()

        for document, content in zip(documents, before, strict=True):
            self.assertEqual(self._render(document).splitlines(), content.splitlines())

    def test_low_rights(self):
        """Who reads the invoice prints it, whatever else they may see."""
        self._create_users()
        invoice = self._invoice(post=True)
        content = self._render(invoice)
        for user in (self.dispatcher, self.accountant):
            with self.subTest(user.login):
                self.env.invalidate_all()
                report = self.env["ir.actions.report"].with_user(user)
                seen = report._render_qweb_html(REPORT, invoice.ids)[0].decode()
                self.assertEqual(self._get_rows(seen), self._get_rows(content))
                self.assertIn("Replaced the pump", seen)


@tagged("post_install", "-at_install")
class TestPortal(ReportCommon, HttpCase):
    def test_portal(self):
        """D4, D10: the customer's page shows the same document, as issued."""
        invoice = self._invoice(post=True)
        self.order.resolution = "New"
        response = self.url_open(invoice.get_portal_url(report_type="html"))
        content = response.content.decode()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(
            self._get_texts(content, "service_resolution"),
            ["Work Done Replaced the pump"],
        )
        rows = self._get_rows(self._render(invoice))
        self.assertEqual(self._get_rows(content), rows)


@tagged("post_install", "-at_install")
class TestPdf(ReportCommon, HttpCase):
    """D10: the document by wkhtmltopdf, which gets its style sheets by HTTP.

    Without the patched Qt its text is drawn, and can not be read from the file.
    """

    def _get_pages(self, move):
        """What the pages of the PDF draw (list of bytes)."""
        Report = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        if Report.get_wkhtmltopdf_state() == "install":
            self.skipTest("wkhtmltopdf is not installed")
        content, extension = Report._render_qweb_pdf(REPORT, move.ids)
        self.assertEqual(extension, "pdf")
        pages = PdfFileReader(io.BytesIO(content)).pages
        return [page.get_contents().get_data() for page in pages]

    def test_one_page(self):
        """One page for the usual case, in every layout; more for many lines."""
        self.order.line_ids = [Command.create({"name": "Call-out", "price_unit": 45})]
        invoice = self._invoice(post=True)
        for layout in self.env["report.layout"].search([]):
            with self.subTest(layout.name):
                self.company.external_report_layout_id = layout.view_id
                self.assertEqual(len(self._get_pages(invoice)), 1)
        lines = [{"product_id": self.part.id, "quantity": 1}] * 60
        long = self._invoice(self._create_order(lines), post=True)
        self.assertIn(len(self._get_pages(long)), (2, 3, 4))

    def test_every_state_prints(self):
        """Any saved document prints."""
        draft = self._invoice()
        self.assertTrue(self._get_pages(draft))
        draft._cancel_service_invoices("Entered twice")
        self.assertTrue(self._get_pages(draft))
        invoice = self._invoice(post=True)
        self.assertTrue(self._get_pages(self._credit(invoice, post=False)))

    def test_as_issued(self):
        """D4: printed again, an invoice looks as it did."""
        invoice = self._invoice(post=True)
        before = self._get_pages(invoice)
        self.partner_a.name = "New"
        self.tax.invoice_label = "New"
        self.order.resolution = "New"
        self.assertEqual(self._get_pages(invoice), before)
        draft = self._invoice(self._create_order())
        before = self._get_pages(draft)
        self.partner_a.name = "Newer"
        self.assertNotEqual(self._get_pages(draft), before)
