# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..progress import get_excess


class FsmOrderLine(models.Model):
    """On an order with progress billing: an item of the schedule of values."""

    _inherit = "fsm.order.line"

    change_line_ids = fields.One2many(
        "fsm.change.order.line",
        "order_line_id",
        string="Change Order Lines",
        copy=False,
    )
    change_amount = fields.Monetary(
        string="Changes",
        compute="_compute_change_amount",
        store=True,
        help="Untaxed amount that approved change orders add to the line.",
    )
    amount_billed = fields.Monetary(
        string="Billed",
        compute="_compute_progress",
        compute_sudo=True,
        help="Untaxed amount on progress draws, less posted credit notes.",
    )
    amount_stored = fields.Monetary(
        string="Stored",
        compute="_compute_progress",
        compute_sudo=True,
        help="What is billed of it for materials that are stored and not installed.",
    )
    percent_billed = fields.Float(
        string="Billed (%)", compute="_compute_progress", compute_sudo=True
    )

    @api.depends("change_line_ids.amount", "change_line_ids.state")
    def _compute_change_amount(self):
        for line in self:
            approved = line.change_line_ids.filtered(
                lambda change: change.state == "approved"
            )
            line.change_amount = sum(approved.mapped("amount"))

    @api.depends(
        "price_subtotal",
        "invoice_line_ids.price_subtotal",
        "invoice_line_ids.progress_stored",
        "invoice_line_ids.parent_state",
    )
    def _compute_progress(self):
        for line in self:
            line.amount_billed = line._get_amount_billed()
            line.amount_stored = line._get_amount_stored()
            line.percent_billed = (
                100 * line.amount_billed / line.price_subtotal
                if line.price_subtotal
                else 0.0
            )

    def _get_draw_lines(self):
        """Lines (`account.move.line`, superuser mode) of the draws that bill one item,
        drafts too, and of their posted credit notes; none of draws that were cancelled
        or credited in full."""
        self.ensure_one()
        line = self.sudo()._origin
        # read together with those of the other items at hand
        prefetch_ids = line.invoice_line_ids._prefetch_ids
        lines = line.invoice_line_ids._get_counted().with_prefetch(prefetch_ids)
        drawn = lines.filtered(
            lambda aml: (
                aml.progress_type == "work"
                and line.order_id._is_billed_by(
                    aml.move_id
                    if aml.move_type == "out_invoice"
                    else aml.move_id.reversed_entry_id
                )
            )
        )
        return drawn.with_prefetch(prefetch_ids)

    def _get_amount_billed(self, without=None):
        """Untaxed amount (float, order currency) that draws bill of one item.

        :param without: draft `account.move` that is not counted, because it is edited
        """
        return sum(
            aml._get_signed(aml.price_subtotal)
            for aml in self._get_draw_lines()
            if aml.move_id != without
        )

    def _get_overbilled_messages(self):
        """What to say (list of str) of those of these items that are billed above their
        scheduled value, which a change order reduced."""
        messages = []
        for line in self:
            billed = line._get_amount_billed()
            excess = get_excess(
                line.order_id._to_decimal(billed),
                line.order_id._to_decimal(line.price_subtotal),
            )
            if excess:
                messages.append(
                    self.env._(
                        "“%(line)s” is billed %(billed)s, %(excess)s above its new "
                        "scheduled value of %(scheduled)s: credit it by the next draw.",
                        line=line.name,
                        billed=line.currency_id.format(billed),
                        excess=line.currency_id.format(float(excess)),
                        scheduled=line.currency_id.format(line.price_subtotal),
                    )
                )
        return messages

    def _get_amount_stored(self, without=None):
        """Value (float, order currency) of the materials that the last draw bills as
        stored and not installed.

        :param without: see :meth:`_get_amount_billed`
        """
        drawn = self._get_draw_lines()
        lines = drawn.filtered(
            lambda aml: aml.move_type == "out_invoice" and aml.move_id != without
        )
        last = lines.sorted(lambda aml: aml.move_id.service_order_link_ids.number)[-1:]
        return last.with_prefetch(drawn._prefetch_ids)._get_stored()

    def _prepare_base_line_for_taxes_computation(self, **kwargs):
        base_line = super()._prepare_base_line_for_taxes_computation(**kwargs)
        if self.change_amount:
            # an agreed amount before taxes, of which taxes that are included in the
            # price take nothing
            base_line |= {
                "price_unit": self._get_original_amount(base_line) + self.change_amount,
                "quantity": 1.0,
                "discount": 0.0,
                "special_mode": "total_excluded",
            }
        return base_line

    def _get_original_amount(self, base_line):
        """Untaxed amount (float) of the item before change orders.

        :param dict base_line: of the item without them
        """
        AccountTax = self.env["account.tax"]
        company = self.company_id or self.env.company
        original = {**base_line}
        AccountTax._add_tax_details_in_base_line(original, company)
        AccountTax._round_base_lines_tax_details([original], company)
        return original["tax_details"]["total_excluded_currency"]

    @api.depends("change_amount")
    def _compute_amount(self):
        return super()._compute_amount()

    def _get_price_with_taxes(self, amount, taxes=None):
        """Price (float, not rounded) of an invoice line whose untaxed amount is exactly
        ``amount``: with those taxes that are included in prices.

        :param float amount: untaxed, in the order's currency
        :param taxes: `account.tax`, those of the item unless given
        """
        self.ensure_one()
        taxes = self.tax_ids if taxes is None else taxes
        return self.order_id._get_price_with_taxes(amount, taxes)

    def _get_quantity_by_taxes(self):
        """Taxes (`account.tax`) of the item that go by quantity, not by price: what is
        billed in portions has no quantity."""
        taxes = self.tax_ids._flatten_taxes_and_sort_them()[0]
        return taxes.filtered(lambda tax: tax.amount_type in ("fixed", "code"))

    # ------------------------------------------------------------------
    # What order lines are on an order with progress billing
    # ------------------------------------------------------------------

    def _get_qty_invoiced(self):
        if self.order_id.billing_method != "progress":
            return super()._get_qty_invoiced()
        billed = self._get_amount_billed()
        if not self.price_subtotal:
            return 0.0
        return self.quantity * billed / self.price_subtotal

    def _get_qty_to_credit(self):
        # what a reduced contract leaves too much is credited by a draw
        if self.order_id.billing_method == "progress":
            return 0.0
        return super()._get_qty_to_credit()

    def _get_free_lines(self):
        """Those of these lines whose price and taxes may follow product and order: not
        the items of a fixed contract."""
        return self.filtered(
            lambda line: not line._origin or not line.order_id._is_contract_fixed()
        )

    def _compute_price_unit(self):
        return super(FsmOrderLine, self._get_free_lines())._compute_price_unit()

    def _compute_tax_ids(self):
        return super(FsmOrderLine, self._get_free_lines())._compute_tax_ids()

    def _ensure_order_can_change(self):
        res = super()._ensure_order_can_change()
        if not self.env.su:
            self._ensure_contract_can_change()
        return res

    def _ensure_contract_can_change(self):
        """Refuse to change the schedule of values of contracts that are being billed.

        :raise UserError: names the order and the way out
        """
        for order in self.filtered(lambda line: not line.display_type).order_id:
            if order._is_contract_fixed():
                raise UserError(
                    self.env._(
                        "The contract of service order %(order)s is being billed: its "
                        "lines are fixed prices now. Enter a change order to add to "
                        "it or reduce it.",
                        order=order.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._exclude_from_contract()
        return lines

    def write(self, vals):
        if "change_amount" in vals and not self.env.su:
            raise UserError(
                self.env._(
                    "What changes “%(line)s” of service order %(order)s follows from "
                    "approved change orders: enter one.",
                    line=self[:1].name,
                    order=self[:1].order_id.name,
                )
            )
        res = super().write(vals)
        if "display_type" in vals and not self.env.su:
            # a section that became an item
            self._ensure_contract_can_change()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_changed(self):
        for line in self:
            if changes := line.change_line_ids.change_order_id:
                raise UserError(
                    self.env._(
                        "“%(line)s” of service order %(order)s is an item of "
                        "%(changes)s and can not be deleted. Take it off the drafts "
                        "among them first; what is approved stays.",
                        line=line.name,
                        order=line.order_id.name,
                        changes=", ".join(changes.mapped("name")),
                    )
                )

    def _exclude_from_contract(self):
        """Have parts and hours that come by themselves cost the contract nothing: its
        items are fixed prices, whatever the work takes."""
        sourced = self.filtered(
            lambda line: (
                line.source_key
                and line.is_billable
                and line.order_id.billing_method == "progress"
            )
        )
        sourced.sudo().non_billable_reason = "contract"
