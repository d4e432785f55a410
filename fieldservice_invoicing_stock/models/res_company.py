# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

PART_PRICING = [("list", "Price list"), ("cost", "Cost plus markup")]


class ResCompany(models.Model):
    _inherit = "res.company"

    service_part_pricing = fields.Selection(
        PART_PRICING,
        default="list",
        required=True,
        help="How parts of service orders are priced, unless their product or its "
        "category says otherwise. It counts for new order lines.",
    )
    service_part_markup = fields.Float(
        string="Part Markup",
        help="Percentage added to the cost of parts that are priced by their cost.",
    )
    service_lot_description = fields.Boolean(
        string="Lots in Part Descriptions",
        default=True,
        help="Name the lot or serial number in the description of delivered parts.",
    )
