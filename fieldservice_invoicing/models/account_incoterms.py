# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class AccountIncoterms(models.Model):
    _inherit = "account.incoterms"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_issued(self):
        self.env["account.move"]._ensure_not_on_issued(self, "invoice_incoterm_id")
