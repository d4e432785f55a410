# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import date_utils

from .res_company import GROUP_USER, INVOICE_READERS

PERIOD_DAYS = 90
PAID_STATES = ("paid", "in_payment", "reversed")


class Fact(NamedTuple):
    """What a figure counts of one team and worker."""

    team: models.BaseModel
    person: models.BaseModel
    count: int
    value: float
    # an invoice of several orders is counted once
    invoice: models.BaseModel | None = None
    since: fields.Date | None = None


class ServiceDashboardMixin(models.AbstractModel):
    """What `fsm.order` tells the invoicing dashboard.

    A figure is a number of records with their value, and the domain of the list that
    shows them. Everything starts from the orders that the user may read.
    """

    _name = "service.dashboard.mixin"
    _description = "Invoicing Dashboard"

    @api.model
    def get_invoicing_dashboard(self, team_ids=None, person_ids=None):
        """Figures of the invoicing dashboard, for the companies that are chosen.

        Called by the dashboard.

        :param list team_ids: ids of `fsm.team`; none for all
        :param list person_ids: ids of `fsm.person`; none for all
        :return: dict with ``figures`` (list of dicts: what the figure is, and its
            ``cell``), ``tables`` (list of dicts with ``rows``, whose ``cells`` go by
            the figures' ``key``), and in what currency amounts are. A cell is a dict
            of ``count``, ``value`` (amount or days), ``oldest`` (days) and the
            ``domain`` of its list.
        :raise UserError: service invoicing is switched off
        :raise AccessError: the user does not read service orders and their invoices
        """
        companies = self._get_dashboard_companies()
        scope = [("company_id", "in", companies.ids)]
        if team_ids:
            scope.append(("team_id", "in", list(team_ids)))
        if person_ids:
            scope.append(("person_id", "in", list(person_ids)))
        facts = self._get_dashboard_facts(scope)
        figures = self._get_dashboard_figures()
        return {
            "currency_id": self.env.company.currency_id.id,
            "currency_name": self.env.company.currency_id.name,
            "is_converted": len(companies.currency_id) > 1
            or self.env.user.has_group("base.group_multi_currency"),
            "period_days": PERIOD_DAYS,
            "figures": [
                {**figure, "cell": self._prepare_cell(figure, facts, scope)}
                for figure in figures
            ],
            "tables": [
                {
                    "key": name,
                    "label": label,
                    "row_label": row_label,
                    "rows": self._prepare_rows(name, figures, facts, scope),
                }
                for name, label, row_label in (
                    ("team", self.env._("By Team"), self.env._("Team")),
                    ("person", self.env._("By Worker"), self.env._("Worker")),
                )
            ],
        }

    def _get_dashboard_companies(self):
        """Chosen companies (`res.company`) that have service invoicing on.

        :raise UserError: none of them has
        :raise AccessError: the user does not read service orders and their invoices
        """
        held = filter(self.env.user.has_group, INVOICE_READERS.split(","))
        companies = self.env.companies.filtered("service_invoicing")
        refused = companies or self.env.company
        refused._ensure_service_invoicing(next(held, GROUP_USER))
        self.browse().check_access("read")
        return companies

    @api.model
    def _get_dashboard_figures(self):
        """The figures, in order: list of dicts with ``key``, ``label``, ``help``,
        ``unit`` (of their value: ``amount`` or ``days``) and the ``action`` (external
        id) that shows their records."""
        orders, invoices, analysis = (
            f"fieldservice_invoicing.action_{name}"
            for name in (
                "orders_to_invoice",
                "service_invoices",
                "report_service_billing",
            )
        )
        figures = [
            (
                "to_invoice",
                orders,
                self.env._("To Invoice"),
                self.env._("Finished work that is on no invoice, before taxes."),
            ),
            (
                "draft",
                invoices,
                self.env._("Drafts"),
                self.env._("Invoices that are not confirmed yet, with taxes."),
            ),
            (
                "due",
                invoices,
                self.env._("Awaiting Payment"),
                self.env._(
                    "Amount due on issued invoices whose due date is still to come."
                ),
            ),
            (
                "overdue",
                invoices,
                self.env._("Overdue"),
                self.env._("Amount due on issued invoices whose due date has passed."),
            ),
            (
                "paid",
                invoices,
                self.env._("Paid This Month"),
                self.env._("Invoices whose last payment came this month, with taxes."),
            ),
            (
                "days_to_bill",
                analysis,
                self.env._("Days to Bill"),
                self.env._(
                    "Average from the end of the work to the date of the invoice, of "
                    "what was invoiced in the last %s days.",
                    PERIOD_DAYS,
                ),
            ),
            (
                "days_to_pay",
                analysis,
                self.env._("Days to Pay"),
                self.env._(
                    "Average from the date of the invoice to its last payment, of what "
                    "was paid in the last %s days.",
                    PERIOD_DAYS,
                ),
            ),
        ]
        return [
            {
                "key": key,
                "action": action,
                "label": label,
                "help": text,
                "unit": "days" if action == analysis else "amount",
            }
            for key, action, label, text in figures
        ]

    # ------------------------------------------------------------------
    # Which records a figure counts
    # ------------------------------------------------------------------

    @api.model
    def _get_invoice_domains(self):
        """Which invoices the figures count: dict of key and a pair of domains (lists),
        on the invoice and on its claims."""
        today = fields.Date.context_today(self)
        unpaid = [("state", "=", "posted"), ("payment_state", "not in", PAID_STATES)]
        month = date_utils.get_month(today)
        return {
            "draft": ([("state", "=", "draft")], []),
            "due": (
                [
                    *unpaid,
                    "|",
                    ("invoice_date_due", "=", False),
                    ("invoice_date_due", ">=", today),
                ],
                [],
            ),
            "overdue": ([*unpaid, ("invoice_date_due", "<", today)], []),
            "paid": (
                [("state", "=", "posted")],
                [("paid_date", ">=", month[0]), ("paid_date", "<=", month[1])],
            ),
        }

    @api.model
    def _get_period_domains(self):
        """Which orders the averages count: dict of key and domain (list) of
        `service.billing.report`."""
        start = fields.Date.context_today(self) - timedelta(days=PERIOD_DAYS)
        once = [("order_count", "=", 1), ("invoice_date", "!=", False)]
        return {
            "days_to_bill": [
                *once,
                ("invoice_date", ">=", start),
                ("finished_date", "!=", False),
            ],
            "days_to_pay": [*once, ("paid_date", ">=", start)],
        }

    @api.model
    def _get_dashboard_domain(self, key, scope):
        """Domain (list) of the records that a figure counts.

        :param str key: of the figure
        :param list scope: domain on the orders
        """
        if key == "to_invoice":
            return [*scope, ("billing_status", "=", "to_invoice")]
        if key in (periods := self._get_period_domains()):
            return [*scope, *periods[key]]
        on_invoice, on_claim = self._get_invoice_domains()[key]
        claims = [("is_active", "=", True), *on_claim, ("order_id", "any", scope)]
        return [*on_invoice, ("service_order_link_ids", "any", claims)]

    # ------------------------------------------------------------------
    # What is counted
    # ------------------------------------------------------------------

    @api.model
    def _get_dashboard_facts(self, scope):
        """What the figures count: dict of key and list of :class:`Fact`.

        :param list scope: domain on the orders
        """
        return {
            "to_invoice": self._get_order_facts(scope),
            **self._get_invoice_facts(scope),
            **self._get_period_facts(scope),
        }

    @api.model
    def _get_order_facts(self, scope):
        groups = self._read_group(
            self._get_dashboard_domain("to_invoice", scope),
            ["team_id", "person_id", "currency_id"],
            ["__count", "amount_to_invoice:sum", "invoiceable_date:min"],
        )
        return [
            Fact(
                team,
                person,
                count,
                self._convert_for_dashboard(amount, currency),
                since=since and since.date(),
            )
            for team, person, currency, count, amount, since in groups
        ]

    @api.model
    def _get_invoice_facts(self, scope):
        # in superuser mode, but of orders that the user may read only
        claims = self.env["fsm.order.invoice"].sudo()
        readable = Domain("order_id", "in", self._search(scope))
        return {
            key: [
                Fact(team, person, 1, self._get_invoice_value(key, invoice), invoice)
                for team, person, invoice in claims._read_group(
                    readable
                    & Domain("is_active", "=", True)
                    & Domain(on_claim)
                    & Domain("move_id", "any", on_invoice),
                    ["order_id.team_id", "order_id.person_id", "move_id"],
                )
            ]
            for key, (on_invoice, on_claim) in self._get_invoice_domains().items()
        }

    @api.model
    def _get_invoice_value(self, key, invoice):
        """What one `account.move` counts in a figure (float): what is due on it, or
        all of it if nothing can be due yet, or any more."""
        is_total = key in ("draft", "paid")
        amount = invoice.amount_total if is_total else invoice.amount_residual
        return self._convert_for_dashboard(amount, invoice.currency_id)

    @api.model
    def _get_period_facts(self, scope):
        # in superuser mode, but of orders that the user may read only
        report = self.env["service.billing.report"].sudo()
        readable = Domain("order_id", "in", self._search(scope))
        return {
            key: [
                Fact(team, person, count, days or 0.0)
                for team, person, count, days in report._read_group(
                    readable & Domain(domain),
                    ["team_id", "person_id"],
                    [f"{key}:count", f"{key}:sum"],
                )
            ]
            for key, domain in self._get_period_domains().items()
        }

    @api.model
    def _convert_for_dashboard(self, amount, currency):
        """Amount (float) in the current company's currency, at today's rate.

        :param currency: `res.currency` of the amount; empty: the company's
        """
        company = self.env.company
        return (currency or company.currency_id)._convert(
            amount or 0.0,
            company.currency_id,
            company,
            fields.Date.context_today(self),
            round=False,
        )

    # ------------------------------------------------------------------
    # Cells
    # ------------------------------------------------------------------

    @api.model
    def _prepare_cell(self, figure, facts, scope):
        """A figure (dict) of the orders in ``scope``.

        :param dict figure: one of :meth:`_get_dashboard_figures`
        :param dict facts: lists of :class:`Fact` by key, of these orders
        :param list scope: domain on the orders
        """
        counted = facts[figure["key"]]
        if any(fact.invoice for fact in counted):
            counted = {fact.invoice: fact for fact in counted}.values()
        count = sum(fact.count for fact in counted)
        value = sum(fact.value for fact in counted)
        if figure["unit"] == "days":
            value = value / count if count else 0.0
        since = min((fact.since for fact in counted if fact.since), default=None)
        today = fields.Date.context_today(self)
        return {
            "count": count,
            "value": value,
            "oldest": (today - since).days if since else False,
            "domain": self._get_dashboard_domain(figure["key"], scope),
        }

    @api.model
    def _prepare_rows(self, name, figures, facts, scope):
        """Figures by team or by worker (list of dicts).

        :param str name: ``team`` or ``person``
        """
        rows = defaultdict(lambda: {figure["key"]: [] for figure in figures})
        for key, counted in facts.items():
            for fact in counted:
                rows[getattr(fact, name)][key].append(fact)
        names = {record: record.sudo().display_name for record in rows}
        return [
            {
                "id": record.id,
                "name": names[record] or self.env._("Unassigned"),
                "cells": {
                    figure["key"]: self._prepare_cell(
                        figure,
                        rows[record],
                        [*scope, (f"{name}_id", "=", record.id)],
                    )
                    for figure in figures
                },
            }
            # those without a name come last
            for record in sorted(rows, key=lambda row: (not row, names[row] or ""))
        ]
