# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..labor import Rules, hours


class ProductTemplate(models.Model):
    _inherit = "product.template"

    service_labor_increment = fields.Float(
        string="Time Increment",
        help="On service orders each timesheet entry is billed in multiples of this "
        "time (hours and minutes). Zero: as it was logged.",
    )
    service_labor_rounding = fields.Selection(
        [("up", "Up"), ("nearest", "To the nearest")],
        string="Rounding",
        default="up",
        required=True,
        help="How timesheet entries are rounded to the time increment.",
    )
    service_labor_minimum = fields.Float(
        string="Minimum per Visit",
        help="Least time that is charged for a visit: the time that was logged with "
        "this product on one day of a service order.",
    )
    service_labor_calendar_id = fields.Many2one(
        "resource.calendar",
        string="Regular Working Time",
        company_dependent=True,
        domain="[('company_id', 'in', (False, allowed_company_ids[0])),"
        " ('flexible_hours', '=', False)]",
        help="What one employee works on a service order beyond the working time of "
        "the day is overtime. Weekends and public holidays are days off.",
    )
    service_labor_overtime = fields.Float(
        string="Overtime Factor",
        default=1.0,
        help="The price of overtime is the product's price times this factor.",
    )
    service_labor_day_off = fields.Float(
        string="Day Off Factor",
        default=1.0,
        help="The price of work on weekends and public holidays is the product's price "
        "times this factor.",
    )

    _service_labor_times_not_negative = models.Constraint(
        "CHECK (service_labor_increment >= 0 AND service_labor_minimum >= 0)",
        "The time increment and the minimum per visit can not be negative.",
    )
    _service_labor_factors_positive = models.Constraint(
        "CHECK (service_labor_overtime > 0 AND service_labor_day_off > 0)",
        "The factors for overtime and days off have to be above zero. "
        "Use 1 for the regular price.",
    )

    def _get_labor_rules(self):
        """How time is billed with one product: ``Rules`` of the module ``labor``.

        No product at all has no rules: time is billed as it was logged.
        """
        if self.type != "service":
            return Rules()
        return Rules(
            increment=hours(self.service_labor_increment),
            nearest=self.service_labor_rounding == "nearest",
            minimum=hours(self.service_labor_minimum),
            overtime=self.service_labor_overtime,
            day_off=self.service_labor_day_off,
        )
