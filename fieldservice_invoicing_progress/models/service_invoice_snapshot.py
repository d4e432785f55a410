# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class ServiceInvoiceSnapshot(models.Model):
    _inherit = "service.invoice.snapshot"

    @api.model
    def _get_sections(self, lines, order):
        # below the work, in no section of it
        closing = lines.filtered(lambda line: line._is_below_work())
        pairs = super()._get_sections(lines - closing, order)
        return [*pairs, *((line, False) for line in closing)]
