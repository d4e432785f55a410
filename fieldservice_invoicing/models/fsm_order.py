# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from .res_company import (
    GROUP_MANAGER,
    GROUP_USER,
    INVOICE_READERS,
    get_superuser_env,
)

MARK = ("marked_billed_reason", "marked_billed_user_id", "marked_billed_date")


class FsmOrder(models.Model):
    _name = "fsm.order"
    _inherit = (
        "fsm.order",
        "service.bill.to.mixin",
        "service.billable.mixin",
        "service.amount.mixin",
        "service.refusal.mixin",
        "service.invoice.creation.mixin",
        "service.cost.mixin",
        "service.automatic.invoice.mixin",
        "service.reminder.mixin",
        "service.dashboard.mixin",
    )

    line_ids = fields.One2many("fsm.order.line", "order_id", string="Order Lines")
    bill_to_id = fields.Many2one(
        "res.partner",
        string="Bill-to",
        compute="_compute_bill_to_id",
        store=True,
        readonly=False,
        precompute=True,
        index="btree_not_null",
        tracking=True,
        help="Who gets the invoice: the invoice address of the location's owner, "
        "or another contact. For a one-off, the company's walk-in contact.",
    )
    bill_to_type = fields.Selection(tracking=True)
    bill_to_name = fields.Char(tracking=True)
    bill_to_display_name = fields.Char(
        string="Billed to",
        compute="_compute_bill_to_display_name",
        store=True,
        help="The bill-to contact, or the name that was typed in for a one-off.",
    )
    pricelist_id = fields.Many2one(
        "product.pricelist",
        string="Price List",
        compute="_compute_pricelist_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    fiscal_position_id = fields.Many2one(
        "account.fiscal.position",
        compute="_compute_fiscal_position_id",
        store=True,
        readonly=False,
        precompute=True,
        help="Maps the taxes and income accounts of the products for this bill-to.",
    )
    payment_term_id = fields.Many2one(
        "account.payment.term",
        string="Payment Terms",
        compute="_compute_payment_term_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    not_to_exceed = fields.Monetary(
        string="Not to Exceed",
        tracking=True,
        help="Highest amount before taxes that the customer has agreed to: a higher "
        "invoice is refused. Zero: no limit.",
    )
    amount_invoiced = fields.Monetary(
        string="Invoiced",
        compute="_compute_billing",
        store=True,
        help="Untaxed amount on the active invoice, less posted credit notes.",
    )
    amount_to_invoice = fields.Monetary(
        string="To Invoice",
        compute="_compute_billing",
        store=True,
        help="Untaxed amount of the billable order lines that is on no invoice.",
    )
    billing_status = fields.Selection(
        [
            ("not_ready", "Not Ready"),
            ("nothing", "Nothing to Invoice"),
            ("to_invoice", "To Invoice"),
            ("draft", "Draft Invoice"),
            ("invoiced", "Invoiced"),
            ("paid", "Paid"),
            ("marked_billed", "Marked as Billed"),
        ],
        compute="_compute_billing",
        store=True,
        index=True,
    )
    invoiceable_date = fields.Datetime(
        string="Finished",
        compute="_compute_invoiceable_date",
        store=True,
        help="The actual end of the work, else when the order came to a stage in which "
        "it can be invoiced.",
    )
    marked_billed_reason = fields.Char(readonly=True, copy=False)
    marked_billed_user_id = fields.Many2one("res.users", readonly=True, copy=False)
    marked_billed_date = fields.Datetime(readonly=True, copy=False)
    invoice_link_ids = fields.One2many(
        "fsm.order.invoice",
        "order_id",
        string="Service Invoices",
        readonly=True,
        copy=False,
        groups=INVOICE_READERS,
    )
    service_invoice_count = fields.Integer(
        compute="_compute_active_invoice",
        compute_sudo=True,
        groups=INVOICE_READERS,
    )
    active_invoice_id = fields.Many2one(
        "account.move",
        compute="_compute_active_invoice",
        search="_search_active_invoice_id",
        compute_sudo=True,
        groups=INVOICE_READERS,
    )
    active_invoice_status = fields.Selection(
        related="active_invoice_id.service_invoice_status",
        string="Invoice Status",
        groups=INVOICE_READERS,
    )
    active_invoice_bill_to = fields.Char(
        related="active_invoice_id.invoice_partner_display_name",
        groups=INVOICE_READERS,
    )
    active_invoice_due = fields.Date(
        related="active_invoice_id.invoice_date_due", groups=INVOICE_READERS
    )
    is_active_invoice_sent = fields.Boolean(
        related="active_invoice_id.is_move_sent",
        string="Invoice Sent",
        groups=INVOICE_READERS,
    )
    active_invoice_residual = fields.Monetary(
        related="active_invoice_id.amount_residual",
        string="Amount Due",
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_card_amounts",
        compute_sudo=True,
        groups=INVOICE_READERS,
    )
    card_labor = fields.Monetary(
        string="Labor",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_parts = fields.Monetary(
        string="Parts",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_unit = fields.Monetary(
        string="Unit",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_other = fields.Monetary(
        string="Other",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_discount = fields.Monetary(
        string="Discount on the Whole",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_tax = fields.Monetary(
        string="Tax",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_total = fields.Monetary(
        string="Invoice Total",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    billing_difference = fields.Monetary(
        compute="_compute_billing_difference",
        help="By how much the order's lines changed since it was invoiced, untaxed.",
    )
    pending_draft = fields.Monetary(
        string="In Draft",
        compute="_compute_pending",
        compute_sudo=True,
        groups=INVOICE_READERS,
        help="Total of the draft invoices of this order.",
    )
    pending_payment = fields.Monetary(
        string="Awaiting Payment",
        compute="_compute_pending",
        compute_sudo=True,
        groups=INVOICE_READERS,
        help="Amount due on the issued invoices of this order.",
    )
    service_invoicing = fields.Boolean(related="company_id.service_invoicing")
    service_labor_product_id = fields.Many2one(
        related="company_id.service_labor_product_id"
    )
    is_invoiceable = fields.Boolean(related="stage_id.is_invoiceable")
    can_create_invoice = fields.Boolean(compute="_compute_can_invoice")
    can_cancel_invoice = fields.Boolean(compute="_compute_can_invoice")
    can_post_invoice = fields.Boolean(compute="_compute_can_invoice")
    can_mark_billed = fields.Boolean(compute="_compute_can_invoice")

    # ------------------------------------------------------------------
    # Whom to bill, and on which terms
    # ------------------------------------------------------------------

    @api.depends("location_id", "bill_to_type")
    def _compute_bill_to_id(self):
        for order in self:
            if order._is_billed():
                continue
            if order._is_one_off():
                order.bill_to_id = order.company_id.service_walk_in_partner_id
                continue
            location = order.location_id
            partner = location.owner_id or location.partner_id
            order.bill_to_id = partner.address_get(["invoice"])["invoice"]

    @api.depends("bill_to_id", "company_id")
    def _compute_pricelist_id(self):
        for order in self.filtered(lambda order: not order._is_billed()):
            bill_to = order.bill_to_id.with_company(order.company_id)
            order.pricelist_id = bill_to.property_product_pricelist

    @api.depends("pricelist_id", "company_id")
    def _compute_currency_id(self):
        for order in self.filtered(lambda order: not order._is_billed()):
            order.currency_id = (
                order.pricelist_id.currency_id or order.company_id.currency_id
            )

    def _get_bill_to_contact(self):
        return self.bill_to_id

    @api.depends("bill_to_id.complete_name", "bill_to_type", "bill_to_name")
    def _compute_bill_to_display_name(self):
        for order in self:
            order.bill_to_display_name = (
                order.bill_to_name
                if order._is_one_off()
                else order.bill_to_id.complete_name
            )

    @api.depends(
        lambda self: ["bill_to_id", "company_id", *self._get_bill_to_tax_fields()]
    )
    def _compute_fiscal_position_id(self):
        for order in self.filtered(lambda order: not order._is_billed()):
            order.fiscal_position_id = order._get_bill_to_fiscal_position()

    @api.depends("bill_to_id", "company_id")
    def _compute_payment_term_id(self):
        for order in self.filtered(lambda order: not order._is_billed()):
            bill_to = order.bill_to_id.with_company(order.company_id)
            order.payment_term_id = (
                bill_to.property_payment_term_id
                or order.company_id.service_payment_term_id
            )

    def _is_billed(self):
        """Whether the order (one record) has an active invoice (bool)."""
        self.ensure_one()
        return any(self.sudo()._origin.invoice_link_ids.mapped("is_active"))

    def _is_work_billed(self):
        """Whether the work of the order (one record) is on an active invoice (bool):
        hook of addons that bill it in portions."""
        self.ensure_one()
        return bool(self.sudo()._origin.invoice_link_ids._get_active_work())

    def _is_billed_by(self, invoice):
        """Whether the order (one record) has an active claim on an invoice (bool).

        :param invoice: `account.move`, in superuser mode
        """
        self.ensure_one()
        return any(
            link.is_active and link.order_id == self
            for link in invoice.service_order_link_ids
        )

    # ------------------------------------------------------------------
    # Billing status
    # ------------------------------------------------------------------

    @api.depends(
        "stage_id.is_invoiceable",
        "amount_untaxed",
        "amount_total",
        "line_ids.is_billable",
        "line_ids.display_type",
        "line_ids.quantity",
        "marked_billed_date",
        "invoice_link_ids.is_active",
        "invoice_link_ids.amount_untaxed",
        "invoice_link_ids.credited_untaxed",
        "invoice_link_ids.rounding_difference",
        "invoice_link_ids.move_id.state",
        "invoice_link_ids.move_id.payment_state",
        "invoice_link_ids.move_id.currency_id",
    )
    def _compute_billing(self):
        for order in self:
            links = order.invoice_link_ids._get_active_work()
            order.amount_invoiced = sum(
                link.currency_id._convert(
                    link._get_invoiced_amount(),
                    order.currency_id or order.company_id.currency_id,
                    order.company_id,
                    link.move_id.invoice_date or fields.Date.context_today(order),
                )
                for link in links
            )
            order.billing_status = order._get_billing_status(links)
            order.amount_to_invoice = (
                0.0
                if order.billing_status in ("not_ready", "marked_billed")
                else order.amount_untaxed
                - order.amount_invoiced
                - sum(links.mapped("rounding_difference"))
            )

    @api.depends("stage_id.is_invoiceable", "date_end")
    def _compute_invoiceable_date(self):
        now = fields.Datetime.now()
        for order in self:
            since = order.date_end or order.invoiceable_date or now
            order.invoiceable_date = order.stage_id.is_invoiceable and since

    def _get_billing_status(self, links):
        """Billing status (str) of one order, by its active claims."""
        self.ensure_one()
        if moves := links.move_id:
            if any(move.state == "draft" for move in moves):
                return "draft"
            paid = all(move.payment_state in ("paid", "in_payment") for move in moves)
            return "paid" if paid else "invoiced"
        if self.marked_billed_date:
            return "marked_billed"
        if not self.stage_id.is_invoiceable:
            return "not_ready"
        has_quantity = any(line.quantity for line in self._get_priced_lines())
        return "to_invoice" if has_quantity else "nothing"

    @api.depends("invoice_link_ids.is_active")
    def _compute_active_invoice(self):
        for order in self:
            links = order.invoice_link_ids
            order.service_invoice_count = len(links.move_id)
            order.active_invoice_id = links._get_active_work().move_id[:1]

    @api.model
    def _search_active_invoice_id(self, operator, value):
        if operator in ("in", "any", "="):
            if operator == "in" and False in value:
                return NotImplemented
            is_active = Domain("is_active", "=", True)
            is_active &= self.env["fsm.order.invoice"]._get_work_domain()
            has_invoice = is_active & Domain("move_id", operator, value)
            return [("invoice_link_ids", "any", has_invoice)]
        return NotImplemented

    @api.depends("amount_to_invoice", "invoice_link_ids.is_active")
    def _compute_billing_difference(self):
        for order in self:
            order.billing_difference = (
                order.amount_to_invoice if order._is_work_billed() else 0.0
            )

    @api.depends("active_invoice_id", "amount_total")
    def _compute_card_amounts(self):
        for order in self:
            link = order.invoice_link_ids._get_active_work()[:1]
            amounts, tax, total = (link or order)._get_card_amounts()
            totals = defaultdict(float)
            for kind, amount in amounts:
                totals[kind or "charge"] += amount
            order.card_currency_id = link.currency_id or order.currency_id
            order.card_labor = totals["labor"]
            order.card_parts = totals["part"]
            order.card_unit = totals["unit"]
            order.card_other = totals["charge"]
            order.card_discount = totals["discount"]
            order.card_tax = tax
            order.card_total = total

    def _get_card_amounts(self):
        """What an invoice of one order would say now, at the present tax rates.

        :return: list of pairs of kind and untaxed amount, tax, total
        """
        self.ensure_one()
        # computed for the form already, which takes long with many lines
        totals = self.tax_totals
        return (
            totals["service_kinds"],
            totals["tax_amount_currency"],
            totals["total_amount_currency"],
        )

    @api.depends("invoice_link_ids.is_active")
    def _compute_pending(self):
        for order in self:
            pending = {"draft": 0.0, "posted": 0.0}
            for move in order.invoice_link_ids.filtered("is_active").move_id:
                pending[move.state] += move.currency_id._convert(
                    move.amount_residual,
                    order.currency_id,
                    order.company_id,
                    move.invoice_date or fields.Date.context_today(order),
                )
            order.pending_draft = pending["draft"]
            order.pending_payment = pending["posted"]

    @api.depends_context("uid")
    @api.depends(
        "stage_id.is_invoiceable",
        "company_id.service_invoicing",
        "billing_status",
        "invoice_link_ids.is_active",
    )
    def _compute_can_invoice(self):
        user = self.env.user
        may_create = user.has_group(GROUP_USER)
        may_cancel = user.has_group(GROUP_MANAGER)
        may_post = user.has_group("account.group_account_invoice")
        for order in self:
            enabled = order.company_id.service_invoicing
            invoice = order.sudo().active_invoice_id
            order.can_create_invoice = (
                enabled and may_create and order.is_invoiceable and not invoice
            )
            order.can_mark_billed = enabled and may_cancel and not invoice
            order.can_cancel_invoice = (
                enabled
                and may_cancel
                and bool(invoice)
                and not invoice._get_cancel_refusal()
            )
            order.can_post_invoice = enabled and may_post and bool(invoice)

    # ------------------------------------------------------------------
    # Actions of the card, the buttons and the menus
    # ------------------------------------------------------------------

    def action_create_invoice(self):
        """Open the Create Invoice dialog: that of one order, or that of many, which
        bills those that can be and lists the others.

        :return: act_window dict, or a notification that names and opens the invoice
            that a single order has already
        :raise UserError, AccessError: see :meth:`_ensure_can_be_invoiced`
        """
        self._ensure_may_invoice()
        if len(self) > 1:
            return self._action_create_invoices()
        if invoice := self.sudo().active_invoice_id:
            return self._notify_existing_invoice(invoice)
        self._follow_sources()
        self._ensure_can_be_invoiced()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Create Invoice"),
            "res_model": "fsm.order.create.invoice",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_ids": [Command.set(self.ids)]},
        }

    def _action_create_invoices(self):
        """Open the dialog that invoices many orders (action dict)."""
        self._follow_sources()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Create Invoices"),
            "res_model": "service.invoice.batch.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_ids": [Command.set(self.ids)]},
        }

    def _notify_existing_invoice(self, invoice):
        """Notification (action dict) with a link to the invoice of one order."""
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                # no title: Odoo would join it to the link by a full stop of its own
                "message": self.env._(
                    "An invoice already exists for this service order."
                )
                + " %s",
                "links": [
                    {
                        "label": invoice.display_name,
                        "url": f"/odoo/account.move/{invoice.id}",
                    }
                ],
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_view_service_invoices(self):
        """Open all invoices and credit notes of these orders (action dict)."""
        self._ensure_can_read_invoices()
        invoices = self.sudo().invoice_link_ids.move_id
        return invoices.sudo(False)._get_service_invoice_action(self.env._("Invoices"))

    def action_open_invoice(self):
        """Open the active invoice of one order (action dict)."""
        self.ensure_one()
        self._ensure_can_read_invoices()
        return self._get_active_invoice()._get_service_invoice_action(
            self.env._("Invoice")
        )

    def action_view_journal_items(self):
        """Open the journal items of the orders' invoices (action dict)."""
        self._ensure_can_read_invoices()
        self.company_id._ensure_service_invoicing("account.group_account_invoice")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "account.action_account_moves_all_a"
        )
        moves = self.sudo().invoice_link_ids.move_id
        action["domain"] = [("move_id", "in", (moves | moves.reversal_move_ids).ids)]
        action["context"] = {"create": False}
        return action

    def _ensure_can_read_invoices(self):
        """Refuse users without access to the orders, their company's switch off, or
        without a group that reads invoices."""
        held = filter(self.env.user.has_group, INVOICE_READERS.split(","))
        self.company_id._ensure_service_invoicing(next(held, GROUP_USER))
        self.check_access("read")

    def _get_active_invoice(self):
        """The active invoice (`account.move`) of one order, as the user sees it.

        :raise UserError: there is none
        """
        self.ensure_one()
        invoice = self.sudo().active_invoice_id.sudo(False)
        if not invoice:
            raise UserError(
                self.env._(
                    "Service order %(order)s has no active invoice. Create one first.",
                    order=self.name,
                )
            )
        return invoice

    def _get_invoice_for_accountant(self):
        """The active invoice of one order for who may post it.

        :raise AccessError: the user has no right to post
        """
        self.company_id._ensure_service_invoicing("account.group_account_invoice")
        return self._get_active_invoice()

    def action_post_invoice(self):
        """Post the draft invoice of one order, as its own Confirm button does."""
        return self._get_invoice_for_accountant().action_post()

    def action_send_invoice(self):
        """Open Odoo's send dialog for the invoice of one order (action dict)."""
        return self._get_invoice_for_accountant().action_send_and_print()

    def action_register_payment(self):
        """Open Odoo's payment dialog for the invoice of one order (action dict)."""
        return self._get_invoice_for_accountant().action_register_payment()

    def action_credit_invoice(self):
        """Open Odoo's credit note dialog for the invoice of one order (action dict)."""
        self.company_id._ensure_service_invoicing(
            "account.group_account_invoice"
            if self.env.user.has_group("account.group_account_invoice")
            else GROUP_MANAGER
        )
        invoice = self._get_active_invoice()
        action = invoice.action_reverse()
        # the dialog reverses the active records: the client would say the order
        action["context"] = {"active_model": invoice._name, "active_ids": invoice.ids}
        return action

    def action_cancel_invoice(self):
        """Open the Cancel Invoice dialog for the active invoices (action dict)."""
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        moves = self.env["account.move"].union(
            *(order._get_active_invoice() for order in self)
        )
        return moves.action_cancel_service_invoice()

    def action_refresh_invoice(self):
        """Bring the draft invoice of these orders up to date with their lines.

        Lines that someone added to the draft by hand stay.

        :raise UserError: an order has no draft invoice
        """
        self._ensure_may_invoice()
        for order in self:
            invoice = order._get_active_invoice()
            invoice = invoice.with_env(get_superuser_env(self.env))
            if invoice.state != "draft":
                raise UserError(
                    self.env._(
                        "%(invoice)s of service order %(order)s is issued: correct it "
                        "by a credit note and a new invoice.",
                        invoice=invoice.display_name,
                        order=order.name,
                    )
                )
            order._refresh_draft_invoice(invoice)
        return True

    def _refresh_draft_invoice(self, invoice):
        """Replace the lines of one order on its draft invoice (superuser mode)."""
        self.ensure_one()
        discount = self._prepare_refreshed_discount(invoice)
        claims = invoice.service_order_link_ids
        amounts = {
            claim: claim._get_invoiced_amount() + claim.rounding_difference
            for claim in claims
        }
        # an amount off would be more than the invoice comes to in between
        invoice.service_discount_type = "none"
        old_lines = invoice.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id.order_id == self
        )
        sequence = min(old_lines.mapped("sequence"), default=0)
        old_lines.unlink()
        self.line_ids.invalidate_recordset(["qty_invoiced", "qty_to_invoice"])
        self._follow_sources()
        self._update_amounts()
        options = {
            "tax_treatment": invoice.service_tax_treatment,
            "tax": invoice.service_tax_id,
        }
        commands = self._prepare_invoice_lines(options)
        if len(invoice.service_order_link_ids) > 1:
            # the order's lines stay together, between those of other orders
            for command in self._demote_sections(commands):
                command[2]["sequence"] = sequence
        invoice.write({"invoice_line_ids": commands, **discount})
        claim = claims.filtered(lambda claim: claim.order_id == self)
        claims._keep_rounding({**amounts, claim: self.amount_untaxed})
        invoice._check_service_invoice_total()
        invoice._check_not_to_exceed()
        invoice._message_log(body=self.env._("Refreshed from the service order."))
        self._message_log_batch(
            bodies={
                self.id: self.env._(
                    "Draft invoice refreshed: %s", invoice._get_html_link()
                )
            }
        )

    def _prepare_refreshed_discount(self, invoice):
        """Values (dict) of the discount on the whole of a draft that is refreshed.

        :param invoice: draft `account.move` of one order, and maybe of others
        :raise UserError: the orders of a consolidated invoice no longer agree
        """
        self.ensure_one()
        discount = self._prepare_invoice_discount()
        others = invoice.service_order_link_ids.order_id - self
        for other in others:
            if self.discount_type == "amount" or (
                other._prepare_invoice_discount() != discount
            ):
                raise UserError(
                    self.env._(
                        "%(invoice)s has one discount for all its orders, and that on "
                        "%(order)s is not that on %(other)s. Make them the same "
                        "percentage, or delete the draft and invoice each by itself.",
                        invoice=invoice.display_name,
                        order=self.name,
                        other=other.name,
                    )
                )
        return discount

    def action_mark_billed(self):
        """Open the dialog that asks why these orders need no invoice (action dict)."""
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Mark as Billed"),
            "res_model": "fsm.order.mark.billed",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_ids": [Command.set(self.ids)]},
        }

    def _mark_billed(self, reason):
        """Take orders off the list to invoice; they can still be invoiced.

        :param str reason: why no invoice is needed
        :raise UserError: an order has an active invoice, or there is no reason
        """
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        self.check_access("write")
        if not (reason or "").strip():
            raise UserError(self.env._("Give the reason why no invoice is needed."))
        for order in self:
            if refusal := order._get_active_invoice_refusal():
                raise UserError(refusal)
        self.sudo().write(
            {
                "marked_billed_reason": reason.strip(),
                "marked_billed_user_id": self.env.uid,
                "marked_billed_date": fields.Datetime.now(),
            }
        )
        self._close_billing_reminders()
        body = self.env._("Marked as billed: %s", reason.strip())
        self._message_log_batch(bodies={order.id: body for order in self})

    def action_unmark_billed(self):
        """Take “Marked as Billed” back."""
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        self.check_access("write")
        marked = self.filtered("marked_billed_date")
        marked.sudo().write(
            {
                "marked_billed_reason": False,
                "marked_billed_user_id": False,
                "marked_billed_date": False,
            }
        )
        body = self.env._("No longer marked as billed.")
        marked._message_log_batch(bodies={order.id: body for order in marked})
        return True

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.model
    def _get_billing_terms(self):
        """Names (set) of the fields that an active invoice keeps as they are."""
        return {
            "bill_to_id",
            *self._get_bill_to_fields(),
            "pricelist_id",
            "currency_id",
            "fiscal_position_id",
            "payment_term_id",
            "include_unit_price",
        }

    @api.model_create_multi
    def create(self, vals_list):
        orders = super().create(vals_list)
        for name in self._get_derived_fields():
            self.env.add_to_compute(self._fields[name], orders)
        for order in orders:
            order._ensure_not_entered({name for name in MARK if order[name]})
        orders.filtered("equipment_ids")._follow_sources()
        orders._trigger_automatic_invoice()
        return orders

    def write(self, vals):
        self._ensure_terms_can_change(vals)
        if "not_to_exceed" in vals:
            self._ensure_may_set_limit()
        if vals.keys() & {"discount_type", "discount_value"}:
            self._ensure_charges_can_change()
        self._ensure_not_entered(vals.keys() & (self._get_derived_fields() | {*MARK}))
        res = super().write(vals)
        if "company_id" in vals:
            self._follow_walk_in()
        if "equipment_ids" in vals:
            self._follow_sources()
        elif "stage_id" in vals:
            # work from before the addon that bills it was installed
            self.filtered("is_invoiceable")._follow_sources()
        if "stage_id" in vals:
            self._trigger_automatic_invoice()
        return res

    def _follow_walk_in(self):
        """Book one-offs of these orders on the walk-in contact that their company has
        now. Called when the company of the order changes, or that of the contact."""
        one_offs = self.filtered(lambda order: order._is_one_off())
        one_offs.modified(["bill_to_type"])

    def _ensure_may_set_limit(self):
        """Refuse workers who would raise the amount that the customer agreed to.

        :raise AccessError: the user neither dispatches nor invoices
        """
        if not self._may_agree_on_prices():
            raise AccessError(
                self.env._(
                    "The not-to-exceed amount of service order %(order)s is changed by "
                    "dispatchers and those who invoice. Ask one of them.",
                    order=", ".join(self.mapped("name")),
                )
            )

    @api.model
    def _may_agree_on_prices(self):
        """Whether the user agrees with customers on what they pay (bool): workers do
        not."""
        user = self.env.user
        return (
            self.env.su
            or user.has_group("fieldservice.group_fsm_dispatcher")
            or user.has_group(GROUP_USER)
        )

    def _ensure_charges_can_change(self):
        """Refuse changes to billed work by those who can not mend its invoice.

        Called when order lines or the discount on the whole change. Who may invoice
        still changes them: the difference shows as a warning.

        :raise UserError: an order has an active invoice
        """
        if self.env.su or self.env.user.has_group(GROUP_USER):
            return
        for order in self:
            if invoice := order.sudo().active_invoice_id:
                order.check_access("write")
                raise UserError(
                    self.env._(
                        "Service order %(order)s is billed (%(invoice)s): its lines "
                        "and discount can not be changed any more. Ask someone who "
                        "invoices service orders to add what is missing.",
                        order=order.name,
                        invoice=invoice.display_name,
                    )
                )

    def _ensure_terms_can_change(self, vals):
        """Refuse new terms for billed orders, and a new company for orders that ever
        had an invoice."""
        for name in vals.keys() & (self._get_billing_terms() | {"company_id"}):
            for order in self:
                links = order.sudo().invoice_link_ids
                if name != "company_id":
                    links = links.filtered("is_active")
                field = self._fields[name]
                new = field.convert_to_cache(vals[name], order, validate=False)
                if links and field.convert_to_cache(order[name], order) != new:
                    order.check_access("write")
                    raise UserError(
                        self.env._(
                            "%(field)s of service order %(order)s can not change: it "
                            "is billed by %(invoice)s. Cancel or credit that invoice "
                            "first.",
                            field=field._description_string(self.env),
                            order=order.name,
                            invoice=links[0].move_id.display_name,
                        )
                        if name != "company_id"
                        else self.env._(
                            "Service order %(order)s has invoices of %(company)s and "
                            "can not move to another company. Create an order there.",
                            order=order.name,
                            company=order.company_id.name,
                        )
                    )

    @api.model
    def _get_derived_fields(self):
        """Names (set) of the stored fields that follow from lines and invoices."""
        return {
            "billing_status",
            "amount_untaxed",
            "amount_tax",
            "amount_total",
            "amount_invoiced",
            "amount_to_invoice",
            "cost",
            "margin",
            "margin_percent",
        }

    def _ensure_not_entered(self, names):
        """Refuse over RPC what the addon alone says: what is billed, and the mark as
        billed with who set it.

        :param names: set of field names about to be written
        :raise UserError: names the orders and the way out
        """
        if self and names and not self.env.su:
            self.check_access("write")
            raise UserError(
                self.env._(
                    "%(field)s of service order %(order)s is recorded and can not be "
                    "entered. It follows from the order lines and invoices, and from "
                    "“Mark as Billed”.",
                    field=self._fields[min(names)]._description_string(self.env),
                    order=", ".join(self.mapped("name")),
                )
            )

    @api.constrains(
        "company_id", "pricelist_id", "fiscal_position_id", "payment_term_id"
    )
    def _check_billing_company(self):
        for order in self.sudo():
            for name in (
                "bill_to_id",
                "pricelist_id",
                "fiscal_position_id",
                "payment_term_id",
            ):
                company = order[name].company_id
                if company and company not in order.company_id.parent_ids:
                    raise ValidationError(
                        self.env._(
                            "%(field)s “%(value)s” belongs to %(other)s, service order "
                            "%(order)s to %(company)s. Choose one of that company.",
                            field=self._fields[name]._description_string(self.env),
                            value=order[name].display_name,
                            other=company.name,
                            order=order.name,
                            company=order.company_id.name,
                        )
                    )

    @api.constrains("bill_to_type", "bill_to_id")
    def _check_one_off_contact(self):
        """One-offs of unbilled orders are booked on the walk-in contact only."""
        for order in self.filtered(
            lambda order: order._is_one_off() and not order._is_billed()
        ):
            walk_in = order.company_id.service_walk_in_partner_id
            if order.bill_to_id != walk_in:
                raise ValidationError(
                    self.env._(
                        "%(partner)s can not be the bill-to of service order "
                        "%(order)s: %(name)s is typed in there as a one-off, which is "
                        "booked on the walk-in contact of %(company)s. Choose the "
                        "bill-to type “Contact”, or leave the contact out.",
                        partner=order.bill_to_id.display_name or "-",
                        order=order.name,
                        name=order.bill_to_name,
                        company=order.company_id.name,
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        for order in self:
            if links := order.sudo().invoice_link_ids:
                raise UserError(
                    self.env._(
                        "Service order %(order)s has invoices (%(invoices)s) and can "
                        "not be deleted: they are kept for audit. Cancel it instead.",
                        order=order.name,
                        invoices=", ".join(links.move_id.mapped("display_name")),
                    )
                )
