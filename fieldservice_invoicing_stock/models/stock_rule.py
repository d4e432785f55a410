# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class StockRule(models.Model):
    _inherit = "stock.rule"

    def _push_prepare_move_copy_values(self, move_to_copy, new_date):
        # of several steps the last one counts, though the first one has the order
        values = super()._push_prepare_move_copy_values(move_to_copy, new_date)
        values.setdefault("fsm_order_id", move_to_copy._get_service_order().id)
        return values
