# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date, split_every

from .res_company import get_superuser_env

REMINDER = "fieldservice_invoicing.mail_activity_unbilled"


class ServiceReminderMixin(models.AbstractModel):
    """What `fsm.order` needs to remind people of finished work that is not billed."""

    _name = "service.reminder.mixin"
    _description = "Reminder of Unbilled Work"

    @api.model
    def _cron_remind_unbilled(self, batch_size=100):
        """Remind of work that is unbilled for as long as its company has set, and take
        back reminders of what needs none any more. Called daily by a scheduled action.

        :param int batch_size: number of orders between two commits
        """
        progress = self.env["ir.cron"]._commit_progress
        self._close_outdated_reminders()
        domain = self._get_unreminded_domain()
        ids = self.search(domain, order="id").ids
        remaining_time = progress(remaining=len(ids))
        for batch in split_every(batch_size, ids, self.browse):
            if not remaining_time:
                break
            batch._schedule_billing_reminder()
            remaining_time = progress(len(batch))

    def _close_outdated_reminders(self):
        """Take back the reminders of all orders that are not to be billed any more, as
        when they went back to an earlier stage."""
        reminders = self._get_reminders()
        self.search(
            Domain("id", "in", reminders.mapped("res_id"))
            & ~Domain("billing_status", "=", "to_invoice")
        )._close_billing_reminders()

    @api.model
    def _get_reminders(self):
        """Open reminders (`mail.activity`, superuser mode) of all orders."""
        activity_type = self.env.ref(REMINDER, raise_if_not_found=False)
        return (
            self.env["mail.activity"]
            .sudo()
            .search(
                [
                    (
                        "activity_type_id",
                        "in",
                        activity_type.ids if activity_type else [],
                    ),
                    ("res_model", "=", self._name),
                ]
            )
        )

    @api.model
    def _get_unreminded_domain(self):
        """Domain of the orders that are unbilled for too long, and of which nobody was
        reminded since then. A reminder that was marked as done without billing is made
        again after the same time."""
        companies = self.env["res.company"].search(
            [
                ("service_invoicing", "=", True),
                ("service_unbilled_reminder_days", ">", 0),
            ]
        )
        return Domain.OR(
            self._get_company_unreminded_domain(company) for company in companies
        )

    @api.model
    def _get_company_unreminded_domain(self, company):
        """:meth:`_get_unreminded_domain` for one `res.company`."""
        days = timedelta(days=company.service_unbilled_reminder_days)
        reminders = self.env["mail.activity"].with_context(active_test=False)
        reminded = reminders._search(
            [
                ("activity_type_id", "=", self.env.ref(REMINDER).id),
                ("res_model", "=", self._name),
                "|",
                ("active", "=", True),
                ("date_done", ">", fields.Date.today() - days),
            ]
        )
        return (
            Domain("company_id", "=", company.id)
            & Domain("billing_status", "=", "to_invoice")
            & Domain("invoiceable_date", "<=", fields.Datetime.now() - days)
            & Domain("id", "not in", reminded.subselect("res_id"))
        )

    def _schedule_billing_reminder(self):
        """Remind the responsible person of each of these orders of billing it."""
        responsible = {order: order._get_billing_responsible() for order in self}
        # no mail for each of them: they are in everyone's list of activities
        orders = self.with_context(mail_activity_quick_update=True)
        activities = orders.env["mail.activity"]
        model = self.env["ir.model"]._get(self._name)
        activity_type = self.env.ref(REMINDER)
        activities.create(
            [
                {
                    "activity_type_id": activity_type.id,
                    "automated": True,
                    "date_deadline": fields.Date.context_today(order),
                    "note": order.with_context(
                        lang=user.lang or self.env.lang
                    )._get_billing_reminder_note(),
                    "res_id": order.id,
                    "res_model_id": model.id,
                    "summary": activity_type.with_context(lang=user.lang).summary,
                    "user_id": user.id,
                }
                for order, user in responsible.items()
            ]
        )

    def _get_billing_responsible(self):
        """Who is reminded of billing one order (`res.users`, may be empty): the worker
        it is assigned to, else who created it, if they work in its company. Hook, e.g.
        for a team's lead."""
        self.ensure_one()
        candidates = self.person_id.partner_id.user_ids | self.create_uid
        return candidates.filtered(
            lambda user: (
                user._is_internal()
                and user.active
                and self.company_id in user.company_ids
                and user.has_group("fieldservice.group_fsm_user_own")
            )
        )[:1]

    def _get_billing_reminder_note(self):
        """What the reminder of one order says (`Markup`): how much there is to bill,
        since when, and what is in the way of it."""
        self.ensure_one()
        note = Markup("<p>%s</p>") % self.env._(
            "%(amount)s to invoice before taxes, finished on %(date)s.",
            amount=self.currency_id.format(self.amount_to_invoice),
            date=format_date(self.env, self.invoiceable_date),
        )
        if refusal := self._get_invoice_refusal():
            for line in refusal.splitlines():
                note += Markup("<p>%s</p>") % line
        return note

    def _close_billing_reminders(self):
        """Take back the reminders of these orders: they are billed, or marked so, or
        there is nothing to bill any more."""
        orders = self.with_env(get_superuser_env(self.env))
        orders.activity_unlink([REMINDER])
