# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from contextlib import closing

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing.tests import test_race


@tagged("post_install", "-at_install", "race")
class TestTogetherRace(test_race.RaceCommon):
    """§7.4: parts and hours that come at once, or while an invoice is created."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with closing(cls.registry.cursor()) as cr:
            env = cls._env(cls, cr)
            product = env["product.product"].create(
                {"name": "Race part", "type": "consu", "list_price": 10}
            )
            labor = env["product.product"].create(
                {
                    "name": "Race labor",
                    "type": "service",
                    "list_price": 50,
                    "uom_id": env.ref("uom.product_uom_hour").id,
                }
            )
            company = env["res.company"].browse(cls.ids["company"])
            company.service_labor_product_id = labor
            employee = env["hr.employee"].create(
                {"name": "Race worker", "company_id": company.id}
            )
            cls.ids |= {
                "product": product.id,
                "employee": employee.id,
                "project": company.internal_project_id.id,
                "warehouse": env["stock.warehouse"]
                .search([("company_id", "=", company.id)], limit=1)
                .id,
            }
            cr.commit()  # pylint: disable=invalid-commit

    def _commit(self, work):
        """Id (int) of what ``work``, a function of an environment, creates."""
        with closing(self.registry.cursor()) as cr:
            record = work(self._env(cr))
            cr.commit()  # pylint: disable=invalid-commit
            return record.id

    def _create_delivery(self, order_id, quantity=1):
        """Id of a committed delivery that is ready to validate."""

        def work(env):
            delivery_type = env["stock.warehouse"].browse(self.ids["warehouse"])
            delivery_type = delivery_type.out_type_id
            target = env.ref("stock.stock_location_customers")
            source = delivery_type.default_location_src_id
            picking = env["stock.picking"].create(
                {
                    "picking_type_id": delivery_type.id,
                    "location_id": source.id,
                    "location_dest_id": target.id,
                    "fsm_order_id": order_id,
                    "move_ids": [
                        Command.create(
                            {
                                "product_id": self.ids["product"],
                                "product_uom_qty": quantity,
                                "location_id": source.id,
                                "location_dest_id": target.id,
                            }
                        )
                    ],
                }
            )
            picking.action_confirm()
            picking.move_ids.quantity = quantity
            picking.move_ids.picked = True
            return picking

        return self._commit(work)

    def _log(self, env, order_id, time=1.0):
        return env["account.analytic.line"].create(
            {
                "name": "Race",
                "unit_amount": time,
                "fsm_order_id": order_id,
                "employee_id": self.ids["employee"],
                "project_id": self.ids["project"],
            }
        )

    def _run_again(self, outcomes, work):
        """What a person does who is told to try again."""
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Exception):
                self.assertIsInstance(outcome, UserError | ValidationError)
                self.assertIn("Try again", str(outcome))
                self._commit(lambda env, index=index: work(env, index))

    def _get_quantities(self, order_id, source):
        return self._read(
            order_id,
            lambda order: order.line_ids.filtered(
                lambda line: line.quantity_source == source
            ).mapped("quantity"),
        )

    def test_two_deliveries(self):
        """B1: two deliveries of a product that are validated at once count both, be it
        the first ones or not; who is told to try again, can."""
        for earlier in (0, 1):
            order_id = self._create_order()
            for _delivery in range(earlier):
                picking_id = self._create_delivery(order_id)
                self._commit(
                    lambda env, picking_id=picking_id: self._validate(env, picking_id)
                )
            pickings = [self._create_delivery(order_id) for _index in range(2)]

            def work(env, index, pickings=tuple(pickings)):
                return self._validate(env, pickings[index])

            outcomes = self._race(work, snapshot=True)
            self._run_again(outcomes, work)
            self.assertEqual(self._get_quantities(order_id, "stock"), [earlier + 2])

    def _validate(self, env, picking_id):
        picking = env["stock.picking"].browse(picking_id)
        picking.button_validate()
        return picking

    def test_two_entries(self):
        """B1: so do hours that two people log at once."""
        for earlier in (0, 1):
            order_id = self._create_order()
            for _entry in range(earlier):
                self._commit(lambda env, order_id=order_id: self._log(env, order_id))

            def work(env, _index, order_id=order_id):
                return self._log(env, order_id)

            outcomes = self._race(work, snapshot=True)
            self._run_again(outcomes, work)
            self.assertEqual(self._get_quantities(order_id, "timesheet"), [earlier + 2])

    def test_delivery_and_invoice(self):
        """§7.4: what is delivered and logged while an invoice is created is on it, or
        shows as what is left to invoice."""
        for _time in range(3):
            order_id = self._create_order()
            self._commit(lambda env, order_id=order_id: self._log(env, order_id))
            picking_id = self._create_delivery(order_id)

            def work(env, index, order_id=order_id, picking_id=picking_id):
                if index:
                    self._log(env, order_id)
                    return self._validate(env, picking_id)
                return env["fsm.order"].browse(order_id)._create_invoices()

            outcomes = self._race(work, snapshot=True)
            self._run_again(outcomes, work)
            figures = self._read(
                order_id,
                lambda order: (
                    order.amount_untaxed,
                    order.active_invoice_id.amount_untaxed + order.billing_difference,
                    len(order.invoice_link_ids),
                ),
            )
            self.assertEqual(figures, (100 + 2 * 50 + 10, 100 + 2 * 50 + 10, 1))
