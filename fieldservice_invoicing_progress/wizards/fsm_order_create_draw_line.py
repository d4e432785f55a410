# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import float_compare, float_round

from ..progress import (
    get_completed,
    get_completed_by_quantity,
    get_excess,
    get_percent,
)


class FsmOrderCreateDrawLine(models.TransientModel):
    """An item of the schedule of values, or the phase over it."""

    _name = "fsm.order.create.draw.line"
    _description = "Item of a Progress Draw"

    wizard_id = fields.Many2one(
        "fsm.order.create.draw", required=True, index=True, ondelete="cascade"
    )
    order_line_id = fields.Many2one(
        "fsm.order.line", string="Item", required=True, ondelete="cascade"
    )
    name = fields.Text(related="order_line_id.name", related_sudo=False)
    is_phase = fields.Boolean(compute="_compute_is_phase")
    currency_id = fields.Many2one(related="wizard_id.currency_id")
    quantity = fields.Float(
        related="order_line_id.quantity", related_sudo=False, string="Scheduled Qty"
    )
    product_uom_id = fields.Many2one(
        related="order_line_id.product_uom_id", related_sudo=False
    )
    phase_percent = fields.Float(
        string="Whole Phase (%)",
        help="Sets the percentage completed of all items of the phase.",
    )
    percent = fields.Float(
        string="Completed (%)",
        digits=(16, 4),
        compute="_compute_entries",
        compute_sudo=False,
        store=True,
        readonly=False,
        help="How much of the scheduled value is completed to date, without stored "
        "materials.",
    )
    work_amount = fields.Monetary(
        string="Work This Period",
        compute="_compute_entries",
        compute_sudo=False,
        store=True,
        readonly=False,
        help="Work completed since the last draw, with materials that were stored "
        "before and are installed now.",
    )
    quantity_done = fields.Float(
        string="Installed",
        digits="Product Unit",
        compute="_compute_entries",
        compute_sudo=False,
        store=True,
        readonly=False,
        help="Quantity that is installed to date.",
    )
    # what the entries were proposed from: they are proposed anew when it changes
    start = fields.Monetary(
        compute="_compute_entries", compute_sudo=False, store=True, readonly=False
    )
    entered_as = fields.Char(
        compute="_compute_entries", compute_sudo=False, store=True, readonly=False
    )
    applied_phase_percent = fields.Float(
        compute="_compute_entries", compute_sudo=False, store=True, readonly=False
    )
    quantity_stored = fields.Float(
        string="Stored Qty",
        digits="Product Unit",
        compute="_compute_quantity_stored",
        compute_sudo=False,
        store=True,
        readonly=False,
        help="Quantity that is on site or in storage and not installed yet.",
    )
    stored = fields.Monetary(
        string="Materials Stored",
        compute="_compute_stored",
        compute_sudo=False,
        store=True,
        readonly=False,
        help="Value of the materials that are presently stored and not installed yet.",
    )
    scheduled = fields.Monetary(string="Scheduled Value", compute="_compute_amounts")
    billed = fields.Monetary(string="Billed Before", compute="_compute_amounts")
    stored_before = fields.Monetary(compute="_compute_amounts")
    completed = fields.Monetary(
        string="Completed to Date",
        compute="_compute_amounts",
        help="Work completed to date, without stored materials.",
    )
    this_period = fields.Monetary(
        compute="_compute_amounts",
        help="What this draw bills: completed to date and stored, less what was "
        "billed before.",
    )
    balance = fields.Monetary(string="Balance to Finish", compute="_compute_amounts")
    percent_billed = fields.Float(
        string="To Date (%)",
        compute="_compute_amounts",
        help="Completed and stored to date, of the scheduled value.",
    )
    is_excess = fields.Boolean(compute="_compute_amounts")

    @api.depends("order_line_id")
    def _compute_is_phase(self):
        for line in self:
            line.is_phase = line.order_line_id.display_type == "line_section"

    # ------------------------------------------------------------------
    # What is entered
    # ------------------------------------------------------------------

    @api.depends(
        "order_line_id", "wizard_id.entry_method", "wizard_id.line_ids.phase_percent"
    )
    def _compute_entries(self):
        """Propose what was completed to date: at first what the dialog starts with,
        then the percentage of the phase each time that changes. What was entered by
        another method is kept when the method changes."""
        for wizard, lines in self.grouped("wizard_id").items():
            start = wizard._get_items_to_start_with()
            phases = wizard._get_phase_percents()
            for line in lines:
                item = line.order_line_id
                if item in start:
                    percent = phases.get(item, line.applied_phase_percent)
                    line._propose_entries(start[item], percent)

    def _propose_entries(self, item, phase_percent):
        """Propose the entries of one line if what they are proposed from changed.

        :param item: ``DrawItem`` that the dialog starts with
        :param float phase_percent: entered for the whole phase
        """
        method = self.wizard_id.entry_method
        is_phase_changed = phase_percent != self.applied_phase_percent
        if is_phase_changed:
            completed = self._get_completed_by_percent(item, phase_percent)
        elif not self.entered_as:
            completed = item.completed
        elif method != self.entered_as:
            completed = self._get_completed(item)
        else:
            return
        self.entered_as = method
        self.applied_phase_percent = phase_percent
        self.start = float(completed)
        self.percent = (
            phase_percent if is_phase_changed else self._get_percent_of(item, completed)
        )
        self.work_amount = float(completed - item.completed_before)
        self.quantity_done = self._get_quantity_of(item, completed)

    @api.depends("order_line_id")
    def _compute_quantity_stored(self):
        for wizard, lines in self.grouped("wizard_id").items():
            start = wizard._get_items_to_start_with()
            for line in lines:
                item = start.get(line.order_line_id)
                line.quantity_stored = item and line._get_quantity_of(item, item.stored)

    @api.depends("order_line_id", "quantity_stored")
    def _compute_stored(self):
        for wizard, lines in self.grouped("wizard_id").items():
            start = wizard._get_items_to_start_with()
            for line in lines:
                item = start.get(line.order_line_id)
                line.stored = item and float(line._get_stored_by_quantity(item))

    def _get_stored_by_quantity(self, item):
        """Value (Decimal) of the quantity that is stored, at the unit value of the
        scheduled value.

        :param item: ``DrawItem`` that the dialog starts with
        """
        if self._is_quantity_of(self.quantity_stored, item, item.stored):
            return item.stored
        return self._get_value_of(item, self.quantity_stored)

    def _prepare_rest(self, item):
        """Values (dict) of one line that take its item to 100 %.

        :param item: ``DrawItem`` of what was billed before
        """
        return {
            "percent": 100.0,
            "work_amount": float(item.scheduled - item.completed_before),
            "quantity_done": self.quantity,
            "start": float(item.scheduled),
            "applied_phase_percent": 100.0,
            "quantity_stored": 0.0,
            "stored": 0.0,
        }

    # ------------------------------------------------------------------
    # What that comes to
    # ------------------------------------------------------------------

    @api.depends(
        "order_line_id",
        "percent",
        "work_amount",
        "quantity_done",
        "stored",
        "wizard_id.entry_method",
        "wizard_id.line_ids.percent",
        "wizard_id.line_ids.work_amount",
        "wizard_id.line_ids.quantity_done",
        "wizard_id.line_ids.stored",
    )
    def _compute_amounts(self):
        for wizard, lines in self.grouped("wizard_id").items():
            before = wizard._get_items_before()
            phases = wizard._get_items_by_phase()
            for line in lines:
                item = before.get(line.order_line_id)
                line._set_amounts(
                    [line._get_item(item)]
                    if item
                    else phases.get(line.order_line_id, [])
                )

    def _set_amounts(self, items):
        """Say what the item of one line, or those of its phase, come to.

        :param items: list of ``DrawItem``
        """
        scheduled = sum(item.scheduled for item in items)
        billed = sum(item.completed + item.stored for item in items)
        self.scheduled = float(scheduled)
        self.billed = float(sum(item.billed for item in items))
        self.stored_before = float(sum(item.stored_before for item in items))
        self.completed = float(sum(item.completed for item in items))
        self.this_period = float(sum(item.this_period for item in items))
        self.balance = float(scheduled - billed)
        self.percent_billed = float(get_percent(billed, scheduled))
        self.is_excess = any(
            get_excess(item.completed + item.stored, item.scheduled) for item in items
        )

    def _get_item(self, before):
        """``DrawItem`` that one line says.

        :param before: ``DrawItem`` of what was billed before
        """
        return before._replace(
            completed=self._get_completed(before),
            stored=self._get_order()._to_decimal(self.stored),
        )

    def _get_completed(self, item):
        """Work completed to date (Decimal) by what is entered on one line.

        :param item: ``DrawItem``, for its scheduled value and what was billed before
        """
        method = self.entered_as or self.wizard_id.entry_method
        order = self._get_order()
        start = order._to_decimal(self.start)
        if method == "amount":
            return item.completed_before + order._to_decimal(self.work_amount)
        if method == "quantity" and self.quantity:
            if self._is_quantity_of(self.quantity_done, item, start):
                return start
            return self._get_value_of(item, self.quantity_done)
        if not float_compare(self.percent, self._get_percent_of(item, start), 4):
            return start
        return self._get_completed_by_percent(item, self.percent)

    def _get_order(self):
        return self.wizard_id.order_id

    def _get_completed_by_percent(self, item, percent):
        """Value (Decimal) of a percentage (float) of one item (``DrawItem``)."""
        rounding = self._get_order()._get_rounding()
        return get_completed(item.scheduled, Decimal(str(percent)), rounding)

    def _get_value_of(self, item, quantity):
        """Value (Decimal) of a quantity (float) of one item (``DrawItem``)."""
        if not self.quantity:
            return item.scheduled * 0
        return get_completed_by_quantity(
            item.scheduled,
            Decimal(str(self.quantity)),
            Decimal(str(quantity)),
            self._get_order()._get_rounding(),
        )

    def _get_percent_of(self, item, amount):
        """Percentage (float) that an amount (Decimal) is of one item (``DrawItem``), as
        it is entered."""
        return round(float(get_percent(amount, item.scheduled)), 4)

    def _get_quantity_of(self, item, amount):
        """Quantity (float) that an amount (Decimal) is worth of one item
        (``DrawItem``), as it is entered."""
        share = get_percent(amount, item.scheduled) / 100
        return float_round(
            self.quantity * float(share), precision_digits=self._get_quantity_digits()
        )

    def _is_quantity_of(self, quantity, item, amount):
        """Whether a quantity (float) is just what :meth:`_get_quantity_of` says of an
        amount (bool): then the amount stays as it is, to the cent."""
        digits = self._get_quantity_digits()
        return not float_compare(quantity, self._get_quantity_of(item, amount), digits)

    def _get_quantity_digits(self):
        return self.env["decimal.precision"].precision_get("Product Unit")
