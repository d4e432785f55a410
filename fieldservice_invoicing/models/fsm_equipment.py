# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class FsmEquipment(models.Model):
    _inherit = "fsm.equipment"

    product_id = fields.Many2one(
        "product.product",
        check_company=True,
        help="Product that an invoice bills when it includes the unit price.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    list_price = fields.Monetary(
        string="Unit Price",
        help="Price of this unit, before discounts. Zero: the price of its product.",
    )

    def _has_unit_price(self):
        """Whether the equipment (one record) can be billed as a unit (bool)."""
        self.ensure_one()
        return bool(self.product_id or self.list_price)

    def _get_serial_number(self):
        """Serial number (str or False) of one piece of equipment: hook, it has none
        by itself."""
        self.ensure_one()
        return False
