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


def get_kind(base_line):
    """Subtotal (str or False) that a base line of a service order counts in: the kind
    of its order line, or ``discount`` for the discount on the whole order."""
    if base_line["special_type"] == "global_discount":
        return "discount"
    return base_line["record"].kind


class AccountTax(models.Model):
    _inherit = "account.tax"

    def _prepare_base_line_grouping_key(self, base_line):
        grouping_key = super()._prepare_base_line_grouping_key(base_line)
        if base_line["record"] is None:
            # A base line without record asks which fields of an invoice line make
            # its journal items change; with a record it groups them, which a
            # discount must not.
            grouping_key["service_discount_amount"] = 0.0
            grouping_key["extra_tax_data"] = None
        return grouping_key

    @api.ondelete(at_uninstall=False)
    def _unlink_except_issued(self):
        # without an amount it has no journal item that would keep it
        self.env["account.move"]._ensure_not_on_issued(
            self, "line_ids.tax_ids", "line_ids.group_tax_id", "service_tax_id"
        )

    # ------------------------------------------------------------------
    # Discount on a whole order or invoice
    # ------------------------------------------------------------------

    @api.model
    def _get_discountable_total(self, base_lines, company):
        """Highest amount off the whole: the total, taxes included, without the taxes
        that no discount lowers (fixed ones).

        :param base_lines: list of dicts with rounded tax details
        :return: float in their currency, negative when rebates exceed what is charged
        """
        return sum(
            get_rounded_untaxed(base_line) + get_rounded_tax(base_line)
            for base_line in self._prepare_discountable_base_lines(base_lines, company)
        )

    @api.model
    def _prepare_service_discount_lines(
        self, base_lines, company, discount_type, value, computation_key
    ):
        """Base lines of a discount on the whole, by Odoo's global discount: one for
        each combination of taxes, income account and service order.

        Called by service orders and by invoices, so that what is announced is invoiced.

        :param base_lines: list of dicts with rounded tax details and ``account_id``;
            ``_service_order`` tells the orders of a consolidated invoice apart
        :param str discount_type: ``percent``, or ``amount`` off the total with taxes
        :param float value: percentage, or amount in the currency of the base lines
        :param str computation_key: taxes are rounded by themselves for each key
        :return: list of dicts with rounded tax details, negative ones
        """
        discount_lines = self._prepare_global_discount_lines(
            base_lines=base_lines,
            company=company,
            amount_type="fixed" if discount_type == "amount" else "percent",
            amount=value,
            computation_key=computation_key,
            grouping_function=lambda base_line: {
                "account_id": base_line["account_id"],
                "_service_order": base_line.get("_service_order"),
            },
        )
        for discount_line in discount_lines:
            discount_line["special_type"] = "global_discount"
            if not discount_line["tax_details"]["taxes_data"]:
                # Odoo fixes the cents of lines with taxes only
                discount_line["price_unit"] = get_rounded_untaxed(discount_line)
        return [
            discount_line
            for discount_line in discount_lines
            if get_rounded_untaxed(discount_line) or get_rounded_tax(discount_line)
        ]
