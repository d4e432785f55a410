# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_timesheet_policy = fields.Selection(
        related="company_id.service_timesheet_policy", readonly=False
    )
    service_timesheet_grouping = fields.Selection(
        related="company_id.service_timesheet_grouping", readonly=False
    )
