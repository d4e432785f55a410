# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class FsmOrder(models.Model):
    _inherit = "fsm.order"

    # Field service users have no access to invoices: the links are followed in
    # superuser mode, and lead to what the user may read.
    invoice_ids = fields.Many2many(compute_sudo=True)
    invoice_count = fields.Integer(compute_sudo=True)

    @api.depends_context("uid")
    @api.depends("invoice_lines", "invoice_link_ids.move_id.reversal_move_ids")
    def _compute_get_invoiced(self):
        linked = self._get_linked_invoices()
        readable = linked.sudo(False)._filtered_access("read")
        for order in self:
            order.invoice_ids = order._get_linked_invoices() & readable
            order.invoice_count = len(order.invoice_ids)

    def _get_linked_invoices(self):
        """Invoices and credit notes (`account.move`) that bill these orders (superuser
        mode), or that another addon links to them."""
        billed = self.invoice_link_ids.move_id
        moves = self.invoice_lines.move_id | billed | billed.reversal_move_ids
        return moves.filtered(lambda move: move.is_sale_document())
