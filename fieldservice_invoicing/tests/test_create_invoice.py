# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestCreateInvoice(ServiceInvoicingCommon):
    def test_create(self):
        """C1, F1: the invoice has the order's labor and parts, as a draft."""
        self.assertEqual(self.order.billing_status, "to_invoice")
        invoice = self._invoice()
        self.assertRecordValues(
            invoice,
            [
                {
                    "state": "draft",
                    "move_type": "out_invoice",
                    "partner_id": self.partner_a.id,
                    "invoice_origin": self.order.name,
                    "amount_untaxed": 412.5,
                    "amount_tax": 86.63,
                    "amount_total": 499.13,
                }
            ],
        )
        self.assertEqual(invoice.service_order_link_ids.order_id, self.order)
        self.assertEqual(
            invoice.invoice_line_ids.fsm_order_line_id, self.order.line_ids
        )
        self.assertEqual(self.order.billing_status, "draft")

    def test_finished(self):
        """An order says since when it can be invoiced, for lists sorted by age."""
        self.assertTrue(self.order.invoiceable_date)
        since = self.order.invoiceable_date
        self.order.line_ids[0].quantity = 3
        self.assertEqual(self.order.invoiceable_date, since)
        self.order.date_end = "2026-01-31 12:00:00"
        self.assertEqual(self.order.invoiceable_date, self.order.date_end)
        self.assertFalse(self._create_order(done=False).invoiceable_date)

    def test_stage(self):
        """C4: only an invoiceable stage; the refusal names order and stage."""
        order = self._create_order(done=False)
        self.assertEqual(order.billing_status, "not_ready")
        self.assertFalse(order.can_create_invoice)
        with self.assertRaisesRegex(UserError, f"{order.name}.*{order.stage_id.name}"):
            order._create_invoices()
        order.action_cancel()
        with self.assertRaisesRegex(UserError, "Cancelled"):
            order.action_create_invoice()
        self.assertTrue(self.stage_completed.is_invoiceable)
        self.assertFalse(self.stage_cancelled.is_invoiceable)

    def test_one_active(self):
        """C5: a second try is refused, names the invoice and offers to open it."""
        dialog = self._dialog()
        invoice = self._invoice()
        with self.assertRaisesRegex(
            UserError, "An invoice already exists for this service order."
        ) as refused:
            dialog.action_create_draft()
        self.assertIn(invoice.display_name, str(refused.exception))
        with self.assertRaisesRegex(
            UserError, "An invoice already exists for this service order."
        ):
            self.order._create_invoices()
        action = self.order.action_create_invoice()
        self.assertEqual(action["tag"], "display_notification")
        self.assertIn(str(invoice.id), action["params"]["links"][0]["url"])
        self.assertEqual(action["params"]["links"][0]["label"], invoice.display_name)
        self.assertEqual(len(self.order.invoice_link_ids), 1)

    def test_one_active_in_the_database(self):
        """C5: no code path goes round the unique index."""
        from psycopg2.errors import UniqueViolation

        from odoo.tools import mute_logger

        self._invoice()
        other = self.init_invoice("out_invoice", products=self.labor)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(UniqueViolation),
            self.env.cr.savepoint(),
        ):
            self.env["fsm.order.invoice"].sudo().create(
                {"order_id": self.order.id, "move_id": other.id}
            )

    def test_card(self):
        """C6, C13: the card shows the breakdown before and after."""
        order = self.order
        self.assertFalse(order.active_invoice_id)
        self.assertTrue(order.can_create_invoice)
        before = (order.card_labor, order.card_parts, order.card_tax, order.card_total)
        self.assertEqual(before, (137.5, 275.0, 86.63, 499.13))
        invoice = self._invoice()
        after = (order.card_labor, order.card_parts, order.card_tax, order.card_total)
        self.assertEqual(after, before)
        self.assertEqual(order.active_invoice_id, invoice)
        self.assertEqual(order.active_invoice_status, "draft")
        self.assertFalse(order.can_create_invoice)
        self.assertEqual(order.invoice_link_ids[0].move_id, invoice)

    def test_unit_price(self):
        """C7: the order's equipment is billed at its price, or left out."""
        boiler = self.env["fsm.equipment"].create(
            {
                "name": "Boiler 1",
                "product_id": self._create_service_product("Boiler", "consu", 900).id,
                "list_price": 1000.0,
                "company_id": self.company.id,
            }
        )
        order = self._create_order(equipment_ids=[Command.set(boiler.ids)])
        unit = order.line_ids.filtered(lambda line: line.kind == "unit")
        self.assertRecordValues(
            unit, [{"equipment_id": boiler.id, "price_unit": 1000.0, "quantity": 1}]
        )
        dialog = self._dialog(order)
        self.assertTrue(dialog.include_unit_price)
        self.assertEqual((dialog.unit_price, dialog.amount_unit), (1000.0, 1000.0))
        dialog.include_unit_price = False
        self.assertEqual((dialog.amount_unit, dialog.amount_untaxed), (0.0, 412.5))
        dialog.action_create_draft()
        self.assertEqual(order.active_invoice_id.amount_untaxed, 412.5)
        self.assertEqual(order.billing_difference, 0.0)
        with_unit = self._create_order(equipment_ids=[Command.set(boiler.ids)])
        self.assertEqual(self._invoice(with_unit).amount_untaxed, 1412.5)

    def test_unit_price_of_product(self):
        """C7: without a price of its own the equipment takes its product's."""
        boiler = self.env["fsm.equipment"].create(
            {
                "name": "Boiler 2",
                "product_id": self._create_service_product("Boiler", "consu", 900).id,
                "company_id": self.company.id,
            }
        )
        order = self._create_order(lines=[], equipment_ids=[Command.set(boiler.ids)])
        self.assertEqual(order.line_ids.price_unit, 900.0)
        with self.assertRaisesRegex(UserError, "Include the unit price"):
            order._create_invoices(include_unit_price=False)
        order.equipment_ids = False
        self.assertFalse(order.line_ids)

    def test_units_follow_the_equipment(self):
        """C7, C16: units come and go with the equipment, on a draft by Refresh, and
        an equipment that gets its price later is billed too."""
        boiler, pump = self.env["fsm.equipment"].create(
            [
                {"name": name, "list_price": price, "company_id": self.company.id}
                for name, price in (("Boiler 3", 1000.0), ("Pump 3", 0.0))
            ]
        )
        order = self._create_order(equipment_ids=[Command.set((boiler | pump).ids)])
        self.assertEqual(order.line_ids.equipment_id, boiler)
        pump.list_price = 50
        self.assertEqual(self._dialog(order).amount_unit, 1050.0)
        invoice = self._invoice(order)
        self.assertEqual(invoice.amount_untaxed, 412.5 + 1000 + 50)
        order.equipment_ids = pump
        self.assertEqual(order.line_ids.equipment_id, boiler | pump)
        order.action_refresh_invoice()
        self.assertEqual(order.line_ids.equipment_id, pump)
        self.assertEqual(invoice.amount_untaxed, 412.5 + 50)

    def test_tax_treatment(self):
        """C8: another tax for this invoice, or exempt; the order keeps its own."""
        six = self.env["account.tax"].create({"name": "6%", "amount": 6})
        dialog = self._dialog(tax_treatment="tax", tax_id=six.id)
        self.assertEqual(dialog.amount_tax, 24.75)
        dialog.action_create_draft()
        invoice = self.order.active_invoice_id
        self.assertEqual(invoice.amount_tax, 24.75)
        self.assertEqual(self.order.line_ids.tax_ids, self.tax)
        exempt = self._create_order()
        dialog = self._dialog(exempt, tax_treatment="exempt")
        for name in ("tax_unit", "tax_labor", "tax_parts", "tax_other", "amount_tax"):
            self.assertEqual(dialog[name], 0.0)
        dialog.action_create_draft()
        self.assertEqual(exempt.active_invoice_id.amount_tax, 0.0)
        self.assertEqual(exempt.active_invoice_id.amount_total, 412.5)

    def test_tax_treatment_included(self):
        """C8: a price that includes tax loses it when the invoice is exempt."""
        self.tax.price_include_override = "tax_included"
        order = self._create_order(
            lines=[{"product_id": self.labor.id, "price_unit": 121.0}]
        )
        dialog = self._dialog(order, tax_treatment="exempt")
        self.assertEqual(dialog.amount_total, 100.0)
        dialog.action_create_draft()
        self.assertEqual(order.active_invoice_id.amount_total, 100.0)

    def test_tax_of_other_company(self):
        """C8: the dialog refuses a tax that is not a sales tax of the company."""
        purchase = self.company_data["default_tax_purchase"]
        dialog = self._dialog(tax_treatment="tax", tax_id=purchase.id)
        with self.assertRaisesRegex(UserError, "not a sales tax"):
            dialog.action_create_draft()
        dialog.tax_id = False
        with self.assertRaisesRegex(UserError, "Choose the tax"):
            dialog.action_create_draft()

    def test_dialog_adds_no_lines(self):
        """C10: the dialog shows what the order has, opened again after a change."""
        self.assertNotIn("line_ids", self.env["fsm.order.create.invoice"]._fields)
        self.assertEqual(self._dialog().amount_parts, 275.0)
        self.order.line_ids[1].quantity = 3
        self.assertEqual(self._dialog().amount_parts, 412.5)

    def test_create_and_send(self):
        """C11: posted, numbered and in the send dialog in one step."""
        action = self._dialog().action_create_and_send()
        self.assertEqual(action["res_model"], "account.move.send.wizard")
        invoice = self.order.active_invoice_id
        self.assertEqual(invoice.state, "posted")
        self.assertTrue(invoice.name)

    def test_create_draft_opens_it(self):
        """C11: by default a draft to review."""
        action = self._dialog().action_create_draft()
        self.assertEqual(action["res_id"], self.order.active_invoice_id.id)
        self.company.service_invoice_send = True
        dialog = self._dialog(self._create_order())
        self.assertTrue(dialog.send_at_once)

    def test_nothing_billable(self):
        """C12: refused, and says what is missing."""
        order = self._create_order(lines=[])
        self.assertEqual(order.billing_status, "nothing")
        with self.assertRaisesRegex(UserError, "no order lines"):
            order.action_create_invoice()
        order.line_ids = [
            Command.create(
                {
                    "product_id": self.labor.id,
                    "is_billable": False,
                    "non_billable_reason": "warranty",
                }
            )
        ]
        with self.assertRaisesRegex(UserError, "None of its order lines is billable"):
            order._create_invoices()
        order.line_ids = [Command.create({"product_id": self.part.id, "quantity": 0})]
        with self.assertRaisesRegex(UserError, "quantity of its billable lines"):
            order._create_invoices()

    def test_no_portions(self):
        """C14: portions are refused, in words that point to progress billing."""
        with self.assertRaisesRegex(UserError, "progress billing"):
            self.order._create_invoices(lines=self.order.line_ids[0])
        self._invoice()
        self.order.line_ids = [Command.create({"product_id": self.part.id})]
        with self.assertRaisesRegex(UserError, "progress billing"):
            self.order._create_invoices()

    def test_mark_as_billed(self):
        """C15: changes the status only, with a reason, and can be taken back."""
        action = self.order.action_mark_billed()
        wizard = self.env[action["res_model"]].with_context(**action["context"])
        with self.assertRaisesRegex(UserError, "reason"):
            wizard.create({"reason": " "}).action_mark_billed()
        wizard.create({"reason": "Old system"}).action_mark_billed()
        self.assertRecordValues(
            self.order,
            [
                {
                    "billing_status": "marked_billed",
                    "marked_billed_reason": "Old system",
                    "marked_billed_user_id": self.env.uid,
                    "amount_to_invoice": 0.0,
                    "can_create_invoice": True,
                }
            ],
        )
        self.order.action_unmark_billed()
        self.assertEqual(self.order.billing_status, "to_invoice")
        self.order._mark_billed("Again")
        self._invoice()
        self.assertEqual(self.order.billing_status, "draft")

    def test_change_after_invoicing(self):
        """C16: a change shows with its amount; a draft is refreshed in a click."""
        invoice = self._invoice(tax_treatment="exempt")
        invoice.invoice_line_ids = [
            Command.create({"name": "By hand", "price_unit": 10, "tax_ids": False})
        ]
        self.assertEqual(self.order.billing_difference, -10.0)
        self.order.line_ids[1].quantity = 3
        self.order.line_ids = [
            Command.create({"product_id": self.labor.id, "quantity": 1})
        ]
        self.assertEqual(self.order.billing_difference, 182.5)
        self.order.action_refresh_invoice()
        self.assertEqual(self.order.active_invoice_id, invoice)
        self.assertEqual(invoice.amount_untaxed, 412.5 + 10 + 192.5)
        self.assertEqual(invoice.amount_tax, 0.0)
        self.assertEqual(self.order.billing_difference, -10.0)
        invoice.action_post()
        self.order.line_ids[1].quantity = 4
        self.assertEqual(self.order.billing_difference, 127.5)
        with self.assertRaisesRegex(UserError, "credit note"):
            self.order.action_refresh_invoice()

    def test_several_orders(self):
        """One batch: an invoice for each order; all or nothing."""
        orders = self.order | self._create_order() | self._create_order()
        invoices = orders._create_invoices()
        self.assertEqual(len(invoices), 3)
        bad = self._create_order(done=False)
        good = self._create_order()
        with self.assertRaises(UserError), self.env.cr.savepoint():
            (good | bad)._create_invoices()
        self.assertFalse(good.invoice_link_ids)

    def test_grouped(self):
        """One invoice for several orders, each with its claim and share."""
        orders = self.order | self._create_order(
            lines=[{"product_id": self.part.id, "quantity": 1}]
        )
        invoice = orders._create_invoices(grouped=True)
        self.assertEqual(len(invoice), 1)
        self.assertEqual(invoice.service_order_link_ids.order_id, orders)
        self.assertEqual(orders.mapped("amount_invoiced"), [412.5, 137.5])
        self.assertEqual(orders.mapped("card_total"), [499.12, 166.38])

    def test_grouped_by_bill_to(self):
        """C17: orders of another bill-to have their own invoice."""
        other = self._create_order(bill_to_id=self.partner_b.id)
        orders = self.order | other | self._create_order()
        invoices = orders._create_invoices(grouped=True)
        self.assertEqual(invoices.partner_id, self.partner_a | self.partner_b)
        self.assertEqual(len(invoices), 2)
        self.assertEqual(other.active_invoice_id.partner_id, self.partner_b)

    def _lines_of(self, invoice):
        """Order, display type and description of lines, as the invoice shows them."""
        return [
            (
                line.service_heading_order_id or line.fsm_order_line_id.order_id,
                line.display_type,
                line.name,
            )
            for line in invoice.invoice_line_ids.sorted(
                lambda line: (line.sequence, line.id)
            )
        ]

    def test_grouped_sections(self):
        """C17: each of several orders is a section of the invoice, with its own
        sections within, also after Refresh."""
        lines = [
            {"display_type": "line_section", "name": "Labor", "sequence": 2},
            {"display_type": "line_note", "name": "By hand", "sequence": 3},
            {"product_id": self.labor.id, "name": "Work", "sequence": 4},
        ]
        orders = self._create_order(lines=lines) | self._create_order(lines=lines)
        orders.date_end = "2026-11-21 10:00:00"
        invoice = orders._create_invoices(grouped=True)
        expected = [
            (order, display_type, name)
            for order in orders
            for display_type, name in (
                ("line_section", f"{order.name} – Site of partner_a – 11/21/2026"),
                ("line_subsection", "Labor"),
                ("line_note", "By hand"),
                ("product", "Work"),
            )
        ]
        self.assertEqual(self._lines_of(invoice), expected)
        orders[0].line_ids[2].quantity = 3
        orders[0].action_refresh_invoice()
        self.assertEqual(self._lines_of(invoice), expected)
        self.assertEqual(invoice.amount_untaxed, 55 * 4)
        headings = invoice.invoice_line_ids.filtered("service_heading_order_id")
        self.assertEqual(
            [heading.get_section_subtotal() for heading in headings], [165.0, 55.0]
        )

    def test_grouped_section_in_the_language_of_the_customer(self):
        """C17: date and location of the section are in the bill-to's language."""
        self.env["res.lang"]._activate_lang("de_DE")
        self.partner_a.lang = "de_DE"
        orders = self.order | self._create_order()
        orders.date_end = "2026-11-21 10:00:00"
        invoice = orders._create_invoices(grouped=True)
        self.assertEqual(
            invoice.invoice_line_ids[0].name,
            f"{self.order.name} – Site of partner_a – 21.11.2026",
        )

    def test_single_without_section(self):
        """The invoice of one order needs no section that names it."""
        other = self._create_order(bill_to_id=self.partner_b.id)
        invoices = (self.order | other)._create_invoices(grouped=True)
        self.assertEqual(
            set(invoices.invoice_line_ids.mapped("display_type")), {"product"}
        )

    def test_section_of_a_credit_note(self):
        """C17: the credit note of a consolidated invoice has its sections."""
        orders = self.order | self._create_order()
        invoice = self._invoice(orders, grouped=True, post=True)
        credit_note = self._credit(invoice)
        self.assertEqual(self._lines_of(credit_note), self._lines_of(invoice))
        self.assertEqual(set(orders.mapped("billing_status")), {"to_invoice"})

    def test_grouped_rounding(self):
        """C16: a consolidated invoice that is rounded as a whole moves cents between
        its orders; none of them has something left to invoice for that."""
        self.company.tax_calculation_rounding_method = "round_globally"
        line = {"product_id": self.labor.id, "quantity": 0.33, "price_unit": 10.01}
        orders = self.env["fsm.order"].union(
            *(self._create_order(lines=[line]) for _i in range(10))
        )
        invoice = orders._create_invoices(grouped=True)
        self.assertEqual(invoice.amount_untaxed, 33.03)
        self.assertEqual(set(orders.mapped("amount_invoiced")), {3.3, 3.31})
        self.assertEqual(set(orders.mapped("amount_to_invoice")), {0.0})
        orders[0].line_ids.price_unit = 20.0
        self.assertEqual(orders[0].billing_difference, 3.3)
        orders[0].action_refresh_invoice()
        self.assertEqual(set(orders.mapped("amount_to_invoice")), {0.0})

    def test_changed_rate_in_price(self):
        """C16, D8: a rate or rounding method changed since shows no difference
        between order and invoice."""
        self.tax.price_include_override = "tax_included"
        order = self._create_order(
            lines=[{"product_id": self.labor.id, "price_unit": 121.0}]
        )
        self.tax.amount = 10
        invoice = self._invoice(order)
        self.assertEqual(invoice.amount_untaxed, 110.0)
        self.assertEqual(order.amount_untaxed, 110.0)
        self.assertEqual(order.billing_difference, 0.0)
        self.tax.amount = 21
        order.action_refresh_invoice()
        self.assertEqual(invoice.amount_untaxed, 100.0)
        self.assertEqual(order.billing_difference, 0.0)

    def test_changed_rounding(self):
        """C9: the order's total is rounded as its invoice's."""
        self.company.tax_calculation_rounding_method = "round_per_line"
        self.tax.amount = 10
        order = self._create_order(
            lines=[{"name": name, "price_unit": 0.15} for name in "ABC"]
        )
        self.assertEqual(order.amount_total, 0.51)
        self.company.tax_calculation_rounding_method = "round_globally"
        self.assertEqual(self._invoice(order).amount_total, 0.5)
        self.assertEqual(order.amount_total, 0.5)

    def test_invoice_in_another_currency(self):
        """C16: what an invoice of another currency bills, in the order's currency, at
        the rate of its date."""
        currency = self.setup_other_currency(
            "EUR", rates=[("2000-01-01", 2.0), ("2020-01-01", 4.0)]
        )
        invoice = self._invoice()
        invoice.currency_id = currency
        self.assertEqual(self.order.amount_invoiced, 103.13)
        invoice.invoice_date = "2010-01-01"
        self.assertEqual(self.order.amount_invoiced, 206.25)
        self.assertEqual(self.order.card_currency_id, currency)
        self.assertEqual(self.order.card_total, 499.13)

    def test_query_count(self):
        """A list of orders costs a number of queries that does not grow with it."""
        few = self.env["fsm.order"].union(*(self._create_order() for _i in range(2)))
        many = self.env["fsm.order"].union(*(self._create_order() for _i in range(12)))

        def count(orders):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            orders._compute_card_amounts()
            orders.mapped("can_create_invoice")
            orders.mapped("billing_difference")
            orders._ensure_can_be_invoiced()
            return self.env.cr.sql_log_count - before

        count(few)
        self.assertLessEqual(count(many), count(few) + 2)

    def test_query_count_of_creation(self):
        """Each order more costs no more queries than an invoice entered by hand, and
        one for the link of fieldservice_account where that is installed."""

        def count(number, create):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            create(number)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        def create_by_hand(number):
            # Odoo's tests switch tracking off, which service invoices do not
            context = {"allowed_company_ids": self.env.companies.ids}
            self.env(context=context)["account.move"].create(
                [
                    {
                        "move_type": "out_invoice",
                        "partner_id": self.partner_a.id,
                        "invoice_line_ids": [
                            Command.create({"product_id": product.id})
                            for product in (self.labor, self.part)
                        ],
                    }
                    for _i in range(number)
                ]
            )

        orders = [
            self.env["fsm.order"].union(*(self._create_order() for _i in range(number)))
            for number in (2, 2, 12)
        ]

        def create_from_orders(_number):
            orders.pop(0)._create_invoices()

        counts = []
        for create in (create_by_hand, create_from_orders):
            count(2, create)
            few = count(2, create)
            counts.append(count(12, create) - few)
        by_hand, from_orders = counts
        links = 10 * ("fsm_order_ids" in self.env["account.move.line"]._fields)
        self.assertLessEqual(from_orders, by_hand + links)

    def test_order_form(self):
        """C6: the form's card and tab, as a user fills them in."""
        order = self._create_order(lines=[], done=False)
        with Form(order) as form, form.line_ids.new() as line:
            line.product_id = self.labor
            line.quantity = 2
            self.assertEqual(line.price_unit, 55.0)
            self.assertEqual(line.kind, "labor")
            self.assertEqual(line.price_subtotal, 110.0)
        self.assertEqual(order.amount_untaxed, 110.0)

    def test_negative_total(self):
        """An invoice below zero is refused and nothing is left behind."""
        order = self._create_order(
            lines=[{"name": "Rebate", "kind": "charge", "price_unit": -10}]
        )
        with self.assertRaisesRegex(UserError, "negative"), self.env.cr.savepoint():
            order._create_invoices()
        self.assertFalse(order.invoice_link_ids)
        order.line_ids.price_unit = 10
        invoice = self._invoice(order)
        order.line_ids.price_unit = -10
        with self.assertRaisesRegex(UserError, "negative"), self.env.cr.savepoint():
            order.action_refresh_invoice()
        self.assertEqual(invoice.amount_untaxed, 10)

    def test_bill_to(self):
        """The bill-to is the owner's invoice address, with its own terms."""
        address = self.env["res.partner"].create(
            {"name": "Billing", "type": "invoice", "parent_id": self.partner_a.id}
        )
        order = self._create_order()
        self.assertEqual(order.bill_to_id, address)
        order.bill_to_id = self.partner_b
        self.assertEqual(order.payment_term_id, self.partner_b.property_payment_term_id)
        self.assertEqual(
            order.fiscal_position_id, self.partner_b.property_account_position_id
        )
        invoice = self._invoice(order)
        self.assertEqual(invoice.partner_id, self.partner_b)
        with self.assertRaisesRegex(UserError, "Bill-to of service order"):
            order.bill_to_id = self.partner_a
        invoice.button_cancel()
        order.bill_to_id = self.partner_a

    def test_location_of_billed_order(self):
        """A billed order that moves to another location keeps whom it billed."""
        elsewhere = self._create_location(self.partner_b)
        self._invoice()
        terms = ("bill_to_id", "payment_term_id", "fiscal_position_id", "currency_id")
        before = [self.order[name] for name in terms]
        self.order.location_id = elsewhere
        self.env.flush_all()
        self.assertEqual([self.order[name] for name in terms], before)
        waiting = self._create_order()
        waiting.location_id = elsewhere
        self.assertEqual(waiting.bill_to_id, self.partner_b)

    def test_bad_bill_to(self):
        """An archived bill-to, or one without a country that taxes need, is refused."""
        self.partner_a.country_id = False
        self.env["account.fiscal.position"].create(
            {
                "name": "Abroad",
                "auto_apply": True,
                "country_id": self.env.ref("base.be").id,
                "company_id": self.company.id,
            }
        )
        self.order.fiscal_position_id = False
        with self.assertRaisesRegex(UserError, "no country"):
            self.order._create_invoices()
        self.partner_a.country_id = self.env.ref("base.us")
        self.partner_a.active = False
        with self.assertRaisesRegex(UserError, "archived"):
            self.order._create_invoices()
        self.order.bill_to_id = False
        with self.assertRaisesRegex(UserError, "no bill-to"):
            self.order._create_invoices()

    def test_companies_of_one_batch(self):
        """Each invoice is of its order's company, with that one's journal, accounts
        and taxes, whichever company the user works in."""
        other = self.setup_other_company()["company"]
        team = self.env["fsm.team"].create({"name": "There", "company_id": other.id})
        order = self._create_order(
            lines=[{"name": "Fee", "price_unit": 5}],
            company_id=other.id,
            team_id=team.id,
        )
        orders = order | self.order
        self.assertNotEqual(self.env.company, other)
        invoices = orders._create_invoices()
        self.assertEqual(invoices.env.companies, self.env.companies)
        invoice = order.active_invoice_id
        self.assertEqual(invoice.company_id, other)
        self.assertEqual(invoice.journal_id.company_id, other)
        self.assertEqual(invoice.line_ids.account_id.company_ids, other)
        self.assertEqual(invoice.amount_total, order.amount_total)
        invoices.action_post()
        invoices._cancel_service_invoices("test")
        self.assertFalse(orders.active_invoice_id)

    def test_company_moves(self):
        """An order that was billed stays in its company, with its own terms."""
        other = self.setup_other_company()["company"]
        order = self._create_order(lines=[{"name": "Fee", "price_unit": 1}])
        self._invoice(order).button_cancel()
        with self.assertRaisesRegex(UserError, "another company"):
            order.company_id = other
        journal_term = self.env["account.payment.term"].create(
            {"name": "Foreign", "company_id": other.id}
        )
        with self.assertRaisesRegex(ValidationError, other.name):
            self.order.payment_term_id = journal_term

    def test_delete_billed(self):
        """An order with an invoice, cancelled or not, is not deleted."""
        order = self._create_order()
        self._invoice(order).button_cancel()
        order.stage_id = self.stage_new
        with self.assertRaisesRegex(UserError, "kept for audit"):
            order.unlink()

    def test_chatter(self):
        """Order and invoice tell of each other."""
        invoice = self._invoice()
        self.assertIn("Draft invoice created", self.order.message_ids[0].body)
        self.assertIn(
            self.order.name, " ".join(m.body or "" for m in invoice.message_ids)
        )
        invoice.action_post()
        self.assertIn("Invoice posted", self.order.message_ids[0].body)
