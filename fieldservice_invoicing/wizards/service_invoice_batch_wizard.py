# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ..models.service_invoice_batch import (
    CLOSINGS,
    GROUP_POST,
    get_totals_by_currency,
)


class ServiceInvoiceBatchWizard(models.TransientModel):
    _name = "service.invoice.batch.wizard"
    _description = "Create Invoices from Service Orders"

    order_ids = fields.Many2many(
        "fsm.order", string="Service Orders", required=True, readonly=True
    )
    grouped = fields.Boolean(
        string="Consolidate",
        help="One invoice for orders that agree in bill-to, currency, fiscal position, "
        "payment terms and company, with a section for each order.",
    )
    closing = fields.Selection(
        CLOSINGS,
        string="Create As",
        compute="_compute_closing",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    may_post = fields.Boolean(compute="_compute_may_post")
    order_count = fields.Integer(
        string="Selected Orders", compute="_compute_refused_order_ids"
    )
    billable_count = fields.Integer(
        string="To Invoice", compute="_compute_refused_order_ids"
    )
    refused_count = fields.Integer(
        string="Not Invoiced", compute="_compute_refused_order_ids"
    )
    refused_order_ids = fields.Many2many(
        "fsm.order",
        string="Orders Not Invoiced",
        compute="_compute_refused_order_ids",
    )
    invoice_count = fields.Integer(string="Invoices", compute="_compute_totals")
    totals = fields.Json(compute="_compute_totals")
    is_background = fields.Boolean(compute="_compute_is_background")

    @api.depends_context("uid")
    @api.depends("order_ids")
    def _compute_may_post(self):
        self.may_post = self.env.user.has_group(GROUP_POST)

    @api.depends("order_ids")
    def _compute_closing(self):
        for wizard in self:
            companies = wizard.order_ids.company_id
            at_once = all(companies.mapped("service_invoice_send"))
            wizard.closing = "send" if wizard.may_post and at_once else "draft"

    @api.depends("order_ids")
    def _compute_refused_order_ids(self):
        for wizard in self:
            orders = wizard.order_ids._origin
            refused = orders.filtered("invoice_refusal")
            wizard.refused_order_ids = refused
            wizard.order_count = len(orders)
            wizard.billable_count = len(orders - refused)
            wizard.refused_count = len(refused)

    @api.depends("order_ids", "grouped")
    def _compute_totals(self):
        """Number of invoices and what they come to, see
        :func:`get_totals_by_currency`."""
        names = ("base_amount_currency", "tax_amount_currency", "total_amount_currency")
        for wizard in self:
            orders = wizard.order_ids._origin - wizard.refused_order_ids._origin
            invoices = orders._get_planned_invoices(wizard.grouped)
            wizard.invoice_count = len(invoices)
            amounts = []
            for planned in invoices:
                totals = planned._get_invoice_totals({})
                amounts.append((planned.currency_id, *(totals[n] for n in names)))
            wizard.totals = get_totals_by_currency(amounts)

    @api.depends("order_ids")
    def _compute_is_background(self):
        for wizard in self:
            wizard.is_background = self.env["service.invoice.batch"]._is_for_background(
                wizard.order_ids._origin
            )

    def action_create_invoices(self):
        """Start to create the invoices, and show how far it is (action dict).

        :raise UserError, AccessError: see ``service.invoice.batch._start``
        """
        self.ensure_one()
        batch = self.env["service.invoice.batch"]._start(
            self.order_ids, grouped=self.grouped, closing=self.closing
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": batch._name,
            "res_id": batch.id,
            "view_mode": "form",
        }
