# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from contextlib import closing

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from .test_race import RaceCommon

LAST_DAY = fields.Date.to_date("2026-12-31")
FIRST_DAY = fields.Date.to_date("2027-01-01")


class OnPurpose(UserError):
    """What undoes a transaction after its document was posted."""


@tagged("post_install", "-at_install", "race")
class TestNumbers(RaceCommon):
    """D1: numbers of documents that are posted at once, in transactions that commit
    or roll back: consecutive, none missing, none twice."""

    def _create_journal(self, hashed=False, first_name=None):
        """Id of a committed journal; ``first_name`` is the number of a first invoice,
        of 30 November 2026, which the others follow."""
        first_id = first_name and self._create_order("draft")
        with closing(self.registry.cursor()) as cr:
            env = self._env(cr)
            count = env["account.journal"].search_count([])
            journal = env["account.journal"].create(
                {
                    "name": "Race",
                    "code": f"R{count}",
                    "type": "sale",
                    "company_id": self.ids["company"],
                    "restrict_mode_hash_table": hashed,
                }
            )
            if first_name:
                first = self._get_invoice(env, first_id)
                first.write(
                    {
                        "journal_id": journal.id,
                        "invoice_date": "2026-11-30",
                        "name": first_name,
                    }
                )
                first.action_post()
            cr.commit()  # pylint: disable=invalid-commit
            return journal.id

    def _get_invoice(self, env, order_id):
        return env["fsm.order"].browse(order_id).active_invoice_id

    def _create_drafts(self, journal_id, dates, posted=0):
        """Ids of committed orders with an invoice of each date; the last ``posted``
        of them are issued."""
        with closing(self.registry.cursor()) as cr:
            env = self._env(cr)
            orders = env["fsm.order"].create(
                [
                    {
                        "company_id": self.ids["company"],
                        "location_id": self.ids["location"],
                        "team_id": self.ids["team"],
                        "stage_id": self.ids["stage"],
                        "line_ids": [
                            Command.create(
                                {"name": "Work", "kind": "labor", "price_unit": 100}
                            )
                        ],
                    }
                    for _date in dates
                ]
            )
            for order, date in zip(orders, dates, strict=True):
                order._create_invoices().write(
                    {"journal_id": journal_id, "invoice_date": date}
                )
            for order in orders[len(orders) - posted :]:
                order.active_invoice_id.action_post()
            cr.commit()  # pylint: disable=invalid-commit
            return orders.ids

    def _post_at_once(self, order_ids, undone=()):
        """Post the invoices of orders at once.

        :param undone: indexes of those whose transaction rolls back after it
        """

        def work(env, index):
            self._get_invoice(env, order_ids[index]).action_post()
            if index in undone:
                env.flush_all()
                raise OnPurpose("rolled back")

        outcomes = self._race(work, snapshot=True, people=len(order_ids))
        self.assertEqual(
            {i for i, outcome in enumerate(outcomes) if outcome},
            set(undone),
            outcomes,
        )
        for index in undone:
            self.assertIsInstance(outcomes[index], OnPurpose)

    def _get_numbers(self, journal_id):
        """Sorted numbers of what the journal posted, by prefix (dict of lists)."""
        with closing(self.registry.cursor()) as cr:
            moves = self._env(cr)["account.move"].search(
                [("journal_id", "=", journal_id), ("state", "=", "posted")]
            )
            numbers = defaultdict(list)
            for move in moves:
                numbers[move.sequence_prefix].append(move.sequence_number)
            self.assertFalse(moves.filtered("made_sequence_gap"))
            return {prefix: sorted(found) for prefix, found in numbers.items()}

    def _assert_hashes(self):
        with closing(self.registry.cursor()) as cr:
            env = self._env(cr)
            auditor = new_test_user(
                env,
                login="race_auditor",
                groups="account.group_account_user",
                company_id=self.ids["company"],
                company_ids=[Command.set([self.ids["company"]])],
            )
            company = env["res.company"].browse(self.ids["company"])
            results = company.with_user(auditor)._check_hash_integrity()["results"]
            hashed = [r for r in results if r["restricted_by_hash_table"] == "V"]
            self.assertTrue(hashed)
            self.assertEqual({result["status"] for result in hashed}, {"verified"})

    def test_many(self):
        """D1: many issue at once, some of them are undone."""
        journal_id = self._create_journal()
        order_ids = self._create_drafts(journal_id, [LAST_DAY] * 6)
        self._post_at_once(order_ids, undone=(0, 3))
        self._post_at_once([order_ids[0], order_ids[3]])
        [numbers] = self._get_numbers(journal_id).values()
        self.assertEqual(numbers, [1, 2, 3, 4, 5, 6])

    def _cancel_and_post_at_once(self, each, hashed=False):
        """Cancel ``each`` invoices while as many are issued; one of each is undone."""
        journal_id = self._create_journal(hashed=hashed)
        order_ids = self._create_drafts(journal_id, [FIRST_DAY] * each * 2, posted=each)

        def work(env, index):
            invoice = self._get_invoice(env, order_ids[index])
            if invoice.state == "draft":
                invoice.action_post()
            else:
                invoice._cancel_service_invoices("race")
            if index % each == 0:
                env.flush_all()
                raise OnPurpose("rolled back")

        outcomes = self._race(work, snapshot=True, people=each * 2)
        self.assertEqual(
            [bool(outcome) for outcome in outcomes],
            [index % each == 0 for index in range(each * 2)],
            outcomes,
        )
        self.assertEqual(
            sorted(map(len, self._get_numbers(journal_id).values())),
            [each - 1, each * 2 - 1],
        )
        for numbers in self._get_numbers(journal_id).values():
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_cancellations(self):
        """D1: invoices are issued and others cancelled at once: both series of numbers
        are complete, and no number of a cancelled invoice comes back."""
        self._cancel_and_post_at_once(3)

    def test_years_end(self):
        """D1: over the year's end each year has its own, complete series."""
        journal_id = self._create_journal()
        order_ids = self._create_drafts(journal_id, [LAST_DAY, FIRST_DAY] * 3)
        self._post_at_once(order_ids, undone=(0, 1))
        self._post_at_once(order_ids[:2])
        numbers = self._get_numbers(journal_id)
        self.assertEqual(len(numbers), 2)
        self.assertTrue(all("2026" in name or "2027" in name for name in numbers))
        self.assertEqual(list(numbers.values()), [[1, 2, 3]] * 2)

    def test_monthly(self):
        """D1: so has each month, when the journal's numbers are monthly."""
        journal_id = self._create_journal(first_name="RM/2026/11/0001")
        order_ids = self._create_drafts(journal_id, [LAST_DAY, FIRST_DAY] * 2)
        self._post_at_once(order_ids, undone=(1,))
        self._post_at_once(order_ids[1:2])
        self.assertEqual(
            self._get_numbers(journal_id),
            {"RM/2026/11/": [1], "RM/2026/12/": [1, 2], "RM/2027/01/": [1, 2]},
        )

    def test_hash_lock(self):
        """D1, D2: with Odoo's hash lock the series and their chains are complete."""
        journal_id = self._create_journal(hashed=True)
        order_ids = self._create_drafts(journal_id, [LAST_DAY, FIRST_DAY] * 2)
        self._post_at_once(order_ids, undone=(0,))
        self._post_at_once(order_ids[:1])
        self.assertEqual(list(self._get_numbers(journal_id).values()), [[1, 2]] * 2)
        self._cancel_and_post_at_once(2, hashed=True)
        self._assert_hashes()

    def test_edit_at_once(self):
        """D2: who edits a draft while another issues it comes before, or is refused."""
        journal_id = self._create_journal(hashed=True)
        for order_id in self._create_drafts(journal_id, [LAST_DAY] * 3):

            def work(env, index, order_id=order_id):
                invoice = self._get_invoice(env, order_id)
                if index:
                    invoice.invoice_line_ids.name = "Edited"
                else:
                    invoice.action_post()

            outcomes = self._race(work, snapshot=True)
            self.assertIsNone(outcomes[0])
            if outcomes[1]:
                self.assertRegex(str(outcomes[1]), "is issued")
            self.assertEqual(
                self._read(
                    order_id,
                    lambda order: order.active_invoice_id.invoice_line_ids.name,
                ),
                "Work" if outcomes[1] else "Edited",
            )
        self._assert_hashes()
