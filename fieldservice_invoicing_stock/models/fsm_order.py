# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain


class FsmOrder(models.Model):
    _inherit = "fsm.order"

    # ------------------------------------------------------------------
    # Delivered parts as order lines
    # ------------------------------------------------------------------

    def _collect_order_lines(self):
        res = super()._collect_order_lines()
        self._update_part_lines(self._get_delivered_parts())
        return res

    def _update_part_lines(self, parts):
        """Make a line of each delivered part, with what is left at the customer.

        A line of parts that all came back stays, at zero: what people said of it, a
        warranty for example, holds for the part that is sent instead. Called by
        :meth:`_collect_order_lines`; hook to bill some of the parts on other lines.

        :param dict parts: see :meth:`_get_delivered_parts`
        """
        wanted = [
            order._prepare_part_line(product, lot, move_lines)
            for (order, product, lot), move_lines in parts.items()
        ]
        known = {
            (line.order_id.id, line.source_key)
            for line in self.line_ids
            if line.quantity_source == "stock"
        }
        self._update_sourced_lines(
            "stock",
            [
                values
                for values in wanted
                if values["quantity"]
                or (values["order_id"], values["source_key"]) in known
            ],
        )
        deliveries = {
            (values["order_id"], values["source_key"]): move_lines
            for values, move_lines in zip(wanted, parts.values(), strict=True)
        }
        lines = self.line_ids.filtered(lambda line: line.quantity_source == "stock")
        lines._remember_deliveries(
            {
                line: deliveries[line.order_id.id, line.source_key]
                for line in lines
                if (line.order_id.id, line.source_key) in deliveries
            }
        )

    def _get_delivered_parts(self):
        """Done deliveries and returns of these orders.

        :return: dict of (order, product, lot) and `stock.move.line`
        """
        parts = defaultdict(self.env["stock.move.line"].browse)
        for move in self._get_delivery_moves().sorted("id"):
            order = move._get_service_order()
            if order in self and move.company_id == order.company_id:
                for line in move.move_line_ids:
                    if line._get_service_sign():
                        parts[order, line.product_id, line.lot_id] |= line
        return parts

    def _get_delivery_moves(self):
        """Done moves (`stock.move`) that may belong to these orders.

        Searched for: ``fieldservice_stock`` writes on moves when its fields on the
        order are read.
        """
        Move = self.env["stock.move"]
        done = Domain("state", "=", "done")
        moves = Move.search(done & Domain("fsm_order_id", "in", self.ids))
        moves |= Move.search(done & Domain("picking_id.fsm_order_id", "in", self.ids))
        moves |= self.line_ids.stock_move_line_ids.move_id
        returns = moves
        while returns:
            returns = Move.search(
                done & Domain("origin_returned_move_id", "in", returns.ids)
            )
            returns -= moves
            moves |= returns
        return moves

    def _prepare_part_line(self, product, lot, move_lines):
        """Values (dict) of the order line for one product and lot.

        :param lot: `stock.lot`, maybe empty
        :param move_lines: `stock.move.line`, deliveries and returns
        """
        self.ensure_one()
        return {
            "order_id": self.id,
            "source_key": f"{product.id}:{lot.id or 0}",
            "product_id": product.id,
            "lot_id": lot.id,
            "product_uom_id": product.uom_id.id,
            "quantity": max(move_lines._get_service_quantity(), 0.0),
        }

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_add_parts(self):
        """Open the delivery of one order that is not done yet, or a new one, so that
        parts are added and validated where stock is kept (action dict).

        :raise UserError: the order's warehouse belongs to another company
        :raise AccessError: the user does not work with stock
        """
        self.ensure_one()
        self.company_id._ensure_service_invoicing("stock.group_stock_user")
        self.check_access("read")
        action = {
            "type": "ir.actions.act_window",
            "name": self.env._("Deliver Parts"),
            "res_model": "stock.picking",
            "views": [(self.env.ref("stock.view_picking_form").id, "form")],
        }
        if picking := self._get_open_delivery():
            return {**action, "res_id": picking.id}
        return {**action, "context": self._get_delivery_defaults()}

    def _get_open_delivery(self):
        """The first delivery (`stock.picking`) of one order that is not done yet."""
        self.ensure_one()
        return self.env["stock.picking"].search(
            [
                ("fsm_order_id", "=", self.id),
                ("picking_type_code", "=", "outgoing"),
                ("state", "not in", ("done", "cancel")),
            ],
            limit=1,
        )

    def _get_delivery_defaults(self):
        """Context (dict) with the defaults of a new delivery for one order."""
        self.ensure_one()
        warehouse = self.warehouse_id
        if warehouse.company_id != self.company_id:
            raise UserError(
                self.env._(
                    "Service order %(order)s is of %(company)s, its warehouse "
                    "%(warehouse)s is not. Choose another warehouse on the order.",
                    order=self.name,
                    company=self.company_id.name,
                    warehouse=warehouse.name,
                )
            )
        delivery_type = warehouse.out_type_id
        return {
            "default_fsm_order_id": self.id,
            "default_company_id": self.company_id.id,
            "default_partner_id": self.location_id.partner_id.id,
            "default_picking_type_id": delivery_type.id,
            "default_location_id": delivery_type.default_location_src_id.id,
            "default_location_dest_id": self.inventory_location_id.id,
            "default_origin": self.name,
        }
