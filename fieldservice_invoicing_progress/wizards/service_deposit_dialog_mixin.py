# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from odoo.addons.fieldservice_invoicing.models.account_tax import (
    get_rounded_tax,
    get_rounded_untaxed,
)


class ServiceDepositDialogMixin(models.AbstractModel):
    """What the dialogs share whose invoices apply deposits of an order."""

    _name = "service.deposit.dialog.mixin"
    _description = "Dialog That Applies Deposits"

    currency_id = fields.Many2one("res.currency")
    deposit_limit = fields.Monetary(
        string="Deposit Available",
        compute="_compute_deposit_limit",
        help="What is paid of the deposits and not applied yet, with taxes, but at "
        "most what this invoice comes to.",
    )
    deposit = fields.Monetary(
        string="Deposit to Apply",
        compute="_compute_deposit",
        compute_sudo=False,
        store=True,
        readonly=False,
        help="Taken off this invoice, with taxes: all that is available, unless you "
        "enter less.",
    )
    # what was proposed: the deposit follows until someone enters less
    proposed_deposit = fields.Monetary(
        compute="_compute_deposit", compute_sudo=False, store=True, readonly=False
    )

    def _compute_deposit_limit(self):
        """Highest deposit that the invoice can apply: dialogs say what it depends on,
        see :meth:`_get_applied_amount`."""
        raise NotImplementedError()

    @api.depends("deposit_limit")
    def _compute_deposit(self):
        for wizard in self:
            limit = wizard.deposit_limit
            is_entered = wizard.deposit != wizard.proposed_deposit
            if not is_entered and not wizard.proposed_deposit:
                wizard.deposit = wizard._get_deposit_to_start_with(limit)
            else:
                wizard.deposit = min(wizard.deposit, limit) if is_entered else limit
            wizard.proposed_deposit = limit

    def _get_deposit_to_start_with(self, limit):
        """What one dialog proposes first (float): hook of dialogs that change a draft.

        :param float limit: what its invoice can apply
        """
        return limit

    def _get_announced_deposit(self):
        """Deposit (float) that the dialog reckons with. What is entered beyond it is
        refused once the invoice is created."""
        return min(max(self.deposit, 0.0), self.deposit_limit)

    @api.model
    def _get_applied_amount(self, base_lines):
        """What base lines take off as deposits (float, with taxes).

        :param base_lines: list of dicts of ``account.tax`` with rounded tax details
        """
        return -sum(
            get_rounded_untaxed(base_line) + get_rounded_tax(base_line)
            for base_line in base_lines
            if base_line.get("_deposit_claim")
        )
