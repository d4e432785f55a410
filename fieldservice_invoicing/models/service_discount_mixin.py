# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from contextlib import contextmanager

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import clean_context
from odoo.tools.misc import get_lang
from odoo.tools.sql import column_exists, create_column


class ServiceDiscountMixin(models.AbstractModel):
    """What `account.move` needs for a discount on a whole service invoice.

    The discount is on the invoice as ordinary, negative lines, one for each
    combination of taxes, income account and service order. They follow from type,
    value and the other lines, as taxes and cash rounding do.
    """

    _name = "service.discount.mixin"
    _description = "Discount on a Whole Service Invoice"

    service_discount_type = fields.Selection(
        [("none", "None"), ("percent", "%"), ("amount", "Amount")],
        string="Discount Type",
        default="none",
        required=True,
        copy=False,
        help="Discount on the whole invoice, after the discounts of its lines.",
    )
    service_discount_value = fields.Float(
        string="Discount on the Whole",
        min_display_digits="Discount",
        compute="_compute_service_discount_value",
        store=True,
        readonly=False,
        copy=False,
        help="A percentage, or an amount off the total with taxes. It is split over "
        "the tax rates. On a credit note an amount follows the share that is credited.",
    )

    @api.depends("invoice_line_ids.price_total")
    def _compute_service_discount_value(self):
        for move in self:
            move.service_discount_value = (
                move._get_credited_discount_value()
                if move._is_credit_of_service_discount()
                else move.service_discount_value
            )

    def _is_credit_of_service_discount(self):
        """Whether one draft credit note gives back part of an amount off the whole
        (bool)."""
        origin = self.reversed_entry_id
        return (
            self.state == "draft"
            and self.move_type == "out_refund"
            and self.service_discount_type == "amount"
            and origin.service_discount_type == "amount"
        )

    def _get_credited_discount_value(self):
        """Discount by amount (float) that goes with what one credit note credits.

        Reckoned on all that is credited so far, so that the last of several credit
        notes gives back the cents that the others left.
        """
        origin = self.reversed_entry_id
        earlier = self._get_earlier_credit_notes()
        billed = origin._get_total_before_service_discount()
        own = self._get_total_before_service_discount()
        credited = own + sum(
            move._get_total_before_service_discount() for move in earlier
        )
        share = min(credited / billed, 1.0) if billed else 0.0
        value = self.currency_id.round(origin.service_discount_value * share)
        value -= earlier._get_service_discount_amount()
        return min(max(value, 0.0), max(self.currency_id.round(own), 0.0))

    def _get_earlier_credit_notes(self):
        """Other credit notes (`account.move`), posted, for the invoice of one."""
        return self.reversed_entry_id.reversal_move_ids.filtered(
            lambda move: (
                move.state == "posted"
                and move.move_type == "out_refund"
                and move != self._origin
            )
        )

    def _get_service_discount_amount(self):
        """Sum (float) of the discounts by amount of these moves."""
        by_amount = self.filtered(lambda move: move.service_discount_type == "amount")
        return sum(by_amount.mapped("service_discount_value"))

    def _prepare_excess_discount(self):
        """Values (dict) of the discount on one credit note for what is billed too much.

        Where the order still gives an amount off the whole, what it no longer gives;
        else the share stays that goes with the lines.
        """
        invoice = self.reversed_entry_id
        order = invoice.service_order_link_ids.order_id
        if (
            not self._is_credit_of_service_discount()
            or len(order) != 1
            or order.discount_type != "amount"
        ):
            return {}
        credited = self._get_earlier_credit_notes()._get_service_discount_amount()
        value = invoice.service_discount_value - credited - order.discount_value
        limit = self.currency_id.round(self._get_total_before_service_discount())
        return {"service_discount_value": min(max(value, 0.0), limit)}

    def _get_total_before_service_discount(self):
        """Total (float) with taxes that the discount on one whole move lowers, not
        rounded: parts of an invoice add up to the whole."""
        base_lines = [
            self._prepare_product_base_line_for_taxes_computation(line)
            for line in self._get_service_discounted_lines()
        ]
        self._add_rounded_tax_details(base_lines)
        discountable = self.env["account.tax"]._prepare_discountable_base_lines(
            base_lines, self.company_id
        )
        return sum(
            base_line["tax_details"]["raw_total_included_currency"]
            for base_line in discountable
        )

    def _get_service_discounted_lines(self):
        """Lines (`account.move.line`) that the discount on one whole move lowers."""
        return self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and not line.is_service_discount
        )

    def _get_service_discount_lines(self):
        """Lines (`account.move.line`) that are the discount on these whole moves."""
        return self.invoice_line_ids.filtered("is_service_discount")

    def _auto_init(self):
        # present invoices have none: to compute that one by one would take long
        if self._auto and not column_exists(
            self.env.cr, self._table, "service_discount_value"
        ):
            create_column(self.env.cr, self._table, "service_discount_value", "numeric")
        return super()._auto_init()

    # ------------------------------------------------------------------
    # The discount lines follow the draft
    # ------------------------------------------------------------------

    @contextmanager
    def _sync_service_discount(self, container):
        """Bring the discount lines of drafts up to date once something they follow
        from has changed. Part of ``account.move._get_sync_stack``.

        :param dict container: ``records`` are the moves
        """
        before = {
            move: move._get_service_discount_basis() for move in container["records"]
        }
        yield
        container["records"].filtered(
            lambda move: (
                move.state == "draft"
                and before.get(move) != move._get_service_discount_basis()
            )
        )._update_service_discount_lines()

    def _get_service_discount_basis(self):
        """All that the discount lines of one move follow from, and they themselves
        (tuple); None without a discount."""
        if self.service_discount_type == "none":
            return None
        names = (
            "display_type",
            "price_unit",
            "quantity",
            "discount",
            "service_discount_amount",
            "tax_ids",
            "account_id",
            "analytic_distribution",
            "fsm_order_line_id",
            "is_service_discount",
            "service_discount_order_id",
            "extra_tax_data",
            "name",
        )
        return (
            self.service_discount_type,
            self.service_discount_value,
            self.currency_id,
            self.invoice_currency_rate,
            self.partner_id.lang,
            [(line, *(line[name] for name in names)) for line in self.invoice_line_ids],
        )

    def _update_service_discount_lines(self):
        """Make the discount lines of these drafts what they have to be.

        :raise ValidationError: the discount is more than what it is taken off
        """
        values_list = []
        gone = self._get_service_discount_lines()
        for move in self:
            wanted = move._get_wanted_service_discount_lines()
            for line in move._get_service_discount_lines():
                if values := wanted.pop(line._get_service_discount_key(), None):
                    line._update_service_discount(values)
                    gone -= line
            values_list += wanted.values()
        gone.with_context(dynamic_unlink=True).unlink()
        env = self.env(context=clean_context(self.env.context))
        env["account.move.line"].create(values_list)

    def _get_wanted_service_discount_lines(self):
        """Values of the discount lines (dict of dicts) of one draft, by what tells one
        from the others: see ``account.move.line._get_service_discount_key``.

        :raise ValidationError: the discount is more than what it is taken off
        """
        groups = self._get_service_discounted_base_lines()
        self._ensure_service_discount_in_limit(groups)
        return {
            (
                base_line["_service_order"],
                base_line["account_id"],
                frozenset(base_line["tax_ids"]),
            ): self._prepare_service_discount_line(base_line)
            for base_line in self._get_service_discount_base_lines(groups)
        }

    def _get_service_discount_base_lines(self, groups):
        """Base lines (list of dicts) of the discount on one whole move.

        :param groups: see :meth:`_get_service_discounted_base_lines`
        """
        return [
            base_line
            for key, base_lines in groups.items()
            for base_line in self.env["account.tax"]._prepare_service_discount_lines(
                base_lines,
                self.company_id,
                self.service_discount_type,
                self.service_discount_value,
                key,
            )
        ]

    def _get_service_discounted_base_lines(self):
        """Base lines with rounded tax details of what the discount of one move lowers,
        by what it is taken off: a percentage off each order of a consolidated invoice
        by itself, as it was announced there.

        :return: dict of computation keys (str) and lists of dicts
        """
        groups = defaultdict(list)
        if self.service_discount_type == "none":
            return groups
        orders = self._origin.sudo()._get_claimed_orders()
        for line in self._get_service_discounted_lines():
            # what was added by hand to the invoice of one order belongs to it
            order = orders if len(orders) == 1 else line._get_service_orders()
            base_line = self._prepare_product_base_line_for_taxes_computation(line)
            base_line["_service_order"] = order
            apart = order.id if self.service_discount_type == "percent" else ""
            groups[f"service_discount,{apart}"].append(base_line)
        for base_lines in groups.values():
            self._add_rounded_tax_details(base_lines)
        return groups

    def _add_rounded_tax_details(self, base_lines):
        """Compute the taxes of base lines (list of dicts) of one move by themselves."""
        AccountTax = self.env["account.tax"]
        AccountTax._add_tax_details_in_base_lines(base_lines, self.company_id)
        AccountTax._round_base_lines_tax_details(base_lines, self.company_id)

    def _preview_service_discount(self, base_lines):
        """Base lines of one move that is being edited: its discount lines follow when
        it is saved, its totals at once.

        :param base_lines: list of dicts, those of the discount lines among them
        :return: list of dicts
        """
        groups = self._get_service_discounted_base_lines()
        return [
            base_line
            for base_line in base_lines
            if base_line["special_type"] != "global_discount"
        ] + self._get_service_discount_base_lines(groups)

    def _prepare_service_discount_line(self, base_line):
        """Values (dict) of the discount line for one base line."""
        order = base_line["_service_order"]
        is_alone = order == self.sudo()._get_claimed_orders()
        lines = self._get_service_discounted_lines()
        if not is_alone:
            lines = lines.filtered(lambda line: line._get_service_orders() == order)
        return {
            "move_id": self.id,
            "display_type": "product",
            "is_service_discount": True,
            "service_discount_order_id": order.id,
            "name": self._get_service_discount_name(order if not is_alone else None),
            # after the lines of its order, before those of the next
            "sequence": max(lines.mapped("sequence")) + is_alone,
            "product_id": False,
            "account_id": base_line["account_id"].id,
            "analytic_distribution": base_line["analytic_distribution"] or False,
            "quantity": 1.0,
            # shown; the computation takes the exact price from the extra tax data
            "price_unit": self.currency_id.round(base_line["price_unit"]),
            "discount": 0.0,
            "service_discount_amount": 0.0,
            "tax_ids": [Command.set(base_line["tax_ids"].ids)],
            "extra_tax_data": self.env["account.tax"]._export_base_line_extra_tax_data(
                base_line
            ),
        }

    def _get_service_discount_name(self, order=None):
        """Description (str) of the discount lines, in the customer's language.

        :param order: `fsm.order` to name, on a consolidated invoice
        """
        env = self.with_context(lang=self.partner_id.lang or self.env.lang).env
        name = env._("Discount")
        if self.service_discount_type == "percent":
            name = env._("Discount %s %%", self._format_service_discount(env))
        return f"{name} ({order.name})" if order else name

    def _format_service_discount(self, env):
        """Percentage or amount (str) as the language of ``env`` writes it."""
        if self.service_discount_type == "amount":
            return self.currency_id.with_env(env).format(self.service_discount_value)
        text = f"{self.service_discount_value:.6f}".rstrip("0").rstrip(".")
        return text.replace(".", get_lang(env).decimal_point)

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.constrains("service_discount_type", "service_discount_value")
    def _check_service_discount(self):
        for move in self.filtered(lambda move: move.service_discount_type == "percent"):
            if not 0 <= move.service_discount_value <= 100:
                raise ValidationError(
                    self.env._(
                        "The discount on the whole of %(document)s has to be between 0 "
                        "and 100 %%.",
                        document=move.display_name,
                    )
                )

    def _ensure_service_discount_in_limit(self, groups):
        """Refuse to take more off one move than there is.

        :param groups: see :meth:`_get_service_discounted_base_lines`
        :raise ValidationError: names document, limit and the way out
        """
        if self.service_discount_type != "amount":
            return
        limit = sum(
            self.env["account.tax"]._get_discountable_total(base_lines, self.company_id)
            for base_lines in groups.values()
        )
        limit = max(limit, 0.0)
        currency, value = self.currency_id, self.service_discount_value
        if value < 0 or currency.compare_amounts(value, limit) > 0:
            raise ValidationError(
                self.env._(
                    "The discount on the whole of %(document)s (%(discount)s) has to "
                    "be between 0 and %(limit)s, what its lines come to with taxes. "
                    "Change the discount.",
                    document=self.display_name,
                    discount=currency.format(value),
                    limit=currency.format(limit),
                )
            )

    def _ensure_service_discount_can_change(self, vals):
        """Refuse a new discount for what is not a draft: its lines would not follow.

        :param dict vals: about to be written
        :raise UserError: names the document and the way out
        """
        for name in ("service_discount_type", "service_discount_value"):
            for move in self.filtered(lambda move: move.state != "draft"):
                if name in vals and vals[name] != move[name]:
                    raise UserError(
                        self.env._(
                            "The discount of %(document)s can change while it is a "
                            "draft only. Correct it by a credit note and a new "
                            "invoice.",
                            document=move.display_name,
                        )
                    )
