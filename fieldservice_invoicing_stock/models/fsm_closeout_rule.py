# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.fields import Domain


class FsmCloseoutRule(models.Model):
    _inherit = "fsm.closeout.rule"

    requirement = fields.Selection(
        selection_add=[("delivery", "Deliveries done")],
        ondelete={"delivery": "cascade"},
    )

    @api.model
    def _get_gaps(self, requirement, orders):
        if requirement != "delivery":
            return super()._get_gaps(requirement, orders)
        message = self.env._("A transfer of parts is not done.")
        missing = orders & self._get_orders_with_open_transfer(orders)
        return dict.fromkeys(missing, message)

    @api.model
    def _get_orders_with_open_transfer(self, orders):
        """Those of ``orders`` (`fsm.order`) with a transfer or a move that is neither
        done nor cancelled."""
        waiting = Domain("fsm_order_id", "in", orders.ids) & Domain(
            "state", "not in", ("done", "cancel")
        )
        groups = [
            *self.env["stock.picking"].sudo()._read_group(waiting, ["fsm_order_id"]),
            *self.env["stock.move"].sudo()._read_group(waiting, ["fsm_order_id"]),
        ]
        return orders.browse(order.id for (order,) in groups)
