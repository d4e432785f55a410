# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..progress import get_excess

BILLING_KINDS = [
    ("order", "Whole Order"),
    ("deposit", "Deposit"),
    ("draw", "Progress Draw"),
    ("release", "Retainage Release"),
]


class FsmOrderInvoice(models.Model):
    """The claim is the record of a deposit, a draw or a release: its slot says which
    one it is, its amounts follow from the invoice and posted credit notes."""

    _name = "fsm.order.invoice"
    _inherit = ("fsm.order.invoice", "pay.application.mixin")

    billing_kind = fields.Selection(
        BILLING_KINDS,
        compute="_compute_billing_kind",
        store=True,
        precompute=True,
        help="What the invoice bills of the service order.",
    )
    number = fields.Integer(
        compute="_compute_billing_kind",
        store=True,
        precompute=True,
        help="Number of the deposit, draw or release on its order.",
    )
    billing_title = fields.Char(
        string="Billing",
        compute="_compute_billing_title",
        help="Which deposit, draw or release of the service order the invoice is.",
    )
    bill_to_display_name = fields.Char(
        related="move_id.invoice_partner_display_name", string="Bill-to"
    )
    retainage_percent = fields.Float(
        string="Retainage (%)", digits=(16, 4), readonly=True
    )
    work_amount = fields.Monetary(
        string="Work",
        compute="_compute_progress_amounts",
        store=True,
        help="Untaxed amount of the work that the invoice bills, less credit notes.",
    )
    deposit_amount = fields.Monetary(
        string="Deposit",
        compute="_compute_progress_amounts",
        store=True,
        help="Untaxed amount of the deposit that is billed, or applied (negative).",
    )
    retainage_amount = fields.Monetary(
        string="Retainage",
        compute="_compute_progress_amounts",
        store=True,
        help="Untaxed amount that is withheld, or released (negative).",
    )
    deposit_line_ids = fields.One2many(
        "account.move.line",
        "deposit_claim_id",
        readonly=True,
        help="Invoice lines that apply the deposit.",
    )
    deposit_total = fields.Monetary(
        string="Deposit with Taxes",
        compute="_compute_deposit",
        store=True,
        help="What the deposit comes to with taxes, less credit notes.",
    )
    deposit_paid = fields.Monetary(compute="_compute_deposit", store=True)
    deposit_applied = fields.Monetary(
        compute="_compute_deposit_applied",
        store=True,
        help="What invoices apply of the deposit, with taxes.",
    )
    deposit_left = fields.Monetary(
        compute="_compute_deposit_left",
        store=True,
        help="What is paid of the deposit and not applied, with taxes.",
    )

    issued_pay_application = fields.Json(
        readonly=True,
        copy=False,
        # only the document reads it, and lists read many claims
        prefetch=False,
        groups=fields.NO_ACCESS,
        help="The pay application of the issued draw.",
    )

    @api.depends("slot")
    def _compute_billing_kind(self):
        for claim in self:
            kind, _separator, number = (claim.slot or "order").partition("/")
            # other addons may claim slots of their own
            claim.billing_kind = kind in dict(BILLING_KINDS) and kind
            claim.number = int(number) if number.isdigit() else 0

    @api.depends_context("lang")
    @api.depends("billing_kind", "number")
    def _compute_billing_title(self):
        for claim in self:
            claim.billing_title = claim._get_billing_title()

    @api.model
    def _get_work_domain(self):
        return super()._get_work_domain() | Domain("billing_kind", "=", "draw")

    def _get_invoiced_amount(self):
        amount = super()._get_invoiced_amount()
        return amount - self.deposit_amount + self.retainage_amount

    # ------------------------------------------------------------------
    # What the invoice comes to, less its credit notes
    # ------------------------------------------------------------------

    def _get_counted_moves(self):
        """Invoice of one claim, drafts too, and its posted credit notes
        (`account.move`); none of a cancelled invoice."""
        self.ensure_one()
        move = self.move_id
        return (
            move.browse() if move.state == "cancel" else move | self._get_credit_notes()
        )

    @api.depends(
        "move_id.state",
        "move_id.invoice_line_ids.price_subtotal",
        "move_id.invoice_line_ids.progress_type",
        "move_id.reversal_move_ids.state",
        "move_id.reversal_move_ids.invoice_line_ids.price_subtotal",
    )
    def _compute_progress_amounts(self):
        for claim in self:
            amounts = defaultdict(float)
            for line in claim._get_counted_moves().invoice_line_ids:
                if line.progress_order_id == claim.order_id:
                    amounts[line.progress_type] += line._get_signed(line.price_subtotal)
            claim.work_amount = amounts["work"]
            claim.deposit_amount = amounts["deposit"]
            claim.retainage_amount = -amounts["retainage"]

    @api.depends(
        "billing_kind",
        "move_id.state",
        "move_id.payment_state",
        "move_id.amount_total",
        "move_id.amount_residual",
        "move_id.invoice_line_ids.price_total",
        "move_id.invoice_line_ids.progress_type",
        "move_id.reversal_move_ids.state",
        "move_id.reversal_move_ids.amount_total",
    )
    def _compute_deposit(self):
        for claim in self:
            total = paid = 0.0
            if claim.billing_kind == "deposit":
                total = sum(
                    line._get_signed(line.price_total)
                    for line in claim._get_own_deposit_lines()
                )
                paid = claim._get_paid_amount() - claim._get_amount_beside_deposit()
            claim.deposit_total = total
            claim.deposit_paid = max(min(total, paid), 0.0)

    def _get_own_deposit_lines(self):
        """Lines (`account.move.line`) that bill one deposit, and that credit it,
        without what someone added to the invoice."""
        return self._get_counted_moves().invoice_line_ids.filtered(
            lambda line: (
                line._is_progress_of(self.order_id) and line.progress_type == "deposit"
            )
        )

    def _get_amount_beside_deposit(self):
        """What the invoice of one deposit asks for (float) beside it, by lines that
        were added or by rounding: that is paid first."""
        move = self.move_id
        own = self._get_own_deposit_lines().filtered(lambda line: line.move_id == move)
        beside = move.amount_total - sum(own.mapped("price_total"))
        # what is rounded off is only off once all is paid
        is_settled = move.currency_id.is_zero(move.amount_residual)
        return beside if is_settled else max(beside, 0.0)

    def _get_paid_amount(self):
        """What the customer has paid (float) on the invoice of one claim, other than by
        its credit notes."""
        move = self.move_id
        if move.state != "posted":
            return 0.0
        if move.payment_state == "in_payment" and move.amount_residual:
            # payments without a journal entry of their own
            payments = move.matched_payment_ids.filtered(
                lambda payment: payment.state in ("in_process", "paid")
            )
            return sum(
                payment.currency_id._convert(
                    payment.amount, move.currency_id, move.company_id, payment.date
                )
                for payment in payments
            )
        credited = sum(
            values["amount"]
            for values in move._get_all_reconciled_invoice_partials()
            if values["aml"].move_id in move.reversal_move_ids
        )
        return move.amount_total - move.amount_residual - credited

    @api.depends(
        "deposit_line_ids.price_total",
        "deposit_line_ids.parent_state",
        "deposit_line_ids.move_type",
    )
    def _compute_deposit_applied(self):
        for claim in self:
            claim.deposit_applied = -sum(
                line._get_signed(line.price_total)
                for line in claim.deposit_line_ids._get_counted()
            )

    @api.depends("deposit_paid", "deposit_applied")
    def _compute_deposit_left(self):
        for claim in self:
            left = max(claim.deposit_paid - claim.deposit_applied, 0.0)
            claim.deposit_left = claim.currency_id.round(left)

    def _is_credited(self, credit_notes):
        if self.billing_kind == "order":
            return super()._is_credited(credit_notes)
        # a total may be zero that a deposit pays or that is withheld
        net = defaultdict(float)
        for line in (self.move_id | credit_notes).invoice_line_ids:
            net[line.progress_type] += line._get_signed(line.price_total)
        return all(self.currency_id.is_zero(amount) for amount in net.values())

    def _prepare_replacing_link(self, move):
        values = super()._prepare_replacing_link(move)
        return {**values, "retainage_percent": self.retainage_percent}

    def _get_billed_by_item(self):
        """What one draw bills, less its credit notes: dict of `fsm.order.line` and
        untaxed amount (float)."""
        lines = self._get_counted_moves().invoice_line_ids.filtered(
            lambda line: line.progress_type == "work"
        )
        groups = lines.grouped("fsm_order_line_id")
        return {
            item: self.currency_id.round(group._get_owed())
            for item, group in groups.items()
        }

    def _get_later_draws(self):
        """Active draws (`fsm.order.invoice`) after those of these claims, on the same
        orders."""
        draws = self.filtered(lambda claim: claim.billing_kind == "draw")
        return draws.order_id.invoice_link_ids.filtered(
            lambda claim: (
                claim.is_active
                and claim.billing_kind == "draw"
                and any(
                    claim.order_id == draw.order_id and claim.number > draw.number
                    for draw in draws
                )
            )
        )

    # ------------------------------------------------------------------
    # What the document says of the contract, as issued
    # ------------------------------------------------------------------

    def _get_billing_title(self):
        """What one claim is, as “Progress Draw 3”, in the context's language (str);
        False for the whole order."""
        self.ensure_one()
        if self.billing_kind == "order":
            return False
        kinds = dict(self._fields["billing_kind"]._description_selection(self.env))
        return f"{kinds[self.billing_kind]} {self.number}"

    def _get_document_values(self, lang):
        claim = self.sudo().with_context(lang=lang)
        return {
            **super()._get_document_values(lang),
            "billing_title": claim._get_billing_title(),
            "pay_application": claim._get_pay_application(),
        }

    def _get_pay_application(self):
        """Pay application of one claim (superuser mode): as issued, or live while it is
        a draft; see :meth:`_prepare_pay_application`. False for all but draws."""
        self.ensure_one()
        if self.billing_kind != "draw":
            return False
        return self.issued_pay_application or self._prepare_pay_application()

    def _keep_as_issued(self):
        res = super()._keep_as_issued()
        for draw in self.sudo().filtered(lambda claim: claim.billing_kind == "draw"):
            lang = draw.move_id._get_document_lang()
            application = draw.with_context(lang=lang)._prepare_pay_application()
            draw.issued_pay_application = application
        return res

    def _forget_as_issued(self):
        res = super()._forget_as_issued()
        self.filtered("issued_pay_application").issued_pay_application = False
        return res

    def write(self, vals):
        if "issued_pay_application" in vals:
            self.move_id.filtered("service_snapshot_ids")._ensure_not_issued()
        return super().write(vals)

    # ------------------------------------------------------------------
    # What has to hold, whatever is posted or cancelled
    # ------------------------------------------------------------------

    def _check_draw_in_contract(self):
        """Refuse to bill more of an item than its scheduled value, by the draws among
        these claims.

        :raise UserError: names item and order, by how much, and the way out
        """
        draws = self.filtered(lambda claim: claim.billing_kind == "draw")
        for order in draws.order_id:
            for item in order._get_draw_items({}):
                order._ensure_item_in_contract(item)

    def _check_deposits_cover_applied(self):
        """Refuse that a deposit is credited or cancelled which invoices apply.

        :raise UserError: names deposit and order, and the way out
        """
        for claim in self.filtered(lambda claim: claim.billing_kind == "deposit"):
            currency = claim.currency_id
            if currency.compare_amounts(claim.deposit_applied, claim.deposit_total) > 0:
                raise UserError(
                    self.env._(
                        "%(applied)s of the deposit %(deposit)s is applied to invoices "
                        "of service order %(order)s: only what is left of it can be "
                        "credited. Cancel those invoices first.",
                        applied=currency.format(claim.deposit_applied),
                        deposit=claim.move_id.display_name,
                        order=claim.order_id.name,
                    )
                )

    def _check_credited_is_billed(self):
        """Refuse to credit more of a deposit, draw or release than it bills: several
        credit notes can be for the same.

        :raise UserError: names line and invoice, by how much, and the way out
        """
        for claim in self.filtered(lambda claim: claim.billing_kind != "order"):
            order, lines = claim.order_id, claim._get_counted_moves().invoice_line_ids
            lines = lines.filtered(
                lambda line, order=order: line._is_progress_of(order)
            )
            for same in lines.grouped(lambda line: line._get_progress_key()).values():
                own = same.filtered(
                    lambda line, claim=claim: line.move_id == claim.move_id
                )
                excess = get_excess(
                    order._to_decimal(same._get_owed()),
                    order._to_decimal(own._get_owed()),
                )
                if excess:
                    claim._refuse_excess_credit(same[:1], float(excess))

    def _refuse_excess_credit(self, line, excess):
        """Raise that credit notes of one claim come to more than its invoice.

        :param line: `account.move.line` that is credited too much
        :param float excess: untaxed amount
        """
        raise UserError(
            self.env._(
                "The credit notes for %(invoice)s of service order %(order)s credit "
                "“%(line)s” by %(excess)s more than it bills. Lower what this one "
                "credits.",
                invoice=self.move_id.display_name,
                order=self.order_id.name,
                line=line.name,
                excess=self.currency_id.format(excess),
            )
        )

    def _check_deposits_are_applied_as_taxed(self):
        """Refuse to apply more of a deposit than it has by a tax: its liability, and
        the tax of each rate, would not come to nothing.

        :raise UserError: names deposit and order, and the way out
        """
        for claim in self.filtered("deposit_line_ids"):
            own = claim._get_own_deposit_lines().grouped("tax_ids")
            applied = claim.deposit_line_ids._get_counted()
            # each time that a part is applied, cents go to one rate or the other
            cents = claim.currency_id.rounding * len(applied)
            for taxes, lines in applied.grouped("tax_ids").items():
                billed = own[taxes]._get_owed() if taxes in own else 0.0
                excess = get_excess(-lines._get_owed(), billed)
                if claim.currency_id.compare_amounts(float(excess), cents) > 0:
                    claim._refuse_other_taxes(lines[-1:])

    def _refuse_other_taxes(self, line):
        """Raise that a line applies one deposit by other taxes.

        :param line: `account.move.line`
        """
        raise UserError(
            self.env._(
                "“%(line)s” of %(document)s takes off more than the deposit "
                "%(deposit)s of service order %(order)s has by the taxes “%(taxes)s”. "
                "Set its taxes and amount back, or bill it anew from the order.",
                line=line.name,
                document=line.move_id.display_name,
                deposit=self.move_id.display_name,
                order=self.order_id.name,
                taxes=", ".join(line.tax_ids.mapped("name")) or "-",
            )
        )

    def _check_is_last_draw(self):
        """Refuse to give up a draw while a later one stands.

        :raise UserError: names both and the way out
        """
        given_up = self.filtered(
            lambda claim: (
                not claim.is_active
                # unless another one has taken its place
                and claim.slot not in claim.order_id._get_draws().mapped("slot")
            )
        )
        if later := given_up._get_later_draws():
            given_up._refuse_later_draw(later)

    def _get_later_draw_refusal(self, later):
        """Refusal (str) to give up these draws before a later one (one record of
        ``later``)."""
        last = later.sorted("number")[-1]
        return self.env._(
            "Only the last draw of service order %(order)s can be cancelled, which is "
            "draw %(number)s (%(invoice)s).",
            order=last.order_id.name,
            number=last.number,
            invoice=last.move_id.display_name,
        )

    def _refuse_later_draw(self, later):
        """Raise :meth:`_get_later_draw_refusal`."""
        raise UserError(self._get_later_draw_refusal(later))
