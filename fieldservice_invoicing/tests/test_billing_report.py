# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from lxml import etree

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import ServiceInvoicingCommon

AMOUNTS = ("amount_untaxed", "amount_billed", "amount_unbilled", "cost", "margin")


@tagged("post_install", "-at_install")
class TestBillingReport(ServiceInvoicingCommon):
    """F5: the analysis of billed and unbilled work."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.labor.standard_price = 20.0
        cls.part.standard_price = 80.0
        cls.order = cls._create_order()
        cls._create_users()

    def _rows(self, order=None):
        report = self.env["service.billing.report"]
        report.invalidate_model()
        return report.search([("order_id", "in", (order or self.order).ids)])

    def _assert_rows(self, expected, order=None):
        """Compare the rows by kind, as tuples of AMOUNTS."""
        rows = self._rows(order)
        self.assertEqual(set(rows.mapped("kind")), set(expected))
        for kind, amounts in expected.items():
            for row in rows.filtered(lambda row, kind=kind: row.kind == kind):
                for name, amount in zip(AMOUNTS, amounts, strict=True):
                    self.assertAlmostEqual(row[name], amount, 6, f"{kind} {name}")

    def _assert_total(self, order, *expected):
        rows = self._rows(order)
        for name, amount in zip(AMOUNTS, expected, strict=True):
            self.assertAlmostEqual(sum(rows.mapped(name)), amount, 6, name)

    def test_unbilled(self):
        """F5: labor 137.50 that costs 50, parts 275 that cost 160, nothing billed."""
        self._assert_rows(
            {
                "labor": (137.5, 0.0, 137.5, 50.0, 87.5),
                "part": (275.0, 0.0, 275.0, 160.0, 115.0),
                "order": (0.0, 0.0, 0.0, 0.0, 0.0),
            }
        )

    def test_dimensions(self):
        """F5: each row has what the order has; the order is counted once."""
        kind = self.env["fsm.order.type"].create({"name": "Repair"})
        person = self.env["fsm.person"].create({"name": "Wendy"})
        self.order.write(
            {"type": kind.id, "person_id": person.id, "date_end": "2026-03-02 10:00:00"}
        )
        rows = self._rows()
        self.assertEqual(len(rows), 3)
        for row in rows:
            self.assertRecordValues(
                row,
                [
                    {
                        "company_id": self.company.id,
                        "currency_id": self.company.currency_id.id,
                        "team_id": self.order.team_id.id,
                        "person_id": person.id,
                        "type_id": kind.id,
                        "location_id": self.location.id,
                        "bill_to_id": self.partner_a.id,
                        "billing_status": "to_invoice",
                        "finished_date": fields.Date.to_date("2026-03-02"),
                    }
                ],
            )
        self.assertEqual(sum(rows.mapped("order_count")), 1)
        self.assertEqual(rows.product_id, self.labor | self.part)
        action = rows[0].action_open_order()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("fsm.order", row.order_id.id)
        )

    def test_billed(self):
        """F5: a draft counts as billed, as on the order; a cancelled one does not."""
        invoice = self._invoice()
        self._assert_rows(
            {
                "labor": (137.5, 137.5, 0.0, 50.0, 87.5),
                "part": (275.0, 275.0, 0.0, 160.0, 115.0),
                "order": (0.0, 0.0, 0.0, 0.0, 0.0),
            }
        )
        invoice._cancel_service_invoices("test")
        self._assert_total(self.order, 412.5, 0.0, 412.5, 210.0, 202.5)

    def test_discount_on_the_whole(self):
        """F5: 10 % off the whole is the order's: 41.25, billed or not."""
        self.order.write({"discount_type": "percent", "discount_value": 10})
        self._assert_total(self.order, 371.25, 0.0, 371.25, 210.0, 161.25)
        self._invoice(post=True)
        self._assert_rows(
            {
                "labor": (137.5, 137.5, 0.0, 50.0, 87.5),
                "part": (275.0, 275.0, 0.0, 160.0, 115.0),
                "order": (-41.25, -41.25, 0.0, 0.0, -41.25),
            }
        )

    def test_credited(self):
        """F5: one of two parts credited: 137.50 is no longer billed, and left over."""
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.filtered(
            lambda line: line.product_id == self.labor
        ).unlink()
        credit_note.invoice_line_ids.quantity = 1
        self._assert_total(self.order, 412.5, 412.5, 0.0, 210.0, 202.5)
        credit_note.action_post()
        self._assert_rows(
            {
                "labor": (137.5, 137.5, 0.0, 50.0, 87.5),
                "part": (275.0, 137.5, 137.5, 160.0, 115.0),
                "order": (0.0, 0.0, 0.0, 0.0, 0.0),
            }
        )
        self.assertEqual(self.order.amount_invoiced, 275.0)

    def test_added_by_hand(self):
        """F5: what someone added to the draft is the order's as a whole."""
        invoice = self._invoice()
        invoice.invoice_line_ids = [
            Command.create({"name": "Parking", "price_unit": 20.0, "tax_ids": False})
        ]
        rows = self._rows()
        self.assertEqual(sum(rows.mapped("amount_billed")), 432.5)
        own = rows.filtered(lambda row: row.kind == "order")
        self.assertEqual(own.amount_billed, 20.0)

    def test_consolidated(self):
        """F5: of an invoice of two orders each has its own lines and discount."""
        other = self._create_order(lines=[{"product_id": self.labor.id, "quantity": 1}])
        orders = self.order | other
        orders.write({"discount_type": "percent", "discount_value": 10})
        invoice = self._invoice(orders, grouped=True, post=True)
        self.assertEqual(len(invoice), 1)
        self._assert_total(self.order, 371.25, 371.25, 0.0, 210.0, 161.25)
        self._assert_total(other, 49.5, 49.5, 0.0, 20.0, 29.5)

    def test_not_finished_and_marked(self):
        """F5: work that is not finished, or marked as billed, is worth what it is and
        not unbilled."""
        order = self._create_order(done=False)
        self._assert_total(order, 412.5, 0.0, 0.0, 210.0, 202.5)
        self.order._mark_billed("Paid in cash")
        self._assert_total(self.order, 412.5, 0.0, 0.0, 210.0, 202.5)

    def test_unit_left_out(self):
        """F5: a unit that is left off the bill is neither value nor cost."""
        order = self._create_order(
            lines=[
                {"product_id": self.labor.id, "quantity": 1},
                {"product_id": self.part.id, "kind": "unit", "quantity": 1},
            ],
            include_unit_price=False,
        )
        self._assert_rows(
            {
                "labor": (55.0, 0.0, 55.0, 20.0, 35.0),
                "unit": (0.0, 0.0, 0.0, 0.0, 0.0),
                "order": (0.0, 0.0, 0.0, 0.0, 0.0),
            },
            order,
        )

    def test_currency(self):
        """F5: an order in another currency counts in the company's: today's rate, then
        that of the invoice, and the credit note's own."""
        currency = self.env["res.currency"].create(
            {
                "name": "XTC",
                "symbol": "X",
                "rate_ids": [
                    Command.create({"name": "2020-01-01", "rate": 4.0}),
                    Command.create({"name": "2024-01-01", "rate": 2.0}),
                ],
            }
        )
        order = self._create_order(
            lines=[{"product_id": self.part.id, "quantity": 2, "price_unit": 100.0}],
            currency_id=currency.id,
        )
        order.line_ids.price_unit = 100.0
        # 200 X at 2; the cost of 80 each was converted at 2
        self._assert_total(order, 100.0, 0.0, 100.0, 160.0, -60.0)
        invoice = self._invoice(order)
        invoice.invoice_date = "2022-06-01"
        invoice.action_post()
        self.assertEqual(invoice.invoice_currency_rate, 4.0)
        self._assert_total(order, 50.0, 50.0, 0.0, 80.0, -30.0)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_date = "2025-06-01"
        credit_note.invoice_line_ids.quantity = 1
        credit_note.action_post()
        # 200 at 4, less 100 at 2: the books say 0
        rows = self._rows(order)
        self.assertEqual(sum(rows.mapped("amount_billed")), 0.0)
        self.assertEqual(sum(rows.mapped("amount_unbilled")), 25.0)

    def test_days(self):
        """F5: finished on 1 March, invoiced on the 11th, paid on the 31st."""
        self.order.date_end = "2026-03-01 12:00:00"
        invoice = self._invoice()
        own = self._rows().filtered(lambda row: row.kind == "order")
        self.assertFalse(own.invoice_date)
        invoice.invoice_date = "2026-03-11"
        invoice.action_post()
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({"payment_date": "2026-03-31"})._create_payments()
        self.assertEqual(
            self.order.invoice_link_ids.paid_date, fields.Date.to_date("2026-03-31")
        )
        rows = self._rows()
        own = rows.filtered(lambda row: row.kind == "order")
        self.assertRecordValues(own, [{"days_to_bill": 10.0, "days_to_pay": 20.0}])
        averages = self.env["service.billing.report"]._read_group(
            [("order_id", "=", self.order.id)],
            [],
            ["days_to_bill:avg", "days_to_pay:avg", "order_count:sum"],
        )
        self.assertEqual(averages, [(10.0, 20.0, 1)])

    def test_days_of_unbilled(self):
        """F5: orders that are not billed, not finished or not paid count in no average:
        they are no zero."""
        invoiced = self._create_order()
        self._invoice(invoiced, post=True)
        invoiced.stage_id = self.stage_new
        self.assertFalse(invoiced.invoiceable_date)
        report = self.env["service.billing.report"]
        counts = report._read_group(
            [("order_id", "in", (self.order | invoiced).ids)],
            [],
            ["days_to_bill:count", "days_to_pay:count"],
        )
        self.assertEqual(counts, [(0, 0)])

    def test_paid_date(self):
        """F5: a part payment is no payment; the last one counts; one that is taken
        back counts no more."""
        invoice = self._invoice(post=True)
        link = self.order.invoice_link_ids
        self._pay(invoice, 100.0)
        self.assertFalse(link.paid_date)
        self._pay(invoice)
        self.assertEqual(link.paid_date, fields.Date.today())
        invoice.line_ids.remove_move_reconcile()
        self.assertFalse(link.paid_date)

    def test_zero(self):
        """F5: an invoice of nothing is paid on its day."""
        self.order.line_ids.price_unit = 0.0
        invoice = self._invoice(post=True)
        self.assertEqual(self.order.invoice_link_ids.paid_date, invoice.invoice_date)

    def test_companies(self):
        """F5: of another company a user reads no row."""
        other = self.setup_other_company()["company"]
        order = self._create_order(company_id=other.id, lines=[], done=False)
        report = self.env["service.billing.report"].with_user(self.manager)
        report = report.with_context(allowed_company_ids=self.company.ids)
        self.assertFalse(report.search([("order_id", "=", order.id)]))
        self.assertTrue(report.search([("order_id", "=", self.order.id)]))
        self.assertTrue(self._rows(order))

    def test_rights(self):
        """F5: who invoices or reads accounting reads it, who may not see cost without
        that; all others nothing."""
        auditor = self._create_user("fsi_auditor", "account.group_account_readonly")
        report = self.env["service.billing.report"]
        for user in (self.worker, self.plain_dispatcher):
            with self.assertRaises(AccessError):
                report.with_user(user).search([])
        for user in (self.manager, self.accountant, auditor):
            rows = report.with_user(user).search([("order_id", "=", self.order.id)])
            self.assertEqual(sum(rows.mapped("margin")), 202.5)
            with self.assertRaises(AccessError):
                rows.with_user(user).write({"kind": "unit"})
        rows = report.with_user(self.dispatcher)
        domain = [("order_id", "=", self.order.id)]
        groups = rows.formatted_read_group(
            domain, ["team_id", "kind"], ["amount_unbilled:sum"]
        )
        self.assertEqual(sum(group["amount_unbilled:sum"] for group in groups), 412.5)
        for name in ("cost", "margin"):
            self.assertNotIn(name, rows.fields_get())
            with self.assertRaises(AccessError):
                rows._read_group(domain, [], [f"{name}:sum"])

    def test_views(self):
        """F5: pivot, graph and list open for those who read them."""
        for user in (self.dispatcher, self.manager, self.accountant):
            report = self.env["service.billing.report"].with_user(user)
            action = self.env.ref(
                "fieldservice_invoicing.action_report_service_billing"
            )
            for _view_id, view_type in action.views:
                arch = report.get_views([(False, view_type)])["views"][view_type]
                tree = etree.fromstring(arch["arch"])
                names = {node.get("name") for node in tree.iter("field")}
                if view_type != "graph":
                    self.assertEqual(
                        "margin" in names,
                        user != self.dispatcher,
                        (user.login, view_type),
                    )
        rows = self.env["service.billing.report"].with_user(self.accountant)
        read = rows.web_search_read(
            [("order_id", "=", self.order.id)],
            {
                "order_id": {"fields": {"display_name": {}}},
                "team_id": {"fields": {"display_name": {}}},
                "amount_unbilled": {},
            },
        )
        self.assertEqual(read["length"], 3)

    def test_menu_is_one(self):
        """F5: one menu for the analysis, of this report."""
        action = self.env.ref("fieldservice_invoicing.action_report_service_billing")
        self.assertEqual(action.res_model, "service.billing.report")
        menus = self.env["ir.ui.menu"].search(
            [("action", "=", f"ir.actions.act_window,{action.id}")]
        )
        self.assertEqual(len(menus), 1)

    def test_large(self):
        """F5: one query, whatever the number of orders."""
        orders = self.env["fsm.order"].union(
            *(self._create_order() for _index in range(5))
        )
        self._invoice(orders[:3])
        orders[0].date_end = fields.Datetime.now() - timedelta(days=3)
        report = self.env["service.billing.report"].with_user(self.manager)
        report.search([], limit=1)
        self.env.flush_all()
        with self.assertQueryCount(1):
            report._read_group([], ["team_id"], ["amount_billed:sum"])
