# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class FsmOrderLine(models.Model):
    _inherit = "fsm.order.line"

    quantity_source = fields.Selection(
        selection_add=[("stock", "Delivered Parts")],
        ondelete={"stock": lambda lines: lines._become_manual()},
    )
    lot_id = fields.Many2one(
        "stock.lot",
        string="Lot/Serial Number",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    stock_move_line_ids = fields.One2many(
        "stock.move.line",
        "fsm_order_line_id",
        string="Deliveries and Returns",
        readonly=True,
        copy=False,
        groups="stock.group_stock_user",
    )
    is_cost_plus = fields.Boolean(
        string="Priced by Cost",
        compute="_compute_markup",
        store=True,
        precompute=True,
        help="The price is the cost of the parts with a markup.",
    )
    markup = fields.Float(
        string="Markup %",
        compute="_compute_markup",
        store=True,
        readonly=False,
        precompute=True,
        help="Percentage on top of the cost, for parts that are priced by their cost.",
    )

    @api.depends("product_id", "company_id")
    def _compute_markup(self):
        for line in self:
            line.is_cost_plus, line.markup = False, 0.0
            if line.product_id.type == "consu":
                template = line.product_id.product_tmpl_id
                record = template._get_service_pricing_record(line.company_id)
                if record.service_part_pricing == "cost":
                    line.is_cost_plus, line.markup = True, record.service_part_markup

    @api.depends("lot_id")
    def _compute_name(self):
        return super()._compute_name()

    def _get_description(self):
        description = super()._get_description()
        lot = self.sudo().lot_id
        if not lot or not self.company_id.sudo().service_lot_description:
            return description
        env = self.with_context(
            lang=self.order_id._get_bill_to_lang() or self.env.lang
        ).env
        label = (
            env._("Serial number: %s", lot.name)
            if lot.product_id.tracking == "serial"
            else env._("Lot: %s", lot.name)
        )
        return f"{description}\n{label}"

    def _remember_deliveries(self, deliveries):
        """Note on move lines which of these lines counts them, and on no others.

        :param dict deliveries: `stock.move.line` by order line
        """
        forgotten = self.stock_move_line_ids
        for line, move_lines in deliveries.items():
            (move_lines - line.stock_move_line_ids).fsm_order_line_id = line
            forgotten -= move_lines
        forgotten.fsm_order_line_id = False

    # ------------------------------------------------------------------
    # Cost and price
    # ------------------------------------------------------------------

    @api.depends("lot_id", "is_cost_plus", "markup", "stock_move_line_ids")
    def _compute_price_unit(self):
        return super()._compute_price_unit()

    def _get_price_unit(self, pricelist_rules=None):
        if not self.is_cost_plus or self.equipment_id.list_price:
            return super()._get_price_unit(pricelist_rules)
        order, company = self.order_id, self.order_id.company_id
        price = company.currency_id._convert(
            self._get_unit_cost() * (1 + self.markup / 100),
            order.currency_id or company.currency_id,
            company,
            fields.Date.context_today(order),
            round=False,
        )
        price = self.product_id.uom_id._compute_price(price, self.product_uom_id)
        # the cost is without tax, what the line's taxes include comes on top
        return self.env["account.tax"]._adapt_price_unit_to_another_taxes(
            price,
            self.product_id,
            self.env["account.tax"],
            order.fiscal_position_id.map_tax(self._get_default_taxes()),
        )

    def _get_unit_cost(self):
        """Cost (float, company currency) of one of the product's unit: what was
        delivered did cost it, else the cost of the lot or the product."""
        self.ensure_one()
        line = self.sudo().with_company(self.company_id)
        valued = line.stock_move_line_ids.filtered(lambda move: move._is_valued())
        if cost := valued._get_service_cost():
            return cost
        by_lot = line.lot_id and line.product_id.lot_valuated
        return (line.lot_id if by_lot else line.product_id).standard_price

    @api.depends("lot_id", "stock_move_line_ids.move_id.value")
    def _compute_purchase_price(self):
        return super()._compute_purchase_price()

    def _get_purchase_price(self):
        if not self.sudo().stock_move_line_ids:
            return super()._get_purchase_price()
        unit = self.product_id.uom_id
        return unit._compute_price(self._get_unit_cost(), self.product_uom_id or unit)

    def _get_delivered_cost(self):
        """Cost (float, company currency) of one of the product's unit that was
        delivered, see ``stock.move.line._get_service_cost``."""
        self.ensure_one()
        return self.sudo().stock_move_line_ids._get_service_cost()

    def _get_posted_cogs(self, expense):
        """Cost of goods sold (float, company currency) that is posted for one line,
        less what was reversed: what left the stock's value, by whatever account the
        product had then.

        :param expense: `account.account` that the cost goes to, the other half
        """
        self.ensure_one()
        entries = self.sudo().invoice_line_ids.service_cogs_line_ids
        return -sum(
            entry.balance
            for entry in entries
            if entry.parent_state == "posted"
            and entry.account_id != expense
            and entry.account_id.include_initial_balance
        )

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.model
    def _get_billing_fields(self):
        return super()._get_billing_fields() | {"is_cost_plus", "markup", "lot_id"}

    @api.model
    def _get_source_fields(self):
        return super()._get_source_fields() | {"lot_id", "stock_move_line_ids"}
