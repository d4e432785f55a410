# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class ProductPricelist(models.Model):
    _inherit = "product.pricelist"

    def _get_applicable_rules(self, products, date, service_rules=None, **kwargs):
        """Rules of the price list, from ``service_rules`` where they are known.

        Odoo searches them for each price it computes; the lines of many orders
        search once. A rule says itself whether it applies to a product.

        :param service_rules: dict of ``fsm.order.line._get_pricelist_rules``
        """
        if service_rules and self in service_rules:
            return service_rules[self]
        return super()._get_applicable_rules(products, date, **kwargs)
