# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class FsmOrder(models.Model):
    _inherit = "fsm.order"

    def _prepare_unit_line(self, equipment):
        return {
            **super()._prepare_unit_line(equipment),
            **self._prepare_unit_values(equipment),
        }

    def _prepare_unit_values(self, equipment):
        """Values (dict) that the order line of a unit takes from its equipment."""
        return {
            "product_id": equipment._get_unit_product().id,
            "lot_id": equipment.sudo().lot_id.id,
        }

    def _update_part_lines(self, parts):
        units = self.line_ids.filtered("equipment_id")
        units._follow_equipment()
        delivered = units._get_unit_deliveries(parts)
        units._follow_unit_deliveries(delivered)
        units._remember_deliveries(delivered)
        taken = {unit._get_part_key() for unit in delivered}
        return super()._update_part_lines(
            {key: lines for key, lines in parts.items() if key not in taken}
        )

    def _get_priced_lines(self, include_unit_price=None):
        # a unit that was delivered on the order is an item of it, never left out
        lines = super()._get_priced_lines(include_unit_price)
        delivered = self.line_ids.filtered(
            lambda line: line.is_billable and line._is_delivered_unit()
        )
        return (lines | delivered).with_prefetch(self.line_ids._prefetch_ids)
