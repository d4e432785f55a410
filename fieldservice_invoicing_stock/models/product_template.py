# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from .res_company import PART_PRICING


class ProductTemplate(models.Model):
    _inherit = "product.template"

    service_part_pricing = fields.Selection(
        PART_PRICING,
        string="Price on Service Orders",
        company_dependent=True,
        help="How this part is priced on service orders. Empty: as its category says.",
    )
    service_part_markup = fields.Float(
        string="Markup on Cost",
        company_dependent=True,
        help="Percentage added to the cost of the part.",
    )

    def _get_service_pricing_record(self, company):
        """Who decides how this product (one record) is priced as a part.

        :param company: `res.company` of the service order
        :return: the nearest record that says so, of `product.template`,
            `product.category` or `res.company`: read ``service_part_pricing`` and
            ``service_part_markup`` from it
        """
        self.ensure_one()
        template = self.with_company(company)
        if template.service_part_pricing:
            return template
        category = template.categ_id
        while category and not category.service_part_pricing:
            category = category.parent_id
        return category or company
