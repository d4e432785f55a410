# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import SQL, frozendict

from .res_company import GROUP_COST


class ServiceBillingReport(models.Model):
    """Billed and unbilled work in the currency of its company.

    A row for each order line, and one for each order: what concerns the order as a
    whole (a discount, lines that were added to its invoice, its dates) is counted
    there, once. The rows of an order come to what the order says.
    """

    _name = "service.billing.report"
    _description = "Service Billing Analysis"
    _auto = False
    _rec_name = "order_id"
    _order = "finished_date desc, order_id desc, id"
    _depends = frozendict(
        {
            "account.move": [
                "currency_id",
                "invoice_currency_rate",
                "invoice_date",
                "move_type",
                "reversed_entry_id",
                "state",
            ],
            "account.move.line": [
                "amount_currency",
                "balance",
                "currency_id",
                "display_type",
                "fsm_order_line_id",
                "move_id",
                "service_discount_order_id",
            ],
            "fsm.order": [
                "amount_to_invoice",
                "amount_untaxed",
                "bill_to_id",
                "billing_status",
                "company_id",
                "cost",
                "currency_id",
                "include_unit_price",
                "invoiceable_date",
                "location_id",
                "person_id",
                "team_id",
                "type",
            ],
            "fsm.order.invoice": [
                "is_active",
                "move_id",
                "order_id",
                "paid_date",
                "slot",
            ],
            "fsm.order.line": [
                "cost",
                "display_type",
                "kind",
                "order_id",
                "price_subtotal",
                "product_id",
            ],
            "product.product": ["product_tmpl_id"],
            "product.template": ["categ_id"],
            "res.company": ["currency_id", "parent_path"],
            "res.currency.rate": ["company_id", "currency_id", "name", "rate"],
        }
    )

    order_id = fields.Many2one("fsm.order", string="Service Order", readonly=True)
    order_line_id = fields.Many2one("fsm.order.line", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    team_id = fields.Many2one("fsm.team", readonly=True)
    person_id = fields.Many2one("fsm.person", string="Assigned To", readonly=True)
    type_id = fields.Many2one("fsm.order.type", string="Order Type", readonly=True)
    location_id = fields.Many2one("fsm.location", readonly=True)
    bill_to_id = fields.Many2one("res.partner", string="Bill-to", readonly=True)
    billing_status = fields.Selection(
        lambda self: self.env["fsm.order"]._fields["billing_status"].selection,
        readonly=True,
    )
    kind = fields.Selection(
        lambda self: [
            *self.env["fsm.order.line"]._fields["kind"].selection,
            ("order", "Order as a Whole"),
        ],
        readonly=True,
        help="What is on the order as a whole is a discount, what was added to its "
        "invoice, and its days.",
    )
    product_id = fields.Many2one("product.product", readonly=True)
    product_categ_id = fields.Many2one(
        "product.category", string="Product Category", readonly=True
    )
    finished_date = fields.Date(string="Finished", readonly=True)
    invoice_date = fields.Date(readonly=True)
    paid_date = fields.Date(string="Paid on", readonly=True)
    order_count = fields.Integer(string="Orders", readonly=True)
    amount_untaxed = fields.Monetary(
        string="Value",
        readonly=True,
        help="What the customer is charged before taxes, billed or not.",
    )
    amount_billed = fields.Monetary(
        string="Billed",
        readonly=True,
        help="On invoices, drafts too, less posted credit notes, before taxes.",
    )
    amount_unbilled = fields.Monetary(
        string="Unbilled",
        readonly=True,
        help="Finished and on no invoice yet, before taxes.",
    )
    cost = fields.Monetary(readonly=True, groups=GROUP_COST)
    margin = fields.Monetary(
        readonly=True, groups=GROUP_COST, help="Value, billed or not, less cost."
    )
    days_to_bill = fields.Float(
        string="Days to Bill",
        digits=(16, 1),
        aggregator="avg",
        readonly=True,
        help="From the end of the work to the date of the invoice, once an order.",
    )
    days_to_pay = fields.Float(
        string="Days to Pay",
        digits=(16, 1),
        aggregator="avg",
        readonly=True,
        help="From the date of the invoice to its last payment, once an order.",
    )

    @property
    def _table_query(self):
        return SQL(
            "WITH %s SELECT * FROM line_row UNION ALL %s",
            SQL(", ").join(
                SQL("%s AS (%s)", SQL.identifier(name), query)
                for name, query in self._get_steps().items()
            ),
            self._get_order_rows(),
        )

    @api.model
    def _get_steps(self):
        """The parts of the query, each using those before it: dict of name and
        `SQL`."""
        return {
            "claim": self._get_claims(),
            "document": self._get_documents(),
            "billed": self._get_billed(),
            "invoice": self._get_invoices(),
            "service_order": self._get_orders(),
            "line_row": self._get_line_rows(),
            "line_total": self._get_line_totals(),
        }

    @api.model
    def _get_claims(self):
        """Active claims on the work of orders. An invoice with one claim is all its
        order's, see ``fsm.order.invoice._get_share``."""
        return SQL(
            """
            SELECT *
              FROM (
                SELECT link.id, link.order_id, link.move_id, link.paid_date,
                       link.is_active AND %s AS is_counted,
                       COUNT(*) OVER (PARTITION BY link.move_id) = 1 AS is_sole
                  FROM fsm_order_invoice link
                   ) AS link
             WHERE is_counted
            """,
            self._get_work_condition(),
        )

    @api.model
    def _get_work_condition(self):
        """Condition (`SQL`) on ``link`` (`fsm.order.invoice`) that it bills the work:
        hook, as ``fsm.order.invoice._get_work_domain``."""
        return SQL("link.slot = 'order'")

    @api.model
    def _get_documents(self):
        """Invoices of the claims, and their posted credit notes."""
        return SQL(
            """
            SELECT order_id, is_sole, move_id FROM claim
             UNION ALL
            SELECT claim.order_id, claim.is_sole, note.id
              FROM claim
              JOIN account_move note
                ON note.reversed_entry_id = claim.move_id
               AND note.move_type = 'out_refund'
               AND note.state = 'posted'
            """
        )

    @api.model
    def _get_billed(self):
        """What journal items say of each order line, or of the order as a whole:
        ``amount`` in the company's currency, of which ``foreign_amount`` is on
        documents in another currency than the order's; ``own_amount`` is the rest."""
        return SQL(
            """
            SELECT document.order_id,
                   CASE WHEN order_line.order_id = document.order_id
                        THEN order_line.id END AS line_id,
                   -SUM(item.balance) AS amount,
                   -SUM(CASE WHEN item.currency_id = fsm_order.currency_id
                             THEN item.amount_currency ELSE 0.0 END) AS own_amount,
                   -SUM(CASE WHEN item.currency_id = fsm_order.currency_id
                             THEN 0.0 ELSE item.balance END) AS foreign_amount
              FROM document
              JOIN fsm_order ON fsm_order.id = document.order_id
              JOIN account_move_line item ON item.move_id = document.move_id
         LEFT JOIN fsm_order_line order_line ON order_line.id = item.fsm_order_line_id
             WHERE item.display_type IN ('product', 'rounding')
               AND %s
               AND (document.is_sole
                    OR document.order_id IN (
                        order_line.order_id, item.service_discount_order_id))
             GROUP BY 1, 2
            """,
            self._get_work_item_condition(),
        )

    @api.model
    def _get_work_item_condition(self):
        """Condition (`SQL`) on ``item`` (`account.move.line`) that it bills work: hook
        of addons whose invoices also have lines that are no work."""
        return SQL("TRUE")

    @api.model
    def _get_invoices(self):
        """Of each order the dates of its invoices, and their rate."""
        return SQL(
            """
            SELECT claim.order_id,
                   MAX(move.invoice_date) FILTER (WHERE move.state = 'posted')
                       AS invoice_date,
                   CASE WHEN BOOL_AND(claim.paid_date IS NOT NULL)
                        THEN MAX(claim.paid_date) END AS paid_date,
                   MAX(move.invoice_currency_rate) FILTER (
                       WHERE move.currency_id = fsm_order.currency_id) AS rate
              FROM claim
              JOIN fsm_order ON fsm_order.id = claim.order_id
              JOIN account_move move ON move.id = claim.move_id
             GROUP BY 1
            """
        )

    @api.model
    def _get_orders(self):
        """Orders with their dates and ``rate``, the order's currency for one of the
        company's: that of the invoice, else today's."""
        return SQL(
            """
            SELECT fsm_order.id, fsm_order.company_id,
                   company.currency_id AS company_currency_id,
                   fsm_order.team_id, fsm_order.person_id, fsm_order.type AS type_id,
                   fsm_order.location_id, fsm_order.bill_to_id,
                   fsm_order.billing_status, fsm_order.include_unit_price,
                   fsm_order.amount_untaxed, fsm_order.amount_to_invoice,
                   fsm_order.cost,
                   fsm_order.invoiceable_date::date AS finished_date,
                   invoice.invoice_date, invoice.paid_date,
                   COALESCE(invoice.rate, CASE
                       WHEN fsm_order.currency_id = company.currency_id THEN 1.0
                       ELSE %(order_rate)s / %(company_rate)s END, 1.0) AS rate
              FROM fsm_order
              JOIN res_company company ON company.id = fsm_order.company_id
         LEFT JOIN invoice ON invoice.order_id = fsm_order.id
            """,
            order_rate=self._get_rate(SQL("fsm_order.currency_id")),
            company_rate=self._get_rate(SQL("company.currency_id")),
        )

    @api.model
    def _get_rate(self, currency):
        """Today's rate (`SQL`) of a currency in ``company``, chosen as
        ``res.currency._get_rates`` does.

        :param currency: `SQL` of the currency's id
        """
        return SQL(
            """
            COALESCE((
                SELECT rate.rate
                  FROM res_currency_rate rate
                 WHERE rate.currency_id = %(currency)s
                   AND (rate.company_id IS NULL
                        OR rate.company_id
                           = SPLIT_PART(company.parent_path, '/', 1)::int)
                 ORDER BY rate.name <= %(today)s DESC,
                          rate.company_id,
                          CASE WHEN rate.name <= %(today)s THEN rate.name END DESC,
                          rate.name
                 LIMIT 1), 1.0)
            """,
            currency=currency,
            today=fields.Date.context_today(self),
        )

    @api.model
    def _get_line_rows(self):
        """A row for each order line."""
        return SQL(
            """
            SELECT 2 * line.id AS id, line.id AS order_line_id, line.kind,
                   line.product_id, template.categ_id AS product_categ_id,
                   NULL::integer AS order_count,
                   NULL::numeric AS days_to_bill, NULL::numeric AS days_to_pay,
                   %(dimensions)s,
                   billed + (subtotal - own_billed) / rate AS amount_untaxed,
                   billed AS amount_billed,
                   CASE WHEN service_order.amount_to_invoice = 0 THEN 0.0
                        ELSE (subtotal - own_billed) / rate END AS amount_unbilled,
                   line_cost / rate AS cost,
                   billed + (subtotal - own_billed - line_cost) / rate AS margin,
                   subtotal, line_cost
              FROM fsm_order_line line
              JOIN service_order ON service_order.id = line.order_id
         LEFT JOIN product_product product ON product.id = line.product_id
         LEFT JOIN product_template template ON template.id = product.product_tmpl_id
         LEFT JOIN billed ON billed.order_id = line.order_id
                         AND billed.line_id = line.id
        CROSS JOIN LATERAL (
                SELECT COALESCE(billed.amount, 0.0) AS billed,
                       COALESCE(billed.own_amount + billed.foreign_amount * rate, 0.0)
                           AS own_billed,
                       CASE WHEN %(is_left_out)s THEN 0.0
                            ELSE COALESCE(line.price_subtotal, 0.0) END AS subtotal,
                       CASE WHEN %(is_left_out)s AND line.is_billable THEN 0.0
                            ELSE COALESCE(line.cost, 0.0) END AS line_cost
                   ) AS amounts
             WHERE line.display_type IS NULL
            """,
            dimensions=self._get_dimensions(),
            is_left_out=SQL(
                "line.kind = 'unit' AND service_order.include_unit_price IS NOT TRUE"
            ),
        )

    @api.model
    def _get_dimensions(self):
        """What all rows of an order have, columns (`SQL`) of ``service_order``."""
        return SQL(
            """
            service_order.id AS order_id, service_order.company_id,
            service_order.company_currency_id AS currency_id, service_order.team_id,
            service_order.person_id, service_order.type_id, service_order.location_id,
            service_order.bill_to_id, service_order.billing_status,
            service_order.finished_date, service_order.invoice_date,
            service_order.paid_date
            """
        )

    @api.model
    def _get_line_totals(self):
        """Of each order what its lines come to."""
        return SQL(
            """
            SELECT order_id, SUM(subtotal) AS subtotal, SUM(line_cost) AS line_cost,
                   SUM(amount_unbilled) AS amount_unbilled
              FROM line_row
             GROUP BY 1
            """
        )

    @api.model
    def _get_order_rows(self):
        """A row for each order, with what its lines do not have."""
        return SQL(
            """
            SELECT 2 * service_order.id + 1, NULL, 'order', NULL, NULL, 1,
                   CASE WHEN finished_date IS NOT NULL AND invoice_date IS NOT NULL
                        THEN GREATEST(invoice_date - finished_date, 0) END,
                   CASE WHEN paid_date IS NOT NULL AND invoice_date IS NOT NULL
                        THEN GREATEST(paid_date - invoice_date, 0) END,
                   %(dimensions)s,
                   billed + (own_value - own_billed) / rate,
                   billed,
                   COALESCE(service_order.amount_to_invoice, 0.0) / rate - unbilled,
                   own_cost / rate,
                   billed + (own_value - own_billed - own_cost) / rate,
                   own_value, own_cost
              FROM service_order
         LEFT JOIN billed ON billed.order_id = service_order.id
                         AND billed.line_id IS NULL
         LEFT JOIN line_total ON line_total.order_id = service_order.id
        CROSS JOIN LATERAL (
                SELECT COALESCE(service_order.amount_untaxed, 0.0)
                           - COALESCE(line_total.subtotal, 0.0) AS own_value,
                       COALESCE(service_order.cost, 0.0)
                           - COALESCE(line_total.line_cost, 0.0) AS own_cost,
                       COALESCE(line_total.amount_unbilled, 0.0) AS unbilled,
                       COALESCE(billed.amount, 0.0) AS billed,
                       COALESCE(billed.own_amount + billed.foreign_amount * rate, 0.0)
                           AS own_billed
                   ) AS amounts
            """,
            dimensions=self._get_dimensions(),
        )

    def action_open_order(self):
        """Open the service order of one row (action dict)."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Service Order"),
            "res_model": "fsm.order",
            "res_id": self.order_id.id,
            "views": [(False, "form")],
        }
