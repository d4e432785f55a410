# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from .res_company import AUTO_INVOICE


class FsmOrderType(models.Model):
    _inherit = "fsm.order.type"

    service_auto_invoice = fields.Selection(
        AUTO_INVOICE,
        string="Automatic Service Invoices",
        company_dependent=True,
        # workers may write order types, but do not decide when is billed
        groups="fieldservice.group_fsm_manager",
        help="When drafts of orders of this type are created of themselves, unless the "
        "customer has a setting. Empty: as the company says.",
    )
