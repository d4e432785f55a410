# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class ServiceInvoiceSnapshot(models.Model):
    _inherit = "service.invoice.snapshot"

    @api.model
    def _get_partner_fields(self):
        return [*super()._get_partner_fields(), "peppol_eas", "peppol_endpoint"]

    @api.model
    def _get_tax_fields(self):
        return [
            *super()._get_tax_fields(),
            "ubl_cii_tax_category_code",
            "ubl_cii_tax_exemption_reason_code",
        ]
