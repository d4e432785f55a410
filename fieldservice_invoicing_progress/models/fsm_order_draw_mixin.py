# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal
from typing import NamedTuple

from odoo import Command, models
from odoo.exceptions import UserError

from odoo.addons.fieldservice_invoicing.models.res_company import (
    GROUP_MANAGER,
    get_superuser_env,
)

from ..progress import get_excess, get_this_period


class DrawItem(NamedTuple):
    """What one draw says of one item (`fsm.order.line`) of the schedule of values;
    amounts are Decimal, untaxed, in the order's currency."""

    line: models.BaseModel
    scheduled: Decimal
    billed: Decimal
    completed: Decimal
    stored: Decimal
    stored_before: Decimal

    @property
    def completed_before(self):
        return self.billed - self.stored_before

    @property
    def this_period(self):
        return get_this_period(self.completed, self.stored, self.billed)

    @property
    def is_touched(self):
        return bool(self.this_period) or self.stored != self.stored_before


class CreditItem(NamedTuple):
    """What a draw that credits takes back of one item (`fsm.order.line`) on one earlier
    draw, and what is stored of it then; floats, untaxed, in the order's currency."""

    line: models.BaseModel
    amount: float
    stored: float


class FsmOrderDrawMixin(models.AbstractModel):
    """What `fsm.order` needs for progress draws: cumulative, each bills what is
    completed to date less what was billed before."""

    _name = "fsm.order.draw.mixin"
    _description = "Progress Draws of a Service Order"

    def _create_draw(
        self, completed, stored=None, retainage_percent=None, deposit=None
    ):
        """Create the draft invoice of the next draw of one order.

        When it comes to less than nothing, because the contract was reduced below what
        is billed, draft the credit notes for it instead.

        :param dict completed: for items (`fsm.order.line`) the untaxed amount (float)
            of the work completed to date; the others stay as they are
        :param dict stored: for items the untaxed amount (float) of the materials that
            are presently stored; the others stay as they are
        :param retainage_percent: percentage (float) to withhold, None for the order's
        :param deposit: amount (float, with taxes) of deposit to apply, None for as
            much as there is
        :return: `account.move` in superuser mode: one invoice, or credit notes
        :raise UserError: the draw can not be billed, with the reason
        :raise AccessError: the user may not create invoices from orders
        """
        self.ensure_one()
        self._ensure_can_be_drawn()
        self._lock_billing()
        items = self._get_draw_items(completed, stored)
        self._ensure_draw_in_contract(items)
        if sum(item.this_period for item in items) < 0:
            return self._create_credit_draw(items)
        order = self.with_company(self.company_id)
        percent = self._get_draw_retainage_percent(retainage_percent)
        base_lines = order._get_draw_base_lines(items, percent, deposit)
        return order._create_progress_invoice(
            "draw",
            order._prepare_draw_lines(items, base_lines),
            retainage_percent=percent,
        )

    def _update_draw(
        self, move, completed, stored=None, retainage_percent=None, deposit=None
    ):
        """Replace what the draft draw of one order bills: see :meth:`_create_draw`.

        Lines that someone added to the draft by hand stay.

        :param move: draft `account.move` of the last draw
        """
        self.ensure_one()
        self._ensure_contract_can_be_drawn()
        self._ensure_is_draft_draw(move)
        self._lock_billing()
        items = self._get_draw_items(completed, stored, without=move)
        self._ensure_draw_in_contract(items, without=move)
        order = self.with_company(self.company_id)
        percent = self._get_draw_retainage_percent(retainage_percent)
        base_lines = order._get_draw_base_lines(items, percent, deposit, without=move)
        lines = order._prepare_draw_lines(items, base_lines)
        draft = move.with_env(get_superuser_env(self.env))
        draft.service_order_link_ids.retainage_percent = percent
        old = draft.invoice_line_ids.filtered(
            lambda line: line.progress_order_id or line.fsm_order_line_id
        )
        draft.write(
            {
                "invoice_line_ids": [
                    *(Command.delete(line.id) for line in old),
                    *(Command.create(line) for line in lines),
                ]
            }
        )
        draft._check_service_invoice_total()
        draft._message_log(body=self.env._("Draw changed."))
        return draft

    def _ensure_is_draft_draw(self, move):
        """Refuse to edit what is not the last draw of one order, in draft.

        :raise UserError: names the order, the invoice and the way out
        """
        last = self._get_draws()[-1:]
        if last.move_id != move or move.state != "draft":
            raise UserError(
                self.env._(
                    "%(invoice)s is not the last draw of service order %(order)s in "
                    "draft. Cancel it by a credit note and bill the draw anew.",
                    invoice=move.display_name,
                    order=self.name,
                )
            )

    # ------------------------------------------------------------------
    # Refusals
    # ------------------------------------------------------------------

    def _ensure_can_be_drawn(self):
        """Refuse orders of which no new draw can be billed.

        :raise UserError: names the order, the reason and the way out
        :raise AccessError: the user may not create invoices from orders
        """
        self._ensure_contract_can_be_drawn()
        for order in self:
            if refusal := order._get_draw_refusal():
                raise UserError(refusal)

    def _ensure_contract_can_be_drawn(self):
        """Refuse orders that are not billed by draws, or whose schedule of values can
        not be: see :meth:`_ensure_can_be_drawn`."""
        self._ensure_contract_can_be_billed()
        self._ensure_progress_billing()
        self._update_amounts()
        for order in self:
            if refusal := order._get_schedule_refusal():
                raise UserError(refusal)

    def _get_draw_refusal(self):
        """Why no new draw of one order can be billed (str or False): hook for more
        reasons."""
        self.ensure_one()
        draws = self._get_draws()
        if draws[-1:].move_id.state == "draft":
            return self.env._(
                "Draw %(number)s of service order %(order)s is still a draft. Change "
                "or post that one first.",
                number=draws[-1].number,
                order=self.name,
            )
        if draws and self._is_billed_in_full():
            return self.env._(
                "The contract of service order %(order)s (%(contract)s) is billed in "
                "full. Enter a change order for what comes on top of it.",
                order=self.name,
                contract=self.currency_id.format(self.contract_revised),
            )
        return draws.move_id._get_draft_draw_credit_refusal() or (
            bool(self.closeout_blocking) and self._get_closeout_refusal()
        )

    def _get_schedule_refusal(self):
        """Why the schedule of values of one order can not be billed in portions (str or
        False)."""
        lines = self._get_schedule_lines()
        if not lines:
            return self._get_nothing_billable_message()
        for line in lines:
            if taxes := line._get_quantity_by_taxes():
                return self.env._(
                    "“%(line)s” of service order %(order)s has the tax %(tax)s, which "
                    "goes by quantity and can not be billed in portions. Bill it on an "
                    "order of its own.",
                    line=line.name,
                    order=self.name,
                    tax=", ".join(taxes.mapped("name")),
                )
        return False

    def _ensure_draw_in_contract(self, items, without=None):
        """Refuse a draw that bills more than the contract, or nothing.

        :param items: list of :class:`DrawItem`
        :param without: draft draw that is edited
        :raise UserError: names item and order, by how much, and the way out
        """
        for item in items:
            self._ensure_item_in_contract(item)
        if not any(item.is_touched for item in items):
            raise UserError(
                self.env._(
                    "There is nothing to bill on draw %(number)s of service order "
                    "%(order)s: say what was completed since the last one.",
                    number=len(self._get_draws()) + 1,
                    order=self.name,
                )
            )

    def _ensure_item_in_contract(self, item):
        """Refuse to bill more of one item than its scheduled value.

        :param item: :class:`DrawItem`
        :raise UserError: names item and order, by how much, and the way out
        """
        excess = get_excess(item.completed + item.stored, item.scheduled)
        if not excess and item.stored * item.scheduled >= 0:
            return
        currency = self.currency_id
        raise UserError(
            self.env._(
                "“%(line)s” of service order %(order)s would be billed %(amount)s to "
                "date, %(excess)s beyond its scheduled value of %(scheduled)s. Lower "
                "it, or enter a change order.",
                line=item.line.name,
                order=self.name,
                amount=currency.format(float(item.completed + item.stored)),
                excess=currency.format(float(excess)),
                scheduled=currency.format(float(item.scheduled)),
            )
        )

    # ------------------------------------------------------------------
    # What a draw says
    # ------------------------------------------------------------------

    def _get_draw_items(self, completed, stored=None, without=None):
        """What a draw of one order says of each item of its schedule of values.

        :param completed, stored: see :meth:`_create_draw`
        :param without: draft draw that is edited
        :return: list of :class:`DrawItem`, in the order of the lines
        :raise UserError: a line is not of the schedule
        """
        self.ensure_one()
        stored = stored or {}
        lines = self._get_schedule_lines().sorted()
        for line in {*completed, *stored}:
            if line not in lines:
                raise UserError(
                    self.env._(
                        "“%(line)s” is not an item of the contract of service order "
                        "%(order)s.",
                        line=line.display_name,
                        order=self.name,
                    )
                )
        items = []
        for line in lines:
            billed = self._to_decimal(line._get_amount_billed(without))
            before = self._to_decimal(line._get_amount_stored(without))
            held = self._to_decimal(stored[line]) if line in stored else before
            items.append(
                DrawItem(
                    line=line,
                    scheduled=self._to_decimal(line.price_subtotal),
                    billed=billed,
                    completed=self._to_decimal(completed[line])
                    if line in completed
                    else billed - before,
                    stored=held,
                    stored_before=before,
                )
            )
        return items

    def _get_draw_base_lines(self, items, percent, deposit=None, without=None):
        """Base lines with rounded tax details of a draw of one order, as the invoice
        will have them; the dialog announces them.

        :param items: list of :class:`DrawItem`
        :param float percent: to withhold
        :param deposit: see :meth:`_create_draw`
        :param without: draft draw that is edited
        :return: list of dicts of ``account.tax``; ``_progress_type`` says what each is,
            None for an early payment discount
        """
        self.ensure_one()
        work = [self._prepare_work_base_line(item) for item in items if item.is_touched]
        base_lines = work + self._get_withheld_base_lines(items, percent, without)
        total = self._get_total_before_deposit(base_lines)
        amount = self._get_deposit_to_apply(total, deposit, without)
        for base_line in self._get_applied_base_lines(amount, without):
            base_lines.append({**base_line, "_progress_type": "deposit"})
        self._get_rounded_total(base_lines)
        return base_lines + self._get_early_payment_lines_of_draw(base_lines)

    def _get_total_before_deposit(self, base_lines):
        """Total (float) with taxes of an invoice of these base lines, less what an
        early payment discount takes off its taxes."""
        total = self._get_exact_total(base_lines)
        early = self._get_early_payment_lines_of_draw(base_lines)
        return self._get_rounded_total(base_lines + early) if early else total

    def _get_early_payment_lines_of_draw(self, base_lines):
        """Base lines (list of dicts) of the early payment discount on a draw, rounded
        together with the others."""
        early = self._get_early_payment_base_lines(base_lines)
        for base_line in early:
            base_line["_progress_type"] = None
        if early:
            self._get_rounded_total(base_lines + early)
        return early

    def _get_rounded_total(self, base_lines):
        """Total (float) with taxes of base lines, whose tax details are computed and
        rounded together, as those of one invoice."""
        AccountTax = self.env["account.tax"]
        AccountTax._add_tax_details_in_base_lines(base_lines, self.company_id)
        AccountTax._round_base_lines_tax_details(base_lines, self.company_id)
        return self._get_tax_totals(base_lines)["total_amount_currency"]

    def _get_exact_total(self, base_lines):
        """:meth:`_get_rounded_total` of base lines whose untaxed amounts (float, in
        ``_untaxed``) are kept to the cent.

        Taxes that are included in prices are rounded for the whole invoice, and what
        is left of the prices then may be a cent off.
        """
        total = self._get_rounded_total(base_lines)
        included = [
            base_line
            for base_line in base_lines
            if any(
                tax_data["price_include"]
                for tax_data in base_line["tax_details"]["taxes_data"]
            )
        ]
        if not included:
            return total
        self.env["account.tax"]._fix_base_lines_tax_details_on_manual_tax_amounts(
            included, self.company_id
        )
        for base_line in included:
            base_line |= {
                "manual_total_excluded_currency": base_line["_untaxed"],
                "manual_total_excluded": None,
            }
        return self._get_rounded_total(base_lines)

    def _prepare_work_base_line(self, item):
        """Base line (dict) that bills what was completed of one item this period.

        It has no product that is stocked: its cost of goods sold would be posted for a
        whole one each time.
        """
        line = item.line
        product = line.product_id
        base_line = self._prepare_progress_base_line(
            line._get_price_with_taxes(float(item.this_period)),
            line.tax_ids,
            product_id=product if product.type == "service" else product.browse(),
            account_id=line._get_income_account(),
        )
        return {
            **base_line,
            "record": line,
            "_progress_type": "work",
            "_item": item,
            "_untaxed": float(item.this_period),
        }

    def _prepare_draw_lines(self, items, base_lines):
        """Values (list of dicts) of the invoice lines of a draw.

        :param items: list of :class:`DrawItem`
        :param base_lines: see :meth:`_get_draw_base_lines`
        """
        work = {
            line["record"]: line
            for line in base_lines
            if line["_progress_type"] == "work"
        }
        withheld = [
            line for line in base_lines if line["_progress_type"] == "retainage"
        ]
        applied = [line for line in base_lines if line["_progress_type"] == "deposit"]
        return [
            *self._prepare_work_lines(work),
            *self._prepare_retainage_lines(withheld),
            *self._prepare_applied_lines(applied),
        ]

    def _prepare_work_lines(self, work):
        """Values (list of dicts) of the invoice lines for the items of a draw, those of
        a phase below the section that names it.

        :param work: dict of base lines by `fsm.order.line`
        """
        values, section = [], None
        for line in self.line_ids.sorted():
            if line.display_type == "line_section":
                section = line
            elif line in work:
                if section:
                    values.append(section._prepare_invoice_line())
                    section = None
                values.append(self._prepare_work_line(work[line]))
        return values

    def _prepare_work_line(self, base_line):
        """Values (dict) of the invoice line for one item of a draw."""
        line = base_line["record"].with_context(
            lang=self._get_bill_to_lang() or self.env.lang
        )
        return {
            **self._prepare_progress_line(base_line, "work"),
            "fsm_order_line_id": line.id,
            "name": line.name,
            "sequence": line.sequence,
            "progress_stored": float(base_line["_item"].stored),
        }

    # ------------------------------------------------------------------
    # A draw that credits
    # ------------------------------------------------------------------

    def _create_credit_draw(self, items):
        """Draft the credit notes for what is billed above a contract that was reduced:
        each corrects a draw, from the last one back.

        :param items: list of :class:`DrawItem` that come to less than nothing
        :return: `account.move` in superuser mode
        :raise UserError: an item would be billed at the same time
        :raise AccessError: the user may not credit service invoices
        """
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        if more := next((item for item in items if item.this_period > 0), None):
            raise UserError(
                self.env._(
                    "This draw of service order %(order)s comes to a credit: leave "
                    "“%(line)s” as it is, and bill it by the next draw.",
                    order=self.name,
                    line=more.line.name,
                )
            )
        order = self.with_env(get_superuser_env(self.env))
        credit_notes = order.env["account.move"]
        for draw, credited in order._get_credited_draws(items).items():
            held = order.retainage_held - order._get_retainage_on(credit_notes)
            credit_notes += order._credit_draw(draw, credited, held)
        return credit_notes

    def _get_credited_draws(self, items):
        """Which draws of one order are credited, from the last one back.

        :param items: see :meth:`_create_credit_draw`
        :return: dict of draws (`fsm.order.invoice`) and list of :class:`CreditItem`
        :raise UserError: draws do not bill so much of an item
        """
        to_credit = {item.line: -float(item.this_period) for item in items}
        # the last draw with an item is what says how much of it is stored
        restated = {item.line for item in items if item.stored != item.stored_before}
        stored = {item.line: float(item.stored) for item in items}
        result = {}
        for draw in self._get_draws()[::-1]:
            credited = []
            for line, billed in draw._get_billed_by_item().items():
                amount = max(min(billed, to_credit[line]), 0.0)
                if amount or line in restated:
                    credited.append(CreditItem(line, amount, stored[line]))
                    to_credit[line] = self.currency_id.round(to_credit[line] - amount)
                    restated.discard(line)
            if credited:
                result[draw] = credited
        for line, amount in to_credit.items():
            if not self.currency_id.is_zero(amount):
                self._refuse_uncredited(line, amount)
        return result

    def _refuse_uncredited(self, line, amount):
        """Refuse a draw that comes to a credit of what no draw has billed, as of an
        item that takes something off the contract.

        :param line: `fsm.order.line`
        :param float amount: that would be credited
        :raise UserError: names item, order and amount, and the way out
        """
        raise UserError(
            self.env._(
                "%(amount)s of “%(line)s” of service order %(order)s can not be "
                "credited: no draw bills so much of it. Bill it together with other "
                "items, or take it off the contract by a change order.",
                amount=self.currency_id.format(amount),
                line=line.name,
                order=self.name,
            )
        )

    def _credit_draw(self, draw, credited, held):
        """Draft credit note (`account.move`) for a part of one draw.

        :param draw: `fsm.order.invoice`
        :param credited: list of :class:`CreditItem`
        :param float held: untaxed retainage of all draws that can be given back
        """
        invoice = draw.move_id
        values = invoice._prepare_cancelling_credit_note(self.env._("reduced contract"))
        credit_note = invoice._reverse_moves([values])
        by_line = {item.line: item for item in credited}
        base_lines, stored = {}, {}
        for line in credit_note.invoice_line_ids:
            item = by_line.get(line.fsm_order_line_id)
            if line.progress_type == "work" and item:
                base_lines[line] = self._prepare_credited_base_line(line, item.amount)
                stored[line] = {"progress_stored": item.stored}
        work = sum(item.amount for item in credited)
        base_lines |= self._get_credited_retainage(draw, credit_note, work, held)
        self._get_exact_total([*base_lines.values()])
        credit_note.write(
            {
                "invoice_line_ids": [
                    Command.update(
                        line.id,
                        {
                            **self._prepare_credited_line(base_lines[line]),
                            **stored.get(line, {}),
                        },
                    )
                    if line in base_lines
                    else Command.delete(line.id)
                    for line in credit_note.invoice_line_ids
                ]
            }
        )
        return credit_note

    def _prepare_credited_base_line(self, line, amount):
        """Base line (dict) of one line of a credit note that credits a part.

        :param line: copy (`account.move.line`) of that of the draw
        :param float amount: untaxed, negative for what is given back
        """
        base_line = self._prepare_progress_base_line(
            self._get_price_with_taxes(abs(amount), line.tax_ids),
            line.tax_ids,
            quantity=-1.0 if amount < 0 else 1.0,
        )
        return {**base_line, "_untaxed": amount}

    def _prepare_credited_line(self, base_line):
        """Values (dict) of the line of a credit note for one base line."""
        AccountTax = self.env["account.tax"]
        return {
            "price_unit": base_line["price_unit"],
            "quantity": base_line["quantity"],
            "extra_tax_data": AccountTax._export_base_line_extra_tax_data(base_line),
        }
