# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..labor import Entry, hours

GROUP_APPROVER = "hr_timesheet.group_hr_timesheet_approver"


class AccountAnalyticLine(models.Model):
    _inherit = "account.analytic.line"

    # orders without a project have timesheets, too
    fsm_order_id = fields.Many2one(domain=[], index="btree_not_null")
    validated = fields.Boolean(
        copy=False,
        help="Checked by someone who approves timesheets; others can no longer change "
        "the entry.",
    )
    # without this inverse Odoo would search the lines of each entry whose cost changes
    service_line_ids = fields.Many2many(
        "fsm.order.line",
        "fsm_order_line_timesheet_rel",
        copy=False,
        groups=fields.NO_ACCESS,
        help="Service order lines that bill this entry.",
    )
    billed_service_line_ids = fields.Many2many(
        "fsm.order.line",
        "fsm_order_line_billed_timesheet_rel",
        copy=False,
        groups=fields.NO_ACCESS,
        help="Service order lines that were invoiced with this entry.",
    )

    # ------------------------------------------------------------------
    # What is billed on the service order
    # ------------------------------------------------------------------

    def _filter_service_labor(self):
        """Those entries that are time worked on a service order.

        Hook to leave out what is billed elsewhere. Called in superuser mode. The
        analytic side of a journal item (a vendor bill) is a cost and not labor, nor is
        what is measured in another unit than time.
        """
        return self.filtered(
            lambda entry: (
                not entry.move_line_id
                and (not entry.product_uom_id or entry.product_uom_id._is_time())
            )
        )

    def _get_service_seconds(self):
        """Time (int, seconds) of one entry."""
        self.ensure_one()
        hour = self.env["uom.uom"]._get_hour()
        unit = self.product_uom_id or self.company_id.project_time_mode_id or hour
        return hours(unit._compute_quantity(self.unit_amount, hour, round=False))

    def _get_service_cost(self):
        """What one entry did cost (float, currency of the company of its order)."""
        self.ensure_one()
        company = self.fsm_order_id.company_id or self.company_id
        return self.currency_id._convert(
            -self.amount, company.currency_id, company, self.date
        )

    def _prepare_labor_entry(self, product, working_time):
        """One entry as the module ``labor`` computes with it (``Entry``).

        :param product: `product.product` that bills it, may be empty
        :param working_time: seconds (int) of the day's working time, None: any
        """
        self.ensure_one()
        return Entry(
            key=self.id,
            date=self.date,
            person=self.employee_id.id or None,
            product=product,
            seconds=self._get_service_seconds(),
            working_time=working_time,
        )

    def _get_service_labor_product(self):
        """Product (`product.product`, may be empty) that bills one entry, nearest
        first; in superuser mode.

        A billed entry keeps the product that billed it, and gives it to corrections:
        with another one they would not lower what was billed.
        """
        self.ensure_one()
        company = self.fsm_order_id.company_id
        if billing_lines := (
            self._get_billing_service_lines() or self._get_corrected_service_lines()
        ):
            return billing_lines[0].product_id
        candidates = (
            self.product_id,
            self.employee_id.service_labor_product_id,
            self.fsm_order_id.type.with_company(company).service_labor_product_id,
            company.service_labor_product_id,
        )
        for product in candidates:
            owner = product.company_id
            if product and (not owner or owner in company.parent_ids):
                return product
        return self.env["product.product"]

    def _get_billing_service_lines(self):
        """Lines (`fsm.order.line`, superuser mode) of one order that an active
        invoice bills with this entry, and that are not credited in full."""
        self.ensure_one()
        return self.sudo().billed_service_line_ids.filtered(
            lambda line: line._get_qty_invoiced() > 0
        )

    def _get_corrected_service_lines(self):
        """Billed lines (`fsm.order.line`, superuser mode) of its employee's time that
        one entry without a product of its own corrects, if it is negative."""
        self.ensure_one()
        if self.unit_amount >= 0 or self.product_id:
            return self.env["fsm.order.line"]
        return self.sudo().fsm_order_id.line_ids.filtered(
            lambda line: (
                self.employee_id in line.billed_timesheet_ids.employee_id
                and line._get_qty_invoiced() > 0
            )
        )

    # ------------------------------------------------------------------
    # Validation
    # ------------------------------------------------------------------

    def action_validate_timesheet(self):
        """Validate entries: they can be billed, and only approvers change them.

        :raise AccessError: the user does not approve timesheets
        """
        self._ensure_may_validate()
        self.filtered(lambda entry: not entry.validated).write({"validated": True})
        return True

    def action_invalidate_timesheet(self):
        """Take the validation of entries back.

        :raise AccessError: the user does not approve timesheets
        :raise UserError: an entry is billed
        """
        self._ensure_may_validate()
        self.filtered("validated").write({"validated": False})
        return True

    def _ensure_may_validate(self):
        """Refuse users who do not approve timesheets.

        :raise AccessError: names the way out
        """
        if not self.env.su and not self.env.user.has_group(GROUP_APPROVER):
            raise AccessError(
                self.env._(
                    "Timesheets are validated by those who approve them: this needs "
                    "the access right “%(group)s”. Ask your administrator for it.",
                    group=self.env.ref(GROUP_APPROVER).sudo().full_name,
                )
            )

    def _ensure_not_validated(self):
        """Keep validated entries from others than approvers.

        :raise AccessError: names an entry and the way out
        """
        if self.env.su or self.env.user.has_group(GROUP_APPROVER):
            return
        if validated := self.filtered("validated")[:1]:
            raise AccessError(
                self.env._(
                    "The timesheet entry “%(entry)s” of %(date)s is validated. Ask "
                    "someone who approves timesheets to correct it.",
                    entry=validated.name,
                    date=fields.Date.to_string(validated.date),
                )
            )

    # ------------------------------------------------------------------
    # Billed entries stay as they are
    # ------------------------------------------------------------------

    @api.model
    def _get_billed_fields(self):
        """Names (set) of the fields that decide what an entry bills."""
        return {
            "date",
            "employee_id",
            "unit_amount",
            "product_uom_id",
            "product_id",
            "project_id",
            "task_id",
            "fsm_order_id",
            "move_line_id",
        }

    def _ensure_not_billed(self):
        """Refuse to change what an active invoice bills, whoever does it.

        :raise UserError: names entry, order, invoice and the way out
        """
        for entry in self.sudo().filtered("fsm_order_id"):
            if line := entry._get_billing_service_lines()[:1]:
                raise UserError(
                    self.env._(
                        "The timesheet entry “%(entry)s” of %(date)s is billed on "
                        "service order %(order)s by %(invoice)s. Cancel that invoice "
                        "or credit the hours in full first, or log the difference as "
                        "a new entry, negative if there is less to bill.",
                        entry=entry.name,
                        date=fields.Date.to_string(entry.date),
                        order=line.order_id.name,
                        invoice=line._get_billing_invoices()[:1].display_name,
                    )
                )

    def _will_change(self, values, names):
        """Whether one entry gets other values in the fields ``names`` (set) (bool)."""
        self.ensure_one()
        entry = self.sudo()
        for name in names & values.keys():
            field = self._fields[name]
            new = field.convert_to_cache(values[name], entry, validate=False)
            if new != field.convert_to_cache(entry[name], entry):
                return True
        return False

    def _check_can_write(self, values):
        res = super()._check_can_write(values)
        self._ensure_not_validated()
        if any(entry._will_change(values, {"validated"}) for entry in self):
            self._ensure_may_validate()
        names = self._get_billed_fields()
        if not values.get("validated"):
            names = names | {"validated"}
        self.filtered(
            lambda entry: entry._will_change(values, names)
        )._ensure_not_billed()
        return res

    def _is_readonly(self):
        return (
            super()._is_readonly()
            or bool(self._get_billing_service_lines())
            or (self.validated and not self.env.user.has_group(GROUP_APPROVER))
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_validated(self):
        self._ensure_not_validated()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self._ensure_not_billed()

    # ------------------------------------------------------------------
    # Tell the service orders
    # ------------------------------------------------------------------

    @api.model
    def _get_service_fields(self):
        """Names (set) of the fields whose change reaches the order lines."""
        return self._get_billed_fields() | {"name", "validated"}

    @api.model_create_multi
    def create(self, vals_list):
        entries = super().create(
            [{**self._get_service_project(vals), **vals} for vals in vals_list]
        )
        if entries.filtered("validated"):
            entries._ensure_may_validate()
        entries._ensure_order_is_seen()
        entries.fsm_order_id._follow_sources()
        return entries

    @api.model
    def _get_service_project(self, vals):
        """Values (dict) with the project that timesheets need, for time on a service
        order whose own values (dict) name none."""
        order_id = self.env.context.get("default_fsm_order_id")
        order = self.env["fsm.order"].sudo().browse(vals.get("fsm_order_id", order_id))
        if (
            not order.company_id.service_invoicing
            or "unit_amount" not in vals
            or vals.get("task_id")
            or vals.get("move_line_id")
        ):
            return {}
        return {"project_id": order.timesheet_project_id.id}

    def _ensure_order_is_seen(self):
        """Refuse time on service orders that the user does not see. Accountants book
        costs on them nevertheless.

        :raise AccessError: by the access rights of the orders
        """
        if not self.env.su:
            labor = self.sudo()._filter_service_labor().sudo(False)
            labor.fsm_order_id.check_access("read")

    def write(self, vals):
        followed = self.browse()
        if vals.keys() & self._get_service_fields():
            followed = self
        orders = followed.sudo().fsm_order_id
        res = super().write(vals)
        if vals.get("fsm_order_id"):
            self._ensure_order_is_seen()
        (orders | followed.sudo().fsm_order_id)._follow_sources()
        return res

    def unlink(self):
        orders = self.sudo().fsm_order_id
        res = super().unlink()
        orders._follow_sources()
        return res
