# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import fields, models
from odoo.tools import groupby

from ..progress import allocate, get_balance_to_finish, get_percent, round_to
from .fsm_order_draw_mixin import DrawItem


class PayApplicationMixin(models.AbstractModel):
    """What `fsm.order.invoice` needs to say how its contract stands with a draw, in the
    columns that contractors know from the forms AIA G702 and G703."""

    _name = "pay.application.mixin"
    _description = "Pay Application of a Progress Draw"

    def _prepare_pay_application(self):
        """What the pay application of one draw says: hook for more.

        Called when the draw is posted, which keeps it, and by the report while it is a
        draft. In superuser mode, with the language of the document in the context.

        :return: dict that can be stored as JSON, amounts are floats in the order's
            currency. ``summary`` is that of :meth:`_prepare_application_summary`,
            ``change_orders`` that of :meth:`_prepare_application_changes`; ``phases``
            is a list of dicts with ``name`` (False before the first phase), ``items``
            (dicts with ``number``, ``line_id``, ``name`` and the columns of
            :meth:`_prepare_application_columns`) and ``totals``, the same columns of
            the phase; ``totals`` those of the contract
        """
        self.ensure_one()
        items = self._get_application_items()
        retainage = self._get_application_retainage()
        held = retainage["withheld"] - retainage["released"]
        shares = self._allocate_application_retainage(items, held)
        rows = list(zip(items, shares, strict=True))
        return {
            "number": self.number,
            "retainage_percent": self.retainage_percent,
            "summary": self._prepare_application_summary(items, retainage),
            "change_orders": self._prepare_application_changes(),
            "phases": self._prepare_application_phases(rows),
            "totals": self._prepare_application_columns(rows),
        }

    # ------------------------------------------------------------------
    # What is billed with the draw, and was before
    # ------------------------------------------------------------------

    def _get_earlier_draws(self):
        """Active draws (`fsm.order.invoice`) of the order before one draw, first to
        last."""
        draws = self.order_id._get_draws()
        return draws.filtered(lambda draw: draw.number < self.number)

    def _get_application_items(self):
        """The contract as one draw leaves it: list of ``DrawItem``, in the order of the
        lines."""
        order, earlier = self.order_id, self._get_earlier_draws()
        billed = earlier._get_work_by_item(earlier._get_all_counted_moves())
        period = self._get_work_by_item(self.move_id)
        stored_before = earlier._get_stored_by_item()
        stored = {**stored_before, **self._get_stored_by_item()}
        items = []
        for line in order._get_schedule_lines().sorted():
            before = order._to_decimal(billed.get(line, 0.0))
            presently_stored = order._to_decimal(stored.get(line, 0.0))
            this_period = order._to_decimal(period.get(line, 0.0))
            items.append(
                DrawItem(
                    line=line,
                    scheduled=order._to_decimal(line.price_subtotal),
                    billed=before,
                    completed=before + this_period - presently_stored,
                    stored=presently_stored,
                    stored_before=order._to_decimal(stored_before.get(line, 0.0)),
                )
            )
        return items

    def _get_all_counted_moves(self):
        """Invoices of these claims and their posted credit notes (`account.move`)."""
        moves = (claim._get_counted_moves() for claim in self)
        return self.env["account.move"].union(*moves)

    def _get_work_by_item(self, moves):
        """Untaxed amount (float) that invoices and credit notes bill of each item.

        :param moves: `account.move`
        :return: dict by `fsm.order.line`
        """
        lines = moves.invoice_line_ids.filtered(
            lambda line: line.progress_type == "work"
        )
        return {
            item: sum(line._get_signed(line.price_subtotal) for line in group)
            for item, group in groupby(lines, lambda line: line.fsm_order_line_id)
        }

    def _get_stored_by_item(self):
        """Value (float) of the materials that the last of these draws to bill an item
        says are stored.

        :return: dict by `fsm.order.line`
        """
        return {
            line.fsm_order_line_id: line._get_stored()
            for draw in self.sorted("number")
            for line in draw.move_id.invoice_line_ids
            if line.progress_type == "work"
        }

    def _get_application_retainage(self):
        """What was withheld up to one draw, and what is released of it.

        :return: dict of Decimal, untaxed: ``withheld`` to date, ``this_period`` of it
            by the draw itself, ``released`` by invoices that are posted
        """
        order = self.order_id
        this_period = order._get_retainage_on(self.move_id)
        before = sum(self._get_earlier_draws().mapped("retainage_amount"))
        releases = order.invoice_link_ids.filtered(
            lambda claim: (
                claim.billing_kind == "release" and claim.move_id.state == "posted"
            )
        )
        return {
            "withheld": order._to_decimal(before + this_period),
            "this_period": order._to_decimal(this_period),
            "released": order._to_decimal(-sum(releases.mapped("retainage_amount"))),
        }

    def _allocate_application_retainage(self, items, held):
        """What is held of each item: by what is billed of it, to the cent.

        :param items: list of ``DrawItem``
        :param Decimal held: withheld and not released
        :return: list of Decimal that add up to ``held``
        """
        billed = [item.completed + item.stored for item in items]
        # additions and deductions may just cancel out
        weights = billed if sum(billed) else [Decimal(1)] * len(items)
        return allocate(held, weights, self.order_id._get_rounding())

    # ------------------------------------------------------------------
    # What the page says
    # ------------------------------------------------------------------

    def _prepare_application_columns(self, rows):
        """Columns of one item, of a phase or of the contract: what their rows come to.

        :param rows: list of pairs of ``DrawItem`` and what is held of it (Decimal)
        :return: dict of floats: ``scheduled``, work completed ``previous`` and
            ``this_period``, materials ``stored``, ``completed`` and stored to date, as
            ``percent`` of the scheduled value, ``balance`` to finish and ``retainage``
        """
        items = [item for item, _held in rows]
        scheduled = sum(item.scheduled for item in items)
        previous = sum(item.billed - item.stored_before for item in items)
        work = sum(item.completed for item in items)
        stored = sum(item.stored for item in items)
        percent = round_to(get_percent(work + stored, scheduled), Decimal("0.01"))
        return {
            "scheduled": float(scheduled),
            "previous": float(previous),
            "this_period": float(work - previous),
            "stored": float(stored),
            "completed": float(work + stored),
            "percent": float(percent),
            "balance": float(scheduled - work - stored),
            "retainage": float(sum(held for _item, held in rows)),
        }

    def _prepare_application_phases(self, rows):
        """Items by phase: see :meth:`_prepare_pay_application`."""
        sections = self._get_section_by_line()
        numbered = list(enumerate(rows, start=1))
        return [
            {
                "name": section.name,
                "items": [
                    {
                        "number": number,
                        "line_id": row[0].line.id,
                        "name": row[0].line.name,
                        **self._prepare_application_columns([row]),
                    }
                    for number, row in group
                ],
                "totals": self._prepare_application_columns(
                    [row for _number, row in group]
                ),
            }
            for section, group in groupby(
                numbered, lambda pair: sections[pair[1][0].line]
            )
        ]

    def _get_section_by_line(self):
        """Section (`fsm.order.line`, or none) of each line of the order (dict)."""
        section = self.env["fsm.order.line"]
        sections = {}
        for line in self.order_id.line_ids.sorted():
            if line.display_type == "line_section":
                section = line
            sections[line] = section
        return sections

    def _prepare_application_changes(self):
        """Approved change orders of the contract.

        :return: dict of ``orders``, a list of dicts with ``number``, ``date`` (ISO
            format, or False), ``title`` and ``amount``; and of the sums ``additions``
            and ``deductions``
        """
        order = self.order_id
        changes = order.change_order_ids.filtered(
            lambda change: change.state == "approved"
        )
        amounts = [order._to_decimal(change.amount) for change in changes]
        return {
            "orders": [
                {
                    "number": change.number,
                    "date": change.date and fields.Date.to_string(change.date),
                    "title": change.title,
                    "amount": change.amount,
                }
                for change in changes.sorted("number")
            ],
            "additions": float(sum(amount for amount in amounts if amount > 0)),
            "deductions": float(sum(amount for amount in amounts if amount < 0)),
        }

    def _prepare_application_summary(self, items, retainage):
        """How the contract stands, and what is due by the draw.

        :param items: list of ``DrawItem``
        :param dict retainage: see :meth:`_get_application_retainage`
        :return: dict of floats, untaxed: ``original`` contract, ``changes``,
            ``contract`` to date, ``completed`` and stored to date, retainage
            ``withheld``, ``released`` and ``held``, ``earned`` less retainage,
            ``previous`` draws and releases, ``due`` now, ``balance`` to finish with
            retainage; and those of :meth:`_prepare_application_total`
        """
        order = self.order_id
        contract = sum(item.scheduled for item in items)
        changes = order._to_decimal(order.contract_changes)
        completed = sum(item.completed + item.stored for item in items)
        held = retainage["withheld"] - retainage["released"]
        earned = completed - held
        billed_before = sum(item.billed for item in items)
        previous = billed_before - (held - retainage["this_period"])
        due = earned - previous
        amounts = {
            "original": contract - changes,
            "changes": changes,
            "contract": contract,
            "completed": completed,
            "withheld": retainage["withheld"],
            "released": retainage["released"],
            "held": held,
            "earned": earned,
            "previous": previous,
            "due": due,
            "balance": get_balance_to_finish(contract, completed, held),
            **self._prepare_application_total(due),
        }
        return {name: float(amount) for name, amount in amounts.items()}

    def _prepare_application_total(self, due):
        """What leads from the payment that is due to the total of the invoice.

        :param Decimal due: of the contract, before taxes
        :return: dict of Decimal: ``other`` lines of the invoice, untaxed, ``taxes``,
            ``deposit`` that is applied, with taxes (negative), ``total``
        """
        move, to_decimal = self.move_id, self.order_id._to_decimal
        lines = move.invoice_line_ids
        contract_lines = lines.filtered("progress_type")
        applied = lines.filtered("deposit_claim_id")
        other = to_decimal(
            move.amount_untaxed - sum(contract_lines.mapped("price_subtotal"))
        )
        deposit = to_decimal(sum(applied.mapped("price_total")))
        total = to_decimal(move.amount_total)
        return {
            "other": other,
            "taxes": total - due - other - deposit,
            "deposit": deposit,
            "total": total,
        }
