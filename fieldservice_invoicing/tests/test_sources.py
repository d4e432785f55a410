# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import MANAGER, USER, ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestSources(ServiceInvoicingCommon):
    """Lines that follow a source, and what happens to them after billing."""

    def _update(self, quantity, orders=None, **values):
        """Let the source ``manual`` say one line, as a bridge would for its own."""
        (orders or self.order)._update_sourced_lines(
            "manual",
            [
                {
                    "order_id": order.id,
                    "source_key": "pump",
                    "product_id": self.part.id,
                    "quantity": quantity,
                    **values,
                }
                for order in orders or self.order
            ]
            if quantity is not None
            else [],
        )
        return (orders or self.order).line_ids.filtered("source_key")

    def test_follow(self):
        """B1: a line comes, follows and goes with its source, and keeps the price and
        discount that people gave it. What was entered by hand stays."""
        by_hand = self.order.line_ids
        line = self._update(3)
        self.assertRecordValues(
            line, [{"quantity": 3.0, "price_unit": 137.5, "kind": "part"}]
        )
        line.write({"price_unit": 100.0, "discount_type": "percent"})
        line.discount_value = 10.0
        self.assertEqual(self._update(5), line)
        self.assertRecordValues(
            line, [{"quantity": 5.0, "price_unit": 100.0, "price_subtotal": 450.0}]
        )
        self.assertFalse(self._update(None).exists())
        self.assertEqual(self.order.line_ids, by_hand)

    def test_nothing_to_write(self):
        """B1: bringing lines up to date that are so writes nothing."""
        self._update(3)
        self.env.flush_all()
        self._update(3)
        with self.assertQueryCount(0):
            self._update(3)
            self.env.flush_all()

    def test_refused_by_hand(self):
        """B1, section 5: what the source says is not entered, nor the line deleted or
        made, by nobody; over RPC neither."""
        self._create_users()
        line = self._update(3)
        manager = self._create_user(
            "fsi_all", "fieldservice.group_fsm_manager", USER, MANAGER
        )
        for user in (self.worker, manager):
            own = line.with_user(user)
            for values in (
                {"quantity": 4},
                {"product_id": self.labor.id},
                {"source_key": False},
                {"quantity_source": "equipment"},
                {"display_type": "line_note"},
            ):
                with self.assertRaisesRegex(UserError, "follows its source"):
                    own.write(values)
            with self.assertRaisesRegex(UserError, "follows its source"):
                own.unlink()
            with (
                self.assertRaisesRegex(UserError, "follows its source"),
                self.cr.savepoint(),
            ):
                own.create(
                    {
                        "order_id": self.order.id,
                        "source_key": "x",
                        "product_id": self.part.id,
                    }
                )
            own.write({"price_unit": 120.0, "non_billable_reason": "goodwill"})

    def test_switched_off(self):
        """C2: sources do not move the lines of a company without service invoicing;
        they do again with it."""
        equipment = self.env["fsm.equipment"].create(
            {"name": "Boiler", "company_id": self.company.id}
        )
        self.order.equipment_ids = [Command.set(equipment.ids)]
        equipment.list_price = 50
        self.company.service_invoicing = False
        self.order._follow_sources()
        self.assertFalse(self.order.line_ids.filtered("equipment_id"))
        self.company.service_invoicing = True
        self.order._follow_sources()
        self.assertTrue(self.order.line_ids.filtered("equipment_id"))

    def test_finished(self):
        """B1: what nobody told the order of is there when it is finished."""
        equipment = self.env["fsm.equipment"].create(
            {"name": "Boiler", "company_id": self.company.id}
        )
        order = self._create_order(
            lines=[], done=False, equipment_ids=[Command.set(equipment.ids)]
        )
        equipment.list_price = 50
        self.assertFalse(order.line_ids)
        order.action_complete()
        self.assertEqual(order.line_ids.price_subtotal, 50)
        self.assertEqual(order.billing_status, "to_invoice")

    def test_more_on_a_draft(self):
        """C16: what comes after invoicing shows with its amount, and reaches the draft
        in one click."""
        self._update(1)
        invoice = self._invoice()
        self._update(3)
        self.assertAlmostEqual(self.order.billing_difference, 275.0)
        self.order.action_refresh_invoice()
        self.assertAlmostEqual(invoice.amount_untaxed, 412.5 + 3 * 137.5)
        self.assertFalse(self.order.billing_difference)

    def test_less_after_posting(self):
        """C16, B1: what goes back after billing shows as an amount to credit; the
        credit note proposes exactly that, and the order stays billed."""
        self._update(3)
        invoice = self._invoice(post=True)
        line = self._update(1)
        self.assertAlmostEqual(self.order.billing_difference, -275.0)
        wizard = self._open_reversal(invoice)
        self.assertTrue(wizard.credit_excess)
        wizard.refund_moves()
        credit_note = wizard.new_move_ids
        self.assertRecordValues(
            credit_note.invoice_line_ids,
            [{"fsm_order_line_id": line.id, "quantity": 2.0, "price_subtotal": 275.0}],
        )
        self.assertEqual(credit_note.state, "draft")
        credit_note.action_post()
        self.assertEqual(line.qty_invoiced, 1.0)
        self.assertFalse(line.qty_to_invoice)
        self.assertFalse(self.order.billing_difference)
        self.assertEqual(self.order.active_invoice_id, invoice)

    def test_credited_twice(self):
        """C16, B1: a second click does not draft the same credit again; once the
        draft is deleted it can be."""
        self._update(3)
        invoice = self._invoice(post=True)
        self._update(1)
        wizard = self._open_reversal(invoice)
        wizard.refund_moves()
        with self.assertRaisesRegex(UserError, "draft credit note"):
            self._open_reversal(invoice).refund_moves()
        wizard.new_move_ids.unlink()
        again = self._open_reversal(invoice)
        again.refund_moves()
        self.assertEqual(again.new_move_ids.invoice_line_ids.quantity, 2.0)

    def test_gone_after_posting(self):
        """B1: a line that the source gives up after billing falls to zero and is
        credited; it does not vanish from under its invoice."""
        line = self._update(3)
        invoice = self._invoice(post=True)
        self._update(None)
        self.assertRecordValues(line, [{"quantity": 0.0, "qty_to_invoice": -3.0}])
        wizard = self._open_reversal(invoice)
        wizard.refund_moves()
        self.assertEqual(wizard.new_move_ids.invoice_line_ids.quantity, 3.0)

    def test_discount_is_credited_in_proportion(self):
        """B1, D6: the credit note takes back the share of a discount by amount."""
        line = self._update(3)
        line.write({"discount_type": "amount", "discount_value": 10.0})
        invoice = self._invoice(post=True)
        self._update(2)
        wizard = self._open_reversal(invoice)
        wizard.refund_moves()
        self.assertRecordValues(
            wizard.new_move_ids.invoice_line_ids,
            [{"service_discount_amount": 3.33, "price_subtotal": 134.17}],
        )

    def test_discount_falls_with_the_quantity(self):
        """B1, D5: a discount by amount does not stop the source: it falls with the
        quantity, down to nothing, and does not rise again."""
        line = self._update(3)
        line.write({"discount_type": "amount", "discount_value": 300.0})
        self._update(1)
        self.assertRecordValues(line, [{"quantity": 1.0, "discount_value": 100.0}])
        self._update(2)
        self.assertEqual(line.discount_value, 100.0)
        self._invoice(post=True)
        self._update(None)
        self.assertRecordValues(line, [{"quantity": 0.0, "discount_value": 0.0}])

    def test_warranty_found_later(self):
        """B4, C16: a billed line that turns out not to be charged is credited."""
        invoice = self._invoice(post=True)
        line = self.order.line_ids[1]
        line.non_billable_reason = "warranty"
        self.assertAlmostEqual(self.order.billing_difference, -275.0)
        wizard = self._open_reversal(invoice)
        wizard.refund_moves()
        self.assertEqual(wizard.new_move_ids.invoice_line_ids.fsm_order_line_id, line)
        wizard.new_move_ids.action_post()
        self.assertFalse(self.order.billing_difference)

    def test_whole_invoice(self):
        """F2: the whole invoice can be credited all the same, and a new one made."""
        self._update(3)
        invoice = self._invoice(post=True)
        self._update(1)
        wizard = self._open_reversal(invoice)
        wizard.credit_excess = False
        wizard.refund_moves()
        self.assertEqual(wizard.new_move_ids.amount_total, invoice.amount_total)
        wizard.new_move_ids.unlink()
        wizard = self._open_reversal(invoice)
        wizard.modify_moves()
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertEqual(wizard.new_move_ids.amount_total, invoice.amount_total)

    def test_nothing_to_credit(self):
        """F2: without anything billed too much the dialog is Odoo's own."""
        wizard = self._open_reversal(self._invoice(post=True))
        self.assertFalse(wizard.has_excess)
        self.assertFalse(wizard.credit_excess)

    def test_unit_of_measure_changed_on_the_invoice(self):
        """B1: the credit note counts in the invoice line's unit of measure."""
        self._update(24)
        invoice = self._invoice()
        invoice_line = invoice.invoice_line_ids.filtered("fsm_order_line_id.source_key")
        invoice_line.product_uom_id = self.env.ref("uom.product_uom_dozen")
        invoice_line.quantity = 2
        invoice.action_post()
        self._update(18)
        wizard = self._open_reversal(invoice)
        wizard.refund_moves()
        self.assertAlmostEqual(wizard.new_move_ids.invoice_line_ids.quantity, 0.5)

    def test_price_list_is_asked_once(self):
        """C7: pricing the lines of many orders searches the rules of a price list
        once, and gives the prices that Odoo gives for each alone."""
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Contract",
                "currency_id": self.company.currency_id.id,
                "item_ids": [
                    Command.create(
                        {
                            "applied_on": "1_product",
                            "product_tmpl_id": self.part.product_tmpl_id.id,
                            "compute_price": "percentage",
                            "percent_price": 20,
                            "min_quantity": 5,
                        }
                    ),
                    Command.create(
                        {
                            "applied_on": "3_global",
                            "compute_price": "percentage",
                            "percent_price": 10,
                        }
                    ),
                ],
            }
        )
        orders = self.order.union(*(self._create_order() for _count in range(9)))
        orders.pricelist_id = pricelist
        counts = []
        for size in (2, 10):
            lines = orders[:size].line_ids
            for number, line in enumerate(lines):
                line.quantity = number
            self.env.flush_all()
            self.env.invalidate_all()
            lines.modified(["product_id"])
            before = self.env.cr.sql_log_count
            lines.mapped("price_unit")
            counts.append(self.env.cr.sql_log_count - before)
            for line in lines:
                self.assertAlmostEqual(
                    line.price_unit,
                    pricelist._get_product_price(line.product_id, line.quantity or 1),
                )
        self.assertEqual(*counts)
