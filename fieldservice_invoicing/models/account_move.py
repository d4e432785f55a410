# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from odoo.addons.account.models.account_move import BYPASS_LOCK_CHECK

from .res_company import GROUP_MANAGER, get_superuser_env

CANCELLATION = (
    "service_cancel_reason",
    "service_cancel_user_id",
    "service_cancel_date",
)


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = (
        "account.move",
        "service.bill.to.mixin",
        "service.document.mixin",
        "service.discount.mixin",
        "service.sending.mixin",
    )

    bill_to_type = fields.Selection(tracking=True, copy=False)
    bill_to_name = fields.Char(tracking=True, copy=False)
    bill_to_street = fields.Char(copy=False)
    bill_to_street2 = fields.Char(copy=False)
    bill_to_zip = fields.Char(copy=False)
    bill_to_city = fields.Char(copy=False)
    bill_to_state_id = fields.Many2one(copy=False)
    bill_to_country_id = fields.Many2one(copy=False)
    bill_to_vat = fields.Char(copy=False)
    bill_to_email = fields.Char(copy=False)
    bill_to_phone = fields.Char(copy=False)
    bill_to_lang = fields.Selection(copy=False)
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
            ("partly_settled", "Partially Settled"),
            ("settled", "Settled"),
            ("credited", "Credited"),
            ("cancel", "Cancelled"),
        ],
        compute="_compute_service_invoice_status",
        compute_sudo=True,
    )
    service_amount_due = fields.Monetary(
        string="Due",
        compute="_compute_service_amount_due",
        help="Amount due in the document's currency, negative on credit notes.",
    )
    service_invoice_locked = fields.Boolean(
        compute="_compute_service_invoice_locked", compute_sudo=True
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
    service_snapshot_ids = fields.One2many(
        "service.invoice.snapshot",
        "move_id",
        string="As Issued",
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
    )
    service_bill_to = fields.Html(
        string="Bill-to on the Document",
        compute="_compute_service_bill_to",
        compute_sudo=True,
        help="Name, address and VAT number that the document says: those of the day "
        "on which it was issued.",
    )
    service_shipping = fields.Html(
        string="Service Location on the Document",
        compute="_compute_service_bill_to",
        compute_sudo=True,
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
        own = moves.service_order_link_ids
        credited = moves.reversed_entry_id.service_order_link_ids
        # a union forgets which other records to read along
        return own | credited if own and credited else own or credited

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
        for move in self:
            if move.state != "posted":
                status = move.state
            elif move.move_type == "out_refund":
                status = move._get_posted_credit_note_status()
            else:
                status = move._get_posted_invoice_status()
            move.service_invoice_status = status

    def _get_posted_invoice_status(self):
        """Key (str) of the status of one posted invoice."""
        if self.payment_state in ("paid", "in_payment"):
            return "paid"
        if self.payment_state == "reversed":
            return "cancel" if self.service_cancel_date else "credited"
        if self.invoice_date_due and self.invoice_date_due < fields.Date.context_today(
            self
        ):
            return "overdue"
        return "partial" if self.payment_state == "partial" else "posted"

    def _get_posted_credit_note_status(self):
        """Key (str) of the status of one posted credit note: it is settled by invoices
        or by paying the customer back, and nobody owes it by a date."""
        if self.payment_state in ("paid", "in_payment", "reversed"):
            return "settled"
        return "partly_settled" if self.payment_state == "partial" else "posted"

    def _get_last_payment_date(self):
        """Day (date) on which the last payment or credit of one invoice came, that of
        the invoice if it came to nothing. Payments that are not matched with the bank
        may have no journal entry."""
        self.ensure_one()
        partials = self.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable"
        ).matched_credit_ids
        dates = partials.mapped("max_date") or self.matched_payment_ids.mapped("date")
        return max(dates, default=self.invoice_date)

    @api.depends("amount_residual", "move_type")
    def _compute_service_amount_due(self):
        for move in self:
            sign = -1 if move.move_type == "out_refund" else 1
            move.service_amount_due = sign * move.amount_residual

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
        env = self.with_context(lang=self._get_bill_to_lang() or self.env.lang).env
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

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """As Odoo does it; what was issued is credited by the taxes of then: their
        rate can have changed since, and a full credit has to leave nothing."""
        snapshots = self.sudo().service_snapshot_ids
        if not snapshots._has_other_taxes():
            return super()._reverse_moves(default_values_list, cancel=cancel)
        if len(self) > 1:
            values_list = default_values_list or [{} for _move in self]
            return self.browse().union(
                *(
                    move._reverse_moves([values], cancel=cancel)
                    for move, values in zip(self, values_list, strict=True)
                )
            )
        with snapshots._taxes_as_issued():
            return super()._reverse_moves(default_values_list, cancel=cancel)

    # ------------------------------------------------------------------
    # Follow the invoice through accounting
    # ------------------------------------------------------------------

    def _post(self, soft=True):
        self._check_not_to_exceed()
        self.journal_id._queue_hashing()
        posted = super()._post(soft=soft)
        posted._keep_as_issued()
        invoices = posted.filtered(lambda move: move.move_type == "out_invoice")
        invoices._log_on_service_orders(self.env._("Invoice posted: %s"))
        credit_notes = posted.filtered(lambda move: move.move_type == "out_refund")
        credit_notes._log_on_service_orders(self.env._("Credit note posted: %s"))
        return posted

    def _keep_as_issued(self):
        """Keep what these documents say, when they are posted."""
        moves = self.sudo().filtered(
            lambda move: (
                move.is_service_invoice
                and move.is_sale_document()
                and not move.service_snapshot_ids
            )
        )
        moves.service_order_link_ids._keep_as_issued()
        moves.service_snapshot_ids._take(moves)

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

    def _log_tax_treatment(self):
        """Note on these invoices which tax treatment the dialog chose for them."""
        bodies = {}
        for move in self:
            if move.service_tax_treatment == "exempt":
                bodies[move.id] = self.env._(
                    "Created exempt from tax, whatever the taxes of the order lines."
                )
            elif move.service_tax_treatment == "tax":
                bodies[move.id] = self.env._(
                    "Created with the tax “%s” on all lines, whatever the taxes of the "
                    "order lines.",
                    move.service_tax_id.name,
                )
        self.browse(bodies)._message_log_batch(bodies=bodies)

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
        for order in links.order_id.filtered("not_to_exceed"):
            limit, currency = order.not_to_exceed, order.currency_id
            amount = order.amount_invoiced
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
        self.sudo().service_snapshot_ids.unlink()
        self.sudo().service_order_link_ids._forget_as_issued()
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
    # What the document says, as issued
    # ------------------------------------------------------------------

    @api.depends(
        "service_discount_type", "service_discount_value", "service_snapshot_ids"
    )
    def _compute_tax_totals(self):
        issued = self.filtered(lambda move: move.sudo().service_snapshot_ids)
        for move in issued:
            move.tax_totals = move.sudo().service_snapshot_ids.values["tax_totals"]
        return super(AccountMove, self - issued)._compute_tax_totals()

    @api.depends("bill_to_type", "bill_to_name", "service_snapshot_ids")
    def _compute_invoice_partner_display_info(self):
        res = super()._compute_invoice_partner_display_info()
        for move in self.filtered("is_service_invoice"):
            bill_to = move._get_document_partner()
            move.invoice_partner_display_name = bill_to.display_name
        return res

    @api.depends(
        lambda self: [
            "partner_id",
            "partner_shipping_id",
            "state",
            *self._get_bill_to_fields(),
        ]
    )
    def _compute_service_bill_to(self):
        service_invoices = self.filtered("is_service_invoice")
        (self - service_invoices).update(
            {"service_bill_to": False, "service_shipping": False}
        )
        for move in service_invoices:
            bill_to, shipping = move._get_document_partners()
            move.service_bill_to = move._format_document_partner(bill_to)
            move.service_shipping = shipping and Markup(shipping["address"])

    def _get_move_lines_to_report(self):
        lines = super()._get_move_lines_to_report()
        if not self.is_service_invoice:
            return lines
        printed = self._get_document_values()["lines"]
        positions = {line["id"]: index for index, line in enumerate(printed)}
        lines = lines.filtered(lambda line: not line._is_plain_heading())
        return lines.sorted(lambda line: positions.get(line.id, len(printed)))

    # ------------------------------------------------------------------
    # A bill-to typed in on the document
    # ------------------------------------------------------------------

    def _get_bill_to_contact(self):
        return self.partner_id

    @api.depends("bill_to_type")
    def _compute_partner_shipping_id(self):
        one_offs = self.filtered(lambda move: move._is_one_off())
        res = super(AccountMove, self - one_offs)._compute_partner_shipping_id()
        for move in one_offs:
            # not the walk-in contact, whose address is nobody's
            orders = move._get_service_order_links().order_id
            site = orders.location_id.partner_id
            move.partner_shipping_id = len(site) == 1 and site
        return res

    @api.depends(lambda self: self._get_bill_to_tax_fields())
    def _compute_fiscal_position_id(self):
        one_offs = self.filtered(lambda move: move._is_one_off())
        res = super(AccountMove, self - one_offs)._compute_fiscal_position_id()
        for move in one_offs:
            move.fiscal_position_id = move._get_bill_to_fiscal_position()
        return res

    def _get_booking_values(self, bill_to_type):
        """Values (dict) by which one draft is booked on the walk-in contact for a
        one-off, and no longer on it for a contact, which has to be chosen then.

        :raise UserError: the company has no walk-in contact
        """
        self.ensure_one()
        walk_in = self.company_id.service_walk_in_partner_id
        if bill_to_type != "contact":
            if refusal := self._get_walk_in_refusal():
                raise UserError(refusal)
            return {"partner_id": walk_in.id}
        return {"partner_id": False} if self.partner_id == walk_in else {}

    @api.onchange("bill_to_type")
    def _onchange_bill_to_type(self):
        res = super()._onchange_bill_to_type()
        self.update(self._get_booking_values(self.bill_to_type))
        return res

    @api.constrains("bill_to_type", "partner_id")
    def _check_one_off_contact(self):
        """One-offs are on service invoices only, booked on the walk-in contact or, as
        the document that is credited or replaced, on the one of then."""
        for move in self.sudo().filtered(lambda move: move._is_one_off()):
            origin = move.reversed_entry_id | move.service_replaces_id
            walk_in = move.company_id.service_walk_in_partner_id | origin.partner_id
            if not move._get_claimed_orders():
                raise ValidationError(
                    self.env._(
                        "%(document)s is no service invoice, and can not bill the "
                        "one-off %(name)s. Choose a contact.",
                        document=move.display_name,
                        name=move.bill_to_name,
                    )
                )
            if move.partner_id not in walk_in:
                raise ValidationError(
                    self.env._(
                        "%(document)s bills %(name)s, who is typed in as a one-off: it "
                        "is booked on the walk-in contact of %(company)s. To bill "
                        "%(partner)s, choose the bill-to type “Contact”.",
                        document=move.display_name,
                        name=move.bill_to_name,
                        company=move.company_id.name,
                        partner=move.partner_id.display_name or "-",
                    )
                )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for move, vals in zip(self, vals_list, strict=True):
            if self.env.context.get("include_business_fields"):
                # a credit note, or the invoice made anew
                vals |= {
                    **move._get_bill_to_values(),
                    "service_discount_type": move.service_discount_type,
                    "service_discount_value": move.service_discount_value,
                    **(default or {}),
                }
            elif move._is_one_off() and "partner_id" not in (default or {}):
                # a duplicate bills no order, so no one-off, nor the walk-in contact
                vals["partner_id"] = False
        return vals_list

    def _mail_get_partners(self, introspect_fields=False):
        partners = super()._mail_get_partners(introspect_fields=introspect_fields)
        for move in self.filtered(lambda move: move._is_one_off()):
            # whoever reads the mail of the walk-in contact is not who is billed
            partners[move.id] -= move.partner_id
        return partners

    def _get_mail_template(self):
        if self and all(move._is_one_off() for move in self):
            return self.env.ref("fieldservice_invoicing.mail_template_one_off")
        return super()._get_mail_template()

    def _notify_get_recipients_groups(self, message, model_description, msg_vals=False):
        groups = super()._notify_get_recipients_groups(
            message, model_description, msg_vals=msg_vals
        )
        if self._is_one_off():
            link = self._notify_get_action_link(
                "view", **(msg_vals or {}), access_token=self._portal_ensure_token()
            )
            options = {"has_button_access": True, "button_access": {"url": link}}
            groups.insert(0, ("one_off", lambda data: not data["id"], options))
        return groups

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

    @api.depends("state", "company_id.service_invoice_lock", "is_service_invoice")
    def _compute_service_invoice_locked(self):
        locked = self._get_issued()
        for move in self:
            move.service_invoice_locked = move in locked

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
    def _ensure_not_on_issued(self, records, *names):
        """Refuse to delete records that issued, locked service invoices refer to by a
        field which the database would empty.

        Called by the models of such records, before they delete.

        :param str names: fields of `account.move`, or paths to fields of its lines
        :raise UserError: names the records, a document and the way out
        """
        issued = self.sudo().search(
            Domain.OR(Domain(name, "in", records.ids) for name in names)
            & Domain("state", "=", "posted")
            & Domain("company_id.service_invoice_lock", "=", True)
            & Domain("is_service_invoice", "=", True),
            limit=1,
        )
        if issued:
            raise UserError(
                self.env._(
                    "%(records)s can not be deleted: the issued invoice %(document)s "
                    "refers to it. Archive it, or just use it no more.",
                    records=", ".join(records.mapped("display_name")),
                    document=issued.name,
                )
            )

    @api.model
    def _get_issued_fields(self):
        """Names (set) of the fields that issued service invoices keep: hook for more.

        What the document says, its number and its amounts, and what Odoo computes of
        them: over RPC computed fields can be written, too. Free are, as in Odoo:

        - payment and follow-up: payment reference, due date, payment method, QR code,
          follow-up, payments and reconciliations, blocking the payment;
        - the customer's reference, the salesperson, the review mark;
        - sending, its files, attachments, messages, followers and activities;
        - entries made of it: credit notes, recurring, adjusting and cash basis entries.
        """
        return {
            "name",
            "sequence_prefix",
            "sequence_number",
            "secure_sequence_number",
            "posted_before",
            "move_type",
            "partner_id",
            "commercial_partner_id",
            *self._get_bill_to_fields(),
            "partner_shipping_id",
            "partner_bank_id",
            "invoice_date",
            "date",
            "delivery_date",
            "taxable_supply_date",
            "journal_id",
            "company_id",
            "currency_id",
            "invoice_currency_rate",
            "fiscal_position_id",
            "invoice_payment_term_id",
            "invoice_cash_rounding_id",
            "invoice_incoterm_id",
            "incoterm_location",
            "invoice_line_ids",
            "line_ids",
            "invoice_origin",
            "narration",
            "always_tax_exigible",
            "auto_post",
            "auto_post_until",
            "origin_payment_id",
            "statement_line_id",
            "tax_cash_basis_rec_id",
            "tax_cash_basis_origin_move_id",
            "reversed_entry_id",
            "service_order_link_ids",
            "service_replaces_id",
            "service_tax_treatment",
            "service_tax_id",
            "service_discount_type",
            "service_discount_value",
            "invoice_partner_display_name",
            "quick_edit_total_amount",
            "tax_totals",
            "amount_untaxed",
            "amount_tax",
            "amount_total",
            "amount_residual",
            "amount_untaxed_signed",
            "amount_untaxed_in_currency_signed",
            "amount_tax_signed",
            "amount_total_signed",
            "amount_total_in_currency_signed",
            "amount_residual_signed",
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
        self._ensure_issued_stays(vals)
        self._ensure_service_discount_can_change(vals)
        if vals.keys() & {*CANCELLATION, "service_replaces_id"}:
            self._ensure_not_entered()
        if "bill_to_type" not in vals or "partner_id" in vals:
            return super().write(vals)
        bill_to_type = vals["bill_to_type"]
        changing = self.filtered(lambda move: move.bill_to_type != bill_to_type)
        for move in changing:
            booking = move._get_booking_values(bill_to_type)
            super(AccountMove, move).write({**vals, **booking})
        return super(AccountMove, self - changing).write(vals)

    def _ensure_issued_stays(self, vals):
        """Refuse values that would change what issued documents keep.

        :param dict vals: those of a write to these moves
        :raise UserError: names the document and the way out
        """
        names = vals.keys() & self._get_issued_fields()
        if self._is_following_parent():
            names -= {"commercial_partner_id"}
        if names:
            self._get_issued().filtered(
                lambda move: move._will_change(move, vals, names)
            )._ensure_not_issued()
        if vals.get("state", "posted") != "posted":
            self._ensure_not_issued()
        if "payment_state" in vals:
            self.filtered(
                lambda move: not move._is_payment_block(vals["payment_state"])
            )._ensure_not_issued()
        if "inalterable_hash" in vals and not self.env.su:
            # Odoo hashes in superuser mode
            self._ensure_not_issued()
        if vals.get("reversed_entry_id"):
            self._ensure_can_credit(self.browse(vals["reversed_entry_id"]))

    @api.model
    def _is_following_parent(self):
        """Whether a contact got a parent company (bool): its journal items move there,
        the documents keep what they say. No caller can put this object in a context."""
        return self.env.context.get("bypass_lock_check") is BYPASS_LOCK_CHECK

    @api.model
    def _will_change(self, record, vals, names):
        """Whether writing ``vals`` changes one of the named fields (bool).

        Odoo's own check overlooks what an x2many command creates.

        :param record: one `account.move` or `account.move.line`
        """
        return any(
            self._field_will_change(record, vals, name)
            or (
                record._fields[name].type == "many2many"
                and any(
                    isinstance(command, list | tuple) and command[0] == Command.CREATE
                    for command in vals[name] or []
                )
            )
            for name in names
        )

    def _is_payment_block(self, payment_state):
        """Whether a new payment state blocks one unpaid document, or ends that (bool):
        all that is entered of what Odoo computes from payments."""
        self.ensure_one()
        states = {self.payment_state, payment_state}
        return len(states) == 1 or (
            "blocked" in states and not states & {"paid", "in_payment", "reversed"}
        )

    def _ensure_can_credit(self, invoice):
        """Refuse that posted documents become credit notes of an issued invoice, which
        would give up its claim on the order past the checks of posting.

        :param invoice: `account.move` that they are to reverse
        :raise UserError: names the invoice and the way out
        """
        if any(
            move.state == "posted" and move.reversed_entry_id != invoice
            for move in self
        ):
            invoice._ensure_not_issued()

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

    @api.model
    def _add_line_amounts(self, values):
        """Give the lines of a new customer invoice the amounts that they will have.

        Without them Odoo creates lines at zero and then writes each by itself, which
        takes half the time of the whole creation. It computes the amounts in any case,
        and still writes those that it finds to be others.

        :param dict values: those of :meth:`create`, changed in place
        """
        AccountTax = self.env["account.tax"]
        company = self.env["res.company"].browse(values["company_id"])
        lines = [
            line
            for _command, _id, line in values["invoice_line_ids"]
            if line.get("display_type", "product") == "product"
        ]
        terms = self._prepare_new_base_line_terms(values)
        base_lines = [self._prepare_new_base_line(line, terms) for line in lines]
        AccountTax._add_tax_details_in_base_lines(base_lines, company)
        AccountTax._round_base_lines_tax_details(base_lines, company)
        AccountTax._add_accounting_data_in_base_lines_tax_details(base_lines, company)
        amounts = AccountTax._prepare_tax_lines(base_lines, company)
        for line, (_base_line, found) in zip(
            lines, amounts["base_lines_to_update"], strict=True
        ):
            # what others have given stays
            line.update(found | line)

    @api.model
    def _prepare_new_base_line_terms(self, values):
        """What the base lines of one new customer invoice have in common (dict).

        :param dict values: those of the invoice
        """
        company = self.env["res.company"].browse(values["company_id"])
        currency = self.env["res.currency"].browse(values["currency_id"])
        return {
            "currency_id": currency,
            "partner_id": self.env["res.partner"].browse(values["partner_id"]),
            "rate": self.env["res.currency"]._get_conversion_rate(
                company.currency_id, currency, company
            ),
            "sign": -1,
        }

    @api.model
    def _prepare_new_base_line(self, line, terms):
        """A line of a new customer invoice (dict) as `account.tax` computes with it.

        :param dict line: values of the line
        :param dict terms: see :meth:`_prepare_new_base_line_terms`
        """
        Line = self.env["account.move.line"]
        taxes = Line._fields["tax_ids"].convert_to_cache(line.get("tax_ids"), Line)
        base_line = self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            {},
            product_id=self.env["product.product"].browse(line.get("product_id")),
            product_uom_id=self.env["uom.uom"].browse(line.get("product_uom_id")),
            tax_ids=self.env["account.tax"].browse(taxes),
            price_unit=line.get("price_unit"),
            quantity=line.get("quantity"),
            discount=line.get("discount"),
            extra_tax_data=line.get("extra_tax_data"),
            **terms,
        )
        Line._apply_discount_amount(base_line, line.get("service_discount_amount"))
        return base_line

    def _get_sync_stack(self, container):
        stack, update_containers = super()._get_sync_stack(container)
        # left before taxes and payment terms, which follow from the invoice lines
        stack.append((90, self._sync_service_discount(container)))
        return stack, update_containers

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
