# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from itertools import chain

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .account_tax import get_kind, get_rounded_untaxed


class ServiceAmountMixin(models.AbstractModel):
    """What a service order comes to, as its invoice will compute it."""

    _name = "service.amount.mixin"
    _description = "Amounts of a Service Order"

    currency_id = fields.Many2one("res.currency")
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
