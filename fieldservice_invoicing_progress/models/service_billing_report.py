# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models
from odoo.tools import SQL, frozendict


class ServiceBillingReport(models.Model):
    _inherit = "service.billing.report"
    _depends = frozendict(
        {
            "account.move.line": ["progress_type"],
            "fsm.order.invoice": ["billing_kind"],
        }
    )

    @api.model
    def _get_work_condition(self):
        return SQL("(%s OR link.billing_kind = 'draw')", super()._get_work_condition())

    @api.model
    def _get_work_item_condition(self):
        # deposits and retainage are no work: what is billed is the work in full
        return SQL(
            "%s AND COALESCE(item.progress_type, 'work') = 'work'",
            super()._get_work_item_condition(),
        )
