# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class AccountEdiXmlUbl20(models.AbstractModel):
    _inherit = "account.edi.xml.ubl_20"

    def _export_invoice(self, invoice):
        with invoice._records_as_issued():
            return super()._export_invoice(invoice)
