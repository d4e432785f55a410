# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models

from .fsm_change_order import GROUP_WORKER


class FsmOrderChangeMixin(models.AbstractModel):
    """What `fsm.order` needs for change orders."""

    _name = "fsm.order.change.mixin"
    _description = "Change Orders of a Service Order"

    @api.depends("change_order_ids")
    def _compute_change_order_count(self):
        for order in self:
            order.change_order_count = len(order.change_order_ids)

    def _take_change_number(self):
        """Number (int) of the next change order of one order, which nobody else gets:
        two people at once write the same row, and the second one tries again."""
        order = self.sudo()
        order.change_order_number += 1
        return order.change_order_number

    def action_view_change_orders(self):
        """Open the change orders of these orders (action dict)."""
        self.company_id._ensure_service_invoicing(GROUP_WORKER)
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "fieldservice_invoicing_progress.action_fsm_change_order"
        )
        action["domain"] = [("order_id", "in", self.ids)]
        action["context"] = {"default_order_id": self.id} if len(self) == 1 else {}
        return action

    def action_new_change_order(self):
        """Open an empty change order for one order (action dict).

        :raise UserError: the order has no contract, or is cancelled
        """
        self.ensure_one()
        change = self.env["fsm.change.order"].new({"order_id": self.id})
        self.company_id._ensure_service_invoicing(GROUP_WORKER)
        change._ensure_order_has_contract()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Change Order"),
            "res_model": change._name,
            "view_mode": "form",
            "context": {"default_order_id": self.id},
        }
