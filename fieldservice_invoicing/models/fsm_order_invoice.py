# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import float_compare

from .account_tax import get_rounded_tax, get_rounded_untaxed


class FsmOrderInvoice(models.Model):
    """The claim of one service order on one invoice.

    Written by the addon only, in superuser mode after its checks: no group has
    more than read access.
    """

    _name = "fsm.order.invoice"
    _description = "Service Order Invoice"
    _order = "id desc"
    _rec_name = "move_id"

    order_id = fields.Many2one(
        "fsm.order",
        string="Service Order",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    slot = fields.Char(
        required=True,
        readonly=True,
        default="order",
        help="Part of the order's billing that the invoice covers: "
        "“order” is the whole of it.",
    )
    is_active = fields.Boolean(
        string="Active",
        compute="_compute_is_active",
        store=True,
        precompute=True,
        help="False once the invoice is cancelled, or posted credit notes have brought "
        "the order's share of it to nothing.",
    )
    company_id = fields.Many2one(related="move_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount_untaxed = fields.Monetary(
        string="Untaxed", compute="_compute_amounts", store=True
    )
    amount_total = fields.Monetary(
        string="Total", compute="_compute_amounts", store=True
    )
    credited_untaxed = fields.Monetary(compute="_compute_amounts", store=True)
    credited_total = fields.Monetary(
        string="Credited", compute="_compute_amounts", store=True
    )
    rounding_difference = fields.Monetary(
        readonly=True,
        help="What the order comes to less its share of a consolidated invoice: cents, "
        "as the invoice is rounded as a whole.",
    )
    paid_date = fields.Date(
        string="Paid on",
        compute="_compute_paid_date",
        store=True,
        index="btree_not_null",
        help="The day of the last payment, once nothing of the invoice is due.",
    )
    invoice_date = fields.Date(related="move_id.invoice_date")
    invoice_date_due = fields.Date(related="move_id.invoice_date_due")
    invoice_status = fields.Selection(related="move_id.service_invoice_status")
    amount_residual = fields.Monetary(
        related="move_id.amount_residual", string="Amount Due"
    )
    cancel_reason = fields.Char(related="move_id.service_cancel_reason")
    cancel_user_id = fields.Many2one(related="move_id.service_cancel_user_id")
    cancel_date = fields.Datetime(related="move_id.service_cancel_date")

    issued_values = fields.Json(
        readonly=True,
        groups=fields.NO_ACCESS,
        help="What the issued invoice says of the service order.",
    )
    issued_signature = fields.Binary(
        readonly=True, attachment=True, groups=fields.NO_ACCESS
    )

    _one_active = models.UniqueIndex(
        "(order_id, slot) WHERE is_active",
        "An invoice already exists for this service order.",
    )

    @api.depends(
        "move_id.state",
        "move_id.amount_total",
        "move_id.service_order_link_ids",
        "move_id.reversal_move_ids.state",
        "move_id.reversal_move_ids.amount_total",
    )
    def _compute_is_active(self):
        for link in self:
            credit_notes = link._get_credit_notes()
            link.is_active = link.move_id.state != "cancel" and not (
                credit_notes and link._is_credited(credit_notes)
            )

    @api.depends(
        "move_id.amount_untaxed",
        "move_id.amount_total",
        "move_id.service_order_link_ids",
        "move_id.invoice_line_ids.fsm_order_line_id",
        "move_id.reversal_move_ids.state",
        "move_id.reversal_move_ids.amount_untaxed",
        "move_id.reversal_move_ids.amount_total",
    )
    def _compute_amounts(self):
        for link in self:
            share = link._get_share(link.move_id)
            credited = link._get_share(link._get_credit_notes())
            link.amount_untaxed, link.amount_total = share
            link.credited_untaxed, link.credited_total = credited

    @api.depends("move_id.payment_state")
    def _compute_paid_date(self):
        for link in self:
            move = link.move_id
            is_paid = move.payment_state in ("paid", "in_payment")
            link.paid_date = is_paid and move._get_last_payment_date()

    @api.model
    def _get_work_domain(self):
        """Domain of the claims that bill the work itself: hook of addons that claim
        other slots, e.g. for a deposit that leaves the work to bill."""
        return Domain("slot", "=", "order")

    def _get_active_work(self):
        """Those of these claims that are active and bill the work itself, the last one
        first."""
        # the cache has a claim that was just created behind the others
        claims = self.filtered("is_active").sorted()
        return claims.filtered_domain(self._get_work_domain())

    def _get_invoiced_amount(self):
        """Untaxed amount (float, invoice currency) of the work that one claim bills,
        less posted credit notes: hook of addons whose invoices also have lines that
        are no work."""
        self.ensure_one()
        return self.amount_untaxed - self.credited_untaxed

    def _keep_rounding(self, expected):
        """Keep by how many cents the shares of consolidated invoices differ from what
        the orders come to by themselves: nothing is left to invoice for that.

        Called when drafts are created or refreshed, in superuser mode.

        :param dict expected: untaxed amount (float, invoice currency) by claim
        """
        for claim in self:
            move = claim.move_id
            # other taxes than those of the order can make another price
            if (
                len(move.service_order_link_ids) > 1
                and move.service_tax_treatment == "default"
            ):
                claim.rounding_difference = (
                    expected[claim] - claim._get_invoiced_amount()
                )

    def _get_credit_notes(self):
        """Posted credit notes (`account.move`) of the claim's invoice."""
        return self.move_id.reversal_move_ids.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_refund"
        )

    def _is_credited(self, credit_notes):
        """Whether credit notes bring this order's share of the invoice to nothing,
        or the whole of it by lines that name no order.

        :param credit_notes: posted `account.move`, see :meth:`_get_credit_notes`
        """
        self.ensure_one()
        move = self.move_id
        pairs = [
            (
                sum(self._convert(note.amount_total, note) for note in credit_notes),
                move.amount_total,
            ),
        ]
        # an order billed at zero has nothing to credit beside the other orders
        if self.order_id in credit_notes.invoice_line_ids.fsm_order_line_id.order_id:
            pairs.append((self._get_share(credit_notes)[1], self._get_share(move)[1]))
        tolerance = self._get_rounding_tolerance(credit_notes)
        return any(
            move.currency_id.compare_amounts(credited + tolerance, billed) >= 0
            for credited, billed in pairs
        )

    def _get_rounding_tolerance(self, credit_notes):
        """Amount (float) that rounding may leave of an invoice, all of whose
        quantities are credited: each line of a credit note rounds by itself.

        :param credit_notes: posted `account.move`, see :meth:`_get_credit_notes`
        """
        self.ensure_one()
        lines = self._get_own_lines(self.move_id | credit_notes)
        lines = lines.filtered(lambda line: line.display_type == "product")
        left = defaultdict(float)
        for line in lines.filtered(lambda line: not line.is_service_discount):
            sign = 1 if line.move_id == self.move_id else -1
            order_line = line.fsm_order_line_id
            left[order_line] += sign * line.product_uom_id._compute_quantity(
                line.quantity, order_line.product_uom_id, round=False
            )
        if any(
            float_compare(qty, 0.0, precision_digits=6) > 0 for qty in left.values()
        ):
            return 0.0
        return self.move_id.currency_id.rounding * len(lines)

    def _convert(self, amount, move):
        """Amount (float) of a move in the currency of the claim's invoice.

        :param float amount: in the currency of ``move``
        :param move: the claim's invoice, or a credit note, whose currency may differ
        """
        return move.currency_id._convert(
            amount,
            self.move_id.currency_id,
            move.company_id,
            move.invoice_date or fields.Date.context_today(move),
        )

    def _get_share(self, moves):
        """This order's part of ``moves``.

        On an invoice of one order everything is its own, lines added by hand
        too; on a consolidated one, what bills its order lines and what discounts
        them, with the cents that rounding gave them.

        :param moves: the claim's invoice, or its credit notes
        :return: untaxed and total amount (floats) in the invoice's currency
        """
        self.ensure_one()
        if len(self.move_id.service_order_link_ids) <= 1:
            return tuple(
                sum(self._convert(move[name], move) for move in moves)
                for name in ("amount_untaxed", "amount_total")
            )
        untaxed = tax = 0.0
        for move in moves:
            for base_line in move._get_rounded_base_and_tax_lines()[0]:
                record = base_line["record"]
                if self.order_id in record._get_service_orders():
                    untaxed += self._convert(get_rounded_untaxed(base_line), move)
                    tax += self._convert(get_rounded_tax(base_line), move)
        return untaxed, untaxed + tax

    def _get_own_lines(self, moves):
        """Lines (`account.move.line`) of ``moves`` that are this order's, see
        :meth:`_get_share`."""
        self.ensure_one()
        lines = moves.invoice_line_ids
        if len(self.move_id.service_order_link_ids) > 1:
            lines = lines.filtered(
                lambda line: self.order_id in line._get_service_orders()
            )
        return lines

    def _get_card_amounts(self):
        """What the invoice of one claim says for the order.

        :return: list of pairs of kind and untaxed amount, tax, total
        """
        self.ensure_one()
        return (
            [
                (
                    "discount"
                    if line.is_service_discount
                    else line.fsm_order_line_id.kind,
                    -line.amount_currency,
                )
                for line in self._get_own_lines(self.move_id)
            ],
            self.amount_total - self.amount_untaxed,
            self.amount_total,
        )

    # ------------------------------------------------------------------
    # What the document says of the order, as issued
    # ------------------------------------------------------------------

    def _get_document_values(self, lang):
        """What the invoice of one claim says of its order: as issued, or as the order
        says while the invoice is a draft.

        :param lang: language code of the document
        :return: dict of :meth:`fsm.order._prepare_document_values`, with the
            ``signature`` (base64 bytes or False)
        """
        link = self.sudo()
        issued = link.issued_values
        return {
            **self._get_document_texts(lang),
            "signature": link.issued_signature if issued else link.order_id.signature,
        }

    def _get_document_texts(self, lang):
        """:meth:`_get_document_values` without the signature, an image that lists and
        exports do not need."""
        self.ensure_one()
        link = self.sudo()
        order = link.order_id.with_context(lang=lang)
        return link.issued_values or order._prepare_document_values()

    def _keep_as_issued(self):
        """Keep what the posted invoices of these claims say of their orders."""
        for link in self.sudo():
            order = link.order_id.with_context(lang=link.move_id._get_document_lang())
            link.issued_values = order._prepare_document_values()
            # a query each, and most orders have none
            if order.signature or link.issued_signature:
                link.issued_signature = order.signature

    def _forget_as_issued(self):
        """Have the invoices of these claims, drafts again, say what the orders say."""
        issued = self.filtered("issued_values")
        issued.write({"issued_values": False, "issued_signature": False})

    @api.model_create_multi
    def create(self, vals_list):
        # The unique index is checked row by row: a claim given up in this
        # transaction has to reach the database before the one that follows it.
        self.flush_model(["is_active"])
        links = super().create(vals_list)
        links.move_id._ensure_not_issued()
        links.order_id._close_billing_reminders()
        return links

    def write(self, vals):
        if vals.keys() & {"order_id", "move_id", "slot", "is_active"}:
            self.move_id._ensure_not_issued()
        if vals.keys() & {"issued_values", "issued_signature"}:
            self.move_id.filtered("service_snapshot_ids")._ensure_not_issued()
        res = super().write(vals)
        if "move_id" in vals:
            self.move_id._ensure_not_issued()
        return res

    def unlink(self):
        # written on, so that automatic invoicing knows when somebody deleted what it
        # made; the database would just empty the field
        lines = self.env["service.invoice.batch.line"].sudo()
        lines = lines.search(
            [
                ("order_id", "in", self.order_id.ids),
                ("move_id", "in", self.move_id.ids),
            ]
        )
        res = super().unlink()
        lines.move_id = False
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_issued(self):
        self.move_id._ensure_not_issued()

    def action_open_invoice(self):
        """Open the invoice of one claim (action dict)."""
        self.ensure_one()
        self.order_id._ensure_can_read_invoices()
        return self.move_id._get_service_invoice_action(self.env._("Invoice"))

    def _prepare_replacing_link(self, move):
        """Values (dict) of the claim on an invoice that is made anew for that of one
        claim.

        :param move: the new `account.move`
        """
        self.ensure_one()
        return {"move_id": move.id, "order_id": self.order_id.id, "slot": self.slot}

    def _ensure_can_be_active(self):
        """Refuse that given up claims come back to life beside newer ones.

        Called before an invoice or credit note goes back to draft, and before an
        invoice made anew takes their place. The unique index would refuse it too, but
        could not name the invoices.

        :raise UserError: the order of an inactive claim has an active claim
        """
        given_up = self.filtered(lambda link: not link.is_active)
        active = self.search(
            [
                ("order_id", "in", given_up.order_id.ids),
                ("slot", "in", given_up.mapped("slot")),
                ("is_active", "=", True),
            ]
        )
        newer = {(link.order_id, link.slot): link for link in active}
        for link in given_up:
            if other := newer.get((link.order_id, link.slot)):
                raise UserError(
                    self.env._(
                        "%(invoice)s can not be active again: service order %(order)s "
                        "has been billed anew by %(other)s. Cancel that invoice first.",
                        invoice=link.move_id.display_name,
                        order=link.order_id.name,
                        other=other.move_id.display_name,
                    )
                )
