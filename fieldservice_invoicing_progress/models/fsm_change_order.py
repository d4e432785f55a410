# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.fieldservice_invoicing.models.res_company import get_superuser_env

GROUP_WORKER = "fieldservice.group_fsm_user_own"
GROUP_APPROVER = "fieldservice_invoicing_progress.group_change_order_approver"

# what is recorded, and what a change order starts from
INITIAL_VALUES = {"state": "draft", "approved_by_id": False, "approved_date": False}
DERIVED = ("company_id", "currency_id", "amount")


class FsmChangeOrder(models.Model):
    """What is added to a contract, or taken off it, once it was agreed.

    Only drafts change: an approved change order is a part of the contract, which is
    corrected by another one.
    """

    _name = "fsm.change.order"
    _description = "Change Order"
    _inherit = ("mail.thread",)
    _order = "order_id, number"
    _rec_names_search = ("title", "order_id.name")
    _check_company_auto = True

    name = fields.Char(compute="_compute_name")
    order_id = fields.Many2one(
        "fsm.order",
        string="Service Order",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
        domain="[('billing_method', '=', 'progress')]",
    )
    company_id = fields.Many2one(
        related="order_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(
        related="order_id.currency_id", store=True, precompute=True
    )
    number = fields.Integer(
        required=True,
        readonly=True,
        copy=False,
        aggregator=None,
        help="Number on its service order. No number is given twice, not even that of "
        "a deleted draft.",
    )
    date = fields.Date(
        required=True,
        default=fields.Date.context_today,
        copy=False,
        help="When the change was asked for.",
    )
    title = fields.Char(required=True, help="What changes, in a few words.")
    reason = fields.Text(required=True, help="Why it changes, and who asked for it.")
    state = fields.Selection(
        [("draft", "Draft"), ("approved", "Approved"), ("refused", "Refused")],
        string="Status",
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )
    line_ids = fields.One2many(
        "fsm.change.order.line", "change_order_id", string="Changes", copy=True
    )
    amount = fields.Monetary(
        compute="_compute_amount",
        store=True,
        help="What it adds to the contract, or takes off it, before taxes.",
    )
    approved_by_id = fields.Many2one(
        "res.users", string="Approved by", readonly=True, copy=False
    )
    approved_date = fields.Datetime(string="Approved on", readonly=True, copy=False)
    contract_original = fields.Monetary(
        related="order_id.contract_original",
        related_sudo=False,
        string="Original Contract",
    )
    contract_changes_before = fields.Monetary(
        string="Approved Before",
        compute="_compute_contract",
        help="Change orders of the contract that were approved before this one.",
    )
    contract_revised = fields.Monetary(
        string="Revised Contract",
        compute="_compute_contract",
        help="The contract with this change order and those approved before.",
    )

    _one_number = models.Constraint(
        "UNIQUE(order_id, number)",
        "Two change orders were entered for the same service order at once. Try again.",
    )

    @api.depends_context("lang")
    @api.depends("number")
    def _compute_name(self):
        for change in self:
            change.name = (
                self.env._("Change Order %s", change.number)
                if change.number
                else self.env._("New Change Order")
            )

    @api.depends("line_ids.amount")
    def _compute_amount(self):
        for change in self:
            change.amount = sum(change.line_ids.mapped("amount"))

    @api.depends(
        "amount",
        "state",
        "approved_date",
        "order_id.contract_original",
        "order_id.change_order_ids.amount",
        "order_id.change_order_ids.approved_date",
    )
    def _compute_contract(self):
        for change in self:
            before = sum(change._get_approved_before().mapped("amount"))
            change.contract_changes_before = before
            change.contract_revised = change.contract_original + before + change.amount

    def _get_approved_before(self):
        """Change orders of the same contract that were approved before one of them:
        all that are approved, while it is not."""
        self.ensure_one()
        approved = self.order_id.change_order_ids.filtered("approved_date")
        if not self.approved_date:
            return approved
        own = (self.approved_date, self.number)
        return approved.filtered(
            lambda change: (change.approved_date, change.number) < own
        )

    # ------------------------------------------------------------------
    # Approve
    # ------------------------------------------------------------------

    def action_approve(self):
        """Make these drafts a part of their contracts.

        :raise UserError: one can not be approved, with the reason and the way out
        :raise AccessError: the user may not approve change orders
        """
        self._ensure_may_decide()
        self.order_id._lock_billing()
        for change in self.sorted(lambda change: (change.order_id.id, change.number)):
            if refusal := change._get_approval_refusal():
                raise UserError(refusal)
            change._approve()
        return True

    def action_refuse(self):
        """Refuse these drafts.

        :raise UserError: one is no draft
        :raise AccessError: the user may not approve change orders
        """
        self._ensure_may_decide()
        self._ensure_is_draft()
        self._write_decision({"state": "refused"})
        for change in self:
            change._log_on_order(self.env._("Change order refused: %s"))
        return True

    def action_draft(self):
        """Take the refusal of these change orders back.

        :raise UserError: one is not refused
        :raise AccessError: the user may not approve change orders
        """
        self._ensure_may_decide()
        for change in self.filtered(lambda change: change.state != "refused"):
            raise UserError(
                self.env._(
                    "%(change)s of service order %(order)s is not refused: only a "
                    "refused change order can go back to draft.",
                    change=change.name,
                    order=change.order_id.name,
                )
                if change.state == "draft"
                else change._get_final_refusal()
            )
        self._write_decision({"state": "draft"})
        return True

    def _ensure_may_decide(self):
        """Refuse users who may not approve or refuse these change orders.

        :raise UserError: a company has service invoicing switched off
        :raise AccessError: the user lacks the right
        """
        self.company_id._ensure_service_invoicing(GROUP_APPROVER)
        self.check_access("write")

    def _write_decision(self, values):
        """Write recorded ``values`` (dict), which nobody enters."""
        self.with_env(get_superuser_env(self.env)).write(values)

    def _approve(self):
        """Add one draft to its contract, once it is clear that it can be."""
        change = self.with_env(get_superuser_env(self.env))
        before = change.order_id.contract_revised
        change.line_ids.filtered(lambda line: not line.order_line_id)._create_items()
        change.write(
            {
                "state": "approved",
                "approved_by_id": self.env.uid,
                "approved_date": fields.Datetime.now(),
            }
        )
        change._ensure_contract_is_positive()
        change._log_approved(before)

    def _get_approval_refusal(self):
        """Why one change order can not be approved (str or False): hook for more
        reasons."""
        self.ensure_one()
        return (
            self._get_state_refusal()
            or self._get_order_refusal()
            or self._get_lines_refusal()
        )

    def _get_state_refusal(self):
        """Refusal (str or False) to decide on one change order by its state."""
        if self.state == "approved":
            return self._get_final_refusal()
        return self.state == "refused" and self.env._(
            "%(change)s of service order %(order)s is refused. An approver can set it "
            "to draft.",
            change=self.name,
            order=self.order_id.name,
        )

    def _get_final_refusal(self):
        """Refusal (str) of anything for a change order that is approved."""
        return self.env._(
            "%(change)s of service order %(order)s is approved, and so a part of the "
            "contract. Correct it by another change order.",
            change=self.name,
            order=self.order_id.name,
        )

    def _get_order_refusal(self):
        """Refusal (str or False) by the service order of one change order."""
        order = self.order_id
        if order.billing_method != "progress":
            return self._get_billing_method_refusal()
        if order.stage_id.is_closed and not order.stage_id.is_invoiceable:
            return self.env._(
                "%(change)s can not be approved: service order %(order)s is in the "
                "stage “%(stage)s”, in which nothing of its contract is billed. "
                "Reopen the order first.",
                change=self.name,
                order=order.name,
                stage=order.stage_id.name,
            )
        return False

    def _ensure_order_has_contract(self):
        """Refuse change orders of orders without a contract that can change.

        :raise UserError: names the order, the reason and the way out
        """
        for change in self:
            if refusal := change._get_order_refusal():
                raise UserError(refusal)

    def _get_billing_method_refusal(self):
        """Refusal (str) of a change order for an order that is billed at once."""
        return self.env._(
            "Service order %(order)s is billed at once and has no contract to change: "
            "change its order lines, or set its billing method to “Progress Billing”.",
            order=self.order_id.name,
        )

    def _get_lines_refusal(self):
        """Refusal (str or False) by the lines of one change order."""
        if not self.line_ids:
            return self.env._(
                "%(change)s of service order %(order)s changes nothing: say which "
                "items it adds, raises or lowers.",
                change=self.name,
                order=self.order_id.name,
            )
        for line in self.line_ids:
            if refusal := line._get_refusal():
                return refusal
        for item, lines in self.line_ids.grouped("order_line_id").items():
            if item and (refusal := lines._get_value_refusal(item)):
                return refusal
        return False

    def _ensure_contract_is_positive(self):
        """Refuse what would leave less than nothing of the contract of one change order
        that is approved.

        :raise UserError: names change order and service order, and the way out
        """
        currency, revised = self.currency_id, self.order_id.contract_revised
        if currency.compare_amounts(revised, 0.0) < 0:
            raise UserError(
                self.env._(
                    "%(change)s (%(amount)s) would bring the contract of service order "
                    "%(order)s to %(revised)s. Take off less.",
                    change=self.name,
                    amount=currency.format(self.amount),
                    order=self.order_id.name,
                    revised=currency.format(revised),
                )
            )

    # ------------------------------------------------------------------
    # What the chatter says
    # ------------------------------------------------------------------

    def _log_approved(self, before):
        """Tell the order of one change order who approved what.

        :param float before: the contract without it
        """
        currency = self.currency_id
        self._log_on_order(
            self.env._("Change order approved: %s"),
            self.env._(
                "%(amount)s, approved by %(user)s. Contract before: %(before)s, now: "
                "%(after)s.",
                amount=currency.format(self.amount),
                user=self.env.user.name,
                before=currency.format(before),
                after=currency.format(self.order_id.contract_revised),
            ),
            *self.line_ids.order_line_id._get_overbilled_messages(),
        )

    def _log_on_order(self, message, *details):
        """Log on the service order of one change order, and the details on itself.

        :param str message: with ``%s`` for the link to the change order
        :param details: more sentences (str)
        """
        link = Markup("%s (%s)") % (self._get_html_link(), self.title)
        more = [Markup("<br/>%s") % detail for detail in details]
        body = Markup(message) % link + Markup("").join(more)
        self.order_id._message_log(body=body)
        if details:
            self._message_log(body=Markup("<br/>").join(details))

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.constrains("order_id")
    def _check_billing_method(self):
        for change in self:
            if change.order_id.billing_method != "progress":
                raise ValidationError(change._get_billing_method_refusal())

    @api.constrains("title", "reason")
    def _check_is_described(self):
        for change in self:
            if not ((change.title or "").strip() and (change.reason or "").strip()):
                raise ValidationError(
                    self.env._(
                        "%(change)s of service order %(order)s has to say what "
                        "changes, and why.",
                        change=change.name,
                        order=change.order_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        Order = self.env["fsm.order"]
        default_order = self.default_get(["order_id"]).get("order_id")
        numbered = []
        for vals in vals_list:
            self._ensure_not_entered(vals.keys())
            order = Order.browse(vals.get("order_id") or default_order)
            order.company_id._ensure_service_invoicing(GROUP_WORKER)
            number = order._take_change_number() if order else 0
            numbered.append({**vals, **INITIAL_VALUES, "number": number})
        return super().create(numbered)

    def write(self, vals):
        self._ensure_not_entered(vals.keys())
        if vals.keys() & self._get_agreed_fields():
            self._ensure_is_draft()
        if vals.keys() & {*INITIAL_VALUES}:
            self._ensure_is_not_final()
        if "order_id" in vals:
            self._ensure_stays_on_order(vals["order_id"])
        return super().write(vals)

    def _ensure_stays_on_order(self, order_id):
        """Refuse to move change orders to another service order.

        :param order_id: id of the service order that is about to be written
        :raise UserError: names change order, service order and the way out
        """
        for change in self.filtered(lambda change: change.order_id.id != order_id):
            raise UserError(
                self.env._(
                    "%(change)s of service order %(order)s can not move to another "
                    "service order: delete it and enter it there.",
                    change=change.name,
                    order=change.order_id.name,
                )
            )

    @api.model
    def _get_agreed_fields(self):
        """Names (set) of the fields that only a draft changes: what it says."""
        return {"order_id", "number", "date", "title", "reason", "line_ids", *DERIVED}

    def _ensure_not_entered(self, names):
        """Refuse over RPC what is recorded: number, state, and what follows from the
        order and the lines.

        :param names: field names about to be written
        :raise UserError: names the field and the way out
        """
        recorded = {*names} & {"number", *INITIAL_VALUES, *DERIVED}
        if recorded and not self.env.su:
            raise UserError(
                self.env._(
                    "%(field)s of a change order is recorded and can not be entered. "
                    "It follows from the service order and the lines, and from "
                    "“Approve”.",
                    field=self._fields[min(recorded)]._description_string(self.env),
                )
            )

    def _ensure_is_draft(self):
        """Refuse to change what is approved or refused, whoever the user is.

        :raise UserError: names change order and service order, and the way out
        """
        for change in self:
            if refusal := change._get_state_refusal():
                raise UserError(refusal)

    def _ensure_is_not_final(self):
        """Refuse to decide anew on what is approved, whoever the user is.

        :raise UserError: names change order and service order, and the way out
        """
        for change in self.filtered(lambda change: change.state == "approved"):
            raise UserError(change._get_final_refusal())

    @api.ondelete(at_uninstall=False)
    def _unlink_except_decided(self):
        self._ensure_is_draft()
