# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import api, fields, models

GROUP_POST = "account.group_account_invoice"


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
        [
            ("draft", "Drafts to review"),
            ("post", "Posted"),
            ("send", "Posted and sent"),
        ],
        string="Create As",
        compute="_compute_closing",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    may_post = fields.Boolean(compute="_compute_may_post")
    order_count = fields.Integer(compute="_compute_refused_order_ids")
    billable_count = fields.Integer(compute="_compute_refused_order_ids")
    refused_order_ids = fields.Many2many(
        "fsm.order", string="Not Invoiced", compute="_compute_refused_order_ids"
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

    @api.depends("order_ids", "grouped")
    def _compute_totals(self):
        """Number of invoices, and for each currency what they come to: a list of dicts
        with ``currency_id``, ``untaxed``, ``tax`` and ``total``."""
        for wizard in self:
            orders = wizard.order_ids._origin - wizard.refused_order_ids._origin
            invoices = orders._get_planned_invoices(wizard.grouped)
            wizard.invoice_count = len(invoices)
            sums = defaultdict(lambda: defaultdict(float))
            for planned in invoices:
                totals = planned._get_invoice_totals({})
                amounts = sums[planned.currency_id]
                amounts["untaxed"] += totals["base_amount_currency"]
                amounts["tax"] += totals["tax_amount_currency"]
                amounts["total"] += totals["total_amount_currency"]
            wizard.totals = [
                {"currency_id": currency.id}
                | {name: currency.round(amount) for name, amount in amounts.items()}
                for currency, amounts in sums.items()
            ]

    @api.depends("order_ids")
    def _compute_is_background(self):
        for wizard in self:
            wizard.is_background = self.env["service.invoice.batch"]._is_for_background(
                wizard.order_ids
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
