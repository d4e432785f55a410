# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    progress_title = fields.Char(
        string="Progress Billing",
        compute="_compute_progress_title",
        compute_sudo=True,
        help="Which deposit, draw or release of a contract the document bills, or "
        "credits.",
    )
    progress_order_id = fields.Many2one(
        "fsm.order",
        string="Contract",
        compute="_compute_progress_title",
        compute_sudo=True,
    )

    @api.depends_context("lang")
    @api.depends(
        "service_order_link_ids.slot", "reversed_entry_id.service_order_link_ids.slot"
    )
    def _compute_progress_title(self):
        for move in self:
            claim = move._get_service_order_links().filtered(
                lambda claim: claim.billing_kind != "order"
            )[:1]
            move.progress_title = claim._get_billing_title() if claim else False
            move.progress_order_id = claim.order_id

    def _get_progress_orders(self):
        """Service orders (`fsm.order`, superuser mode) whose deposits, draws or
        releases these documents are, or credit; none of invoices for the whole of an
        order that apply no deposit."""
        moves = self.sudo()
        claims = moves._get_service_order_links().filtered(
            lambda claim: claim.billing_kind != "order"
        )
        return claims.order_id | moves.invoice_line_ids.progress_order_id

    def _log_on_service_orders(self, template, detail=""):
        # an order has many of them: say which one it is
        titled = self.filtered("progress_title")
        for move in titled:
            named = f"({move.progress_title}) {detail}".rstrip()
            super(AccountMove, move)._log_on_service_orders(template, named)
        return super(AccountMove, self - titled)._log_on_service_orders(
            template, detail
        )

    def _get_service_discounted_lines(self):
        lines = super()._get_service_discounted_lines()
        return lines.filtered(lambda line: not line.progress_type)

    # ------------------------------------------------------------------
    # What is posted, cancelled and taken back
    # ------------------------------------------------------------------

    def _post(self, soft=True):
        orders = self._get_progress_orders()
        orders._lock_billing()
        posted = super()._post(soft=soft)
        if orders:
            posted._check_progress_billing()
            lines = posted.sudo().invoice_line_ids
            lines.filtered("progress_type")._reconcile_progress_lines()
        return posted

    def button_cancel(self):
        # before what follows is read in superuser mode
        self.check_access("write")
        self._get_progress_orders()._lock_billing()
        res = super().button_cancel()
        self._check_progress_billing()
        return res

    def button_draft(self):
        # before what follows is read in superuser mode
        self.check_access("write")
        self._get_progress_orders()._lock_billing()
        res = super().button_draft()
        self._check_progress_billing()
        return res

    def unlink(self):
        self.check_access("unlink")
        self._get_progress_orders()._lock_billing()
        claims = self.sudo().service_order_link_ids.filtered("is_active")
        if later := claims._get_later_draws() - claims:
            claims._refuse_later_draw(later)
        self._ensure_deposits_are_not_applied()
        return super().unlink()

    def _ensure_deposits_are_not_applied(self):
        """Refuse to delete deposits that other documents apply, or applied.

        :raise UserError: names deposit and document, and the way out
        """
        for move in self.sudo():
            deposits = move.service_order_link_ids
            if applying := deposits.deposit_line_ids.move_id - self:
                raise UserError(
                    self.env._(
                        "%(deposit)s can not be deleted: %(documents)s apply it, or "
                        "did before they were cancelled. Cancel it, or credit it.",
                        deposit=move.display_name,
                        documents=", ".join(applying.mapped("display_name")),
                    )
                )

    def _check_progress_billing(self):
        """Refuse what would make the figures of contracts wrong: see the checks of
        `fsm.order.invoice`. Called after these documents were posted or cancelled.

        :raise UserError: names the order, the amount and the way out
        """
        posted = self.sudo().filtered(lambda move: move.state == "posted")
        posted._check_progress_lines()
        invoices = posted.filtered(lambda move: move.move_type == "out_invoice")
        invoices.service_order_link_ids._check_draw_in_contract()
        invoices._check_applied_deposits_are_paid()
        claims = self._get_service_order_links()
        claims._check_credited_is_billed()
        orders = self._get_progress_orders()
        orders.invoice_link_ids._check_deposits_cover_applied()
        orders.invoice_link_ids._check_deposits_are_applied_as_taxed()
        for order in invoices._get_deposit_claims().order_id:
            order._ensure_deposit_in_contract()
        orders._check_retainage_covers_released()
        claims._check_is_last_draw()

    def _check_progress_lines(self):
        """Refuse to post what was edited so that orders and ledger would not agree.

        :raise UserError: names the document and the order, and the way out
        """
        for move in self:
            lines = move.invoice_line_ids.filtered("progress_order_id")
            for order in lines.progress_order_id:
                move._ensure_is_of_contract(order)
            if move.move_type == "out_invoice":
                closing = lines.filtered(lambda line: line._is_below_work())
                for same in closing.grouped(
                    lambda line: line._get_progress_key()
                ).values():
                    same._check_progress_amount()
            move.invoice_line_ids._check_progress_account()

    def _ensure_is_of_contract(self, order):
        """Refuse one document with lines of a contract that it neither bills nor
        credits, or not in the currency of the contract.

        :param order: `fsm.order` whose work, deposit or retainage is on it
        :raise UserError: names document and order, and the way out
        """
        billing = self.reversed_entry_id if self.move_type == "out_refund" else self
        if order not in billing.service_order_link_ids.order_id:
            raise UserError(
                self.env._(
                    "%(document)s has lines of the contract of service order "
                    "%(order)s, and neither bills nor credits it. Delete the document, "
                    "and bill or credit from the service order.",
                    document=self.display_name,
                    order=order.name,
                )
            )
        if self.currency_id != order.currency_id:
            raise UserError(
                self.env._(
                    "%(document)s is in %(currency)s, and the contract of service "
                    "order %(order)s in %(agreed)s. Set the currency back, and check "
                    "the prices.",
                    document=self.display_name,
                    currency=self.currency_id.name,
                    order=order.name,
                    agreed=order.currency_id.name,
                )
            )

    def _get_deposit_claims(self):
        """Claims (`fsm.order.invoice`) of those of these invoices that are deposits."""
        return self.service_order_link_ids.filtered(
            lambda claim: claim.billing_kind == "deposit"
        )

    def _get_billing_kinds(self):
        """What these documents bill, or credit: list of ``billing_kind`` of claims."""
        return self._get_service_order_links().mapped("billing_kind")

    def _check_applied_deposits_are_paid(self):
        """Refuse to post invoices that apply more of a deposit than is paid."""
        for claim in self.invoice_line_ids.deposit_claim_id:
            applied, paid = claim.deposit_applied, claim.deposit_paid
            if claim.currency_id.compare_amounts(applied, paid) > 0:
                raise UserError(
                    self.env._(
                        "The deposit %(deposit)s of service order %(order)s is applied "
                        "by %(applied)s, and paid by %(paid)s. Register its payment "
                        "first, or apply less of it.",
                        deposit=claim.move_id.display_name,
                        order=claim.order_id.name,
                        applied=claim.currency_id.format(applied),
                        paid=claim.currency_id.format(paid),
                    )
                )

    def _get_cancel_refusal(self):
        refusal = super()._get_cancel_refusal()
        if not refusal and (later := self.service_order_link_ids._get_later_draws()):
            return self.service_order_link_ids._get_later_draw_refusal(later)
        return refusal

    def _get_draft_draw_credit_refusal(self):
        """Refusal (str or False) for another draw while a credit note for one of these
        is a draft: it would not count yet."""
        for move in self:
            if refusal := move._get_draft_credit_note_refusal():
                return refusal
        return False
