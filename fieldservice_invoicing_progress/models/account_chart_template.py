# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class AccountChartTemplate(models.AbstractModel):
    _inherit = "account.chart.template"

    def _get_property_accounts(self, additional_properties):
        # as in Odoo's sale, whose charts name the account
        property_accounts = super()._get_property_accounts(additional_properties)
        property_accounts["downpayment_account_id"] = "res.company"
        return property_accounts

    def _post_load_data(self, template_code, company, template_data):
        res = super()._post_load_data(template_code, company, template_data)
        (company or self.env.company)._create_progress_accounts()
        return res
