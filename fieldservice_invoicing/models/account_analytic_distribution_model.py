# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class AccountAnalyticDistributionModel(models.Model):
    _inherit = "account.analytic.distribution.model"

    def _create_domain(self, fname, value):
        # Odoo adds to a list that is part of the key under which invoice lines
        # remember what was found: they would search anew, each of them.
        if isinstance(value, list):
            value = [*value]
        return super()._create_domain(fname, value)
