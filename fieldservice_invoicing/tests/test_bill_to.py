# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tests import Form, tagged, users

from odoo.addons.mail.tests.common import MailCommon

from ..hooks import uninstall_hook
from .common import ServiceInvoicingCommon

WALK_IN_SAYS = ("Walk-in Customer", "Walk-in Street", "walkin@example.com", "0123")


class BillToCommon(ServiceInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["account.fiscal.position"].search([]).auto_apply = False
        cls.belgium = cls.env.ref("base.be")
        cls.france = cls.env.ref("base.fr")
        cls.walk_in = cls.company.service_walk_in_partner_id
        cls.walk_in.write(
            {
                "street": "Walk-in Street 1",
                "email": "walkin@example.com",
                "vat": "BE0123456749",
                "website": "https://walkin.example.com",
                "ref": "WALKIN",
                "company_registry": "WALKIN",
            }
        )
        cls.typed = {
            "bill_to_type": "company",
            "bill_to_name": "Bakery Jansen",
            "bill_to_street": "Main Street 7",
            "bill_to_zip": "9000",
            "bill_to_city": "Ghent",
            "bill_to_country_id": cls.belgium.id,
            "bill_to_vat": "BE0477472701",
            "bill_to_email": "jansen@example.com",
            "bill_to_phone": "+32 9 111 22 33",
        }
        cls.one_off = cls._create_order(**cls.typed)

    @classmethod
    def _create_fiscal_position(cls, name, **values):
        return cls.env["account.fiscal.position"].create(
            {"name": name, "auto_apply": True, "company_id": cls.company.id, **values}
        )

    def _assert_says(self, text, *words):
        """A document says what was typed and nothing of the walk-in contact."""
        for word in words:
            self.assertIn(word, text)
        for word in WALK_IN_SAYS:
            self.assertNotIn(word, text)


@tagged("post_install", "-at_install")
class TestBillToOrder(BillToCommon):
    """D3: a one-off on the service order."""

    def test_walk_in_of_every_company(self):
        """D3: each company has a walk-in contact from the start, and may have its
        own."""
        company = self.env["res.company"].create({"name": "New Company"})
        self.assertTrue(company.service_walk_in_partner_id)
        self.assertFalse(company.service_walk_in_partner_id.company_id)
        values = {"name": "Elsewhere", "company_id": company.id}
        foreign = self.env["res.partner"].create(values)
        company.service_walk_in_partner_id = foreign
        with self.assertRaises(UserError):
            self.company.service_walk_in_partner_id = foreign

    def test_booked_on_walk_in(self):
        """D3: no contact is made; accounts, price list and payment terms are those of
        the walk-in contact."""
        contacts = self.env["res.partner"].search_count([])
        self.walk_in.with_company(
            self.company
        ).property_payment_term_id = self.pay_terms_b
        feature = self.env.ref("product.group_product_pricelist")
        self.env.ref("base.group_user").implied_ids += feature
        pricelist = self.env["product.pricelist"].create({"name": "Walk-in"})
        self.walk_in.with_company(
            self.company
        ).specific_property_product_pricelist = pricelist
        order = self._create_order(**self.typed)
        invoice = self._invoice(order, post=True)
        self.assertEqual(order.bill_to_id, self.walk_in)
        self.assertEqual(order.pricelist_id, pricelist)
        self.assertEqual(order.payment_term_id, self.pay_terms_b)
        self.assertEqual(invoice.partner_id, self.walk_in)
        self.assertEqual(
            invoice.line_ids.account_id & self.walk_in.property_account_receivable_id,
            self.walk_in.property_account_receivable_id,
        )
        self.assertEqual(self.env["res.partner"].search_count([]), contacts)

    def test_form(self):
        """D3: individual, company and contact in the order's form."""
        form = Form(self.order)
        form.bill_to_type = "person"
        form.bill_to_name = "Ann Peeters"
        form.bill_to_street = "Side Street 2"
        form.bill_to_state_id = self.env.ref("base.state_us_5")
        form.save()
        self.assertEqual(self.order.bill_to_id, self.walk_in)
        self.assertEqual(self.order.bill_to_country_id, self.env.ref("base.us"))
        self.assertEqual(self.order.bill_to_display_name, "Ann Peeters")
        self.assertFalse(self.order._get_bill_to().is_company)
        form = Form(self.order)
        form.bill_to_country_id = self.belgium
        self.assertFalse(form.bill_to_state_id)
        form.bill_to_type = "company"
        form.bill_to_vat = "BE0477472701"
        form.save()
        self.assertEqual(self.order._get_bill_to().vat, "BE0477472701")
        self.assertTrue(self.order._get_bill_to().is_company)
        form = Form(self.order)
        form.bill_to_type = "contact"
        form.bill_to_id = self.partner_b
        form.save()
        self.assertEqual(self.order.bill_to_id, self.partner_b)
        self.assertEqual(self.order.bill_to_display_name, self.partner_b.name)
        self.assertFalse(self.order.bill_to_name or self.order.bill_to_vat)

    def test_form_needs_name(self):
        """D3: a one-off has a name, in the form and over RPC."""
        form = Form(self.order)
        form.bill_to_type = "person"
        with self.assertRaises(AssertionError):
            form.save()
        for name in (False, "  "):
            with self.assertRaisesRegex(ValidationError, "without a name"):
                self.order.write({"bill_to_type": "person", "bill_to_name": name})

    def test_what_does_not_belong(self):
        """D3: a tax ID is a company's, an address typed in is a one-off's, and a
        one-off is booked on the walk-in contact."""
        person = {"bill_to_type": "person", "bill_to_name": "Ann"}
        for values in (
            {"bill_to_name": "Ann"},
            {**person, "bill_to_vat": "BE0477472701"},
            {**person, "bill_to_id": self.partner_b.id},
        ):
            with (
                self.subTest(values),
                self.assertRaises(ValidationError),
                self.cr.savepoint(),
            ):
                self.order.write(values)
            with self.assertRaises(ValidationError), self.cr.savepoint():
                self._create_order(**values)
        self.one_off.bill_to_type = "person"
        self.assertFalse(self.one_off.bill_to_vat)
        self.one_off.bill_to_type = "contact"
        self.assertEqual(self.one_off.bill_to_id, self.partner_a)
        self.assertFalse(self.one_off.bill_to_street)

    def test_vat_number(self):
        """D3: the tax ID is checked and formatted as that of a contact."""
        if self.env["ir.module.module"]._get("base_vat").state != "installed":
            self.skipTest("VAT numbers are checked by another module")
        with self.assertRaisesRegex(ValidationError, "Bakery Jansen"):
            self.one_off.bill_to_vat = "BE0477472702"
        self.one_off.bill_to_vat = "BE 0477.472.701"
        contact = self.env["res.partner"].create(
            {"name": "Jansen", "country_id": self.belgium.id, "vat": "BE 0477.472.701"}
        )
        self.assertEqual(self.one_off.bill_to_vat, contact.vat)
        with self.assertRaises(ValidationError):
            self._create_order(**{**self.typed, "bill_to_vat": "BE0477472702"})

    def test_taxes_by_country(self):
        """D3: the country that was typed decides the taxes, not the walk-in's."""
        self.walk_in.country_id = self.belgium
        self.walk_in.with_company(
            self.company
        ).property_account_position_id = self._create_fiscal_position(
            "Walk-in", auto_apply=False
        )
        abroad = self._create_fiscal_position("France", country_id=self.france.id)
        belgium = self._create_fiscal_position("Belgium", country_id=self.belgium.id)
        order = self._create_order(**self.typed)
        self.assertEqual(order.fiscal_position_id, belgium)
        order.write({"bill_to_country_id": self.france.id, "bill_to_vat": False})
        self.assertEqual(order.fiscal_position_id, abroad)
        invoice = self._invoice(order)
        self.assertEqual(invoice.fiscal_position_id, abroad)

    def test_taxes_by_vat(self):
        """D9: a company with a tax ID is taxed otherwise than one without."""
        reverse = self._create_fiscal_position(
            "Reverse charge", country_id=self.belgium.id, vat_required=True
        )
        self.one_off.bill_to_city = "Antwerp"
        order = self._create_order(**self.typed)
        self.assertEqual(order.fiscal_position_id, reverse)
        order.bill_to_type = "person"
        self.assertFalse(order.fiscal_position_id)

    def test_country_that_taxes_need(self):
        """D3: a one-off without the country that taxes need is refused by name."""
        self._create_fiscal_position("France", country_id=self.france.id)
        self.walk_in.country_id = self.belgium
        self.one_off.bill_to_country_id = False
        with self.assertRaisesRegex(UserError, "Bakery Jansen.*no country"):
            self._invoice(self.one_off)

    def test_without_walk_in(self):
        """D3: without a walk-in contact the order can be written, billing names the
        setting; once it is set, it holds for what is typed already."""
        self.company.service_walk_in_partner_id = False
        order = self._create_order(**self.typed)
        self.assertFalse(order.bill_to_id)
        with self.assertRaisesRegex(UserError, "Settings › Invoicing › Walk-in"):
            self._invoice(order)
        self.company.service_walk_in_partner_id = self.partner_b
        self.assertEqual(order.bill_to_id, self.partner_b)
        self.assertEqual(self._invoice(order).partner_id, self.partner_b)
        self.company.service_walk_in_partner_id = self.walk_in
        self.assertEqual(order.bill_to_id, self.partner_b)

    def test_archived_walk_in(self):
        """D3: an archived walk-in contact is named."""
        self.walk_in.active = False
        with self.assertRaisesRegex(UserError, "Walk-in Customer, is archived"):
            self._invoice(self.one_off)

    def test_other_company(self):
        """D3: an order that moves to another company is booked on that one's
        walk-in contact."""
        other = self.setup_other_company()["company"]
        other.service_walk_in_partner_id = self.partner_b
        self.env["fsm.team"].create({"name": "There", "company_id": other.id})
        team = self.env["fsm.team"].search([("company_id", "=", other.id)])
        self.one_off.write({"company_id": other.id, "team_id": team.id})
        self.assertEqual(self.one_off.bill_to_id, self.partner_b)

    def test_kept_once_billed(self):
        """D3: a billed order keeps whom it billed."""
        invoice = self._invoice(self.one_off)
        for values in ({"bill_to_name": "Other"}, {"bill_to_type": "contact"}):
            with self.assertRaisesRegex(UserError, invoice.display_name):
                self.one_off.write(values)
        self.one_off.write({"bill_to_name": "Bakery Jansen"})
        invoice.button_cancel()
        self.one_off.bill_to_name = "Other"

    def test_two_at_once(self):
        """D3: one-offs that share the walk-in contact do not mix."""
        other = self._create_order(
            bill_to_type="person", bill_to_name="Ann", bill_to_city="Bruges"
        )
        first, second = self.one_off._get_bill_to(), other._get_bill_to()
        self.assertEqual(
            [first.name, first.city, second.name, second.city],
            ["Bakery Jansen", "Ghent", "Ann", "Bruges"],
        )
        self.assertNotEqual(first, second)
        self.assertFalse(second.vat or second.website or second.ref)
        self.assertEqual(self.walk_in.name, "Walk-in Customer")
        self.env.flush_all()
        self.walk_in.invalidate_recordset()
        self.assertEqual(self.walk_in.name, "Walk-in Customer")

    def test_grouped(self):
        """C17: two one-offs never meet on one invoice, nor one with a contact."""
        orders = (
            self.one_off
            | self._create_order(**self.typed)
            | self._create_order(**{**self.typed, "bill_to_street": "Main Street 8"})
            | self._create_order(bill_to_id=self.walk_in.id)
        )
        moves = orders._create_invoices(grouped=True)
        self.assertEqual(len(moves), 3)
        self.assertEqual(
            sorted(len(m.service_order_link_ids) for m in moves), [1, 1, 2]
        )

    def test_search(self):
        """D3: orders are found by what was typed, and grouped by it."""
        arch = self.env.ref("fieldservice_invoicing.fsm_order_view_search").arch
        self.assertIn("bill_to_display_name", arch)
        Order = self.env["fsm.order"]
        for text in ("jansen@", "BE0477472701", "bakery"):
            found = Order.search(
                Domain("bill_to_display_name", "ilike", text)
                | Domain("bill_to_vat", "ilike", text)
                | Domain("bill_to_email", "ilike", text)
            )
            self.assertEqual(found, self.one_off, text)
        groups = Order.formatted_read_group(
            [("id", "in", (self.one_off | self.order).ids)], ["bill_to_display_name"]
        )
        names = {group["bill_to_display_name"] for group in groups}
        self.assertEqual(names, {"Bakery Jansen", self.partner_a.name})

    def test_renamed_contact(self):
        """D3: an order shows the present name of its contact."""
        self.partner_a.name = "New Name"
        self.assertEqual(self.order.bill_to_display_name, "New Name")

    def test_language(self):
        """D3: the invoice speaks the language that was chosen for the one-off."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.labor.with_context(lang="fr_FR").name = "Main d'oeuvre"
        order = self._create_order(
            [{"product_id": self.labor.id}], **{**self.typed, "bill_to_lang": "fr_FR"}
        )
        invoice = self._invoice(order)
        self.assertIn("Main d'oeuvre", invoice.invoice_line_ids.name)
        self.assertEqual(invoice._get_document_lang(), "fr_FR")


@tagged("post_install", "-at_install")
class TestBillToInvoice(BillToCommon):
    """D3, D4: a one-off on the invoice."""

    def _get_html(self, move):
        report = self.env["ir.actions.report"]
        return report._render_qweb_html("account.report_invoice", move.ids)[0].decode()

    def test_document(self):
        """D3, D4: draft and issued invoice say what was typed in, in form, list and
        exports."""
        invoice = self._invoice(self.one_off)
        for state in ("draft", "posted"):
            if state == "posted":
                invoice.action_post()
            bill_to = invoice._get_document_values()["bill_to"]
            self.assertEqual(bill_to["name"], "Bakery Jansen")
            self.assertEqual(bill_to["vat"], "BE0477472701")
            self.assertEqual(bill_to["country_code"], "BE")
            self.assertFalse(bill_to["website"] or bill_to["ref"])
            self.assertFalse(bill_to["company_registry"])
            self._assert_says(
                str(bill_to), "Bakery Jansen", "Main Street 7", "9000", "Ghent"
            )
            self._assert_says(invoice.service_bill_to, "Main Street 7", "BE0477472701")
            self.assertEqual(invoice.invoice_partner_display_name, "Bakery Jansen")
            self.assertEqual(invoice._get_document_partner().city, "Ghent")
        self.walk_in.write({"name": "Renamed", "street": "Elsewhere"})
        self.assertEqual(invoice.invoice_partner_display_name, "Bakery Jansen")
        self.assertEqual(invoice._get_document_partner().street, "Main Street 7")

    def test_print(self):
        """D3, D10: the printed invoice says what was typed in, draft or issued."""
        invoice = self._invoice(self.one_off)
        self._assert_says(
            self._get_html(invoice), "Bakery Jansen", "Main Street 7", "BE0477472701"
        )
        invoice.action_post()
        self._assert_says(
            self._get_html(invoice), "Bakery Jansen", "Main Street 7", "BE0477472701"
        )

    def test_locked(self):
        """D2: what was typed stays once the invoice is issued."""
        invoice = self._invoice(self.one_off, post=True)
        changes = {
            "bill_to_type": "person",
            "bill_to_name": "Other",
            "bill_to_street": "Other",
            "bill_to_country_id": self.france.id,
            "bill_to_vat": False,
            "bill_to_email": "other@example.com",
        }
        for name, value in changes.items():
            with self.assertRaisesRegex(UserError, invoice.name):
                invoice.write({name: value})
        invoice.write({"bill_to_name": "Bakery Jansen"})

    def test_form(self):
        """D3: on the draft a contact is replaced by a one-off, and the other way."""
        invoice = self._invoice()
        with Form(invoice) as form:
            form.bill_to_type = "company"
            self.assertEqual(form.partner_id, self.walk_in)
            form.bill_to_name = "Bakery Jansen"
            form.bill_to_street = "Main Street 7"
        self.assertEqual(invoice.partner_id, self.walk_in)
        self.assertEqual(invoice.line_ids.partner_id, self.walk_in)
        self.assertEqual(invoice.invoice_partner_display_name, "Bakery Jansen")
        self.assertEqual(invoice.partner_shipping_id, self.location.partner_id)
        with Form(invoice) as form:
            form.bill_to_type = "contact"
            self.assertFalse(form.partner_id)
            form.partner_id = self.partner_b
        self.assertEqual(invoice.partner_id, self.partner_b)
        self.assertFalse(invoice.bill_to_street)
        self.assertEqual(invoice.invoice_partner_display_name, self.partner_b.name)

    def test_over_rpc(self):
        """D3: the same by a write, without the form."""
        invoice = self._invoice()
        invoice.write({"bill_to_type": "person", "bill_to_name": "Ann"})
        self.assertEqual(invoice.partner_id, self.walk_in)
        self.assertEqual(invoice.line_ids.partner_id, self.walk_in)
        with (
            self.assertRaisesRegex(ValidationError, "walk-in contact"),
            self.cr.savepoint(),
        ):
            invoice.partner_id = self.partner_b
        invoice.write({"bill_to_type": "contact"})
        self.assertFalse(invoice.partner_id)
        self.assertFalse(invoice.bill_to_name)
        with self.assertRaises(UserError):
            invoice.action_post()
        invoice.partner_id = self.partner_b
        invoice.action_post()

    def test_taxes_follow_on_draft(self):
        """D3: another country on the draft proposes its fiscal position, and Odoo's
        button brings the taxes of the lines up to date."""
        exempt = self.company_data["default_tax_sale"].copy(
            {"name": "Export", "amount": 0.0}
        )
        abroad = self._create_fiscal_position("France", country_id=self.france.id)
        exempt.write(
            {
                "fiscal_position_ids": [Command.set(abroad.ids)],
                "original_tax_ids": [Command.set(self.tax.ids)],
            }
        )
        invoice = self._invoice(self.one_off)
        self.assertEqual(invoice.invoice_line_ids.tax_ids, self.tax)
        form = Form(invoice)
        form.bill_to_vat = False
        form.bill_to_country_id = self.france
        self.assertEqual(form.fiscal_position_id, abroad)
        self.assertTrue(form.show_update_fpos)
        form.save()
        self.assertEqual(invoice.fiscal_position_id, abroad)
        invoice.action_update_fpos_values()
        self.assertEqual(invoice.invoice_line_ids.tax_ids, exempt)

    def test_without_walk_in(self):
        """D3: on the draft, too, the missing setting is named."""
        invoice = self._invoice()
        self.company.service_walk_in_partner_id = False
        with self.assertRaisesRegex(UserError, "Settings › Invoicing › Walk-in"):
            invoice.write({"bill_to_type": "person", "bill_to_name": "Ann"})

    def test_no_service_invoice(self):
        """D3: other invoices bill contacts only."""
        invoice = self.init_invoice("out_invoice", products=self.labor)
        with self.assertRaisesRegex(ValidationError, "no service invoice"):
            invoice.write({"bill_to_type": "person", "bill_to_name": "Ann"})

    def test_duplicate(self):
        """D3: a duplicate bills no service order; it has neither the one-off nor the
        walk-in contact, and is issued once somebody chooses whom to bill."""
        duplicate = self._invoice(self.one_off, post=True).copy()
        self.assertFalse(duplicate.is_service_invoice)
        self.assertFalse(duplicate.partner_id)
        with self.assertRaisesRegex(UserError, "Customer"):
            duplicate.action_post()
        duplicate.partner_id = self.partner_a
        duplicate.action_post()
        self.assertFalse(duplicate._is_one_off())

    def test_uninstall(self):
        """D3: without the addon, orders and invoices still say whom they bill."""
        open_order = self._create_order(**self.typed)
        invoice = self._invoice(self.one_off, post=True)
        uninstall_hook(self.env)
        for record in (open_order, self.one_off, invoice):
            self._assert_says(
                record.message_ids[0].body,
                "Bakery Jansen",
                "Main Street 7",
                "9000",
                "Belgium",
                "BE0477472701",
                "jansen@example.com",
                "+32 9 111 22 33",
            )

    def test_credit_notes(self):
        """D3: credit notes, cancelling ones and invoices made anew are addressed to
        the one-off, also when the company has another walk-in contact since; a
        duplicate bills no service order and no one-off."""
        invoice = self._invoice(self.one_off, post=True)
        self.company.service_walk_in_partner_id = self.partner_b
        anew = self._credit(invoice, modify=True)
        credit_note = invoice.reversal_move_ids
        for move in (anew, credit_note):
            self.assertEqual(move.invoice_partner_display_name, "Bakery Jansen")
            self.assertEqual(move.bill_to_vat, "BE0477472701")
            self.assertEqual(move.partner_id, self.walk_in)
        self.assertEqual(credit_note.state, "posted")
        self.assertEqual(credit_note._get_document_partner().city, "Ghent")
        anew.bill_to_city = "Bruges"
        anew.action_post()
        anew._cancel_service_invoices("Mistake")
        cancelling = anew.reversal_move_ids
        self.assertEqual(cancelling.state, "posted")
        self.assertEqual(cancelling._get_document_partner().city, "Bruges")
        duplicate = invoice.copy()
        self.assertEqual(duplicate.bill_to_type, "contact")
        self.assertFalse(duplicate.bill_to_name)

    def test_refresh(self):
        """C16: a refreshed draft keeps its own bill-to."""
        invoice = self._invoice(self.one_off)
        invoice.bill_to_street = "Corrected Street 1"
        self.one_off.line_ids[0].quantity += 1
        self.one_off.action_refresh_invoice()
        self.assertEqual(invoice.bill_to_street, "Corrected Street 1")
        self.assertEqual(invoice.bill_to_name, "Bakery Jansen")

    def test_search(self):
        """D3, F4: invoices are found by what was typed, and shown by it."""
        invoice = self._invoice(self.one_off)
        other = self._invoice()
        Move = self.env["account.move"]
        domain = Domain("id", "in", (invoice | other).ids)
        for name, text in (
            ("invoice_partner_display_name", "bakery"),
            ("bill_to_vat", "0477472701"),
            ("bill_to_email", "jansen@"),
        ):
            found = Move.search(domain & Domain(name, "ilike", text))
            self.assertEqual(found, invoice, name)
        self.assertEqual(self.one_off.active_invoice_bill_to, "Bakery Jansen")

    def test_dialog(self):
        """C9: the dialog shows who was typed in."""
        dialog = self._dialog(self.one_off)
        self.assertEqual(dialog.bill_to_display_name, "Bakery Jansen")
        dialog.action_create_draft()
        self.assertEqual(self.one_off.active_invoice_id.bill_to_name, "Bakery Jansen")


@tagged("post_install", "-at_install")
class TestBillToRights(BillToCommon):
    """D3: who may type in a one-off."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.order.person_id = cls.env["fsm.person"].create(
            {"name": "Worker", "partner_id": cls.worker.partner_id.id}
        )

    @users("fsi_dispatcher")
    def test_dispatcher(self):
        """D3: who invoices types in a one-off and bills it, without the right to make
        contacts or to write invoices."""
        self.assertFalse(self.env["res.partner"].has_access("create"))
        order = self.order.with_env(self.env)
        with Form(order) as form:
            form.bill_to_type = "company"
            form.bill_to_name = "Bakery Jansen"
            form.bill_to_vat = "BE0477472701"
        order._create_invoices()
        invoice = order.active_invoice_id
        self.assertEqual(invoice.invoice_partner_display_name, "Bakery Jansen")
        self.assertIn("BE0477472701", invoice.service_bill_to)
        with self.assertRaises(AccessError):
            invoice.sudo(False).write({"bill_to_name": "Other"})
        with self.assertRaisesRegex(UserError, "Cancel or credit that invoice first"):
            order.write({"bill_to_name": "Other"})

    @users("fsi_worker")
    def test_worker(self):
        """D3: a worker types in a one-off, over RPC, as he chooses a contact."""
        order = self.order.with_env(self.env)
        order.write({"bill_to_type": "person", "bill_to_name": "Ann"})
        self.assertEqual(order.bill_to_display_name, "Ann")
        self.assertEqual(order.bill_to_id, self.walk_in)
        with self.assertRaises(AccessError):
            order._create_invoices()

    def test_portal(self):
        """D3: who has the walk-in contact on the portal, or a contact of it, reads no
        one-off's invoice."""
        invoice = self._invoice(self.one_off, post=True)
        own = self._invoice(self._create_order(bill_to_id=self.walk_in.id), post=True)
        portal = self._create_user("fsi_portal", "base.group_portal")
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.walk_in.id}
        )
        for partner in (self.walk_in, contact):
            portal.partner_id = partner
            moves = self.env["account.move"].with_user(portal).search([])
            self.assertEqual(moves.sudo(), own)
            lines = self.env["account.move.line"].with_user(portal).search([])
            self.assertFalse(lines.sudo() & invoice.line_ids)
            with self.assertRaises(AccessError):
                invoice.with_user(portal).read(["bill_to_name"])

    @users("fsi_accountant")
    def test_accountant(self):
        """D3: an accountant changes the bill-to of the draft, and issues it."""
        invoice = self.one_off.sudo()._create_invoices().with_env(self.env)
        with Form(invoice) as form:
            form.bill_to_name = "Bakery Peeters"
        invoice.action_post()
        self.assertEqual(invoice.invoice_partner_display_name, "Bakery Peeters")
        with self.assertRaisesRegex(UserError, "is issued"):
            invoice.bill_to_name = "Other"


@tagged("post_install", "-at_install")
class TestBillToSend(BillToCommon, MailCommon):
    """D3: the invoice of a one-off goes to the address that was typed in."""

    def setUp(self):
        super().setUp()
        contacts = (self.partner_a | self.partner_b).with_company(self.company)
        contacts.invoice_sending_method = "email"

    def _open(self, moves):
        action = moves.action_send_and_print()
        return (
            self.env[action["res_model"]].with_context(**action["context"]).create({})
        )

    def _get_recipients(self):
        return {recipient for mail in self._mails for recipient in mail["email_to"]}

    def test_send(self):
        """D3: one e-mail, to the typed address, which does not become a contact; it
        names the one-off and links to the invoice."""
        invoice = self._invoice(self.one_off, post=True)
        contacts = self.env["res.partner"].search_count([])
        wizard = self._open(invoice)
        self.assertEqual(wizard.outgoing_email_to, "jansen@example.com")
        self.assertFalse(wizard.mail_partner_ids)
        self.assertFalse(wizard.alerts)
        self._assert_says(wizard.body, "Bakery Jansen")
        with self.mock_mail_gateway():
            wizard.action_send_and_print()
        self.assertEqual(len(self._mails), 1)
        (recipient,) = self._get_recipients()
        self.assertIn("jansen@example.com", recipient)
        self.assertIn(f"access_token={invoice.access_token}", self._mails[0]["body"])
        self.assertTrue(invoice.is_move_sent)
        self.assertEqual(self.env["res.partner"].search_count([]), contacts)

    def test_send_in_deactivated_language(self):
        """D3: what was issued in a language that is deactivated since is sent in
        another."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.one_off.bill_to_lang = "fr_FR"
        invoice = self._invoice(self.one_off, post=True)
        self.env["res.lang"].search([("code", "=", "fr_FR")]).active = False
        with self.mock_mail_gateway():
            self._open(invoice).action_send_and_print()
        self.assertEqual(len(self._mails), 1)

    def test_send_form(self):
        """D3: another address, or a contact beside it, is given in the dialog."""
        self.one_off.bill_to_email = False
        invoice = self._invoice(self.one_off, post=True)
        wizard = self._open(invoice)
        self.assertFalse(wizard.outgoing_email_to)
        with self.assertRaisesRegex(UserError, "no e-mail address"):
            wizard.action_send_and_print()
        wizard.outgoing_email_to = "office@example.com"
        with self.mock_mail_gateway():
            wizard.action_send_and_print()
        (recipient,) = self._get_recipients()
        self.assertIn("office@example.com", recipient)

    def test_never_to_walk_in(self):
        """D3: neither a template that names the partner nor a note to the customer
        reaches the walk-in contact."""
        invoice = self._invoice(self.one_off, post=True)
        self.env.ref("fieldservice_invoicing.mail_template_one_off").write(
            {"use_default_to": False, "partner_to": "{{ object.partner_id.id }}"}
        )
        wizard = self._open(invoice)
        self.assertNotIn(self.walk_in, wizard.mail_partner_ids)
        wizard.template_id = False
        self.assertNotIn(self.walk_in, wizard.mail_partner_ids)
        self.assertNotIn(self.walk_in, invoice.message_partner_ids)
        suggested = invoice._message_get_suggested_recipients()
        emails = {recipient["email"] for recipient in suggested}
        self.assertNotIn("walkin@example.com", emails)

    def test_no_other_way(self):
        """D3: nor does a letter, or another network, reach the walk-in contact."""
        contact = self.walk_in.with_company(self.company)
        methods = dict(contact._fields["invoice_sending_method"].selection)
        other = next((name for name in methods if name not in ("email", "manual")), "")
        contact.invoice_sending_method = other
        invoice = self._invoice(self.one_off, post=True)
        wizard = self._open(invoice)
        self.assertEqual(wizard.sending_method_checkboxes.keys(), {"email"})
        self.assertEqual(wizard.sending_methods, ["email"])
        if other:
            send = self.env["account.move.send"]
            with self.assertRaisesRegex(UserError, "bills a one-off"):
                send._generate_and_send_invoices(invoice, sending_methods=[other])

    def test_batch(self):
        """D3: of several invoices each goes to its own address; one without is
        named."""
        without = self._create_order(bill_to_type="person", bill_to_name="Ann")
        self.partner_a.email = "a@example.com"
        orders = self.one_off | self.order | without
        moves = orders._create_invoices()
        moves.action_post()
        wizard = self._open(moves)
        self.assertEqual(
            wizard.alerts.keys(), {"service_one_off_missing_email"}, wizard.alerts
        )
        self.assertEqual(wizard.summary_data["email"]["count"], 2)
        alert = wizard.alerts["service_one_off_missing_email"]["message"]
        self.assertIn(without.active_invoice_id.name, alert)
        with self.mock_mail_gateway():
            wizard.action_send_and_print(force_synchronous=True)
        recipients = " ".join(self._get_recipients())
        self.assertIn("jansen@example.com", recipients)
        self.assertIn("a@example.com", recipients)
        self.assertNotIn("walkin", recipients)

    def test_batch_of_contacts(self):
        """D3: contacts without an e-mail address are named as in Odoo."""
        (self.partner_a | self.partner_b).email = False
        other = self._create_order(bill_to_id=self.partner_b.id)
        moves = (self.one_off | self.order | other)._create_invoices()
        moves.action_post()
        wizard = self._open(moves)
        alert = wizard.alerts["account_missing_email"]
        ids = alert["action"]["domain"][0][2]
        self.assertEqual(set(ids), set((self.partner_a | self.partner_b).ids))
