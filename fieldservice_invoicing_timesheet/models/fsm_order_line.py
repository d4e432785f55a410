# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models


class FsmOrderLine(models.Model):
    _inherit = "fsm.order.line"

    quantity_source = fields.Selection(
        selection_add=[("timesheet", "Timesheets")],
        ondelete={"timesheet": lambda lines: lines._become_manual()},
    )
    timesheet_ids = fields.Many2many(
        "account.analytic.line",
        "fsm_order_line_timesheet_rel",
        string="Timesheets",
        readonly=True,
        copy=False,
        groups="hr_timesheet.group_hr_timesheet_user",
        help="The entries that the line bills; one with overtime is on two lines.",
    )
    billed_timesheet_ids = fields.Many2many(
        "account.analytic.line",
        "fsm_order_line_billed_timesheet_rel",
        copy=False,
        groups=fields.NO_ACCESS,
        help="The entries that were on the line when it was invoiced.",
    )
    labor_factor = fields.Float(
        default=1.0,
        readonly=True,
        copy=False,
        help="Price factor of overtime or a day off.",
    )
    labor_label = fields.Char(
        readonly=True,
        copy=False,
        help="What the description says beside the product: day, employee, rate.",
    )

    @api.model
    def _get_billing_fields(self):
        return super()._get_billing_fields() | {"labor_factor", "labor_label"}

    @api.model
    def _get_source_fields(self):
        return super()._get_source_fields() | {
            "timesheet_ids",
            "labor_factor",
            "labor_label",
        }

    def _get_default_kind(self):
        if self.quantity_source == "timesheet":
            return "labor"
        return super()._get_default_kind()

    @api.depends("labor_label")
    def _compute_name(self):
        unnamed = self.filtered(lambda line: line.labor_label and not line.product_id)
        for line in unnamed:
            line.name = line._get_description()
        return super(FsmOrderLine, self - unnamed)._compute_name()

    def _get_description(self):
        description = super()._get_description()
        return "\n".join(filter(None, (description, self.labor_label)))

    @api.depends("labor_factor")
    def _compute_price_unit(self):
        return super()._compute_price_unit()

    def _get_price_unit(self, pricelist_rules=None):
        price = super()._get_price_unit(pricelist_rules)
        return price * self.labor_factor if self.product_id else price

    @api.depends("timesheet_ids.amount")
    def _compute_purchase_price(self):
        return super()._compute_purchase_price()

    def _get_purchase_price(self):
        if not self.sudo().timesheet_ids:
            return super()._get_purchase_price()
        return self._get_labor_cost() / self.quantity if self.quantity else 0.0

    def _get_labor_cost(self):
        """What the time on one line did cost (float, company currency). An entry that
        is on several lines, one of them overtime, costs each by its quantity."""
        self.ensure_one()
        line = self.sudo()
        lines = line.order_id.line_ids
        return sum(
            entry._get_service_cost() * line._get_share_of(lines, entry)
            for entry in line.timesheet_ids
        )

    def _get_share_of(self, lines, entry):
        """Part (float) of an entry that is on one line.

        :param lines: `fsm.order.line` of its order, superuser mode
        :param entry: `account.analytic.line` of the line
        """
        sharing = lines.filtered(lambda line: entry in line.timesheet_ids)
        return self.quantity / sum(sharing.mapped("quantity"))

    def _write_source_values(self, values):
        res = super()._write_source_values(values)
        if "quantity" in values:
            # it does not follow the quantity: a cost that was entered would be lost
            self.env.add_to_compute(self._fields["purchase_price"], self)
        return res

    def _remember_billed_timesheets(self):
        """Keep which entries are invoiced now: those that come to the line later are
        not. Called in superuser mode when invoice lines are created."""
        for line in self:
            if line.billed_timesheet_ids != line.timesheet_ids:
                line.billed_timesheet_ids = [Command.set(line.timesheet_ids.ids)]
