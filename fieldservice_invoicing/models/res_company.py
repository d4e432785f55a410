# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
from datetime import datetime, time

import pytz
from dateutil.relativedelta import relativedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

_logger = logging.getLogger(__name__)

GROUP_USER = "fieldservice_invoicing.group_service_invoice_user"
GROUP_MANAGER = "fieldservice_invoicing.group_service_invoice_manager"
GROUP_COST = "fieldservice_invoicing.group_service_cost"
INVOICE_READERS = (
    "fieldservice_invoicing.group_service_invoice_user,"
    "account.group_account_readonly,account.group_account_invoice"
)

AUTO_INVOICE = [
    ("off", "Off"),
    ("finished", "When an order is finished"),
    ("weekly", "Weekly, consolidated"),
    ("monthly", "Monthly, consolidated"),
]
# where automatic invoicing is set for an order: the first that says anything counts,
# then the company
AUTO_INVOICE_SETTINGS = (
    "bill_to_id.service_auto_invoice",
    "bill_to_id.commercial_partner_id.service_auto_invoice",
    "type.service_auto_invoice",
)


def get_superuser_env(env):
    """Environment for work in superuser mode on behalf of the user of ``env``.

    Over RPC the caller writes the context: ``default_*`` values, or switches of
    `account.move` that skip its checks, must not reach what is created for someone
    who may not create it.
    """
    names = ("lang", "tz", "allowed_company_ids")
    context = {name: env.context[name] for name in names if name in env.context}
    return env(su=True, context=context)


class ResCompany(models.Model):
    _inherit = "res.company"

    service_invoicing = fields.Boolean(
        default=True,
        help="Invoice field service orders of this company. Without it there is no "
        "menu, tab or button for it and every action refuses; the data is kept.",
    )
    service_invoice_lock = fields.Boolean(
        string="Lock Issued Service Invoices",
        default=True,
        tracking=True,
        help="An issued service invoice or credit note can not be edited, reset to "
        "draft or deleted: it is corrected by a credit note and a new invoice.",
    )
    service_invoice_send = fields.Boolean(
        string="Send Service Invoices at Once",
        help="The Create Invoice dialog proposes 'Create and Send' to users who may "
        "post invoices, instead of a draft to review.",
    )
    service_auto_invoice = fields.Selection(
        AUTO_INVOICE,
        string="Automatic Service Invoices",
        default="off",
        required=True,
        help="When drafts are created of themselves. Weekly and monthly: what was "
        "finished before the current week or month, consolidated per bill-to. An order "
        "type or a customer can have a setting of its own.",
    )
    service_excluded_lines = fields.Selection(
        [("hide", "Left off the invoice"), ("no_charge", "Shown at no charge")],
        string="Excluded Service Lines",
        default="hide",
        required=True,
        help="What the invoice says of order lines that are not billable.",
    )
    service_invoice_journal_id = fields.Many2one(
        "account.journal",
        domain="[('type', '=', 'sale'), ('company_id', 'parent_of', id)]",
        check_company=True,
        help="Journal of the invoices created from service orders. "
        "Empty: the company's first sales journal.",
    )
    service_payment_term_id = fields.Many2one(
        "account.payment.term",
        string="Service Payment Terms",
        check_company=True,
        help="Payment terms of service orders whose bill-to has none of its own.",
    )
    service_walk_in_partner_id = fields.Many2one(
        "res.partner",
        string="Walk-in Contact",
        default=lambda self: self._default_service_walk_in_partner_id(),
        check_company=True,
        help="Books the service invoices of one-offs, whose name and address are typed "
        "in on the order: their accounts, price list and payment terms. None of its "
        "name, address or e-mail reaches a document.",
    )
    service_labor_product_id = fields.Many2one(
        "product.product",
        string="Labor Product",
        domain="[('type', '=', 'service'), ('sale_ok', '=', True)]",
        check_company=True,
        help="Product proposed for labor on service orders: "
        "its price, taxes and income account apply.",
    )

    service_unbilled_reminder_days = fields.Integer(
        string="Reminder of Unbilled Work",
        default=7,
        help="Number of days after which the responsible person is reminded of "
        "finished work that is not billed. Zero: never.",
    )

    _service_unbilled_reminder_days_not_negative = models.Constraint(
        "CHECK (service_unbilled_reminder_days >= 0)",
        "The days until the reminder of unbilled work can not be negative: enter zero "
        "for no reminder.",
    )

    taxes_by_country = fields.Boolean(
        compute="_compute_taxes_by_country",
        compute_sudo=True,
        help="The country of a customer decides the taxes: by a fiscal position, "
        "beside the domestic one, that applies automatically.",
    )

    def _default_service_walk_in_partner_id(self):
        return self.env.ref(
            "fieldservice_invoicing.partner_walk_in", raise_if_not_found=False
        )

    def _compute_taxes_by_country(self):
        FiscalPosition = self.env["account.fiscal.position"]
        for company in self:
            company.taxes_by_country = FiscalPosition.search_count(
                [
                    *FiscalPosition._check_company_domain(company),
                    ("auto_apply", "=", True),
                    ("id", "!=", company.domestic_fiscal_position_id.id),
                    "|",
                    ("country_id", "!=", False),
                    ("country_group_id", "!=", False),
                ],
                limit=1,
            )

    def write(self, vals):
        was_off = self.filtered(lambda company: not company.service_invoicing)
        res = super().write(vals)
        if "service_invoicing" in vals:
            # the menus that a user sees are cached, see ir.ui.menu
            self.env.registry.clear_cache()
        if vals.get("service_invoicing"):
            was_off._catch_up_service_orders()
        if "service_walk_in_partner_id" in vals:
            self._book_one_offs_on_walk_in()
        return res

    def _book_one_offs_on_walk_in(self):
        """Have the orders that are still to bill follow the walk-in contacts."""
        orders = self.env["fsm.order"].sudo()
        orders.search(
            [
                ("company_id", "in", self.ids),
                ("bill_to_type", "!=", "contact"),
                ("invoice_link_ids", "not any", [("is_active", "=", True)]),
            ]
        )._follow_walk_in()

    @api.constrains("service_walk_in_partner_id")
    def _check_service_walk_in_partner(self):
        """The walk-in contact is shared, or of the company itself or one above it."""
        self._check_company(["service_walk_in_partner_id"])

    def _catch_up_service_orders(self):
        """Make order lines of what was done while service invoicing was off: else the
        orders would not be among those to invoice."""
        orders = self.env["fsm.order"].sudo()
        orders.search([("company_id", "in", self.ids)])._follow_sources()

    # ------------------------------------------------------------------
    # Automatic invoicing
    # ------------------------------------------------------------------

    @api.model
    def _cron_invoice_automatically(self):
        """Start the batches that are due: daily, and when orders are finished."""
        progress = self.env["ir.cron"]
        companies = self.with_user(SUPERUSER_ID).search(
            [("service_invoicing", "=", True)], order="id"
        )
        progress._commit_progress(remaining=len(companies))
        for company in companies:
            try:
                company._invoice_automatically()
            except Exception:
                # else a defect that concerns one company would stop all others
                self.env.cr.rollback()
                _logger.exception(
                    "Automatic invoicing of company %s did not work", company.id
                )
            if not progress._commit_progress(1):
                return

    def _invoice_automatically(self):
        """Start the batches of one company that are due (superuser mode).

        :return: `service.invoice.batch`
        """
        self.ensure_one()
        company = self.with_company(self)
        batches = self.env["service.invoice.batch"]
        for frequency in ("finished", "weekly", "monthly"):
            until = company._get_auto_invoice_until(frequency)
            if until and company._has_auto_invoice_batch(frequency, until):
                continue
            if orders := company._get_orders_to_invoice(frequency, until):
                batches |= batches._start(
                    orders.with_company(self),
                    grouped=frequency != "finished",
                    is_background=True,
                    frequency=frequency,
                    company_id=self.id,
                    until_date=until,
                )
        return batches

    def _get_auto_invoice_until(self, frequency):
        """Day (date) on which the current week or month of one company began, in its
        time zone; False where orders are not collected."""
        if frequency == "finished":
            return False
        today = datetime.now(self._get_timezone()).date()
        if frequency == "monthly":
            return today.replace(day=1)
        lang = self.env["res.lang"]._get_data(code=self.partner_id.lang)
        first_weekday = int(lang.week_start or 1)
        return today - relativedelta(days=(today.isoweekday() - first_weekday) % 7)

    def _get_timezone(self):
        """Time zone (tzinfo) of one company."""
        return pytz.timezone(self.partner_id.tz or "UTC")

    def _has_auto_invoice_batch(self, frequency, until):
        """Whether the orders of one company until a day (date) were dealt with (bool).

        :param str frequency: ``weekly`` or ``monthly``
        """
        return bool(
            self.env["service.invoice.batch"].search_count(
                [
                    ("company_id", "=", self.id),
                    ("frequency", "=", frequency),
                    ("until_date", ">=", until),
                ],
                limit=1,
            )
        )

    def _get_orders_to_invoice(self, frequency, until):
        """Orders (`fsm.order`) of one company that can be billed automatically now.

        What can not be billed stays in "Orders to Invoice".

        :param str frequency: ``finished``, ``weekly`` or ``monthly``
        :param until: day (date) before which they were finished, or False
        """
        domain = self._get_auto_invoice_domain(frequency)
        domain &= Domain("billing_status", "=", "to_invoice")
        if until:
            midnight = self._get_timezone().localize(datetime.combine(until, time.min))
            start = midnight.astimezone(pytz.utc).replace(tzinfo=None)
            domain &= Domain("invoiceable_date", "<", start)
        orders = self.env["fsm.order"].search(domain, order="id")
        orders -= orders._get_left_to_people()
        return orders.filtered(lambda order: not order._get_batch_refusal())

    def _get_auto_invoice_domain(self, frequency):
        """Domain of the orders of one company for which a frequency (str) is set."""
        is_set = self.service_auto_invoice == frequency
        domain = Domain.TRUE if is_set else Domain.FALSE
        for name in reversed(AUTO_INVOICE_SETTINGS):
            # also where there is no order type, or no bill-to
            is_blank = ~Domain(name, "!=", False)
            domain = Domain(name, "=", frequency) | (is_blank & domain)
        return Domain("company_id", "=", self.id) & domain

    def _ensure_service_invoicing(self, group=GROUP_USER):
        """Refuse what the companies or the current user may not do.

        Every public method of service invoicing starts here; a superuser
        environment passes the group check as it passes every access check.

        :param str group: external id of the group that the action asks for
        :raise UserError: a company of ``self`` has service invoicing switched off
        :raise AccessError: the user is not in the group
        """
        for company in self.sudo():
            if not company.service_invoicing:
                raise UserError(
                    self.env._(
                        "Service invoicing is switched off for %(company)s. "
                        "An administrator can switch it on in the Field Service "
                        "settings.",
                        company=company.name,
                    )
                )
        if not self.env.su and not self.env.user.has_group(group):
            raise AccessError(
                self.env._(
                    "This needs the access right “%(group)s”. "
                    "Ask your administrator for it.",
                    group=self.env.ref(group).sudo().full_name,
                )
            )

    @api.model
    def _user_has_service_invoicing(self):
        """Whether a company of the current user has service invoicing on (bool)."""
        return any(self.env.user.company_ids.mapped("service_invoicing"))
