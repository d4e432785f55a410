# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError


class FsmOrderLine(models.Model):
    """What the customer is to be charged for on a service order."""

    _name = "fsm.order.line"
    _inherit = "service.line.cost.mixin"
    _description = "Service Order Line"
    _order = "order_id, sequence, id"
    _check_company_auto = True

    order_id = fields.Many2one(
        "fsm.order",
        string="Service Order",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="order_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(
        related="order_id.currency_id", store=True, precompute=True
    )
    sequence = fields.Integer(default=10)
    display_type = fields.Selection(
        [("line_section", "Section"), ("line_note", "Note")], default=False
    )
    kind = fields.Selection(
        [
            ("labor", "Labor"),
            ("part", "Part"),
            ("unit", "Unit"),
            ("charge", "Other Charge"),
        ],
        compute="_compute_kind",
        store=True,
        readonly=False,
        precompute=True,
        help="Subtotal of the invoice that the line counts in.",
    )
    product_id = fields.Many2one(
        "product.product",
        domain="[('sale_ok', '=', True)]",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    equipment_id = fields.Many2one(
        "fsm.equipment",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
        help="The unit that this line bills.",
    )
    name = fields.Text(
        string="Description",
        compute="_compute_name",
        store=True,
        readonly=False,
        precompute=True,
    )
    quantity = fields.Float(digits="Product Unit", default=1.0)
    product_uom_id = fields.Many2one(
        "uom.uom",
        string="Unit of Measure",
        compute="_compute_product_uom_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="restrict",
    )
    price_unit = fields.Float(
        string="Unit Price",
        compute="_compute_price_unit",
        min_display_digits="Product Price",
        store=True,
        readonly=False,
        precompute=True,
    )
    technical_price_unit = fields.Float(
        compute="_compute_price_unit",
        store=True,
        readonly=False,
        precompute=True,
        help="Price that the product and price list gave: another unit price was "
        "entered by hand and stays.",
    )
    discount_type = fields.Selection(
        [("none", "None"), ("percent", "%"), ("amount", "Amount")],
        default="none",
        required=True,
    )
    discount_value = fields.Float(
        string="Discount",
        min_display_digits="Discount",
        help="A percentage, or an amount in the order's currency off the whole line.",
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
    is_billable = fields.Boolean(
        string="Billable",
        compute="_compute_is_billable",
        store=True,
        readonly=False,
        precompute=True,
    )
    non_billable_reason = fields.Selection(
        [
            ("warranty", "Warranty"),
            ("contract", "Contract"),
            ("goodwill", "Goodwill"),
            ("other", "Other"),
        ],
        string="Not Charged",
        help="Why the customer is not charged for the line.",
    )
    quantity_source = fields.Selection(
        [("manual", "Manual"), ("equipment", "Equipment")],
        default="manual",
        required=True,
        readonly=True,
        help="Where the quantity comes from.",
    )
    source_key = fields.Char(
        readonly=True,
        copy=False,
        help="What the line stands for in its source, e.g. a product and a lot. "
        "Its quantity follows the source and can not be entered.",
    )
    price_subtotal = fields.Monetary(
        string="Untaxed",
        compute="_compute_amount",
        store=True,
        help="What the customer is charged for the line: nothing if not billable.",
    )
    price_tax = fields.Monetary(string="Tax", compute="_compute_amount", store=True)
    price_total = fields.Monetary(string="Total", compute="_compute_amount", store=True)
    invoice_line_ids = fields.One2many(
        "account.move.line",
        "fsm_order_line_id",
        string="Invoice Lines",
        readonly=True,
        copy=False,
        groups="fieldservice_invoicing.group_service_invoice_user,"
        "account.group_account_readonly,account.group_account_invoice",
    )
    qty_invoiced = fields.Float(
        string="Invoiced",
        compute="_compute_qty_invoiced",
        digits="Product Unit",
        compute_sudo=True,
    )
    qty_to_invoice = fields.Float(
        string="To Invoice",
        compute="_compute_qty_invoiced",
        digits="Product Unit",
        compute_sudo=True,
    )

    _one_of_a_source = models.UniqueIndex(
        "(order_id, quantity_source, source_key) WHERE source_key IS NOT NULL",
        "The same work came to this service order twice at once. Try again.",
    )

    # ------------------------------------------------------------------
    # Values that the product, the order and the bill-to give
    # ------------------------------------------------------------------

    @api.depends("product_id", "display_type")
    def _compute_kind(self):
        for line in self:
            if line.display_type:
                line.kind = False
            elif not line.kind or (line.product_id and line.kind != "unit"):
                line.kind = line._get_default_kind()

    def _get_default_kind(self):
        """Kind (str) of a line by its product: hook for other rules."""
        if not self.product_id:
            return "charge"
        return "labor" if self.product_id.type == "service" else "part"

    @api.depends("product_id", "equipment_id")
    def _compute_name(self):
        for line in self:
            if line.product_id or line.equipment_id:
                line.name = line._get_description()

    def _get_description(self):
        """Description (str) in the bill-to's language."""
        self.ensure_one()
        line = self.with_context(
            lang=self.order_id._get_bill_to_lang() or self.env.lang
        )
        parts = []
        if line.product_id:
            parts.append(line.product_id.get_product_multiline_description_sale())
        if line.equipment_id:
            parts.append(line.equipment_id.name)
        return "\n".join(parts)

    @api.depends("non_billable_reason")
    def _compute_is_billable(self):
        for line in self:
            line.is_billable = not line.non_billable_reason

    @api.depends("product_id")
    def _compute_product_uom_id(self):
        for line in self:
            line.product_uom_id = line.product_id.uom_id

    @api.depends(
        "product_id",
        "equipment_id",
        "quantity",
        "product_uom_id",
        "company_id",
        "order_id.pricelist_id",
        "order_id.currency_id",
        "order_id.fiscal_position_id",
    )
    def _compute_price_unit(self):
        rules = self._get_pricelist_rules()
        for line in self:
            price = line.price_unit
            by_hand = price != line.technical_price_unit
            if line.display_type:
                line.price_unit = line.technical_price_unit = 0.0
            elif by_hand or line._is_invoiced():
                line.technical_price_unit = line.technical_price_unit
            else:
                price = line._get_price_unit(rules)
                line.price_unit = line.technical_price_unit = price

    def _get_pricelist_rules(self):
        """Rules that may apply to these lines, searched once for each price list.

        :return: dict of `product.pricelist` and its `product.pricelist.item`
        """
        products = defaultdict(self.env["product.product"].browse)
        for line in self.filtered("product_id"):
            products[line.order_id.pricelist_id] |= line.product_id
        date = fields.Date.context_today(self)
        return {
            pricelist: pricelist._get_applicable_rules(products[pricelist], date)
            for pricelist in products
            if pricelist
        }

    def _get_price_unit(self, pricelist_rules=None):
        """Price of one unit of measure (float) in the order's currency.

        By the order's price list, else the product's list price, mapped by the
        fiscal position. Hook of the addons that know a better price.

        :param pricelist_rules: dict of :meth:`_get_pricelist_rules`; None: search
        """
        self.ensure_one()
        # the price list converts by the rates of its environment's company
        line = self.with_company(self.order_id.company_id)
        order = line.order_id
        if line.equipment_id.list_price:
            price = line._get_equipment_price()
        elif not line.product_id:
            return line.price_unit
        elif order.pricelist_id:
            price = line._get_pricelist_price(pricelist_rules)
        else:
            return line.product_id._get_tax_included_unit_price(
                order.company_id,
                order.currency_id or order.company_id.currency_id,
                fields.Date.context_today(order),
                "sale",
                fiscal_position=order.fiscal_position_id,
                product_uom=line.product_uom_id,
            )
        return line.product_id._get_tax_included_unit_price_from_price(
            price,
            line.product_id.taxes_id._filter_taxes_by_company(order.company_id),
            fiscal_position=order.fiscal_position_id,
        )

    def _get_equipment_price(self):
        """Price (float) of the line's unit in the order's currency."""
        order, equipment = self.order_id, self.equipment_id
        return equipment.currency_id._convert(
            equipment.list_price,
            order.currency_id or order.company_id.currency_id,
            order.company_id,
            fields.Date.context_today(order),
            round=False,
        )

    def _get_pricelist_price(self, pricelist_rules=None):
        """Price (float) of the line's product by the order's price list, in the
        order's currency, before the fiscal position.

        :param pricelist_rules: see :meth:`_get_price_unit`
        """
        order = self.order_id
        return order.pricelist_id._get_product_price(
            self.product_id,
            self.quantity or 1.0,
            currency=order.currency_id or order.company_id.currency_id,
            uom=self.product_uom_id,
            date=fields.Date.context_today(order),
            service_rules=pricelist_rules,
        )

    @api.depends("product_id", "company_id", "order_id.fiscal_position_id")
    def _compute_tax_ids(self):
        for line in self:
            if line.display_type:
                line.tax_ids = False
            elif not line._is_invoiced():
                line.tax_ids = line.order_id.fiscal_position_id.map_tax(
                    line._get_default_taxes()
                )

    def _get_default_taxes(self):
        """Taxes (`account.tax`) before the fiscal position: the product's, else
        the company's default sales tax."""
        self.ensure_one()
        line = self.with_company(self.company_id)
        if line.product_id:
            return line.product_id.taxes_id._filter_taxes_by_company(line.company_id)
        return line.company_id.account_sale_tax_id

    def _get_income_account(self):
        """Income account (`account.account`) that the invoice line will have."""
        self.ensure_one()
        order = self.order_id
        template = self.product_id.product_tmpl_id.with_company(order.company_id)
        accounts = template.get_product_accounts(order.fiscal_position_id)
        return (
            accounts.get("income")
            or order.company_id.service_invoice_journal_id.default_account_id
        )

    # ------------------------------------------------------------------
    # Amounts and quantities
    # ------------------------------------------------------------------

    def _prepare_base_line_for_taxes_computation(self, **kwargs):
        """The line as `account.tax` computes with it: the same that its invoice
        line will be.

        :param kwargs: values that replace the line's own, e.g. ``quantity``,
            ``tax_ids``, ``price_unit``, ``service_discount_amount``
        :return: dict, see ``account.tax._prepare_base_line_for_taxes_computation``
        """
        self.ensure_one()
        order = self.order_id
        discount = kwargs.pop("service_discount_amount", self._get_discount_amount())
        base_line = self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            self,
            **{
                "quantity": self.quantity,
                "discount": self._get_discount_percent(),
                "currency_id": order.currency_id or order.company_id.currency_id,
                "partner_id": order.bill_to_id,
                "rate": order._get_currency_rate(),
                "name": self.name,
                **kwargs,
            },
        )
        self.env["account.move.line"]._apply_discount_amount(base_line, discount)
        return base_line

    def _get_discount_percent(self):
        """Percentage (float) of a percentage discount."""
        return self.discount_value if self.discount_type == "percent" else 0.0

    def _get_discount_amount(self):
        """Amount (float, order currency) of an amount discount."""
        return self.discount_value if self.discount_type == "amount" else 0.0

    @api.depends(
        "quantity",
        "price_unit",
        "discount_type",
        "discount_value",
        "tax_ids",
        "currency_id",
        "company_id",
        "display_type",
        "is_billable",
    )
    def _compute_amount(self):
        AccountTax = self.env["account.tax"]
        for line in self:
            if line.display_type or not line.is_billable:
                line.price_subtotal = line.price_tax = line.price_total = 0.0
                continue
            company = line.company_id or self.env.company
            base_line = line._prepare_base_line_for_taxes_computation()
            AccountTax._add_tax_details_in_base_line(base_line, company)
            AccountTax._round_base_lines_tax_details([base_line], company)
            details = base_line["tax_details"]
            line.price_subtotal = details["total_excluded_currency"]
            line.price_total = details["total_included_currency"]
            line.price_tax = line.price_total - line.price_subtotal

    @api.depends(
        "quantity",
        "is_billable",
        "display_type",
        "invoice_line_ids.quantity",
        "invoice_line_ids.product_uom_id",
        "invoice_line_ids.parent_state",
        "order_id.invoice_link_ids.is_active",
    )
    def _compute_qty_invoiced(self):
        for line in self:
            line.qty_invoiced = line._get_qty_invoiced()
            line.qty_to_invoice = (
                line.quantity - line.qty_invoiced
                if line.is_billable and not line.display_type
                else 0.0
            )

    def _get_qty_invoiced(self):
        """Quantity (float, the line's unit) on the order's active invoices, minus
        their posted credit notes.

        Credit notes may lower the price of the same units twice, or name no units:
        they never bring an invoice below zero, and a given up claim bills nothing.
        """
        self.ensure_one()
        quantities = defaultdict(float)
        for invoice_line in self.invoice_line_ids:
            move = invoice_line.move_id
            if move.move_type == "out_invoice":
                invoice, sign = move, 1
            elif move.move_type == "out_refund" and move.state == "posted":
                invoice, sign = move.reversed_entry_id, -1
            else:
                continue
            if self.order_id._origin._is_billed_by(invoice):
                quantities[invoice] += (
                    sign
                    * invoice_line.product_uom_id._compute_quantity(
                        invoice_line.quantity, self.product_uom_id, round=False
                    )
                )
        return sum(max(quantity, 0.0) for quantity in quantities.values())

    def _is_invoiced(self):
        """Whether the line (one record) is on an active invoice (bool)."""
        return bool(self._get_billing_invoices())

    def _get_billing_invoices(self):
        """Active invoices (`account.move`, superuser mode) that bill one line."""
        self.ensure_one()
        line = self.sudo()._origin
        return line.invoice_line_ids.move_id.filtered(
            lambda move: (
                move.move_type == "out_invoice" and line.order_id._is_billed_by(move)
            )
        )

    def _is_on_consolidated_invoice(self):
        """Whether the line (one record) tells the share of its order in an issued
        invoice of several orders (bool): without it a credited claim would come back
        to life."""
        self.ensure_one()
        moves = self.sudo().invoice_line_ids.move_id
        return any(
            move.state == "posted" and len(move.service_order_link_ids) > 1
            for move in moves
        )

    # ------------------------------------------------------------------
    # To the invoice
    # ------------------------------------------------------------------

    def _prepare_invoice_line(self, **optional_values):
        """Values of the invoice line that bills this line, without side effect.

        Called by ``fsm.order._prepare_invoice_lines`` for each line that
        ``_get_invoiceable_lines`` gives, in the bill-to's language.

        :param optional_values: values to add or replace, e.g. ``tax_ids``
        :return: dict for ``account.move.line.create``
        """
        self.ensure_one()
        if self.display_type:
            values = {
                "display_type": self.display_type,
                "name": self.name,
                "account_id": False,
            }
        elif not self.is_billable:
            values = self._prepare_invoice_line_at_no_charge()
        else:
            values = {
                "display_type": "product",
                "name": self.name,
                "product_id": self.product_id.id,
                "product_uom_id": self.product_uom_id.id,
                "quantity": self.qty_to_invoice,
                "price_unit": self.price_unit,
                "discount": self._get_discount_percent(),
                "service_discount_amount": self._get_discount_amount(),
                "tax_ids": [Command.set(self.tax_ids.ids)],
            }
            values.update(optional_values)
        values["fsm_order_line_id"] = self.id
        values["sequence"] = self.sequence
        return values

    def _prepare_invoice_line_at_no_charge(self):
        """Values (dict) of the invoice line that shows what is not charged.

        It has no taxes: one by quantity would still be charged.
        """
        reasons = dict(
            self._fields["non_billable_reason"]._description_selection(self.env)
        )
        note = self.env._(
            "No charge: %s", reasons.get(self.non_billable_reason, "")
        ).rstrip(": ")
        return {
            "display_type": "product",
            "name": f"{self.name}\n{note}",
            "product_id": self.product_id.id,
            "product_uom_id": self.product_uom_id.id,
            "quantity": self.quantity,
            "price_unit": 0.0,
            "tax_ids": [Command.clear()],
        }

    def _get_qty_to_credit(self):
        """Quantity (float, the line's unit) that is invoiced and not to be charged any
        more: work that was returned, corrected or declared not billable since."""
        self.ensure_one()
        charged = self.quantity if self.is_billable else 0.0
        return max(self.qty_invoiced - charged, 0.0)

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.constrains("quantity")
    def _check_quantity(self):
        for line in self:
            if line.quantity < 0:
                raise ValidationError(
                    self.env._(
                        "“%(line)s” on %(order)s: the quantity can not be negative. "
                        "Give the customer something back with a discount, a charge "
                        "with a negative price, or a credit note.",
                        line=line.name,
                        order=line.order_id.name,
                    )
                )

    # apart from the quantity: to read the price of each line that a source writes
    # would compute the prices one by one
    @api.constrains("price_unit", "kind")
    def _check_price_unit(self):
        for line in self:
            if line.price_unit < 0 and line.kind != "charge":
                raise ValidationError(
                    self.env._(
                        "“%(line)s” on %(order)s: the price can not be negative. "
                        "Use a line of the kind “Other Charge” for a rebate.",
                        line=line.name,
                        order=line.order_id.name,
                    )
                )

    @api.constrains("quantity", "discount_type", "discount_value", "price_unit")
    def _check_discount(self):
        for line in self.filtered(lambda line: line.discount_type != "none"):
            limit = line._get_discount_limit()
            if not 0 <= line.discount_value <= limit:
                raise ValidationError(
                    self.env._(
                        "“%(line)s” on %(order)s: the discount has to be between 0 and "
                        "%(limit)s.",
                        line=line.name,
                        order=line.order_id.name,
                        limit=(
                            "100 %"
                            if line.discount_type == "percent"
                            else line.currency_id.format(limit)
                        ),
                    )
                )

    def _get_discount_limit(self):
        """Highest discount (float) of one line: all that it costs, as a percentage or
        an amount, by its type."""
        self.ensure_one()
        if self.discount_type == "percent":
            return 100.0
        return max(self.currency_id.round(self.price_unit * self.quantity), 0.0)

    @api.constrains("display_type", "product_id", "equipment_id", "name")
    def _check_description(self):
        for line in self:
            described = (
                line.product_id or line.equipment_id or (line.name or "").strip()
            )
            if not line.display_type and not described:
                raise ValidationError(
                    self.env._(
                        "A line on %(order)s does not say what is charged. Give it a "
                        "product or a description.",
                        order=line.order_id.name,
                    )
                )

    @api.constrains("company_id", "currency_id")
    def _check_order_values(self):
        for line in self:
            order = line.order_id
            if (line.company_id, line.currency_id) != (
                order.company_id,
                order.currency_id,
            ):
                raise ValidationError(
                    self.env._(
                        "“%(line)s” has the company and currency of its service order "
                        "%(order)s: change them there.",
                        line=line.name,
                        order=order.name,
                    )
                )

    @api.constrains("tax_ids")
    def _check_taxes(self):
        for line in self:
            if any(tax.type_tax_use != "sale" for tax in line.sudo().tax_ids):
                raise ValidationError(
                    self.env._(
                        "“%(line)s” on %(order)s: choose sales taxes only.",
                        line=line.name,
                        order=line.order_id.name,
                    )
                )

    @api.constrains("is_billable", "non_billable_reason")
    def _check_non_billable_reason(self):
        for line in self:
            if not (line.is_billable or line.non_billable_reason or line.display_type):
                raise ValidationError(
                    self.env._(
                        "“%(line)s” on %(order)s is not billable: give the reason.",
                        line=line.name,
                        order=line.order_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        self._set_default_labor_product(vals_list)
        lines = super().create(vals_list)
        lines._ensure_source_is_recorded()
        for name in self._get_amount_fields():
            self.env.add_to_compute(self._fields[name], lines)
        lines._ensure_order_can_change()
        return lines

    def _set_default_labor_product(self, vals_list):
        """Give the company's labor product to labor without product or text."""
        for vals in vals_list:
            if vals.get("kind") == "labor" and not (
                vals.get("product_id") or vals.get("name")
            ):
                order = self.env["fsm.order"].browse(vals.get("order_id"))
                product = order.company_id.sudo().service_labor_product_id
                vals["product_id"] = product.id

    @api.model
    def default_get(self, fields_list):
        defaults = super().default_get(fields_list)
        product_id = self.env.context.get("default_labor_product_id")
        if defaults.get("kind") == "labor" and "product_id" in fields_list:
            defaults.setdefault("product_id", product_id)
        return defaults

    def write(self, vals):
        if "order_id" in vals:
            self._ensure_stays_on_order(vals["order_id"])
        if vals.keys() & self._get_billing_fields():
            self._ensure_order_can_change()
        if vals.keys() & self._get_source_fields():
            self.filtered("source_key")._ensure_source_is_kept()
        if vals.keys() & self._get_amount_fields() and not self.env.su:
            raise UserError(
                self.env._(
                    "The amounts of “%(line)s” on %(order)s follow from its quantity, "
                    "price, discount and taxes: change those.",
                    line=self[:1].name,
                    order=self[:1].order_id.name,
                )
            )
        res = super().write(vals)
        if vals.keys() & {"quantity_source", "source_key"}:
            self._ensure_source_is_recorded()
        return res

    def _ensure_stays_on_order(self, order_id):
        """Refuse to move lines to another order.

        :param order_id: id of the order that is about to be written
        :raise UserError: names line, order and the way out
        """
        for line in self.filtered(lambda line: line.order_id.id != order_id):
            raise UserError(
                self.env._(
                    "“%(line)s” on %(order)s can not move to another service order: "
                    "delete it and enter it there.",
                    line=line.name,
                    order=line.order_id.name,
                )
            )

    @api.model
    def _get_amount_fields(self):
        return super()._get_amount_fields() | {
            "price_subtotal",
            "price_tax",
            "price_total",
        }

    @api.model
    def _get_billing_fields(self):
        """Names (set) of the fields that say what the customer is charged."""
        return {
            "display_type",
            "kind",
            "product_id",
            "name",
            "quantity",
            "product_uom_id",
            "price_unit",
            "discount_type",
            "discount_value",
            "tax_ids",
            "is_billable",
            "non_billable_reason",
            "equipment_id",
            "technical_price_unit",
            "quantity_source",
        }

    @api.model
    def _get_source_fields(self):
        """Names (set) of the fields that the source of a line decides: bridges add
        theirs."""
        return {
            "display_type",
            "product_id",
            "quantity",
            "product_uom_id",
            "quantity_source",
            "source_key",
        }

    def _ensure_source_is_kept(self):
        """Refuse to enter what the source of a line says. Superuser mode is exempt:
        ``fsm.order._update_sourced_lines`` writes in it.

        :raise UserError: names line, order and the way out
        """
        if self and not self.env.su:
            origin = self._fields["quantity_source"]._description_selection(self.env)
            raise UserError(
                self.env._(
                    "“%(line)s” on %(order)s follows its source (%(origin)s): correct "
                    "it there. To leave it off the invoice, say why it is not charged.",
                    line=self[0].name,
                    order=self[0].order_id.name,
                    origin=dict(origin)[self[0].quantity_source],
                )
            )

    def _ensure_source_is_recorded(self):
        """Refuse to enter a source: the line would be locked for everyone, and follow
        what it does not come from.

        :raise UserError: names line, order and the way out
        """
        self.filtered(
            lambda line: line.source_key or line.quantity_source != "manual"
        )._ensure_source_is_kept()

    def _get_changes(self, values):
        """Those of ``values`` (dict) that one line does not have yet, so that
        nothing is written, and no amount computed, for what stays as it is."""
        self.ensure_one()
        changes = {}
        for name, value in values.items():
            field = self._fields[name]
            new = field.convert_to_cache(value, self, validate=False)
            old = field.convert_to_cache(self[name], self)
            if field.type.endswith("2many"):
                new, old = set(new), set(old)
            if new != old:
                changes[name] = value
        return changes

    def _write_source_values(self, values):
        """Write what the source of one line says now.

        A discount by amount falls with the quantity, as on a credit note: above what
        the line costs it would be refused, and keep parts from coming back.

        :param dict values: among them ``quantity``, if it changed
        """
        self.ensure_one()
        quantity = values.get("quantity", self.quantity)
        if self.discount_type == "amount" and quantity < self.quantity:
            share = self.discount_value * quantity / self.quantity
            values = {**values, "discount_value": self.currency_id.round(share)}
        self.write(values)

    def _become_manual(self):
        """Let people mend these lines once nothing else does: bridges call it when they
        are uninstalled (``ondelete`` of their value of ``quantity_source``)."""
        self.write({"quantity_source": "manual", "source_key": False})

    def _ensure_order_can_change(self):
        """Refuse changes to billed work, see ``fsm.order._ensure_charges_can_change``.

        Called on create, write and unlink.

        :raise UserError: the order has an active invoice
        """
        self.order_id._ensure_charges_can_change()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sourced(self):
        self.filtered("source_key")._ensure_source_is_kept()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_invoiced(self):
        self._ensure_order_can_change()
        for line in self:
            if line._is_invoiced() and not line.display_type:
                raise UserError(
                    self.env._(
                        "“%(line)s” is on an invoice of service order %(order)s: set "
                        "its quantity to zero, or cancel the invoice first.",
                        line=line.name,
                        order=line.order_id.name,
                    )
                )
            if line._is_on_consolidated_invoice():
                raise UserError(
                    self.env._(
                        "“%(line)s” says which part of an issued invoice is that of "
                        "service order %(order)s: set its quantity to zero instead.",
                        line=line.name,
                        order=line.order_id.name,
                    )
                )
