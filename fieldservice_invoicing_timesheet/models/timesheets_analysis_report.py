# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class TimesheetsAnalysisReport(models.Model):
    _inherit = "timesheets.analysis.report"

    # its search view is the one of the timesheets, with their filters
    validated = fields.Boolean(readonly=True)

    @api.model
    def _select(self):
        return super()._select() + ", A.validated AS validated"
