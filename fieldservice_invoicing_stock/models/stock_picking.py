# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class StockPicking(models.Model):
    _inherit = "stock.picking"

    fsm_order_id = fields.Many2one(index="btree_not_null")

    def write(self, vals):
        if "fsm_order_id" not in vals:
            return super().write(vals)
        moves = self.filtered(
            lambda picking: picking.fsm_order_id.id != vals["fsm_order_id"]
        ).move_ids
        orders = moves._get_service_orders()
        res = super().write(vals)
        moves._follow_picking()
        (orders | moves._get_service_orders())._follow_sources()
        return res
