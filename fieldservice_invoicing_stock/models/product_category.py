# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from .res_company import PART_PRICING


class ProductCategory(models.Model):
    _inherit = "product.category"

    service_part_pricing = fields.Selection(
        PART_PRICING,
        string="Price on Service Orders",
        company_dependent=True,
        help="How parts of this category are priced on service orders. Empty: as the "
        "parent category says, else the company.",
    )
    service_part_markup = fields.Float(
        string="Markup on Cost",
        company_dependent=True,
        help="Percentage added to the cost of the parts.",
    )
