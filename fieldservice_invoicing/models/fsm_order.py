# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from itertools import chain

from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from .account_tax import get_kind, get_rounded_untaxed
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
    include_unit_price = fields.Boolean(
        default=True,
        help="Bill the order's equipment at its price, beside labor and items.",
    )
    not_to_exceed = fields.Monetary(
        string="Not to Exceed",
        tracking=True,
        help="Highest amount before taxes that the customer has agreed to: a higher "
        "invoice is refused. Zero: no limit.",
    )
    discount_type = fields.Selection(
        [("none", "None"), ("percent", "%"), ("amount", "Amount")],
        default="none",
        required=True,
        copy=False,
        help="Discount on the whole order, after the discounts of its lines.",
    )
    discount_value = fields.Float(
        string="Discount",
        min_display_digits="Discount",
        copy=False,
        help="A percentage, or an amount off the total with taxes. It is split over "
        "the tax rates.",
    )
    amount_untaxed = fields.Monetary(
        string="Untaxed Amount", compute="_compute_amounts", store=True
    )
    amount_tax = fields.Monetary(string="Taxes", compute="_compute_amounts", store=True)
    amount_total = fields.Monetary(
        string="Total", compute="_compute_amounts", store=True
    )
    tax_totals = fields.Binary(compute="_compute_tax_totals", exportable=False)
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
    closeout_blocking = fields.Text(
        compute="_compute_closeout",
        help="What is missing and has to be there before the order is billed.",
    )
    closeout_warning = fields.Text(
        compute="_compute_closeout",
        help="What is missing, though the order can be billed without it.",
    )
    invoice_refusal = fields.Text(
        string="Reason",
        compute="_compute_invoice_refusal",
        groups=INVOICE_READERS,
        help="Why the order can not be invoiced now.",
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
    # Amounts
    # ------------------------------------------------------------------

    def _get_priced_lines(self, include_unit_price=None):
        """Lines (`fsm.order.line`) that the customer is charged for.

        :param include_unit_price: whether units count; None: as the order says
        """
        self.ensure_one()
        if include_unit_price is None:
            include_unit_price = self.include_unit_price
        lines = self.line_ids.filtered(
            lambda line: (
                line.is_billable
                and not line.display_type
                and (include_unit_price or line.kind != "unit")
            )
        )
        # read together with the lines of the other orders at hand
        return lines.with_prefetch(self.line_ids._prefetch_ids)

    def _get_currency_rate(self):
        """Units of the order's currency for one of the company's, today (float)."""
        self.ensure_one()
        return self.env["res.currency"]._get_conversion_rate(
            from_currency=self.company_id.currency_id,
            to_currency=self.currency_id or self.company_id.currency_id,
            company=self.company_id,
            date=fields.Date.context_today(self),
        )

    @api.depends(
        "line_ids.price_subtotal",
        "line_ids.price_total",
        "line_ids.is_billable",
        "line_ids.kind",
        "include_unit_price",
        "currency_id",
        "company_id",
        "payment_term_id",
        "discount_type",
        "discount_value",
    )
    def _compute_amounts(self):
        for order in self:
            base_lines = order._get_tax_base_lines(order._get_priced_lines())
            totals = order._get_tax_totals(base_lines)
            order.amount_untaxed = totals["base_amount_currency"]
            order.amount_tax = totals["tax_amount_currency"]
            order.amount_total = totals["total_amount_currency"]

    @api.depends_context("lang")
    @api.depends("amount_total")
    def _compute_tax_totals(self):
        for order in self:
            base_lines = order._get_tax_base_lines(order._get_priced_lines())
            order.tax_totals = {
                **order._get_tax_totals(base_lines),
                "service_kinds": order._get_kind_amounts(base_lines),
            }

    def _get_tax_base_lines(self, lines, options=None):
        """Base lines with rounded tax details, as the invoice computes them.

        :param lines: `fsm.order.line` of this order, without sections and notes
        :param options: None for the lines as they stand, else those of
            :meth:`_create_invoices`, for what is left to invoice
        :return: list of dicts of ``account.tax``; ``record`` is the order line, empty
            for the discount on the whole and that for early payment
        """
        self.ensure_one()
        base_lines = self._get_line_base_lines(lines, options)
        return self._complete_base_lines({self: base_lines}, options)

    @api.model
    def _complete_base_lines(self, base_lines_by_order, options=None):
        """Add to the base lines of orders what their one invoice says beside them, and
        round them.

        :param base_lines_by_order: dict of orders, which agree in the keys of
            :meth:`_get_invoice_grouping_keys`, and lists of dicts with tax details
        :param options: see :meth:`_get_tax_base_lines`
        :return: see :meth:`_get_tax_base_lines`
        """
        AccountTax = self.env["account.tax"]
        order, *_others = base_lines_by_order
        company = order.company_id or self.env.company
        base_lines = list(chain.from_iterable(base_lines_by_order.values()))
        count = len(base_lines)
        # a discount on the whole is reckoned for each order by itself
        for each, lines in base_lines_by_order.items():
            base_lines += each._get_discount_base_lines(lines)
        for each in base_lines_by_order:
            base_lines += each._get_other_base_lines(options)
        base_lines += order._get_early_payment_base_lines(base_lines)
        AccountTax._add_tax_details_in_base_lines(base_lines[count:], company)
        AccountTax._round_base_lines_tax_details(base_lines, company)
        return base_lines

    def _get_invoice_totals(self, options):
        """What the one invoice of these orders will come to.

        :param dict options: those of :meth:`_create_invoices`
        :return: totals (dict), see :meth:`_get_tax_totals`
        """
        base_lines = {}
        for order in self:
            lines = order._get_billable_lines() & order._get_priced_lines()
            lines = lines.with_prefetch(order.line_ids._prefetch_ids)
            base_lines[order] = order._get_line_base_lines(lines, options)
        return self[:1]._get_tax_totals(self._complete_base_lines(base_lines, options))

    def _get_line_base_lines(self, lines, options=None):
        """Base lines of order lines by themselves, with tax details not yet rounded:
        see :meth:`_get_tax_base_lines`."""
        base_lines = [
            line._prepare_base_line_for_taxes_computation(
                **({} if options is None else self._get_line_options(line, options)),
                **({} if options is None else {"quantity": line.qty_to_invoice}),
            )
            for line in lines
        ]
        self.env["account.tax"]._add_tax_details_in_base_lines(
            base_lines, self.company_id or self.env.company
        )
        return base_lines

    def _get_other_base_lines(self, options=None):
        """Base lines of what the invoice of one order says beside its lines: hook, e.g.
        for a deposit that is applied.

        :param options: see :meth:`_get_tax_base_lines`
        :return: list of dicts with tax details, whose ``record`` is an empty
            `fsm.order.line`
        """
        return []

    def _get_early_payment_base_lines(self, base_lines):
        """Base lines of an early payment discount that always lowers the tax.

        With the payment terms' tax reduction “Always (upon invoice)” the invoice
        taxes the discounted base, whether or not the customer pays early.

        :param base_lines: list of dicts with their tax details
        :return: list of dicts, grouped by income account and taxes as the journal
            items will be; none without such a discount
        """
        self.ensure_one()
        term = self.payment_term_id
        if not (
            term.early_discount
            and term.early_pay_discount_computation == "mixed"
            and term.discount_percentage
        ):
            return []
        currency = self.currency_id or self.company_id.currency_id
        amounts = defaultdict(float)
        for base_line in base_lines:
            if not base_line["tax_ids"]:
                continue
            subtotal = base_line["manual_total_excluded_currency"]
            if subtotal is None:
                subtotal = base_line["tax_details"]["raw_total_excluded_currency"]
            amount = currency.round(
                currency.round(subtotal) * term.discount_percentage / 100
            )
            account = (
                base_line["account_id"] or base_line["record"]._get_income_account()
            )
            taxes = base_line["tax_ids"].filtered(
                lambda tax: tax.amount_type != "fixed"
            )
            amounts[account, taxes] -= amount
            amounts[account, self.env["account.tax"]] += amount
        return [
            self.env["account.tax"]._prepare_base_line_for_taxes_computation(
                self.env["fsm.order.line"],
                price_unit=amount,
                quantity=1.0,
                tax_ids=taxes,
                currency_id=currency,
                rate=self._get_currency_rate(),
                special_mode="total_excluded",
                special_type="early_payment",
            )
            for (_account, taxes), amount in amounts.items()
        ]

    def _get_tax_totals(self, base_lines):
        """Totals (dict) of :meth:`_get_tax_base_lines`, for the tax totals widget."""
        self.ensure_one()
        return self.env["account.tax"]._get_tax_totals_summary(
            base_lines=base_lines,
            currency=self.currency_id or self.company_id.currency_id,
            company=self.company_id or self.env.company,
        )

    # ------------------------------------------------------------------
    # Discount on the whole order
    # ------------------------------------------------------------------

    def _get_discount_base_lines(self, base_lines):
        """Base lines of the discount on one whole order, as the invoice will have them.

        :param base_lines: list of dicts of the order's lines with their tax details
        :return: list of dicts, negative ones
        """
        self.ensure_one()
        if self.discount_type == "none" or not base_lines:
            return []
        for base_line in base_lines:
            base_line["account_id"] = base_line["record"]._get_income_account()
        AccountTax = self.env["account.tax"]
        company = self.company_id or self.env.company
        AccountTax._round_base_lines_tax_details(base_lines, company)
        discount_lines = AccountTax._prepare_service_discount_lines(
            base_lines,
            company,
            self.discount_type,
            self.discount_value,
            f"service_discount,{self.id}",
        )
        for discount_line in discount_lines:
            discount_line["record"] = self.env["fsm.order.line"]
        return discount_lines

    def _get_discount_limit(self):
        """Highest discount (float) on one whole order, as a percentage or as an amount
        off the total with taxes, by its type."""
        self.ensure_one()
        if self.discount_type == "percent":
            return 100.0
        AccountTax = self.env["account.tax"]
        company = self.company_id or self.env.company
        base_lines = self._get_line_base_lines(self._get_priced_lines())
        AccountTax._round_base_lines_tax_details(base_lines, company)
        return max(AccountTax._get_discountable_total(base_lines, company), 0.0)

    def _get_discount_refusal(self):
        """Refusal (str or False) for a discount on one whole order that is more than
        what it is taken off, as once parts have been returned."""
        if self.discount_type == "none":
            return False
        limit, value = self._get_discount_limit(), self.discount_value
        currency = self.currency_id or self.company_id.currency_id
        is_percent = self.discount_type == "percent"
        excess = value - limit if is_percent else currency.round(value - limit)
        if value >= 0 and excess <= 0:
            return False
        return self.env._(
            "The discount on the whole of service order %(order)s (%(discount)s) has "
            "to be between 0 and %(limit)s. Change it on the Order Lines tab.",
            order=self.name,
            discount=f"{value:g} %" if is_percent else currency.format(value),
            limit="100 %" if is_percent else currency.format(limit),
        )

    @api.constrains("discount_type", "discount_value", "line_ids")
    def _check_discount(self):
        for order in self:
            # agreed before it is known what there is to charge
            is_early = order.discount_value >= 0 and not order._get_priced_lines()
            if order.discount_type == "amount" and is_early:
                continue
            if refusal := order._get_discount_refusal():
                raise ValidationError(refusal)

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

    @api.model
    def _get_kind_amounts(self, base_lines):
        """Kind and untaxed amount (list of pairs) of base lines, for the invoice card.

        :param base_lines: see :meth:`_get_tax_base_lines`
        """
        return [
            (kind, get_rounded_untaxed(base_line))
            for base_line in base_lines
            if (kind := get_kind(base_line))
        ]

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
    # Closeout check
    # ------------------------------------------------------------------

    @api.depends(
        "stage_id.is_invoiceable",
        "type",
        "signature",
        "resolution",
        "message_attachment_count",
        "line_ids.price_unit",
        "line_ids.quantity",
        "invoice_link_ids.is_active",
    )
    def _compute_closeout(self):
        waiting = self.filtered(
            lambda order: order.is_invoiceable and not order._is_work_billed()
        )
        findings = self.env["fsm.closeout.rule"]._get_findings(waiting)
        for order in self:
            messages = {"blocking": [], "warning": []}
            for level, message in findings.get(order, []):
                messages[level].append(message)
            order.closeout_blocking = "\n".join(messages["blocking"])
            order.closeout_warning = "\n".join(messages["warning"])

    def _get_unpriced_lines(self):
        """Lines (`fsm.order.line`) of one order that are billed at no price."""
        return self._get_priced_lines().filtered(
            lambda line: line.quantity and not line.price_unit
        )

    def _get_closeout_refusal(self):
        """Refusal (str or False) by the blocking rules of the closeout check."""
        return bool(self.closeout_blocking) and self.env._(
            "Service order %(order)s is not closed out:\n%(missing)s\n"
            "Complete it, or ask for another closeout check in the configuration of "
            "field service.",
            order=self.name,
            missing=self.closeout_blocking,
        )

    # ------------------------------------------------------------------
    # Create invoices
    # ------------------------------------------------------------------

    def _create_invoices(self, grouped=False, lines=None, **options):
        """Create one draft invoice for each order.

        All or nothing: a refusal for one order leaves none created. Called by the
        Create Invoice dialog and by code that invoices many orders.

        :param bool grouped: one invoice for orders that agree in the keys of
            :meth:`_get_invoice_grouping_keys`
        :param lines: `fsm.order.line` to bill; anything but all of them is refused
        :param options:
            ``include_unit_price`` (bool) bills units or leaves them out, and is
            remembered on the orders;
            ``tax_treatment`` (str) and ``tax`` (`account.tax`), see
            :meth:`_get_line_options`
        :return: created `account.move` recordset, in superuser mode as created
        :raise UserError: an order can not be invoiced, with the reason
        :raise AccessError: the user may not create invoices from orders
        """
        self._ensure_may_invoice()
        self._follow_sources()
        self._update_amounts()
        self._ensure_can_be_invoiced(lines)
        if options.get("include_unit_price") is not None:
            self.filtered(
                lambda order: order.include_unit_price != options["include_unit_price"]
            ).include_unit_price = options["include_unit_price"]
        vals_list = []
        for order in self:
            order = order.with_company(order.company_id)
            values = order._prepare_invoice()
            values["invoice_line_ids"] = order._prepare_invoice_lines(options)
            values["service_tax_treatment"] = options.get("tax_treatment", "default")
            values["service_tax_id"] = options.get("tax", self.env["account.tax"]).id
            vals_list.append(values)
        if grouped:
            vals_list = self._group_invoice_vals(vals_list)
        moves = self._create_account_invoices(vals_list)
        claims = moves.service_order_link_ids
        claims._keep_rounding(
            {claim: claim.order_id.amount_untaxed for claim in claims}
        )
        moves._check_service_invoice_total()
        moves._check_not_to_exceed()
        self._log_created(moves)
        return moves

    def _ensure_may_invoice(self):
        """Refuse users who may not create invoices from these orders.

        :raise UserError: a company has service invoicing switched off
        :raise AccessError: the user lacks the right
        """
        self.company_id._ensure_service_invoicing(GROUP_USER)
        self.check_access("write")

    def _ensure_can_be_invoiced(self, lines=None):
        """Refuse orders that can not be invoiced: the one place for every reason.

        :param lines: see :meth:`_create_invoices`
        :raise UserError: names the order, the reason and the way out
        :raise AccessError: the user lacks the right
        """
        self._ensure_may_invoice()
        # signatures and photos come and go without the order being told
        self.invalidate_recordset(["closeout_blocking", "closeout_warning"])
        for order in self:
            if reason := order._get_invoice_refusal(lines):
                raise UserError(reason)

    def _get_invoice_refusal(self, lines=None):
        """Why the order (one record) can not be invoiced: hook for more reasons.

        :param lines: see :meth:`_create_invoices`
        :return: message (str), or False when it can be invoiced
        """
        self.ensure_one()
        return (
            self._get_active_invoice_refusal()
            or self._get_stage_refusal()
            or self._get_bill_to_refusal()
            or self._get_lines_refusal(lines)
            or self._get_discount_refusal()
            or self._get_closeout_refusal()
        )

    @api.depends_context("uid", "lang")
    def _compute_invoice_refusal(self):
        for order in self:
            order.invoice_refusal = order._get_batch_refusal()

    def _get_batch_refusal(self):
        """Why the order (one record) can not be invoiced together with others: hook for
        what only the order's own dialog asks.

        :return: message (str), or False when it can be invoiced
        """
        if refusal := self._get_invoice_refusal():
            return refusal
        if not self.include_unit_price and not self._get_invoiceable_lines():
            return self._get_only_units_message()
        return False

    def _get_active_invoice_refusal(self):
        """Refusal (str or False) for an order that has its one active invoice."""
        invoice = self.sudo().active_invoice_id
        return invoice and self.env._(
            "An invoice already exists for this service order.\n"
            "%(order)s is billed by %(invoice)s: open it from the order. To bill it "
            "anew, cancel or credit that invoice first; to bill an order in portions, "
            "use progress billing.",
            order=self.name,
            invoice=invoice.display_name,
        )

    def _get_stage_refusal(self):
        """Refusal (str or False) by the order's stage."""
        return not self.stage_id.is_invoiceable and self.env._(
            "Service order %(order)s is in the stage “%(stage)s”, which is not "
            "invoiceable. Complete the order first.",
            order=self.name,
            stage=self.stage_id.name,
        )

    def _get_bill_to_refusal(self):
        """Refusal (str or False) by the bill-to."""
        if self._is_one_off() and (refusal := self._get_walk_in_refusal()):
            return refusal
        contact = self.bill_to_id
        if not contact:
            return self.env._(
                "Service order %(order)s has no bill-to. Choose one on its Order Lines "
                "tab, or give the location an owner.",
                order=self.name,
            )
        if not contact.active:
            return self.env._(
                "The bill-to of service order %(order)s, %(partner)s, is archived. "
                "Unarchive it or choose another bill-to.",
                order=self.name,
                partner=contact.name,
            )
        bill_to = self._get_bill_to()
        if (
            not bill_to.country_id
            and not self.fiscal_position_id
            and self.company_id.taxes_by_country
        ):
            return self.env._(
                "%(partner)s, the bill-to of service order %(order)s, has no country, "
                "by which %(company)s chooses its taxes. Set the country, or a fiscal "
                "position on the order.",
                order=self.name,
                partner=bill_to.name,
                company=self.company_id.name,
            )
        return False

    def _get_lines_refusal(self, lines=None):
        """Refusal (str or False) by what there is to bill."""
        billable = self._get_billable_lines()
        if lines is not None and billable - lines:
            return self.env._(
                "Service order %(order)s can not be billed in portions: an invoice "
                "takes all its billable lines. Use progress billing for deposits and "
                "draws.",
                order=self.name,
            )
        if not billable:
            return self._get_nothing_billable_message()
        return False

    def _get_nothing_billable_message(self):
        """What is missing (str) on an order with nothing to bill."""
        lines = self.line_ids.filtered(lambda line: not line.display_type)
        if not lines:
            missing = self.env._("It has no order lines: add labor and parts.")
        elif not any(lines.mapped("is_billable")):
            missing = self.env._("None of its order lines is billable.")
        else:
            missing = self.env._("The quantity of its billable lines is zero.")
        return self.env._(
            "There is nothing to invoice on service order %(order)s. %(missing)s",
            order=self.name,
            missing=missing,
        )

    def _get_billable_lines(self):
        """Lines (`fsm.order.line`) with something left to invoice, units too."""
        return self._get_priced_lines(include_unit_price=True).filtered(
            lambda line: (
                not line.product_uom_id.is_zero(line.qty_to_invoice)
                if line.product_uom_id
                else line.qty_to_invoice
            )
        )

    def _collect_order_lines(self):
        """Bring the order lines up to date with what they come from.

        Called by :meth:`_follow_sources`, in superuser mode. Here: a line for each
        unit that has a price, until an invoice bills the order. Bridges add their
        sources and call ``super()``.
        """
        Line = self.env["fsm.order.line"]
        gone, values = Line, []
        for order in self.filtered(lambda order: not order._has_invoice_lines()):
            units = order.line_ids.filtered("equipment_id")
            gone |= units.filtered(
                lambda line, order=order: line.equipment_id not in order.equipment_ids
            )
            values += [
                order._prepare_unit_line(equipment)
                for equipment in order.equipment_ids - units.equipment_id
                if equipment._has_unit_price()
            ]
        kept = gone.filtered(lambda line: line._is_on_consolidated_invoice())
        kept.write({"quantity": 0.0, "equipment_id": False})
        (gone - kept).unlink()
        Line.create(values)

    def _follow_sources(self):
        """Bring the order lines up to date, whoever the current user is: what was
        done does not depend on who asks.

        Called when an order is finished, when the dialog opens, before invoices are
        created, while a draft is refreshed, when an order's equipment changes, and by
        bridges when parts are moved or hours are logged.
        """
        orders = self.with_env(get_superuser_env(self.env))
        orders.filtered("company_id.service_invoicing")._collect_order_lines()

    def _update_sourced_lines(self, source, wanted):
        """Make the lines of one source say what the source says, in one batch.

        Called by the `_collect_order_lines` of bridges. A line is known by its order
        and source key. It keeps what people set on it (price, discount, taxes,
        reason); when its source is gone it goes too, or falls to zero once it has been
        on an invoice.

        :param str source: a value of ``quantity_source``
        :param list wanted: dicts of values for `fsm.order.line`, among them
            ``order_id``, ``source_key`` and ``quantity``; for existing lines as well
            these values are written, and no others
        """
        Line = self.env["fsm.order.line"].with_env(get_superuser_env(self.env))
        lines = {
            (line.order_id.id, line.source_key): line
            for line in self.with_env(Line.env).line_ids
            if line.source_key and line.quantity_source == source
        }
        new = []
        for values in wanted:
            line = lines.pop((values["order_id"], values["source_key"]), None)
            if line is None:
                new.append({**values, "quantity_source": source})
            elif changes := line._get_changes(values):
                line._write_source_values(changes)
        Line.create(new)
        gone = Line.union(*lines.values())
        billed = gone.filtered("invoice_line_ids")
        for line in billed.filtered("quantity"):
            line._write_source_values({"quantity": 0.0})
        (gone - billed).unlink()

    def _update_amounts(self):
        """Compute the amounts of the order lines and orders anew.

        They are stored, and do not follow a changed tax rate or rounding method;
        the invoice takes today's, and has to show no difference to its orders.
        """
        self.line_ids.modified(["discount_value"])

    def _has_invoice_lines(self):
        """Whether an active invoice bills lines of the order (one record) (bool)."""
        self.ensure_one()
        return self._is_billed() and any(
            line._is_invoiced() for line in self.line_ids if not line.display_type
        )

    def _prepare_unit_line(self, equipment):
        """Values (dict) of the order line for one unit (`fsm.equipment`)."""
        self.ensure_one()
        return {
            "order_id": self.id,
            "kind": "unit",
            "equipment_id": equipment.id,
            "product_id": equipment.product_id.id,
            "quantity": 1.0,
            "quantity_source": "equipment",
            "sequence": 100,
        }

    def _get_invoiceable_lines(self, include_unit_price=None):
        """Lines (`fsm.order.line`) of one order for its invoice, with the sections
        and notes that belong to them.

        :param include_unit_price: whether units count; None: as the order says
        """
        self.ensure_one()
        billable = self._get_billable_lines() & self._get_priced_lines(
            include_unit_price
        )
        shown = billable | self._get_lines_at_no_charge(include_unit_price)
        result = section = self.env["fsm.order.line"]
        for line in self.line_ids.sorted():
            if line.display_type == "line_section":
                section = line
            elif line.display_type == "line_note":
                result += line
            elif line in shown:
                result += section + line
                section = self.env["fsm.order.line"]
        result = result.sorted() if billable else billable
        return result.with_prefetch(self.line_ids._prefetch_ids)

    def _get_lines_at_no_charge(self, include_unit_price=None):
        """Lines (`fsm.order.line`) that the customer is not charged for and that the
        invoice shows nevertheless, as the company has it.

        :param include_unit_price: see :meth:`_get_invoiceable_lines`
        """
        if self.company_id.sudo().service_excluded_lines != "no_charge":
            return self.env["fsm.order.line"]
        if include_unit_price is None:
            include_unit_price = self.include_unit_price
        return self.line_ids.filtered(
            lambda line: (
                not line.is_billable
                and not line.display_type
                and line.quantity
                and (include_unit_price or line.kind != "unit")
            )
        )

    def _prepare_invoice(self):
        """Values of the order's invoice without its lines, without side effect.

        :return: dict for ``account.move.create``
        """
        self.ensure_one()
        values = {
            "move_type": "out_invoice",
            "company_id": self.company_id.id,
            "partner_id": self.bill_to_id.id,
            **self._get_bill_to_values(),
            "partner_shipping_id": self.location_id.partner_id.id,
            "fiscal_position_id": self.fiscal_position_id.id,
            "currency_id": self.currency_id.id,
            "invoice_payment_term_id": self.payment_term_id.id,
            "invoice_origin": self.name,
            "invoice_user_id": self._get_invoice_user().id,
            **self._prepare_invoice_discount(),
            "service_order_link_ids": [Command.create(self._prepare_invoice_link())],
            "invoice_line_ids": [],
        }
        if journal := self.company_id.sudo().service_invoice_journal_id:
            values["journal_id"] = journal.id
        return values

    def _get_invoice_user(self):
        """Salesperson (`res.users`) of the order's invoice: who creates it, and for
        one that is created automatically who entered the order, if that is a person of
        the company. Hook for others."""
        self.ensure_one()
        if not self.env.user._is_superuser():
            return self.env.user
        return self.create_uid.filtered(
            lambda user: (
                user.active
                and not user._is_superuser()
                and user._is_internal()
                and self.company_id in user.company_ids
            )
        )

    def _prepare_invoice_discount(self):
        """Values (dict) of the discount on the order's whole invoice."""
        self.ensure_one()
        has_discount = self.discount_type != "none"
        return {
            "service_discount_type": self.discount_type,
            "service_discount_value": self.discount_value if has_discount else 0.0,
        }

    def _prepare_invoice_link(self):
        """Values (dict) of the claim on the invoice."""
        self.ensure_one()
        return {"order_id": self.id, "slot": "order"}

    def _prepare_invoice_lines(self, options):
        """Commands (list) that create the invoice lines of one order.

        :param dict options: those of :meth:`_create_invoices`
        :raise UserError: nothing is left to bill
        """
        self.ensure_one()
        lines = self._get_invoiceable_lines()
        if not lines:
            raise UserError(self._get_only_units_message())
        return [
            Command.create(
                line._prepare_invoice_line(
                    **(
                        {}
                        if line.display_type or not line.is_billable
                        else self._prepare_line_options(line, options)
                    )
                )
            )
            for line in lines.with_context(
                lang=self._get_bill_to_lang() or self.env.lang
            )
        ]

    def _get_only_units_message(self):
        """Refusal (str) when all there is to bill is left out by the dialog."""
        return self.env._(
            "There is nothing to invoice on service order %(order)s without its "
            "units. Include the unit price, or add labor and parts.",
            order=self.name,
        )

    def _get_line_options(self, line, options):
        """Taxes and price of a line under the tax treatment chosen for an invoice.

        :param line: one `fsm.order.line`
        :param dict options: ``tax_treatment`` is ``default`` (the line's taxes),
            ``tax`` (the tax in ``tax`` for every line) or ``exempt`` (none)
        :return: dict with ``tax_ids`` (`account.tax`), ``price_unit`` and
            ``service_discount_amount``, or empty. Price and discount that include
            the line's own tax are adapted.
        """
        treatment = options.get("tax_treatment") or "default"
        if treatment == "default":
            return {}
        taxes = options["tax"] if treatment == "tax" else self.env["account.tax"]
        price = self.env["account.tax"]._adapt_price_unit_to_another_taxes(
            line.price_unit, line.product_id, line.tax_ids, taxes
        )
        discount = line._get_discount_amount()
        if line.price_unit:
            discount = self.currency_id.round(discount * price / line.price_unit)
        return {
            "tax_ids": taxes,
            "price_unit": price,
            "service_discount_amount": discount,
        }

    def _prepare_line_options(self, line, options):
        """:meth:`_get_line_options` as values of an invoice line (dict)."""
        values = self._get_line_options(line, options)
        if "tax_ids" in values:
            values["tax_ids"] = [Command.set(values["tax_ids"].ids)]
        return values

    def _get_service_day(self):
        """Day (date, or False) on which the work of one order ended, else is scheduled,
        where its company is."""
        self.ensure_one()
        done = self.date_end or self.scheduled_date_start
        timezone = self.company_id.partner_id.tz or self.env.user.tz or "UTC"
        order = self.with_context(tz=timezone)
        return done and fields.Datetime.context_timestamp(order, done).date()

    def _prepare_document_values(self):
        """What the invoice says of one order: hook for more.

        :return: dict that can be stored as JSON, texts in the context's language;
            ``date`` is the day (ISO format, or False) on which the work ended, else
            is scheduled; ``equipment`` a list of dicts with ``name`` and ``serial``;
            ``request`` and ``resolution`` are HTML
        """
        self.ensure_one()
        order = self.sudo()
        day = order._get_service_day()
        contact = self.env["ir.qweb.field.contact"].with_env(order.env)
        site = order.location_id.partner_id
        return {
            "id": order.id,
            "name": order.name,
            "location": order.location_id.display_name,
            # without any, the widget would print a placeholder
            "address": site._display_address(without_company=True).strip()
            and contact.value_to_html(
                site, {"fields": ["address"], "no_marker": True, "no_tag_br": True}
            ),
            "date": day and fields.Date.to_string(day),
            "equipment": [
                {"name": equipment.name, "serial": equipment._get_serial_number()}
                for equipment in order.equipment_ids
            ],
            "request": order.description,
            "resolution": order.resolution,
            "technician": ", ".join(
                (order.person_id or order.person_ids).mapped("name")
            ),
            "signed_by": order.signed_by,
        }

    @api.model
    def _get_invoice_grouping_keys(self):
        """Names (list) of invoice values that orders on one invoice share.

        An order with an amount off the whole shares its invoice with none, so that
        nothing is taken off the others.
        """
        return [
            "company_id",
            "partner_id",
            *self._get_bill_to_fields(),
            "currency_id",
            "fiscal_position_id",
            "invoice_payment_term_id",
            "journal_id",
            "service_discount_type",
            "service_discount_value",
        ]

    @api.model
    def _get_invoice_group(self, values):
        """What invoices have in common that become one (tuple).

        :param dict values: those of :meth:`_prepare_invoice`
        """
        key = tuple(values.get(name) for name in self._get_invoice_grouping_keys())
        if values["service_discount_type"] == "amount":
            key += (values["invoice_origin"],)
        return key

    def _get_planned_invoices(self, grouped=False):
        """Orders of each invoice that :meth:`_create_invoices` would make.

        :return: list of `fsm.order`
        """
        if not grouped:
            return list(self)
        groups = self.grouped(
            lambda order: order._get_invoice_group(
                order.with_company(order.company_id)._prepare_invoice()
            )
        )
        return list(groups.values())

    def _group_invoice_vals(self, vals_list):
        """Join the values of invoices that agree in the grouping keys.

        :param vals_list: list of dicts of :meth:`_prepare_invoice`, with lines, one for
            each order
        :return: list of dicts, one for each invoice
        """
        groups = defaultdict(list)
        for order, values in zip(self, vals_list, strict=True):
            groups[self._get_invoice_group(values)].append((order, values))
        return [self._join_invoice_vals(group) for group in groups.values()]

    @api.model
    def _join_invoice_vals(self, group):
        """Values (dict) of one invoice for several orders, with a section for each.

        :param group: list of pairs of order and its values, see
            :meth:`_group_invoice_vals`
        """
        target = group[0][1]
        if len(group) == 1:
            return target
        lines, links = [], []
        for order, values in group:
            lines.append(Command.create(order._prepare_invoice_heading()))
            lines += order._demote_sections(values["invoice_line_ids"])
            links += values["service_order_link_ids"]
            if target["partner_shipping_id"] != values["partner_shipping_id"]:
                target["partner_shipping_id"] = False
        for sequence, command in enumerate(lines):
            command[2]["sequence"] = sequence
        return {
            **target,
            "invoice_line_ids": lines,
            "service_order_link_ids": links,
            "invoice_origin": ", ".join(
                values["invoice_origin"] for _order, values in group
            ),
        }

    def _prepare_invoice_heading(self):
        """Values (dict) of the section that heads the lines of one order on an invoice
        of several: number, location and date."""
        self.ensure_one()
        order = self.sudo()
        day = order._get_service_day()
        parts = (
            order.name,
            order.location_id.display_name,
            day and format_date(self.env, day, lang_code=self._get_bill_to_lang()),
        )
        return {
            "display_type": "line_section",
            "name": " – ".join(filter(None, parts)),
            "account_id": False,
            "service_heading_order_id": order.id,
        }

    @api.model
    def _demote_sections(self, commands):
        """Commands of :meth:`_prepare_invoice_lines` for an invoice on which each order
        is a section: the order's own sections are within it."""
        for command in commands:
            if command[2].get("display_type") == "line_section":
                command[2]["display_type"] = "line_subsection"
        return commands

    def _create_account_invoices(self, vals_list):
        """Create the invoices: the one place that needs superuser rights, because
        who bills service orders need not be an accountant.

        :param vals_list: list of dicts for ``account.move.create``
        :return: `account.move` recordset in superuser mode
        """
        moves = get_superuser_env(self.env)["account.move"]
        for values in vals_list:
            moves._add_line_amounts(values)
        return moves.with_context(default_move_type="out_invoice").create(vals_list)

    def _log_created(self, moves):
        """Tell orders and invoices of each other in their chatter."""
        is_automatic = self.env.user._is_superuser()
        moves._log_on_service_orders(
            self.env._("Draft invoice created automatically: %s")
            if is_automatic
            else self.env._("Draft invoice created: %s")
        )
        bodies = {}
        for move in moves:
            links = move.service_order_link_ids.order_id._get_html_links()
            bodies[move.id] = (
                self.env._("Created automatically from service order %s", links)
                if is_automatic
                else self.env._("Created from service order %s", links)
            )
        moves._message_log_batch(bodies=bodies)
        moves._log_tax_treatment()

    def _get_html_links(self):
        """Markup with a link to each order, comma separated."""
        return Markup(", ").join(order._get_html_link() for order in self)

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
