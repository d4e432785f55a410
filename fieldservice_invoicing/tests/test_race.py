# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import threading
import uuid
from contextlib import closing
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import UserError, ValidationError
from odoo.modules.registry import DummyRLock, Registry
from odoo.service.model import retrying
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

MUTED = ("odoo.sql_db", "odoo.service.model", "odoo.tools.translate")


class RaceCommon(BaseCase):
    """Two people at once, in real transactions that commit.

    The data stays in the database of the tests: in a company of its own.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with closing(cls.registry.cursor()) as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            company = env["res.company"].create(
                {
                    "name": f"Race {uuid.uuid4()}",
                    "country_id": env.ref("base.us").id,
                }
            )
            env = api.Environment(
                cr, SUPERUSER_ID, {"allowed_company_ids": company.ids}
            )
            env["account.chart.template"].try_loading(
                "generic_coa", company=company, install_demo=False
            )
            owner = env["res.partner"].create({"name": "Race customer"})
            cls.ids = {
                "company": company.id,
                "location": env["fsm.location"]
                .create({"name": "Race site", "owner_id": owner.id})
                .id,
                "team": env["fsm.team"]
                .create({"name": company.name, "company_id": company.id})
                .id,
                "stage": env.ref("fieldservice.fsm_stage_completed").id,
            }
            cr.commit()  # pylint: disable=invalid-commit

    def _env(self, cr):
        return api.Environment(
            cr, SUPERUSER_ID, {"allowed_company_ids": [self.ids["company"]]}
        )

    def _create_order(self, invoice=None):
        """Id of a committed, finished order; ``invoice``: None, draft or posted."""
        with closing(self.registry.cursor()) as cr:
            env = self._env(cr)
            order = env["fsm.order"].create(
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
            )
            if invoice:
                move = order._create_invoices()
                if invoice == "posted":
                    move.action_post()
            cr.commit()  # pylint: disable=invalid-commit
            return order.id

    def _race(self, work, snapshot, people=2):
        """Run ``work(env, index)`` in several transactions at once, as RPC calls do.

        :param work: function of an environment, and 0 to ``people - 1``
        :param bool snapshot: all take their snapshot before any begins to work
        :return: list with the result or the exception of each
        """
        barrier = threading.Barrier(people)
        outcomes = [None] * people

        def run(index):
            with closing(self.registry.cursor()) as cr:
                env = self._env(cr)
                if snapshot:
                    cr.execute("SELECT 1 FROM res_company LIMIT 1")
                barrier.wait(30)
                try:
                    outcomes[index] = retrying(lambda: work(env, index), env)
                except Exception as error:  # noqa: BLE001
                    outcomes[index] = error

        threads = [
            threading.Thread(target=run, args=(index,)) for index in range(people)
        ]
        # Odoo's own runner holds the lock, which a retry in another thread awaits
        lock = patch.object(Registry, "_lock", DummyRLock())
        with mute_logger(*MUTED), lock:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
        return outcomes

    def _read(self, order_id, function):
        with closing(self.registry.cursor()) as cr:
            return function(self._env(cr)["fsm.order"].browse(order_id))


@tagged("post_install", "-at_install", "race")
class TestRace(RaceCommon):
    def test_create(self):
        """C5: of two that create at once one does, the other is told why."""
        for snapshot in (True, False) * 3:
            order_id = self._create_order()
            outcomes = self._race(
                lambda env, _index, order_id=order_id: (
                    env["fsm.order"].browse(order_id)._create_invoices().ids
                ),
                snapshot,
            )
            errors = [one for one in outcomes if isinstance(one, Exception)]
            self.assertEqual(len(errors), 1, outcomes)
            self.assertIsInstance(errors[0], UserError | ValidationError)
            self.assertIn(
                "An invoice already exists for this service order", str(errors[0])
            )
            self.assertEqual(
                self._read(order_id, lambda order: len(order.invoice_link_ids)), 1
            )

    def test_cancel(self):
        """X5: of two that cancel at once one does, the other is told."""
        for state in ("draft", "posted") * 3:
            order_id = self._create_order(invoice=state)
            outcomes = self._race(
                lambda env, _index, order_id=order_id: (
                    env["fsm.order"]
                    .browse(order_id)
                    .invoice_link_ids.move_id._cancel_service_invoices("race")
                    .ids
                ),
                snapshot=True,
            )
            errors = [one for one in outcomes if isinstance(one, Exception)]
            self.assertEqual(len(errors), 1, outcomes)
            self.assertIsInstance(errors[0], UserError)
            self.assertIn("This invoice is already cancelled.", str(errors[0]))
            moves = self._read(
                order_id,
                lambda order: len(order.invoice_link_ids.move_id.reversal_move_ids),
            )
            self.assertEqual(moves, 1 if state == "posted" else 0)

    def test_pay(self):
        """F2: of two that register the payment at once one does, the other is told."""
        for snapshot in (True, False) * 3:
            order_id = self._create_order(invoice="posted")

            def work(env, _index, order_id=order_id):
                invoice = env["fsm.order"].browse(order_id).active_invoice_id
                dialog = env["account.payment.register"].with_context(
                    active_model="account.move", active_ids=invoice.ids
                )
                return dialog.create({})._create_payments().ids

            outcomes = self._race(work, snapshot)
            errors = [one for one in outcomes if isinstance(one, Exception)]
            self.assertEqual(len(errors), 1, outcomes)
            self.assertIsInstance(errors[0], UserError)
            self.assertIn("nothing", str(errors[0]))
            self.assertEqual(
                self._read(
                    order_id,
                    lambda order: len(order.active_invoice_id.matched_payment_ids),
                ),
                1,
            )

    def test_post(self):
        """D1: two that issue at once get consecutive numbers, none twice."""
        numbers = []
        for _i in range(4):
            order_ids = [self._create_order("draft"), self._create_order("draft")]

            def work(env, index, order_ids=tuple(order_ids)):
                invoice = env["fsm.order"].browse(order_ids[index]).active_invoice_id
                invoice.action_post()
                return invoice.sequence_number

            outcomes = self._race(work, snapshot=True)
            numbers += sorted(outcomes)
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 8)))
