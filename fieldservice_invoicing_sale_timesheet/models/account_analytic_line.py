# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class AccountAnalyticLine(models.Model):
    _inherit = "account.analytic.line"

    def _is_not_billed(self):
        return super()._is_not_billed() and not self._get_billing_service_lines()

    @api.model
    def _get_billed_fields(self):
        return super()._get_billed_fields() | {"so_line", "order_id"}

    def _filter_service_labor(self):
        """An entry of a sales order item is billed by the sales order. A cancelled one
        bills what it has invoiced, and nothing else."""
        return (
            super()
            ._filter_service_labor()
            .filtered(
                lambda entry: (
                    not entry.so_line
                    or (entry.so_line.state == "cancel" and entry._is_not_invoiced())
                )
            )
        )

    def _is_not_invoiced(self):
        """Whether no invoice of a sales order bills one entry (bool)."""
        invoice = self.timesheet_invoice_id
        return not (invoice and invoice.state != "cancel") and not (
            self.so_line.product_id.invoice_policy == "order"
            and self.so_line.qty_invoiced
        )
