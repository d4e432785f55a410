# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import groupby

from odoo.addons.fieldservice_invoicing.models.res_company import GROUP_MANAGER

from ..progress import allocate, get_release, get_retainage


class FsmOrderRetainageMixin(models.AbstractModel):
    """What `fsm.order` needs to have the customer retain a part of each draw, on an
    account of its own, and to release it."""

    _name = "fsm.order.retainage.mixin"
    _description = "Retainage of a Service Order"

    def _get_draw_retainage_percent(self, percent=None):
        """Percentage (float) that a draw of one order withholds.

        :param percent: None for that of the contract
        :raise UserError: it is not a percentage
        """
        if percent is None:
            return self.retainage_percent
        if not 0 <= percent <= 100:
            raise UserError(
                self.env._(
                    "The retainage on a draw of service order %(order)s has to be "
                    "between 0 and 100 %%.",
                    order=self.name,
                )
            )
        return percent

    def _get_retainage_cap(self):
        """Highest amount (Decimal) that the customer of one order retains, or None."""
        if not self.retainage_cap_percent:
            return None
        currency = self.currency_id
        cap = self.contract_revised * self.retainage_cap_percent / 100
        return self._to_decimal(currency.round(cap))

    def _get_retainage_on(self, move):
        """What one draft invoice, or None, withholds (float, untaxed)."""
        lines = move and move.invoice_line_ids.filtered(
            lambda line: line.progress_type == "retainage"
        )
        return -sum(lines.mapped("price_subtotal")) if lines else 0.0

    def _get_withheld_base_lines(self, items, percent, without=None):
        """Base lines (list of dicts) that withhold retainage from a draw of one order:
        without tax, or one for each combination of taxes of the work, as the company's
        tax point has it.

        :param items: list of ``DrawItem``
        :param float percent: to withhold
        :param without: draft draw that is edited
        """
        self.ensure_one()
        rounding = self._get_rounding()
        amount = get_retainage(
            sum(item.this_period for item in items),
            Decimal(str(percent)),
            self._to_decimal(
                self.sudo().retainage_held - self._get_retainage_on(without)
            ),
            rounding,
            self._get_retainage_cap(),
        )
        if not amount:
            return []
        if self.company_id.service_retainage_tax_point == "draw":
            return [self._prepare_retainage_base_line(-amount, self.env["account.tax"])]
        groups = [
            (taxes, sum(item.this_period for item in group))
            for taxes, group in groupby(items, lambda item: item.line.tax_ids)
        ]
        shares = allocate(amount, [weight for _taxes, weight in groups], rounding)
        return [
            self._prepare_retainage_base_line(-share, taxes)
            for (taxes, _weight), share in zip(groups, shares, strict=True)
            if share
        ]

    def _prepare_retainage_base_line(self, amount, taxes, account=None):
        """Base line (dict) that withholds from an invoice (negative) or releases.

        :param Decimal amount: untaxed, in the order's currency
        :param taxes: `account.tax`
        :param account: `account.account`, that of the company unless given
        """
        base_line = self._prepare_progress_base_line(
            self._get_price_with_taxes(abs(float(amount)), taxes),
            taxes,
            quantity=-1.0 if amount < 0 else 1.0,
            account_id=account or self.company_id._get_retainage_account(),
        )
        return {
            **base_line,
            "_progress_type": "retainage",
            "_untaxed": float(amount),
        }

    def _prepare_retainage_lines(self, base_lines, release=False):
        """Values (list of dicts) of the invoice lines that withhold or release.

        :param base_lines: see :meth:`_get_withheld_base_lines`
        """
        env = self.with_context(lang=self._get_bill_to_lang() or self.env.lang).env
        name = env._("Retainage released") if release else env._("Retainage")
        return [
            {
                **self._prepare_progress_line(base_line, "retainage"),
                "name": name,
                "sequence": 9000,
            }
            for base_line in base_lines
        ]

    def _get_credited_retainage(self, draw, credit_note, credited, held):
        """Base lines by which a credit note gives back the retainage on its work.

        :param draw: `fsm.order.invoice` that is credited
        :param credit_note: draft copy (`account.move`) of its invoice
        :param float credited: untaxed amount of the work
        :param float held: untaxed amount that is held of all draws
        :return: dict of `account.move.line` of the credit note and base line (dict)
        """
        lines = credit_note.invoice_line_ids.filtered(
            lambda line: line.progress_type == "retainage"
        )
        rounding = self._get_rounding()
        held = min(held, draw.retainage_amount)
        amount = -get_retainage(
            -self._to_decimal(credited),
            Decimal(str(draw.retainage_percent)),
            self._to_decimal(max(held, 0.0)),
            rounding,
        )
        shares = allocate(
            amount,
            [self._to_decimal(-line.price_subtotal) for line in lines],
            rounding,
        )
        return {
            line: self._prepare_credited_base_line(line, -float(share))
            for line, share in zip(lines, shares, strict=True)
            if share
        }

    # ------------------------------------------------------------------
    # Release
    # ------------------------------------------------------------------

    def _release_retainage(self, amount=None, deposit=None):
        """Create the draft invoice that releases retainage of one order.

        :param amount: untaxed amount (float), None for all that is held
        :param deposit: amount (float, with taxes) of deposit to apply, None for as
            much as there is
        :return: `account.move` in superuser mode
        :raise UserError: nothing is held, or less than asked for
        :raise AccessError: the user may not release retainage
        """
        self.ensure_one()
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        self._ensure_retainage_can_be_billed()
        self._lock_billing()
        self._ensure_retainage_is_held(amount)
        order = self.with_company(self.company_id)
        base_lines = order._get_release_base_lines(amount, deposit)
        released = [
            line for line in base_lines if line["_progress_type"] == "retainage"
        ]
        applied = [line for line in base_lines if line["_progress_type"] == "deposit"]
        return order._create_progress_invoice(
            "release",
            [
                *order._prepare_retainage_lines(released, release=True),
                *order._prepare_applied_lines(applied),
            ],
        )

    def _ensure_retainage_can_be_billed(self):
        """Refuse to bill the retainage of orders without a bill-to. That of a cancelled
        order is owed for work that was done.

        :raise UserError: names the order, the reason and the way out
        :raise AccessError: the user may not create invoices from orders
        """
        self._ensure_may_invoice()
        for order in self:
            if refusal := order._get_bill_to_refusal():
                raise UserError(refusal)

    def _ensure_retainage_is_held(self, amount=None):
        """Refuse to release more than is withheld on posted draws of one order.

        :raise UserError: names the order, what is held, and the way out
        """
        held = self._get_releasable_retainage()
        currency = self.currency_id
        wanted = held if amount is None else amount
        if currency.is_zero(held):
            raise UserError(
                self.env._(
                    "Service order %(order)s has no retainage to release: nothing is "
                    "withheld on its posted draws, or all of it is released.",
                    order=self.name,
                )
            )
        if not 0 < currency.round(wanted) <= currency.round(held):
            raise UserError(
                self.env._(
                    "%(amount)s of retainage can not be released on service order "
                    "%(order)s: %(held)s is withheld on its posted draws.",
                    amount=currency.format(wanted),
                    order=self.name,
                    held=currency.format(held),
                )
            )

    def _check_retainage_covers_released(self):
        """Refuse that a draw is given up whose retainage is released.

        :raise UserError: names the order and the way out
        """
        for order in self:
            if order.currency_id.compare_amounts(order.retainage_held, 0.0) < 0:
                raise UserError(
                    self.env._(
                        "More retainage of service order %(order)s would be released "
                        "than is withheld, by %(amount)s. Cancel the release first.",
                        order=order.name,
                        amount=order.currency_id.format(-order.retainage_held),
                    )
                )

    def _get_releasable_retainage(self):
        """What is withheld on posted draws of one order and on no release, drafts too
        (float, untaxed)."""
        return sum(self._get_releasable_claims().mapped("retainage_amount"))

    def _get_releasable_claims(self):
        """Claims (`fsm.order.invoice`, superuser mode) of one order that say what can
        be released. A draft draw may still be deleted; a draft release counts."""
        self.ensure_one()
        return self.sudo().invoice_link_ids.filtered(
            lambda claim: (
                claim.move_id.state == "posted" or claim.billing_kind == "release"
            )
        )

    def _get_release_base_lines(self, amount=None, deposit=None):
        """Base lines with rounded tax details of the invoice that releases retainage of
        one order, by the taxes and accounts by which it was withheld; the dialog
        announces them.

        :param amount, deposit: see :meth:`_release_retainage`
        :return: list of dicts of ``account.tax`` with ``_progress_type``
        """
        self.ensure_one()
        held = self._get_held_by_taxes()
        total = self._get_releasable_retainage() if amount is None else amount
        released = get_release(sum(held.values()), self._to_decimal(total))
        shares = allocate(released, list(held.values()), self._get_rounding())
        base_lines = [
            self._prepare_retainage_base_line(share, taxes, account)
            for (taxes, account), share in zip(held, shares, strict=True)
            if share
        ]
        invoiced = self._get_total_before_deposit(base_lines)
        applied = self._get_deposit_to_apply(invoiced, deposit)
        for base_line in self._get_applied_base_lines(applied):
            base_lines.append({**base_line, "_progress_type": "deposit"})
        self._get_rounded_total(base_lines)
        return base_lines + self._get_early_payment_lines_of_draw(base_lines)

    def _get_held_by_taxes(self):
        """What can be released on one order: dict of amounts (Decimal, untaxed) by
        taxes (`account.tax`) and account (`account.account`)."""
        moves = self.env["account.move"].union(
            *(claim._get_counted_moves() for claim in self._get_releasable_claims())
        )
        lines = moves.invoice_line_ids.filtered(
            lambda line: line.progress_type == "retainage"
        )
        held = {
            key: -self._to_decimal(
                sum(line._get_signed(line.price_subtotal) for line in group)
            )
            for key, group in groupby(
                lines, lambda line: (line.tax_ids, line.account_id)
            )
        }
        return {key: amount for key, amount in held.items() if amount}

    def _get_ledger_retainage(self, date=None):
        """What the ledger holds as retainage of these orders.

        :param date: up to which day (`date`), None for all
        :return: dict of `fsm.order` and amount (float, the order's currency)
        """
        domain = Domain("progress_order_id", "in", self.ids)
        domain &= Domain("progress_type", "=", "retainage")
        domain &= Domain("parent_state", "=", "posted")
        if date:
            domain &= Domain("date", "<=", fields.Date.to_date(date))
        groups = self.env["account.move.line"]._read_group(
            domain, ["progress_order_id"], ["amount_currency:sum"]
        )
        return dict(groups)
