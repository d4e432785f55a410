# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestOrderLine(ServiceInvoicingCommon):
    def _line(self, **values):
        return self.env["fsm.order.line"].create({"order_id": self.order.id, **values})

    def test_defaults(self):
        """Product, description, unit, price, taxes and kind come by themselves."""
        line = self._line(product_id=self.part.id)
        self.assertRecordValues(
            line,
            [
                {
                    "kind": "part",
                    "name": "Pump",
                    "quantity": 1.0,
                    "price_unit": 137.5,
                    "product_uom_id": self.part.uom_id.id,
                    "tax_ids": self.tax.ids,
                    "price_subtotal": 137.5,
                    "price_tax": 28.88,
                    "price_total": 166.38,
                }
            ],
        )

    def test_description(self):
        """A line without product says in words what is charged."""
        self.assertEqual(self._line(name="Parking").kind, "charge")
        with self.assertRaisesRegex(ValidationError, "product or a description"):
            self._line(price_unit=40.0)
        with self.assertRaisesRegex(ValidationError, "product or a description"):
            self._line(name=" ", price_unit=40.0)
        with self.assertRaisesRegex(ValidationError, "product or a description"):
            self.order.line_ids[0].write({"product_id": False, "name": False})

    def test_labor_product(self):
        """Labor without product takes the company's labor product."""
        self.company.service_labor_product_id = self.labor
        line = self._line(kind="labor")
        self.assertEqual(line.product_id, self.labor)
        self.assertEqual(line.price_unit, 55.0)
        defaults = (
            self.env["fsm.order.line"]
            .with_context(default_kind="labor", default_labor_product_id=self.labor.id)
            .default_get(["kind", "product_id"])
        )
        self.assertEqual(defaults["product_id"], self.labor.id)

    def test_product_change(self):
        """A new product brings its own description, price and unit, over RPC too."""
        line = self._line(product_id=self.part.id)
        line.write({"product_id": self.labor.id})
        self.assertRecordValues(
            line, [{"name": "Labor", "price_unit": 55.0, "kind": "labor"}]
        )

    def _create_in_form(self, **values):
        """An order with one line of the part, entered in the form."""
        order = self._create_order(lines=[], done=False, **values)
        with Form(order) as form, form.line_ids.new() as line:
            line.product_id = self.part
        return order

    def test_product_change_in_form(self):
        """A line entered in the form is priced anew like one created over RPC."""
        order = self._create_in_form()
        with Form(order) as form, form.line_ids.edit(0) as line:
            line.product_id = self.labor
        self.assertEqual(order.line_ids.price_unit, 55.0)
        order.line_ids.product_id = self.part
        self.assertEqual(order.line_ids.price_unit, 137.5)

    def test_manual_price_in_form(self):
        """A price entered by hand in the form stays, zero too."""
        for price in (99.0, 0.0):
            order = self._create_in_form()
            with Form(order) as form, form.line_ids.edit(0) as line:
                line.price_unit = price
                line.quantity = 3
            order.line_ids.quantity = 5
            self.assertEqual(order.line_ids.price_unit, price)

    def test_manual_price_stays(self):
        """A price entered by hand survives a change of quantity and bill-to."""
        line = self._line(product_id=self.part.id)
        line.price_unit = 99.0
        line.quantity = 5
        self.order.bill_to_id = self.partner_b
        self.assertEqual(line.price_unit, 99.0)

    def test_description_in_language(self):
        """The description is in the language of the bill-to."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.part.with_context(lang="fr_FR").name = "Pompe"
        self.order.bill_to_id.lang = "fr_FR"
        self.assertEqual(self._line(product_id=self.part.id).name, "Pompe")

    def test_price_list(self):
        """Prices and currency come from the bill-to's price list, by quantity."""
        self.env.user.group_ids += self.env.ref("product.group_product_pricelist")
        currency = self.setup_other_currency("EUR")
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Gold",
                "currency_id": currency.id,
                "item_ids": [
                    Command.create(
                        {
                            "applied_on": "1_product",
                            "product_tmpl_id": self.part.product_tmpl_id.id,
                            "compute_price": "fixed",
                            "fixed_price": price,
                            "min_quantity": quantity,
                        }
                    )
                    for price, quantity in ((100.0, 1), (80.0, 10))
                ],
            }
        )
        self.order.pricelist_id = pricelist
        self.assertEqual(self.order.currency_id, currency)
        line = self._line(product_id=self.part.id)
        self.assertEqual(line.price_unit, 100.0)
        line.quantity = 10
        self.assertEqual(line.price_unit, 80.0)
        order = self._create_in_form(pricelist_id=pricelist.id)
        for quantity, price in ((10, 80.0), (1, 100.0)):
            with Form(order) as form, form.line_ids.edit(0) as edited:
                edited.quantity = quantity
            self.assertEqual(order.line_ids.price_unit, price)
        invoice = self._invoice()
        self.assertEqual(invoice.currency_id, currency)
        self.assertEqual(self.order.amount_invoiced, self.order.amount_untaxed)
        line.quantity = 1
        self.assertEqual(line.price_unit, 80.0, "as invoiced")

    def test_price_list_of_other_company(self):
        """A price list converts by the rates of the order's company, whichever the
        user works in."""
        self.env.user.group_ids += self.env.ref("product.group_product_pricelist")
        other = self.setup_other_company()["company"]
        currency = self.setup_other_currency("EUR", rates=[])
        for company, rate in ((self.company, 2.0), (other, 5.0)):
            currency.with_company(company).rate_ids = [
                Command.create(
                    {"name": "2001-01-01", "rate": rate, "company_id": company.id}
                )
            ]
        pricelist = self.env["product.pricelist"].create(
            {"name": "Shared", "currency_id": currency.id, "company_id": False}
        )
        team = self.env["fsm.team"].create({"name": "There", "company_id": other.id})
        order = self._create_order(
            lines=[{"product_id": self.part.id}],
            company_id=other.id,
            team_id=team.id,
            pricelist_id=pricelist.id,
            done=False,
        )
        self.assertEqual(order.company_id, other)
        self.assertEqual(order.line_ids.price_unit, 137.5 * 5)

    def test_fiscal_position(self):
        """Taxes follow the fiscal position of the order."""
        reduced = self.env["account.tax"].create(
            {"name": "6%", "amount": 6, "original_tax_ids": [Command.set(self.tax.ids)]}
        )
        position = self.env["account.fiscal.position"].create(
            {"name": "Renovation", "tax_ids": [Command.set(reduced.ids)]}
        )
        self.order.fiscal_position_id = position
        self.assertEqual(self.order.line_ids.tax_ids, reduced)
        self.assertEqual(self._invoice().amount_tax, 24.75)

    def test_invoiced_taxes_stay(self):
        """D8: another product brings no other taxes to a line that is invoiced."""
        six = self.env["account.tax"].create({"name": "6%", "amount": 6})
        self.labor.taxes_id = six
        line = self.order.line_ids[1]
        self._invoice()
        line.product_id = self.labor
        self.assertEqual(line.tax_ids, self.tax)

    def test_default_tax(self):
        """D5: a line without product has the company's default sales tax."""
        line = self._line(name="Call-out fee", price_unit=10)
        self.assertEqual(line.tax_ids, self.company.account_sale_tax_id)
        self.assertEqual(line.kind, "charge")

    def test_discounts(self):
        """D5: none, a percentage, or an amount; the invoice says the same."""
        self.order.line_ids = [Command.clear()] + [
            Command.create(
                {
                    "product_id": self.labor.id,
                    "quantity": 3,
                    "price_unit": 33.33,
                    "discount_type": kind,
                    "discount_value": value,
                }
            )
            for kind, value in (("none", 0), ("percent", 12.5), ("amount", 10.01))
        ]
        self.assertEqual(
            self.order.line_ids.mapped("price_subtotal"), [99.99, 87.49, 89.98]
        )
        invoice = self._invoice()
        self.assertEqual(
            invoice.invoice_line_ids.mapped("price_subtotal"), [99.99, 87.49, 89.98]
        )
        self.assertEqual(invoice.amount_total, self.order.amount_total)
        self.assertEqual(invoice.invoice_line_ids[2].service_discount_amount, 10.01)
        invoice.invoice_line_ids[2].service_discount_amount = 20.02
        self.assertEqual(invoice.invoice_line_ids[2].price_subtotal, 79.97)
        self.assertEqual(invoice.amount_untaxed, 99.99 + 87.49 + 79.97)
        invoice.action_post()
        credit_note = self._credit(invoice)
        self.assertEqual(credit_note.amount_total, invoice.amount_total)

    def test_bad_discounts(self):
        """D5: a discount below zero, over 100 %, or over the line is refused."""
        for kind, value in (
            ("percent", 100.5),
            ("percent", -1),
            ("amount", 137.51),
            ("amount", -0.01),
        ):
            with (
                self.subTest(kind=kind, value=value),
                self.assertRaisesRegex(ValidationError, self.order.name),
                self.env.cr.savepoint(),
            ):
                self._line(
                    product_id=self.part.id, discount_type=kind, discount_value=value
                )
        line = self._line(
            product_id=self.part.id, discount_type="amount", discount_value=137.5
        )
        self.assertEqual(line.price_subtotal, 0.0)
        invoice = self._invoice()
        with self.assertRaisesRegex(ValidationError, "discount"):
            invoice.invoice_line_ids[-1].service_discount_amount = 137.51

    def test_bad_values(self):
        """Negative quantities and prices, and no reason, are refused."""
        with self.assertRaisesRegex(ValidationError, "quantity can not be negative"):
            self._line(product_id=self.part.id, quantity=-1)
        with self.assertRaisesRegex(ValidationError, "price can not be negative"):
            self._line(product_id=self.part.id, price_unit=-1)
        with self.assertRaisesRegex(ValidationError, "give the reason"):
            self._line(product_id=self.part.id, is_billable=False)
        with self.assertRaisesRegex(UserError, "can not move"):
            self.order.line_ids[0].order_id = self._create_order()

    def test_not_billable(self):
        """A line that is not billable counts nowhere and is not invoiced."""
        self.order.line_ids[1].write(
            {"is_billable": False, "non_billable_reason": "warranty"}
        )
        self.assertEqual(self.order.line_ids.mapped("price_total"), [166.38, 0.0])
        self.assertEqual(self.order.amount_untaxed, 137.5)
        self.assertEqual(self.order.card_parts, 0.0)
        self.assertEqual(self._invoice().amount_untaxed, 137.5)
        self.assertEqual(self.order.billing_difference, 0.0)

    def test_sections_and_notes(self):
        """Sections go with their lines, empty ones stay out; notes go along."""
        order = self._create_order(
            lines=[
                {"display_type": "line_section", "name": "Empty", "sequence": 1},
                {"display_type": "line_section", "name": "Labor", "sequence": 2},
                {"product_id": self.labor.id, "sequence": 3},
                {"display_type": "line_note", "name": "Thank you", "sequence": 4},
            ]
        )
        invoice = self._invoice(order)
        self.assertEqual(
            invoice.invoice_line_ids.sorted("sequence").mapped("name"),
            ["Labor", "Labor", "Thank you"],
        )
        order.action_refresh_invoice()
        self.assertEqual(len(invoice.invoice_line_ids), 3)

    def test_quantities(self):
        """What is on invoices, and what is left, follows every step."""
        line = self.order.line_ids[1]
        quantities = lambda: (line.qty_invoiced, line.qty_to_invoice)
        self.assertEqual(quantities(), (0.0, 2.0))
        invoice = self._invoice(post=True)
        self.assertEqual(quantities(), (2.0, 0.0))
        draft = self._credit(invoice, post=False)
        self.assertEqual(quantities(), (2.0, 0.0))
        draft.action_post()
        self.assertEqual(quantities(), (0.0, 2.0))

    def test_quantities_in_other_unit(self):
        """What is on an invoice in another unit counts in the order line's."""
        line = self.order.line_ids[1]
        invoice = self._invoice()
        invoice.invoice_line_ids[1].write(
            {"product_uom_id": self.env.ref("uom.product_uom_dozen").id, "quantity": 1}
        )
        self.assertEqual((line.qty_invoiced, line.qty_to_invoice), (12.0, -10.0))

    def test_delete_invoiced(self):
        """A line on an active invoice is not deleted, afterwards it is."""
        invoice = self._invoice()
        with self.assertRaisesRegex(UserError, "on an invoice"):
            self.order.line_ids[0].unlink()
        invoice.button_cancel()
        self.order.line_ids[0].unlink()
        self.assertEqual(len(invoice.invoice_line_ids), 2)
