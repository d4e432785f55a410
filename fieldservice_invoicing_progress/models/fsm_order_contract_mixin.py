# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import Command, api, models
from odoo.exceptions import UserError, ValidationError


class FsmOrderContractMixin(models.AbstractModel):
    """What `fsm.order` needs for a contract that is billed in portions: the figures
    that follow from lines, change orders and invoices, and what all billing needs."""

    _name = "fsm.order.contract.mixin"
    _description = "Contract of a Service Order"

    @api.depends("company_id", "billing_method")
    def _compute_retainage_percent(self):
        for order in self:
            order.retainage_percent = (
                order.retainage_percent or order.company_id.service_retainage_percent
                if order.billing_method == "progress"
                else 0.0
            )

    @api.depends(
        "billing_method",
        "amount_untaxed",
        "include_unit_price",
        "line_ids.price_subtotal",
        "line_ids.change_amount",
        "line_ids.is_billable",
        "line_ids.kind",
    )
    def _compute_contract(self):
        for order in self:
            lines = order._get_schedule_lines()
            order.contract_revised = sum(lines.mapped("price_subtotal"))
            order.contract_changes = sum(lines.mapped("change_amount"))
            order.contract_original = order.contract_revised - order.contract_changes

    @api.depends(
        "contract_revised",
        "invoice_link_ids.work_amount",
        "invoice_link_ids.retainage_amount",
    )
    def _compute_progress(self):
        for order in self:
            claims = order.invoice_link_ids
            billed = sum(claims.mapped("work_amount"))
            revised = order.contract_revised
            order.progress_billed = billed
            order.progress_percent = 100 * billed / revised if revised else 0.0
            order.balance_to_finish = revised - billed
            order.retainage_held = sum(claims.mapped("retainage_amount"))

    @api.depends("invoice_link_ids.deposit_total", "invoice_link_ids.deposit_left")
    def _compute_deposits(self):
        for order in self:
            claims = order.invoice_link_ids
            order.deposit_billed = sum(claims.mapped("deposit_total"))
            order.deposit_balance = sum(claims.mapped("deposit_left"))

    def _get_schedule_lines(self):
        """Items (`fsm.order.line`) of the contract of one order; none of an order that
        is billed at once."""
        if self.billing_method != "progress":
            return self.env["fsm.order.line"]
        return self._get_priced_lines()

    def _get_draws(self):
        """Active draws (`fsm.order.invoice`, superuser mode) of one order, first to
        last."""
        self.ensure_one()
        claims = self.sudo().invoice_link_ids.filtered(
            lambda claim: claim.is_active and claim.billing_kind == "draw"
        )
        return claims.sorted("number")

    def _get_next_slot(self, kind):
        """Slot (str) of the next deposit, draw or release of one order.

        Numbers of given up draws are used again: who bills at the same time claims the
        same slot, which the database allows once.

        :param str kind: ``deposit``, ``draw`` or ``release``
        """
        claims = self.sudo().invoice_link_ids.filtered(
            lambda claim: claim.is_active and claim.billing_kind == kind
        )
        return f"{kind}/{max(claims.mapped('number'), default=0) + 1}"

    def _is_contract_fixed(self):
        """Whether the schedule of values of one order is fixed (bool): something of it
        is billed, or changed by a change order."""
        self.ensure_one()
        return self.billing_method == "progress" and (
            self._is_billed() or "approved" in self.change_order_ids.mapped("state")
        )

    def _is_billed_in_full(self):
        """Whether draws have taken the contract of one order to 100 % (bool)."""
        self.ensure_one()
        lines = self._get_schedule_lines()
        return bool(self._get_draws()) and all(
            line.currency_id.compare_amounts(
                line._get_amount_billed(), line.price_subtotal
            )
            == 0
            for line in lines
        )

    def _lock_billing(self):
        """Let nobody else bill these orders until the transaction ends.

        Of two people at once the second one's transaction fails here and is run again,
        then finds what the first one did. A mere lock would let it go on by figures
        from before. Called before anything is billed, posted or cancelled.
        """
        if self:
            self.env.cr.execute(
                "UPDATE fsm_order SET id = id WHERE id = ANY(%s)", [list(self.ids)]
            )

    # ------------------------------------------------------------------
    # Exact amounts
    # ------------------------------------------------------------------

    def _get_rounding(self):
        """Smallest unit (Decimal) of the order's currency."""
        self.ensure_one()
        currency = self.currency_id or self.company_id.currency_id
        return Decimal(str(currency.rounding))

    def _to_decimal(self, amount):
        """``amount`` (float) of the order's currency as Decimal, rounded."""
        currency = self.currency_id or self.company_id.currency_id
        digits = currency.decimal_places
        return Decimal(f"{currency.round(amount):.{digits}f}")

    def _get_price_with_taxes(self, amount, taxes):
        """Price (float, not rounded) whose untaxed amount is exactly ``amount``: with
        those taxes that are included in prices.

        :param float amount: untaxed, in the order's currency
        :param taxes: `account.tax`
        """
        details = taxes._get_tax_details(
            amount, 1.0, rounding_method="round_globally", special_mode="total_excluded"
        )
        included = sum(
            data["tax_amount"]
            for data in details["taxes_data"]
            if data["tax"].price_include
        )
        by_line = self.company_id.tax_calculation_rounding_method == "round_per_line"
        if included and by_line:
            return self._get_price_rounded_by_line(amount, amount + included, taxes)
        return amount + included

    def _get_price_rounded_by_line(self, amount, price, taxes):
        """Price (float) nearest to ``price`` whose untaxed amount is exactly ``amount``
        when taxes are rounded by line: those of several included taxes, each rounded by
        itself, can add up to a unit more or less.

        :param float amount, price: untaxed, and with included taxes
        :param taxes: `account.tax`
        """
        currency = self.currency_id or self.company_id.currency_id
        nearest = currency.round(price)
        most = len(taxes.flatten_taxes_hierarchy())
        for units in sorted(range(-most, most + 1), key=abs):
            price = currency.round(nearest + units * currency.rounding)
            details = taxes._get_tax_details(
                price, 1.0, currency.rounding, rounding_method="round_per_line"
            )
            if currency.compare_amounts(details["total_excluded"], amount) == 0:
                return price
        return nearest

    # ------------------------------------------------------------------
    # Invoices
    # ------------------------------------------------------------------

    def _prepare_progress_base_line(self, price_unit, taxes, **values):
        """Base line (dict) of ``account.tax`` for an invoice line of one order that is
        no order line.

        :param float price_unit: in the order's currency
        :param taxes: `account.tax`
        :param values: values that replace or add to those of the base line
        """
        return self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            self.env["fsm.order.line"],
            **{
                "price_unit": price_unit,
                "quantity": 1.0,
                "tax_ids": taxes,
                "currency_id": self.currency_id or self.company_id.currency_id,
                "partner_id": self.bill_to_id,
                "rate": self._get_currency_rate(),
                **values,
            },
        )

    def _prepare_progress_line(self, base_line, progress_type):
        """Values (dict) of the invoice line for one base line.

        :param str progress_type: ``work``, ``deposit`` or ``retainage``
        """
        AccountTax = self.env["account.tax"]
        extra_tax_data = AccountTax._export_base_line_extra_tax_data(base_line)
        price = base_line["price_unit"]
        if extra_tax_data.get("manual_tax_amounts"):
            # shown; the computation takes the exact price from the extra tax data
            price = base_line["currency_id"].round(price)
        return {
            "display_type": "product",
            "progress_type": progress_type,
            "progress_order_id": self.id,
            "product_id": base_line["product_id"].id,
            "account_id": base_line["account_id"].id,
            "quantity": base_line["quantity"],
            "price_unit": price,
            "tax_ids": [Command.set(base_line["tax_ids"].ids)],
            "extra_tax_data": extra_tax_data,
        }

    def _create_progress_invoice(self, kind, lines, **link_values):
        """Create the draft invoice of a deposit, draw or release of one order.

        :param str kind: ``deposit``, ``draw`` or ``release``
        :param lines: list of dicts of values of its lines
        :param link_values: more values of the claim
        :return: `account.move` in superuser mode
        """
        link = {"order_id": self.id, "slot": self._get_next_slot(kind), **link_values}
        values = {
            **self._prepare_invoice(),
            "service_discount_type": "none",
            "service_discount_value": 0.0,
            "service_order_link_ids": [Command.create(link)],
            "invoice_line_ids": [Command.create(line) for line in lines],
        }
        move = self._create_account_invoices([values])
        move._check_service_invoice_total()
        self._log_created(move)
        return move

    # ------------------------------------------------------------------
    # Refusals
    # ------------------------------------------------------------------

    def _get_contract_refusal(self):
        """Why nothing can be billed of the contract of one order at all (str or
        False): hook for more reasons."""
        self.ensure_one()
        if self.stage_id.is_closed and not self.stage_id.is_invoiceable:
            return self._get_stage_refusal()
        return self._get_bill_to_refusal()

    def _ensure_contract_can_be_billed(self):
        """Refuse orders of whose contract nothing can be billed.

        :raise UserError: names the order, the reason and the way out
        :raise AccessError: the user may not create invoices from orders
        """
        self._ensure_may_invoice()
        for order in self:
            if refusal := order._get_contract_refusal():
                raise UserError(refusal)

    def _ensure_progress_billing(self):
        """Refuse orders that are billed at once.

        :raise UserError: names the order and the way out
        """
        for order in self.filtered(lambda order: order.billing_method != "progress"):
            raise UserError(
                self.env._(
                    "Service order %(order)s is billed at once. Set its billing method "
                    "to “Progress Billing” to bill it by draws.",
                    order=order.name,
                )
            )

    @api.constrains("retainage_percent", "retainage_cap_percent")
    def _check_retainage_percent(self):
        for order in self:
            for name in ("retainage_percent", "retainage_cap_percent"):
                if not 0 <= order[name] <= 100:
                    raise ValidationError(
                        self.env._(
                            "%(field)s of service order %(order)s has to be between 0 "
                            "and 100.",
                            field=self._fields[name]._description_string(self.env),
                            order=order.name,
                        )
                    )

    @api.constrains("billing_method", "discount_type")
    def _check_discount_of_contract(self):
        for order in self:
            if order.billing_method == "progress" and order.discount_type != "none":
                raise ValidationError(
                    self.env._(
                        "Service order %(order)s can not have a discount on the whole: "
                        "it is billed by draws. Give the discount on its lines.",
                        order=order.name,
                    )
                )
