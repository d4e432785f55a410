# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ..models.res_company import GROUP_MANAGER


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def reverse_moves(self, is_modify=False):
        wizard = self.sudo() if self._is_by_service_manager() else self
        action = super(AccountMoveReversal, wizard).reverse_moves(is_modify)
        wizard._claim_service_orders()
        return action

    def _is_by_service_manager(self):
        """Whether someone without accounting rights credits service invoices only.

        The group that manages service invoices may credit them, and nothing else.

        :return: bool
        :raise UserError: a company has service invoicing switched off
        """
        if self.env.user.has_group("account.group_account_invoice"):
            return False
        moves = self.move_ids
        moves.check_access("read")
        if not moves or not all(moves.mapped("is_service_invoice")):
            return False
        moves.company_id._ensure_service_invoicing(GROUP_MANAGER)
        return True

    def _modify_default_reverse_values(self, origin_move):
        values = super()._modify_default_reverse_values(origin_move)
        if origin_move.sudo().service_order_link_ids:
            values["service_replaces_id"] = origin_move.id
        return values

    def _claim_service_orders(self):
        """Give the claims that credited invoices gave up to those made anew."""
        self.env["fsm.order.invoice"].sudo().create(
            [
                {"move_id": move.id, "order_id": link.order_id.id, "slot": link.slot}
                for move in self.new_move_ids.sudo()
                for link in move.service_replaces_id.service_order_link_ids
            ]
        )
