# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.account_tax import get_kind, get_rounded_tax, get_rounded_untaxed

KINDS = {
    "unit": "unit",
    "labor": "labor",
    "part": "parts",
    "charge": "other",
    "discount": "discount",
}


class FsmOrderCreateInvoice(models.TransientModel):
    _name = "fsm.order.create.invoice"
    _description = "Create Invoice from a Service Order"

    order_ids = fields.Many2many(
        "fsm.order", string="Service Orders", required=True, readonly=True
    )
    order_id = fields.Many2one(
        "fsm.order", compute="_compute_order", string="Service Order"
    )
    company_id = fields.Many2one("res.company", compute="_compute_order")
    currency_id = fields.Many2one("res.currency", compute="_compute_order")
    bill_to_id = fields.Many2one(related="order_id.bill_to_id")
    bill_to_display_name = fields.Char(related="order_id.bill_to_display_name")
    fiscal_position_id = fields.Many2one(related="order_id.fiscal_position_id")
    include_unit_price = fields.Boolean(
        compute="_compute_include_unit_price",
        store=True,
        readonly=False,
        precompute=True,
        help="Bill the equipment of the order at its price; off bills labor and "
        "items only.",
    )
    has_unit = fields.Boolean(compute="_compute_unit_price")
    unit_price = fields.Monetary(compute="_compute_unit_price")
    tax_treatment = fields.Selection(
        [
            ("default", "Taxes of the lines"),
            ("tax", "One tax for all lines"),
            ("exempt", "Exempt"),
        ],
        default="default",
        required=True,
        help="Starts from the products' taxes and the fiscal position of the bill-to; "
        "a change here holds for this invoice only.",
    )
    tax_id = fields.Many2one(
        "account.tax",
        domain="[('type_tax_use', '=', 'sale'),"
        " ('company_id', 'parent_of', company_id)]",
    )
    amount_unit = fields.Monetary(string="Unit", compute="_compute_breakdown")
    amount_labor = fields.Monetary(string="Labor", compute="_compute_breakdown")
    amount_parts = fields.Monetary(string="Parts", compute="_compute_breakdown")
    amount_other = fields.Monetary(string="Other", compute="_compute_breakdown")
    amount_discount = fields.Monetary(string="Discount", compute="_compute_breakdown")
    tax_unit = fields.Monetary(string="Tax on Unit", compute="_compute_breakdown")
    tax_labor = fields.Monetary(string="Tax on Labor", compute="_compute_breakdown")
    tax_parts = fields.Monetary(string="Tax on Parts", compute="_compute_breakdown")
    tax_other = fields.Monetary(string="Tax on Other", compute="_compute_breakdown")
    tax_discount = fields.Monetary(
        string="Tax on Discount", compute="_compute_breakdown"
    )
    amount_untaxed = fields.Monetary(
        string="Untaxed Amount", compute="_compute_breakdown"
    )
    amount_tax = fields.Monetary(string="Taxes", compute="_compute_breakdown")
    amount_total = fields.Monetary(string="Total", compute="_compute_breakdown")
    closeout_warning = fields.Text(compute="_compute_closeout_warning")
    not_to_exceed = fields.Monetary(related="order_id.not_to_exceed")
    is_above_limit = fields.Boolean(compute="_compute_is_above_limit")
    can_send = fields.Boolean(compute="_compute_can_send")
    send_at_once = fields.Boolean(compute="_compute_can_send")

    @api.depends("order_ids")
    def _compute_order(self):
        for wizard in self:
            orders = wizard.order_ids._origin
            wizard.order_id = orders if len(orders) == 1 else False
            wizard.company_id = (
                orders.company_id if len(orders.company_id) == 1 else False
            )
            currencies = orders.currency_id
            wizard.currency_id = currencies if len(currencies) == 1 else False

    @api.depends("order_ids")
    def _compute_include_unit_price(self):
        for wizard in self:
            wizard.include_unit_price = all(
                wizard.order_ids.mapped("include_unit_price")
            )

    @api.depends("order_ids")
    def _compute_unit_price(self):
        for wizard in self:
            units = wizard.env["fsm.order.line"].union(
                *(
                    order._get_priced_lines(include_unit_price=True).filtered(
                        lambda line: line.kind == "unit"
                    )
                    for order in wizard.order_ids._origin
                )
            )
            wizard.has_unit = bool(units)
            wizard.unit_price = sum(units.mapped("price_subtotal"))

    @api.depends("order_ids", "include_unit_price", "tax_treatment", "tax_id")
    def _compute_breakdown(self):
        for wizard in self:
            amounts = defaultdict(float)
            if wizard.currency_id:
                for order in wizard.order_ids._origin:
                    wizard._add_breakdown(order, amounts)
            for kind in KINDS.values():
                wizard[f"amount_{kind}"] = amounts[f"amount_{kind}"]
                wizard[f"tax_{kind}"] = amounts[f"tax_{kind}"]
            wizard.amount_untaxed = amounts["base_amount_currency"]
            wizard.amount_tax = amounts["tax_amount_currency"]
            wizard.amount_total = amounts["total_amount_currency"]

    def _add_breakdown(self, order, amounts):
        """Add what the invoice of one order will say.

        Tax that belongs to no line (that of an early payment discount) is in the
        totals only.

        :param order: one `fsm.order`
        :param dict amounts: sums by field name, in the order's currency
        """
        lines = order._get_billable_lines() & order._get_priced_lines(
            self.include_unit_price
        )
        base_lines = order._get_tax_base_lines(lines, self._get_invoice_options())
        for base_line in base_lines:
            if kind := KINDS.get(get_kind(base_line)):
                amounts[f"amount_{kind}"] += get_rounded_untaxed(base_line)
                amounts[f"tax_{kind}"] += get_rounded_tax(base_line)
        totals = order._get_tax_totals(base_lines)
        for name in (
            "base_amount_currency",
            "tax_amount_currency",
            "total_amount_currency",
        ):
            amounts[name] += totals[name]

    @api.depends("order_ids")
    def _compute_closeout_warning(self):
        for wizard in self:
            orders = wizard.order_ids._origin.filtered("closeout_warning")
            wizard.closeout_warning = "\n".join(
                order.closeout_warning
                if wizard.order_id
                else f"{order.name}: {' '.join(order.closeout_warning.splitlines())}"
                for order in orders
            )

    @api.depends("amount_untaxed", "not_to_exceed")
    def _compute_is_above_limit(self):
        for wizard in self:
            wizard.is_above_limit = (
                wizard.not_to_exceed
                and wizard.currency_id.compare_amounts(
                    wizard.amount_untaxed, wizard.not_to_exceed
                )
                > 0
            )

    @api.depends_context("uid")
    @api.depends("company_id")
    def _compute_can_send(self):
        may_post = self.env.user.has_group("account.group_account_invoice")
        for wizard in self:
            wizard.can_send = may_post
            wizard.send_at_once = may_post and all(
                wizard.order_ids.company_id.mapped("service_invoice_send")
            )

    def _get_invoice_options(self):
        """Options (dict) of ``fsm.order._create_invoices`` chosen in the dialog."""
        self.ensure_one()
        return {
            "include_unit_price": self.include_unit_price,
            "tax_treatment": self.tax_treatment,
            "tax": self.tax_id if self.tax_treatment == "tax" else self.tax_id[:0],
        }

    def _create_invoices(self):
        """Create the invoices (`account.move`, as the user sees them).

        :raise UserError: no tax chosen, or an order can not be invoiced
        """
        self.ensure_one()
        if not self.order_ids:
            raise UserError(self.env._("Choose the service orders to invoice."))
        if self.tax_treatment == "tax":
            self._check_tax()
        moves = self.order_ids._create_invoices(**self._get_invoice_options())
        return moves.sudo(False)

    def _check_tax(self):
        """Refuse a missing tax, or one that is not the company's sales tax."""
        tax = self.tax_id
        if not tax:
            raise UserError(
                self.env._("Choose the tax for all lines, or another tax treatment.")
            )
        for company in self.order_ids.company_id:
            if (
                tax.type_tax_use != "sale"
                or tax._filter_taxes_by_company(company) != tax
            ):
                raise UserError(
                    self.env._(
                        "%(tax)s is not a sales tax of %(company)s. Choose another.",
                        tax=tax.display_name,
                        company=company.name,
                    )
                )

    def action_create_draft(self):
        """Create draft invoices: shown to those who may edit them; others stay on
        the order, whose card shows the invoice.

        :return: action dict
        """
        moves = self._create_invoices()
        if moves.has_access("write"):
            return moves._get_service_invoice_action(self.env._("Invoice"))
        return {"type": "ir.actions.act_window_close"}

    def action_create_and_send(self):
        """Create the invoices, post them and open Odoo's send dialog.

        :return: action dict
        :raise AccessError: the user may not post invoices
        """
        self.order_ids.company_id._ensure_service_invoicing(
            "account.group_account_invoice"
        )
        moves = self._create_invoices()
        moves.action_post()
        return moves.action_send_and_print()
