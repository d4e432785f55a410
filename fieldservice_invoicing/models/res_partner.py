# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from .res_company import AUTO_INVOICE


class ResPartner(models.Model):
    _inherit = "res.partner"

    service_auto_invoice = fields.Selection(
        AUTO_INVOICE,
        string="Automatic Service Invoices",
        company_dependent=True,
        groups="fieldservice_invoicing.group_service_invoice_manager,"
        "account.group_account_invoice",
        help="When drafts of service orders that this customer pays are created of "
        "themselves. Empty: as the order type, or the company, says.",
    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_issued(self):
        self.env["account.move"]._ensure_not_on_issued(self, "partner_shipping_id")
