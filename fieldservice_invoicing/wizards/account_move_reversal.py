# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.res_company import GROUP_MANAGER, get_superuser_env


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    has_excess = fields.Boolean(compute="_compute_has_excess")
    credit_excess = fields.Boolean(
        string="Only What Is Billed Too Much",
        compute="_compute_credit_excess",
        store=True,
        readonly=False,
        help="Credit parts that were returned, hours that were corrected and lines "
        "that are not charged any more; off credits the whole invoice. “Reverse and "
        "Create Invoice” always takes the whole.",
    )

    @api.depends("move_ids")
    def _compute_has_excess(self):
        for wizard in self:
            move = wizard.move_ids.sudo()._origin
            # what the invoice shows at no charge can not be credited
            charged = move.invoice_line_ids.filtered("price_subtotal")
            lines = charged.fsm_order_line_id
            wizard.has_excess = len(move) == 1 and any(
                line._get_qty_to_credit() for line in lines
            )

    @api.depends("move_ids")
    def _compute_credit_excess(self):
        for wizard in self:
            wizard.credit_excess = wizard.has_excess

    def reverse_moves(self, is_modify=False):
        wizard = self
        if self._is_by_service_manager():
            wizard = self.with_env(get_superuser_env(self.env))
        only_excess = not is_modify and self.has_excess and self.credit_excess
        if only_excess:
            self._ensure_excess_is_not_drafted()
        action = super(AccountMoveReversal, wizard).reverse_moves(is_modify)
        if is_modify:
            wizard._claim_service_orders()
        elif only_excess:
            wizard._credit_excess_only()
        return action

    def _ensure_excess_is_not_drafted(self):
        """Refuse to draft the same excess twice: a draft does not lower it yet.

        :raise UserError: names the invoice, its draft credit note and the way out
        """
        if reason := self.move_ids.sudo()._get_draft_credit_note_refusal():
            raise UserError(reason)

    def _credit_excess_only(self):
        """Leave on the new draft credit notes what is billed too much, only.

        Its share of the discounts goes with it.
        """
        for credit_note in self.new_move_ids.sudo():
            excess = {
                line: line._get_qty_to_credit()
                for line in credit_note.invoice_line_ids.fsm_order_line_id
            }
            commands = []
            discount_lines = credit_note._get_service_discount_lines()
            for line in credit_note.invoice_line_ids - discount_lines:
                order_line = line.fsm_order_line_id
                to_credit = order_line.product_uom_id._compute_quantity(
                    excess.get(order_line, 0.0), line.product_uom_id, round=False
                )
                quantity = min(line.quantity, to_credit)
                if line.price_subtotal and quantity > 0:
                    commands.append(Command.update(line.id, {"quantity": quantity}))
                    excess[order_line] -= line.product_uom_id._compute_quantity(
                        quantity, order_line.product_uom_id, round=False
                    )
                else:
                    commands.append(Command.delete(line.id))
            credit_note.invoice_line_ids = commands
            credit_note.write(credit_note._prepare_excess_discount())

    def _is_by_service_manager(self):
        """Whether someone without accounting rights credits service invoices.

        The group that manages service invoices may credit them, and nothing else.

        :return: bool
        :raise UserError: a company has service invoicing switched off
        :raise AccessError: the user may not reverse one of the documents
        """
        if self.env.su or self.env.user.has_group("account.group_account_invoice"):
            return False
        moves = self.move_ids
        moves.check_access("read")
        moves.company_id._ensure_service_invoicing(GROUP_MANAGER)
        if others := moves.filtered(
            lambda move: move.state != "posted" or not move.service_order_link_ids
        ):
            raise AccessError(
                self.env._(
                    "%(document)s is not an issued invoice of a service order. Ask an "
                    "accountant to reverse it.",
                    document=", ".join(others.mapped("display_name")),
                )
            )
        return bool(moves)

    def _modify_default_reverse_values(self, origin_move):
        values = super()._modify_default_reverse_values(origin_move)
        if origin_move.sudo().service_order_link_ids:
            values["service_replaces_id"] = origin_move.id
        return values

    def _claim_service_orders(self):
        """Give the claims that credited invoices gave up to those made anew.

        :raise UserError: an order has been billed anew since by another invoice
        """
        replaced = self.new_move_ids.sudo().service_replaces_id & self.move_ids.sudo()
        replaced.service_order_link_ids._ensure_can_be_active()
        self.env["fsm.order.invoice"].sudo().create(
            [
                link._prepare_replacing_link(move)
                for move in self.new_move_ids.sudo()
                for link in (
                    move.service_replaces_id & self.move_ids.sudo()
                ).service_order_link_ids
            ]
        )
