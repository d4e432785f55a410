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

    @api.model
    def _get_product_fields(self):
        """Names (list) of the `product.product` fields in electronic invoices."""
        return ["name", "description_sale", "default_code", "barcode"]

    @api.model
    def _prepare_values(self, move):
        values = super()._prepare_values(move)
        products = move.invoice_line_ids.product_id.with_context(lang=values["lang"])
        values["products"] = {
            str(product.id): self._get_plain_values(product, self._get_product_fields())
            for product in products
        }
        return values

    def _get_values_by_record(self):
        Product = self.env["product.product"].with_context(lang=self._get_lang())
        # documents that were issued before this addon was there have none
        products = self.values.get("products", {})
        return [
            *super()._get_values_by_record(),
            *(
                (Product.browse(int(product_id)), values)
                for product_id, values in products.items()
            ),
        ]
