# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class FsmOrderType(models.Model):
    _inherit = "fsm.order.type"

    service_labor_product_id = fields.Many2one(
        "product.product",
        string="Labor Product",
        company_dependent=True,
        domain="[('type', '=', 'service'), ('sale_ok', '=', True),"
        " ('company_id', 'in', (False, allowed_company_ids[0]))]",
        # workers may write order types, but do not set prices
        groups="fieldservice.group_fsm_manager",
        help="Product that bills labor on orders of this type, unless the timesheet "
        "entry or the employee has one.",
    )
