# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError


class StockMove(models.Model):
    _inherit = "stock.move"

    fsm_order_id = fields.Many2one(index="btree_not_null")

    def _get_service_order(self):
        """Service order (`fsm.order`, superuser mode, maybe empty) of one move.

        Its transfer says so, then the move itself, then the order line on which it was
        billed (``fieldservice_stock`` clears the link of moves when an order is read),
        and for a return what it brings back.
        """
        self.ensure_one()
        move = self.sudo()
        order = (
            move.picking_id.fsm_order_id
            or move.fsm_order_id
            or move.move_line_ids.fsm_order_line_id.order_id[:1]
        )
        if not order and move.origin_returned_move_id:
            return move.origin_returned_move_id._get_service_order()
        return order

    def _get_service_orders(self):
        """Service orders (`fsm.order`) of those of these moves that are done."""
        return self.env["fsm.order"].union(
            *(move._get_service_order() for move in self if move.state == "done")
        )

    def _follow_picking(self):
        """Take moves to the service order that their transfer says now, or off any.

        :raise UserError: an active invoice bills a move on another order
        """
        for picking, moves in self.sudo().grouped("picking_id").items():
            others = moves.move_line_ids.filtered("fsm_order_line_id").filtered(
                lambda line, order=picking.fsm_order_id: (
                    line.fsm_order_line_id.order_id != order
                )
            )
            others.move_id._ensure_can_leave_order()
            others.fsm_order_line_id = False
            moves.filtered("fsm_order_id").fsm_order_id = picking.fsm_order_id

    def _ensure_can_leave_order(self):
        """Refuse to take moves off an order whose active invoice bills them, to another
        one or to a sales order.

        :raise UserError: names the transfer, the order, its invoice and the way out
        """
        for line in self.sudo().move_line_ids:
            order_line = line.fsm_order_line_id
            if order_line and order_line._is_invoiced():
                raise UserError(
                    self.env._(
                        "%(product)s of %(transfer)s is billed on service order "
                        "%(order)s (%(invoice)s) and can not go to another order. "
                        "Cancel or credit that invoice first.",
                        product=line.product_id.display_name,
                        transfer=line.reference,
                        order=order_line.order_id.name,
                        invoice=order_line.order_id.active_invoice_id.display_name,
                    )
                )

    def _is_billed_by_sale(self):
        """Whether a sales order bills the move (one record) (bool): a cancelled one
        bills what it has invoiced, and nothing else."""
        self.ensure_one()
        item = "sale_line_id" in self._fields and self.sudo().sale_line_id
        return bool(item) and (item.state != "cancel" or bool(item.qty_invoiced))

    def _get_new_picking_values(self):
        # without it a delivery that a procurement made is lost to the order once the
        # order is read, see _get_service_order
        values = super()._get_new_picking_values()
        if len(self.fsm_order_id) == 1 and all(move.fsm_order_id for move in self):
            values["fsm_order_id"] = self.fsm_order_id.id
        return values

    def _action_done(self, cancel_backorder=False):
        moves = super()._action_done(cancel_backorder=cancel_backorder)
        moves._get_service_orders()._follow_sources()
        return moves

    def write(self, vals):
        links = {"fsm_order_id", "picking_id"}
        names = links | {"to_refund", "origin_returned_move_id", "sale_line_id"}
        if not vals.keys() & names:
            return super().write(vals)
        orders = {
            move: move._get_service_order() for move in self if move.state == "done"
        }
        res = super().write(vals)
        moved = self.filtered(
            lambda move: move in orders and move._get_service_order() != orders[move]
        )
        moved._ensure_can_leave_order()
        if vals.get("sale_line_id"):
            self._ensure_can_leave_order()
        if moved or vals.keys() & (names - links):
            before = self.env["fsm.order"].union(*orders.values())
            (before | self._get_service_orders())._follow_sources()
        return res
