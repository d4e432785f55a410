# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import groupby

from ..progress import get_excess


class FsmOrderCreateDraw(models.TransientModel):
    """Says how much of each item is completed to date; what that bills is reckoned by
    the order, before and after the draw is created by the same methods."""

    _name = "fsm.order.create.draw"
    _inherit = ("service.billing.dialog.mixin", "service.deposit.dialog.mixin")
    _description = "Create a Progress Draw"

    move_id = fields.Many2one(
        "account.move",
        string="Draft Draw",
        readonly=True,
        help="The draft that is changed; none for a new draw.",
    )
    number = fields.Integer(string="Draw", compute="_compute_number")
    entry_method = fields.Selection(
        [
            ("percent", "Percentage Completed"),
            ("amount", "Amount This Period"),
            ("quantity", "Quantities"),
        ],
        string="Enter as",
        default="percent",
        required=True,
        help="Percentage: how much of the item is completed to date. Amount: what was "
        "completed since the last draw. Quantities: how much is installed to date.",
    )
    line_ids = fields.One2many(
        "fsm.order.create.draw.line",
        "wizard_id",
        string="Schedule of Values",
        compute="_compute_line_ids",
        compute_sudo=False,
        store=True,
        readonly=False,
    )
    has_phases = fields.Boolean(compute="_compute_has_phases")
    retainage_percent = fields.Float(
        string="Retainage (%)",
        digits=(16, 4),
        compute="_compute_retainage_percent",
        compute_sudo=False,
        store=True,
        readonly=False,
        precompute=True,
        help="What the customer retains of this draw. A change holds for this draw "
        "only.",
    )
    amount_work = fields.Monetary(string="Work This Period", compute="_compute_totals")
    amount_retainage = fields.Monetary(string="Retainage", compute="_compute_totals")
    amount_deposit = fields.Monetary(string="Deposit", compute="_compute_totals")
    is_credit = fields.Boolean(compute="_compute_is_credit")
    is_excess = fields.Boolean(compute="_compute_is_excess")
    closeout_warning = fields.Text(
        related="order_id.closeout_warning", related_sudo=False
    )

    @api.depends("order_id", "move_id")
    def _compute_number(self):
        for wizard in self:
            wizard.number = (
                wizard._get_claim().number or len(wizard.order_id._get_draws()) + 1
                if wizard.order_id
                else 0
            )

    @api.depends("order_id", "move_id")
    def _compute_line_ids(self):
        # the ORM reads x2many fields of a new dialog in superuser mode
        self.sudo(False).order_id.check_access("read")
        for wizard in self:
            lines = wizard._prepare_lines() if wizard.order_id else []
            wizard.line_ids = [
                Command.clear(),
                *(Command.create(line) for line in lines),
            ]

    @api.depends("line_ids.is_phase")
    def _compute_has_phases(self):
        for wizard in self:
            wizard.has_phases = any(wizard.line_ids.mapped("is_phase"))

    @api.depends("order_id", "move_id")
    def _compute_retainage_percent(self):
        for wizard in self:
            source = wizard._get_claim() or wizard.order_id
            wizard.retainage_percent = source.retainage_percent

    @api.depends("line_ids.completed", "line_ids.stored", "retainage_percent")
    def _compute_deposit_limit(self):
        for wizard in self:
            wizard.deposit_limit = wizard._get_applied_amount(
                wizard._get_base_lines(deposit=None)
            )

    def _get_deposit_to_start_with(self, limit):
        if not self.move_id:
            return super()._get_deposit_to_start_with(limit)
        return min(self.order_id._get_deposit_on(self.move_id), limit)

    @api.depends(
        "line_ids.completed",
        "line_ids.stored",
        "retainage_percent",
        "deposit",
        "deposit_limit",
    )
    def _compute_totals(self):
        for wizard in self:
            base_lines = wizard._get_base_lines(wizard._get_announced_deposit())
            wizard.amount_work = float(wizard._get_work())
            for name in ("retainage", "deposit"):
                wizard[f"amount_{name}"] = wizard._get_untaxed_amount(base_lines, name)
            wizard._set_totals(base_lines)

    @api.depends("line_ids.completed", "line_ids.stored", "move_id")
    def _compute_is_credit(self):
        for wizard in self:
            wizard.is_credit = not wizard.move_id and wizard._get_work() < 0

    @api.depends("line_ids.is_excess")
    def _compute_is_excess(self):
        for wizard in self:
            wizard.is_excess = any(wizard.line_ids.mapped("is_excess"))

    # ------------------------------------------------------------------
    # What the dialog starts from
    # ------------------------------------------------------------------

    def _get_claim(self):
        """Claim (`fsm.order.invoice`) of the draft draw that is changed, if any."""
        return self.move_id.service_order_link_ids.filtered(
            lambda claim: claim.order_id == self.order_id
        )[:1]

    def _prepare_lines(self):
        """Values (list of dicts) of the lines: the items of the schedule of values,
        under their phases."""
        items = self.order_id._get_schedule_lines()
        values, section = [], None
        for line in self.order_id.line_ids.sorted():
            if line.display_type == "line_section":
                section = line
            elif line in items:
                if section:
                    values.append({"order_line_id": section.id})
                    section = None
                values.append({"order_line_id": line.id})
        return values

    def _get_phases(self):
        """The phase (section, `fsm.order.line`) of each item (dict)."""
        phases, section = {}, None
        for line in self.order_id.line_ids.sorted():
            if line.display_type == "line_section":
                section = line
            elif section and not line.display_type:
                phases[line] = section
        return phases

    def _get_phase_percents(self):
        """The percentage (float) entered for the phase of each item (dict by
        `fsm.order.line`)."""
        entered = {
            line.order_line_id: line.phase_percent
            for line in self.line_ids
            if line.is_phase
        }
        return {
            item: entered[phase]
            for item, phase in self._get_phases().items()
            if phase in entered
        }

    def _get_items_before(self):
        """What was billed before this draw (dict of ``DrawItem`` by line)."""
        if not self.order_id:
            return {}
        items = self.order_id._get_draw_items({}, without=self.move_id)
        return {item.line: item for item in items}

    def _get_items_to_start_with(self):
        """What the dialog says before something is entered: what the draft says that is
        changed, or the cancelled draw that this one bills anew, else what was billed
        before, within the contract of now.

        :return: dict of ``DrawItem`` by `fsm.order.line`
        """
        items = self._get_items_before()
        if self.move_id:
            for item in self.order_id._get_draw_items({}):
                items[item.line] = items[item.line]._replace(
                    completed=item.completed, stored=item.stored
                )
            return items
        for line in self._get_cancelled_draw_lines():
            if item := items.get(line.fsm_order_line_id):
                items[item.line] = self._get_redone_item(item, line)
        return {line: self._get_settled_item(item) for line, item in items.items()}

    @api.model
    def _get_settled_item(self, item):
        """``DrawItem`` that takes back what is billed of an item beyond the scheduled
        value, which a change order reduced; as it is where nothing is."""
        if not get_excess(item.completed + item.stored, item.scheduled):
            return item
        stored = min(item.stored, max(item.scheduled, 0))
        return item._replace(completed=item.scheduled - stored, stored=stored)

    def _get_cancelled_draw_lines(self):
        """Lines (`account.move.line`, superuser mode) of the work on the last draw that
        was cancelled and whose number the draw to create takes."""
        claims = self.order_id.sudo().invoice_link_ids.filtered(
            lambda claim: (
                claim.billing_kind == "draw"
                and claim.number == self.number
                and not claim.is_active
            )
        )
        lines = claims.sorted("id")[-1:].move_id.invoice_line_ids
        return lines.filtered(lambda line: line.progress_type == "work")

    def _get_redone_item(self, item, line):
        """``DrawItem`` that says what a cancelled draw said, unless the contract is
        lower now.

        :param item: ``DrawItem`` of what was billed before
        :param line: `account.move.line` of the cancelled draw
        """
        order = self.order_id
        stored = order._to_decimal(line.progress_stored)
        billed = item.billed + order._to_decimal(line.price_subtotal)
        if get_excess(billed, item.scheduled):
            return item
        return item._replace(completed=billed - stored, stored=stored)

    # ------------------------------------------------------------------
    # What it comes to
    # ------------------------------------------------------------------

    def _get_items(self):
        """What the lines say of each item of the schedule of values (list of
        ``DrawItem``); an item without a line stays as it is."""
        lines = self.line_ids.grouped("order_line_id")
        return [
            lines[before.line][0]._get_item(before) if before.line in lines else before
            for before in self._get_items_before().values()
        ]

    def _get_items_by_phase(self):
        """What the lines say of the items of each phase (dict of lists of ``DrawItem``
        by section)."""
        phases = self._get_phases()
        return {
            phase: list(items)
            for phase, items in groupby(
                self._get_items(), lambda item: phases.get(item.line)
            )
        }

    def _get_work(self):
        """Work and stored materials billed this period (Decimal, untaxed)."""
        return sum(item.this_period for item in self._get_items())

    def _get_base_lines(self, deposit):
        """Base lines (list of dicts) of the invoice; none of a credit, whose notes
        correct earlier draws.

        :param deposit: amount (float) to apply, None for as much as there is
        """
        items = self._get_items()
        if not items or sum(item.this_period for item in items) < 0:
            return []
        order = self.order_id.with_company(self.company_id)
        return order._get_draw_base_lines(
            items, self.retainage_percent, deposit, without=self.move_id
        )

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_bill_rest(self):
        """Take every item to 100 %: nothing is stored any more, all of it installed.

        :return: action dict that shows the dialog again
        """
        self.ensure_one()
        before = self._get_items_before()
        self.line_ids.filtered("is_phase").phase_percent = 100.0
        for line in self.line_ids.filtered(lambda line: line.order_line_id in before):
            line.write(line._prepare_rest(before[line.order_line_id]))
        return {
            "type": "ir.actions.act_window",
            "name": self._get_title(),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }

    def _get_title(self):
        """Title (str) of the dialog, with the draw's number."""
        return self.env._(
            "Progress Draw %(number)s of %(order)s",
            number=self.number,
            order=self.order_id.name,
        )

    def _create_documents(self):
        order, items = self.order_id, self._get_items()
        options = {
            "completed": {item.line: float(item.completed) for item in items},
            "stored": {item.line: float(item.stored) for item in items},
            "retainage_percent": self.retainage_percent,
            "deposit": self.deposit,
        }
        if self.move_id:
            return order._update_draw(self.move_id, **options)
        return order._create_draw(**options)

    def action_create_and_send(self):
        if self.is_credit:
            raise UserError(
                self.env._(
                    "This draw of service order %(order)s comes to a credit. Create "
                    "the credit notes as drafts and review them.",
                    order=self.order_id.name,
                )
            )
        return super().action_create_and_send()
