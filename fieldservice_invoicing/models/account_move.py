# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from .res_company import GROUP_MANAGER, get_superuser_env

CANCELLATION = (
    "service_cancel_reason",
    "service_cancel_user_id",
    "service_cancel_date",
)


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ("account.move", "service.discount.mixin")

    service_order_link_ids = fields.One2many(
        "fsm.order.invoice",
        "move_id",
        string="Billed Service Orders",
        readonly=True,
        copy=False,
    )
    service_order_ids = fields.Many2many(
        "fsm.order",
        string="Service Orders",
        compute="_compute_service_order_ids",
        search="_search_service_order_ids",
        compute_sudo=True,
        groups="fieldservice.group_fsm_user_own",
    )
    service_invoicing = fields.Boolean(related="company_id.service_invoicing")
    service_order_count = fields.Integer(
        compute="_compute_service_order_ids",
        compute_sudo=True,
        groups="fieldservice.group_fsm_user_own",
    )
    is_service_invoice = fields.Boolean(
        string="Service Invoice",
        compute="_compute_is_service_invoice",
        search="_search_is_service_invoice",
        compute_sudo=True,
        help="An invoice of service orders, or a credit note for one.",
    )
    service_invoice_status = fields.Selection(
        [
            ("draft", "Draft"),
            ("posted", "Posted"),
            ("overdue", "Overdue"),
            ("partial", "Partially Paid"),
            ("paid", "Paid"),
            ("credited", "Credited"),
            ("cancel", "Cancelled"),
        ],
        compute="_compute_service_invoice_status",
        compute_sudo=True,
    )
    service_tax_treatment = fields.Selection(
        [
            ("default", "Taxes of the lines"),
            ("tax", "One tax for all lines"),
            ("exempt", "Exempt"),
        ],
        string="Tax Treatment",
        readonly=True,
        copy=False,
        help="The tax treatment that was chosen when the invoice was created.",
    )
    service_tax_id = fields.Many2one("account.tax", readonly=True, copy=False)
    service_replaces_id = fields.Many2one(
        "account.move",
        string="Replaces",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The service invoice that was credited and created anew as this one.",
    )
    service_cancel_reason = fields.Char(
        string="Cancellation Reason", readonly=True, copy=False
    )
    service_cancel_user_id = fields.Many2one(
        "res.users", string="Cancelled by", readonly=True, copy=False
    )
    service_cancel_date = fields.Datetime(
        string="Cancelled on", readonly=True, copy=False
    )
    can_cancel_service_invoice = fields.Boolean(
        compute="_compute_can_cancel_service_invoice"
    )
    # The invoice form shows both also to those who read service invoices and have
    # no access to payments and reconciliations.
    payment_count = fields.Integer(compute_sudo=True)
    has_reconciled_entries = fields.Boolean(compute_sudo=True)

    # ------------------------------------------------------------------
    # What the invoice bills, and where it stands
    # ------------------------------------------------------------------

    def _get_service_order_links(self):
        """Claims (`fsm.order.invoice`, superuser mode) that these invoices hold, or
        that these credit notes give up."""
        moves = self.sudo()
        return (moves | moves.reversed_entry_id).service_order_link_ids

    def _get_claimed_orders(self):
        """Orders (`fsm.order`) that these moves (superuser mode) claim, or those that
        they reverse or replace, however often."""
        moves = self
        while more := (moves.reversed_entry_id | moves.service_replaces_id) - moves:
            moves |= more
        return moves.service_order_link_ids.order_id

    @api.depends(
        "service_order_link_ids.order_id",
        "reversed_entry_id.service_order_link_ids.order_id",
    )
    def _compute_service_order_ids(self):
        for move in self:
            move.service_order_ids = move._get_service_order_links().order_id
            move.service_order_count = len(move.service_order_ids)

    @api.model
    def _search_service_order_ids(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        links = Domain("service_order_link_ids.order_id", operator, value)
        return links | Domain("reversed_entry_id", "any", links)

    @api.depends("service_order_link_ids", "reversed_entry_id.service_order_link_ids")
    def _compute_is_service_invoice(self):
        for move in self:
            move.is_service_invoice = bool(move._get_service_order_links())

    @api.model
    def _search_is_service_invoice(self, operator, value):
        if operator != "in":
            return NotImplemented
        billed = Domain("service_order_link_ids", "!=", False)
        return billed | Domain("reversed_entry_id.service_order_link_ids", "!=", False)

    @api.depends("state", "payment_state", "invoice_date_due", "service_cancel_date")
    def _compute_service_invoice_status(self):
        today = fields.Date.context_today(self)
        for move in self:
            if move.state != "posted":
                status = move.state
            elif move.payment_state in ("paid", "in_payment"):
                status = "paid"
            elif move.payment_state == "reversed":
                status = "cancel" if move.service_cancel_date else "credited"
            elif move.invoice_date_due and move.invoice_date_due < today:
                status = "overdue"
            elif move.payment_state == "partial":
                status = "partial"
            else:
                status = "posted"
            move.service_invoice_status = status

    # ------------------------------------------------------------------
    # Cancel
    # ------------------------------------------------------------------

    @api.depends_context("uid")
    @api.depends("state", "payment_state", "company_id.service_invoicing")
    def _compute_can_cancel_service_invoice(self):
        may_cancel = self.env.user.has_group(GROUP_MANAGER)
        for move in self:
            move.can_cancel_service_invoice = (
                may_cancel
                and move.company_id.service_invoicing
                and not move.sudo()._get_cancel_refusal()
            )

    def _get_cancel_refusal(self):
        """Why the service invoice (one record) can not be cancelled.

        :return: message (str), or False when it can be cancelled
        """
        self.ensure_one()
        name = self.display_name
        if self.move_type != "out_invoice" or not self.service_order_link_ids:
            return self.env._("%s is not an invoice of a service order.", name)
        if not any(self.service_order_link_ids.mapped("is_active")):
            return self.env._("This invoice is already cancelled.\n%s", name)
        if self.state == "draft":
            return False
        unpaid = self.payment_state in ("not_paid", "blocked")
        credited = bool(self.service_order_link_ids._get_credit_notes())
        if self.currency_id.is_zero(self.amount_total) or (unpaid and not credited):
            return self._get_draft_credit_note_refusal()
        if unpaid or self._is_partly_credited_only():
            return self.env._(
                "%s is credited in part. Add a credit note for the rest instead.", name
            )
        return self.env._(
            "A paid invoice cannot be cancelled.\n%s: reverse its payment first, or "
            "add a credit note.",
            name,
        )

    def _get_draft_credit_note_refusal(self):
        """Refusal (str or False) for one invoice that a draft credit note is for."""
        draft = self.reversal_move_ids.filtered(lambda move: move.state == "draft")[:1]
        return bool(draft) and self.env._(
            "%(invoice)s has a draft credit note (%(draft)s), which would credit it a "
            "second time. Confirm or delete that one first.",
            invoice=self.display_name,
            draft=draft.display_name,
        )

    def _is_partly_credited_only(self):
        """Whether credit notes, and no payment, lowered the amount due (bool)."""
        self.ensure_one()
        counterparts = self.env["account.move.line"].union(
            *(values["aml"] for values in self._get_all_reconciled_invoice_partials())
        )
        return bool(counterparts) and all(
            move.move_type == "out_refund" for move in counterparts.move_id
        )

    def action_cancel_service_invoice(self):
        """Open the Cancel Invoice dialog for these invoices (action dict).

        :raise UserError: one of them can not be cancelled
        """
        self._ensure_can_be_cancelled()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Cancel Invoice"),
            "res_model": "fsm.order.cancel.invoice",
            "view_mode": "form",
            "target": "new",
            "context": {"default_move_ids": self.ids},
        }

    def _ensure_can_be_cancelled(self):
        """Refuse invoices that can not be cancelled: the one place for each reason.

        :raise UserError: names the invoice, the reason and the way out
        :raise AccessError: the user may not cancel, or not see the invoice
        """
        self.check_access("read")
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        for move in self.sudo():
            if reason := move._get_cancel_refusal():
                raise UserError(reason)

    def _cancel_service_invoices(self, reason):
        """Cancel invoices of service orders, and free the orders.

        A draft is cancelled as it is. A posted one keeps its number: a full credit
        note is posted and reconciled with it. Called by the Cancel Invoice dialog.

        :param str reason: why, shown on invoice and order
        :return: posted credit notes (`account.move`), in superuser mode
        :raise UserError: an invoice can not be cancelled, or there is no reason
        """
        self._ensure_can_be_cancelled()
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Give the reason for the cancellation."))
        moves = self.with_env(get_superuser_env(self.env))
        # Written first: of two people at once the second one's transaction fails
        # here and is run again, then finds the invoice cancelled.
        moves.write(
            {
                "service_cancel_reason": reason,
                "service_cancel_user_id": self.env.uid,
                "service_cancel_date": fields.Datetime.now(),
            }
        )
        moves.filtered(lambda move: move.state == "draft").button_cancel()
        posted = moves.filtered(lambda move: move.state == "posted")
        credit_notes = posted._reverse_moves(
            [move._prepare_cancelling_credit_note(reason) for move in posted],
            cancel=True,
        )
        moves._log_cancelled(reason)
        return credit_notes

    def _prepare_cancelling_credit_note(self, reason):
        """Values (dict) of the credit note that cancels one posted invoice."""
        self.ensure_one()
        today = max(fields.Date.context_today(self), self.invoice_date)
        env = self.with_context(lang=self.partner_id.lang or self.env.lang).env
        return {
            "ref": env._(
                "Cancellation of %(invoice)s: %(reason)s",
                invoice=self.name,
                reason=reason,
            ),
            "date": today,
            "invoice_date": today,
            "invoice_date_due": today,
            "invoice_payment_term_id": False,
            "invoice_user_id": self.invoice_user_id.id,
            "invoice_origin": self.invoice_origin,
        }

    # ------------------------------------------------------------------
    # Follow the invoice through accounting
    # ------------------------------------------------------------------

    def _post(self, soft=True):
        self._check_not_to_exceed()
        posted = super()._post(soft=soft)
        invoices = posted.filtered(lambda move: move.move_type == "out_invoice")
        invoices._log_on_service_orders(self.env._("Invoice posted: %s"))
        credit_notes = posted.filtered(lambda move: move.move_type == "out_refund")
        credit_notes._log_on_service_orders(self.env._("Credit note posted: %s"))
        return posted

    def _invoice_paid_hook(self):
        res = super()._invoice_paid_hook()
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        invoices._log_on_service_orders(self.env._("Invoice paid: %s"))
        return res

    def _log_cancelled(self, reason):
        """Note a cancellation (str reason) on the invoices and their orders."""
        self._log_on_service_orders(
            self.env._("Invoice cancelled: %s"), self.env._("Reason: %s", reason)
        )
        note = self.env._("Cancelled: %s", reason)
        self._message_log_batch(bodies={move.id: note for move in self})

    def _log_on_service_orders(self, template, detail=""):
        """Add a note to the orders of these invoices or credit notes.

        :param str template: translated text with one ``%s`` for the linked document
        :param str detail: plain text that follows
        """
        bodies = defaultdict(Markup)
        for move in self:
            body = Markup("%s %s") % (Markup(template) % move._get_html_link(), detail)
            for order in move._get_service_order_links().order_id:
                bodies[order.id] += body
        orders = self.env["fsm.order"].sudo().browse(bodies)
        orders._message_log_batch(bodies=bodies)

    def _check_service_invoice_total(self):
        """Refuse service invoices with a negative total.

        :raise UserError: names the order and the way out
        """
        for move in self:
            if move.currency_id.compare_amounts(move.amount_total, 0.0) < 0:
                raise UserError(
                    self.env._(
                        "The invoice of service order %(order)s would be negative "
                        "(%(total)s). Lower its rebates, or give the customer a "
                        "credit note for the earlier invoice.",
                        order=", ".join(
                            move.service_order_link_ids.order_id.mapped("name")
                        ),
                        total=move.currency_id.format(move.amount_total),
                    )
                )

    def _check_not_to_exceed(self):
        """Refuse invoices above what the customers of their orders agreed to.

        Called when an invoice is created, refreshed and posted.

        :raise UserError: names the order, by how much, and the way out
        """
        links = self.sudo().service_order_link_ids.filtered("is_active")
        for link in links.filtered("order_id.not_to_exceed"):
            order = link.order_id
            limit, currency = order.not_to_exceed, order.currency_id
            amount = link.currency_id._convert(
                link.amount_untaxed,
                currency,
                order.company_id,
                link.invoice_date or fields.Date.context_today(self),
            )
            if currency.compare_amounts(amount, limit) > 0:
                raise UserError(
                    self.env._(
                        "The invoice of service order %(order)s comes to %(amount)s "
                        "before taxes, %(excess)s above its not-to-exceed amount of "
                        "%(limit)s. Lower it, or agree on a higher amount with the "
                        "customer and enter that on the order.",
                        order=order.name,
                        amount=currency.format(amount),
                        excess=currency.format(amount - limit),
                        limit=currency.format(limit),
                    )
                )

    @api.constrains("service_replaces_id")
    def _check_service_replaces(self):
        """Only a credited service invoice of the same company is replaced."""
        for move in self.sudo().filtered("service_replaces_id"):
            replaced = move.service_replaces_id
            links = replaced.service_order_link_ids
            if (
                not links
                or any(links.mapped("is_active"))
                or replaced.company_id != move.company_id
            ):
                raise ValidationError(
                    self.env._(
                        "%(document)s can not replace %(replaced)s, which is no "
                        "credited service invoice of %(company)s. Credit that one "
                        "first, today and in full.",
                        document=move.display_name,
                        replaced=replaced.display_name,
                        company=move.company_id.name,
                    )
                )

    @api.constrains("move_type", "company_id")
    def _check_service_invoice_type(self):
        """What bills service orders is a customer invoice of their company."""
        for move in self.sudo():
            orders = move.service_order_link_ids.order_id
            if orders and (
                move.move_type != "out_invoice" or orders.company_id != move.company_id
            ):
                raise ValidationError(
                    self.env._(
                        "%(document)s bills service order %(orders)s: it has to stay a "
                        "customer invoice of %(company)s. Cancel it instead.",
                        document=move.display_name,
                        orders=", ".join(orders.mapped("name")),
                        company=", ".join(orders.company_id.mapped("name")),
                    )
                )

    def button_draft(self):
        self._ensure_not_issued()
        self._get_service_order_links()._ensure_can_be_active()
        res = super().button_draft()
        # without its credit note a cancelled invoice stands again
        moves = self.sudo()
        (moves | moves.reversed_entry_id).filtered("service_cancel_date").write(
            {
                "service_cancel_reason": False,
                "service_cancel_user_id": False,
                "service_cancel_date": False,
            }
        )
        return res

    # ------------------------------------------------------------------
    # An issued service invoice is final
    # ------------------------------------------------------------------

    def _get_issued(self):
        """Those of these moves that are issued, locked service invoices or credit
        notes (`account.move`)."""
        return self.filtered(
            lambda move: (
                move.state == "posted"
                and move.move_type in ("out_invoice", "out_refund")
                and move.company_id.sudo().service_invoice_lock
                and move.is_service_invoice
            )
        )

    @api.depends("company_id.service_invoice_lock", "service_order_link_ids")
    def _compute_show_reset_to_draft_button(self):
        res = super()._compute_show_reset_to_draft_button()
        self._get_issued().show_reset_to_draft_button = False
        return res

    def _ensure_not_issued(self):
        """Refuse to change issued service invoices, while the company locks them.

        :raise UserError: names the document and the way out
        """
        if issued := self._get_issued():
            raise UserError(
                self.env._(
                    "%(document)s is issued and can not be changed, reset to draft or "
                    "deleted. Correct it by a credit note and a new invoice.",
                    document=", ".join(issued.mapped("name")),
                )
            )

    @api.model
    def _get_issued_fields(self):
        """Names (set) of the fields that an issued service invoice keeps."""
        return {
            "name",
            "move_type",
            "partner_id",
            "partner_shipping_id",
            "invoice_date",
            "date",
            "journal_id",
            "company_id",
            "currency_id",
            "invoice_currency_rate",
            "fiscal_position_id",
            "invoice_payment_term_id",
            "invoice_cash_rounding_id",
            "invoice_line_ids",
            "line_ids",
            "invoice_origin",
            "narration",
            "reversed_entry_id",
            "service_order_link_ids",
            "service_replaces_id",
            "service_discount_type",
            "service_discount_value",
            "invoice_partner_display_name",
            "amount_untaxed",
            "amount_tax",
            "amount_total",
        }

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        if moves.filtered(lambda move: any(move[name] for name in CANCELLATION)):
            moves._ensure_not_entered()
        return moves

    def _ensure_not_entered(self):
        """Keep true who cancelled, when and why, and which invoice another replaces:
        the addon writes them in superuser mode, nobody enters them over RPC.

        :raise UserError: names the document and the way out
        """
        if not self.env.su:
            raise UserError(
                self.env._(
                    "%(document)s: who cancelled it, when and why, and what it "
                    "replaces is recorded and can not be entered. Use “Cancel "
                    "Invoice” or “Credit Note”.",
                    document=", ".join(self.mapped("display_name")),
                )
            )

    def write(self, vals):
        if vals.keys() & {*CANCELLATION, "service_replaces_id"}:
            self._ensure_not_entered()
        if names := vals.keys() & self._get_issued_fields():
            self._get_issued().filtered(
                lambda move: any(
                    self._field_will_change(move, vals, name) for name in names
                )
            )._ensure_not_issued()
        if vals.get("state", "posted") != "posted":
            self._ensure_not_issued()
        self._ensure_service_discount_can_change(vals)
        return super().write(vals)

    def unlink(self):
        self.check_access("unlink")
        self._ensure_not_issued()
        # the database would cascade past the ORM, which has to tell the orders
        self.sudo().service_order_link_ids.unlink()
        return super().unlink()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def _get_move_display_name(self, show_ref=False):
        # Odoo names drafts, but not what was cancelled before it had a number
        name = super()._get_move_display_name(show_ref=show_ref)
        unnamed = self.state == "cancel" and self.name in (False, "/")
        if unnamed and self.is_service_invoice:
            kind = (
                self.env._("Cancelled Credit Note")
                if self.move_type == "out_refund"
                else self.env._("Cancelled Invoice")
            )
            return f"{kind} {name}".strip()
        return name

    def _get_service_invoice_action(self, name):
        """Action (dict) that shows these service invoices: a form for one."""
        action = self.env["ir.actions.actions"]._for_xml_id(
            "fieldservice_invoicing.action_service_invoices"
        )
        action["name"] = name
        action["domain"] = [("id", "in", self.ids)]
        action["context"] = {"create": False}
        if len(self) == 1:
            action["views"] = [(False, "form")]
            action["res_id"] = self.id
        return action

    def action_view_service_orders(self):
        """Open the service orders that these documents bill (action dict)."""
        self.check_access("read")
        self.company_id._ensure_service_invoicing("fieldservice.group_fsm_user_own")
        orders = self._get_service_order_links().order_id.sudo(False)
        orders.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "fieldservice.action_fsm_operation_order"
        )
        action["domain"] = [("id", "in", orders.ids)]
        if len(orders) == 1:
            action["views"] = [(False, "form")]
            action["res_id"] = orders.id
        return action

    # ------------------------------------------------------------------
    # Taxes and discounts
    # ------------------------------------------------------------------

    def _get_sync_stack(self, container):
        stack, update_containers = super()._get_sync_stack(container)
        # left before taxes and payment terms, which follow from the invoice lines
        stack.append((90, self._sync_service_discount(container)))
        return stack, update_containers

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        if self.env.context.get("include_business_fields"):
            # Odoo's own switch of what is made to reverse a document or to replace it
            for move, vals in zip(self, vals_list, strict=True):
                vals["service_discount_type"] = move.service_discount_type
                vals["service_discount_value"] = move.service_discount_value
        return vals_list

    @api.depends("service_discount_type", "service_discount_value")
    def _compute_tax_totals(self):
        return super()._compute_tax_totals()

    def _get_rounded_base_and_tax_lines(self, round_from_tax_lines=True):
        base_lines, tax_lines = super()._get_rounded_base_and_tax_lines(
            round_from_tax_lines=round_from_tax_lines
        )
        if not self.id and self.is_sale_document():
            base_lines = self._preview_service_discount(base_lines)
        return base_lines, tax_lines

    def _prepare_product_base_line_for_taxes_computation(self, product_line):
        base_line = super()._prepare_product_base_line_for_taxes_computation(
            product_line
        )
        if self.is_invoice(include_receipts=True):
            product_line._apply_discount_amount(
                base_line, product_line.service_discount_amount
            )
        if product_line.is_service_discount:
            base_line["special_type"] = "global_discount"
        return base_line
