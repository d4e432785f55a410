# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import AccessError

from ..models.res_company import GROUP_MANAGER, get_superuser_env


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def reverse_moves(self, is_modify=False):
        wizard = self
        if self._is_by_service_manager():
            wizard = self.with_env(get_superuser_env(self.env))
        action = super(AccountMoveReversal, wizard).reverse_moves(is_modify)
        if is_modify:
            wizard._claim_service_orders()
        return action

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
                {"move_id": move.id, "order_id": link.order_id.id, "slot": link.slot}
                for move in self.new_move_ids.sudo()
                for link in (
                    move.service_replaces_id & self.move_ids.sudo()
                ).service_order_link_ids
            ]
        )
