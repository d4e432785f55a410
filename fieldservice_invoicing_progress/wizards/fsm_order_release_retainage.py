# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class FsmOrderReleaseRetainage(models.TransientModel):
    _name = "fsm.order.release.retainage"
    _inherit = ("service.billing.dialog.mixin", "service.deposit.dialog.mixin")
    _description = "Release Retainage of a Service Order"

    held = fields.Monetary(
        string="Retainage Held",
        compute="_compute_held",
        help="Withheld on posted draws and not released yet, before taxes.",
    )
    amount = fields.Monetary(
        string="Release",
        compute="_compute_amount",
        compute_sudo=False,
        store=True,
        readonly=False,
        precompute=True,
        help="Before taxes: all that is held, or a part.",
    )
    amount_deposit = fields.Monetary(string="Deposit", compute="_compute_totals")

    @api.depends("order_id")
    def _compute_held(self):
        for wizard in self:
            order = wizard.order_id
            # what is held is reckoned in superuser mode
            order.check_access("read")
            wizard.held = order._get_releasable_retainage() if order else 0.0

    @api.depends("order_id")
    def _compute_amount(self):
        for wizard in self:
            wizard.amount = wizard.held

    @api.depends("order_id", "amount")
    def _compute_deposit_limit(self):
        for wizard in self:
            base_lines = wizard._get_base_lines(deposit=None)
            wizard.deposit_limit = wizard._get_applied_amount(base_lines)

    @api.depends("order_id", "amount", "deposit", "deposit_limit")
    def _compute_totals(self):
        for wizard in self:
            base_lines = wizard._get_base_lines(wizard._get_announced_deposit())
            wizard.amount_deposit = wizard._get_untaxed_amount(base_lines, "deposit")
            wizard._set_totals(base_lines)

    def _get_base_lines(self, deposit):
        """Base lines (list of dicts) of the release; none while more is entered than is
        held, which is refused once it is created.

        :param deposit: amount (float) to apply, None for as much as there is
        """
        if not self.order_id or not 0 < self.amount <= self.held:
            return []
        order = self.order_id.with_company(self.company_id)
        return order._get_release_base_lines(self.amount, deposit)

    def _create_documents(self):
        return self.order_id._release_retainage(self.amount, self.deposit)
