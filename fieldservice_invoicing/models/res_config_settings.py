# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from .service_invoice_batch import BACKGROUND_LIMIT


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    service_invoicing = fields.Boolean(
        related="company_id.service_invoicing", readonly=False
    )
    service_invoice_lock = fields.Boolean(
        related="company_id.service_invoice_lock", readonly=False
    )
    service_invoice_send = fields.Boolean(
        related="company_id.service_invoice_send", readonly=False
    )
    service_auto_invoice = fields.Selection(
        related="company_id.service_auto_invoice", readonly=False
    )
    service_excluded_lines = fields.Selection(
        related="company_id.service_excluded_lines", readonly=False
    )
    service_invoice_journal_id = fields.Many2one(
        related="company_id.service_invoice_journal_id",
        readonly=False,
        domain="[('type', '=', 'sale'), ('company_id', 'parent_of', company_id)]",
    )
    service_payment_term_id = fields.Many2one(
        related="company_id.service_payment_term_id", readonly=False
    )
    service_walk_in_partner_id = fields.Many2one(
        related="company_id.service_walk_in_partner_id", readonly=False
    )
    service_labor_product_id = fields.Many2one(
        related="company_id.service_labor_product_id", readonly=False
    )
    service_batch_limit = fields.Integer(
        string="Orders Invoiced at Once",
        default=BACKGROUND_LIMIT,
        config_parameter="fieldservice_invoicing.batch_limit",
        help="More service orders than these are invoiced in the background.",
    )
    service_unbilled_reminder_days = fields.Integer(
        related="company_id.service_unbilled_reminder_days", readonly=False
    )
