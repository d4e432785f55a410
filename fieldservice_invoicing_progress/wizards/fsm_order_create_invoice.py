# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.fieldservice_invoicing.models.account_tax import (
    get_rounded_tax,
    get_rounded_untaxed,
)


class FsmOrderCreateInvoice(models.TransientModel):
    """Applies the deposits of a single order to its invoice."""

    _name = "fsm.order.create.invoice"
    _inherit = ("fsm.order.create.invoice", "service.deposit.dialog.mixin")

    amount_deposit = fields.Monetary(string="Deposit", compute="_compute_breakdown")
    tax_deposit = fields.Monetary(string="Tax on Deposit", compute="_compute_breakdown")

    @api.depends("order_ids", "include_unit_price", "tax_treatment", "tax_id")
    def _compute_deposit_limit(self):
        for wizard in self:
            order = wizard.order_id
            wizard.deposit_limit = order and wizard._get_deposit_limit(order)

    @api.depends("deposit", "deposit_limit")
    def _compute_breakdown(self):
        res = super()._compute_breakdown()
        for wizard in self:
            order = wizard.order_id
            deposit = wizard._get_announced_deposit()
            base_lines = order._get_applied_base_lines(deposit) if deposit else []
            if base_lines:
                order._get_rounded_total(base_lines)
            wizard.amount_deposit = sum(map(get_rounded_untaxed, base_lines))
            wizard.tax_deposit = sum(map(get_rounded_tax, base_lines))
        return res

    def _get_deposit_limit(self, order):
        """Highest deposit (float, with taxes) that the invoice of one order applies."""
        if not order.deposit_balance:
            return 0.0
        return order._get_deposit_to_apply(self._get_total_before_deposit(order))

    def _get_total_before_deposit(self, order):
        """What the invoice of one order comes to (float) when it applies no deposit."""
        lines = order._get_billable_lines() & order._get_priced_lines(
            self.include_unit_price
        )
        # a deposit is proposed from this total
        options = self._get_invoice_options(with_deposit=False)
        totals = order._get_tax_totals(order._get_tax_base_lines(lines, options))
        return totals["total_amount_currency"]

    def _get_invoice_options(self, with_deposit=True):
        options = super()._get_invoice_options()
        if with_deposit:
            options["deposit"] = self._get_announced_deposit()
        return options

    def _create_invoices(self):
        if self.deposit:
            self._ensure_deposit_can_be_applied()
        return super()._create_invoices()

    def _ensure_deposit_can_be_applied(self):
        """Refuse more deposit than there is, or than the invoice comes to.

        :raise UserError: names the order, both amounts, and the way out
        """
        order = self.order_id
        if not order:
            raise UserError(
                self.env._(
                    "Deposits are applied to the invoice of a single service order. "
                    "Invoice %(orders)s one by one.",
                    orders=", ".join(self.order_ids.mapped("name")),
                )
            )
        order._ensure_may_invoice()
        order._get_deposit_to_apply(self._get_total_before_deposit(order), self.deposit)
