# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from lxml import etree

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from odoo.addons.fieldservice_invoicing.tests.common import USER, ServiceInvoicingCommon

VIEW_BUTTONS = ("action_view_invoices", "action_view_service_invoices")


@tagged("post_install", "-at_install")
class TestRights(ServiceInvoicingCommon):
    """Journal items stay with those whom the design gives them, although
    fieldservice_account opens them to every field service user."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.reader = cls._create_user(
            "fsi_reader",
            "account.group_account_readonly",
            "fieldservice.group_fsm_dispatcher",
        )
        cls.accounting_dispatcher = cls._create_user(
            "fsi_accounting_dispatcher",
            "account.group_account_invoice",
            "fieldservice.group_fsm_dispatcher",
        )
        cls.invoice = cls.order._create_invoices().sudo(False)
        cls.invoice.action_post()
        cls.other = cls.init_invoice("out_invoice", products=cls.product_a, post=True)
        cls.draft = cls.init_invoice("out_invoice", products=cls.product_a)
        cls.lines = (cls.invoice | cls.other | cls.draft).line_ids
        cls.env.flush_all()

    def _as(self, user, records):
        self.env.flush_all()
        self.env.invalidate_all()
        return records.with_user(user).with_context(
            allowed_company_ids=user.company_id.ids
        )

    def _assert_refused(self, method, *args):
        with self.assertRaises(AccessError), self.cr.savepoint():
            method(*args)

    def _assert_no_change(self, user):
        """The user neither changes, adds nor deletes a journal item."""
        line = self._as(user, self.draft.invoice_line_ids[:1])
        self._assert_refused(line.write, {"name": "changed"})
        self._assert_refused(line.unlink)
        self._assert_refused(
            line.create, {"move_id": self.draft.id, "name": "added", "price_unit": 1}
        )
        order = self._as(user, self.order)
        self._assert_refused(
            order.write,
            {"invoice_lines": [(0, 0, {"move_id": self.draft.id, "name": "x"})]},
        )

    def _assert_reads(self, user, lines):
        """The user reads these journal items of the test, and no others."""
        Line = self._as(user, self.env["account.move.line"])
        found = Line.search([("id", "in", self.lines.ids)])
        self.assertEqual(set(found.ids), set(lines.ids))
        for line in self.lines - lines:
            self._assert_refused(Line.browse(line.id).read, ["balance"])

    def test_worker(self):
        """Section 5: a worker has no access to journal items."""
        Line = self._as(self.worker, self.env["account.move.line"])
        self._assert_refused(Line.search, [])
        self._assert_no_change(self.worker)

    def test_plain_dispatcher(self):
        """Section 5: a dispatcher, to whom fieldservice_account gives all journal
        items, reads and changes none."""
        self._assert_reads(self.plain_dispatcher, self.lines.browse())
        self._assert_no_change(self.plain_dispatcher)

    def test_user(self):
        """Section 5: who creates service invoices reads their lines and no other,
        and changes none."""
        self._assert_reads(self.dispatcher, self.invoice.line_ids)
        self._assert_no_change(self.dispatcher)

    def test_manager(self):
        """Section 5: who cancels service invoices neither."""
        self._assert_reads(self.manager, self.invoice.line_ids)
        self._assert_no_change(self.manager)

    def test_accountant(self):
        """Section 5: an accountant loses nothing, whether a field service user too
        or not."""
        for user in (self.accountant, self.accounting_dispatcher):
            self._assert_reads(user, self.lines)
            line = self._as(user, self.draft.invoice_line_ids[:1])
            line.name = f"changed by {user.login}"
            line.copy({"move_id": self.draft.id}).unlink()
            self.assertEqual(line.name, f"changed by {user.login}")

    def test_reader(self):
        """Section 5: who reads accounting goes on reading all of it, and does not
        change it by being a dispatcher."""
        self._assert_reads(self.reader, self.lines)
        self._assert_no_change(self.reader)

    def test_linked_invoices(self):
        """Nobody is kept from an order by its linked invoices: each sees those that
        they may read."""
        self.other.invoice_line_ids.fsm_order_ids = self.order
        both = self.invoice | self.other
        none = self.invoice.browse()
        for user, moves in (
            (self.worker, none),
            (self.plain_dispatcher, none),
            (self.dispatcher, self.invoice),
            (self.manager, self.invoice),
            (self.accounting_dispatcher, both),
            (self.reader, both),
        ):
            values = self._as(user, self.order).read(["invoice_ids", "invoice_count"])
            self.assertEqual(set(values[0]["invoice_ids"]), set(moves.ids), user.login)
            self.assertEqual(values[0]["invoice_count"], len(moves))

    def test_form(self):
        """The order form opens for each of them, with at most one invoice button."""
        for user, button in (
            (self.worker, []),
            (self.plain_dispatcher, []),
            (self.dispatcher, ["action_view_service_invoices"]),
            (self.manager, ["action_view_service_invoices"]),
            (self.reader, ["action_view_service_invoices"]),
            (self.accounting_dispatcher, ["action_view_invoices"]),
        ):
            order = self._as(user, self.order)
            self.assertEqual(Form(order).name, self.order.name)
            arch = etree.fromstring(
                order.get_view(self.env.ref("fieldservice.fsm_order_form").id)["arch"]
            )
            names = [
                node.get("name")
                for node in arch.iter("button")
                if node.get("name") in VIEW_BUTTONS
            ]
            self.assertEqual(names, button, user.login)

    def test_both_rights(self):
        """Who invoices orders and posts invoices has one invoice button."""
        self.accounting_dispatcher.group_ids += self.env.ref(USER)
        order = self._as(self.accounting_dispatcher, self.order)
        arch = etree.fromstring(
            order.get_view(self.env.ref("fieldservice.fsm_order_form").id)["arch"]
        )
        buttons = [
            node for node in arch.iter("button") if node.get("name") in VIEW_BUTTONS
        ]
        self.assertEqual(len(buttons), 1)

    def test_invoice_form(self):
        """The invoice form, with the orders that fieldservice_account adds to it,
        opens for who creates service invoices, and for accountants who have no
        access to service orders."""
        for user in (self.dispatcher, self.manager, self.accounting_dispatcher):
            form = Form(self._as(user, self.invoice))
            self.assertEqual(form.fsm_order_count, 1)
        form = Form(self._as(self.accountant, self.invoice))
        self.assertEqual(form.name, self.invoice.name)

    def test_credit_by_accountant(self):
        """F2: an accountant without access to service orders credits an invoice, and
        creates it anew: both stay linked to the order."""
        invoice = self._as(self.accountant, self.invoice)
        wizard = (
            invoice.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.modify_moves()
        self.env.invalidate_all()
        moves = self.order.invoice_ids
        self.assertEqual(len(moves), 3)
        for move in moves:
            self.assertEqual(move.fsm_order_ids, self.order)
            self.assertEqual(move.invoice_line_ids.fsm_order_ids, self.order)
