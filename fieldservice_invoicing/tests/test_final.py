# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64

from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MANAGER, ServiceInvoicingCommon

ACCOUNTANT = "account.group_account_manager"
# What stays free on an issued document, as in Odoo. With what is kept it is all that
# the addon `account` stores or lets enter: see test_every_field.
FREE_ON_DOCUMENT = {
    # payment and follow-up
    "payment_reference",
    "invoice_date_due",
    "preferred_payment_method_line_id",
    "qr_code_method",
    "no_followup",
    "payment_ids",
    "matched_payment_ids",
    "statement_line_ids",
    "exchange_diff_partial_ids",
    # references and people
    "ref",
    "invoice_user_id",
    "invoice_source_email",
    "checked",
    # sending, files and chatter
    "is_move_sent",
    "sending_data",
    "invoice_pdf_report_file",
    "attachment_ids",
    "message_main_attachment_id",
    "message_follower_ids",
    "message_partner_ids",
    "message_ids",
    "website_message_ids",
    "audit_trail_message_ids",
    "activity_ids",
    "activity_summary",
    "activity_type_id",
    "activity_user_id",
    "activity_date_deadline",
    "access_token",
    # entries made of the document; they have their own locks
    "reversal_move_ids",
    "auto_post_origin_id",
    "adjusting_entries_move_ids",
    "adjusting_entry_origin_move_ids",
    "tax_cash_basis_created_move_ids",
    # lines, each of which is locked itself
    "journal_line_ids",
    # locked but for what Odoo has to write, see account.move.write
    "state",
    "payment_state",
    "inalterable_hash",
    # Odoo's own notes
    "made_sequence_gap",
    "is_manually_modified",
}
FREE_ON_LINE = {
    "date_maturity",
    "no_followup",
    "analytic_distribution",
    "analytic_line_ids",
    # reconciliation
    "matching_number",
    "full_reconcile_id",
    "matched_debit_ids",
    "matched_credit_ids",
    "reconciled_lines_ids",
}
LOGGED = {
    "id",
    "create_uid",
    "create_date",
    "write_uid",
    "write_date",
    # with the addon `rating`, on whatever has a chatter
    "rating_ids",
}


class FinalCommon(ServiceInvoicingCommon):
    """An issued invoice, and an issued credit note for another."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()
        cls.admin = cls._create_user(
            "fsi_admin", "base.group_system", MANAGER, ACCOUNTANT
        )
        cls.auditor = cls._create_user("fsi_auditor", "account.group_account_readonly")
        cls.order.payment_term_id = False
        cls.invoice = cls.order._create_invoices()
        cls.invoice.action_post()
        other = cls._create_order()._create_invoices()
        other.action_post()
        cls.credit_note = other._reverse_moves(
            [{"invoice_date": other.invoice_date}], cancel=False
        )
        cls.credit_note.action_post()
        cls.documents = cls.invoice | cls.credit_note

    def _as(self, user, records):
        """Records as a user; the superuser stays in superuser mode."""
        return records.with_env(records.env(user=user.id, su=user._is_superuser()))

    def _get_state(self):
        """All that the issued documents keep (dict), to compare."""
        self.env.flush_all()
        self.env.invalidate_all()
        return {
            record: record.read(sorted(record._get_issued_fields()), load=None)
            for records in (self.documents, self.documents.line_ids)
            for record in records
        }

    def _assert_refused(self, method, *args, name=None):
        """The document is named, so is the reason and the way out."""
        with (
            self.assertRaisesRegex(
                UserError, f"{name or self.invoice.name} is issued.*credit note"
            ),
            self.env.cr.savepoint(),
        ):
            method(*args)


@tagged("post_install", "-at_install")
class TestFields(FinalCommon):
    """D2: field by field."""

    def _get_fields(self, model):
        """Fields of the addon `account` that are stored or can be entered."""
        return {
            field.name
            for field in self.env["ir.model.fields"].search([("model", "=", model)])
            if "account" in field.modules.split(", ")
            and field.name not in LOGGED
            and (field.store or self.env[model]._fields[field.name].inverse)
        }

    def test_every_field(self):
        """Each field is kept or free by decision: one that a new version of Odoo adds
        is noticed here."""
        for model, free in (
            ("account.move", FREE_ON_DOCUMENT),
            ("account.move.line", FREE_ON_LINE),
        ):
            kept = self.env[model]._get_issued_fields()
            self.assertFalse(kept & free, model)
            self.assertFalse(self._get_fields(model) - kept - free, model)
            self.assertFalse(kept - set(self.env[model]._fields), model)

    def _get_other_value(self, record, name):
        """A value that would change a field."""
        field = record._fields[name]
        value = record[name]
        if field.type in ("many2many", "one2many"):
            return [Command.create({"name": "x"})]
        if field.type == "many2one":
            other = self.env[field.comodel_name].with_context(active_test=False)
            return other.search([("id", "!=", value.id)], limit=1).id or value.id + 1
        if field.type == "selection":
            names = field.get_values(self.env)
            return next(name for name in names if name != value)
        if field.type == "boolean":
            return not value
        if field.type in ("integer", "float", "monetary"):
            return value + 1
        if field.type == "date":
            return fields.Date.to_date("2001-01-01")
        if field.type in ("json", "binary"):
            return {"x": 1}
        return "x"

    def test_kept(self):
        """No kept field is written, on document or line, by nobody."""
        users = self.accountant | self.env.ref("base.user_root")
        before = self._get_state()
        tried = set()
        for records in (self.documents, self.documents.line_ids):
            for name in sorted(records._get_issued_fields()):
                for record in records:
                    document = record if records == self.documents else record.move_id
                    value = self._get_other_value(record, name)
                    tried.add((record._name, name))
                    for user in users:
                        with self.subTest(user=user.login, record=record, name=name):
                            self._assert_refused(
                                self._as(user, record).write,
                                {name: value},
                                name=document.name,
                            )
        kept = sum(
            len(records._get_issued_fields())
            for records in (self.documents, self.documents.line_ids)
        )
        self.assertEqual(len(tried), kept)
        self.assertEqual(self._get_state(), before)

    def test_free(self):
        """D2: what Odoo lets an accountant change of a posted invoice stays free."""
        invoice = self._as(self.accountant, self.invoice)
        texts = invoice.invoice_line_ids.mapped("name")
        self.assertFalse(invoice.invoice_payment_term_id)
        due = fields.Date.add(invoice.invoice_date, days=45)
        method = self.company_data["default_journal_bank"]
        values = {
            "payment_reference": "RF18 5390",
            "invoice_date_due": due,
            "preferred_payment_method_line_id": (
                method.inbound_payment_method_line_ids[:1].id
            ),
            "ref": "PO 1",
            "invoice_user_id": self.dispatcher.id,
            "checked": True,
        }
        for name, value in values.items():
            invoice.write({name: value})
        self.assertRecordValues(invoice, [values])
        receivable = invoice.line_ids.filtered(
            lambda line: line.display_type == "payment_term"
        )
        self.assertEqual(receivable.date_maturity, due)
        receivable.date_maturity = fields.Date.add(due, days=1)
        invoice.action_toggle_block_payment()
        self.assertEqual(invoice.payment_state, "blocked")
        invoice.action_toggle_block_payment()
        self.assertEqual(invoice.payment_state, "not_paid")
        plan = self.env["account.analytic.plan"].create({"name": "Plan"})
        analytic = self.env["account.analytic.account"].create(
            {"name": "Site", "plan_id": plan.id}
        )
        line = invoice.invoice_line_ids[0]
        line.analytic_distribution = {str(analytic.id): 100}
        self.assertEqual(line.sudo().analytic_line_ids.amount, line.price_subtotal)
        invoice.message_post(body="Hello", attachments=[("a.txt", b"a")])
        invoice.message_subscribe(self.partner_b.ids)
        invoice.activity_schedule("mail.mail_activity_data_todo")
        self.assertTrue(invoice.message_attachment_count)
        self.assertEqual(invoice.invoice_line_ids.mapped("name"), texts)

    def test_payment_state(self):
        """D2: blocking the payment is free, what Odoo computes of payments is not."""
        invoice = self._as(self.accountant, self.invoice)
        for state in ("paid", "in_payment", "partial", "reversed"):
            self._assert_refused(invoice.write, {"payment_state": state})
        self._pay(self.invoice)
        for state in ("not_paid", "blocked"):
            self._assert_refused(invoice.write, {"payment_state": state})

    def test_forged_hash(self):
        """D2: nobody enters a hash that Odoo did not compute."""
        invoice = self._as(self.accountant, self.invoice)
        self._assert_refused(invoice.write, {"inalterable_hash": "x"})
        self._as(self.accountant, self.invoice).button_hash()
        self.assertTrue(self.invoice.inalterable_hash)

    def test_terms(self):
        """D2: the free fields stay free with instalments, early discount and terms
        that changed since; the instalments stay what they were."""
        term = self.env["account.payment.term"].create(
            {
                "name": "Two",
                "line_ids": [
                    Command.create({"value_amount": 30, "nb_days": 0}),
                    Command.create({"value_amount": 70, "nb_days": 30}),
                ],
            }
        )
        early = self.env["account.payment.term"].create(
            {
                "name": "Early",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 10,
                "line_ids": [Command.create({"value_amount": 100, "nb_days": 30})],
            }
        )
        for terms in (term, early):
            order = self._create_order()
            order.payment_term_id = terms
            invoice = self._as(self.accountant, self._invoice(order, post=True))
            lines = invoice.line_ids.filtered("date_maturity")
            self.assertEqual(len(lines), len(terms.line_ids))
            before = lines.read(["debit", "date_maturity", "discount_date"])
            terms.line_ids[-1].nb_days = 60
            invoice.payment_reference = "RF18 5390"
            invoice.ref = "PO 1"
            invoice.flush_recordset()
            self.assertEqual(
                lines.read(["debit", "date_maturity", "discount_date"]), before
            )
            lines[-1].date_maturity = fields.Date.add(invoice.invoice_date, days=45)
            self._pay(invoice.sudo())


@tagged("post_install", "-at_install")
class TestRoutes(FinalCommon):
    """D2: way by way. Each leaves the documents as they were."""

    def setUp(self):
        super().setUp()
        self.before = self._get_state()

    def tearDown(self):
        self.assertEqual(self._get_state(), self.before)
        super().tearDown()

    def test_rpc(self):
        """D2: over RPC each group is refused, with the reason if it may read."""
        line = self.invoice.invoice_line_ids[0]
        calls = (
            (self.invoice, "write", [{"narration": "x"}]),
            (self.invoice, "write", [{"state": "draft"}]),
            (self.invoice, "web_save", [{"narration": "x"}, {}]),
            (self.invoice, "web_save_multi", [[{"narration": "x"}], {}]),
            (self.invoice, "button_draft", []),
            (self.invoice, "button_cancel", []),
            (self.invoice, "unlink", []),
            (line, "write", [{"price_unit": 1}]),
            (line, "web_save", [{"quantity": 1}, {}]),
            (line, "unlink", []),
        )
        for user in (
            self.worker
            | self.plain_dispatcher
            | self.dispatcher
            | self.manager
            | self.auditor
            | self.accountant
            | self.admin
        ):
            may_read = user not in self.worker | self.plain_dispatcher
            for record, method, args in calls:
                with (
                    self.subTest(user=user.login, method=method, args=args),
                    self.assertRaisesRegex(
                        UserError if may_read else AccessError,
                        f"{self.invoice.name} is issued|are not allowed to"
                        if may_read
                        else "",
                    ),
                    self.env.cr.savepoint(),
                ):
                    self.env.invalidate_all()
                    model = record.browse().with_user(user)
                    call_kw(model, method, [record.ids, *args], {})

    def test_contexts(self):
        """D2: no switch of Odoo's own in the context opens a document."""
        invoice = self._as(self.accountant, self.invoice).with_context(
            skip_readonly_check=True,
            skip_invoice_sync=True,
            check_move_validity=False,
            skip_account_move_synchronization=True,
            force_delete=True,
            dynamic_unlink=True,
            tracking_disable=True,
            install_mode=True,
        )
        self._assert_refused(invoice.write, {"invoice_date": "2020-01-01"})
        self._assert_refused(invoice.write, {"line_ids": [Command.clear()]})
        self._assert_refused(invoice.unlink)
        self._assert_refused(invoice.invoice_line_ids.write, {"price_unit": 1})
        self._assert_refused(invoice.line_ids.unlink)
        self._assert_refused(
            invoice.line_ids.create, {"move_id": invoice.id, "name": "x"}
        )

    def test_buttons(self):
        """D2: buttons of the invoice that would change it."""
        invoice = self._as(self.admin, self.invoice)
        for name in (
            "button_draft",
            "button_cancel",
            "action_switch_move_type",
            "button_request_cancel",
        ):
            with (
                self.subTest(name),
                self.assertRaises(UserError),
                self.env.cr.savepoint(),
            ):
                getattr(invoice, name)()
        self.labor.taxes_id = False
        self._assert_refused(invoice.action_update_fpos_values)
        self._assert_refused(invoice._update_order_line_info, self.product_a.id, 3)
        duplicates = invoice.copy({"invoice_date": invoice.invoice_date})
        self.assertIn(self.invoice, duplicates.duplicated_ref_ids)
        self._assert_refused(duplicates.action_delete_duplicates, name="INV.*")

    def test_currency_rate(self):
        """D2: the rate of an invoice in a foreign currency stays."""
        order = self._create_order()
        currency = self.setup_other_currency("EUR", rates=[("2020-01-01", 2)])
        order.currency_id = currency
        invoice = self._as(self.accountant, self._invoice(order, post=True))
        self.env["res.currency.rate"].create(
            {
                "currency_id": currency.id,
                "name": invoice.invoice_date,
                "rate": 7,
                "company_id": self.company.id,
            }
        )
        self.env.invalidate_all()
        self._assert_refused(invoice.refresh_invoice_currency_rate, name=invoice.name)

    def test_wizards(self):
        """D2: dialogs of Odoo Accounting that would change an issued document."""
        Resequence = self.env["account.resequence.wizard"].with_user(self.admin)
        wizard = Resequence.with_context(
            active_model="account.move", active_ids=self.invoice.ids
        ).create({"first_name": "INV/2000/00001"})
        self._assert_refused(wizard.resequence)
        move_line = self.invoice.invoice_line_ids[0]
        automatic = (
            self.env["account.automatic.entry.wizard"]
            .with_context(active_model="account.move.line", active_ids=move_line.ids)
            .create(
                {
                    "action": "change_account",
                    "destination_account_id": (
                        self.company_data["default_account_assets"].id
                    ),
                    "journal_id": self.company_data["default_journal_misc"].id,
                }
            )
        )
        self.assertTrue(automatic.do_action()["res_id"], "an entry of its own")
        self.company.with_user(
            self.admin
        ).fiscalyear_lock_date = self.invoice.invoice_date

    def test_import(self):
        """D2: an import, of the document or its lines, says why it is refused."""
        Move = self.env["account.move"].with_user(self.accountant)
        line = self.invoice.invoice_line_ids[0]
        for model, names, rows in (
            (Move, [".id", "narration"], [[str(self.invoice.id), "x"]]),
            (Move, [".id", "state"], [[str(self.invoice.id), "draft"]]),
            (Move, [".id", "name"], [[str(self.invoice.id), "INV/1999/00001"]]),
            (
                Move,
                [".id", "invoice_line_ids/.id", "invoice_line_ids/price_unit"],
                [[str(self.invoice.id), str(line.id), "1"]],
            ),
            (
                Move,
                [".id", "invoice_line_ids/name", "invoice_line_ids/price_unit"],
                [[str(self.invoice.id), "x", "1"]],
            ),
            (
                line.browse().with_user(self.accountant),
                [".id", "price_unit"],
                [[str(line.id), "1"]],
            ),
        ):
            with self.subTest(names=names):
                result = model.load(names, rows)
                self.assertFalse(result["ids"])
                self.assertIn(
                    f"{self.invoice.name} is issued", result["messages"][0]["message"]
                )

    def test_server_actions(self):
        """D2: server actions, run by an accountant, on one or many documents."""
        model = self.env["ir.model"]._get("account.move")
        Action = self.env["ir.actions.server"]
        update = Action.create(
            {
                "name": "Update",
                "model_id": model.id,
                "state": "object_write",
                "update_path": "invoice_origin",
                "value": "x",
            }
        )
        codes = (
            "records.write({'narration': 'x'})",
            "records.button_draft()",
            "records.sudo().write({'state': 'draft'})",
            "records.sudo().invoice_line_ids.write({'price_unit': 1})",
            "records.sudo().line_ids.unlink()",
            "records.sudo().service_order_link_ids.unlink()",
            "records.sudo().with_context(force_delete=True).unlink()",
        )
        actions = update | Action.create(
            [
                {"name": "Code", "model_id": model.id, "state": "code", "code": code}
                for code in codes
            ]
        )
        multi = Action.create(
            {
                "name": "Several",
                "model_id": model.id,
                "state": "multi",
                "child_ids": [Command.set(update.ids)],
            }
        )
        for action in actions | multi:
            with self.subTest(action.code or action.state):
                self._assert_refused(
                    action.with_user(self.accountant)
                    .with_context(
                        active_model="account.move",
                        active_id=self.invoice.id,
                        active_ids=self.invoice.ids,
                    )
                    .run
                )

    def test_claims(self):
        """D2: the claim that makes it a service invoice is not taken away, given to
        another or added to, not even in superuser mode."""
        link = self.invoice.sudo().service_order_link_ids
        draft = self._invoice(self._create_order())
        for values in (
            {"move_id": draft.id},
            {"order_id": self._create_order().id},
            {"slot": "x"},
            {"is_active": False},
        ):
            self._assert_refused(link.write, values)
        self._assert_refused(link.write, {"issued_values": {"name": "x"}})
        self._assert_refused(link.write, {"issued_signature": False})
        self._assert_refused(link.unlink)
        self._assert_refused(
            draft.sudo().service_order_link_ids.write, {"move_id": self.invoice.id}
        )
        self._assert_refused(
            link.create,
            {"move_id": self.invoice.id, "order_id": self.order.id, "slot": "x"},
        )
        self._assert_refused(
            self.order.sudo().write, {"invoice_link_ids": [Command.clear()]}
        )

    def test_order(self):
        """D2: the order and its lines are kept with the document."""
        order_line = self.order.line_ids[0]
        with self.assertRaisesRegex(UserError, self.invoice.name):
            self.order.sudo().unlink()
        with self.assertRaisesRegex(UserError, self.order.name):
            order_line.sudo().unlink()
        for commands in (
            [Command.clear()],
            [Command.unlink(order_line.invoice_line_ids.id)],
            [Command.update(order_line.invoice_line_ids.id, {"quantity": 1})],
        ):
            self._assert_refused(
                order_line.sudo().write, {"invoice_line_ids": commands}
            )
        order_line.sudo().write({"quantity": 9, "price_unit": 9, "name": "x"})
        self.order.location_id = self._create_location(self.partner_b)

    def test_other_records(self):
        """D2: commands through records that have a list of documents or lines."""
        partner = self.invoice.partner_id.sudo()
        for commands in (
            [Command.unlink(self.invoice.id)],
            [Command.delete(self.invoice.id)],
            [Command.update(self.invoice.id, {"narration": "x"})],
        ):
            self._assert_refused(partner.write, {"invoice_ids": commands})
        draft = self.init_invoice("out_invoice", products=self.product_a)
        line = self.invoice.invoice_line_ids[0]
        for name in ("line_ids", "invoice_line_ids", "journal_line_ids"):
            for commands in (
                [Command.link(line.id)],
                [Command.update(line.id, {"name": "x"})],
                [Command.delete(line.id)],
            ):
                self._assert_refused(draft.sudo().write, {name: commands})
            self._assert_refused(
                self.invoice.sudo().write,
                {name: [Command.link(draft.invoice_line_ids[0].id)]},
            )
        other = self._create_order()
        self._assert_refused(
            self._invoice(other).sudo().write,
            {"reversal_move_ids": [Command.link(self.credit_note.id)]},
            name=self.credit_note.name,
        )

    def test_forged_credit(self):
        """D2, C5: no posted document becomes the credit note of an issued invoice,
        which would free its order."""
        refund = self.init_invoice("out_refund", products=self.product_a, post=True)
        for user in (self.accountant, self.env.ref("base.user_root")):
            self._assert_refused(
                self._as(user, refund).write, {"reversed_entry_id": self.invoice.id}
            )
            self._assert_refused(
                self._as(user, self.invoice).write,
                {"reversal_move_ids": [Command.link(refund.id)]},
            )
        self.assertEqual(self.order.active_invoice_id, self.invoice)

    def test_copy(self):
        """D1, C5: a copy has neither number nor claim, nor bills the order."""
        duplicate = self._as(self.accountant, self.invoice).copy()
        self.assertFalse(duplicate.name)
        self.assertFalse(duplicate.is_service_invoice)
        self.assertFalse(duplicate.invoice_line_ids.fsm_order_line_id)
        with self.assertRaisesRegex(UserError, self.order.name):
            self._as(self.accountant, self.invoice).with_context(
                include_business_fields=True
            ).copy()

    def test_master_data(self):
        """D2: what a document refers to is not deleted under it, however it is kept."""
        exempt = self.env["account.tax"].create({"name": "Exempt", "amount": 0})
        self.part.taxes_id = exempt
        incoterm = self.env["account.incoterms"].create({"name": "X", "code": "X"})
        rounding = self.env["account.cash.rounding"].create(
            {
                "name": "X",
                "rounding": 0.05,
                "profit_account_id": self.company_data["default_account_revenue"].id,
                "loss_account_id": self.company_data["default_account_expense"].id,
            }
        )
        invoice = self._invoice(self._create_order())
        invoice.write(
            {
                "invoice_incoterm_id": incoterm.id,
                "invoice_cash_rounding_id": rounding.id,
                "partner_shipping_id": self.env["res.partner"].create({"name": "X"}).id,
            }
        )
        invoice.action_post()
        by_odoo = (
            invoice.partner_id,
            invoice.invoice_payment_term_id,
            invoice.invoice_line_ids.account_id,
            invoice.invoice_line_ids.product_uom_id,
        )
        by_database = (self.labor, invoice.journal_id)
        by_lock = (exempt, incoterm, rounding, invoice.partner_shipping_id)
        for records, error, message in (
            (by_odoo, UserError, ""),
            (by_database, IntegrityError, ""),
            (by_lock, UserError, f"can not be deleted: .* {invoice.name}"),
            ((self.tax,), UserError, "can not be deleted: .* R?INV"),
        ):
            for record in records:
                with (
                    self.subTest(record),
                    mute_logger("odoo.sql_db"),
                    self.assertRaisesRegex(error, message),
                    self.env.cr.savepoint(),
                ):
                    record.sudo().unlink()
        self.company.service_invoice_lock = False
        exempt.unlink()
        incoterm.unlink()
        invoice.partner_shipping_id.unlink()
        self.company.service_invoice_lock = True


@tagged("post_install", "-at_install")
class TestSwitches(FinalCommon):
    """D2: the lock is the company's decision, and nothing else's."""

    def test_service_invoicing_off(self):
        """C2, D2: issued documents stay locked while service invoicing is off."""
        self.company.service_invoicing = False
        for document in self._as(self.accountant, self.documents):
            self._assert_refused(document.write, {"narration": "x"}, name=document.name)
            self._assert_refused(document.button_draft, name=document.name)
            self._assert_refused(document.invoice_line_ids.unlink, name=document.name)

    def test_who_switches(self):
        """D2: the lock is switched by administrators only, and the company's chatter
        says who did it and when."""
        for user in self.accountant | self.manager | self.auditor:
            with self.assertRaises(AccessError):
                self.company.with_user(user).service_invoice_lock = False
        self.cr.flush()  # tracking leaves out what one transaction creates
        self.company.with_user(self.admin).with_context(
            tracking_disable=False, mail_notrack=False
        ).service_invoice_lock = False
        self.env.flush_all()
        self.cr.flush()
        self.env.invalidate_all()
        message = self.company.message_ids[0]
        self.assertEqual(message.author_id, self.admin.partner_id)
        self.assertEqual(
            message.sudo().tracking_value_ids.field_id.name, "service_invoice_lock"
        )

    def test_lock_off(self):
        """D2: without the lock an issued document is Odoo's, line by line."""
        self.company.service_invoice_lock = False
        invoice = self._as(self.accountant, self.invoice)
        invoice.narration = "x"
        invoice.invoice_line_ids[0].name = "Other"
        invoice.button_draft()
        invoice.invoice_line_ids[0].price_unit = 7
        invoice.action_post()
        self.assertEqual(invoice.amount_untaxed, 2.5 * 7 + 275)

    def test_parent_company(self):
        """D2: a customer may get a parent company. The document stays, and over RPC
        nobody takes this way to another customer."""
        line = self.invoice.line_ids.filtered("date_maturity")
        self._assert_refused(
            line.with_user(self.accountant).with_context(bypass_lock_check=True).write,
            {"partner_id": self.partner_b.id},
        )
        partner = self.invoice.partner_id
        group = partner.create({"name": "Group", "is_company": True})
        before = self.invoice._get_document_values()
        partner.parent_id = group
        self.assertEqual(line.partner_id, group)
        self.assertEqual(self.invoice.commercial_partner_id, group)
        self.assertEqual(self.invoice.partner_id, partner)
        self.assertEqual(self.invoice._get_document_values(), before)

    def test_attached_files(self):
        """D2: a file on the chatter of an issued document changes nothing of it."""
        before = self._get_state()
        self.invoice.with_user(self.accountant).message_post(
            body="x", attachments=[("a.xml", base64.b64encode(b"<Invoice/>"))]
        )
        self.assertEqual(self._get_state(), before)
