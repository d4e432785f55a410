# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class FsmEquipment(models.Model):
    _inherit = "fsm.equipment"

    def _has_unit_price(self):
        return super()._has_unit_price() or bool(self._get_unit_product())

    def _get_unit_product(self):
        """Product (`product.product`, superuser mode) that an invoice bills for one
        equipment: its own, else that of its serial number."""
        self.ensure_one()
        equipment = self.sudo()
        return equipment.product_id or equipment.lot_id.product_id

    def _get_serial_number(self):
        return self.lot_id.name or super()._get_serial_number()

    def write(self, vals):
        res = super().write(vals)
        if vals.keys() & {"product_id", "lot_id"}:
            self._get_unbilled_orders()._follow_sources()
        return res

    def _get_unbilled_orders(self):
        """Orders (`fsm.order`) with this equipment that no invoice bills yet."""
        return (
            self.env["fsm.order"]
            .sudo()
            .search(
                [
                    ("equipment_ids", "in", self.ids),
                    ("billing_status", "not in", ("draft", "invoiced", "paid")),
                ]
            )
        )
