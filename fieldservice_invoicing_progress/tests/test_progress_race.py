# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from contextlib import closing

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing.tests.test_race import RaceCommon


@tagged("post_install", "-at_install", "race")
class TestProgressRace(RaceCommon):
    """Two people at once on one contract of 1,000.00, with 10 % retainage: what the
    second one does is judged by what the first one did."""

    def _commit(self, work, order_id=None):
        """Id (int) of what ``work``, a function of an order, gives; committed."""
        with closing(self.registry.cursor()) as cr:
            env = self._env(cr)
            record = work(env["fsm.order"].browse(order_id))
            cr.commit()  # pylint: disable=invalid-commit
            return record.id

    def _create_contract(self, *prepare):
        """Id of a committed contract, prepared by functions of an order, each of which
        is committed."""

        def create(order):
            return order.create(
                {
                    "company_id": self.ids["company"],
                    "location_id": self.ids["location"],
                    "team_id": self.ids["team"],
                    "stage_id": self.ids["stage"],
                    "billing_method": "progress",
                    "retainage_percent": 10.0,
                    "line_ids": [
                        Command.create(
                            {
                                "name": "Work",
                                "kind": "labor",
                                "price_unit": 1000,
                                "tax_ids": [Command.clear()],
                            }
                        )
                    ],
                }
            )

        order_id = self._commit(create)
        for step in prepare:
            self._commit(step, order_id)
        return order_id

    def _draw(self, completed, post=True, **options):
        """Function of an order that draws it up to an amount."""

        def work(order):
            options.setdefault("deposit", 0.0)
            draw = order._create_draw({order.line_ids: completed}, **options)
            if post:
                draw.action_post()
            return draw

        return work

    def _deposit(self, amount):
        """Function of an order that invoices a deposit, which is paid."""

        def work(order):
            deposit = order._create_deposit("fixed", amount)
            deposit.action_post()
            order.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=deposit.ids
            ).create({})._create_payments()
            return deposit

        return work

    def _change(self, amount):
        """Function of an order that drafts a change order."""

        def work(order):
            return order.env["fsm.change.order"].create(
                {
                    "order_id": order.id,
                    "title": "Race",
                    "reason": "Race",
                    "line_ids": [
                        Command.create(
                            {"order_line_id": order.line_ids.id, "amount": amount}
                        )
                    ],
                }
            )

        return work

    def _run(self, order_id, *works, snapshot=True):
        """Do all of ``works``, functions of the order, at once.

        :return: messages (list of str) of those that were refused
        """
        outcomes = self._race(
            lambda env, index: bool(works[index](env["fsm.order"].browse(order_id))),
            snapshot,
            people=len(works),
        )
        errors = [one for one in outcomes if isinstance(one, Exception)]
        for error in errors:
            self.assertIsInstance(error, UserError)
        return [str(error) for error in errors]

    def _get_figures(self, order_id, *names):
        return self._read(order_id, lambda order: [order[name] for name in names])

    def _get_ledger(self, order_id, progress_type):
        """What posted lines of a contract come to."""
        return self._read(
            order_id,
            lambda order: sum(
                order.env["account.move.line"]
                .search(
                    [
                        ("progress_order_id", "=", order.id),
                        ("progress_type", "=", progress_type),
                        ("parent_state", "=", "posted"),
                    ]
                )
                .mapped("balance")
            ),
        )

    def test_two_draws(self):
        """B7: of two that draw at once one does, the other is told of that draw; the
        contract is billed once."""
        for snapshot in (True, False):
            order_id = self._create_contract()
            draw = self._draw(600, post=False)
            errors = self._run(order_id, draw, draw, snapshot=snapshot)
            self.assertEqual(len(errors), 1)
            self.assertIn("is still a draft", errors[0])
            self.assertEqual(
                self._get_figures(order_id, "progress_billed", "retainage_held"),
                [600.0, 60.0],
            )

    def test_two_posted_draws(self):
        """B7: two that draw and post at once bill what is completed to date once."""
        for snapshot in (True, False):
            order_id = self._create_contract()
            draw = self._draw(1000)
            errors = self._run(order_id, draw, draw, snapshot=snapshot)
            self.assertEqual(len(errors), 1)
            self.assertIn("is billed in full", errors[0])
            self.assertEqual(self._get_figures(order_id, "progress_billed"), [1000.0])
            self.assertEqual(self._get_ledger(order_id, "work"), -1000.0)

    def test_draw_and_cancel(self):
        """B7: while the last draw is cancelled another one comes before it or after it:
        what is billed is what is completed to date, or only the first draw stands."""
        for snapshot in (True, False):
            order_id = self._create_contract(self._draw(400))

            def cancel(order):
                first = order._get_draws()[:1]
                return first.move_id._cancel_service_invoices("race")

            errors = self._run(order_id, self._draw(700), cancel, snapshot=snapshot)
            draws = self._read(
                order_id,
                lambda order: [
                    (draw.number, draw.work_amount) for draw in order._get_draws()
                ],
            )
            if errors:
                self.assertIn("Only the last draw", errors[0])
                self.assertEqual(draws, [(1, 400.0), (2, 300.0)])
            else:
                self.assertEqual(draws, [(1, 700.0)])
            self.assertEqual(
                self._get_figures(order_id, "progress_billed", "retainage_held"),
                [700.0, 70.0],
            )
            self.assertEqual(self._get_ledger(order_id, "retainage"), 70.0)

    def test_one_deposit_twice(self):
        """B6: of a draw and a release that apply the same deposit at once one does, the
        other is told what is left."""
        for snapshot in (True, False):
            order_id = self._create_contract(self._deposit(50), self._draw(600))

            def release(order):
                return order._release_retainage(deposit=50.0)

            draw = self._draw(1000, post=False, deposit=50.0)
            errors = self._run(order_id, draw, release, snapshot=snapshot)
            self.assertEqual(len(errors), 1)
            self.assertIn("of deposit can not be applied", errors[0])
            self.assertEqual(self._get_figures(order_id, "deposit_balance"), [0.0])
            applied = self._read(
                order_id,
                lambda order: order.invoice_link_ids.mapped("deposit_applied"),
            )
            self.assertEqual(sum(applied), 50.0)

    def test_two_drafts_posted(self):
        """B6: two drafts that apply parts of a deposit are posted at once; nothing is
        left of it, and all of it is reconciled."""
        for _time in range(2):
            order_id = self._create_contract(
                self._deposit(50),
                self._draw(600),
                self._draw(1000, post=False, deposit=30.0),
                lambda order: order._release_retainage(deposit=20.0),
            )

            def post(kind):
                return lambda order: order.invoice_link_ids.filtered(
                    lambda claim: (
                        claim.billing_kind == kind and claim.move_id.state == "draft"
                    )
                ).move_id.action_post()

            errors = self._run(
                order_id,
                lambda order: post("draw")(order) or order,
                lambda order: post("release")(order) or order,
            )
            self.assertEqual(errors, [])
            self.assertEqual(self._get_ledger(order_id, "deposit"), 0.0)
            self.assertEqual(self._get_ledger(order_id, "retainage"), 40.0)
            open_lines = self._read(
                order_id,
                lambda order: order.env["account.move.line"].search_count(
                    [
                        ("progress_order_id", "=", order.id),
                        ("progress_type", "=", "deposit"),
                        ("reconciled", "=", False),
                    ]
                ),
            )
            self.assertEqual(open_lines, 0)

    def test_two_deposits(self):
        """B5: two deposits at once come to no more than the contract."""
        for snapshot in (True, False):
            order_id = self._create_contract()
            deposit = self._deposit(600)
            errors = self._run(order_id, deposit, deposit, snapshot=snapshot)
            self.assertEqual(len(errors), 1)
            self.assertIn("above its contract", errors[0])
            self.assertEqual(self._get_figures(order_id, "deposit_balance"), [600.0])

    def test_two_releases(self):
        """B8: of two releases of all that is held one is made, the other is told."""
        for snapshot in (True, False):
            order_id = self._create_contract(self._draw(600))

            def release(order):
                move = order._release_retainage()
                move.action_post()
                return move

            errors = self._run(order_id, release, release, snapshot=snapshot)
            self.assertEqual(len(errors), 1)
            self.assertIn("has no retainage to release", errors[0])
            self.assertEqual(self._get_figures(order_id, "retainage_held"), [0.0])
            self.assertEqual(self._get_ledger(order_id, "retainage"), 0.0)

    def test_two_refunds(self):
        """B5: what is left of a deposit is refunded once."""
        order_id = self._create_contract(self._deposit(50))

        def refund(order):
            return order.action_refund_deposit()

        errors = self._run(order_id, refund, refund)
        self.assertEqual(len(errors), 1)
        self.assertIn("has a draft credit note", errors[0])

    def test_two_credit_notes(self):
        """B7: two credit notes for a draw that are posted at once credit it once."""
        for _time in range(2):
            order_id = self._create_contract(
                self._draw(600),
                lambda order: order._get_draws().move_id._reverse_moves([{}]),
                lambda order: order._get_draws().move_id._reverse_moves([{}]),
            )

            def post(index):
                def work(order):
                    notes = order.invoice_link_ids.move_id.reversal_move_ids
                    notes.sorted("id")[index].action_post()
                    return order

                return work

            errors = self._run(order_id, post(0), post(1))
            self.assertEqual(len(errors), 1)
            self.assertIn("more than it bills", errors[0])
            self.assertEqual(
                self._get_figures(order_id, "progress_billed", "retainage_held"),
                [0.0, 0.0],
            )

    def test_draw_and_change(self):
        """B7: a draw beside the approval of a reduction: no draw goes beyond a contract
        that was reduced before, and the order says what is billed too much after."""
        for snapshot in (True, False):
            order_id = self._create_contract(self._change(-500))

            def approve(order):
                return order.change_order_ids.action_approve()

            errors = self._run(order_id, self._draw(800), approve, snapshot=snapshot)
            figures = self._get_figures(
                order_id, "contract_revised", "progress_billed", "balance_to_finish"
            )
            if errors:
                self.assertIn("beyond its scheduled value", errors[0])
                self.assertEqual(figures, [500.0, 0.0, 500.0])
            else:
                self.assertEqual(figures, [500.0, 800.0, -300.0])
