# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class FsmStage(models.Model):
    _inherit = "fsm.stage"

    is_invoiceable = fields.Boolean(
        string="Invoiceable",
        copy=False,
        help="Orders in this stage can be invoiced.",
    )
