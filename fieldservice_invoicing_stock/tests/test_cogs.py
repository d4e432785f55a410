# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.tests import tagged

from .common import ServiceStockCommon


@tagged("post_install", "-at_install")
class TestCogs(ServiceStockCommon):
    """Perpetual valuation: the invoice takes the parts out of the stock's value."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.part = cls._create_part("Fifo", 50.0, category=cls.category_fifo)
        cls._receive(cls.part, 1, 10)
        cls._receive(cls.part, 1, 20)
        cls._receive(cls.part, 8, 30)

    def test_invoice(self):
        """F1: An invoice posts the cost of what was delivered; a draft nothing."""
        self._deliver(self.order, (self.part, 2), (self.filter, 1))
        invoice = self._invoice()
        self.assertEqual(self._get_cogs(), 0)
        invoice.action_post()
        self.assertEqual(self._get_cogs(self.part), 30)
        self.assertEqual(self._get_cogs(self.filter), 8)
        self.assertTrue(self.company.service_invoice_lock)

    def test_cost_at_delivery(self):
        """F1: A cost that changed after the delivery does not count."""
        self._deliver(self.order, (self.filter, 1))
        self.filter.standard_price = 11
        self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 8)

    def test_cancelled_and_billed_again(self):
        """X7: Cancel reverses the cost, billing anew posts it anew: once."""
        self._deliver(self.order, (self.part, 2))
        for _time in range(2):
            invoice = self._invoice(post=True)
            self.assertEqual(self._get_cogs(), 30)
            invoice._cancel_service_invoices("wrong address")
            self.assertEqual(self._get_cogs(), 0)
        self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 30)

    def test_credited_and_billed_again(self):
        """X9: The same by Odoo's credit note dialog."""
        self._deliver(self.order, (self.part, 2))
        invoice = self._invoice(post=True)
        credit_note = self._credit(invoice, post=False)
        self.assertEqual(self._get_cogs(), 30)
        credit_note.action_post()
        self.assertEqual(self._get_cogs(), 0)
        self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 30)

    def test_modified(self):
        """F2: Reverse and re-invoice: the cost is posted once."""
        self._deliver(self.order, (self.part, 2))
        invoice = self._invoice(post=True)
        anew = self._credit(invoice, modify=True)
        self.assertEqual(self._get_cogs(), 0)
        anew.action_post()
        self.assertEqual(self._get_cogs(), 30)

    def test_partial_credit(self):
        """F2: A partial credit note takes its part of the cost back, the rest later."""
        self._deliver(self.order, (self.part, 2))
        invoice = self._invoice(post=True)
        for left in (15, 0):
            credit_note = self._credit(invoice, post=False)
            credit_note.invoice_line_ids.quantity = 1
            credit_note.action_post()
            self.assertEqual(self._get_cogs(), left)
        self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 30)

    def test_return_of_the_dear_one(self):
        """C16: After a return the cost is that of what stays with the customer, and
        the dialog proposes to credit what came back."""
        self._deliver(self.order, (self.part, 1))
        picking = self._deliver(self.order, (self.part, 1))
        invoice = self._invoice(post=True)
        self._return(picking)
        self.assertEqual(self.order.billing_difference, -50)
        credit_note = self._credit_with(invoice)
        self.assertEqual(credit_note.invoice_line_ids.quantity, 1)
        credit_note.action_post()
        self.assertEqual(self._get_cogs(), 10)
        self.assertFalse(self.order.billing_difference)

    def test_all_returned(self):
        """Never 4: When all came back a partial credit note takes back its part of the
        cost, no more; a draft that is posted too late costs what it says."""
        picking = self._deliver(self.order, (self.part, 2))
        invoice = self._invoice(post=True)
        self._return(picking)
        for left in (15, 0):
            credit_note = self._credit_with(invoice, credit_excess=False)
            credit_note.invoice_line_ids.quantity = 1
            credit_note.action_post()
            self.assertEqual(self._get_cogs(), left)
        picking = self._deliver(self.order, (self.filter, 2))
        late = self._invoice()
        self._return(picking)
        late.action_post()
        self.assertEqual(self._get_cogs(), 16)
        self._credit(late)
        self.assertEqual(self._get_cogs(), 0)

    def test_lots(self):
        """Never 4: Lots of one product on their own lines each keep their own cost."""
        self.pump.lot_valuated = True
        self.pump.categ_id = self.category_average
        cheap, dear = self._create_lot(self.pump, "A"), self._create_lot(self.pump, "B")
        self._receive(self.pump, 1, 10, cheap)
        self._receive(self.pump, 1, 30, dear)
        self._deliver(self.order, (self.pump, 2, cheap | dear))
        invoice = self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 40)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.lot_id == cheap
        ).unlink()
        credit_note.action_post()
        self.assertEqual(self._get_cogs(), 10)
        self._credit(invoice, post=False).unlink()
        rest = self._credit(invoice, post=False)
        rest.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.lot_id == dear
        ).unlink()
        rest.action_post()
        self.assertEqual(self._get_cogs(), 0)

    def test_fifo_lots(self):
        """Never 4: Serials of deliveries that cost different are told apart."""
        serials = self.env["stock.lot"]
        self.pump.categ_id = self.category_fifo
        for name, cost in (("A", 10), ("B", 30)):
            serials |= self._create_lot(self.pump, name)
            self._receive(self.pump, 1, cost, serials[-1])
        for serial in serials:
            self._deliver(self.order, (self.pump, 1, serial))
        invoice = self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 40)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.lot_id == serials[0]
        ).unlink()
        credit_note.action_post()
        self.assertEqual(self._get_cogs(), 10)

    def test_consolidated(self):
        """C17: On one invoice of several orders each has the cost of its own parts."""
        other = self._create_order(lines=[])
        self._deliver(self.order, (self.part, 1))
        self._deliver(other, (self.part, 1))
        invoice = (self.order | other)._create_invoices(grouped=True)
        invoice.action_post()
        self.assertEqual(self._get_cogs(), 30)
        credit_note = self._credit(invoice, post=False)
        credit_note.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.order_id == self.order
        ).unlink()
        credit_note.action_post()
        self.assertEqual(self._get_cogs(), 10)
        other._create_invoices().action_post()
        self.assertEqual(self._get_cogs(), 30)

    def test_split_line(self):
        """F1: A line that the accountant splits on the draft costs the same."""
        self._deliver(self.order, (self.part, 2))
        invoice = self._invoice()
        line = invoice.invoice_line_ids
        line.quantity = 1
        line.copy({"fsm_order_line_id": line.fsm_order_line_id.id})
        invoice.action_post()
        self.assertEqual(len(invoice.invoice_line_ids), 2)
        self.assertEqual(self._get_cogs(), 30)

    def test_line_without_quantity(self):
        """F1: A line whose quantity the accountant takes to zero costs nothing."""
        self._deliver(self.order, (self.part, 2), (self.filter, 1))
        invoice = self._invoice()
        invoice.invoice_line_ids.filtered(
            lambda line: line.product_id == self.part
        ).quantity = 0
        invoice.action_post()
        self.assertEqual(self._get_cogs(), 8)

    def test_warranty(self):
        """B4: A part that is shown at no charge costs the company nevertheless."""
        self.company.service_excluded_lines = "no_charge"
        self._deliver(self.order, (self.part, 1), (self.filter, 1))
        self._get_line(self.part).non_billable_reason = "warranty"
        invoice = self._invoice(post=True)
        self.assertEqual(invoice.amount_untaxed, 20)
        self.assertEqual(self._get_cogs(self.part), 10)
        credit_note = self._credit(invoice)
        self.assertEqual(credit_note.amount_untaxed, 20)
        self.assertEqual(self._get_cogs(), 0)

    def test_other_unit(self):
        """F1: An invoice in another unit of measure posts the same cost."""
        dozen = self.env.ref("uom.product_uom_dozen")
        self._deliver(self.order, (self.filter, 12))
        invoice = self._invoice()
        invoice.invoice_line_ids.write({"product_uom_id": dozen.id, "quantity": 1})
        invoice.action_post()
        self.assertEqual(self._get_cogs(), 96)

    def test_foreign_currency(self):
        """F1: The cost is in the company's currency, whatever the invoice's."""
        self.order.currency_id = self.setup_other_currency(
            "EUR", rates=[("2016-01-01", 2.0)]
        )
        self._deliver(self.order, (self.part, 2))
        invoice = self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 30)
        invoice._cancel_service_invoices("again")
        self.assertEqual(self._get_cogs(), 0)

    def test_periodic(self):
        """F1: Without perpetual valuation no cost is posted."""
        self.part.categ_id = self._create_category("Periodic", "fifo", "periodic")
        self._deliver(self.order, (self.part, 2))
        invoice = self._invoice(post=True)
        self.assertFalse(
            invoice.line_ids.filtered(lambda line: line.display_type == "cogs")
        )
        invoice._cancel_service_invoices("again")
        self.assertEqual(invoice.payment_state, "reversed")

    def test_consigned(self):
        """F1: What belongs to someone else costs nothing."""
        picking = self._create_delivery(self.order, (self.filter, 1))
        picking.move_line_ids.owner_id = self.partner_b
        picking._action_done()
        self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 0)

    def test_typed_part(self):
        """F1: A part without a transfer costs what Odoo says, as on any invoice."""
        self.order.line_ids = [
            Command.create({"product_id": self.filter.id, "quantity": 2})
        ]
        self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 16)

    def test_reset_to_draft(self):
        """F1: Where issued invoices are not locked, back to draft and again: once."""
        self.company.service_invoice_lock = False
        self._deliver(self.order, (self.part, 2))
        invoice = self._invoice(post=True)
        invoice.button_draft()
        self.assertEqual(self._get_cogs(), 0)
        invoice.action_post()
        self.assertEqual(self._get_cogs(), 30)

    def test_other_valuation_account(self):
        """X7: Cost that was posted by another valuation account is reversed, too."""
        self._deliver(self.order, (self.filter, 2))
        invoice = self._invoice(post=True)
        account = self.account_valuation.copy({"code": "110199"})
        self.filter.categ_id.property_stock_valuation_account_id = account
        credit_note = self._credit(invoice)
        cogs = (invoice | credit_note).line_ids.filtered(
            lambda line: line.display_type == "cogs"
        )
        expense = cogs.filtered(lambda line: line.account_id == self.account_expense)
        self.assertEqual(sorted(expense.mapped("balance")), [-16, 16])

    def test_dropship(self):
        """F1: What the supplier delivered to the customer has no cost here; what came
        out of the stock beside has its own."""
        self._create_move(
            self.filter,
            2,
            self.suppliers,
            self.customers,
            fsm_order_id=self.order.id,
        )._action_done()
        self._invoice(post=True)
        self.assertEqual(self._get_cogs(), 0)
        self.order.active_invoice_id._cancel_service_invoices("more parts")
        self._deliver(self.order, (self.filter, 3))
        invoice = self._invoice(post=True)
        self.assertEqual(invoice.invoice_line_ids.quantity, 5)
        self.assertEqual(self._get_cogs(), 24)
        invoice._cancel_service_invoices("again")
        self.assertEqual(self._get_cogs(), 0)

    def test_credit_notes_at_once(self):
        """F2: Two credit notes that are posted together take back a half each."""
        self._deliver(self.order, (self.part, 2))
        invoice = self._invoice(post=True)
        halves = self.env["account.move"]
        for _half in range(2):
            halves |= self._credit(invoice, post=False)
            halves[-1].invoice_line_ids.quantity = 1
        halves.action_post()
        self.assertEqual(self._get_cogs(), 0)
