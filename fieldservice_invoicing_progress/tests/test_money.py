# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestMoney(ProgressCommon):
    """To the cent: what is easily lost or billed twice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax_reduced = cls.tax.copy({"name": "6 %", "amount": 6})
        cls.tax_included = cls.tax.copy(
            {"name": "21 % incl.", "price_include_override": "tax_included"}
        )
        cls.tax_levy = cls.tax.copy(
            {
                "name": "5.5 % incl.",
                "amount": 5.5,
                "price_include_override": "tax_included",
            }
        )

    @classmethod
    def _create_currency(cls, rounding, *rates):
        """A currency with a rate for each first of a month of 2026."""
        return cls.env["res.currency"].create(
            {
                "name": "XYZ",
                "symbol": "X",
                "rounding": rounding,
                "rate_ids": [
                    Command.create({"name": date(2026, month, 1), "rate": rate})
                    for month, rate in enumerate(rates, 1)
                ],
            }
        )

    def _get_taxes(self, moves):
        """Tax of posted documents as the customer owes it, by tax."""
        taxes = {}
        for line in moves.line_ids.filtered("tax_line_id"):
            name = line.tax_line_id.name
            taxes[name] = round(taxes.get(name, 0.0) - line.amount_currency, 2)
        return taxes

    def _get_documents(self, order=None):
        moves = (order or self.contract).invoice_link_ids.move_id
        return moves | moves.reversal_move_ids

    def _change(self, item, amount):
        """An approved change order for one item."""
        return self._create_change_order(
            (item, amount), order=item.order_id, approve=True
        )

    # Draws -----------------------------------------------------------------------

    def test_last_draw(self):
        """Final: three draws of a third each bill exactly a contract of 3 × 33.33, and
        the tax of the three is that of the contract within their rounding."""
        order = self._create_contract(
            [{"name": "Visit", "price_unit": 33.33, "quantity": 3}],
            retainage_percent=0.0,
        )
        draws = self.env["account.move"]
        for completed in (33.33, 66.66, 99.99):
            draws |= self._draw(completed, order=order)
        self.assertEqual(draws.mapped("amount_untaxed"), [33.33, 33.33, 33.33])
        self.assertEqual(order.balance_to_finish, 0.0)
        self.assertEqual(order.billing_status, "invoiced")
        self.assertAlmostEqual(sum(draws.mapped("amount_tax")), 21.0, delta=0.015)

    def test_included_taxes(self):
        """B7: the untaxed amounts are exact as well when prices include one tax or
        several, whichever way taxes are rounded."""
        for method in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = method
            for taxes in (self.tax_included, self.tax_included + self.tax_levy):
                order = self._create_contract(
                    [
                        {
                            "name": "Item",
                            "price_unit": price,
                            "tax_ids": [Command.set(taxes.ids)],
                        }
                        for price in (9.99, 0.07, 1234.56, 33.33)
                    ],
                    retainage_percent=0.0,
                )
                items = order.line_ids
                total = sum(items.mapped("price_subtotal"))
                for percent in (33.3, 66.7, 100):
                    completed = [
                        round(item.price_subtotal * percent / 100, 2) for item in items
                    ]
                    self._draw(*completed, order=order)
                    self.assertEqual(
                        items.mapped("amount_billed"), completed, (method, taxes)
                    )
                drawn = order.invoice_link_ids.move_id.mapped("amount_untaxed")
                self.assertEqual(round(sum(drawn), 2), round(total, 2))

    def test_included_taxes_to_each_cent(self):
        """B7: there is no amount that included taxes put out of reach."""
        self.company.tax_calculation_rounding_method = "round_per_line"
        taxes = self.tax_included + self.tax_levy
        order = self._create_contract(
            [{"name": "Item", "price_unit": 50, "tax_ids": [Command.set(taxes.ids)]}],
            retainage_percent=0.0,
        )
        for cents in range(1, 200):
            price = order._get_price_with_taxes(cents / 100, taxes)
            line = order._prepare_progress_base_line(price, taxes)
            order._get_rounded_total([line])
            details = line["tax_details"]
            self.assertEqual(
                round(
                    details["total_excluded_currency"]
                    + details["delta_total_excluded_currency"],
                    2,
                ),
                cents / 100,
            )

    def test_included_rates_together(self):
        """B7: so are those of journal entries and documents when included taxes are
        rounded for the whole invoice, over two rates, also when they are credited."""
        self.company.tax_calculation_rounding_method = "round_globally"
        self.company.service_retainage_tax_point = "release"
        order = self._create_contract(
            [
                {"name": "Item", "price_unit": 50, "tax_ids": [Command.set(taxes.ids)]}
                for taxes in (self.tax_included, self.tax_levy)
            ],
        )
        for cents in range(60, 120, 12):
            self._draw(cents / 10, cents / 7, order=order)
        self.assertGreater(order.progress_billed, 0)
        moves = self._get_documents(order)
        for item in order.line_ids:
            self._change(item, -item.price_subtotal / 2 - 16)
        half = [item.price_subtotal for item in order.line_ids]
        self._draw(*half, order=order)
        order._release_retainage().action_post()
        for move in self._get_documents(order) | moves:
            for line in move.invoice_line_ids:
                self.assertEqual(
                    line.price_subtotal,
                    abs(line.amount_currency) * (1 if line.price_subtotal > 0 else -1),
                )
            self.assertAlmostEqual(
                move.amount_untaxed, sum(move.invoice_line_ids.mapped("price_subtotal"))
            )
        self.assertEqual(
            [round(item.amount_billed, 2) for item in order.line_ids], half
        )

    def test_change_order_with_included_tax(self):
        """B7: a change order changes the scheduled value by exactly its amount, also
        of an item with taxes in its price, a discount and a quantity."""
        for method in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = method
            for taxes in (self.tax_included, self.tax_included + self.tax_levy):
                order = self._create_contract(
                    [
                        {
                            "name": "Item",
                            "price_unit": price,
                            "quantity": 3,
                            "discount_type": "percent",
                            "discount_value": 7.5,
                            "tax_ids": [Command.set(taxes.ids)],
                        }
                        for price in (33.335, 1.01, 77.77, 0.45, 19.99)
                    ]
                )
                for item in order.line_ids:
                    before = item.price_subtotal
                    for change in (0.01, 10.03, -0.02, 123.45):
                        self._change(item, change)
                        before += change
                        self.assertAlmostEqual(item.price_subtotal, before, 6)
                    self.assertAlmostEqual(item.change_amount, 133.47, 6)

    def test_deductive_item(self):
        """B7: an item that takes something off the contract is billed as far as it
        goes, together with others; alone it is refused in words."""
        order = self._create_contract(
            [
                {"name": "Work", "kind": "labor", "price_unit": 1000.0},
                {"name": "Rebate", "kind": "charge", "price_unit": -100.0},
            ],
        )
        draw = self._draw(500, -40, order=order)
        self.assertEqual(draw.amount_untaxed, 460 - 46)
        with self.assertRaisesRegex(UserError, "50.01"):
            self._draw(1000, -150.01, order=order)
        with self.assertRaisesRegex(UserError, "10.00"):
            self._draw(1000, 10, order=order)
        with self.assertRaisesRegex(UserError, "“Rebate”.*can not be credited"):
            self._draw(500, -100, order=order)
        self._draw(1000, -100, order=order)
        self.assertEqual(order.progress_billed, 900.0)
        self.assertEqual(order.retainage_held, 90.0)
        self.assertEqual(order.billing_status, "invoiced")

    def test_other_item_reduced(self):
        """B7: the next draw settles what a change order left billed too much."""
        self._draw(4000, 0)
        self._change(self.groundwork, -1000)
        with self.assertRaisesRegex(UserError, "1,000.00 beyond"):
            self._draw(4000, 3000)
        self.assertEqual(self._draw(3000, 3000).amount_untaxed, 1800.0)
        self.assertEqual(self.contract.progress_billed, 6000.0)

    def test_draft_of_reduced_item(self):
        """B7: a draft that came before the reduction is not posted."""
        draw = self._draw(4000, 0, post=False)
        self._change(self.groundwork, -1000)
        with self.assertRaisesRegex(UserError, "1,000.00 beyond"):
            draw.action_post()

    def test_credited_twice(self):
        """B7: no more of a draw, a deposit or a release can be credited than is billed
        by it."""
        draw = self._draw(1000, 2000)
        part = self._credit(draw, post=False)
        part.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id == self.piping
        ).quantity = 0.25
        (
            part.invoice_line_ids.filtered(
                lambda line: line.fsm_order_line_id != self.piping
            )
        ).unlink()
        part.action_post()
        self.assertEqual(self.contract.progress_billed, 2500.0)
        whole = self._credit(draw, post=False)
        with self.assertRaisesRegex(UserError, "500.00 more"), self.cr.savepoint():
            whole.action_post()
        whole.unlink()
        self.assertEqual(self.contract.progress_billed, 2500.0)

        first, second = (self._credit(draw, post=False) for _time in range(2))
        for credit_note in (first, second):
            credit_note.invoice_line_ids.filtered(
                lambda line: line.fsm_order_line_id == self.piping
            ).quantity = 0.75
        first.action_post()
        self.assertEqual(self.contract.progress_billed, 0.0)
        with self.assertRaisesRegex(UserError, "more"):
            second.action_post()

    def test_only_last_credited(self):
        """B7: a credit note by Odoo's dialog gives up no draw but the last one either,
        nor does making it anew."""
        first, _second = self._draw(1000, 0), self._draw(2000, 0)
        for modify in (False, True):
            with (
                self.assertRaisesRegex(UserError, "Only the last draw"),
                self.cr.savepoint(),
            ):
                self._credit(first, modify=modify)

    def test_stored_given_back(self):
        """B7: a draw that credits stored materials leaves none of them stored."""
        self._draw(0, 1000, stored={self.piping: 2000})
        credit_note = self.contract._create_draw({}, {self.piping: 500})
        self.assertEqual(credit_note.move_type, "out_refund")
        credit_note.action_post()
        self.assertEqual(self.piping.amount_billed, 1500.0)
        self.assertEqual(self.piping.amount_stored, 500.0)
        self.assertEqual(self._draw(0, 1700).amount_untaxed, 630.0)

    def test_stored_given_back_later(self):
        """B7: also when the last draw only moved what was stored, which bills
        nothing."""
        self._draw(0, 0, stored={self.piping: 2000})
        self._draw(0, 500, stored={self.piping: 1500})
        self.contract._create_draw({}, {self.piping: 0}).action_post()
        self.assertEqual(self.piping.amount_billed, 500.0)
        self.assertEqual(self.piping.amount_stored, 0.0)
        self.assertEqual(self.contract.retainage_held, 50.0)

    # Deposits --------------------------------------------------------------------

    def _create_two_rates(self, **values):
        return self._create_contract(
            [
                {"name": "Work", "kind": "labor", "price_unit": 3333.33},
                {
                    "name": "Material",
                    "kind": "part",
                    "price_unit": 1777.77,
                    "tax_ids": [Command.set(self.tax_reduced.ids)],
                },
            ],
            **values,
        )

    def test_deposit_over_two_rates(self):
        """B5, B6: a deposit of a fixed amount over two rates, applied in odd parts,
        leaves nothing: of the amount, of the account, of the tax of each rate."""
        for method in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = method
            order = self._create_two_rates()
            deposit = self._deposit(1000.01, order=order)
            self.assertEqual(deposit.amount_total, 1000.01)
            self.assertEqual(len(self._get_taxes(deposit)), 2)
            for completed, applied in ((999, 333.33), (2222, 333.37), (3333, 333.31)):
                self._draw(completed, 0, order=order, deposit=applied)
            self.assertEqual(order.deposit_balance, 0.0)
            lines = self._get_documents(order).invoice_line_ids.filtered(
                lambda line: line.progress_type == "deposit"
            )
            for taxes in (self.tax, self.tax_reduced):
                own = lines.filtered(lambda line, taxes=taxes: line.tax_ids == taxes)
                self.assertEqual(round(sum(own.mapped("price_subtotal")), 2), 0.0)
                self.assertEqual(round(sum(own.mapped("price_total")), 2), 0.0)
            self.assertEqual(
                self._get_balance(self.company.downpayment_account_id), 0.0
            )

    def test_deposit_beside_cents(self):
        """B5: a deposit of an amount comes to that amount, also when one of the rates
        has cents only."""
        tax = self.tax.copy({"name": "7.7 %", "amount": 7.7})
        for method in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = method
            order = self._create_contract(
                [
                    {
                        "name": "Item",
                        "price_unit": price,
                        "tax_ids": [Command.set(taxes.ids)],
                    }
                    for price, taxes in ((907.24, self.tax_levy), (0.11, tax))
                ]
            )
            deposit = self._deposit(453.68, order=order)
            self.assertEqual(deposit.amount_total, 453.68)
            self.assertEqual(order.deposit_balance, 453.68)

    def test_deposit_without_tax(self):
        """B5: where tax is due with the work, a deposit has none, and the work it is
        applied to all of it."""
        self.company.service_deposit_tax_point = "invoice"
        order = self._create_two_rates(retainage_percent=0.0)
        deposit = self._deposit(1000.0, order=order)
        self.assertRecordValues(deposit, [{"amount_untaxed": 1000, "amount_tax": 0}])
        draw = self._draw(3333.33, 1777.77, order=order)
        self.assertEqual(self._get_taxes(draw), {self.tax.name: 700.0, "6 %": 106.67})
        self.assertEqual(draw.amount_untaxed, 5111.1 - 1000)
        self.assertEqual(self._get_balance(self.company.downpayment_account_id), 0.0)

    def test_bounced_payment(self):
        """B6: what is not paid any more can not be applied: the draft is not posted,
        and the order shows no balance."""
        deposit = self._deposit(1210.0)
        draw = self._draw(4000, 0, post=False)
        payment = deposit.matched_payment_ids
        payment.action_draft()
        payment.action_cancel()
        self.assertEqual(self.contract.deposit_balance, 0.0)
        with (
            self.assertRaisesRegex(UserError, "paid by.*0.00.*Register its payment"),
            self.cr.savepoint(),
        ):
            draw.action_post()
        self._pay(deposit)
        draw.action_post()
        self.assertEqual(draw.amount_untaxed, 4000 - 400 - 1000)

    def test_bounced_after_posting(self):
        """B6: a posted draw stays; nothing more is applied of that deposit."""
        deposit = self._deposit(2420.0)
        self._draw(1000, 0, deposit=605.0)
        payment = deposit.matched_payment_ids
        payment.action_draft()
        payment.action_cancel()
        claim = deposit.service_order_link_ids
        self.assertEqual((claim.deposit_paid, claim.deposit_applied), (0.0, 605.0))
        self.assertEqual(self.contract.deposit_balance, 0.0)
        draw = self._draw(4000, 0)
        self.assertFalse(draw.invoice_line_ids.filtered("deposit_claim_id"))

    def test_refund_of_deposit_paid_in_part(self):
        """B5: the refund credits all of a deposit that is not applied: what is not paid
        of it is not asked for any more."""
        deposit = self._deposit(1210.0, paid=False)
        deposit.action_post()
        self._pay(deposit, 500.0)
        self.assertEqual(self.contract.deposit_balance, 500.0)
        action = self.contract.action_refund_deposit()
        credit_note = self.env["account.move"].browse(action["res_id"])
        self.assertEqual(credit_note.amount_total, 1210.0)
        credit_note.action_post()
        self.assertEqual(self.contract.deposit_balance, 0.0)
        self.assertEqual(deposit.amount_residual, 0.0)
        self.assertEqual(credit_note.amount_residual, 500.0)
        self.assertEqual(self._get_balance(self.company.downpayment_account_id), 0.0)

    def test_payment_without_entry(self):
        """B5: payments that have no journal entry of their own count as well, in part
        or in full."""
        methods = self.company_data["default_journal_bank"]
        methods.inbound_payment_method_line_ids.payment_account_id = False
        deposit = self._deposit(1210.0, paid=False)
        deposit.action_post()
        self._pay(deposit, 500.0)
        self.assertEqual(self.contract.deposit_balance, 500.0)
        self._pay(deposit, 710.0)
        self.assertEqual(self.contract.deposit_balance, 1210.0)
        self._draw(4000, 0)
        self.assertEqual(self.contract.deposit_balance, 0.0)

    # Retainage -------------------------------------------------------------------

    def test_cap(self):
        """B8: no more is held than the cap, which a change order raises; a release
        makes room below it."""
        self.contract.retainage_cap_percent = 5
        self.assertEqual(self._draw(4000, 0).amount_untaxed, 3600.0)
        self.assertEqual(self._draw(4000, 2000).amount_untaxed, 1900.0)
        self.assertEqual(self._draw(4000, 3000).amount_untaxed, 1000.0)
        self._change(self.piping, 1000)
        self.assertEqual(self._draw(4000, 4000).amount_untaxed, 950.0)
        self.assertEqual(self.contract.retainage_held, 550.0)
        self._change(self.piping, -2000)
        self.assertEqual(self.contract.retainage_held, 550.0)

    def test_release_over_two_rates(self):
        """B8: tax on release over two rates: each rate gets the tax of its own work,
        and nothing is left in any part."""
        self.company.service_retainage_tax_point = "release"
        for method in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = method
            order = self._create_two_rates(retainage_percent=7.5)
            self._draw(1111.11, 999.99, order=order)
            self._draw(3333.33, 1777.77, order=order)
            held = order.retainage_held
            for part in (0.01, 33.33, None):
                order._release_retainage(part).action_post()
            moves = self._get_documents(order)
            releases = moves.filtered(
                lambda move: move.service_order_link_ids.billing_kind == "release"
            )
            self.assertEqual(round(sum(releases.mapped("amount_untaxed")), 2), held)
            self.assertEqual(order.retainage_held, 0.0)
            self.assertEqual(
                self._get_balance(self.company.service_retainage_account_id), 0.0
            )
            taxes = self._get_taxes(moves)
            self.assertAlmostEqual(taxes[self.tax.name], 700.0, delta=0.03)
            self.assertAlmostEqual(taxes["6 %"], 106.67, delta=0.03)

    def test_release_beside_draft_draw(self):
        """B8: a release takes nothing of what a draft withholds, in no tax rate."""
        self.company.service_retainage_tax_point = "release"
        order = self._create_two_rates()
        self._draw(1000, 0, order=order)
        draft = self._draw(1000, 1000, order=order, post=False)
        release = order._release_retainage()
        self.assertRecordValues(
            release, [{"amount_untaxed": 100.0, "amount_tax": 21.0}]
        )
        release.action_post()
        draft.unlink()
        self.assertFalse(order._get_held_by_taxes())

    def test_released_draw_credited(self):
        """B8: a draw whose retainage is released is not given up before the release."""
        draw = self._draw(4000, 0)
        release = self.contract._release_retainage(400.0)
        release.action_post()
        with (
            self.assertRaisesRegex(UserError, "400.00. Cancel the release first"),
            self.cr.savepoint(),
        ):
            draw._cancel_service_invoices("wrong")
        release._cancel_service_invoices("wrong")
        draw._cancel_service_invoices("wrong")
        self.assertEqual(self.contract.retainage_held, 0.0)

    def test_retainage_of_several_credited_draws(self):
        """B8: a draw that credits several draws gives back no more than is held."""
        self._draw(2000, 0)
        self._draw(4000, 0)
        self.contract._release_retainage(350.0).action_post()
        self._change(self.groundwork, -4000)
        credit_notes = self._draw(0, 0, post=False)
        credit_notes.action_post()
        self.assertEqual(self.contract.progress_billed, 0.0)
        self.assertEqual(self.contract.retainage_held, 0.0)

    def test_foreign_currency(self):
        """B5, B8: deposits and retainage in a foreign currency, applied and released
        at other rates, leave nothing on their accounts, also in company currency."""
        currency = self._create_currency(0.01, 1.2, 1.5, 0.8, 1.1)
        order = self._create_contract(currency_id=currency.id)
        accounts = (
            self.company.downpayment_account_id
            + self.company.service_retainage_account_id
        )
        with freeze_time("2026-01-15") as clock:
            self._deposit(2420.0, order=order)
            clock.move_to("2026-02-15")
            self._draw(1000, 1000, order=order, deposit=333.33)
            clock.move_to("2026-03-15")
            self._draw(4000, 6000, order=order)
            self.assertEqual(order.deposit_balance, 0.0)
            self.assertEqual(self._get_balance(accounts[0]), 0.0)
            order._release_retainage(100.01).action_post()
            clock.move_to("2026-04-15")
            order._release_retainage().action_post()
            self.assertEqual(self._get_balance(accounts[1]), 0.0)
        for account in accounts:
            lines = self.env["account.move.line"].search(
                [("account_id", "=", account.id), ("parent_state", "=", "posted")]
            )
            self.assertTrue(all(lines.mapped("reconciled")))
        ledger = order._get_ledger_retainage("2026-02-28")
        self.assertEqual(ledger, {order: 200.0})

    def test_draft_posted_at_another_rate(self):
        """B6: a draft that is posted once the rate has changed is as announced."""
        currency = self._create_currency(0.01, 1.2, 1.5)
        order = self._create_contract(currency_id=currency.id)
        with freeze_time("2026-01-15") as clock:
            self._deposit(1000.01, order=order)
            draw = self._draw(4000, 6000, order=order, post=False)
            totals = (draw.amount_untaxed, draw.amount_tax, draw.amount_total)
            clock.move_to("2026-02-15")
            draw.invoice_date = date(2026, 2, 15)
            draw.action_post()
            self.assertEqual(
                (draw.amount_untaxed, draw.amount_tax, draw.amount_total), totals
            )
            self.assertAlmostEqual(
                draw.amount_tax_signed, draw.amount_tax / 1.5, delta=0.01
            )
            self.assertEqual(
                self._get_balance(self.company.downpayment_account_id), 0.0
            )

    def test_worthless_cents(self):
        """B8: amounts that are worth nothing in company currency are reconciled."""
        currency = self._create_currency(0.001, 1000.0)
        order = self._create_contract(
            [{"name": "Work", "price_unit": 40.0, "tax_ids": [Command.clear()]}],
            currency_id=currency.id,
        )
        with freeze_time("2026-01-15"):
            self._draw(0.04, order=order)
            self._draw(40, order=order)
            order._release_retainage().action_post()
        lines = self.env["account.move.line"].search(
            [("account_id", "=", self.company.service_retainage_account_id.id)]
        )
        self.assertEqual(sorted(lines.mapped("balance")), [-0.0, 0.0, 0.0])
        self.assertTrue(all(lines.mapped("reconciled")))
