# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ServiceInvoicingCommon

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9aw"
    "AAAABJRU5ErkJggg=="
)


@tagged("post_install", "-at_install")
class TestCloseout(ServiceInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order_type = cls.env["fsm.order.type"].create({"name": "Repair"})

    def _rule(self, requirement, level="blocking", **values):
        return self.env["fsm.closeout.rule"].create(
            {
                "company_id": self.company.id,
                "requirement": requirement,
                "level": level,
                **values,
            }
        )

    def test_nothing_is_checked_by_default(self):
        """B2: without rules an order is billed as before."""
        self.assertFalse(self.order.closeout_blocking)
        self.assertFalse(self.order.closeout_warning)
        self.assertTrue(self._invoice())

    def test_blocking(self):
        """B2: a blocking rule refuses, over RPC too, and names all that is missing;
        with it there the order is billed."""
        self._rule("signature")
        self._rule("resolution")
        with self.assertRaisesRegex(UserError, self.order.name) as refusal:
            self.order.action_create_invoice()
        self.assertIn("The customer has not signed.", str(refusal.exception))
        self.assertIn("The resolution is empty.", str(refusal.exception))
        with self.assertRaisesRegex(UserError, "not closed out"):
            self.order._create_invoices()
        self.order.write({"signature": PIXEL, "resolution": "<p>Valve changed</p>"})
        self.assertTrue(self._invoice())

    def test_warning(self):
        """B2: a warning shows on card and dialog, and the order can be billed."""
        self._rule("signature", "warning")
        self.assertEqual(self.order.closeout_warning, "The customer has not signed.")
        dialog = self._dialog()
        self.assertEqual(dialog.closeout_warning, "The customer has not signed.")
        dialog.action_create_draft()
        self.assertTrue(self.order.active_invoice_id)

    def test_off(self):
        """B2: a rule that is off checks nothing."""
        self._rule("signature", "off")
        self.assertFalse(self.order.closeout_warning)
        self.assertTrue(self._invoice())

    def test_order_type_before_all_types(self):
        """B2: the rule of an order type counts before the one for all types."""
        self._rule("signature", "blocking")
        self._rule("signature", "off", type_id=self.order_type.id)
        self.assertTrue(self.order.closeout_blocking)
        self.order.type = self.order_type
        self.assertFalse(self.order.closeout_blocking)
        self.assertTrue(self._invoice())

    def test_type_only(self):
        """B2: a rule for one order type leaves the others alone."""
        self._rule("signature", "blocking", type_id=self.order_type.id)
        self.assertFalse(self.order.closeout_blocking)
        self.order.type = self.order_type
        self.assertTrue(self.order.closeout_blocking)

    def test_attachment(self):
        """B2: a file on the order meets the rule for photos; the signature, which is
        stored as a file too, does not."""
        self._rule("attachment")
        self.order.signature = PIXEL
        self.assertEqual(
            self.order.closeout_blocking, "There is no photo or other attachment."
        )
        self.env["ir.attachment"].create(
            {
                "name": "after.png",
                "raw": base64.b64decode(PIXEL),
                "res_model": "fsm.order",
                "res_id": self.order.id,
            }
        )
        self.assertTrue(self._invoice())

    def test_price(self):
        """B2: a line without price is found, one that is not charged needs none."""
        self._rule("price")
        self.assertFalse(self.order.closeout_blocking)
        line = self.env["fsm.order.line"].create(
            {"order_id": self.order.id, "name": "Extra work", "quantity": 1}
        )
        self.order.invalidate_recordset()
        self.assertEqual(self.order.closeout_blocking, "A line to bill has no price.")
        line.non_billable_reason = "goodwill"
        self.order.invalidate_recordset()
        self.assertFalse(self.order.closeout_blocking)

    def test_other_company(self):
        """B2: the rules of one company do not reach the orders of another."""
        other = self._create_company(name="Other")
        self._rule("signature", company_id=other.id)
        self.assertFalse(self.order.closeout_blocking)

    def test_only_while_it_matters(self):
        """B2: neither work under way nor a billed order is checked."""
        self._rule("signature", "warning")
        self.assertFalse(self._create_order(done=False).closeout_warning)
        self._invoice()
        self.order.invalidate_recordset()
        self.assertFalse(self.order.closeout_warning)

    def test_one_rule_each(self):
        """B2: two rules for the same thing are refused by the database."""
        self._rule("signature")
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self._rule("signature", "off")

    def test_rights(self):
        """B2, section 5: field service managers make the rules, nobody else; workers
        and dispatchers are checked by them."""
        self._create_users()
        boss = self._create_user("fsi_boss", "fieldservice.group_fsm_manager")
        Rule = self.env["fsm.closeout.rule"]
        values = {"requirement": "signature", "company_id": self.company.id}
        for user in (self.worker, self.dispatcher, self.manager):
            with self.assertRaises(AccessError):
                Rule.with_user(user).create(values)
        rule = Rule.with_user(boss).create({**values, "level": "blocking"})
        with self.assertRaises(AccessError):
            rule.with_user(self.dispatcher).level = "off"
        with self.assertRaisesRegex(UserError, "not signed"):
            self.order.with_user(self.dispatcher).action_create_invoice()

    def test_constant_queries(self):
        """B2: checking many orders costs no more queries than checking a few."""
        for requirement in ("signature", "resolution", "attachment", "price"):
            self._rule(requirement, "warning")
        orders = self.order.union(*(self._create_order() for _count in range(11)))
        orders.mapped("closeout_warning")
        counts = []
        for sample in (orders[:2], orders):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            messages = sample.mapped("closeout_warning")
            counts.append(self.env.cr.sql_log_count - before)
            self.assertTrue(all(messages))
        self.assertEqual(*counts)
