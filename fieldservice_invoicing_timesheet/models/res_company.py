# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    service_timesheet_policy = fields.Selection(
        [("all", "All entries"), ("validated", "Validated entries")],
        string="Billed Timesheets",
        default="all",
        required=True,
        help="Which timesheet entries of service orders become labor lines.",
    )
    service_timesheet_grouping = fields.Selection(
        [
            ("product", "One for each labor product"),
            ("day", "One for each day"),
            ("employee", "One for each employee"),
            ("entry", "One for each timesheet entry"),
        ],
        string="Labor Lines",
        default="product",
        required=True,
        help="Which timesheet entries of a service order share a labor line. "
        "A billed order keeps the grouping that it was billed with.",
    )
