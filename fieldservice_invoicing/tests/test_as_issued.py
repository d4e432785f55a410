# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields
from odoo.tests import Form, tagged

from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestAsIssued(ServiceInvoicingCommon):
    """D4, D8: an issued document says what it said on the day of its issue."""

    def setUp(self):
        super().setUp()
        self.invoice = self._invoice()

    def _get_html(self, move):
        report = self.env["ir.actions.report"]
        html = report._render_qweb_html("account.report_invoice", move.ids)[0]
        return html.decode()

    def test_tax_rates(self):
        """D7: base and tax by rate sum up to the document's totals."""
        self.invoice.action_post()
        rates = self.invoice._get_tax_rates()
        self.assertEqual(sum(rate["tax"] for rate in rates), self.invoice.amount_tax)

    def test_partner(self):
        """D4: name, address, VAT number and country of the bill-to stay."""
        partner = self.invoice.partner_id
        partner.write({"street": "Old Street 1", "vat": "BE0477472701"})
        self.invoice.action_post()
        name = partner.name
        partner.write({"name": "New Name", "street": "New Street 2", "vat": False})
        issued = self.invoice._get_document_partner()
        self.assertEqual(issued.name, name)
        self.assertEqual(issued.street, "Old Street 1")
        self.assertEqual(issued.vat, "BE0477472701")
        self.assertIn("Old Street 1", issued.contact_address)
        self.assertIn("Old Street 1", self.invoice.service_bill_to)
        self.assertEqual(self.invoice.invoice_partner_display_name, name)
        self.env.flush_all()
        self.assertEqual(partner.name, "New Name")

    def test_company(self):
        """D4: name, address and logo of the company stay."""
        company = self.invoice.company_id
        name = company.name
        self.invoice.action_post()
        company.write({"name": "New Company", "report_footer": "New footer"})
        issued = self.invoice._get_document_company()
        self.assertEqual(issued.name, name)
        self.assertNotIn("New footer", issued.report_footer or "")
        self.assertEqual(f"{issued.id}", f"{company.id}")
        self.assertEqual(issued.partner_id.name, name)

    def test_order(self):
        """D4: the service order's number, location and work stay."""
        self.order.resolution = "Changed the filter"
        self.invoice.action_post()
        self.order.resolution = "Changed the pump"
        self.order.location_id.name = "Elsewhere"
        (values,) = self.invoice._get_document_orders()
        self.assertIn("filter", values["resolution"])
        self.assertNotEqual(values["location"], "Elsewhere")

    def test_back_to_draft(self):
        """D4: without the lock, a draft shows the records again."""
        self.order.write(
            {"resolution": "Changed the filter", "signature": self.company.logo}
        )
        self.invoice.company_id.service_invoice_lock = False
        self.invoice.action_post()
        self.invoice.partner_id.name = "New Name"
        self.tax.tax_group_id.name = "New Group"
        self.assertNotIn("New Group", str(self.invoice.tax_totals))
        self.invoice.button_draft()
        self.assertEqual(self.invoice._get_document_partner().name, "New Name")
        self.assertEqual(self.invoice.invoice_partner_display_name, "New Name")
        self.assertIn("New Group", str(self.invoice.tax_totals))
        self.order.write({"resolution": "Changed the pump", "signature": False})
        (values,) = self.invoice._get_document_orders()
        self.assertIn("pump", values["resolution"])
        self.assertFalse(values["signature"])
        self.invoice.invoice_date = fields.Date.today()
        self.invoice.action_post()
        self.assertEqual(self.invoice._get_document_partner().name, "New Name")

    def test_form(self):
        """D4, D8: the form of an issued invoice shows bill-to, service location and
        taxes as issued, and no contact, location or tax as it is now; that of a draft
        the other way round."""
        self.env.user.group_ids += self.env.ref(
            "account.group_delivery_invoice_address"
        )
        site = self.location.partner_id
        self.partner_a.write({"street": "Old Street 1", "vat": "BE0477472701"})
        site.write({"name": "Old Site", "street": "Old Road 1"})
        self.tax.invoice_label = "VAT 21%"
        with Form(self.invoice) as form:
            self.assertFalse(form._get_modifier("partner_id", "invisible"))
            self.assertFalse(form._get_modifier("partner_shipping_id", "invisible"))
            self.assertTrue(form._get_modifier("service_bill_to", "invisible"))
        self.invoice.action_post()
        self.partner_a.write({"name": "New", "street": "New", "vat": False})
        site.write({"name": "New", "street": "New"})
        self.tax.write({"name": "New", "invoice_label": "New"})
        self.env.invalidate_all()
        with Form(self.invoice) as form:
            self.assertTrue(form._get_modifier("partner_id", "invisible"))
            self.assertTrue(form._get_modifier("partner_shipping_id", "invisible"))
            self.assertFalse(form._get_modifier("service_bill_to", "invisible"))
            for text in ("Old Street 1", "BE0477472701"):
                self.assertIn(text, form.service_bill_to)
            for text in ("Old Site", "Old Road 1"):
                self.assertIn(text, form.service_shipping)
            self.assertNotIn("New", form.service_bill_to + form.service_shipping)
        line = self.invoice.invoice_line_ids[0]
        self.assertEqual(line.service_tax_labels, "VAT 21%")

    def test_deactivated_language(self):
        """D4, D10: an issued document prints, shows and counts after its language is
        deactivated; so does that of a one-off who has it."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.partner_a.lang = "fr_FR"
        one_off = self._invoice(
            self._create_order(
                bill_to_type="person", bill_to_name="Jo", bill_to_lang="fr_FR"
            )
        )
        self.invoice.action_post()
        self.partner_a.lang = "en_US"
        self.env["res.lang"].search([("code", "=", "fr_FR")]).active = False
        self.assertIn("Invoice", self._get_html(self.invoice))
        with self.invoice._records_as_issued():
            self.assertTrue(self.invoice.partner_id.name)
        one_off.action_post()
        self.assertIn("Jo", self._get_html(one_off))

    def test_collapsed_sections(self):
        """D8: a section that sums up its lines shows taxes and units as issued."""
        self.env.user.group_ids += self.env.ref("uom.group_uom")
        for name in ("collapse_composition", "collapse_prices"):
            with self.subTest(name):
                invoice = self._invoice(
                    self._create_order(
                        [
                            {"display_type": "line_section", "name": "All of it"},
                            {"product_id": self.labor.id, "quantity": 2},
                        ]
                    )
                )
                invoice.invoice_line_ids.filtered(
                    lambda line: line.display_type == "line_section"
                )[name] = True
                invoice.action_post()
                before = self._get_html(invoice)
                label, unit = self.tax.tax_label, self.labor.uom_id.name
                self.assertIn(label, before)
                self.tax.invoice_label = "Changed"
                self.labor.uom_id.name = "Changed"
                self.company.name = "Changed"
                self.assertEqual(self._get_html(invoice), before)
                self.env.flush_all()
                self.assertEqual(self.labor.uom_id.name, "Changed")
                self.tax.invoice_label = label
                self.labor.uom_id.name = unit

    def test_small_print(self):
        """D4: registration number, incoterm and amount in words stay."""
        incoterm = self.env["account.incoterms"].search([], limit=1)
        self.partner_a.write(
            {"country_id": self.env.ref("base.ma").id, "company_registry": "001234"}
        )
        self.invoice.invoice_incoterm_id = incoterm
        self.invoice.action_post()
        before = self._get_html(self.invoice)
        self.assertIn("001234", before)
        self.assertIn(incoterm.code, before)
        self.partner_a.company_registry = "9999"
        incoterm.code = "NEW"
        self.company.display_invoice_amount_total_words = True
        self.assertEqual(self._get_html(self.invoice), before)

    def test_emptied_cache(self):
        """D4: the header says what was issued, whatever the body's code calls."""
        self.invoice.action_post()
        name = self.company.name
        self.company.name = "Changed"
        self.env["ir.ui.view"].create(
            {
                "name": "Empties the cache",
                "type": "qweb",
                "mode": "extension",
                "inherit_id": self.env.ref("account.report_invoice_document").id,
                "arch": """
                    <xpath expr="//div[@id='informations']" position="after">
                        <t t-set="dummy" t-value="o.env.invalidate_all()" />
                    </xpath>
                """,
            }
        )
        content = self._get_html(self.invoice)
        self.assertIn(name, content)
        self.assertNotIn("Changed", content)

    def test_queries(self):
        """F4: reading what documents say takes the same queries for few and many."""
        names = (
            "service_bill_to",
            "service_shipping",
            "invoice_partner_display_name",
            "tax_totals",
            "service_order_ids",
            "service_invoice_status",
        )
        few = self._create_issued(2)
        many = self._create_issued(6)
        for name in names:
            with self.subTest(name):
                self._count_queries(few, name)
                expected = self._count_queries(few, name)
                self.assertLessEqual(self._count_queries(many, name), expected)

    def _create_issued(self, count):
        orders = self.env["fsm.order"].union(
            *(self._create_order() for _i in range(count))
        )
        invoices = orders._create_invoices()
        invoices.action_post()
        return invoices

    def _count_queries(self, moves, name):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        moves.mapped(name)
        return self.env.cr.sql_log_count - before


@tagged("post_install", "-at_install")
class TestCreditAsIssued(ServiceInvoicingCommon):
    """X3, D8: what was issued is credited by the taxes of then."""

    def _get_amounts(self, move):
        return sorted(
            (line.account_id.id, line.tax_ids.ids, abs(line.balance))
            for line in move.line_ids
        )

    def test_changed_rate(self):
        """A credit note by Odoo's dialog equals the invoice, whatever the rate is now;
        a new invoice takes the new rate."""
        invoice = self._invoice(post=True)
        self.tax.amount = 25
        credit_note = self._credit(invoice)
        self.assertEqual(credit_note.amount_total, invoice.amount_total)
        self.assertEqual(self._get_amounts(credit_note), self._get_amounts(invoice))
        self.assertEqual(self.tax.amount, 25)
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.assertEqual(self._invoice().amount_tax, 103.13)

    def test_changed_to_included(self):
        """X3: cancelling leaves nothing due, though the tax is in the price by now."""
        invoices = self._invoice(post=True) | self._invoice(
            self._create_order(), post=True
        )
        totals = invoices.mapped("amount_total")
        self.tax.write({"amount": 6, "price_include_override": "tax_included"})
        credit_notes = invoices._cancel_service_invoices("test")
        self.assertEqual(credit_notes.mapped("amount_total"), totals)
        self.assertEqual(invoices.mapped("payment_state"), ["reversed"] * 2)
        self.assertEqual(invoices.mapped("amount_residual"), [0.0] * 2)

    def test_credit_note_says_what_holds_today(self):
        """D4: but for the taxes a credit note says what holds on its own day."""
        invoice = self._invoice(post=True)
        self.tax.amount = 25
        self.partner_a.name = "Renamed"
        self.assertEqual(self._credit(invoice)._get_document_partner().name, "Renamed")
