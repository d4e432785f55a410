# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError

DERIVED = ("company_id", "state")


class FsmChangeOrderLine(models.Model):
    """One item of a contract that a change order adds, raises or lowers."""

    _name = "fsm.change.order.line"
    _description = "Change Order Line"
    _order = "change_order_id, sequence, id"
    _check_company_auto = True

    change_order_id = fields.Many2one(
        "fsm.change.order", required=True, index=True, ondelete="cascade"
    )
    order_id = fields.Many2one(related="change_order_id.order_id")
    company_id = fields.Many2one(
        related="change_order_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="change_order_id.currency_id")
    state = fields.Selection(
        related="change_order_id.state", store=True, precompute=True
    )
    sequence = fields.Integer(default=10)
    order_line_id = fields.Many2one(
        "fsm.order.line",
        string="Contract Item",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        domain="[('order_id', '=', order_id), ('display_type', '=', False),"
        " ('is_billable', '=', True)]",
        help="The item that is raised or lowered. Empty: a new item, which is added to "
        "the contract on approval.",
    )
    product_id = fields.Many2one(
        "product.product",
        compute="_compute_product_id",
        store=True,
        readonly=False,
        precompute=True,
        domain="[('sale_ok', '=', True)]",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    name = fields.Text(
        string="Description",
        compute="_compute_name",
        store=True,
        readonly=False,
        precompute=True,
    )
    kind = fields.Selection(
        selection=lambda self: (
            self.env["fsm.order.line"]._fields["kind"]._description_selection(self.env)
        ),
        compute="_compute_kind",
        store=True,
        readonly=False,
        precompute=True,
        help="Subtotal of the invoice that the item counts in.",
    )
    tax_ids = fields.Many2many(
        "account.tax",
        string="Taxes",
        compute="_compute_tax_ids",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        domain="[('type_tax_use', '=', 'sale'),"
        " ('company_id', 'parent_of', company_id)]",
    )
    scheduled_value = fields.Monetary(
        related="order_line_id.price_subtotal",
        related_sudo=False,
        string="Scheduled Value",
    )
    amount = fields.Monetary(
        required=True,
        help="What is added to the item, or taken off it, before taxes.",
    )

    # ------------------------------------------------------------------
    # Values that the item, or the product of a new one, gives
    # ------------------------------------------------------------------

    @api.depends("order_line_id")
    def _compute_product_id(self):
        for line in self.filtered("order_line_id"):
            line.product_id = line.order_line_id.product_id

    @api.depends("order_line_id", "product_id")
    def _compute_name(self):
        for line in self:
            if line.order_line_id or line.product_id:
                line.name = line._get_item().name

    @api.depends("order_line_id", "product_id")
    def _compute_kind(self):
        for line in self:
            if line.order_line_id or line.product_id or not line.kind:
                line.kind = line._get_item().kind

    @api.depends("order_line_id.tax_ids", "product_id", "order_id.fiscal_position_id")
    def _compute_tax_ids(self):
        for line in self:
            if line.change_order_id.state != "approved":
                line.tax_ids = line._get_item().tax_ids

    def _get_item(self):
        """Item (`fsm.order.line`) that one line changes, or the new one in memory, with
        the values that its product and order give."""
        self.ensure_one()
        return self.order_line_id or self.env["fsm.order.line"].new(
            {"order_id": self.order_id.id, "product_id": self.product_id.id}
        )

    # ------------------------------------------------------------------
    # Approve
    # ------------------------------------------------------------------

    def _create_items(self):
        """Add new items to the contract, and remember them. Called in superuser mode by
        the change order, once it may be approved."""
        items = self.env["fsm.order.line"].create(
            [line._prepare_item() for line in self]
        )
        for line, item in zip(self, items, strict=True):
            line.order_line_id = item

    def _prepare_item(self):
        """Values (dict) of the order line for one new item. It has no price of its own:
        its scheduled value are the changes, see ``fsm.order.line.change_amount``."""
        self.ensure_one()
        siblings = self.order_id.line_ids
        return {
            "order_id": self.order_id.id,
            "sequence": max(siblings.mapped("sequence"), default=0) + 1,
            "name": self.name,
            "product_id": self.product_id.id,
            "kind": self.kind,
            "tax_ids": [Command.set(self.tax_ids.ids)],
            "quantity": 1.0,
            "price_unit": 0.0,
            "technical_price_unit": 0.0,
        }

    def _get_refusal(self):
        """Why one line can not be approved (str or False), by itself."""
        self.ensure_one()
        if self.currency_id.is_zero(self.amount):
            return self.env._(
                "%(change)s of service order %(order)s: “%(line)s” changes the "
                "contract by nothing. Enter its amount, or delete the line.",
                **self._get_names(),
            )
        return (
            self._get_item_refusal()
            if self.order_line_id
            else self._get_new_item_refusal()
        ) or self._get_taxes_refusal()

    def _get_item_refusal(self):
        """Refusal (str or False) by the item that one line changes."""
        if self.order_line_id not in self.order_id._get_schedule_lines():
            return self.env._(
                "%(change)s: “%(line)s” is not an item of the contract of service "
                "order %(order)s. Choose one that is charged there, or leave the item "
                "empty to add one.",
                **self._get_names(),
            )
        return False

    def _get_new_item_refusal(self):
        """Refusal (str or False) by the new item that one line adds."""
        if self.amount < 0 and self.kind != "charge":
            return self.env._(
                "%(change)s of service order %(order)s: “%(line)s” is a new item of "
                "%(amount)s. Choose the contract item that it takes off from, or the "
                "kind “Other Charge” for a rebate.",
                amount=self.currency_id.format(self.amount),
                **self._get_names(),
            )
        return self.kind == "unit" and self.env._(
            "%(change)s of service order %(order)s: “%(line)s” can not be of the kind "
            "“Unit”, which is for the equipment of the order. Choose another.",
            **self._get_names(),
        )

    def _get_taxes_refusal(self):
        """Refusal (str or False) by the taxes of one line."""
        taxes = (self.order_line_id or self)._get_quantity_by_taxes()
        return bool(taxes) and self.env._(
            "%(change)s of service order %(order)s: “%(line)s” has the tax %(tax)s, "
            "which goes by quantity and can not be billed in portions. Choose other "
            "taxes, or bill it on an order of its own.",
            tax=", ".join(taxes.mapped("name")),
            **self._get_names(),
        )

    def _get_quantity_by_taxes(self):
        """Taxes (`account.tax`) of a new item that go by quantity."""
        values = {
            "order_id": self.order_id.id,
            "tax_ids": [Command.set(self.tax_ids.ids)],
        }
        return self.env["fsm.order.line"].new(values)._get_quantity_by_taxes()

    def _get_value_refusal(self, item):
        """Refusal (str or False) for all lines of a change order on one item, when they
        take off more than there is.

        :param item: `fsm.order.line`
        """
        currency = item.currency_id
        scheduled, amount = item.price_subtotal, sum(self.mapped("amount"))
        after = currency.round(scheduled + amount)
        is_rebate = item.kind == "charge" and scheduled <= 0
        if (after >= 0 and scheduled >= 0) or (after <= 0 and is_rebate):
            return False
        return self.env._(
            "%(change)s: “%(line)s” of service order %(order)s has a scheduled value "
            "of %(scheduled)s, which can not change by %(amount)s. Take off at most "
            "all of it, and the rest from another item.",
            scheduled=currency.format(scheduled),
            amount=currency.format(amount),
            **self[:1]._get_names(),
        )

    def _get_names(self):
        """Names (dict) that say in a message which line it is about."""
        return {
            "change": self.change_order_id.name,
            "order": self.order_id.name,
            "line": (self.order_line_id.name or self.name or "").partition("\n")[0],
        }

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.constrains("order_line_id", "change_order_id")
    def _check_order_line(self):
        for line in self.filtered("order_line_id"):
            item = line.order_line_id
            if (
                item.order_id != line.order_id or item.display_type or item.source_key
            ) and line.state != "approved":
                raise ValidationError(line._get_item_refusal())

    @api.constrains("name", "order_line_id", "product_id")
    def _check_description(self):
        for line in self:
            described = line.order_line_id or line.product_id
            if not described and not (line.name or "").strip():
                raise ValidationError(
                    self.env._(
                        "A line of %(change)s of service order %(order)s does not say "
                        "what changes. Choose the contract item, or describe the new "
                        "one.",
                        change=line.change_order_id.name,
                        order=line.order_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._ensure_not_entered(vals.keys())
        lines = super().create(vals_list)
        lines.change_order_id._ensure_is_draft()
        return lines

    def write(self, vals):
        self._ensure_not_entered(vals.keys())
        self.change_order_id._ensure_is_draft()
        if "change_order_id" in vals and any(
            line.change_order_id.id != vals["change_order_id"] for line in self
        ):
            raise UserError(
                self.env._(
                    "“%(line)s” can not move to another change order: delete it and "
                    "enter it there.",
                    line=self[:1].name,
                )
            )
        return super().write(vals)

    def _ensure_not_entered(self, names):
        """Refuse over RPC what follows from the change order.

        :param names: field names about to be written
        :raise UserError: names the field and the way out
        """
        derived = {*names} & {*DERIVED}
        if derived and not self.env.su:
            raise UserError(
                self.env._(
                    "%(field)s of a change order line is that of its change order and "
                    "can not be entered.",
                    field=self._fields[min(derived)]._description_string(self.env),
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_decided(self):
        self.change_order_id._ensure_is_draft()
