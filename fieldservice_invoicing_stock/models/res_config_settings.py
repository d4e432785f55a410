# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_part_pricing = fields.Selection(
        related="company_id.service_part_pricing", readonly=False, required=True
    )
    service_part_markup = fields.Float(
        related="company_id.service_part_markup", readonly=False
    )
    service_lot_description = fields.Boolean(
        related="company_id.service_lot_description", readonly=False
    )
