# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import Command, api, fields, models
from odoo.tools import format_date
from odoo.tools.misc import get_lang

from odoo.addons.fieldservice_invoicing.models.res_company import get_superuser_env

from ..labor import DAY_OFF, OVERTIME, bill, spread


class FsmOrder(models.Model):
    _inherit = "fsm.order"

    timesheet_project_id = fields.Many2one(
        "project.project",
        compute="_compute_timesheet_project_id",
        compute_sudo=True,
        help="Project that time on this order is logged on: its own, else the "
        "company's internal project.",
    )

    @api.depends("project_id.allow_timesheets", "company_id.internal_project_id")
    def _compute_timesheet_project_id(self):
        for order in self:
            order.timesheet_project_id = (
                order.project_id
                if order.project_id.allow_timesheets
                else order.company_id.internal_project_id
            )

    @api.depends("timesheet_ids.validated", "timesheet_ids.fsm_order_id")
    def _compute_closeout(self):
        return super()._compute_closeout()

    def _collect_order_lines(self):
        res = super()._collect_order_lines()
        orders = self.with_env(get_superuser_env(self.env))
        self._update_sourced_lines("timesheet", orders._prepare_labor_lines())
        return res

    def _refresh_draft_invoice(self, invoice):
        res = super()._refresh_draft_invoice(invoice)
        # an invoice made anew bills what is on the order now, once it is refreshed
        billed = invoice.invoice_line_ids.fsm_order_line_id & self.sudo().line_ids
        billed.filtered(
            lambda line: line.quantity_source == "timesheet"
        )._remember_billed_timesheets()
        return res

    def _get_labor_entries(self):
        """Time (`account.analytic.line`, superuser mode) that was worked on these
        orders, in the order of its logging."""
        entries = self.env["account.analytic.line"].with_env(
            get_superuser_env(self.env)
        )
        domain = [("fsm_order_id", "in", self.ids)]
        return entries.search(domain, order="id")._filter_service_labor()

    def _get_billable_labor_entries(self):
        """Those of :meth:`_get_labor_entries` that the companies bill."""
        return self._get_labor_entries().filtered(
            lambda entry: (
                entry.validated
                or entry.fsm_order_id.company_id.service_timesheet_policy == "all"
                or entry._get_billing_service_lines()
            )
        )

    def _prepare_labor_lines(self):
        """What the timesheets of these orders say.

        :return: list of dicts of values for `fsm.order.line`, see
            ``_update_sourced_lines``
        """
        entries = self._get_billable_labor_entries()
        products = {entry: entry._get_service_labor_product() for entry in entries}
        working_times = self._get_working_times(products)
        values_list = []
        for order, logged in entries.grouped("fsm_order_id").items():
            portions = bill(
                [
                    entry._prepare_labor_entry(
                        products[entry], working_times.get(entry)
                    )
                    for entry in logged
                ],
                {
                    products[entry]: products[entry].product_tmpl_id._get_labor_rules()
                    for entry in logged
                },
            )
            values_list += order._prepare_lines_of_portions(portions)
        return values_list

    @api.model
    def _get_working_times(self, products):
        """Regular working time of the days on which something was logged.

        :param products: dict of `account.analytic.line` and its labor product
        :return: dict of `account.analytic.line` and seconds (int), without those
            whose product has no calendar, or a flexible one, which knows no days
        """
        groups = defaultdict(self.env["account.analytic.line"].browse)
        for entry, product in products.items():
            company = entry.fsm_order_id.company_id
            calendar = product.with_company(company).service_labor_calendar_id
            groups[calendar, company] |= entry
        working_times = {}
        for (calendar, company), entries in groups.items():
            if calendar and not calendar.flexible_hours:
                seconds = calendar._get_working_seconds(entries.mapped("date"), company)
                working_times.update((entry, seconds[entry.date]) for entry in entries)
        return working_times

    def _prepare_lines_of_portions(self, portions):
        """Order lines for the billed time of one order, in superuser mode.

        :param portions: list of ``Portion`` of the module ``labor``
        :return: list of dicts of values for `fsm.order.line`
        """
        self.ensure_one()
        grouping = self._get_labor_grouping()
        rates = {}
        for portion in portions:
            entry = portion.entry
            groups = rates.setdefault((entry.product, portion.rate), {})
            group = self._get_labor_group(grouping, entry)
            groups.setdefault(group, []).append(portion)
        return [
            {
                **self._prepare_labor_line(grouping, product, rate, group),
                "source_key": f"{grouping}-{product.id}-{rate}-{key}",
                "quantity": quantity,
            }
            for (product, rate), groups in rates.items()
            for (key, group), quantity in zip(
                groups.items(),
                self._get_labor_quantities(product, groups.values()),
                strict=True,
            )
        ]

    def _get_labor_grouping(self):
        """Which entries of one order share a line (str): what it was billed with, else
        as its company has it."""
        self.ensure_one()
        billed = self.line_ids.filtered(
            lambda line: (
                line.quantity_source == "timesheet" and line._get_qty_invoiced() > 0
            )
        )
        if billed:
            return billed[0].source_key.partition("-")[0]
        return self.company_id.service_timesheet_grouping

    @api.model
    def _get_labor_group(self, grouping, entry):
        """What the line of an entry stands for, beside product and rate (str).

        :param str grouping: a value of ``res.company.service_timesheet_grouping``
        :param entry: ``Entry`` of the module ``labor``
        """
        return {
            "product": "all",
            "day": str(entry.date),
            "employee": str(entry.person or 0),
            "entry": str(entry.key),
        }[grouping]

    @api.model
    def _get_labor_uom(self, product):
        """Unit (`uom.uom`) that labor is billed in: the product's, if it is one of
        time, else hours."""
        uom = product.uom_id
        return uom if uom._is_time() else uom._get_hour()

    @api.model
    def _get_labor_quantities(self, product, groups):
        """Quantities (list of float) of the lines with one product and rate.

        :param product: `product.product`, may be empty
        :param groups: iterable of lists of ``Portion``, one for each line
        """
        uom = self._get_labor_uom(product)
        return spread(
            [sum(portion.seconds for portion in group) for group in groups],
            uom._compute_quantity(3600.0, uom._get_hour(), round=False),
            self.env["decimal.precision"].precision_get("Product Unit"),
        )

    def _prepare_labor_line(self, grouping, product, rate, portions):
        """Values (dict) of one labor line of this order, without its quantity.

        :param str grouping: see :meth:`_get_labor_group`
        :param product: `product.product`, may be empty
        :param str rate: of the module ``labor``
        :param portions: list of ``Portion`` that share the line
        """
        factor = product.product_tmpl_id._get_labor_rules().get_factor(rate)
        keys = dict.fromkeys(
            key
            for portion in portions
            for key in (portion.entry.key, *portion.corrections)
        )
        return {
            "order_id": self.id,
            "product_id": product.id,
            "product_uom_id": self._get_labor_uom(product).id,
            "labor_factor": factor,
            "labor_label": self._get_labor_label(grouping, product, rate, portions),
            "timesheet_ids": [Command.set(list(keys))],
        }

    def _get_labor_label(self, grouping, product, rate, portions):
        """What the description of a labor line says beside the product (str), in the
        bill-to's language. Parameters as of :meth:`_prepare_labor_line`."""
        order = self.with_context(lang=self._get_bill_to_lang() or self.env.lang)
        rules = product.product_tmpl_id._get_labor_rules()
        decimal_point = get_lang(order.env).decimal_point
        factor = f"{rules.get_factor(rate):g}".replace(".", decimal_point)
        entry = self.env["account.analytic.line"].browse(portions[0].entry.key)
        parts = []
        if not product:
            parts.append(order.env._("Labor"))
        if rate == OVERTIME:
            parts.append(order.env._("overtime × %s", factor))
        elif rate == DAY_OFF:
            parts.append(order.env._("day off × %s", factor))
        if grouping in ("day", "entry"):
            parts.append(format_date(order.env, entry.date))
        if grouping in ("employee", "entry"):
            parts.append(entry.employee_id.name)
        if grouping == "entry" and entry.name != "/":
            parts.append(entry.name)
        return ", ".join(filter(None, parts))
