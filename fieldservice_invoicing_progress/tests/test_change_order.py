# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Date
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common import APPROVER, ProgressCommon

NEW_ITEM = {"name": "Drain", "kind": "part", "amount": 500.0}


class ChangeOrderCommon(ProgressCommon):
    def _as(self, user, records):
        """Records as a user sees them, nothing left in the cache."""
        self.env.flush_all()
        self.env.invalidate_all()
        return records.with_user(user).with_context(
            allowed_company_ids=user.company_id.ids
        )

    def _assert_refused(self, regex, method, *args, error=UserError, **kwargs):
        with self.assertRaisesRegex(error, regex), self.cr.savepoint():
            method(*args, **kwargs)


@tagged("post_install", "-at_install")
class TestChangeOrder(ChangeOrderCommon):
    """B7: change orders raise the contract, or reduce it."""

    def test_approve(self):
        """An approved change order raises and lowers items and adds new ones, whose
        order line it remembers."""
        change = self._create_change_order(
            (self.groundwork, -1000.0), (self.piping, 250.0), NEW_ITEM
        )
        self.assertRecordValues(
            change,
            [
                {
                    "name": "Change Order 1",
                    "state": "draft",
                    "amount": -250.0,
                    "contract_original": 10000.0,
                    "contract_changes_before": 0.0,
                    "contract_revised": 9750.0,
                }
            ],
        )
        self.assertEqual(self.contract.contract_revised, 10000.0)
        change.action_approve()
        item = change.line_ids[2].order_line_id
        self.assertRecordValues(
            item,
            [
                {
                    "order_id": self.contract.id,
                    "name": "Drain",
                    "kind": "part",
                    "product_id": False,
                    "tax_ids": self.tax.ids,
                    "quantity": 1.0,
                    "price_unit": 0.0,
                    "change_amount": 500.0,
                    "price_subtotal": 500.0,
                    "price_total": 605.0,
                    "is_billable": True,
                }
            ],
        )
        self.assertEqual(self.groundwork.price_subtotal, 3000.0)
        self.assertEqual(self.piping.price_subtotal, 6250.0)
        self.assertRecordValues(
            self.contract,
            [
                {
                    "contract_original": 10000.0,
                    "contract_changes": -250.0,
                    "contract_revised": 9750.0,
                    "amount_untaxed": 9750.0,
                    "amount_tax": 2047.5,
                }
            ],
        )
        self.assertEqual(change.approved_by_id, self.env.user)
        self.assertTrue(change.approved_date)
        self._draw(3000, 6250, 500)
        self.assertEqual(self.contract.balance_to_finish, 0.0)

    def test_contract_as_approved(self):
        """Each change order shows the contract as it was when it was approved."""
        first, second, third = (
            self._create_change_order((self.piping, amount))
            for amount in (1000.0, 200.0, -300.0)
        )
        for day, change in enumerate(first + third + second, 1):
            with freeze_time(f"2026-03-0{day} 10:00:00"):
                change.action_approve()
        fields = ["contract_changes_before", "contract_revised"]
        self.assertEqual(
            [[change[name] for name in fields] for change in first + third + second],
            [[0.0, 11000.0], [1000.0, 10700.0], [700.0, 10900.0]],
        )

    def test_approve_several(self):
        """Several are approved at once, each by its number, or none of them."""
        drain = self._create_change_order(NEW_ITEM)
        less = self._create_change_order((self.piping, -4000.0))
        more = self._create_change_order((self.piping, -4000.0))
        changes = more + less + drain
        self._assert_refused("Change Order 3.*scheduled value", changes.action_approve)
        self.assertEqual(set(changes.mapped("state")), {"draft"})
        self.assertEqual(self.contract.contract_revised, 10000.0)
        (drain + less).action_approve()
        self.assertEqual(self.contract.contract_revised, 6500.0)
        self.assertEqual(less.contract_revised, 6500.0)
        self.assertEqual(drain.contract_revised, 10500.0)

    def test_item_changed_again(self):
        """A new item is one of the contract: another change order changes it."""
        change = self._create_change_order(NEW_ITEM, approve=True)
        item = change.line_ids.order_line_id
        self._create_change_order((item, -500.0), approve=True)
        self.assertEqual(item.price_subtotal, 0.0)
        self.assertEqual(self.contract.contract_revised, 10000.0)

    def test_rebate(self):
        """A rebate is a new item of the kind Other Charge, and goes back to zero."""
        rebate = {"name": "Rebate", "kind": "charge", "amount": -400.0}
        item = self._create_change_order(rebate, approve=True).line_ids.order_line_id
        self.assertEqual(item.price_subtotal, -400.0)
        self._create_change_order((item, -100.0), approve=True)
        change = self._create_change_order((item, 600.0))
        self._assert_refused("can not change by", change.action_approve)
        self._create_change_order((item, 500.0), approve=True)
        self.assertEqual(item.price_subtotal, 0.0)

    def test_defaults(self):
        """A new item has its product's description, kind and taxes, mapped for the
        bill-to; without product the company's tax."""
        exempt = self.env["account.tax"].create({"name": "Exempt", "amount": 0})
        position = self.env["account.fiscal.position"].create({"name": "Abroad"})
        exempt.fiscal_position_ids = position
        exempt.original_tax_ids = self.tax
        contract = self._create_contract(fiscal_position_id=position.id)
        change = self._create_change_order(
            {"product_id": self.part.id, "amount": 100.0},
            {"name": "Climbing", "amount": 50.0},
            {"product_id": self.labor.id, "amount": 10.0, "tax_ids": []},
            (contract.line_ids[0], 5.0),
            order=contract,
        )
        self.assertRecordValues(
            change.line_ids,
            [
                {"name": "Pump", "kind": "part", "tax_ids": exempt.ids},
                {"name": "Climbing", "kind": "charge", "tax_ids": exempt.ids},
                {"name": "Labor", "kind": "labor", "tax_ids": []},
                {"name": "Groundwork", "kind": "labor", "tax_ids": self.tax.ids},
            ],
        )
        change.action_approve()
        items = change.line_ids.order_line_id - contract.line_ids[0]
        self.assertRecordValues(
            items,
            [
                {"name": "Pump", "product_id": self.part.id, "price_subtotal": 100.0},
                {"name": "Climbing", "product_id": False, "price_subtotal": 50.0},
                {"name": "Labor", "product_id": self.labor.id, "price_subtotal": 10.0},
            ],
        )
        self.assertEqual(items.mapped("price_unit"), [0.0, 0.0, 0.0])
        position.tax_ids = False
        contract.bill_to_id = self.partner_b
        self.assertEqual(items[0].tax_ids, exempt)
        self.assertEqual(items[0].price_subtotal, 100.0)

    def test_numbers(self):
        """Numbers count on each order, and that of a deleted draft stays used."""
        changes = self._create_change_order() + self._create_change_order()
        other = self._create_change_order(order=self._create_contract())
        changes[1].unlink()
        changes = changes[:1] + self._create_change_order()
        copied = changes[0].copy()
        self.assertEqual((changes + copied).mapped("number"), [1, 3, 4])
        self.assertEqual(other.number, 1)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.cr.savepoint(),
        ):
            changes[0].sudo().number = 3
            self.env.flush_all()

    def test_refuse(self):
        """A refused change order changes nothing, and can go back to draft."""
        change = self._create_change_order(NEW_ITEM)
        change.action_refuse()
        self.assertEqual(change.state, "refused")
        self._assert_refused("is refused", change.action_approve)
        self._assert_refused("is refused", change.action_refuse)
        self._assert_refused("is refused", change.write, {"title": "Other"})
        self._assert_refused("is refused", change.line_ids.write, {"amount": 1})
        self._assert_refused("is refused", change.unlink)
        self.assertEqual(self.contract.contract_revised, 10000.0)
        change.action_draft()
        self._assert_refused("not refused", change.action_draft)
        change.line_ids.amount = 600.0
        change.action_approve()
        self.assertEqual(self.contract.contract_revised, 10600.0)

    def test_final(self):
        """Nothing of an approved change order is written or deleted, by nobody."""
        change = self._create_change_order(NEW_ITEM, (self.piping, 1.0), approve=True)
        other = self._create_change_order(NEW_ITEM)
        for record in (change, change.sudo()):
            for values in (
                {"title": "Other"},
                {"reason": "Other"},
                {"date": "2020-01-01"},
                {"line_ids": [Command.clear()]},
                {"line_ids": [Command.create(NEW_ITEM)]},
                {"line_ids": [Command.update(change.line_ids[0].id, {"amount": 1})]},
                {"order_id": self._create_contract().id},
            ):
                self._assert_refused("part of the contract", record.write, values)
            for values in (
                {"amount": 1.0},
                {"name": "Other"},
                {"order_line_id": self.groundwork.id},
                {"change_order_id": other.id},
                {"sequence": 1},
            ):
                lines = record.line_ids
                self._assert_refused("part of the contract", lines.write, values)
            for method in (
                record.unlink,
                record.line_ids.unlink,
                record.action_approve,
                record.action_refuse,
                record.action_draft,
            ):
                self._assert_refused("part of the contract", method)
        for values in (
            {"state": "draft"},
            {"approved_by_id": False},
            {"approved_date": "2020-01-01 00:00:00"},
        ):
            self._assert_refused("part of the contract", change.sudo().write, values)
        self._assert_refused(
            "part of the contract",
            other.line_ids.create,
            {**NEW_ITEM, "change_order_id": change.id},
        )
        self._assert_refused(
            "can not move", other.line_ids.write, {"change_order_id": change.id}
        )
        self.assertEqual(self.contract.contract_revised, 10501.0)

    def test_not_entered(self):
        """Number, state, approval and amounts are recorded, and never entered: not by
        values, not by defaults of the context."""
        change = self._create_change_order(NEW_ITEM)
        other_company = self.env["res.company"].create({"name": "Other"})
        values = {
            "order_id": self.contract.id,
            "title": "Drain",
            "reason": "Wet",
            "line_ids": [Command.create(NEW_ITEM)],
        }
        recorded = {
            "number": 7,
            "state": "approved",
            "approved_by_id": self.env.uid,
            "approved_date": "2020-01-01 00:00:00",
            "amount": 5.0,
            "company_id": other_company.id,
            "currency_id": self.env.ref("base.JPY").id,
        }
        for name, value in recorded.items():
            for method, arguments in (
                (change.write, {name: value}),
                (change.create, {**values, name: value}),
            ):
                with self.subTest(name):
                    self._assert_refused("is recorded", method, arguments)
        for name in ("state", "company_id"):
            self._assert_refused(
                "can not be entered", change.line_ids.write, {name: recorded[name]}
            )
        defaults = {f"default_{name}": value for name, value in recorded.items()}
        created = change.with_context(**defaults).create(
            {**values, "line_ids": [Command.create({"name": "x", "amount": 1.0})]}
        )
        self.env.flush_all()
        created.invalidate_recordset()
        self.assertRecordValues(
            created,
            [
                {
                    "number": 2,
                    "state": "draft",
                    "approved_by_id": False,
                    "approved_date": False,
                    "amount": 1.0,
                    "company_id": self.company.id,
                    "currency_id": self.company.currency_id.id,
                }
            ],
        )
        self.assertRecordValues(
            created.line_ids, [{"state": "draft", "company_id": self.company.id}]
        )
        with self.assertRaises(AccessError):
            self.contract.change_order_number = 0
        with self.assertRaises(AccessError):
            self._create_contract(change_order_number=5)

    def test_described(self):
        """What changes, and why, is said; so is what a new item is."""
        for name in ("title", "reason"):
            self._assert_refused(
                "has to say",
                self._create_change_order,
                **{name: "  "},
                error=ValidationError,
            )
        self._assert_refused(
            "does not say",
            self._create_change_order,
            {"amount": 5.0},
            error=ValidationError,
        )
        self.assertEqual(self._create_change_order().date, Date.today())

    def test_moves_nowhere(self):
        """A change order stays on its order, a line on its change order."""
        change = self._create_change_order(NEW_ITEM)
        other = self._create_contract()
        self._assert_refused("can not move", change.write, {"order_id": other.id})
        change.write({"order_id": self.contract.id, "title": "Same"})
        self.assertEqual(change.title, "Same")


@tagged("post_install", "-at_install")
class TestApprovalRefusal(ChangeOrderCommon):
    """B7: what can not be approved is refused, with the way out."""

    def _assert_not_approved(self, regex, *lines, **options):
        change = self._create_change_order(*lines, **options)
        self._assert_refused(regex, change.action_approve)
        self.assertEqual(change.state, "draft")

    def test_nothing(self):
        """Neither without lines, nor with one that comes to nothing."""
        self._assert_not_approved("changes nothing")
        self._assert_not_approved(
            "by nothing", (self.piping, 1.0), (self.groundwork, 0)
        )
        self._assert_not_approved("by nothing", (self.piping, 0.004))

    def test_below_zero(self):
        """An item does not fall below zero, also by several lines; to zero it may."""
        self._assert_not_approved(
            r"“Piping” of service order .* has a scheduled value of \$\s6,000.00, "
            r"which can not change by .*6,000.01\. Take off at most",
            (self.piping, -6000.01),
        )
        self._assert_not_approved(
            "6,500.00", (self.piping, -6000.0), (self.piping, -500.0)
        )
        self._assert_not_approved(
            "kind “Other Charge”", {"name": "Less", "kind": "part", "amount": -5.0}
        )
        self._create_change_order(
            (self.piping, -7000.0), (self.piping, 1000.0), approve=True
        )
        self.assertEqual(self.piping.price_subtotal, 0.0)
        self._assert_not_approved("can not change", (self.piping, -1.0))

    def test_contract_below_zero(self):
        """Nor does the whole contract, by rebates."""
        rebate = {"name": "Rebate", "kind": "charge", "amount": -10000.01}
        self._assert_not_approved("would bring the contract", rebate)
        self.assertEqual(len(self.contract.line_ids), 2)
        rebate["amount"] = -10000.0
        self._create_change_order(rebate, approve=True)
        self.assertEqual(self.contract.contract_revised, 0.0)

    def test_foreign_item(self):
        """The item is one of the order's contract."""
        other = self._create_contract()
        section, note, free = self.env["fsm.order.line"].create(
            [
                {
                    "order_id": self.contract.id,
                    "name": "Phase",
                    "display_type": "line_section",
                },
                {
                    "order_id": self.contract.id,
                    "name": "Note",
                    "display_type": "line_note",
                },
                {
                    "order_id": self.contract.id,
                    "name": "Warranty part",
                    "kind": "part",
                    "non_billable_reason": "warranty",
                },
            ]
        )
        for item in (other.line_ids[0], section, note):
            self._assert_refused(
                "not an item of the contract",
                self._create_change_order,
                (item, 5.0),
                error=ValidationError,
            )
        self._assert_not_approved("not an item of the contract", (free, 5.0))
        change = self._create_change_order((self.piping, 5.0))
        self.piping.write({"display_type": "line_note"})
        self._assert_refused("not an item of the contract", change.action_approve)

    def test_unit(self):
        """Units that the order leaves out are no items; a new one is not of that
        kind."""
        unit = self.env["fsm.order.line"].create(
            {
                "order_id": self.contract.id,
                "name": "Boiler",
                "kind": "unit",
                "price_unit": 100.0,
            }
        )
        self._assert_not_approved("“Unit”", {**NEW_ITEM, "kind": "unit"})
        change = self._create_change_order((unit, 5.0))
        self.contract.include_unit_price = False
        self._assert_refused("not an item of the contract", change.action_approve)

    def test_taxes_by_quantity(self):
        """Taxes by quantity can not be billed in portions: not of an item, not of a new
        one, not in a group."""
        fixed = self.env["account.tax"].create(
            {"name": "Eco fee", "amount": 2.0, "amount_type": "fixed"}
        )
        group = self.env["account.tax"].create(
            {
                "name": "Both",
                "amount_type": "group",
                "children_tax_ids": [Command.set((fixed | self.tax).ids)],
            }
        )
        for tax in fixed | group:
            taxes = [Command.set(tax.ids)]
            self._assert_not_approved("Eco fee", {**NEW_ITEM, "tax_ids": taxes})
        self.piping.tax_ids = fixed
        self._assert_not_approved("Eco fee", (self.piping, 5.0))

    def test_order(self):
        """Orders that are billed at once, or cancelled, have no contract to change."""
        self._assert_refused(
            "billed at once",
            self._create_change_order,
            order=self.order,
            error=ValidationError,
        )
        change = self._create_change_order(NEW_ITEM)
        self.contract.billing_method = "order"
        self._assert_refused("billed at once", change.action_approve)
        self._assert_refused("billed at once", self.contract.action_new_change_order)
        self.contract.billing_method = "progress"
        self.contract.action_cancel()
        self._assert_refused("Cancelled", change.action_approve)
        self._assert_refused("Cancelled", self.contract.action_new_change_order)
        change.action_refuse()

    def test_completed_order(self):
        """A finished order's contract still changes: that is how extras come."""
        self.contract.action_complete()
        self._create_change_order(NEW_ITEM, approve=True)
        self.assertEqual(self.contract.billing_status, "to_invoice")
        self.assertEqual(self.contract.amount_to_invoice, 10500.0)

    def test_price_check(self):
        """The closeout check asks for no price of a new item, which has its amount."""
        self.env["fsm.closeout.rule"].create(
            {"requirement": "price", "level": "blocking", "company_id": self.company.id}
        )
        self._create_change_order(NEW_ITEM, approve=True)
        self.contract.action_complete()
        self.assertFalse(self.contract.closeout_blocking)
        self._draw(0, 0, 500)


@tagged("post_install", "-at_install")
class TestBilledContract(ChangeOrderCommon):
    """B7: change orders of a contract that is being billed."""

    def test_extra(self):
        """A contract that is billed in full is open again by a change order, also by
        one that adds and takes off the same."""
        self.contract.action_complete()
        self._draw(4000, 6000)
        self.assertEqual(self.contract.billing_status, "invoiced")
        change = self._create_change_order(NEW_ITEM)
        self.assertEqual(self.contract.billing_status, "invoiced")
        change.action_approve()
        self.assertEqual(self.contract.billing_status, "to_invoice")
        self.assertEqual(self.contract.balance_to_finish, 500.0)
        draw = self._draw(4000, 6000, 500)
        self.assertEqual(draw.amount_untaxed, 450.0)
        self.assertEqual(self.contract.billing_status, "invoiced")
        self._create_change_order(
            (self.groundwork, -100.0), (self.piping, 100.0), approve=True
        )
        self.assertEqual(self.contract.contract_revised, 10500.0)
        self.assertEqual(self.contract.billing_status, "to_invoice")
        self._draw(3900, 6100, 500)
        self.assertEqual(self.contract.billing_status, "invoiced")

    def test_reduced_below_billed(self):
        """A reduction below what is billed is allowed, and said: the next draw credits
        it."""
        self._draw(3000, 0)
        change = self._create_change_order((self.groundwork, -2500.0), approve=True)
        message = r"“Groundwork” is billed \$\s3,000.00, \$\s1,500.00 above its new"
        self.assertRegex(
            self.contract.message_ids[0].body.replace("&nbsp;", " "), message
        )
        self.assertRegex(change.message_ids[0].body.replace("&nbsp;", " "), message)
        credit_note = self._draw(1500)
        self.assertEqual(credit_note.move_type, "out_refund")
        self.assertEqual(self.contract.progress_billed, 1500.0)
        self._draw(1500, 6000)
        self.assertEqual(self.contract.balance_to_finish, 0.0)

    def test_billed_item_taken_off(self):
        """An item that is billed can be taken off the contract altogether."""
        self._draw(3000, 0)
        self._create_change_order((self.groundwork, -4000.0), approve=True)
        self.env.invalidate_all()
        self.assertEqual(self.groundwork.qty_invoiced, 0.0)
        self.assertEqual(self.groundwork.percent_billed, 0.0)
        self.assertFalse(self.contract._is_billed_in_full())
        self._draw(0)
        self.assertEqual(self.contract.progress_billed, 0.0)

    def test_draft_draw(self):
        """A draw that was drafted before does not bill more than is left."""
        draw = self._draw(4000, 0, post=False)
        self._create_change_order((self.groundwork, -1000.0), approve=True)
        with self.assertRaisesRegex(UserError, "1,000.00 beyond its scheduled value"):
            draw.action_post()

    def test_chatter(self):
        """The order says who approved what, and the contract before and after."""
        self._draw(1000, 0)
        change = self._create_change_order(NEW_ITEM, approve=True)
        body = self.contract.message_ids[0].body.replace("&nbsp;", " ")
        for text in (
            "Change order approved",
            f'data-oe-id="{change.id}"',
            "Change Order 1",
            "Second drain",
            "$ 500.00, approved by",
            self.env.user.name,
            "before: $ 10,000.00, now: $ 10,500.00",
        ):
            self.assertIn(text, body)
        self.assertNotIn("is billed", body)
        self._create_change_order(NEW_ITEM, title="<b>Bold</b>").action_refuse()
        body = self.contract.message_ids[0].body
        self.assertIn("Change order refused", body)
        self.assertIn("&lt;b&gt;Bold&lt;/b&gt;", body)


@tagged("post_install", "-at_install")
class TestChangeOrderRights(ChangeOrderCommon):
    """B7: drafts are for everyone on the job, the approval for the named group."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.approver = cls._create_user(
            "fsi_approver", "fieldservice.group_fsm_dispatcher", APPROVER
        )
        cls.only_approver = cls._create_user("fsi_only_approver", APPROVER)

    def test_drafts(self):
        """Workers and dispatchers note an extra on site; their form opens and saves."""
        for user in self.worker | self.plain_dispatcher | self.dispatcher:
            with self.subTest(user.login):
                change = self._as(user, self.env["fsm.change.order"])
                contract = self._as(user, self.contract)
                action = contract.action_new_change_order()
                form = Form(change.with_context(**action["context"]))
                form.title = "Second drain"
                form.reason = "The cellar is wet"
                with form.line_ids.new() as line:
                    line.name = "Drain"
                    line.amount = 100.0
                with form.line_ids.new() as line:
                    line.order_line_id = self.piping
                    line.amount = -50.0
                change = form.save()
                self.assertEqual(change.order_id, contract)
                self.assertEqual(change.amount, 50.0)
                self.assertEqual(change.contract_revised, 10050.0)
                self.assertEqual(change.line_ids[0].tax_ids, self.tax)
                with Form(change) as form, form.line_ids.edit(0) as line:
                    line.amount = 120.0
                self.assertEqual(change.amount, 70.0)
                change.unlink()

    def test_approval_needs_its_right(self):
        """Only the named group approves, refuses and takes back; the refusal names it,
        and nobody else has the buttons."""
        change = self._create_change_order(NEW_ITEM)
        actions = ("action_approve", "action_refuse", "action_draft")
        for user in (
            self.worker | self.plain_dispatcher | self.dispatcher | self.manager
        ):
            for name in actions:
                with self.subTest(user=user.login, action=name):
                    method = getattr(self._as(user, change), name)
                    self._assert_refused(
                        "Approver: approve change orders", method, error=AccessError
                    )
            views = self._as(user, change).get_views([(False, "form")])
            for name in actions:
                self.assertNotIn(name, views["views"]["form"]["arch"])
        self.assertEqual(change.state, "draft")
        for user in self.approver | self.only_approver:
            change = self._as(user, self._create_change_order(NEW_ITEM))
            change.action_refuse()
            change.action_draft()
            change.action_approve()
            self.assertEqual(change.approved_by_id, user)
            Form(change)

    def test_outsiders(self):
        """Accountants, portal users and users of another company see none."""
        change = self._create_change_order(NEW_ITEM)
        company = self.env["res.company"].create({"name": "Other"})
        portal = new_test_user(self.env, "fsi_portal", groups="base.group_portal")
        foreign = new_test_user(
            self.env,
            "fsi_foreign",
            groups=f"fieldservice.group_fsm_manager,{APPROVER}",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        values = {"order_id": self.contract.id, "title": "x", "reason": "x"}
        for user in self.accountant | portal | foreign:
            with self.subTest(user.login):
                record = self._as(user, change)
                for method, args in (
                    (record.read, [["title"]]),
                    (self._as(user, change.line_ids).read, [["amount"]]),
                    (record.write, [{"title": "x"}]),
                    (record.unlink, []),
                    (record.create, [values]),
                    (record.action_approve, []),
                ):
                    with self.assertRaises(AccessError), self.cr.savepoint():
                        method(*args)
        self.assertFalse(self._as(foreign, change).search([]))
        self.assertEqual(change.state, "draft")

    def test_switch(self):
        """C2: with the company's switch off every method refuses."""
        change = self._create_change_order(NEW_ITEM)
        self.company.service_invoicing = False
        record = self._as(self.approver, change)
        contract = self._as(self.approver, self.contract)
        values = {"order_id": self.contract.id, "title": "x", "reason": "x"}
        for method, args in (
            (record.action_approve, []),
            (record.action_refuse, []),
            (record.action_draft, []),
            (record.create, [values]),
            (contract.action_view_change_orders, []),
            (contract.action_new_change_order, []),
            (change.sudo().action_approve, []),
        ):
            self._assert_refused("switched off", method, *args)
        self.assertEqual(change.state, "draft")

    def test_menu(self):
        """Who bills and who approves finds the list in the menu of invoicing."""
        menu = self.env.ref("fieldservice_invoicing_progress.menu_fsm_change_order")
        for user, visible in (
            (self.only_approver, True),
            (self.dispatcher, True),
            (self.worker, False),
        ):
            menus = self._as(user, self.env["ir.ui.menu"]).load_menus(False)
            self.assertEqual(menu.id in menus, visible, user.login)

    def test_view(self):
        """The order opens its change orders; a new one is for it."""
        self._create_change_order(NEW_ITEM)
        contract = self._as(self.worker, self.contract)
        action = contract.action_view_change_orders()
        found = contract.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found.order_id, contract)
        self.assertEqual(action["context"], {"default_order_id": contract.id})
        self.assertEqual(contract.change_order_count, 1)

    def test_queries(self):
        """The list costs the same for many change orders as for one."""
        for _number in range(5):
            self._create_change_order(NEW_ITEM, approve=True)
        changes = self._as(self.dispatcher, self.env["fsm.change.order"]).search([])
        specification = {name: {} for name in ("name", "title", "amount", "state")}
        self.env.invalidate_all()
        with self.assertQueryCount(4):
            changes.web_read(specification)
