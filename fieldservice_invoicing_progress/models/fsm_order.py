# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.fieldservice_invoicing.models.fsm_order import INVOICE_READERS
from odoo.addons.fieldservice_invoicing.models.res_company import (
    GROUP_MANAGER,
    GROUP_USER,
)


class FsmOrder(models.Model):
    _name = "fsm.order"
    _inherit = (
        "fsm.order",
        "fsm.order.contract.mixin",
        "fsm.order.change.mixin",
        "fsm.order.deposit.mixin",
        "fsm.order.draw.mixin",
        "fsm.order.retainage.mixin",
    )

    billing_method = fields.Selection(
        [("order", "At Once"), ("progress", "Progress Billing")],
        default="order",
        required=True,
        tracking=True,
        help="At once: one invoice when the order is finished. Progress billing: the "
        "order lines are a contract of fixed prices, billed by draws as the work "
        "goes on.",
    )
    retainage_percent = fields.Float(
        string="Retainage (%)",
        digits=(16, 4),
        compute="_compute_retainage_percent",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="What the customer retains of each draw until the work is accepted.",
    )
    retainage_cap_percent = fields.Float(
        string="Retainage Cap (%)",
        digits=(16, 4),
        tracking=True,
        help="No more is withheld than this percentage of the revised contract. "
        "Zero: no limit.",
    )
    change_order_ids = fields.One2many(
        "fsm.change.order", "order_id", string="Change Orders", copy=False
    )
    change_order_count = fields.Integer(
        string="Number of Change Orders", compute="_compute_change_order_count"
    )
    change_order_number = fields.Integer(
        readonly=True,
        copy=False,
        groups=fields.NO_ACCESS,
        help="Number of the last change order that was entered.",
    )
    contract_original = fields.Monetary(
        string="Original Contract",
        compute="_compute_contract",
        store=True,
        help="Untaxed amount of the order lines before change orders.",
    )
    contract_changes = fields.Monetary(
        string="Approved Changes",
        compute="_compute_contract",
        store=True,
        help="Untaxed amount of the approved change orders.",
    )
    contract_revised = fields.Monetary(
        string="Revised Contract", compute="_compute_contract", store=True
    )
    progress_billed = fields.Monetary(
        string="Work Billed",
        compute="_compute_progress",
        store=True,
        help="Untaxed amount on draws, drafts too, less posted credit notes.",
    )
    progress_percent = fields.Float(
        string="Billed (%)",
        compute="_compute_progress",
        store=True,
        aggregator=None,
    )
    balance_to_finish = fields.Monetary(
        string="Balance to Finish",
        compute="_compute_progress",
        store=True,
        help="Revised contract less the work billed.",
    )
    retainage_held = fields.Monetary(
        compute="_compute_progress",
        store=True,
        help="Untaxed amount that is withheld on draws and not released yet.",
    )
    deposit_billed = fields.Monetary(
        string="Deposits",
        compute="_compute_deposits",
        store=True,
        help="Deposits that are invoiced, with taxes.",
    )
    deposit_balance = fields.Monetary(
        string="Deposit Available",
        compute="_compute_deposits",
        store=True,
        help="What is paid of the deposits and not applied yet, with taxes.",
    )
    card_title = fields.Char(
        compute="_compute_card_amounts", compute_sudo=True, groups=INVOICE_READERS
    )
    card_work = fields.Monetary(
        string="Work",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_retainage = fields.Monetary(
        string="Retainage",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    card_deposit = fields.Monetary(
        string="Deposit Applied",
        compute="_compute_card_amounts",
        compute_sudo=True,
        currency_field="card_currency_id",
        groups=INVOICE_READERS,
    )
    can_create_draw = fields.Boolean(compute="_compute_can_bill_progress")
    can_change_draw = fields.Boolean(compute="_compute_can_bill_progress")
    can_create_deposit = fields.Boolean(compute="_compute_can_bill_progress")
    can_release_retainage = fields.Boolean(compute="_compute_can_bill_progress")
    can_refund_deposit = fields.Boolean(compute="_compute_can_bill_progress")
    billing_status = fields.Selection(
        selection_add=[("progress", "Progress Billing")],
        ondelete={"progress": "set null"},
    )

    # ------------------------------------------------------------------
    # Where the billing stands
    # ------------------------------------------------------------------

    @api.depends(
        "billing_method",
        "progress_billed",
        "balance_to_finish",
        "retainage_held",
        "line_ids.price_subtotal",
    )
    def _compute_billing(self):
        res = super()._compute_billing()
        for order in self.filtered(lambda order: order.billing_method == "progress"):
            order.amount_invoiced = order.progress_billed
            order.amount_to_invoice = (
                order.balance_to_finish
                if order.billing_status in ("to_invoice", "draft")
                and order.stage_id.is_invoiceable
                else 0.0
            )
        return res

    def _get_billing_status(self, links):
        status = super()._get_billing_status(links)
        if self.billing_method != "progress" or status in ("draft", "marked_billed"):
            return status
        if self._is_billed_in_full():
            released = self.currency_id.is_zero(self.retainage_held)
            return "invoiced" if status == "paid" and not released else status
        if not self.stage_id.is_invoiceable:
            return "progress" if self._is_billed() else "not_ready"
        has_value = any(self._get_schedule_lines().mapped("price_subtotal"))
        return "to_invoice" if has_value else "nothing"

    def _is_work_billed(self):
        if self.billing_method == "progress":
            return self._is_billed_in_full()
        return super()._is_work_billed()

    @api.depends("billing_method")
    def _compute_billing_difference(self):
        res = super()._compute_billing_difference()
        # what is left of a contract is no difference: the next draw bills it
        contracts = self.filtered(lambda order: order.billing_method == "progress")
        contracts.billing_difference = 0.0
        return res

    def _get_unpriced_lines(self):
        # change orders give their items the price
        lines = super()._get_unpriced_lines()
        return lines.filtered(lambda line: not line.change_line_ids)

    # ------------------------------------------------------------------
    # Invoices that bill the whole order
    # ------------------------------------------------------------------

    def _get_invoice_refusal(self, lines=None):
        if self.billing_method == "progress":
            return self._get_progress_refusal()
        return super()._get_invoice_refusal(lines)

    def _get_active_invoice_refusal(self):
        if self.billing_method != "progress" or not self._get_draws():
            return super()._get_active_invoice_refusal()
        # asked when an order is to be marked as billed
        return self.env._(
            "Service order %(order)s is billed by draws (%(invoices)s). Take off by a "
            "change order what will not be billed of its contract.",
            order=self.name,
            invoices=", ".join(self._get_draws().move_id.mapped("display_name")),
        )

    def _get_progress_refusal(self):
        """Refusal (str) of an invoice for the whole of a contract."""
        return self.env._(
            "Service order %(order)s is billed by progress draws: use Create Draw. A "
            "draw at 100 %% bills all of it.",
            order=self.name,
        )

    def _get_batch_refusal(self):
        if refusal := super()._get_batch_refusal():
            return refusal
        if self.deposit_balance <= 0:
            return False
        return self.env._(
            "Service order %(order)s has a deposit of %(amount)s to apply. Create its "
            "invoice from the order, where you say how much of it.",
            order=self.name,
            amount=self.currency_id.format(self.deposit_balance),
        )

    def _get_other_base_lines(self, options=None):
        base_lines = super()._get_other_base_lines(options)
        amount = (options or {}).get("deposit") or 0.0
        return base_lines + self._get_applied_base_lines(amount)

    def _create_invoices(self, grouped=False, lines=None, **options):
        if options.get("deposit"):
            # nobody else applies the same deposit meanwhile
            self._ensure_may_invoice()
            self._lock_billing()
        return super()._create_invoices(grouped=grouped, lines=lines, **options)

    def _prepare_invoice_lines(self, options):
        commands = super()._prepare_invoice_lines(options)
        applied = self._get_applied_base_lines(options.get("deposit") or 0.0)
        return commands + [
            Command.create(values) for values in self._prepare_applied_lines(applied)
        ]

    def _refresh_draft_invoice(self, invoice):
        if self.billing_method == "progress":
            raise UserError(
                self.env._(
                    "%(invoice)s is a draw of service order %(order)s: use Change "
                    "Draw instead of refreshing it.",
                    invoice=invoice.display_name,
                    order=self.name,
                )
            )
        applied = invoice.invoice_line_ids.filtered(
            lambda line: line.deposit_claim_id and line.progress_order_id == self
        )
        amount = -sum(applied.mapped("price_total"))
        # the lines may come to less than what is applied
        applied.unlink()
        res = super()._refresh_draft_invoice(invoice)
        self._apply_deposit_again(invoice, amount)
        return res

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    @api.depends_context("uid")
    @api.depends(
        "billing_method",
        "contract_revised",
        "progress_billed",
        "retainage_held",
        "deposit_balance",
        "stage_id",
        "company_id.service_invoicing",
        "invoice_link_ids.is_active",
        "invoice_link_ids.move_id.state",
    )
    def _compute_can_bill_progress(self):
        user = self.env.user
        may_bill = user.has_group(GROUP_USER)
        is_manager = user.has_group(GROUP_MANAGER)
        for order in self:
            draws = order._get_draws()
            has_draft = draws[-1:].move_id.state == "draft"
            enabled = order.company_id.service_invoicing
            is_open = order.stage_id.is_invoiceable or not order.stage_id.is_closed
            can_bill = enabled and may_bill and is_open
            is_progress = order.billing_method == "progress"
            order.can_change_draw = can_bill and has_draft
            order.can_create_draw = (
                can_bill
                and bool(order._get_schedule_lines())
                and not has_draft
                and not order._is_billed_in_full()
            )
            order.can_create_deposit = can_bill and not (
                order._is_billed_in_full() if is_progress else order._is_work_billed()
            )
            order.can_release_retainage = (
                enabled
                and may_bill
                and is_manager
                and order._get_releasable_retainage() > 0
            )
            order.can_refund_deposit = (
                enabled and is_manager and order.deposit_balance > 0
            )

    @api.depends("invoice_link_ids.work_amount")
    def _compute_card_amounts(self):
        res = super()._compute_card_amounts()
        for order in self:
            claim = order.invoice_link_ids._get_active_work()[:1]
            order.card_title = claim.billing_title
            order.card_work = claim.work_amount
            order.card_retainage = -claim.retainage_amount
            order.card_deposit = claim.deposit_amount
        return res

    @api.depends("billing_method")
    def _compute_can_invoice(self):
        res = super()._compute_can_invoice()
        contracts = self.filtered(lambda order: order.billing_method == "progress")
        contracts.can_create_invoice = False
        return res

    def action_create_invoice(self):
        if len(self) == 1 and self.billing_method == "progress":
            return self.action_create_draw()
        return super().action_create_invoice()

    def action_create_draw(self):
        """Open the dialog that bills the next draw of one order (action dict).

        :raise UserError, AccessError: see :meth:`_ensure_can_be_drawn`
        """
        self.ensure_one()
        self._ensure_can_be_drawn()
        return self._open_billing_dialog(
            "fsm.order.create.draw",
            self.env._("Progress Draw %s", len(self._get_draws()) + 1),
            dialog_size="extra-large",
        )

    def action_change_draw(self):
        """Open the dialog with what the draft of the last draw of one order says
        (action dict).

        :raise UserError: it has no draft draw, or can not be billed
        :raise AccessError: the user may not create invoices from orders
        """
        self.ensure_one()
        self._ensure_contract_can_be_drawn()
        draw = self._get_draws()[-1:]
        if draw.move_id.state != "draft":
            raise UserError(
                self.env._(
                    "Service order %(order)s has no draft draw to change. Create the "
                    "next draw, or cancel the last one by a credit note.",
                    order=self.name,
                )
            )
        return self._open_billing_dialog(
            "fsm.order.create.draw",
            self.env._("Change Progress Draw %s", draw.number),
            default_move_id=draw.move_id.id,
            dialog_size="extra-large",
        )

    def action_create_deposit(self):
        """Open the dialog that asks for a deposit on one order (action dict).

        :raise UserError: nothing can be billed of it
        :raise AccessError: the user may not create invoices from orders
        """
        self.ensure_one()
        self._ensure_contract_can_be_billed()
        return self._open_billing_dialog(
            "fsm.order.create.deposit", self.env._("Create Deposit")
        )

    def action_release_retainage(self):
        """Open the dialog that releases retainage of one order (action dict).

        :raise UserError: nothing is held, or nothing can be billed of the order
        :raise AccessError: the user may not release retainage
        """
        self.ensure_one()
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        self._ensure_retainage_can_be_billed()
        self._ensure_retainage_is_held()
        return self._open_billing_dialog(
            "fsm.order.release.retainage", self.env._("Release Retainage")
        )

    def _open_billing_dialog(self, model, name, **context):
        """Action (dict) that opens a dialog for one order.

        :param str model: of the dialog, which has ``order_id``
        :param str name: title of the dialog
        :param context: more of the context of the dialog
        """
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_id": self.id, **context},
        }

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.model
    def _get_derived_fields(self):
        return super()._get_derived_fields() | {
            "contract_original",
            "contract_changes",
            "contract_revised",
            "progress_billed",
            "progress_percent",
            "balance_to_finish",
            "retainage_held",
            "deposit_billed",
            "deposit_balance",
        }

    def write(self, vals):
        changed = self.browse()
        if "billing_method" in vals:
            changed = self.filtered(
                lambda order: order.billing_method != vals["billing_method"]
            )
            changed._ensure_billing_method_can_change()
        terms = {"retainage_percent", "retainage_cap_percent"} & vals.keys()
        if any(order[name] != vals[name] for order in self for name in terms):
            self._ensure_may_set_contract()
        res = super().write(vals)
        changed._follow_billing_method()
        return res

    def _ensure_may_set_contract(self):
        """Refuse workers who would change how their orders are billed.

        :raise AccessError: names the orders, and whom to ask
        """
        if self and not self._may_agree_on_prices():
            raise AccessError(
                self.env._(
                    "How service order %(order)s is billed, and what is retained of "
                    "it, is changed by dispatchers and those who invoice. Ask one of "
                    "them.",
                    order=", ".join(self.mapped("name")),
                )
            )

    # ------------------------------------------------------------------
    # What a fixed contract keeps
    # ------------------------------------------------------------------

    def _get_free_contracts(self):
        """Those of these orders whose contract is not fixed yet."""
        return self.filtered(lambda order: not order._is_contract_fixed())

    def _compute_pricelist_id(self):
        return super(FsmOrder, self._get_free_contracts())._compute_pricelist_id()

    def _compute_currency_id(self):
        return super(FsmOrder, self._get_free_contracts())._compute_currency_id()

    def _compute_fiscal_position_id(self):
        return super(FsmOrder, self._get_free_contracts())._compute_fiscal_position_id()

    def _has_invoice_lines(self):
        # no unit that is added to the order later adds to a fixed contract
        return super()._has_invoice_lines() or self._is_contract_fixed()

    def _ensure_charges_can_change(self):
        # of a contract the items are fixed, for everyone, and the rest stays free
        at_once = self.filtered(lambda order: order.billing_method == "order")
        return super(FsmOrder, at_once)._ensure_charges_can_change()

    @api.model
    def _get_contract_terms(self):
        """Names (set) of the fields that the prices and taxes of a contract follow."""
        return {
            "company_id",
            "currency_id",
            "fiscal_position_id",
            "include_unit_price",
            "pricelist_id",
        }

    def _ensure_terms_can_change(self, vals):
        res = super()._ensure_terms_can_change(vals)
        if names := vals.keys() & self._get_contract_terms():
            for order in self - self._get_free_contracts():
                order._ensure_contract_terms_stay({name: vals[name] for name in names})
        return res

    def _ensure_contract_terms_stay(self, vals):
        """Refuse new terms for the fixed contract of one order.

        :param dict vals: values about to be written
        :raise UserError: names field and order, and the way out
        """
        for name, value in vals.items():
            field = self._fields[name]
            new = field.convert_to_cache(value, self, validate=False)
            if field.convert_to_cache(self[name], self) != new:
                raise UserError(
                    self.env._(
                        "%(field)s of service order %(order)s can not change: prices "
                        "and taxes of its contract are fixed. Take off what changes by "
                        "a change order, and bill it on an order of its own.",
                        field=field._description_string(self.env),
                        order=self.name,
                    )
                )

    def unlink(self):
        # the database would refuse to delete items that a change order is about
        self.change_order_ids.unlink()
        return super().unlink()

    def _ensure_billing_method_can_change(self):
        """Refuse another billing method for orders whose work is being billed.

        :raise UserError: names the order and the way out
        """
        self._ensure_may_set_contract()
        for order in self:
            claims = order.sudo().invoice_link_ids
            changes = order.change_order_ids
            if claims._get_active_work() or "approved" in changes.mapped("state"):
                raise UserError(
                    self.env._(
                        "The billing method of service order %(order)s can not change: "
                        "its work is being billed, or its contract was changed. Cancel "
                        "its invoices first.",
                        order=order.name,
                    )
                )

    def _follow_billing_method(self):
        """Have parts and hours that came by themselves follow the billing method: they
        cost a contract of fixed prices nothing."""
        lines = self.line_ids.filtered("source_key")
        lines._exclude_from_contract()
        lines.filtered(
            lambda line: (
                line.order_id.billing_method == "order"
                and line.non_billable_reason == "contract"
            )
        ).sudo().non_billable_reason = False
