# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class FsmOrderCreateDeposit(models.TransientModel):
    _name = "fsm.order.create.deposit"
    _inherit = "service.billing.dialog.mixin"
    _description = "Create a Deposit Invoice"

    order_untaxed = fields.Monetary(
        related="order_id.amount_untaxed",
        related_sudo=False,
        string="Order before Taxes",
    )
    deposit_billed = fields.Monetary(
        related="order_id.deposit_billed",
        related_sudo=False,
        string="Deposits so Far",
    )
    amount_type = fields.Selection(
        [("percent", "Percentage"), ("fixed", "Amount")],
        string="Ask for",
        compute="_compute_amount_type",
        compute_sudo=False,
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="A percentage of the order lines, or an amount with taxes.",
    )
    percent = fields.Float(string="Percentage (%)", digits=(16, 4), default=30.0)
    amount = fields.Monetary(help="What the customer is asked for, with taxes.")

    @api.depends("order_id")
    def _compute_amount_type(self):
        for wizard in self:
            wizard.amount_type = "percent" if wizard._has_prices() else "fixed"

    @api.depends("order_id", "amount_type", "percent", "amount")
    def _compute_totals(self):
        for wizard in self:
            wizard._set_totals(wizard._get_base_lines())

    def _has_prices(self):
        """Whether the order has lines that a percentage can be taken of (bool)."""
        return any(self.order_id._get_priced_lines().mapped("price_subtotal"))

    def _get_amount(self):
        """Percentage or amount (float) that is asked for."""
        return self.percent if self.amount_type == "percent" else self.amount

    def _get_base_lines(self):
        """Base lines (list of dicts) of the deposit; none while what is entered makes
        no deposit, which is refused once it is created."""
        amount = self._get_amount()
        if amount <= 0 or not self.order_id:
            return []
        if self.amount_type == "percent" and (amount > 100 or not self._has_prices()):
            return []
        order = self.order_id.with_company(self.company_id)
        base_lines = order._get_deposit_base_lines(self.amount_type, amount)
        order._get_rounded_total(base_lines)
        return base_lines + order._get_early_payment_lines_of_draw(base_lines)

    def _create_documents(self):
        return self.order_id._create_deposit(self.amount_type, self._get_amount())
