# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    # The invoice form shows it also to those who read service invoices and have no
    # access to sales.
    sale_order_count = fields.Integer(compute_sudo=True)
