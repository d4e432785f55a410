# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import random
from collections import defaultdict

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import GeneratedOrdersCommon, ServiceInvoicingCommon


class DiscountCommon(ServiceInvoicingCommon):
    """412.50 before taxes, 499.13 with 21 %."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = cls.env["account.tax.group"].create([{"name": "6"}, {"name": "0"}])
        cls.six, cls.zero = cls.env["account.tax"].create(
            [
                {"name": f"{amount}%", "amount": amount, "tax_group_id": group.id}
                for amount, group in zip((6, 0), groups, strict=True)
            ]
        )

    def _discount(self, order, kind, value):
        order.write({"discount_type": kind, "discount_value": value})
        return order

    def _create_mixed_order(self, *prices, **values):
        """An order with one line for each price, at 21, 6 and 0 % in turn."""
        taxes = (self.tax, self.six, self.zero)
        return self._create_order(
            lines=[
                {
                    "product_id": self.part.id,
                    "price_unit": price,
                    "tax_ids": [Command.set(taxes[index % 3].ids)],
                }
                for index, price in enumerate(prices)
            ],
            **values,
        )

    def _get_amounts(self, move):
        """Amounts of journal items (dict), by all that tells them apart."""
        amounts = defaultdict(float)
        for line in move.line_ids:
            key = (line.display_type, line.account_id, line.tax_ids, line.tax_line_id)
            amounts[key] += line.amount_currency
        return amounts

    def assertReversed(self, invoice, credit_note, case=None):
        """A credit note gives back an invoice: journal items, taxes, lines, totals."""
        equal = invoice.currency_id.compare_amounts
        billed, credited = map(self._get_amounts, (invoice, credit_note))
        self.assertEqual(billed.keys(), credited.keys(), case)
        for key, amount in billed.items():
            self.assertEqual(equal(amount, -credited[key]), 0, (case, key))
        for name in ("price_subtotal", "price_total"):
            values = zip(
                invoice.invoice_line_ids.mapped(name),
                credit_note.invoice_line_ids.mapped(name),
                strict=True,
            )
            for line, credit_line in values:
                self.assertEqual(equal(line, credit_line), 0, case)
        for name in ("amount_untaxed", "amount_tax", "amount_total"):
            self.assertEqual(equal(invoice[name], credit_note[name]), 0, case)

    def assertTotalsAgree(self, move, case=None):
        """Header, lines, tax by rate and journal items of a document agree."""
        sign, equal = move.direction_sign, move.currency_id.compare_amounts
        totals = move.tax_totals
        items = move.line_ids
        base = items.filtered(lambda line: line.display_type in ("product", "epd"))
        taxes = items.filtered("tax_line_id")
        for name, said in (
            ("amount_untaxed", totals["base_amount_currency"]),
            ("amount_untaxed", sign * sum(base.mapped("amount_currency"))),
            ("amount_tax", totals["tax_amount_currency"]),
            ("amount_tax", sign * sum(taxes.mapped("amount_currency"))),
            ("amount_total", totals["total_amount_currency"]),
        ):
            self.assertEqual(equal(move[name], said), 0, (case, name))
        for subtotal in totals["subtotals"]:
            for group in subtotal["tax_groups"]:
                lines = taxes.filtered(
                    lambda line, group=group: line.tax_group_id.id == group["id"]
                )
                said = sign * sum(lines.mapped("amount_currency"))
                self.assertEqual(equal(group["tax_amount_currency"], said), 0, case)
        self.assertEqual(
            move.company_id.currency_id.compare_amounts(
                sum(items.mapped("balance")), 0.0
            ),
            0,
            case,
        )


@tagged("post_install", "-at_install")
class TestDiscount(DiscountCommon):
    # ------------------------------------------------------------------
    # From the order to the invoice
    # ------------------------------------------------------------------

    def test_percent(self):
        """D6: a percentage off the whole, after the discount of a line; order, dialog
        and invoice say the same, and type and value are kept on the invoice."""
        self.order.line_ids[1].write({"discount_type": "percent", "discount_value": 20})
        self._discount(self.order, "percent", 10)
        # 137.50 + 275.00 - 55.00 = 357.50
        self.assertEqual(self.order.amount_untaxed, 321.75)
        self.assertEqual(self.order.amount_total, 389.32)
        dialog = self._dialog()
        self.assertEqual(dialog.amount_discount, -35.75)
        self.assertEqual(dialog.tax_discount, -7.51)
        self.assertEqual(dialog.amount_total, 389.32)
        invoice = self._invoice()
        self.assertEqual(invoice.service_discount_type, "percent")
        self.assertEqual(invoice.service_discount_value, 10)
        self.assertEqual(invoice.amount_untaxed, 321.75)
        self.assertEqual(invoice.amount_total, 389.32)
        line = invoice._get_service_discount_lines()
        self.assertEqual(line.name, "Discount 10 %")
        self.assertEqual(line.price_subtotal, -35.75)
        self.assertEqual(line, invoice._get_move_lines_to_report()[-1])
        self.assertEqual(self.order.billing_difference, 0)
        self.assertEqual(self.order.card_discount, -35.75)
        self.assertTotalsAgree(invoice)

    def test_amount(self):
        """D6: an amount comes off the total with taxes, exactly."""
        self._discount(self.order, "amount", 50)
        self.assertEqual(self.order.amount_total, 449.13)
        self.assertEqual(self.order.card_total, 449.13)
        self.assertEqual(self._dialog().amount_total, 449.13)
        invoice = self._invoice()
        self.assertEqual(invoice.amount_total, 449.13)
        self.assertEqual(invoice.service_discount_type, "amount")
        self.assertEqual(invoice.service_discount_value, 50)
        self.assertEqual(invoice._get_service_discount_lines().price_total, -50)
        self.assertEqual(self.order.billing_difference, 0)

    def test_rates(self):
        """D6, D7: the discount splits over the rates, with and without prices that
        include them, to the cent; one line for each rate and income account."""
        account = self.company_data["default_account_revenue"].copy()
        for include in ("tax_excluded", "tax_included"):
            (self.tax | self.six).price_include_override = include
            order = self._discount(
                self._create_mixed_order(100, 33.33, 19.99, 66.67), "amount", 17.77
            )
            before = order.amount_total + 17.77
            invoice = self._invoice(order)
            self.assertAlmostEqual(invoice.amount_total, before - 17.77)
            self.assertAlmostEqual(invoice.amount_total, order.amount_total)
            lines = invoice._get_service_discount_lines()
            self.assertEqual(lines.tax_ids, self.tax | self.six | self.zero)
            self.assertEqual(len(lines), 3)
            self.assertAlmostEqual(sum(lines.mapped("price_total")), -17.77)
            self.assertTotalsAgree(invoice, include)
            invoice.invoice_line_ids[0].account_id = account
            self.assertEqual(len(invoice._get_service_discount_lines()), 4)
            self.assertAlmostEqual(invoice.amount_total, before - 17.77)
            self.assertTotalsAgree(invoice, include)

    def test_fixed_tax(self):
        """D6: a fee by quantity is no price and not discounted: all off leaves it."""
        fee = self.env["account.tax"].create(
            {"name": "Eco fee", "amount": 3, "amount_type": "fixed"}
        )
        self.order.line_ids[1].tax_ids += fee
        self._discount(self.order, "percent", 100)
        self.assertEqual(self.order.amount_total, 6.0)
        invoice = self._invoice()
        self.assertEqual(invoice.amount_total, 6.0)
        self.assertNotIn(fee, invoice._get_service_discount_lines().tax_ids)

    def test_tax_treatment(self):
        """C8, D6: the discount takes the taxes chosen for the invoice."""
        self._discount(self.order, "amount", 50)
        dialog = self._dialog(tax_treatment="exempt")
        self.assertEqual(dialog.amount_total, 362.5)
        self.assertEqual(dialog.tax_discount, 0)
        dialog.action_create_draft()
        invoice = self.order.active_invoice_id
        self.assertEqual(invoice.amount_total, 362.5)
        self.assertFalse(invoice._get_service_discount_lines().tax_ids)

    def test_not_to_exceed(self):
        """The discount counts in what the customer agreed to at most."""
        self._discount(self.order, "percent", 10)
        self.order.not_to_exceed = 371.25
        self.assertEqual(self._invoice().amount_untaxed, 371.25)
        with self.assertRaisesRegex(UserError, "not-to-exceed"):
            self._invoice(self._create_order(not_to_exceed=371.25))

    def test_language(self):
        """D6: the discount is named in the customer's language."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.partner_a.lang = "fr_FR"
        self._discount(self.order, "percent", 12.5)
        lines = self._invoice()._get_service_discount_lines()
        self.assertIn("12,5", lines.name)

    def test_printed(self):
        """D6: type, value and amount of the discount are on the printed invoice."""
        self._discount(self.order, "percent", 12.5)
        invoice = self._invoice(post=True)
        by_amount = self._discount(self._create_order(), "amount", 47.11)
        for document, texts in (
            (invoice, ("Discount 12.5 %", "51.56")),
            (self._invoice(by_amount, post=True), ("47.11", "with taxes", "38.93")),
        ):
            html = self.env["ir.actions.report"]._render_qweb_html(
                "account.account_invoices", document.ids
            )[0]
            for text in texts:
                self.assertIn(text, html.decode())

    # ------------------------------------------------------------------
    # The discount follows the draft
    # ------------------------------------------------------------------

    def test_draft_over_rpc(self):
        """D6: an accountant changes type, value, lines, taxes and currency of a draft:
        the discount follows each time; what is edited on its lines does not stay."""
        self._create_users()
        self._discount(self.order, "percent", 10)
        invoice = self._invoice().with_user(self.accountant).sudo(False)
        self.assertEqual(invoice.amount_untaxed, 371.25)
        invoice.service_discount_value = 20
        self.assertEqual(invoice.amount_untaxed, 330)
        invoice.invoice_line_ids[0].quantity = 10
        self.assertEqual(invoice.amount_untaxed, 660)
        invoice.invoice_line_ids[0].service_discount_amount = 50
        self.assertEqual(invoice.amount_untaxed, 620)
        invoice.invoice_line_ids[1].tax_ids = self.six
        lines = invoice._get_service_discount_lines()
        self.assertEqual(lines.tax_ids, self.tax | self.six)
        self.assertEqual(sorted(lines.mapped("price_subtotal")), [-100, -55])
        self.assertTotalsAgree(invoice)
        lines[0].write({"price_unit": -1, "quantity": 7, "name": "Mine"})
        self.assertEqual(invoice.amount_untaxed, 620)
        lines = invoice._get_service_discount_lines()
        self.assertEqual(set(lines.mapped("name")), {"Discount 20 %"})
        invoice.invoice_line_ids = [
            Command.create({"name": "Extra", "price_unit": 25, "tax_ids": False})
        ]
        self.assertEqual(invoice.amount_untaxed, 640)
        invoice.invoice_line_ids.filtered(lambda line: line.name == "Extra").unlink()
        self.assertEqual(invoice.amount_untaxed, 620)
        invoice.write({"service_discount_type": "amount"})
        self.assertAlmostEqual(sum(lines.mapped("price_total")), -20)
        invoice.currency_id = self.setup_other_currency("HRK", rounding=1.0)
        self.assertAlmostEqual(
            sum(invoice._get_service_discount_lines().mapped("price_total")), -20
        )
        self.assertTotalsAgree(invoice)
        invoice.service_discount_type = "none"
        self.assertFalse(invoice._get_service_discount_lines())
        self.assertEqual(invoice.amount_untaxed, 775)

    def test_unlink(self):
        """A line of the discount is not deleted by itself, with the way out; the draft
        is, and frees the order."""
        self._discount(self.order, "percent", 10)
        invoice = self._invoice()
        with self.assertRaisesRegex(UserError, "Change that discount"):
            invoice._get_service_discount_lines().unlink()
        invoice.unlink()
        self.assertEqual(self.order.billing_status, "to_invoice")

    def test_untouched(self):
        """Nothing is computed anew, and no line replaced, by what has nothing to do
        with the discount."""
        self._discount(self.order, "amount", 17.77)
        invoice = self._invoice()
        lines = invoice._get_service_discount_lines()
        before = [line.read()[0] for line in lines]
        self.tax.amount = 22
        invoice.write({"ref": "PO 1", "invoice_user_id": False})
        self.assertEqual(invoice._get_service_discount_lines(), lines)
        for line, old in zip(lines, before, strict=True):
            self.assertEqual(line.extra_tax_data, old["extra_tax_data"])

    def test_form(self):
        """D6: type and value on the form of the invoice, and on that of the order."""
        with Form(self.order) as form:
            form.discount_type = "percent"
            form.discount_value = 10
        self.assertEqual(self.order.amount_untaxed, 371.25)
        invoice = self._invoice()
        with Form(invoice) as form:
            self.assertEqual(form.service_discount_type, "percent")
            form.service_discount_type = "amount"
            form.service_discount_value = 99.13
            self.assertEqual(form.tax_totals["total_amount_currency"], 400)
            self.assertEqual(invoice.amount_untaxed, 371.25)
        self.assertEqual(invoice.amount_total, 400)
        with Form(invoice) as form:
            with form.invoice_line_ids.edit(0) as line:
                line.quantity = 5
            total = form.tax_totals["total_amount_currency"]
            self.assertAlmostEqual(total, 550 * 1.21 - 99.13)
            with form.invoice_line_ids.new() as line:
                line.name = "Parking"
                line.price_unit = 10
                line.tax_ids.clear()
        self.assertAlmostEqual(invoice.amount_total, 550 * 1.21 + 10 - 99.13)
        self.assertTotalsAgree(invoice)
        invoice.action_post()
        form = Form(invoice)
        with self.assertRaises(AssertionError):
            form.service_discount_value = 1

    def test_other_invoices(self):
        """An invoice without service order, and a duplicate of one with, have no
        discount on the whole; the duplicate keeps its lines as ordinary ones."""
        other = self.init_invoice("out_invoice", products=self.labor)
        self.assertEqual(other.service_discount_type, "none")
        self._discount(self.order, "amount", 50)
        invoice = self._invoice(post=True)
        duplicate = invoice.copy()
        self.assertEqual(duplicate.service_discount_type, "none")
        self.assertFalse(duplicate._get_service_discount_lines())
        self.assertEqual(duplicate.amount_total, invoice.amount_total)
        duplicate.invoice_line_ids[-1].unlink()
        self.assertEqual(duplicate.amount_total, 499.13)

    # ------------------------------------------------------------------
    # Limits and rights
    # ------------------------------------------------------------------

    def test_limits_on_order(self):
        """D6: 0 to 100 %, or 0 to what the lines come to; messages name both. An amount
        may be agreed before it is known what there is to charge."""
        for kind, value, limit in (
            ("percent", -1, "100 %"),
            ("percent", 100.01, "100 %"),
            ("amount", -1, "499.13"),
            ("amount", 499.14, "499.13"),
        ):
            with (
                self.subTest(kind=kind, value=value),
                self.assertRaisesRegex(ValidationError, f"{self.order.name}.*{limit}"),
            ):
                self._discount(self.order, kind, value)
        self._discount(self.order, "amount", 499.13)
        self.assertEqual(self.order.amount_total, 0)
        empty = self._discount(self._create_order(lines=[], done=False), "amount", 50)
        with self.assertRaises(ValidationError):
            empty.discount_value = -1
        # parts come back whatever the discount; billing says what is wrong
        self.order.line_ids[1].quantity = 1
        with self.assertRaisesRegex(UserError, f"{self.order.name}.*332.75"):
            self._invoice()

    def test_limits_on_invoice(self):
        """D6: the same limits on a draft, also when its lines fall below an amount."""
        invoice = self._invoice()
        for kind, value, limit in (
            ("percent", -1, "100"),
            ("percent", 101, "100"),
            ("amount", -1, "499.13"),
            ("amount", 499.14, "499.13"),
        ):
            with (
                self.subTest(kind=kind, value=value),
                self.assertRaisesRegex(ValidationError, f"Draft.*{limit}"),
            ):
                invoice.write(
                    {"service_discount_type": kind, "service_discount_value": value}
                )
            invoice.invalidate_recordset()
        invoice.write(
            {"service_discount_type": "amount", "service_discount_value": 499.13}
        )
        self.assertEqual(invoice.amount_total, 0)
        with self.assertRaisesRegex(ValidationError, "Draft.*332.75"):
            invoice.invoice_line_ids[1].quantity = 1

    def test_issued(self):
        """D2, D6: an issued invoice keeps its discount; without the company's lock it
        changes on a draft only, where its lines can follow."""
        self._discount(self.order, "percent", 10)
        invoice = self._invoice(post=True)
        with self.assertRaises(UserError):
            invoice._get_service_discount_lines().write({"is_service_discount": False})
        vals_list = (
            {"service_discount_type": "none"},
            {"service_discount_value": 5},
        )
        for lock in (True, False):
            self.company.service_invoice_lock = lock
            for vals in vals_list:
                with self.assertRaises(UserError):
                    invoice.write(vals)
        invoice.button_draft()
        invoice.service_discount_value = 5
        self.assertEqual(invoice.amount_untaxed, 391.87)

    def test_rights(self):
        """A worker gives a discount until the order is billed; who creates invoices
        without accounting rights does not edit that of a draft."""
        self._create_users()
        self.order.person_id = self.env["fsm.person"].create(
            {"name": "W", "partner_id": self.worker.partner_id.id}
        )
        order = self.order.with_user(self.worker)
        order.write({"discount_type": "percent", "discount_value": 10})
        self.assertEqual(self.order.amount_untaxed, 371.25)
        invoice = self.order.with_user(self.dispatcher)._create_invoices()
        self.assertEqual(invoice.amount_untaxed, 371.25)
        with self.assertRaisesRegex(UserError, "is billed"):
            order.discount_value = 50
        with self.assertRaises(AccessError):
            invoice.with_user(self.dispatcher).sudo(False).service_discount_value = 50
        self.order.with_user(self.dispatcher).discount_value = 20
        self.assertEqual(self.order.billing_difference, -41.25)

    # ------------------------------------------------------------------
    # Refresh, and several orders on one invoice
    # ------------------------------------------------------------------

    def test_refresh(self):
        """C16: a draft takes the order's discount anew with its lines."""
        self._discount(self.order, "amount", 400)
        invoice = self._invoice()
        self.order.line_ids[0].quantity = 5
        self._discount(self.order, "percent", 10)
        self.assertEqual(self.order.billing_status, "draft")
        self.assertTrue(self.order.billing_difference)
        self.order.action_refresh_invoice()
        self.assertEqual(invoice.service_discount_type, "percent")
        self.assertEqual(invoice.amount_untaxed, 495)
        self.assertEqual(self.order.billing_difference, 0)
        self._discount(self.order, "none", 10)
        self.order.action_refresh_invoice()
        self.assertEqual(invoice.amount_untaxed, 550)
        self.assertEqual(invoice.service_discount_value, 0)

    def test_consolidated(self):
        """C17, D6: orders with one percentage share an invoice, on which each keeps its
        own discount; other percentages and amounts are invoiced by themselves."""
        orders = self.order | self._create_mixed_order(33.33, 33.33, 33.33)
        apart = [self._create_order() for _i in range(4)]
        for order in orders:
            self._discount(order, "percent", 7.5)
        for order, discount in zip(
            apart,
            (("percent", 5), ("amount", 7.5), ("amount", 7.5), ("none", 7.5)),
            strict=True,
        ):
            self._discount(order, *discount)
        everything = orders.union(*apart)
        invoices = everything._create_invoices(grouped=True)
        self.assertEqual(len(invoices), 5)
        invoice = orders.active_invoice_id
        self.assertEqual(len(invoice), 1)
        for order in everything:
            self.assertEqual(order.billing_difference, 0)
            link = order.invoice_link_ids
            self.assertAlmostEqual(link.amount_untaxed, order.amount_untaxed)
            lines = link.move_id._get_service_discount_lines().filtered(
                lambda line, order=order: line.service_discount_order_id == order
            )
            self.assertAlmostEqual(
                order.card_discount, sum(lines.mapped("price_subtotal"))
            )
        owners = [
            line._get_service_orders() for line in invoice._get_move_lines_to_report()
        ]
        self.assertEqual(owners, [orders[0]] * 3 + [orders[1]] * 6)
        self.assertTotalsAgree(invoice)

    def test_consolidated_amount(self):
        """D6: an amount off a consolidated draft is split over its orders and what was
        added by hand."""
        orders = self.order | self._create_order()
        invoice = orders._create_invoices(grouped=True)
        invoice.invoice_line_ids = [
            Command.create({"name": "Fee", "price_unit": 100, "tax_ids": False})
        ]
        before = invoice.amount_total
        invoice.write(
            {"service_discount_type": "amount", "service_discount_value": 100}
        )
        self.assertAlmostEqual(invoice.amount_total, before - 100)
        lines = invoice._get_service_discount_lines()
        self.assertEqual(lines.service_discount_order_id, orders)
        self.assertTrue(lines.filtered(lambda line: not line.service_discount_order_id))
        shares = orders.invoice_link_ids.mapped("amount_total")
        rest = lines.filtered(lambda line: not line.service_discount_order_id)
        self.assertAlmostEqual(
            sum(shares) + 100 + sum(rest.mapped("price_total")), before - 100
        )

    def test_consolidated_refresh(self):
        """C16: orders on one draft that no longer agree on their discount are told."""
        orders = self.order | self._create_order()
        invoice = orders._create_invoices(grouped=True)
        self._discount(orders[0], "percent", 10)
        with self.assertRaisesRegex(UserError, orders[1].name):
            orders[0].action_refresh_invoice()
        self._discount(orders[1], "percent", 10)
        orders.action_refresh_invoice()
        self.assertEqual(invoice.amount_untaxed, 742.5)
        self.assertEqual(orders.mapped("billing_difference"), [0, 0])

    # ------------------------------------------------------------------
    # Credit notes
    # ------------------------------------------------------------------

    def test_full_credit(self):
        """D6: a full credit note, and the one that cancels, equal the invoice by
        journal item, and free the order; billed anew it has the discount again."""
        for kind, value in (("percent", 12.5), ("amount", 47.11)):
            order = self._create_mixed_order(100, 33.33, 19.99, 66.67)
            order.line_ids[0].write({"discount_type": "amount", "discount_value": 5.55})
            self._discount(order, kind, value)
            invoice = self._invoice(order, post=True)
            self.assertReversed(invoice, self._credit(invoice))
            self.assertEqual(order.billing_status, "to_invoice")
            invoice = self._invoice(order, post=True)
            self.assertEqual(invoice.amount_total, order.amount_total)
            self.assertReversed(invoice, invoice._cancel_service_invoices("test"))
            self.assertEqual(order.billing_status, "to_invoice")

    def test_reverse_and_create(self):
        """D6: “Reverse and Create Invoice” gives a draft with the same discount, which
        follows its lines."""
        self._discount(self.order, "amount", 50)
        invoice = self._invoice(post=True)
        new = self._credit(invoice, modify=True)
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertEqual(self.order.active_invoice_id, new)
        self.assertEqual(new.service_discount_type, "amount")
        self.assertEqual(new.service_discount_value, 50)
        self.assertEqual(new.amount_total, 449.13)
        self.assertEqual(self.order.billing_difference, 0)
        self.order.line_ids[0].quantity = 5
        new.invoice_line_ids[0].quantity = 5
        self.assertEqual(new.service_discount_value, 50)
        self.assertAlmostEqual(new.amount_total, 550 * 1.21 - 50)
        new.action_post()
        self.assertReversed(new, self._credit(new))

    def test_changed_rate(self):
        """D8: a rate that changes after the issue changes nothing of the discount."""
        self._discount(self.order, "percent", 10)
        invoice = self._invoice(post=True)
        self.tax.amount = 22
        self.env.invalidate_all()
        self.assertEqual(invoice.amount_total, 449.22)
        self.assertTotalsAgree(invoice)
        self.assertEqual(invoice._get_service_discount_lines().price_total, -49.91)

    def test_partial_credit_of_line(self):
        """D5: three credit notes for a third of a line each give back a third of its
        discount by amount, all of it together, and free the order."""
        order = self._create_order(
            lines=[
                {
                    "product_id": self.part.id,
                    "quantity": 3,
                    "discount_type": "amount",
                    "discount_value": 10,
                }
            ]
        )
        invoice = self._invoice(order, post=True)
        amounts = []
        for _i in range(3):
            credit_note = self._credit(invoice, post=False)
            with Form(credit_note) as form, form.invoice_line_ids.edit(0) as line:
                line.quantity = 1
            amounts.append(credit_note.invoice_line_ids.service_discount_amount)
            credit_note.action_post()
        self.assertEqual(amounts, [3.33, 3.34, 3.33])
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertEqual(order.billing_status, "to_invoice")

    def test_partial_credit_by_price(self):
        """D5: a lower price credits less of the discount; one entered by hand stays."""
        self.order.line_ids[1].write({"discount_type": "amount", "discount_value": 50})
        credit_note = self._credit(self._invoice(post=True), post=False)
        line = credit_note.invoice_line_ids[1]
        line.price_unit = 13.75
        self.assertEqual(line.service_discount_amount, 5)
        line.service_discount_amount = 2
        self.assertEqual(line.service_discount_amount, 2)
        self.assertEqual(line.price_subtotal, 25.5)
        credit_note.action_post()
        self.assertEqual(line.service_discount_amount, 2)

    def test_partial_credit_of_percent(self):
        """D6: a percentage is credited on what is credited."""
        self._discount(self.order, "percent", 10)
        credit_note = self._credit(self._invoice(post=True), post=False)
        credit_note.invoice_line_ids[1].quantity = 1
        self.assertEqual(credit_note.amount_untaxed, 247.5)
        credit_note.action_post()
        self.assertEqual(self.order.amount_invoiced, 123.75)

    def test_partial_credit_of_amount(self):
        """D6: credit notes for the lines one after the other give back the amount off
        the whole in proportion, all of it together, and free the order."""
        order = self._discount(
            self._create_mixed_order(100, 33.33, 66.67), "amount", 10
        )
        invoice = self._invoice(order, post=True)
        values = []
        for index in range(3):
            credit_note = self._credit(invoice, post=False)
            charged = credit_note.invoice_line_ids.filtered(
                lambda line: not line.is_service_discount
            )
            (charged - charged[index]).unlink()
            values.append(credit_note.service_discount_value)
            credit_note.action_post()
            self.assertTotalsAgree(credit_note)
        # 121.00, 35.33 and 66.67 of 223.00
        self.assertEqual(values, [5.43, 1.58, 2.99])
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertEqual(order.billing_status, "to_invoice")

    def test_partial_credit_by_hand(self):
        """D6: who credits decides: an amount entered on the credit note stays until its
        lines change."""
        self._discount(self.order, "amount", 50)
        credit_note = self._credit(self._invoice(post=True), post=False)
        credit_note.service_discount_value = 20
        self.assertEqual(credit_note.amount_total, 479.13)
        credit_note.ref = "as agreed"
        self.assertEqual(credit_note.service_discount_value, 20)
        credit_note.action_post()
        self.assertEqual(credit_note.service_discount_value, 20)

    def test_credit_difference(self):
        """“Credit the Difference” leaves none, whatever the discounts."""
        for kind, value, line_value in (
            ("percent", 10, 0),
            ("amount", 50, 0),
            ("none", 0, 10),
            ("percent", 10, 10),
        ):
            order = self._discount(self._create_order(), kind, value)
            part = order.line_ids[1]
            part.write({"discount_type": "amount", "discount_value": line_value})
            invoice = self._invoice(order, post=True)
            part.write({"quantity": 1, "discount_value": line_value / 2})
            self.assertLess(order.billing_difference, 0)
            wizard = self._open_reversal(invoice)
            self.assertTrue(wizard.credit_excess)
            wizard.refund_moves()
            wizard.new_move_ids.action_post()
            self.assertAlmostEqual(order.billing_difference, 0, 2, (kind, line_value))
            self.assertEqual(order.billing_status, "invoiced")


@tagged("post_install", "-at_install")
class TestGeneratedDiscount(DiscountCommon, GeneratedOrdersCommon):
    def _random_invoice(self, rng):
        """An issued invoice in all the ways that `test_breakdown` announces them, and
        what its order came to before the discount on the whole."""
        self.company.tax_calculation_rounding_method = rng.choice(
            ("round_per_line", "round_globally")
        )
        order = self._create_order(
            lines=[self._random_line(rng) for _i in range(rng.randint(1, 6))],
            currency_id=rng.choice(self.currencies).id,
        )
        limit, before = order._get_discount_limit(), order.amount_total
        self._discount_whole(rng, order)
        invoice = self._invoice(order)
        # credited at another rate
        invoice.invoice_date = rng.choice((False, "2010-01-01"))
        invoice.action_post()
        return invoice, limit, before

    def assertExportAgrees(self, move, case):
        """D11: the columns by rate agree with header and journal items, to the cent."""
        row = self.env["service.invoice.table"]._prepare_row(move)
        sign = -move.direction_sign

        def total(name):
            cells = [cell for key, cell in row.items() if key[0] == name]
            return sign * sum(cell.value for cell in cells)

        self.assertAlmostEqual(total("tax"), move.amount_tax, 6, case)
        self.assertAlmostEqual(
            total("tax_company"), sign * move.amount_tax_signed, 6, case
        )
        self.assertAlmostEqual(
            sign * row["untaxed"].value, move.amount_untaxed, 6, case
        )
        taxed = move.line_ids.filtered("tax_ids")
        for rate in move._get_tax_rates():
            tax_lines = move.line_ids.filtered(
                lambda line, rate=rate: line.tax_line_id.id == rate["tax_id"]
            )
            if rate["tax_id"]:
                self.assertAlmostEqual(
                    sum(tax_lines.mapped("balance")),
                    -sign * rate["tax_company"],
                    6,
                    case,
                )
            lines = taxed.filtered(
                lambda line, rate=rate: rate["tax_id"] in line.tax_ids.ids
            )
            if lines and all(len(line.tax_ids) == 1 for line in lines):
                self.assertAlmostEqual(
                    sum(lines.mapped("balance")), -sign * rate["base_company"], 6, case
                )

    def test_generated(self):
        """D5, D6, D7, D11: 30 generated invoices: what comes off the total is the
        discount, header, lines, tax by rate, export columns and journal items agree,
        and so does the full credit note; the order is free again."""
        rng = random.Random(5)
        for case in range(30):
            invoice, limit, before = self._random_invoice(rng)
            kind, value = invoice.service_discount_type, invoice.service_discount_value
            off = {"none": 0.0, "amount": value, "percent": limit * value / 100}[kind]
            currency = invoice.currency_id
            self.assertEqual(
                currency.compare_amounts(
                    invoice.amount_total, before - currency.round(off)
                ),
                0,
                f"case {case}: {before} - {off} != {invoice.amount_total}",
            )
            self.assertTotalsAgree(invoice, case)
            self.assertExportAgrees(invoice, case)
            credit_note = self._credit(invoice)
            self.assertTotalsAgree(credit_note, case)
            self.assertExportAgrees(credit_note, case)
            self.assertReversed(invoice, credit_note, case)
            self.assertFalse(invoice.service_order_link_ids.is_active)

    def test_generated_partial(self):
        """D5, D6: 10 generated invoices credited in two parts, by quantity: the amounts
        off are given back whole, and the order is free again."""
        rng = random.Random(6)
        for case in range(10):
            invoice, _limit, _before = self._random_invoice(rng)
            credited = defaultdict(float)
            for part in range(2):
                credit_note = self._credit(invoice, post=False)
                commands = []
                for line in credit_note._get_service_discounted_lines():
                    quantity = line.quantity
                    if not part:
                        quantity = round(quantity / 3, 2)
                    else:
                        quantity -= credited[line.service_origin_line_id]
                    credited[line.service_origin_line_id] += quantity
                    commands.append(Command.update(line.id, {"quantity": quantity}))
                credit_note.invoice_line_ids = commands
                credit_note.action_post()
                self.assertTotalsAgree(credit_note, case)
            credit_notes = invoice.reversal_move_ids
            for line in invoice.invoice_line_ids:
                given = line.service_copy_line_ids.mapped("service_discount_amount")
                self.assertAlmostEqual(sum(given), line.service_discount_amount)
            if invoice.service_discount_type == "amount":
                values = credit_notes.mapped("service_discount_value")
                self.assertAlmostEqual(sum(values), invoice.service_discount_value)
            self.assertFalse(invoice.service_order_link_ids.is_active, case)
