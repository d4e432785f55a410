# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from lxml import etree

from odoo import fields
from odoo.fields import Domain
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common import ServiceInvoicingCommon

INVOICES = "fieldservice_invoicing.action_service_invoices"
CREDIT_NOTES = "fieldservice_invoicing.action_service_credit_notes"


@tagged("post_install", "-at_install")
class TestInvoiceList(ServiceInvoicingCommon):
    """F4: the lists of service invoices and credit notes, as a dispatcher sees them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()

    def _get_list(self, action):
        """Action, list view and search view (dict, two trees) of a menu."""
        action = self.env["ir.actions.act_window"]._for_xml_id(action)
        views = (
            self.env["account.move"]
            .with_user(self.dispatcher)
            .get_views(
                [(view_id, mode) for view_id, mode in action["views"] if mode == "list"]
                + [(action["search_view_id"][0], "search")]
            )["views"]
        )
        return action, *(etree.fromstring(views[m]["arch"]) for m in ("list", "search"))

    def _search(self, action, domain):
        """What the menu shows (`account.move`) with one more domain."""
        domain = Domain(safe_eval(action["domain"])) & Domain(domain)
        found = self.env["account.move"].with_user(self.dispatcher).search(domain)
        return found.filtered(lambda move: move.company_id == self.company)

    def _filter(self, action, name):
        action, _list, search = self._get_list(action)
        [node] = search.xpath(f"//filter[@name='{name}']")
        return self._search(action, safe_eval(node.get("domain")))

    def _enter(self, action, name, text):
        """Search for what is typed, by one of the fields that the search offers."""
        action, _list, search = self._get_list(action)
        [node] = search.xpath(f"//field[@string='{name}']")
        domain = [(node.get("name"), node.get("operator", "ilike"), text)]
        if node.get("filter_domain"):
            domain = safe_eval(node.get("filter_domain"), {"self": text})
        return self._search(action, domain)

    def _create_one_of_each(self):
        """An invoice (dict) for each thing that can have become of it."""
        names = (
            "draft",
            "posted",
            "blocked",
            "overdue",
            "partial",
            "paid",
            "credited",
            "cancelled",
            "cancelled_draft",
        )
        invoices = {name: self._invoice(self._create_order()) for name in names}
        yesterday = fields.Date.subtract(fields.Date.today(), days=1)
        for name, invoice in invoices.items():
            invoice.invoice_payment_term_id = False
            invoice.invoice_date_due = fields.Date.add(yesterday, days=30)
            if name not in ("draft", "cancelled_draft"):
                invoice.action_post()
        invoices["overdue"].invoice_date_due = yesterday
        invoices["blocked"].action_toggle_block_payment()
        self._pay(invoices["partial"], 100)
        self._pay(invoices["paid"])
        self._credit(invoices["credited"])
        (invoices["cancelled"] | invoices["cancelled_draft"])._cancel_service_invoices(
            "test"
        )
        return invoices

    def test_status_and_filters(self):
        """F4: each invoice has the status that it should, and the filters find it."""
        invoices = self._create_one_of_each()
        self.assertEqual(
            {name: move.service_invoice_status for name, move in invoices.items()},
            {
                "draft": "draft",
                "posted": "posted",
                "blocked": "posted",
                "overdue": "overdue",
                "partial": "partial",
                "paid": "paid",
                "credited": "credited",
                "cancelled": "cancel",
                "cancelled_draft": "cancel",
            },
        )
        for name, expected in {
            "draft": ("draft",),
            "unpaid": ("posted", "blocked", "overdue", "partial"),
            "overdue": ("overdue",),
            "paid": ("paid",),
            "credited": ("credited", "cancelled"),
            "cancelled": ("cancelled", "cancelled_draft"),
        }.items():
            with self.subTest(name):
                found = self._filter(INVOICES, name)
                self.assertEqual(
                    {key for key, move in invoices.items() if move in found},
                    set(expected),
                )
        invoices["paid"].is_move_sent = True
        found = self._filter(INVOICES, "not_sent")
        self.assertIn(invoices["posted"], found)
        self.assertFalse(found & (invoices["paid"] | invoices["draft"]))

    def test_search(self):
        """F4: search by number, customer and order."""
        invoice = self._invoice(post=True)
        contact = self.env["res.partner"].create(
            {"name": "Reception", "parent_id": self.partner_b.id, "type": "invoice"}
        )
        location = self._create_location(self.partner_b)
        order = self._create_order(location_id=location.id)
        order.bill_to_id = contact
        other = self._invoice(order, post=True)
        number = invoice.name.rpartition("/")[2]
        for name, text, expected in (
            ("Number", number, invoice),
            ("Invoice", number, invoice),
            ("Invoice", self.order.name, invoice),
            ("Invoice", "partner_b", other),
            ("Customer", "partner_b", other),
            ("Customer", "partner_a", invoice),
            ("Service Order", order.name, other),
        ):
            with self.subTest(name=name, text=text):
                self.assertEqual(self._enter(INVOICES, name, text), expected)
        credit_note = self._credit(invoice)
        for name, text in (
            ("Credit Note", credit_note.name),
            ("Customer", "partner_a"),
            ("Service Order", self.order.name),
        ):
            with self.subTest(name=name, text=text):
                self.assertEqual(self._enter(CREDIT_NOTES, name, text), credit_note)

    def test_columns(self):
        """F4: number, customer, order, amount, due and status, of both kinds."""
        currency = self.setup_other_currency("EUR")
        self.order.currency_id = currency
        invoice = self._invoice(post=True)
        self._pay(invoice, 100)
        credit_note = self._credit(
            self._invoice(self._create_order(), post=True), False
        )
        credit_note.action_post()
        for action, move, amount, due in (
            (INVOICES, invoice, 998.25, 898.25),
            (CREDIT_NOTES, credit_note, -499.13, 0),
        ):
            _action, view, _search = self._get_list(action)
            shown = [
                node.get("name")
                for node in view.xpath("//field")
                if not node.get("column_invisible") and node.get("optional") != "hide"
            ]
            self.assertEqual(
                shown,
                [
                    "name",
                    "invoice_partner_display_name",
                    "service_order_ids",
                    "invoice_date",
                    "invoice_date_due",
                    "amount_total_in_currency_signed",
                    "service_amount_due",
                    "service_invoice_status",
                    "move_sent_values",
                ],
            )
            [row] = move.with_user(self.dispatcher).read(shown)
            self.assertEqual(row["name"], move.name)
            self.assertEqual(row["invoice_partner_display_name"], "partner_a")
            self.assertEqual(
                row["service_order_ids"], move._get_service_order_links().order_id.ids
            )
            self.assertEqual(row["amount_total_in_currency_signed"], amount)
            self.assertAlmostEqual(row["service_amount_due"], due)

    def test_credit_notes(self):
        """F4: a credit note is not paid but settled: by its invoice, by other
        invoices, or by paying the customer back; and never overdue."""
        draft = self._credit(self._invoice(self._create_order(), post=True), post=False)
        settled = self._credit(self._invoice(self._create_order(), post=True))
        invoice = self._invoice(self._create_order(), post=True)
        self._pay(invoice)
        opened = self._credit(invoice)
        opened.invoice_date_due = "2020-01-01"
        status = {
            move: move.service_invoice_status for move in draft | settled | opened
        }
        self.assertEqual(status, {draft: "draft", settled: "settled", opened: "posted"})
        self.assertEqual(self._filter(CREDIT_NOTES, "draft"), draft)
        self.assertEqual(self._filter(CREDIT_NOTES, "unpaid"), opened)
        self.assertEqual(self._filter(CREDIT_NOTES, "settled"), settled)
        self._pay(opened, 100)
        self.assertEqual(opened.service_invoice_status, "partly_settled")
        self.assertEqual(self._filter(CREDIT_NOTES, "unpaid"), opened)
        self._pay(opened)
        self.assertEqual(opened.service_invoice_status, "settled")
        self.assertEqual(self._filter(CREDIT_NOTES, "settled"), settled | opened)
        draft.button_cancel()
        self.assertEqual(self._filter(CREDIT_NOTES, "cancelled"), draft)

    def test_groups(self):
        """F4: each way of grouping that the searches offer."""
        self._create_one_of_each()
        Move = self.env["account.move"].with_user(self.dispatcher)
        for xmlid in (INVOICES, CREDIT_NOTES):
            action, _list, search = self._get_list(xmlid)
            found = self._search(action, [])
            for node in search.xpath("//filter[contains(@context, 'group_by')]"):
                by = safe_eval(node.get("context"))["group_by"]
                with self.subTest(by):
                    groups = Move.formatted_read_group(
                        [("id", "in", found.ids)],
                        [f"{by}:month" if "date" in by else by],
                        ["__count"],
                    )
                    self.assertEqual(
                        sum(group["__count"] for group in groups), len(found)
                    )
