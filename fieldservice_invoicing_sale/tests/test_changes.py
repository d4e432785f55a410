# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..hooks import post_init_hook, uninstall_hook
from .common import SoldOrderCommon


@tagged("post_install", "-at_install")
class TestChanges(SoldOrderCommon):
    """What is billed here follows the sales order, and never doubles its bill."""

    def _add_to_sale(self, product):
        self.sale.order_line = [Command.create({"product_id": product.id})]

    def _stored(self, order):
        """Status and amount to invoice as the database has them."""
        self.env.flush_all()
        self.env.invalidate_all()
        return order.billing_status, order.amount_to_invoice

    def test_cancelled_sale(self):
        """The work of a cancelled sales order becomes billable here."""
        self.assertEqual(self._stored(self.sold), ("nothing", 0))
        self.sale.action_cancel()
        self.assertEqual(self._stored(self.sold), ("to_invoice", 200))
        self.assertFalse(self.sold.billing_sale_id)
        self.assertEqual(self._invoice(self.sold).amount_untaxed, 200)

    def test_cancelled_after_invoice(self):
        """A sales order that was invoiced and then cancelled has billed its work: it
        is not billed here again until that invoice is credited."""
        self._add_line(self.sold, self.part)
        invoice = self._invoice_sale()
        self.sale.action_cancel()
        self.assertEqual(self.sale.state, "cancel")
        self.assertEqual(self.sold.billing_sale_id, self.sale)
        self.assertEqual(self._stored(self.sold), ("to_invoice", 137.5))
        self._credit(invoice)
        self.assertEqual(self._stored(self.sold), ("to_invoice", 337.5))

    def test_cancelled_with_draft_invoice(self):
        """A draft invoice goes with its cancelled sales order, and bills nothing."""
        self._invoice_sale(post=False)
        self.sale.action_cancel()
        self.assertEqual(self._stored(self.sold), ("to_invoice", 200))

    def test_taken_up_again(self):
        """A cancelled sales order that is taken up again bills its work again."""
        self.sale.action_cancel()
        self.sale.action_draft()
        self.assertEqual(self._stored(self.sold), ("nothing", 0))

    def test_taken_up_again_when_billed(self):
        """A cancelled sales order whose work was billed here since is not taken up
        again, over RPC neither; it is once our invoice is cancelled."""
        self.sale.action_cancel()
        invoice = self._invoice(self.sold)
        for method, args in (
            (self.sale.action_draft, ()),
            (self.sale.write, ({"state": "sale"},)),
        ):
            with self.assertRaisesRegex(
                UserError, f"{self.sale.name}.*{self.sold.name}"
            ):
                method(*args)
        invoice._cancel_service_invoices("test")
        self.sale.action_draft()
        self._assert_billed_by_sale(self.sold, self.sale)

    def test_taken_up_again_beside_extras(self):
        """Extras alone do not keep a sales order cancelled."""
        self._add_line(self.sold, self.part)
        invoice = self._invoice(self.sold)
        self.sale.action_cancel()
        self.assertEqual(self.sold.billing_difference, 200)
        self.sale.action_draft()
        self.assertEqual(self.sale.state, "draft")
        self.assertEqual(self.sold.active_invoice_id, invoice.sudo(False))
        self.assertFalse(self.sold.billing_difference)

    def test_deleted_sale(self):
        """The work of a deleted sales order becomes billable here."""
        self.sale.action_cancel()
        self.sale.action_draft()
        self.assertEqual(self._stored(self.sold), ("nothing", 0))
        self.sale.unlink()
        self.assertEqual(self._stored(self.sold), ("to_invoice", 200))
        self.assertFalse(self.sold.sale_id)

    def test_deleted_line(self):
        """A product that leaves a quotation becomes an extra."""
        sale = self._create_sale(self.labor, self.part, confirm=False)
        self.order.sale_id = sale
        self.assertEqual(self._stored(self.order), ("nothing", 0))
        sale.order_line[1].unlink()
        self.assertEqual(self._stored(self.order), ("to_invoice", 275))

    def test_product_changed(self):
        """Another product on a line of the quotation counts at once."""
        sale = self._create_sale(self.labor, confirm=False)
        self.order.sale_id = sale
        self.assertEqual(self._stored(self.order), ("to_invoice", 275))
        sale.order_line.product_id = self.part
        self.assertEqual(self._stored(self.order), ("to_invoice", 137.5))

    def test_product_added(self):
        """A product that comes on the sales order is no extra any more."""
        line = self._add_line(self.sold, self.part)
        self.assertEqual(self._stored(self.sold), ("to_invoice", 137.5))
        self._add_to_sale(self.part)
        self.assertEqual(self._stored(self.sold), ("nothing", 0))
        self.assertTrue(line.is_on_sale_order)

    def test_product_added_after_invoice(self):
        """Lines on an active invoice stay billed when their product comes on the sales
        order: the card warns, and once cancelled they are left to the sales order."""
        line = self._add_line(self.sold, self.part)
        invoice = self._invoice(self.sold, post=True)
        self.assertFalse(self.sold.billed_twice)
        self._add_to_sale(self.part)
        self.assertEqual(self._stored(self.sold), ("invoiced", 0))
        self.assertFalse(line.is_on_sale_order)
        self.assertEqual(line.qty_invoiced, 1)
        self.assertIn("Pump", self.sold.billed_twice)
        invoice._cancel_service_invoices("test")
        self.assertEqual(self._stored(self.sold), ("nothing", 0))
        self.assertTrue(line.is_on_sale_order)
        self.assertFalse(self.sold.billed_twice)

    def test_product_added_to_draft(self):
        """C16: a refreshed draft leaves to the sales order what came on it."""
        self._add_line(self.sold, self.part)
        self._add_line(self.sold, self.labor)
        invoice = self._invoice(self.sold)
        self._add_to_sale(self.part)
        self.assertEqual(self.sold.amount_untaxed, 192.5)
        self.sold.action_refresh_invoice()
        self.assertEqual(invoice.amount_untaxed, 55)
        self.assertFalse(self.sold.billing_difference)

    def test_linked_when_billed(self):
        """An order is linked to no sales order while an invoice bills it."""
        self._invoice(post=True)
        for vals in (
            {"sale_id": self.sale.id},
            {"sale_line_id": self.sale.order_line.id},
        ):
            with self.assertRaisesRegex(UserError, self.order.name):
                self.order.write(vals)

    def test_unlinked_when_billed(self):
        """An order leaves its sales order neither while its extras are billed."""
        self._add_line(self.sold, self.part)
        invoice = self._invoice(self.sold)
        with self.assertRaisesRegex(UserError, self.sold.name):
            self.sold.write({"sale_id": False, "sale_line_id": False})
        self.sold.write({"sale_id": self.sale.id})
        invoice._cancel_service_invoices("test")
        self.sold.write({"sale_id": False, "sale_line_id": False})
        self.assertEqual(self._stored(self.sold), ("to_invoice", 337.5))

    def test_linked_later(self):
        """An order that is linked to its sales order later is billed by it."""
        self._add_to_sale(self.labor)
        self.order.sale_id = self.sale
        self.assertEqual(self._stored(self.order), ("to_invoice", 275))

    def test_line_of_another_sale(self):
        """The sales order of the line counts before that of the order."""
        other = self._create_sale(self.part, confirm=False)
        self.order.write({"sale_id": self.sale.id, "sale_line_id": other.order_line.id})
        self.assertEqual(self.order.billing_sale_id, other)
        self.assertEqual(self._stored(self.order), ("to_invoice", 137.5))
        self.sale.action_cancel()
        self.assertEqual(self.order.billing_sale_id, other)

    def test_installed_later(self):
        """Amounts of before the installation are computed by it, and again when the
        addon goes."""
        self.env.flush_all()
        self.cr.execute(
            "UPDATE fsm_order SET amount_untaxed = 200, billing_status = 'to_invoice'"
            " WHERE id = %s",
            [self.sold.id],
        )
        self.env.invalidate_all()
        env = self.env(su=True)
        post_init_hook(env)
        self.assertEqual(self._stored(self.sold), ("nothing", 0))
        uninstall_hook(env)
        self.assertEqual(self._stored(self.sold), ("to_invoice", 200))
