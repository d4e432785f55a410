# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError


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
    billing_status = fields.Selection(
        selection_add=[("progress", "Progress Billing")],
        ondelete={"progress": "set null"},
    )

    # ------------------------------------------------------------------
    # Where the billing stands
    # ------------------------------------------------------------------

    @api.depends("billing_method", "progress_billed", "contract_revised")
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
        return "to_invoice" if self._get_schedule_lines() else "nothing"

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

    def _get_progress_refusal(self):
        """Refusal (str) of an invoice for the whole of a contract."""
        return self.env._(
            "Service order %(order)s is billed by progress draws: use Create Draw. A "
            "draw at 100 %% bills all of it.",
            order=self.name,
        )

    def _get_other_base_lines(self, options=None):
        base_lines = super()._get_other_base_lines(options)
        amount = (options or {}).get("deposit") or 0.0
        return base_lines + self._get_applied_base_lines(amount)

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
        return super()._refresh_draft_invoice(invoice)

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
        if vals.keys() & {"retainage_percent", "retainage_cap_percent"}:
            self._ensure_may_set_limit()
        res = super().write(vals)
        changed._follow_billing_method()
        return res

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
        self._ensure_may_set_limit()
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
