# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class StockMoveLine(models.Model):
    _inherit = "stock.move.line"

    fsm_order_line_id = fields.Many2one(
        "fsm.order.line",
        string="Service Order Line",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The line of a service order that counts what was delivered or returned.",
    )

    def _get_service_sign(self):
        """What one done move line counts on a service order (int): 1 for a delivery,
        -1 for what came back, 0 for neither and for what is billed elsewhere.

        As on a sales order, a return counts when it is to change the quantities of
        its order, and so does what is sent again for it; what is scrapped does not.
        """
        self.ensure_one()
        move = self.move_id
        came = self.location_id.usage == "customer"
        went = self.location_dest_id.usage == "customer"
        scrapped = self.location_dest_id.usage == "inventory"
        if came == went or scrapped or move._is_billed_by_sale():
            return 0
        if came or move.origin_returned_move_id:
            return (1 if went else -1) if move.to_refund else 0
        return 1

    def _get_service_quantity(self):
        """Quantity (float, the product's unit) that these done move lines of one
        product brought to the customer, less what came back."""
        quantity = sum(
            line._get_service_sign() * line.quantity_product_uom for line in self
        )
        return self.product_id.uom_id.round(quantity) if self else 0.0

    def _get_service_value(self):
        """What these done move lines cost (float, company currency), less returns."""
        return sum(line._get_service_sign() * line._get_value_share() for line in self)

    def _get_service_cost(self):
        """Cost (float, company currency) of one of the product's unit by the valuation
        of what these done move lines of one product left with the customer, or of what
        went there before all came back; zero if nothing did, or it was not valued."""
        lines = self
        quantity = lines._get_service_quantity()
        if quantity <= 0:
            lines = lines.filtered(lambda line: line._get_service_sign() > 0)
            quantity = lines._get_service_quantity()
        value = lines._get_service_value()
        return max(value, 0.0) / quantity if quantity > 0 else 0.0

    def _get_valued_lines(self):
        """Lines (`stock.move.line`) of the move of one line that were valued: the
        goods were the company's own and passed through its stock."""
        self.ensure_one()
        move = self.move_id.with_company(self.company_id)
        return move._get_in_move_lines() | move._get_out_move_lines()

    def _is_valued(self):
        """Whether one line was valued, see :meth:`_get_valued_lines` (bool)."""
        return self in self._get_valued_lines()

    def _get_value_share(self):
        """Part (float, company currency) of one line in the value of its move: by
        quantity, or by the costs of the lots if the product is valued by lot."""
        self.ensure_one()
        move = self.move_id.with_company(self.company_id)
        valued = self._get_valued_lines()
        if self not in valued:
            return 0.0
        weights = {line: line.quantity_product_uom for line in valued}
        if move.product_id.lot_valuated:
            costs = {
                line: line.lot_id.standard_price * weight
                for line, weight in weights.items()
            }
            weights = costs if any(costs.values()) else weights
        total = sum(weights.values())
        return move.value * weights[self] / total if total else 0.0

    def _ensure_order_line_not_entered(self):
        """Refuse over RPC what the addon alone says: every user may write move lines.

        :raise UserError: names the transfer and the way out
        """
        if self and not self.env.su:
            raise UserError(
                self.env._(
                    "%(transfer)s: which service order line counts a delivery is "
                    "recorded and can not be entered. Choose the service order on the "
                    "transfer.",
                    transfer=self[0].reference or self[0].display_name,
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.filtered("fsm_order_line_id")._ensure_order_line_not_entered()
        lines.move_id._get_service_orders()._follow_sources()
        return lines

    def write(self, vals):
        if "fsm_order_line_id" in vals:
            self._ensure_order_line_not_entered()
        res = super().write(vals)
        if vals.keys() & self._get_service_quantity_fields():
            self.move_id._get_service_orders()._follow_sources()
        return res

    @api.model
    def _get_service_quantity_fields(self):
        """Names (set) of the fields of a done move line that order lines follow."""
        return {
            "quantity",
            "product_uom_id",
            "lot_id",
            "location_id",
            "location_dest_id",
        }
