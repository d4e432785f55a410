# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    service_cogs_line_ids = fields.One2many(
        "account.move.line",
        "cogs_origin_id",
        readonly=True,
        copy=False,
        help="Cost of goods sold of this invoice line, and its cancellation.",
    )

    def _copy_data_extend_business_fields(self, values):
        # the reversal that cancels an invoice copies its cost of goods sold, which
        # would be forgotten when the order line is billed anew
        res = super()._copy_data_extend_business_fields(values)
        if self.display_type == "cogs" and self.cogs_origin_id.fsm_order_line_id:
            values["cogs_origin_id"] = self.cogs_origin_id.id
        return res

    def _get_stock_moves(self):
        delivered = self.sudo().fsm_order_line_id.stock_move_line_ids.move_id
        moves = super()._get_stock_moves() | delivered
        # posting asks line by line: read together with those of the other lines
        return moves.with_prefetch(delivered._prefetch_ids) if delivered else moves

    def _eligible_for_stock_account(self):
        # what came out of the stock has a cost, whatever the supplier delivered beside
        moves = self.sudo().fsm_order_line_id.stock_move_line_ids.move_id
        if any(not move.is_dropship for move in moves):
            return self.product_id.is_storable
        return super()._eligible_for_stock_account()

    def _get_cogs_value(self):
        """Cost of one unit of a line that bills delivered parts.

        Posting brings the cost of goods sold of the order line to the cost of what is
        billed: invoices less credit notes, by the moves of this very line. Odoo would
        take for a credit note what it finds first for the product.
        """
        order_line = self.sudo().fsm_order_line_id
        if not order_line.stock_move_line_ids:
            return super()._get_cogs_value()
        quantity = self._get_document_quantity()
        if not quantity:
            return 0.0
        is_refund = self.move_id.move_type == "out_refund"
        billed = order_line._get_qty_invoiced() - (quantity if is_refund else 0.0)
        cost = order_line._get_delivered_cost() * max(billed, 0.0)
        change = cost - order_line._get_posted_cogs(self._get_cogs_expense_account())
        return (-change if is_refund else change) / quantity

    def _get_document_quantity(self):
        """Quantity (float, the product's unit) of the line's order line on its invoice
        or credit note, however many lines it takes there."""
        self.ensure_one()
        lines = self.move_id.invoice_line_ids.filtered(
            lambda line: line.fsm_order_line_id == self.fsm_order_line_id
        )
        return sum(
            line.product_uom_id._compute_quantity(
                line.quantity, self.product_id.uom_id, round=False
            )
            for line in lines
        )

    def _get_cogs_expense_account(self):
        """Account (`account.account`) that the cost of goods sold goes to."""
        self.ensure_one()
        template = self.product_id.product_tmpl_id.with_company(self.company_id)
        accounts = template.get_product_accounts(self.move_id.fiscal_position_id)
        return accounts["expense"] or self.move_id.journal_id.default_account_id
