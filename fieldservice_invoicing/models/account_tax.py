# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


def get_rounded_untaxed(base_line):
    """Untaxed amount (float) of a base line, with the cents that rounding gave it."""
    details = base_line["tax_details"]
    return details["total_excluded_currency"] + details["delta_total_excluded_currency"]


def get_rounded_tax(base_line):
    """Tax (float) of a base line, with the cents that rounding gave it."""
    return sum(
        tax_data["tax_amount_currency"]
        for tax_data in base_line["tax_details"]["taxes_data"]
    )


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

    @api.ondelete(at_uninstall=False)
    def _unlink_except_issued(self):
        # without an amount it has no journal item that would keep it
        self.env["account.move"]._ensure_not_on_issued(
            self, "line_ids.tax_ids", "line_ids.group_tax_id", "service_tax_id"
        )
