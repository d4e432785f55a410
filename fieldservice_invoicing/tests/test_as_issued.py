# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields
from odoo.tests import tagged

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
        self.invoice.company_id.service_invoice_lock = False
        self.invoice.action_post()
        self.invoice.partner_id.name = "New Name"
        self.invoice.button_draft()
        self.assertEqual(self.invoice._get_document_partner().name, "New Name")
        self.invoice.invoice_date = fields.Date.today()
        self.invoice.action_post()
        self.assertEqual(self.invoice._get_document_partner().name, "New Name")
