# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class HrEmployee(models.Model):
    _inherit = "hr.employee"

    service_labor_product_id = fields.Many2one(
        "product.product",
        string="Labor Product",
        domain="[('type', '=', 'service'), ('sale_ok', '=', True),"
        " ('company_id', 'in', (False, company_id))]",
        groups="hr.group_hr_user",
        help="Product that bills this employee's time on service orders, unless the "
        "timesheet entry has one of its own.",
    )
