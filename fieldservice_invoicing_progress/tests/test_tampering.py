# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import ProgressCommon


class TamperingCommon(ProgressCommon):
    """An accountant edits documents of a contract in Accounting, where all of a draft
    is editable, and posts them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.income = cls.company_data["default_account_revenue"]
        cls.liability = cls.company.downpayment_account_id
        cls.receivable = cls.company.service_retainage_account_id
        cls.low_tax = cls.tax.copy({"amount": 6, "name": "6 %"})

    def _by_accountant(self, move):
        self.env.flush_all()
        self.env.invalidate_all()
        return move.with_user(self.accountant)

    def _get_line(self, move, progress_type):
        return move.invoice_line_ids.filtered(
            lambda line: line.progress_type == progress_type
        )[:1]

    def _edit(self, move, progress_type, **values):
        """Edit the first line of a type and post."""
        move = self._by_accountant(move)
        line = self._get_line(move, progress_type)
        move.write({"invoice_line_ids": [Command.update(line.id, values)]})
        move.action_post()

    def _assert_refused(self, message, move, progress_type, **values):
        with self.assertRaisesRegex(UserError, message), self.cr.savepoint():
            self._edit(move, progress_type, **values)
        self.env.invalidate_all()
        self.assertEqual(move.state, "draft")

    def _assert_true(self, order=None):
        """What the order says is what the ledger says."""
        order = order or self.contract
        self.env.flush_all()
        self.env.invalidate_all()
        moves = order.invoice_link_ids.move_id
        lines = (moves | moves.reversal_move_ids).line_ids.filtered(
            lambda line: line.parent_state == "posted"
        )
        held = lines.filtered(lambda line: line.account_id == self.receivable)
        deposits = lines.filtered(lambda line: line.account_id == self.liability)
        self.assertAlmostEqual(order.retainage_held, sum(held.mapped("balance")))
        self.assertAlmostEqual(
            sum(order.invoice_link_ids.mapped("deposit_amount")),
            -sum(deposits.mapped("balance")),
        )
        self.assertAlmostEqual(
            order.progress_billed, sum(order.line_ids.mapped("amount_billed"))
        )


@tagged("post_install", "-at_install")
class TestTamperedDraw(TamperingCommon):
    def setUp(self):
        super().setUp()
        self.deposit = self._deposit(2420.0)
        self.draw = self._draw(2000, 1000, post=False, deposit=1000.0)

    def test_accounts(self):
        """B6, B8: what holds deposits and retainage holds all of it, and nothing
        else."""
        other = self.receivable.copy()
        for progress_type in ("retainage", "deposit"):
            for account in (self.income, other):
                self._assert_refused(
                    "Choose that account",
                    self.draw,
                    progress_type,
                    account_id=account.id,
                )
        self._assert_refused(
            "Choose an income account",
            self.draw,
            "work",
            account_id=self.receivable.id,
        )

    def test_update_taxes_and_accounts(self):
        """B6, B8: Odoo's button that maps taxes and accounts anew leaves deposits and
        retainage where they are held."""
        draw = self._by_accountant(self.draw)
        draw.partner_id = self.partner_b
        draw.fiscal_position_id = self.env["account.fiscal.position"].create(
            {
                "name": "Elsewhere",
                "account_ids": [
                    Command.create(
                        {
                            "account_src_id": account.id,
                            "account_dest_id": self.income.id,
                        }
                    )
                    for account in (self.receivable, self.liability)
                ],
            }
        )
        draw.action_update_fpos_values()
        self.assertEqual(self._get_line(draw, "retainage").account_id, self.receivable)
        self.assertEqual(self._get_line(draw, "deposit").account_id, self.liability)
        draw.action_post()
        self.assertEqual(self.contract.retainage_held, 300.0)
        self._assert_true()

    def test_deposit_taxes(self):
        """B6: a deposit is applied by the taxes it was invoiced with."""
        for taxes, price in (([], 2420.0), ([], 1000.0), (self.low_tax.ids, 2200.0)):
            self._assert_refused(
                "by the taxes",
                self.draw,
                "deposit",
                price_unit=price,
                tax_ids=[Command.set(taxes)],
            )

    def test_opposites(self):
        """B6, B8: a draw applies deposits and withholds: it does not ask for more, nor
        release."""
        for progress_type in ("deposit", "retainage"):
            self._assert_refused("the opposite", self.draw, progress_type, quantity=1.0)

    def test_too_much(self):
        """B6, B7: neither more of the deposit than is paid, nor of the contract."""
        self._assert_refused("is applied by", self.draw, "deposit", price_unit=2000.01)
        self._assert_refused("beyond its scheduled", self.draw, "work", quantity=2.01)

    def test_currency(self):
        """B7: the figures of a contract are in its currency."""
        draw = self._by_accountant(self.draw)
        draw.currency_id = self.setup_other_currency("HRK")
        with self.assertRaisesRegex(UserError, "Set the currency back"):
            draw.action_post()

    def test_figures_follow(self):
        """B7, B8: what may be edited (amounts, lines, partner, taxes of the work) is
        what the order says."""
        draw = self._by_accountant(self.draw)
        work = draw.invoice_line_ids.filtered(lambda line: line.progress_type == "work")
        draw.write(
            {
                "partner_id": self.partner_b.id,
                "invoice_line_ids": [
                    Command.update(
                        work[0].id,
                        {"discount": 50.0, "tax_ids": [Command.set(self.low_tax.ids)]},
                    ),
                    Command.update(
                        self._get_line(draw, "retainage").id, {"price_unit": 111.0}
                    ),
                    Command.update(
                        self._get_line(draw, "deposit").id, {"price_unit": 500.0}
                    ),
                    Command.create({"name": "Extra", "price_unit": 70.0}),
                ],
            }
        )
        draw.action_post()
        self._assert_true()
        self.assertRecordValues(
            self.contract,
            [
                {
                    "progress_billed": 2000.0,
                    "retainage_held": 111.0,
                    "deposit_balance": 2420.0 - 605.0,
                }
            ],
        )
        self.assertEqual(self.groundwork.amount_billed, 1000.0)

    def test_lines_deleted(self):
        """B6, B8: what is deleted is neither withheld nor applied."""
        draw = self._by_accountant(self.draw)
        for progress_type in ("retainage", "deposit"):
            self._get_line(draw, progress_type).unlink()
        draw.action_post()
        self._assert_true()
        self.assertEqual(self.contract.retainage_held, 0.0)
        self.assertEqual(self.contract.deposit_balance, 2420.0)

    def test_other_item(self):
        """B7: over RPC as well nobody says that a line bills another item, or none:
        the item could be billed again."""
        line = self._get_line(self._by_accountant(self.draw), "work")
        for item in (False, self.piping.id):
            with self.assertRaisesRegex(UserError, "can not be entered"):
                line.fsm_order_line_id = item
        line.fsm_order_line_id = self.groundwork.id
        self.assertEqual(line.fsm_order_line_id, self.groundwork)

    def test_type(self):
        """B7: a draw stays an invoice."""
        with self.assertRaisesRegex(ValidationError, "has to stay a customer invoice"):
            self._by_accountant(self.draw).action_switch_move_type()


@tagged("post_install", "-at_install")
class TestTamperedCreditNote(TamperingCommon):
    def setUp(self):
        super().setUp()
        self.deposit = self._deposit(2420.0)
        self.draw = self._draw(2000, 1000, deposit=1000.0)

    def test_accounts(self):
        """B8: a credit note gives back what is held where it is held."""
        credit_note = self._credit(self.draw, post=False)
        self._assert_refused(
            "Choose that account", credit_note, "retainage", account_id=self.income.id
        )
        self._edit(credit_note, "retainage", quantity=-0.5)
        self.assertEqual(self.contract.retainage_held, 150.0)
        self._assert_true()

    def test_unlinked(self):
        """B7: what credits a draw says so, or is not posted: the ledger would move,
        and the order not."""
        for document in (self.draw, self.deposit):
            credit_note = self._credit(document, post=False)
            self._by_accountant(credit_note).reversed_entry_id = False
            with (
                self.assertRaisesRegex(UserError, "neither bills nor credits"),
                self.cr.savepoint(),
            ):
                self._by_accountant(credit_note).action_post()
        self._assert_true()

    def test_type(self):
        """B7: a credit note that becomes an invoice does not bill the draw again."""
        credit_note = self._by_accountant(self._credit(self.draw, post=False))
        credit_note.action_switch_move_type()
        with self.assertRaisesRegex(UserError, "neither bills nor credits"):
            credit_note.action_post()

    def test_deposit_by_other_taxes(self):
        """B5: a deposit that was credited by other taxes is still applied to
        nothing."""
        credit_note = self._credit(self.deposit, post=False)
        self._edit(credit_note, "deposit", quantity=0.5, tax_ids=[Command.clear()])
        self.assertEqual(self.contract.deposit_balance, 420.0)
        self._draw(4000, 0)
        self.assertEqual(self.contract.deposit_balance, 0.0)
        self.assertAlmostEqual(self._get_balance(self.liability), 0.0)
        self._assert_true()


@tagged("post_install", "-at_install")
class TestTamperedDeposit(TamperingCommon):
    def setUp(self):
        super().setUp()
        self.deposit = self._deposit(2420.0, paid=False)

    def test_refused(self):
        """B5: a deposit stays a deposit, on its account, of at most the contract."""
        for message, values in (
            ("Choose that account", {"account_id": self.income.id}),
            ("above its contract", {"price_unit": 10000.01}),
        ):
            self._assert_refused(message, self.deposit, "deposit", **values)
        self.deposit.invoice_line_ids = [
            Command.create(
                {"name": "Extra", "price_unit": 100.0, "account_id": self.income.id}
            )
        ]
        self._assert_refused("the opposite", self.deposit, "deposit", price_unit=-10.0)

    def test_edited(self):
        """B5: the balance is what was invoiced and paid, exact to the account."""
        self._edit(
            self.deposit, "deposit", price_unit=1000.0, tax_ids=[Command.clear()]
        )
        self._pay(self.deposit)
        self.assertEqual(self.contract.deposit_balance, 1000.0)
        self._draw(4000, 6000)
        self.assertEqual(self.contract.deposit_balance, 0.0)
        self.assertEqual(self._get_balance(self.liability), 0.0)
        self._assert_true()

    def test_line_added(self):
        """B5: what someone adds to a deposit is no deposit, and is paid first."""
        deposit = self._by_accountant(self.deposit)
        deposit.invoice_line_ids = [
            Command.create(
                {
                    "name": "Permit",
                    "price_unit": 100.0,
                    "tax_ids": [Command.clear()],
                    "account_id": self.income.id,
                }
            )
        ]
        deposit.action_post()
        self.assertEqual(self.contract.deposit_billed, 2420.0)
        self._pay(self.deposit, 90.0)
        self.assertEqual(self.contract.deposit_balance, 0.0)
        self._pay(self.deposit, 410.0)
        self.assertEqual(self.contract.deposit_balance, 400.0)
        self._pay(self.deposit)
        self.assertEqual(self.contract.deposit_balance, 2420.0)
        self._draw(4000, 6000)
        self.assertEqual(self._get_balance(self.liability), 0.0)
        self._assert_true()

    def test_line_added_on_its_account(self):
        """B5: nor is it booked where deposits are held, which Odoo proposes."""
        deposit = self._by_accountant(self.deposit)
        deposit.invoice_line_ids = [
            Command.create(
                {
                    "name": "Permit",
                    "price_unit": 100.0,
                    "account_id": self.liability.id,
                }
            )
        ]
        with self.assertRaisesRegex(UserError, "Choose an income account"):
            deposit.action_post()

    def test_replaced(self):
        """B5: an invoice without its deposit line is no deposit."""
        self._get_line(self.deposit, "deposit").unlink()
        self.deposit.invoice_line_ids = [
            Command.create(
                {"name": "Permit", "price_unit": 9.0, "account_id": self.income.id}
            )
        ]
        self.deposit.action_post()
        self._pay(self.deposit)
        self.assertEqual(self.contract.deposit_billed, 0.0)
        self.assertEqual(self.contract.deposit_balance, 0.0)

    def test_cash_rounding(self):
        """B5: what is rounded, up or down, is no deposit, and its balance is all of it
        once the invoice is paid."""
        for price, total in ((2001.0, 2420.0), (2003.0, 2425.0)):
            deposit = self._deposit(242.0, paid=False)
            deposit.invoice_line_ids.price_unit = price
            deposit.invoice_cash_rounding_id = self.env["account.cash.rounding"].create(
                {
                    "name": "5",
                    "rounding": 5.0,
                    "strategy": "add_invoice_line",
                    "profit_account_id": self.income.id,
                    "loss_account_id": self.income.id,
                }
            )
            deposit.action_post()
            self.assertEqual(deposit.amount_total, total)
            claim = deposit.service_order_link_ids
            self.assertEqual(claim.deposit_paid, 0.0)
            self._pay(deposit)
            self.assertAlmostEqual(claim.deposit_left, price * 1.21, 2)


@tagged("post_install", "-at_install")
class TestUnlocked(TamperingCommon):
    """A company that does not lock issued service invoices: its accountants reset them
    to draft."""

    def setUp(self):
        super().setUp()
        self.company.service_invoice_lock = False
        self.deposit = self._deposit(2420.0)
        self.first = self._draw(1000, 1000, deposit=500.0)
        self.last = self._draw(2000, 1000, deposit=500.0)
        self.release = self.contract._release_retainage(100.0, 0.0)
        self.release.action_post()

    def _assert_refused_action(self, message, *methods):
        with self.assertRaisesRegex(UserError, message), self.cr.savepoint():
            for method in methods:
                method()
        self.env.invalidate_all()
        self._assert_true()

    def test_deposit(self):
        """B5: an applied deposit is neither cancelled, nor deleted, nor lowered, nor
        taxed otherwise."""
        deposit = self._by_accountant(self.deposit)
        line = deposit.invoice_line_ids
        self._assert_refused_action("is applied to", deposit.button_cancel)
        self._assert_refused_action(
            "can not be deleted", deposit.button_draft, deposit.unlink
        )
        self._assert_refused_action(
            "is applied to",
            deposit.button_draft,
            lambda: line.write({"price_unit": 500.0}),
            deposit.action_post,
        )
        self._assert_refused_action(
            "by the taxes",
            deposit.button_draft,
            lambda: line.write({"tax_ids": [Command.clear()]}),
            deposit.action_post,
        )

    def test_first_draw(self):
        """B7: nor is a draw that others follow, and posted anew it is checked."""
        first = self._by_accountant(self.first)
        self._assert_refused_action("Only the last draw", first.button_cancel)
        self._assert_refused_action(
            "Only the last draw", first.button_draft, first.unlink
        )
        self._assert_refused_action(
            "beyond its scheduled",
            first.button_draft,
            lambda: first.invoice_line_ids[0].write({"price_unit": 3000.01}),
            first.action_post,
        )
        first.button_draft()
        first.action_post()
        self._assert_true()

    def test_undone(self):
        """B7, B8: the last draw, a release and a credit note are undone, and the
        figures follow."""
        release, last = (
            self._by_accountant(self.release),
            self._by_accountant(self.last),
        )
        release.button_draft()
        release.unlink()
        self.assertEqual(self.contract.retainage_held, 300.0)
        self._assert_true()
        credit_note = self._credit(last)
        self.assertEqual(self.contract.progress_billed, 2000.0)
        self._by_accountant(credit_note).button_draft()
        self.assertEqual(self.contract.progress_billed, 3000.0)
        self._assert_true()
        credit_note.button_cancel()
        last.button_draft()
        last.button_cancel()
        self.assertEqual(self.contract.progress_billed, 2000.0)
        self.assertEqual(self.contract.deposit_balance, 1920.0)
        self._assert_true()


@tagged("post_install", "-at_install")
class TestOtherwiseBilled(TamperingCommon):
    def test_hash(self):
        """B7, B8: hashed draws are credited, billed anew and released."""
        journal = self.company_data["default_journal_sale"]
        journal.restrict_mode_hash_table = True
        self._deposit(1210.0)
        draw = self._draw(1000, 0)
        self.env.cr.precommit.run()
        self.assertTrue(draw.inalterable_hash)
        draw._cancel_service_invoices("wrong")
        self.assertEqual(self.contract.progress_billed, 0.0)
        self.assertEqual(self.contract.deposit_balance, 1210.0)
        self._draw(2000, 0)
        self.contract._release_retainage(deposit=0.0).action_post()
        self.assertEqual(self.contract.retainage_held, 0.0)
        self._assert_true()

    def test_paid_by_nothing(self):
        """B7: a draw that a deposit pays in full is cancelled as any other."""
        self._deposit(12100.0)
        draw = self._draw(1000, 1000)
        self.assertEqual(draw.amount_total, 0.0)
        draw._cancel_service_invoices("wrong")
        self.assertEqual(self.contract.progress_billed, 0.0)
        self.assertEqual(self.contract.deposit_balance, 12100.0)
        self._credit(self._draw(1000, 1000))
        self.assertEqual(self.contract.progress_billed, 0.0)
        self._assert_true()

    def test_early_payment(self):
        """B5: a deposit that is paid early, at a discount, is applied in full, also
        where the discount lowers its tax."""
        for computation in ("included", "mixed"):
            term = self.env["account.payment.term"].create(
                {
                    "name": computation,
                    "early_discount": True,
                    "discount_percentage": 2,
                    "discount_days": 7,
                    "early_pay_discount_computation": computation,
                    "line_ids": [
                        Command.create({"value": "percent", "value_amount": 100})
                    ],
                }
            )
            with self.subTest(computation):
                order = self._create_contract(payment_term_id=term.id)
                self._deposit(1210.0, order=order)
                self.assertEqual(order.deposit_balance, 1210.0)
                self._draw(4000, 6000, order=order)
                self.assertEqual(order.deposit_balance, 0.0)
                self.assertEqual(self._get_balance(self.liability), 0.0)

    def test_title(self):
        """F4: an invoice for the whole order has no title of progress billing."""
        invoice = self._invoice()
        self.assertIs(invoice.service_order_link_ids.billing_title, False)
        self.assertIs(invoice.progress_title, False)
        draw = self._draw(1000, 0)
        self.assertEqual(draw.progress_title, "Progress Draw 1")
        self.assertEqual(draw.service_order_link_ids.billing_title, "Progress Draw 1")

    def test_paid_twice(self):
        """B5: of a deposit that is paid in two parts, and too much, all is held, and no
        more."""
        deposit = self._deposit(1210.0, paid=False)
        deposit.action_post()
        self._pay(deposit, 1000.0)
        self.assertEqual(self.contract.deposit_balance, 1000.0)
        self._pay(deposit, 500.0)
        self.assertEqual(self.contract.deposit_balance, 1210.0)

    def test_marked_billed(self):
        """C15: a contract is marked as billed until a draw bills it; then what will not
        be billed is taken off it."""
        self.contract._mark_billed("Paid in kind")
        self.assertEqual(self.contract.billing_status, "marked_billed")
        self.contract.action_unmark_billed()
        self._draw(1000, 0)
        with self.assertRaisesRegex(UserError, "by a change order"):
            self.contract._mark_billed("Paid in kind")

    def test_nothing(self):
        """C12: a contract of nothing is not to invoice; lines at zero take no part."""
        line = {"name": "Goodwill", "price_unit": 0.0}
        order = self._create_contract([line])
        order.action_complete()
        self.assertEqual(order.billing_status, "nothing")
        order = self._create_contract([line, {"name": "Work", "price_unit": 100.0}])
        self._draw(0, 100, order=order)
        self.assertEqual(order.billing_status, "invoiced")

    def test_deposit_before_contract(self):
        """B5: an order with a deposit becomes a contract, whose draw applies it."""
        self._deposit(50, "percent", order=self.order)
        self.order.billing_method = "progress"
        draw = self._draw(137.5, 275.0, order=self.order)
        self.assertEqual(draw.amount_total, 499.13 - 249.57)
        self.assertEqual(self.order.deposit_balance, 0.0)
        self.assertEqual(self.order.billing_status, "invoiced")

    def test_consolidated(self):
        """B6, C17: on an invoice of several orders each order applies its own."""
        orders = self._create_order() | self._create_order()
        for order in orders:
            self._deposit(50, "percent", order=order)
        invoice = orders._create_invoices(grouped=True, deposit=100.0)
        invoice.action_post()
        for order in orders:
            self.assertEqual(order.deposit_balance, 149.57)
            self.assertEqual(order.amount_invoiced, 412.5)
            self.assertEqual(order.billing_difference, 0.0)
        self.assertAlmostEqual(
            sum(invoice.service_order_link_ids.mapped("amount_total")),
            invoice.amount_total,
        )

    def test_income_account(self):
        """B5: a company may hold deposits on the account of its income."""
        self.company.downpayment_account_id = self.income
        self._deposit(1210.0)
        draw = self._draw(4000, 6000)
        deposit = self._get_line(draw, "deposit")
        self.assertEqual(deposit.account_id, self.income)
        self.assertEqual(self.contract.deposit_balance, 0.0)

    def test_not_to_exceed(self):
        """B4: the not-to-exceed amount holds for all draws together."""
        self.contract.not_to_exceed = 3000.0
        self._draw(2000, 0)
        with self.assertRaisesRegex(UserError, "1,000.00 above its not-to-exceed"):
            self._draw(4000, 0)
