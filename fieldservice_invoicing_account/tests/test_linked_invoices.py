# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from lxml import etree

from odoo import Command
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing.tests.common import ServiceInvoicingCommon

from ..hooks import post_init_hook


@tagged("post_install", "-at_install")
class TestLinkedInvoices(ServiceInvoicingCommon):
    """The counters and buttons of fieldservice_account show service invoices."""

    def _assert_linked(self, moves, orders):
        self.env.flush_all()
        self.env.invalidate_all()
        for move in moves:
            self.assertEqual(move.fsm_order_ids, orders)
            self.assertEqual(move.fsm_order_count, len(orders))
            found = move.search([("fsm_order_ids", "in", orders.ids)])
            self.assertIn(move, found)
        for order in orders:
            self.assertEqual(order.invoice_ids, moves)
            self.assertEqual(order.invoice_count, len(moves))

    def test_invoice(self):
        """F6: a service invoice counts on its order, the order on the invoice, and
        each of their buttons opens the other."""
        invoice = self._invoice().sudo(False)
        self._assert_linked(invoice, self.order)
        self.assertEqual(self.order.action_view_invoices()["res_id"], invoice.id)
        self.assertEqual(invoice.action_view_fsm_orders()["res_id"], self.order.id)

    def test_credit_note(self):
        """F6: a credit note counts as its invoice does."""
        invoice = self._invoice(post=True).sudo(False)
        credit_note = self._credit(invoice)
        self._assert_linked(invoice | credit_note, self.order)
        self.assertEqual(credit_note.invoice_line_ids.fsm_order_ids, self.order)

    def test_modify(self):
        """F6: “reverse and create invoice” keeps the order on all three documents."""
        invoice = self._invoice(post=True).sudo(False)
        new = self._credit(invoice, modify=True)
        moves = invoice | invoice.reversal_move_ids | new
        self.assertEqual(len(moves), 3)
        self._assert_linked(moves, self.order)

    def test_cancelled_invoice(self):
        """X8: a cancelled invoice and its credit note stay counted, and the invoice
        that follows joins them."""
        invoice = self._invoice(post=True).sudo(False)
        credit_note = invoice._cancel_service_invoices("test").sudo(False)
        new = self._invoice().sudo(False)
        self._assert_linked(invoice | credit_note | new, self.order)

    def test_refresh(self):
        """C16: a draft that was refreshed from the order is counted once."""
        invoice = self._invoice().sudo(False)
        self.order.line_ids[0].quantity = 4
        self.order.action_refresh_invoice()
        self._assert_linked(invoice, self.order)
        self.assertEqual(invoice.invoice_line_ids.fsm_order_ids, self.order)

    def test_consolidated(self):
        """C17: each line of a consolidated invoice names its own order."""
        orders = self.order | self._create_order()
        invoice = orders._create_invoices(grouped=True).sudo(False)
        self.assertEqual(len(invoice), 1)
        self._assert_linked(invoice, orders)
        for line in invoice.invoice_line_ids:
            self.assertEqual(line.fsm_order_ids, line.fsm_order_line_id.order_id)

    def test_lines_replaced_by_hand(self):
        """F1: an invoice whose lines were all typed anew still counts."""
        invoice = self._invoice().sudo(False)
        invoice.invoice_line_ids = [
            Command.clear(),
            Command.create({"name": "Flat rate", "quantity": 1, "price_unit": 300}),
        ]
        self._assert_linked(invoice, self.order)

    def test_deleted_draft(self):
        """D1: a deleted draft is not counted any more."""
        self._invoice().sudo(False).unlink()
        self.assertFalse(self.order.invoice_ids)
        self.assertEqual(self.order.invoice_count, 0)

    def test_link_of_another_addon(self):
        """A link that another addon writes on an invoice line is followed at once,
        where fieldservice_account alone keeps the count of before."""
        invoice = self.init_invoice("out_invoice", products=self.product_a)
        self.assertFalse(invoice.fsm_order_ids)
        invoice.invoice_line_ids.fsm_order_ids = self.order
        self._assert_linked(invoice, self.order)
        self.assertFalse(self.order.active_invoice_id, "linked is not billed")
        invoice.invoice_line_ids.fsm_order_ids = False
        self.assertFalse(invoice.fsm_order_ids)
        self.assertEqual(invoice.fsm_order_count, 0)

    def test_deleted_order(self):
        """The count of an invoice follows the deletion of a linked order."""
        invoice = self.init_invoice("out_invoice", products=self.product_a)
        other = self._create_order(done=False)
        invoice.invoice_line_ids.fsm_order_ids = self.order | other
        self.assertEqual(invoice.fsm_order_count, 2)
        other.unlink()
        self._assert_linked(invoice, self.order)

    def test_installed_later(self):
        """What was invoiced before the installation is linked by it."""
        invoice = self._invoice(post=True).sudo(False)
        self.env.flush_all()
        self.cr.execute("DELETE FROM fsm_order_account_move_line_rel")
        self.env.invalidate_all()
        post_init_hook(self.env)
        self._assert_linked(invoice, self.order)
        self.assertEqual(invoice.invoice_line_ids.fsm_order_ids, self.order)

    def test_one_invoiceable_field(self):
        """The stage form shows “Invoiceable” once, for stages of orders."""
        view = self.env.ref("fieldservice.fsm_stage_form_view")
        arch = etree.fromstring(self.env["fsm.stage"].get_view(view.id)["arch"])
        shown = arch.xpath(
            "//field[@name='is_invoiceable'][not(@invisible='1' or @invisible='True')]"
        )
        self.assertEqual(len(shown), 1)
        self.assertEqual(shown[0].get("invisible"), "stage_type != 'order'")
