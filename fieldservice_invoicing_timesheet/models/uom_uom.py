# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class UomUom(models.Model):
    _inherit = "uom.uom"

    @api.model
    def _get_hour(self):
        """The unit hour (`uom.uom`), without asking the database each time."""
        ir_model_data = self.env["ir.model.data"]
        return self.browse(ir_model_data._xmlid_to_res_id("uom.product_uom_hour"))

    def _is_time(self):
        """Whether one unit, or none, is a unit of time (bool)."""
        return bool(self) and self._has_common_reference(self._get_hour())
