# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class AccountTax(models.Model):
    _inherit = "account.tax"

    def _prepare_base_line_grouping_key(self, base_line):
        grouping_key = super()._prepare_base_line_grouping_key(base_line)
        if base_line["record"] is None:
            # A base line without record asks which fields of an invoice line make
            # its journal items change; with a record it groups them, which a
            # discount must not.
            grouping_key["service_discount_amount"] = 0.0
        return grouping_key
