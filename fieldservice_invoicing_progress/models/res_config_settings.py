# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    downpayment_account_id = fields.Many2one(
        related="company_id.downpayment_account_id", readonly=False
    )
    service_retainage_account_id = fields.Many2one(
        related="company_id.service_retainage_account_id", readonly=False
    )
    service_deposit_tax_point = fields.Selection(
        related="company_id.service_deposit_tax_point", readonly=False
    )
    service_retainage_tax_point = fields.Selection(
        related="company_id.service_retainage_tax_point", readonly=False
    )
    service_retainage_percent = fields.Float(
        related="company_id.service_retainage_percent", readonly=False
    )
