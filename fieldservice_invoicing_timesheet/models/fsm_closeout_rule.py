# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class FsmCloseoutRule(models.Model):
    _inherit = "fsm.closeout.rule"

    requirement = fields.Selection(
        selection_add=[("hours", "Hours logged"), ("timesheet", "Hours validated")],
        ondelete={"hours": "cascade", "timesheet": "cascade"},
    )

    @api.model
    def _get_gaps(self, requirement, orders):
        if requirement not in ("hours", "timesheet"):
            return super()._get_gaps(requirement, orders)
        entries = orders._get_labor_entries()
        if requirement == "hours":
            missing = orders - entries.fsm_order_id.with_env(orders.env)
            message = self.env._("No hours are logged.")
        else:
            missing = entries.filtered(lambda entry: not entry.validated).fsm_order_id
            message = self.env._("Not all hours are validated.")
        return dict.fromkeys(missing.with_env(orders.env), message)
