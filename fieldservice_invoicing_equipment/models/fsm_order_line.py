# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class FsmOrderLine(models.Model):
    _inherit = "fsm.order.line"

    def _follow_equipment(self):
        """Take product and serial number from the equipment, until they are billed."""
        for line in self:
            if not line._is_invoiced():
                values = line.order_id._prepare_unit_values(line.equipment_id)
                if changes := line._get_changes(values):
                    line.write(changes)

    def _get_part_key(self):
        """Key (tuple) of one line in ``fsm.order._get_delivered_parts``."""
        self.ensure_one()
        return self.order_id, self.product_id, self.lot_id

    def _get_unit_deliveries(self, parts):
        """Which of these lines of units bill what was delivered on their own orders.

        :param dict parts: see ``fsm.order._get_delivered_parts``
        :return: dict of order line and `stock.move.line`; of several lines with the
            same lot the first has them all
        """
        deliveries, taken = {}, set()
        for line in self.filtered("lot_id"):
            key = line._get_part_key()
            move_lines = parts.get(key, self.env["stock.move.line"])
            if any(move._get_service_sign() > 0 for move in move_lines):
                deliveries[line] = move_lines[:0] if key in taken else move_lines
                taken.add(key)
        return deliveries

    def _follow_unit_deliveries(self, deliveries):
        """Take quantities from deliveries; a unit without one counts one again.

        :param dict deliveries: see :meth:`_get_unit_deliveries`
        """
        for line in self:
            if line in deliveries:
                quantity = max(deliveries[line]._get_service_quantity(), 0.0)
                key = f"{line.product_id.id}:{line.lot_id.id}:{line.equipment_id.id}"
                values = {"quantity": quantity, "source_key": key}
            elif line.source_key:
                values = {"quantity": 1.0, "source_key": False}
            else:
                continue
            if changes := line._get_changes(values):
                line._write_source_values(changes)

    def _is_delivered_unit(self):
        """Whether one line bills a unit that was delivered on its order (bool)."""
        self.ensure_one()
        return self.kind == "unit" and bool(self.sudo().stock_move_line_ids)
