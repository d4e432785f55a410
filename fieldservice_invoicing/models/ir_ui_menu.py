# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class IrUiMenu(models.Model):
    _inherit = "ir.ui.menu"

    def _load_menus_blacklist(self):
        res = super()._load_menus_blacklist()
        if not self.env["res.company"]._user_has_service_invoicing():
            res.append(self.env.ref("fieldservice_invoicing.menu_service_invoicing").id)
        return res
