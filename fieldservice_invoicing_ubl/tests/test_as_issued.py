# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing.tests.common import ServiceInvoicingCommon

BUILDERS = (
    "account.edi.xml.ubl_20",
    "account.edi.xml.ubl_bis3",
    "account.edi.xml.cii",
)


@tagged("post_install", "-at_install")
class TestAsIssued(ServiceInvoicingCommon):
    """D4, D8: the electronic invoice says what was said at issue."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        belgium = cls.env.ref("base.be")
        address = {
            "street": "Rue Haute 1",
            "zip": "1000",
            "city": "Brussels",
            "country_id": belgium.id,
        }
        cls.company.write({**address, "vat": "BE0477472701", "email": "us@example.com"})
        cls.parent = cls.env["res.partner"].create(
            {**address, "name": "Parent Inc", "is_company": True, "ref": "P1"}
        )
        cls.partner_a.write(
            {
                **address,
                "name": "Site Office",
                "parent_id": cls.parent.id,
                "type": "invoice",
                "email": "site@example.com",
            }
        )
        cls.parent.vat = "BE0246697724"
        cls.included = cls.env["account.tax"].create(
            {
                "name": "6% incl.",
                "amount": 6,
                "price_include_override": "tax_included",
            }
        )
        cls.other_part = cls._create_service_product(
            "Filter", "consu", 53.0, cls.included
        )

    def _get_files(self, invoice):
        self.env.invalidate_all()
        return {
            name: self.env[name]._export_invoice(invoice)[0].decode()
            for name in BUILDERS
        }

    def _change_everything(self):
        self.partner_a.write({"parent_id": False, "name": "Gone", "street": "Nowhere"})
        self.parent.write({"name": "Gone too", "vat": False, "ref": "P2"})
        self.parent.country_id = self.env.ref("base.us")
        self.location.partner_id.write({"name": "Moved", "city": "Paris"})
        self.company.write({"name": "New Company", "vat": "BE0246697724"})
        self.company.partner_id.write({"street": "New Street", "phone": "+32 2 1"})
        (self.tax | self.included).write({"amount": 9, "invoice_label": "Nine"})
        self.labor.write({"name": "New product", "description_sale": "New text"})
        self.labor.write({"default_code": "NEW", "barcode": "5449000000996"})

    def test_master_records_change(self):
        """D4, D8: files are the same whatever happened to partner, company and tax."""
        order = self._create_order(
            [
                {"product_id": self.labor.id, "quantity": 2.5},
                {"product_id": self.other_part.id, "quantity": 3},
            ],
            fiscal_position_id=False,
        )
        invoice = self._invoice(order, post=True)
        before = self._get_files(invoice)
        for name, content in before.items():
            self.assertIn("Parent Inc", content, name)
            self.assertIn("21.", content, name)
        self._change_everything()
        after = self._get_files(invoice)
        for name in BUILDERS:
            self.assertEqual(before[name], after[name])

    def test_nothing_is_written(self):
        """D4: making a file changes no partner, company or tax."""
        invoice = self._invoice(post=True)
        self._change_everything()
        self._get_files(invoice)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.parent.name, "Gone too")
        self.assertEqual(self.company.name, "New Company")
        self.assertEqual(self.tax.amount, 9)

    def test_credit_note(self):
        """D4: a credit note says what held on the day of its own issue."""
        invoice = self._invoice(post=True)
        self.parent.name = "Renamed Inc"
        credit_note = self._credit(invoice)
        self.parent.name = "Gone"
        content = self._get_files(credit_note)["account.edi.xml.ubl_bis3"]
        self.assertIn("Renamed Inc", content)

    def test_other_invoice(self):
        """C1: invoices without a service order are made as ever."""
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.partner_a.id,
                "invoice_line_ids": [Command.create({"product_id": self.part.id})],
            }
        )
        invoice.action_post()
        self.parent.name = "Renamed Inc"
        self.assertIn("Renamed Inc", self._get_files(invoice)["account.edi.xml.cii"])

    def test_one_off(self):
        """D3: files of a one-off say what was typed in, with the endpoint that follows
        from its VAT number, and nothing of the walk-in contact."""
        self.company.service_walk_in_partner_id.write(
            {
                "street": "Walk-in Street",
                "country_id": self.company.country_id.id,
                "vat": "BE0246697724",
                "ref": "WALKIN",
                "email": "walkin@example.com",
            }
        )
        order = self._create_order(
            bill_to_type="company",
            bill_to_name="Bakery Jansen",
            bill_to_street="Main Street 7",
            bill_to_zip="9000",
            bill_to_city="Ghent",
            bill_to_country_id=self.company.country_id.id,
            bill_to_vat="BE0123456749",
        )
        invoice = self._invoice(order, post=True)
        for name, text in self._get_files(invoice).items():
            with self.subTest(name):
                for typed in ("Bakery Jansen", "Main Street 7", "BE0123456749"):
                    self.assertIn(typed, text)
                for other in ("Walk-in", "0246697724", "WALKIN", "walkin"):
                    self.assertNotIn(other, text)
        bis3 = self._get_files(invoice)["account.edi.xml.ubl_bis3"]
        self.assertIn('schemeID="0208">0123456749<', bis3)
