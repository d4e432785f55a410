# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from odoo.addons.fieldservice_invoicing.models.account_tax import get_rounded_untaxed


class ServiceBillingDialogMixin(models.AbstractModel):
    """What the dialogs share that bill one order by a deposit, a draw or a release:
    they announce what the invoice will say, and end in a draft or in a sent one."""

    _name = "service.billing.dialog.mixin"
    _description = "Dialog That Bills a Service Order"

    order_id = fields.Many2one(
        "fsm.order", string="Service Order", required=True, readonly=True
    )
    # a dialog can be opened over RPC for any order: its user sees no more of it
    company_id = fields.Many2one(related="order_id.company_id", related_sudo=False)
    currency_id = fields.Many2one(related="order_id.currency_id", related_sudo=False)
    bill_to_display_name = fields.Char(
        related="order_id.bill_to_display_name", related_sudo=False
    )
    amount_untaxed = fields.Monetary(string="Untaxed Amount", compute="_compute_totals")
    amount_tax = fields.Monetary(string="Taxes", compute="_compute_totals")
    amount_total = fields.Monetary(string="Total", compute="_compute_totals")
    can_send = fields.Boolean(compute="_compute_can_send")
    send_at_once = fields.Boolean(compute="_compute_can_send")

    @api.constrains("order_id")
    def _check_order_access(self):
        """Open no dialog for an order that the user does not see."""
        # Odoo validates in superuser mode
        self.sudo(False).order_id.check_access("read")

    def _compute_totals(self):
        """Announce what the invoice comes to: dialogs say what it depends on, see
        :meth:`_set_totals`."""
        raise NotImplementedError()

    @api.depends_context("uid")
    @api.depends("order_id")
    def _compute_can_send(self):
        may_post = self.env.user.has_group("account.group_account_invoice")
        for wizard in self:
            wizard.can_send = may_post
            wizard.send_at_once = may_post and wizard.company_id.service_invoice_send

    def _set_totals(self, base_lines):
        """Say what an invoice of these base lines comes to.

        :param base_lines: list of dicts of ``account.tax`` with rounded tax details
        """
        totals = self.order_id._get_tax_totals(base_lines) if base_lines else {}
        self.amount_untaxed = totals.get("base_amount_currency", 0.0)
        self.amount_tax = totals.get("tax_amount_currency", 0.0)
        self.amount_total = totals.get("total_amount_currency", 0.0)

    @api.model
    def _get_untaxed_amount(self, base_lines, progress_type):
        """Untaxed amount (float) of the base lines that are ``progress_type``."""
        return sum(
            get_rounded_untaxed(base_line)
            for base_line in base_lines
            if base_line.get("_progress_type") == progress_type
        )

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def _create_documents(self):
        """Create what the dialog announces.

        :return: draft `account.move` in superuser mode
        :raise UserError, AccessError: see the method of `fsm.order`
        """
        raise NotImplementedError()

    def action_create_draft(self):
        """Create draft documents: shown to those who may edit them; others stay on the
        order, whose card shows them.

        :return: action dict
        """
        self.ensure_one()
        moves = self._create_documents().sudo(False)
        if moves.has_access("write"):
            return moves._get_service_invoice_action(self.env._("Invoice"))
        return {"type": "ir.actions.act_window_close"}

    def action_create_and_send(self):
        """Create the documents, post them and open Odoo's send dialog.

        :return: action dict
        :raise AccessError: the user may not post invoices
        """
        self.ensure_one()
        self.company_id._ensure_service_invoicing("account.group_account_invoice")
        moves = self._create_documents().sudo(False)
        moves.action_post()
        return moves.action_send_and_print()
