# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        partners = self.env["res.partner"].browse(partner_ids).exists()
        destination = dst_partner
        if not destination or destination not in partners:
            destination = self._get_ordered_partner(partners.ids)[-1:]
        self._ensure_hashed_bill_to_stays(partners - destination)
        return super()._merge(
            partner_ids, dst_partner=dst_partner, extra_checks=extra_checks
        )

    def _ensure_hashed_bill_to_stays(self, partners):
        """Refuse to merge away the bill-to of service invoices that Odoo has hashed:
        the merge writes past the ORM, and would break the chain of hashes. Others keep
        what their document says, see `service.invoice.snapshot`.

        :param partners: `res.partner` records that the merge deletes
        :raise UserError: names the contact, an invoice and the way out
        """
        moves = (
            self.env["account.move"]
            .sudo()
            .search(
                [
                    ("inalterable_hash", "!=", False),
                    ("is_service_invoice", "=", True),
                    ("partner_id", "in", partners.ids),
                ],
                limit=1,
            )
        )
        if moves:
            raise UserError(
                self.env._(
                    "%(partner)s is the bill-to of service invoices that are secured "
                    "by a hash (%(invoice)s …), which the merge would break. Choose "
                    "this contact as the destination, or archive it instead.",
                    partner=moves.partner_id.display_name,
                    invoice=moves.name,
                )
            )
