# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.sql import column_exists, create_column


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    fsm_order_line_id = fields.Many2one(
        "fsm.order.line",
        string="Service Order Line",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The line of a service order that this invoice line bills.",
    )
    service_tax_labels = fields.Char(
        string="Taxes on the Document",
        compute="_compute_service_tax_labels",
        compute_sudo=True,
        help="Labels of the taxes, on issued service invoices as they were issued.",
    )
    service_discount_amount = fields.Monetary(
        string="Discount Amount",
        currency_field="currency_id",
        compute="_compute_service_discount_amount",
        store=True,
        readonly=False,
        precompute=True,
        help="Amount off the whole line, after the discount in percent. On a credit "
        "note it follows the share of the invoice line that is credited.",
    )
    is_service_discount = fields.Boolean(
        string="Discount on the Whole",
        readonly=True,
        copy=False,
        help="Part of the discount on the whole invoice. It follows from the discount "
        "and the other lines.",
    )
    service_discount_order_id = fields.Many2one(
        "fsm.order",
        string="Discounted Service Order",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The service order whose lines a discount on the whole invoice lowers.",
    )
    service_heading_order_id = fields.Many2one(
        "fsm.order",
        string="Headed Service Order",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The service order whose lines this section heads, on an invoice of "
        "several orders.",
    )
    service_origin_line_id = fields.Many2one(
        "account.move.line",
        string="Credited Line",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The invoice line that this one credits, or bills anew.",
    )
    service_copy_line_ids = fields.One2many(
        "account.move.line",
        "service_origin_line_id",
        string="Crediting Lines",
        readonly=True,
        copy=False,
    )

    @api.depends("tax_ids", "parent_state")
    def _compute_service_tax_labels(self):
        for move, lines in self.grouped("move_id").items():
            labels = (move.service_snapshot_ids.values or {}).get("taxes", {})
            for line in lines:
                line.service_tax_labels = ", ".join(
                    labels.get(str(tax.id), tax.tax_label) or ""
                    for tax in line.tax_ids._origin
                )

    @api.depends("service_discount_amount", "extra_tax_data")
    def _compute_totals(self):
        return super()._compute_totals()

    # ------------------------------------------------------------------
    # Discount by amount
    # ------------------------------------------------------------------

    def _auto_init(self):
        # present lines have none: to compute that one by one would take long
        if not column_exists(self.env.cr, self._table, "service_discount_amount"):
            create_column(
                self.env.cr, self._table, "service_discount_amount", "numeric"
            )
        return super()._auto_init()

    @api.depends("price_unit", "quantity", "discount", "service_origin_line_id")
    def _compute_service_discount_amount(self):
        for line in self:
            line.service_discount_amount = (
                line._get_credited_discount_amount()
                if line._is_credit_of_discount()
                else line.service_discount_amount
            )

    def _is_credit_of_discount(self):
        """Whether the line (one record) of a draft credit note credits an invoice line
        with a discount by amount (bool)."""
        move, origin = self.move_id, self.service_origin_line_id
        return bool(
            origin.service_discount_amount
            and move.state == "draft"
            and move.move_type == "out_refund"
            and move.reversed_entry_id == origin.move_id
        )

    def _get_credited_discount_amount(self):
        """Discount by amount (float) that goes with what one line credits.

        Reckoned on all that is credited so far, so that the last of several credit
        notes gives back the cents that the others left.
        """
        origin = self.service_origin_line_id
        earlier = origin.service_copy_line_ids.filtered(
            lambda line: (
                line.parent_state == "posted" and line.move_id.move_type == "out_refund"
            )
        )
        gross = self._get_amount_before_discount_amount()
        credited = gross + sum(
            line._get_amount_before_discount_amount() for line in earlier
        )
        share = min(credited / origin._get_amount_before_discount_amount(), 1.0)
        amount = self.currency_id.round(origin.service_discount_amount * share)
        amount -= sum(earlier.mapped("service_discount_amount"))
        return min(max(amount, 0.0), max(self.currency_id.round(gross), 0.0))

    def _get_amount_before_discount_amount(self):
        """Price of the whole line (float) after its discount in percent only."""
        return self.price_unit * self.quantity * (1 - self.discount / 100.0)

    @api.model
    def _apply_discount_amount(self, base_line, amount):
        """Take an amount off a base line of ``account.tax``, exactly.

        A percentage has too few decimals for it. The price of one unit falls
        instead, so that taxes by quantity stay what they are.

        :param dict base_line: changed in place
        :param float amount: off the whole line, in the base line's currency
        """
        if amount and base_line["quantity"]:
            base_line["price_unit"] *= 1 - base_line["discount"] / 100.0
            base_line["price_unit"] -= amount / base_line["quantity"]
            base_line["discount"] = 0.0

    def _get_section_lines(self):
        # on an invoice of several orders, an order's section ends with the order
        lines = super()._get_section_lines()
        section = self.sudo()
        if len(section.move_id._get_service_order_links()) < 2:
            return lines
        order = section.service_heading_order_id or section._get_service_orders()
        return lines.filtered(lambda line: line._get_service_orders() == order)

    def _get_child_lines(self):
        # what a section prints of its lines: as issued
        snapshot = self.sudo().move_id.service_snapshot_ids
        if not snapshot:
            return super()._get_child_lines()
        with snapshot._records_as_issued():
            children = super()._get_child_lines()
        for child in children:
            if child.get("line_uom"):
                unit = snapshot._get_kept_unit(child["line_uom"])
                child |= {"line_uom": unit, "product_uom": unit}
        return children

    @api.constrains("service_discount_amount", "price_unit", "quantity", "discount")
    def _check_service_discount_amount(self):
        for line in self.filtered("service_discount_amount"):
            gross = line._get_amount_before_discount_amount()
            limit = line.currency_id.round(gross)
            if not 0 <= line.service_discount_amount <= limit:
                raise ValidationError(
                    self.env._(
                        "“%(line)s”: the discount has to be between 0 and %(limit)s.",
                        line=line.name,
                        limit=line.currency_id.format(limit),
                    )
                )

    def _copy_data_extend_business_fields(self, values):
        res = super()._copy_data_extend_business_fields(values)
        values["fsm_order_line_id"] = self.fsm_order_line_id.id
        values["service_origin_line_id"] = self.id
        values["is_service_discount"] = self.is_service_discount
        values["service_discount_order_id"] = self.service_discount_order_id.id
        values["service_heading_order_id"] = self.service_heading_order_id.id
        return res

    # ------------------------------------------------------------------
    # Discount on the whole invoice
    # ------------------------------------------------------------------

    def _get_service_orders(self):
        """Service orders (`fsm.order`, superuser mode) that these lines bill, or that
        they give a discount on."""
        lines = self.sudo()
        return lines.fsm_order_line_id.order_id | lines.service_discount_order_id

    def _compute_parent_id(self):
        res = super()._compute_parent_id()
        # what is taken off the whole counts in no section, nor is it folded with one
        self.filtered("is_service_discount").parent_id = False
        return res

    def _is_plain_heading(self):
        """Whether the line (one record) heads the lines of a service order and no more
        (bool): the document has its own heading of each order, with more in it."""
        self.ensure_one()
        return bool(self.service_heading_order_id) and not (
            self.collapse_composition or self.collapse_prices
        )

    def _get_service_discount_key(self):
        """What tells one discount line from the others of its invoice (tuple)."""
        self.ensure_one()
        order = self.sudo().service_discount_order_id
        return order, self.account_id, frozenset(self.tax_ids)

    def _update_service_discount(self, values):
        """Write those of ``values`` (dict) that one discount line does not have yet."""
        self.ensure_one()
        changes = {
            name: value
            for name, value in values.items()
            if self._fields[name].convert_to_write(self[name], self) != value
        }
        if changes:
            self.write(changes)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_service_discount(self):
        """As Odoo has it for taxes: what follows from other fields is changed there."""
        if self.env.context.get("dynamic_unlink"):
            return
        for line in self.filtered("is_service_discount"):
            if line.move_id.service_discount_type != "none":
                raise UserError(
                    self.env._(
                        "“%(line)s” is the discount on the whole of %(document)s. "
                        "Change that discount, or set it to “None”, instead of "
                        "deleting its lines.",
                        line=line.name,
                        document=line.move_id.display_name,
                    )
                )

    @api.model
    def _get_issued_fields(self):
        """Names (set) of the fields that lines of an issued service invoice keep: hook
        for more.

        Free are, as in Odoo: the due date, reconciliation, follow-up, and analytic.
        """
        return {
            "move_id",
            "move_name",
            "parent_state",
            "journal_id",
            "company_id",
            "company_currency_id",
            "date",
            "invoice_date",
            "ref",
            "sequence",
            "name",
            "display_type",
            "collapse_composition",
            "collapse_prices",
            "product_id",
            "product_uom_id",
            "quantity",
            "price_unit",
            "discount",
            "service_discount_amount",
            "deductible_amount",
            "is_service_discount",
            "service_discount_order_id",
            "service_heading_order_id",
            "service_origin_line_id",
            "extra_tax_data",
            "tax_ids",
            "account_id",
            "partner_id",
            "currency_id",
            "amount_currency",
            "balance",
            "debit",
            "credit",
            "is_storno",
            "amount_residual",
            "amount_residual_currency",
            "reconciled",
            "price_subtotal",
            "price_total",
            "tax_line_id",
            "group_tax_id",
            "tax_group_id",
            "tax_repartition_line_id",
            "tax_tag_ids",
            "tax_base_amount",
            "discount_date",
            "discount_amount_currency",
            "discount_balance",
            "payment_id",
            "statement_id",
            "statement_line_id",
            "reconcile_model_id",
            "is_imported",
            "fsm_order_line_id",
        }

    def _ensure_order_is_claimed(self):
        """Refuse lines that bill an order on a document that does not claim it, nor
        reverses or replaces one that does.

        Superuser mode is exempt: the addon creates lines before the claim.

        :raise UserError: names line, document and order, and the way out
        """
        if self.env.su:
            return
        for line in self.sudo().filtered("fsm_order_line_id"):
            order = line.fsm_order_line_id.order_id
            if order not in line.move_id._get_claimed_orders():
                raise UserError(
                    self.env._(
                        "“%(line)s” of %(document)s can not bill service order "
                        "%(order)s, which is not on that document. Use Create Invoice "
                        "on the order.",
                        line=line.name,
                        document=line.move_id.display_name,
                        order=order.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._ensure_order_is_claimed()
        lines.move_id._ensure_not_issued()
        return lines

    def write(self, vals):
        names = vals.keys() & self._get_issued_fields()
        if self.env["account.move"]._is_following_parent():
            names -= {"partner_id"}
        if names:
            self.filtered(
                lambda line: line.move_id._will_change(line, vals, names)
            ).move_id._ensure_not_issued()
        if any(
            line.move_id.id != vals.get("move_id", line.move_id.id) for line in self
        ):
            self.env["account.move"].browse(vals["move_id"])._ensure_not_issued()
        res = super().write(vals)
        if vals.keys() & {"fsm_order_line_id", "move_id"}:
            self._ensure_order_is_claimed()
        return res

    def unlink(self):
        self.move_id._ensure_not_issued()
        return super().unlink()
