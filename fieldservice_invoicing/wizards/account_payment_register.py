# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    def _create_payments(self):
        self._ensure_left_to_pay()
        return super()._create_payments()

    def _ensure_left_to_pay(self):
        """Refuse to pay service invoices that were paid or credited since the dialog
        was opened: Odoo would make a payment of nothing. Of two people at once the
        second one's transaction fails at the amount due, is run again, and comes here.

        :raise UserError: names the invoices and the way out
        """
        settled = self.line_ids.filtered("reconciled").move_id.filtered(
            "is_service_invoice"
        )
        if settled:
            raise UserError(
                self.env._(
                    "%(documents)s: nothing is left to pay. Somebody else has "
                    "registered the payment, or credited it, in the meantime. Close "
                    "this dialog and look at it again.",
                    documents=", ".join(settled.mapped("name")),
                )
            )
