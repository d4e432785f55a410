# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ServiceInvoiceExportPdf(models.TransientModel):
    """A PDF that was rendered for an export, until that is fetched."""

    _name = "service.invoice.export.pdf"
    _description = "PDF of an Export of Service Invoices"
    _transient_max_hours = 7 * 24

    # not "cascade", by which the database would leave the file behind
    export_id = fields.Many2one(
        "service.invoice.export", index=True, readonly=True, ondelete="set null"
    )
    move_id = fields.Many2one("account.move", readonly=True, ondelete="set null")
    content = fields.Binary(attachment=True, readonly=True)
