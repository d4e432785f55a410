# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Random walks through deliveries, returns, hours, invoices and credit notes.

The walk keeps its own ledger of what was delivered, logged and billed, and compares
the order lines, invoices, journal entries and the stock account with it after every
step. ``WALKS`` in the environment says how many walks there are (12).
"""

import os
from collections import defaultdict

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged

from odoo.addons.fieldservice_invoicing.tests.common import ServiceInvoicingCommon

HOURS = st.integers(1, 16).map(lambda quarters: quarters / 4)
INDEX = st.integers(0, 20)


@tagged("post_install", "-at_install")
class TestWalk(ServiceInvoicingCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("stock.group_stock_manager")
        cls.env.user.group_ids += cls.env.ref("hr_timesheet.group_timesheet_manager")
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company.id)], limit=1
        )
        cls.customers = cls.env.ref("stock.stock_location_customers")
        cls.category = cls.env["product.category"].create(
            {
                "name": "Valued at once",
                "property_cost_method": "standard",
                "property_valuation": "real_time",
            }
        )
        cls.stock_account = cls.category.property_stock_valuation_account_id
        cls.parts = cls.env["product.product"].union(
            cls._create_part("Valve", 33.33, 11.1),
            cls._create_part("Filter", 7.77, 3.05),
        )
        cls._receive(cls.parts, 1000)
        cls.employee = cls.env["hr.employee"].create(
            {"name": "Worker", "company_id": cls.company.id}
        )
        cls.company.service_labor_product_id = cls.labor

    @classmethod
    def _create_part(cls, name, price, cost):
        part = cls._create_service_product(name, "consu", price)
        part.write(
            {
                "is_storable": True,
                "categ_id": cls.category.id,
                "standard_price": cost,
            }
        )
        return part

    @classmethod
    def _receive(cls, parts, quantity):
        """Buy parts: the stock and its account begin equal."""
        cls._move(
            parts,
            quantity,
            cls.env.ref("stock.stock_location_suppliers"),
            cls.warehouse.lot_stock_id,
        )
        bill = cls.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": cls.partner_b.id,
                "invoice_date": fields.Date.today(),
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": part.id,
                            "quantity": quantity,
                            "price_unit": part.standard_price,
                            "tax_ids": [Command.clear()],
                        }
                    )
                    for part in parts
                ],
            }
        )
        bill.action_post()

    @classmethod
    def _move(cls, parts, quantity, source, target, **values):
        moves = cls.env["stock.move"].create(
            [
                {
                    "product_id": part.id,
                    "product_uom_qty": quantity,
                    "location_id": source.id,
                    "location_dest_id": target.id,
                    "company_id": cls.company.id,
                    **values,
                }
                for part in parts
            ]
        )
        moves._action_confirm()
        moves._action_assign()
        moves.quantity = quantity
        moves.picked = True
        moves._action_done()
        return moves

    def test_walk(self):
        """B1, design 7.4: whatever happens, each part and each hour is billed once:
        posted minus credited is what the lines say and never more than was delivered,
        a full credit frees everything, journal entries balance, and the stock account
        is worth the stock once all is billed."""
        case = self

        class CaseWalk(Walk):
            pass

        CaseWalk.case = case
        run_state_machine_as_test(
            CaseWalk,
            settings=settings(
                max_examples=int(os.environ.get("WALKS", "12")),
                stateful_step_count=50,
                deadline=None,
                database=None,
                derandomize="WALKS" not in os.environ,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )


class Walk(RuleBasedStateMachine):
    case: TestWalk

    @initialize()
    def begin(self):
        self.env = self.case.env
        self.savepoint = self.env.cr.savepoint()
        self.orders = self.env["fsm.order"].union(
            *(self.case._create_order(lines=[]) for _count in range(2))
        )
        # (order, product): what the walk knows
        self.delivered = defaultdict(float)
        self.returned = defaultdict(float)
        self.hours = {order: {} for order in self.orders}
        self.billed = defaultdict(float)
        self.billed_entries = {}
        self.excluded = set()
        self.deliveries = defaultdict(list)

    def teardown(self):
        if hasattr(self, "savepoint"):
            self.env.invalidate_all(flush=False)
            self.savepoint.close(rollback=True)
            self.env.clear()

    # What the walk knows -------------------------------------------------

    def _keys(self, order):
        return [(order, product) for product in (*self.case.parts, self.case.labor)]

    def _work(self, key):
        order, product = key
        if product == self.case.labor:
            return sum(self.hours[order].values())
        return self.delivered[key] - self.returned[key]

    def _charged(self, key):
        return 0.0 if key in self.excluded else self._work(key)

    def _lines(self, key):
        order, product = key
        return order.line_ids.filtered(lambda line: line.product_id == product)

    def _invoice_of(self, order):
        return order.active_invoice_id

    def _choose(self, index, condition):
        """An order and its active invoice for which ``condition`` (called with both)
        holds; nothing for either when there is none."""
        orders = self.orders.filtered(
            lambda order: condition(order, self._invoice_of(order))
        )
        order = orders and orders[index % len(orders)]
        return order, self._invoice_of(order)

    def _take_all(self, order):
        for key in self._keys(order):
            self.billed[key] = self._charged(key)
        self.billed_entries[order] = set(self.hours[order])

    def _give_up(self, order):
        for key in self._keys(order):
            self.billed[key] = 0.0

    # Work ------------------------------------------------------------------

    @rule(index=INDEX, part=INDEX, quantity=st.integers(1, 9))
    def deliver(self, index, part, quantity):
        order = self.orders[index % 2]
        product = self.case.parts[part % 2]
        self.deliveries[order, product] += self.case._move(
            product,
            quantity,
            self.case.warehouse.lot_stock_id,
            self.case.customers,
            fsm_order_id=order.id,
        )
        self.delivered[order, product] += quantity

    @precondition(lambda self: any(self.deliveries.values()))
    @rule(index=INDEX, part=st.integers(1, 9))
    def give_back(self, index, part):
        keys = [key for key in self.deliveries if self._work(key)]
        if not keys:
            return
        order, product = key = keys[index % len(keys)]
        quantity = min(part, self._work(key))
        self.case._move(
            product,
            quantity,
            self.case.customers,
            self.case.warehouse.lot_stock_id,
            fsm_order_id=order.id,
            origin_returned_move_id=self.deliveries[key][-1].id,
            to_refund=True,
        )
        self.returned[key] += quantity

    @rule(index=INDEX, hours=HOURS)
    def log_hours(self, index, hours):
        order = self.orders[index % 2]
        entry = self.env["account.analytic.line"].create(
            {
                "name": "Work",
                "fsm_order_id": order.id,
                "employee_id": self.case.employee.id,
                "unit_amount": hours,
                "date": fields.Date.today(),
                "company_id": self.case.company.id,
            }
        )
        self.hours[order][entry] = hours

    @precondition(lambda self: any(self.hours.values()))
    @rule(index=INDEX, hours=st.none() | HOURS)
    def change_hours(self, index, hours):
        """Another number of hours, or none: the entry is deleted."""
        entries = [
            (order, entry) for order in self.orders for entry in self.hours[order]
        ]
        order, entry = entries[index % len(entries)]
        if hours == self.hours[order][entry]:
            return
        is_billed = (
            self.billed[order, self.case.labor] and entry in self.billed_entries[order]
        )
        try:
            with self.env.cr.savepoint():
                if hours is None:
                    entry.unlink()
                else:
                    entry.unit_amount = hours
        except UserError:
            assert is_billed, "An entry that is not billed can be changed"
            return
        assert not is_billed, "A billed entry can not be changed"
        if hours is None:
            del self.hours[order][entry]
        else:
            self.hours[order][entry] = hours

    # Terms -------------------------------------------------------------------

    @rule(index=INDEX, price=st.integers(1, 20000))
    def reprice(self, index, price):
        lines = self.orders.line_ids
        if not lines:
            return
        lines[index % len(lines)].price_unit = price / 100

    @rule(index=INDEX, reason=st.sampled_from([False, "warranty", "goodwill"]))
    def exclude(self, index, reason):
        lines = self.orders.line_ids
        if not lines:
            return
        line = lines[index % len(lines)]
        line.non_billable_reason = reason
        key = line.order_id, line.product_id
        (self.excluded.add if reason else self.excluded.discard)(key)

    # Billing -------------------------------------------------------------------

    @rule(index=INDEX)
    def invoice(self, index):
        order = self.orders[index % 2]
        had_invoice = bool(self._invoice_of(order))
        possible = not had_invoice and any(map(self._charged, self._keys(order)))
        try:
            with self.env.cr.savepoint():
                order._create_invoices()
        except UserError:
            assert not possible, "Work that is not billed can be"
            return
        assert possible, "Nothing, or twice, was billed"
        self._take_all(order)

    @rule(index=INDEX)
    def invoice_and_post(self, index):
        """What people do most of all, so that the walk gets beyond it."""
        self.invoice(index)
        self.post(index)

    @rule(index=INDEX)
    def refresh(self, index):
        order, invoice = self._choose(
            index,
            lambda order, invoice: (
                invoice.state == "draft" and any(map(self._charged, self._keys(order)))
            ),
        )
        if invoice:
            order.action_refresh_invoice()
            self._take_all(order)

    @rule(index=INDEX)
    def post(self, index):
        invoice = self._choose(index, lambda order, invoice: invoice.state == "draft")[
            1
        ]
        if invoice:
            invoice.action_post()

    @rule(index=INDEX)
    def pay(self, index):
        invoice = self._choose(
            index,
            lambda order, invoice: (
                invoice.state == "posted" and invoice.amount_residual > 0
            ),
        )[1]
        if invoice:
            self.case._pay(invoice)

    @rule(index=INDEX)
    def cancel(self, index):
        order, invoice = self._choose(
            index,
            lambda order, invoice: invoice and not invoice._get_cancel_refusal(),
        )
        if invoice:
            invoice._cancel_service_invoices("walk")
            self._give_up(order)

    @rule(index=INDEX)
    def credit_in_full(self, index):
        order, invoice = self._choose(
            index,
            lambda order, invoice: (
                invoice.state == "posted" and not invoice.reversal_move_ids
            ),
        )
        if invoice:
            wizard = self.case._open_reversal(invoice)
            wizard.credit_excess = False
            wizard.refund_moves()
            wizard.new_move_ids.action_post()
            self._give_up(order)

    @rule(index=INDEX)
    def credit_excess(self, index):
        order, invoice = self._choose(
            index,
            lambda order, invoice: (
                invoice.state == "posted"
                and self.case._open_reversal(invoice).has_excess
            ),
        )
        if invoice:
            wizard = self.case._open_reversal(invoice)
            wizard.refund_moves()
            wizard.new_move_ids.action_post()
            for key in self._keys(order):
                self.billed[key] = min(self.billed[key], self._charged(key))
            self._give_up_if_free(order)

    # What seldom comes about by steps taken at random -----------------------------

    @rule(index=INDEX)
    def cancel_and_bill_again(self, index):
        self.invoice_and_post(index)
        self.cancel(index)
        self.invoice_and_post(index)

    @rule(index=INDEX, part=INDEX, quantity=st.integers(1, 9))
    def bill_and_give_back(self, index, part, quantity):
        self.deliver(index, part, quantity)
        self.deliver(index, part + 1, 1)
        self.invoice_and_post(index)
        self.give_back(part, quantity - quantity // 2)
        self.credit_excess(index)

    @rule(index=INDEX, part=INDEX, quantity=st.integers(1, 3))
    def credit_in_part(self, index, part, quantity):
        order, invoice = self._choose(
            index,
            lambda order, invoice: (
                invoice.state == "posted"
                and any(self.billed[key] for key in self._keys(order))
            ),
        )
        if not invoice:
            return
        keys = [key for key in self._keys(order) if self.billed[key]]
        key = keys[part % len(keys)]
        quantity = min(quantity, self.billed[key])
        wizard = self.case._open_reversal(invoice)
        wizard.credit_excess = False
        wizard.refund_moves()
        credit_note = wizard.new_move_ids
        kept = credit_note.invoice_line_ids.filtered(
            lambda line: line.product_id == key[1]
        )[:1]
        (credit_note.invoice_line_ids - kept).unlink()
        kept.quantity = quantity
        credit_note.action_post()
        self.billed[key] -= quantity
        self._give_up_if_free(order)

    def _give_up_if_free(self, order):
        """Credit notes that sum to the invoice free the order: nothing is billed."""
        if not self._invoice_of(order):
            assert not any(self.billed[key] for key in self._keys(order))
            self._give_up(order)

    # What has to be true -----------------------------------------------------------

    @invariant()
    def lines_say_what_was_done(self):
        if not hasattr(self, "orders"):
            return
        for order in self.orders:
            for key in self._keys(order):
                lines = self._lines(key)
                assert abs(sum(lines.mapped("quantity")) - self._work(key)) < 1e-6, key

    @invariant()
    def billed_once(self):
        if not hasattr(self, "orders"):
            return
        for order in self.orders:
            assert len(order.invoice_link_ids.filtered("is_active")) <= 1
            for key in self._keys(order):
                lines = self._lines(key)
                invoiced = sum(lines.mapped("qty_invoiced"))
                assert abs(invoiced - self.billed[key]) < 1e-6, key
                by_documents = sum(
                    line.quantity * (1 if line.move_type == "out_invoice" else -1)
                    for line in lines.invoice_line_ids
                    if self._counts(line.move_id)
                )
                assert abs(by_documents - self.billed[key]) < 1e-6, key
                gross = (
                    self.delivered[key]
                    if key[1] in self.case.parts
                    else max(self._work(key), self.billed[key])
                )
                assert invoiced <= gross + 1e-6, key

    def _counts(self, move):
        """Whether an invoice, or a posted credit note for one, bills an order now."""
        if move.move_type == "out_refund":
            return move.state == "posted" and self._counts(move.reversed_entry_id)
        return any(move.service_order_link_ids.mapped("is_active"))

    @invariant()
    def books_balance(self):
        if not hasattr(self, "orders"):
            return
        moves = self.orders.invoice_link_ids.move_id
        moves |= moves.reversal_move_ids
        for move in moves:
            assert move.company_currency_id.is_zero(
                sum(move.line_ids.mapped("balance"))
            )

    @invariant()
    def stock_account_is_worth_the_stock(self):
        """The stock account lags behind the stock by what is delivered and not on a
        posted invoice, and by nothing else."""
        if not hasattr(self, "orders"):
            return
        balance = sum(
            self.env["account.move.line"]
            .search(
                [
                    ("account_id", "=", self.case.stock_account.id),
                    ("product_id", "in", self.case.parts.ids),
                    ("parent_state", "=", "posted"),
                ]
            )
            .mapped("balance")
        )
        on_hand = unbilled = 0.0
        for part in self.case.parts:
            on_hand += part.standard_price * part.qty_available
            for order in self.orders:
                posted = (
                    self.billed[order, part]
                    if self._invoice_of(order).state == "posted"
                    else 0.0
                )
                unbilled += part.standard_price * (self._work((order, part)) - posted)
        assert abs(balance - on_hand - unbilled) < 0.05, (balance, on_hand, unbilled)
