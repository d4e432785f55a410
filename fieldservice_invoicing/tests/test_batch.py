# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged, users
from odoo.tools import SQL, mute_logger

from .common import USER, ServiceInvoicingCommon

LINE_LOGGER = "odoo.addons.fieldservice_invoicing.models.service_invoice_batch_line"


class BatchCommon(ServiceInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.orders = cls.order + cls._create_order() + cls._create_order()
        cls.unfinished = cls._create_order(done=False)

    def _open(self, orders, **values):
        """The dialog of many orders, as the button of the list opens it."""
        action = orders.action_create_invoice()
        return (
            orders.env[action["res_model"]]
            .with_context(**action["context"])
            .create(values)
        )

    def _start(self, orders, **values):
        action = self._open(orders, **values).action_create_invoices()
        return orders.env[action["res_model"]].browse(action["res_id"])

    def _run(self, batch):
        """Run a batch as its screen does."""
        while batch.action_run_step()["pending_count"]:
            self.assertEqual(batch.state, "running")
        return batch

    def _run_cron(self):
        """Run the scheduled action of batches."""
        with self.enter_registry_test_mode():
            self.env.ref(
                "fieldservice_invoicing.ir_cron_service_invoice_batch"
            ).method_direct_trigger()

    def _reach(self, partner, email):
        """Have a customer get invoices at an e-mail address, or False."""
        partner.email = email
        partner.with_company(self.company).invoice_sending_method = "email"

    def _age(self, batch):
        """Have nobody have worked on a batch for an hour."""
        self.env.flush_all()
        for table in ("service_invoice_batch", "service_invoice_batch_line"):
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET write_date = %s",
                    SQL.identifier(table),
                    fields.Datetime.subtract(fields.Datetime.now(), hours=1),
                )
            )
        self.env.invalidate_all()
        return batch


@tagged("post_install", "-at_install")
class TestBatch(BatchCommon):
    @users("fsi_dispatcher")
    def test_good_and_bad(self):
        """C17: those that can be are invoiced, the others listed with their reason."""
        orders = (self.orders + self.unfinished).with_user(self.env.user)
        wizard = self._open(orders)
        self.assertEqual(wizard.refused_order_ids, self.unfinished)
        self.assertIn("is in the stage", wizard.refused_order_ids.invoice_refusal)
        self.assertEqual((wizard.order_count, wizard.billable_count), (4, 3))
        batch = self._run(self._start(orders))
        self.assertEqual(batch.state, "done")
        self.assertTrue(batch.end_date)
        self.assertEqual((batch.invoiced_count, batch.refused_count), (3, 1))
        self.assertEqual(batch.invoice_count, 3)
        self.assertEqual(
            batch.line_ids.filtered(lambda line: line.state == "refused").order_id,
            self.unfinished,
        )
        self.assertEqual(set(self.orders.mapped("billing_status")), {"draft"})

    @users("fsi_dispatcher")
    def test_grouped(self):
        """C17: one invoice per bill-to, with what the dialog announced."""
        other = self._create_order(bill_to_id=self.partner_b.id)
        orders = (self.orders + other).with_user(self.env.user)
        wizard = self._open(orders, grouped=True)
        self.assertEqual(wizard.invoice_count, 2)
        batch = self._run(self._start(orders, grouped=True))
        invoices = batch.line_ids.move_id
        self.assertEqual(len(invoices), 2)
        self.assertEqual(
            wizard.totals,
            [
                {
                    "currency_id": self.company.currency_id.id,
                    **{
                        name: invoices.currency_id.round(
                            sum(invoices.mapped(f"amount_{name}"))
                        )
                        for name in ("untaxed", "tax", "total")
                    },
                }
            ],
        )

    def test_bad_one_found_late(self):
        """C17: what is refused only when the invoice is there stops no other order,
        on its own invoice or on that of all."""
        limited = self.orders[1]
        for grouped in (False, True):
            limited.not_to_exceed = 1
            batch = self._run(self._start(self.orders, grouped=grouped))
            lines = batch.line_ids.grouped("order_id")
            self.assertEqual(lines[limited].state, "refused")
            self.assertIn(limited.name, lines[limited].message)
            self.assertEqual(batch.invoiced_count, 2)
            self.assertFalse(limited.invoice_link_ids)
            # what was refused can be mended and tried again
            limited.not_to_exceed = 0
            batch.action_retry()
            self._run(batch)
            self.assertEqual(batch.refused_count, 0)
            self.assertTrue(limited.invoice_link_ids)
            batch.line_ids.sudo().move_id.unlink()

    def test_defect_of_one(self):
        """C17: an error in the code of one order leaves the others billed, and none
        of its own invoice behind."""
        broken = self.orders[0]
        Order = self.env.registry["fsm.order"]
        prepare = Order._prepare_invoice

        def fail(order):
            if order.id == broken.id:
                raise ZeroDivisionError
            return prepare(order)

        batch = self._start(self.orders)
        with patch.object(Order, "_prepare_invoice", fail), mute_logger(LINE_LOGGER):
            self._run(batch)
        self.assertEqual(batch.refused_count, 1)
        self.assertIn("look at the log", batch.line_ids[0].message)
        self.assertFalse(broken.invoice_link_ids)

    def test_billed_meanwhile(self):
        """C5: an order that somebody bills meanwhile is not billed again."""
        batch = self._start(self.orders)
        self.order._create_invoices()
        self._run(batch)
        self.assertEqual(len(self.order.invoice_link_ids), 1)
        self.assertEqual(batch.refused_count, 1)
        self.assertIn("already exists", batch.line_ids[0].message)

    def test_stop(self):
        """C17: a stopped batch bills nothing, and goes on where it was."""
        batch = self._start(self.orders)
        batch.action_stop()
        self.assertEqual(batch.state, "stopped")
        batch.action_run_step()
        self.assertFalse(self.orders.invoice_link_ids)
        batch.action_resume()
        self._run(batch)
        self.assertEqual(batch.invoiced_count, 3)

    def test_post_and_send(self):
        """C17: posted and sent for who may; what can not be posted stays a draft and
        says why."""
        self.env.user.group_ids += self.env.ref("account.group_account_invoice")
        self._reach(self.partner_a, "customer@example.com")
        last = self.orders[2]
        batch = self._start(self.orders, closing="send")
        archived = self._create_order(bill_to_id=self.partner_b.id)
        self.assertEqual(batch.closing, "send")
        batch2 = self._start(archived + self._create_order(), closing="post")
        self._run(batch)
        self.assertEqual(set(batch.line_ids.move_id.mapped("state")), {"posted"})
        self.assertEqual(len(set(batch.line_ids.move_id.mapped("name"))), 3)
        self.assertTrue(all(move.sending_data for move in batch.line_ids.move_id))
        self.assertEqual(last.billing_status, "invoiced")
        Move = self.env.registry["account.move"]
        post = Move.action_post

        def refuse(moves):
            if self.partner_b in moves.partner_id:
                raise UserError(self.env._("No account for this customer"))
            return post(moves)

        with patch.object(Move, "action_post", refuse):
            self._run(batch2)
        line = batch2.line_ids.filtered("message")
        self.assertEqual(line.move_id.partner_id, self.partner_b)
        self.assertEqual((line.move_id.state, line.state), ("draft", "invoiced"))
        other = batch2.line_ids - line
        self.assertEqual(other.move_id.state, "posted")

    def test_sent_to_nobody(self):
        """C17, F2: an invoice that reaches nobody says so, and is not marked as sent;
        the others are sent."""
        self.env.user.group_ids += self.env.ref("account.group_account_invoice")
        self._reach(self.partner_a, "customer@example.com")
        self._reach(self.partner_b, False)
        by_hand = self.env["res.partner"].create(
            {"name": "By hand", "email": "hand@example.com"}
        )
        by_hand.with_company(self.company).invoice_sending_method = "manual"
        unreached = self._create_order(bill_to_id=self.partner_b.id)
        unreached += self._create_order(bill_to_id=by_hand.id)
        batch = self._run(self._start(self.order + unreached, closing="send"))
        self.assertEqual(set(batch.line_ids.move_id.mapped("state")), {"posted"})
        self.assertEqual(batch.unclosed_count, 2)
        for line in batch.line_ids:
            if line.order_id in unreached:
                self.assertIn("not sent", line.message)
                self.assertIn(line.order_id.bill_to_id.name, line.message)
            self.assertEqual(bool(line.message), line.order_id in unreached)
            self.assertEqual(bool(line.move_id.sending_data), not line.message)
            self.assertFalse(line.move_id.is_move_sent)

    def test_one_sent(self):
        """C17: a batch of one invoice is sent, too: Odoo's dialog for many is not made
        for one."""
        self.env.user.group_ids += self.env.ref("account.group_account_invoice")
        self._reach(self.partner_a, "customer@example.com")
        batch = self._run(self._start(self.orders, grouped=True, closing="send"))
        self.assertFalse(any(batch.line_ids.mapped("message")))
        self.assertEqual(len(batch.line_ids.move_id), 1)
        self.assertTrue(batch.line_ids.move_id.sending_data)

    def test_redirection(self):
        """C17: a refusal that would lead to a screen says its reason, too."""
        self.env.user.group_ids += self.env.ref("account.group_account_invoice")
        self._reach(self.partner_a, "customer@example.com")
        self.env.user.group_ids += self.env.ref("base.group_system")
        self.env.ref("account.ir_cron_account_move_send").active = False
        batch = self._run(self._start(self.orders, closing="send"))
        self.assertEqual(batch.unclosed_count, 3)
        self.assertIn("activate the cron", batch.line_ids[0].message)

    def test_scheduled_action(self):
        """C17: above a set number the scheduled action runs a batch, by the rights of
        the user who started it, and tells that user at the end."""
        self.env["ir.config_parameter"].set_param(
            "fieldservice_invoicing.batch_limit", "2"
        )
        batch = self._start(self.orders.with_user(self.dispatcher))
        batch = batch.sudo()
        self.assertTrue(batch.is_background)
        self.assertEqual(batch.user_id, self.dispatcher)
        self._age(batch)  # jobs go first
        self._run_cron()
        self.assertEqual(batch.state, "done")
        self.assertTrue(batch.end_date)
        self.assertEqual(batch.line_ids.move_id.create_uid, self.dispatcher)
        message = (
            self.env["mail.message"]
            .sudo()
            .search(
                [
                    ("partner_ids", "in", self.dispatcher.partner_id.ids),
                    ("subject", "=", "Service invoicing is done"),
                ]
            )
        )
        self.assertIn("Invoices: 3", message.body)

    def test_done_batch_keeps_its_owner(self):
        """C3: to continue what is done changes nothing: the batch stays with who
        started it."""
        batch = self._run(self._start(self.orders.with_user(self.dispatcher)))
        batch.with_user(self.manager).action_resume()
        self.assertEqual(batch.sudo().user_id, self.dispatcher)

    def test_lost_right(self):
        """C3: a user who may no longer create invoices has none created."""
        batch = self._start(self.orders.with_user(self.dispatcher)).sudo()
        self.dispatcher.group_ids = [
            Command.unlink(
                self.env.ref("fieldservice_invoicing.group_service_invoice_user").id
            )
        ]
        batch._run_step()
        self.assertEqual(batch.refused_count, 3)
        self.assertFalse(self.orders.invoice_link_ids)

    def test_archived_user(self):
        """C3: a user who has been archived has none created either; a manager tries
        again."""
        batch = self._start(self.orders.with_user(self.dispatcher)).sudo()
        self.dispatcher.sudo().active = False
        batch._run_step()
        self.assertEqual(batch.refused_count, 3)
        self.assertIn("is archived", batch.line_ids[0].message)
        self.assertFalse(self.orders.invoice_link_ids)
        batch.with_user(self.manager).action_retry()
        batch._run_step()
        self.assertEqual(batch.invoiced_count, 3)

    def test_own_dialog(self):
        """C3: nobody changes or presses the dialog of another."""
        wizard = self._open(self.orders[:2].with_user(self.dispatcher))
        other = self._create_user("fsi_other", "fieldservice.group_fsm_user", USER)
        wizard = wizard.with_user(other)
        with self.assertRaises(AccessError):
            wizard.order_ids = self.orders
        with self.assertRaises(AccessError):
            wizard.action_create_invoices()

    def test_closed_screen(self):
        """C17: the scheduled action takes over when the screen has been closed."""
        batch = self._start(self.orders.with_user(self.dispatcher)).sudo()
        self.assertNotIn(batch, batch._get_batches_to_run())
        self.assertIn(batch, self._age(batch)._get_batches_to_run())

    def test_rights(self):
        """C3: a batch is started by who may create, posts for who may post, and is
        seen and run by who started it."""
        worker = self.orders.with_user(self.worker)
        with self.assertRaises(AccessError):
            worker.action_create_invoice()
        orders = self.orders.with_user(self.dispatcher)
        with self.assertRaises(AccessError):
            self._start(orders, closing="post")
        batch = self._start(orders)
        with self.assertRaises(AccessError):
            batch.with_user(self.worker).action_run_step()
        with self.assertRaises(AccessError):
            batch.with_user(self.manager).action_run_step()
        with self.assertRaises(AccessError):
            batch.with_user(self.dispatcher).write({"user_id": self.manager.id})
        other = self._create_user("fsi_other", "fieldservice.group_fsm_dispatcher")
        other.group_ids += self.env.ref(
            "fieldservice_invoicing.group_service_invoice_user"
        )
        with self.assertRaises(AccessError):
            batch.with_user(other).action_stop()
        batch.with_user(self.manager).action_stop()
        batch.with_user(self.manager).action_resume()
        self.assertEqual(batch.sudo().user_id, self.manager)
