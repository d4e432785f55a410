# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.tests import tagged

from odoo.addons.fieldservice_invoicing.models.res_company import get_superuser_env

from .test_change_order import NEW_ITEM, ChangeOrderCommon

FIXED = "its lines are fixed prices now. Enter a change order"


@tagged("post_install", "-at_install")
class TestContractLines(ChangeOrderCommon):
    """B7: once something is billed or changed, order lines are fixed prices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.people = cls.worker | cls.plain_dispatcher | cls.dispatcher | cls.manager
        cls.section, cls.note = cls.env["fsm.order.line"].create(
            [
                {
                    "order_id": cls.contract.id,
                    "name": name,
                    "display_type": display_type,
                }
                for name, display_type in (
                    ("Phase 1", "line_section"),
                    ("By hand", "line_note"),
                )
            ]
        )

    def _assert_fixed(self, order=None):
        """Nobody adds, changes or deletes an item: neither on its own nor through the
        order."""
        order = order or self.contract
        item = order._get_schedule_lines()[0]
        new = {"name": "Extra", "kind": "charge", "price_unit": 10.0}
        for user in self.people:
            line, contract = self._as(user, item), self._as(user, order)
            for values in (
                {"price_unit": 1.0},
                {"quantity": 2.0},
                {"discount_type": "percent", "discount_value": 50.0},
                {"tax_ids": [Command.clear()]},
                {"kind": "charge"},
                {"product_id": self.part.id},
                {"name": "Other"},
                {"product_uom_id": self.env.ref("uom.product_uom_dozen").id},
                {"is_billable": False, "non_billable_reason": "goodwill"},
                {"display_type": "line_note"},
                {"technical_price_unit": 1.0},
            ):
                with self.subTest(user=user.login, values=values):
                    self._assert_refused(FIXED, line.write, values)
                    commands = [Command.update(line.id, values)]
                    self._assert_refused(FIXED, contract.write, {"line_ids": commands})
            for method, args in (
                (line.unlink, []),
                (line.create, [{**new, "order_id": order.id}]),
                (line.copy, []),
                (contract.write, [{"line_ids": [Command.create(new)]}]),
                (contract.write, [{"line_ids": [Command.clear()]}]),
            ):
                with self.subTest(user=user.login, method=method.__name__):
                    self._assert_refused(f"{FIXED}|can not be deleted", method, *args)

    def test_open(self):
        """Before that they change, as on any order."""
        for user in self.people:
            line = self._as(user, self.piping)
            line.price_unit += 100.0
        self.assertEqual(self.contract.contract_original, 10400.0)

    def test_billed(self):
        """A draw fixes them, a draft too; cancelled it frees them."""
        draw = self._draw(1000, 0, post=False)
        self._assert_fixed()
        draw._cancel_service_invoices("wrong")
        self._as(self.worker, self.piping).price_unit = 7000.0
        self.assertEqual(self.contract.contract_revised, 11000.0)

    def test_changed(self):
        """So does an approved change order, and for good; a draft does not."""
        change = self._create_change_order((self.groundwork, 500.0), NEW_ITEM)
        self.piping.price_unit = 6100.0
        change.action_approve()
        self._assert_fixed()
        self.assertEqual(self.contract.contract_revised, 11100.0)
        new = change.line_ids[1].order_line_id
        line = self._as(self.dispatcher, new)
        for values in ({"kind": "labor"}, {"product_id": self.part.id}, {"name": "x"}):
            self._assert_refused(FIXED, line.write, values)

    def test_deposit(self):
        """So does a deposit, which is taken of the contract."""
        self._deposit(1000.0, paid=False)
        self._assert_fixed()

    def test_free(self):
        """Sections, notes and the order of the lines stay free, and no section turns
        into an item."""
        self._draw(1000, 0)
        for user in self.people:
            contract = self._as(user, self.contract)
            contract.write(
                {
                    "line_ids": [
                        Command.update(self.piping.id, {"sequence": 1}),
                        Command.update(self.section.id, {"name": "Phase one"}),
                        Command.create(
                            {"name": "More", "display_type": "line_section"}
                        ),
                    ]
                }
            )
            self._as(user, contract.line_ids[-1]).unlink()
            for line in self.section | self.note:
                self._assert_refused(
                    FIXED,
                    self._as(user, line).write,
                    {"display_type": False, "price_unit": 50.0, "kind": "charge"},
                )
                self._as(user, line).price_unit = 50.0
        self.note.unlink()
        self.assertEqual(self.section.name, "Phase one")
        self.assertEqual(self.contract.contract_revised, 10000.0)

    def test_changes_not_entered(self):
        """What a change order adds to an item is derived: neither written, nor given on
        creation."""
        for values in ({"change_amount": 500.0}, {"change_amount": 0}):
            line = self._as(self.manager, self.piping)
            self._assert_refused("enter one", line.write, values)
        contract = self._create_contract(
            [{"name": "Item", "kind": "part", "price_unit": 10, "change_amount": 5.0}]
        )
        line = self.env["fsm.order.line"].with_context(default_change_amount=7.0)
        line.create({"order_id": contract.id, "name": "x", "price_unit": 1.0})
        self.assertEqual(contract.contract_revised, 11.0)
        self._assert_refused(
            "part of the contract|can not be entered|is approved|not an item",
            self._as(self.manager, self.piping).write,
            {
                "change_line_ids": [
                    Command.create(
                        {
                            "change_order_id": self._create_change_order(
                                NEW_ITEM, approve=True
                            ).id,
                            "amount": 5.0,
                        }
                    )
                ]
            },
        )

    def test_sourced(self):
        """Hours and parts that come by themselves cost a contract nothing: reason
        Contract, before and after it is fixed, and back when the method changes."""
        contract = self._create_contract()
        su = get_superuser_env(self.env)
        values = {
            "order_id": contract.id,
            "kind": "part",
            "product_id": self.part.id,
            "quantity_source": "equipment",
            "price_unit": 137.5,
        }
        first = su["fsm.order.line"].create({**values, "source_key": "1"})
        self.assertEqual(first.non_billable_reason, "contract")
        self.assertEqual(contract.contract_revised, 10000.0)
        contract.billing_method = "order"
        self.assertFalse(first.non_billable_reason)
        self.assertEqual(contract.amount_untaxed, 10137.5)
        contract.billing_method = "progress"
        self.assertEqual(first.non_billable_reason, "contract")
        self._draw(1000, 0, order=contract)
        second = su["fsm.order.line"].create({**values, "source_key": "2"})
        second._write_source_values({"quantity": 3.0})
        self.assertEqual(second.non_billable_reason, "contract")
        self.assertFalse(second.is_billable)
        self.assertEqual(contract.contract_revised, 10000.0)
        for user in self.people:
            self._assert_refused(
                FIXED, self._as(user, second).write, {"non_billable_reason": False}
            )
        self._assert_refused(
            "not an item of the contract",
            self._create_change_order,
            (second, 5.0),
            order=contract,
        )
        (first + second).unlink()

    def test_units(self):
        """A unit that is added to the order adds nothing to a fixed contract, and one
        that leaves it takes nothing off."""
        boilers = self.env["fsm.equipment"].create(
            [
                {
                    "name": name,
                    "company_id": self.company.id,
                    "location_id": self.location.id,
                    "current_location_id": self.location.id,
                    "list_price": 500.0,
                }
                for name in ("Boiler", "Second boiler")
            ]
        )
        contract = self._create_contract(equipment_ids=[Command.set(boilers[0].ids)])
        self.assertEqual(contract.contract_revised, 10500.0)
        self._create_change_order(NEW_ITEM, order=contract, approve=True)
        contract.equipment_ids = boilers
        contract.equipment_ids = boilers[1]
        self.assertEqual(contract.contract_revised, 11000.0)
        self.assertEqual(contract.line_ids.equipment_id, boilers[0])

    def test_terms(self):
        """The terms that prices and taxes follow are fixed too; whom to bill is not."""
        self.piping.product_id = self.part
        self.piping.price_unit = 6000.0
        self._create_change_order(NEW_ITEM, approve=True)
        position = self.env["account.fiscal.position"].create({"name": "Abroad"})
        other = self.env["product.pricelist"].create({"name": "Other"})
        contract = self._as(self.dispatcher, self.contract)
        for values in (
            {"pricelist_id": other.id},
            {"currency_id": self.env.ref("base.JPY").id},
            {"fiscal_position_id": position.id},
            {"include_unit_price": False},
        ):
            self._assert_refused("contract are fixed", contract.write, values)
        contract.write({"include_unit_price": True})
        self.partner_b.property_account_position_id = position
        before = self.contract.currency_id, self.piping.tax_ids
        contract.bill_to_id = self.partner_b
        self.assertFalse(self.contract.fiscal_position_id)
        self.assertEqual((self.contract.currency_id, self.piping.tax_ids), before)
        self.assertEqual(self.contract.contract_revised, 10500.0)

    def test_delete_changed_item(self):
        """An item that a change order is about is not deleted; the message says which
        one."""
        change = self._create_change_order((self.piping, 5.0))
        for user in self.people:
            self._assert_refused(
                "“Piping” of service order .* is an item of Change Order 1",
                self._as(user, self.piping).unlink,
            )
        change.unlink()
        self.piping.unlink()

    def test_delete_order(self):
        """An order goes with its drafts; one whose contract was changed stays."""
        contract = self._create_contract()
        drafts = self._create_change_order(
            (contract.line_ids[0], 5.0), NEW_ITEM, order=contract
        )
        lines = drafts.line_ids
        contract.unlink()
        self.assertFalse(drafts.exists() or lines.exists())
        self._create_change_order(NEW_ITEM, approve=True)
        self._assert_refused("part of the contract", self.contract.unlink)

    def test_billing_method(self):
        """Once a change order is approved the order is not billed at once any more."""
        change = self._create_change_order(NEW_ITEM)
        self.contract.billing_method = "order"
        self.contract.billing_method = "progress"
        change.action_approve()
        self._assert_refused(
            "contract was changed", self.contract.write, {"billing_method": "order"}
        )

    def test_copy(self):
        """A copied order has no change orders; its numbers start anew."""
        self._create_change_order((self.piping, 500.0), approve=True)
        copied = self.contract.copy()
        self.assertFalse(copied.change_order_ids)
        self.assertEqual(self._create_change_order(order=copied).number, 1)
