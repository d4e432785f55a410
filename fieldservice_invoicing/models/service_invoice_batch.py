# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import retrying
from odoo.tools import format_datetime

from .res_company import GROUP_MANAGER, GROUP_USER

GROUP_POST = "account.group_account_invoice"
# orders that one transaction bills: some seconds of work
STEP = 20
# how long the screen that runs a batch may be silent before a scheduled action goes on
SILENCE_MINUTES = 10
# orders that somebody waits for, unless the settings say otherwise
BACKGROUND_LIMIT = 100
CLOSINGS = [
    ("draft", "Drafts to review"),
    ("post", "Posted"),
    ("send", "Posted and sent"),
]


def get_totals_by_currency(amounts):
    """Sums for the field widget ``service_invoice_totals``.

    :param amounts: iterable of tuples of currency (`res.currency`), untaxed amount, tax
        and total (float)
    :return: list of dicts with ``currency_id``, ``untaxed``, ``tax`` and ``total``
    """
    sums = {}
    for currency, *values in amounts:
        present = sums.get(currency, (0.0, 0.0, 0.0))
        sums[currency] = [
            currency.round(one + other)
            for one, other in zip(present, values, strict=True)
        ]
    return [
        {"currency_id": currency.id, "untaxed": untaxed, "tax": tax, "total": total}
        for currency, (untaxed, tax, total) in sums.items()
    ]


class ServiceInvoiceBatch(models.Model):
    """Many service orders to invoice, step by step.

    A step bills some orders in one transaction, by the rights of the user who started
    the batch; whatever stops the work, the orders of finished steps are billed and the
    others wait. The steps are made by the screen that shows the batch, by a scheduled
    action, or by jobs.
    """

    _name = "service.invoice.batch"
    _description = "Service Invoicing Batch"
    _order = "id desc"

    user_id = fields.Many2one("res.users", string="Started by", required=True)
    start_date = fields.Datetime(default=fields.Datetime.now, required=True)
    end_date = fields.Datetime(help="When the last of the orders was dealt with.")
    grouped = fields.Boolean(
        string="Consolidated",
        help="One invoice for orders that agree in bill-to, currency, fiscal position, "
        "payment terms and company, instead of one for each.",
    )
    closing = fields.Selection(
        CLOSINGS,
        string="Create As",
        default="draft",
        required=True,
    )
    frequency = fields.Selection(
        [
            ("manual", "By Hand"),
            ("finished", "When Finished"),
            ("weekly", "Weekly"),
            ("monthly", "Monthly"),
        ],
        default="manual",
        required=True,
        help="Whether somebody started the batch, or it was started automatically.",
    )
    company_id = fields.Many2one(
        "res.company", readonly=True, help="Company that was invoiced automatically."
    )
    until_date = fields.Date(
        string="Finished Before",
        help="When the week or month began: the orders were finished before.",
    )
    is_background = fields.Boolean(string="In the Background")
    is_stopped = fields.Boolean(string="Stopped")
    state = fields.Selection(
        [("running", "Running"), ("stopped", "Stopped"), ("done", "Done")],
        string="Status",
        compute="_compute_state",
    )
    line_ids = fields.One2many(
        "service.invoice.batch.line", "batch_id", string="Service Orders"
    )
    problem_line_ids = fields.One2many(
        "service.invoice.batch.line",
        "batch_id",
        string="Problems",
        domain=[("message", "!=", False)],
    )
    order_count = fields.Integer(string="Orders", compute="_compute_counts")
    pending_count = fields.Integer(string="Waiting", compute="_compute_counts")
    invoiced_count = fields.Integer(string="Invoiced", compute="_compute_counts")
    refused_count = fields.Integer(string="Not Invoiced", compute="_compute_counts")
    invoice_count = fields.Integer(string="Created", compute="_compute_counts")
    unclosed_count = fields.Integer(
        string="Not Posted or Sent",
        compute="_compute_counts",
        help="Invoiced orders whose invoice could not be posted or sent as asked.",
    )
    progress = fields.Float(compute="_compute_counts", help="In percent of the orders.")
    totals = fields.Json(compute="_compute_totals")
    is_mine = fields.Boolean(compute="_compute_rights")
    may_control = fields.Boolean(compute="_compute_rights")

    _one_a_period = models.UniqueIndex(
        "(company_id, frequency, until_date) WHERE frequency IN ('weekly', 'monthly')",
        "The orders of this week or month have been invoiced automatically.",
    )

    @api.depends("start_date")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        for batch in self:
            batch.display_name = self.env._(
                "Invoicing of %s",
                format_datetime(
                    self.env,
                    batch.start_date or fields.Datetime.now(),
                    tz=self.env.context.get("tz"),
                    dt_format="short",
                ),
            )

    @api.depends("is_stopped", "line_ids.state")
    def _compute_state(self):
        for batch in self:
            if not batch.pending_count:
                batch.state = "done"
            else:
                batch.state = "stopped" if batch.is_stopped else "running"

    @api.depends("line_ids.state", "line_ids.move_id", "line_ids.message")
    def _compute_counts(self):
        groups = self.env["service.invoice.batch.line"]._read_group(
            [("batch_id", "in", self.ids)],
            ["batch_id", "state"],
            ["__count", "move_id:count_distinct", "message:count"],
        )
        counts = {(batch.id, state): numbers for batch, state, *numbers in groups}
        for batch in self:
            orders = {
                state: counts.get((batch.id, state), (0,))[0]
                for state in ("pending", "invoiced", "refused")
            }
            _orders, invoices, messages = counts.get((batch.id, "invoiced"), (0, 0, 0))
            batch.order_count = sum(orders.values())
            batch.pending_count = orders["pending"]
            batch.invoiced_count = orders["invoiced"]
            batch.refused_count = orders["refused"]
            batch.invoice_count = invoices
            batch.unclosed_count = messages
            done = batch.order_count - batch.pending_count
            batch.progress = 100.0 * done / (batch.order_count or 1)

    @api.depends("line_ids.move_id")
    def _compute_totals(self):
        """What the invoices come to, see :func:`get_totals_by_currency`."""
        names = ("amount_untaxed", "amount_tax", "amount_total")
        # the screen asks again and again: without reading all lines
        lines = self.env["service.invoice.batch.line"].sudo()
        moves = self.env["account.move"].sudo()
        for batch in self:
            billed = lines._search([("batch_id", "in", batch.ids)])
            batch.totals = get_totals_by_currency(
                moves._read_group(
                    [("id", "in", billed.subselect("move_id"))],
                    ["currency_id"],
                    [f"{name}:sum" for name in names],
                )
            )

    @api.depends_context("uid")
    @api.depends("user_id")
    def _compute_rights(self):
        user = self.env.user
        is_manager = user.has_group(GROUP_MANAGER)
        for batch in self:
            batch.is_mine = batch.user_id == user
            batch.may_control = batch.is_mine or is_manager

    # ------------------------------------------------------------------
    # Start, stop
    # ------------------------------------------------------------------

    @api.model
    def _start(self, orders, grouped=False, closing="draft", **values):
        """Start to invoice orders: called by the dialog and by automatic invoicing.

        Those that can not be billed are among the lines with their reason.

        :param orders: `fsm.order` of the user
        :param bool grouped: consolidate, see ``fsm.order._create_invoices``
        :param str closing: ``draft``, ``post`` or ``send``
        :param values: of more fields of the batch
        :return: `service.invoice.batch`, as the user sees it
        :raise UserError: there are no orders, or a company's switch is off
        :raise AccessError: the user may not create, or not post, invoices
        """
        if not orders:
            raise UserError(self.env._("Choose the service orders to invoice."))
        self._ensure_may_run(orders, closing)
        batch = self.sudo().create(
            {
                "user_id": self.env.uid,
                "grouped": grouped,
                "closing": closing,
                "is_background": self._is_for_background(orders),
                "line_ids": [
                    Command.create(line)
                    for line in self._prepare_lines(orders, grouped)
                ],
                **values,
            }
        )
        batch._proceed()
        return batch.sudo(self.env.su)

    @api.model
    def _ensure_may_run(self, orders, closing):
        """Refuse users who may not bill these orders in this way.

        :raise UserError, AccessError: see :meth:`_start`
        """
        orders._ensure_may_invoice()
        if closing != "draft":
            orders.company_id._ensure_service_invoicing(GROUP_POST)

    @api.model
    def _prepare_lines(self, orders, grouped):
        """Values (list of dicts) of the lines: orders with the same ``group`` share an
        invoice."""
        refusals = {order: order._get_batch_refusal() for order in orders}
        lines = [
            {"order_id": order.id, "state": "refused", "message": refusal}
            for order, refusal in refusals.items()
            if refusal
        ]
        billable = orders.filtered(lambda order: not refusals[order])
        for group, planned in enumerate(billable._get_planned_invoices(grouped), 1):
            lines += [{"order_id": order.id, "group": group} for order in planned]
        return lines

    @api.model
    def _is_for_background(self, orders):
        """Whether so many orders are not billed while somebody waits (bool)."""
        limit = (
            self.env["ir.config_parameter"]
            .sudo()
            .get_param("fieldservice_invoicing.batch_limit", "")
            .strip()
        )
        # anybody may have written anything there
        return len(orders) > (int(limit) if limit.isdecimal() else BACKGROUND_LIMIT)

    def _proceed(self):
        """Have the steps of a running batch made (superuser mode): hook for other ways
        than the scheduled action."""
        if self.is_background:
            self._trigger_cron()
        else:
            # in case the screen that runs it is closed
            self._trigger_cron(minutes=SILENCE_MINUTES + 1)

    @api.model
    def _trigger_cron(self, minutes=0):
        """Have the scheduled action run soon, or in some minutes (int)."""
        cron = self.env.ref("fieldservice_invoicing.ir_cron_service_invoice_batch")
        cron._trigger(at=fields.Datetime.add(fields.Datetime.now(), minutes=minutes))

    def action_stop(self):
        """Let the batches rest after the step that is being made."""
        self._ensure_may_control()
        self.sudo().is_stopped = True
        return True

    def action_resume(self):
        """Go on with batches that were stopped, by the rights of the current user."""
        self._ensure_may_control()
        for batch in self.filtered("pending_count"):
            orders = batch._get_orders("pending")
            self._ensure_may_run(orders, batch.closing)
            batch.sudo().write({"is_stopped": False, "user_id": self.env.uid})
            batch.sudo()._proceed()
        return True

    def action_retry(self):
        """Try the orders that were not invoiced again, by the rights of the current
        user."""
        self._ensure_may_control()
        for batch in self:
            orders = batch._get_orders("refused")
            self._ensure_may_run(orders, batch.closing)
            orders._follow_sources()
            batch.sudo()._plan_again(orders)
        return self.action_resume()

    def _plan_again(self, orders):
        """Have orders billed that were refused (superuser mode)."""
        self.ensure_one()
        first = max(self.line_ids.mapped("group"), default=0) + 1
        lines = self.line_ids.grouped("order_id")
        for group, planned in enumerate(
            orders._get_planned_invoices(self.grouped), first
        ):
            for order in planned:
                lines[order].write(
                    {"state": "pending", "message": False, "group": group}
                )
        self.end_date = False

    def _get_orders(self, state):
        """Orders (`fsm.order`) of one batch with a line in a state, as the user sees
        them."""
        lines = self.sudo().line_ids.filtered(lambda line: line.state == state)
        return lines.order_id.sudo(False)

    def _ensure_may_control(self):
        """Refuse who neither started these batches nor manages service invoicing.

        :raise AccessError: names the batch and who started it
        """
        self.check_access("read")
        companies = self.sudo().line_ids.company_id
        companies._ensure_service_invoicing(GROUP_USER)
        if self.env.su or self.env.user.has_group(GROUP_MANAGER):
            return
        for batch in self:
            if batch.user_id != self.env.user:
                raise AccessError(
                    self.env._(
                        "%(batch)s was started by %(user)s. Ask them, or a manager of "
                        "service invoicing, to stop or continue it.",
                        batch=batch.display_name,
                        user=batch.user_id.name,
                    )
                )

    # ------------------------------------------------------------------
    # Steps
    # ------------------------------------------------------------------

    def action_run_step(self):
        """Bill the next orders of one batch: called again and again by the screen that
        shows it, each time in a transaction of its own.

        :return: progress, see :meth:`_get_progress`
        :raise AccessError: another user started the batch
        """
        self.ensure_one()
        self.check_access("read")
        if self.user_id != self.env.user:
            raise AccessError(
                self.env._(
                    "%(batch)s runs by the rights of %(user)s. Continue it to have it "
                    "run by yours.",
                    batch=self.display_name,
                    user=self.user_id.name,
                )
            )
        if not self.is_background:
            self.sudo()._run_step()
        return self._get_progress()

    def _get_progress(self):
        """How far one batch has come.

        :return: dict with ``state``, ``progress`` in percent and numbers of orders
        """
        self.ensure_one()
        self.invalidate_recordset()
        names = (
            "state",
            "progress",
            "order_count",
            "pending_count",
            "invoiced_count",
            "refused_count",
            "invoice_count",
        )
        return {name: self[name] for name in names}

    def _run_step(self, lines=None):
        """Bill the next orders of one batch (superuser mode).

        The caller commits, and begins a new transaction for the next step.

        :param lines: `service.invoice.batch.line`; None: those that come next
        :return: number of orders (int) that were dealt with; zero when there is
            nothing left to do, for this caller
        """
        self.ensure_one()
        if self.state != "running":
            self._end()
            return 0
        lines = (self._get_next_lines() if lines is None else lines)._take()
        lines._bill()
        self._end()
        return len(lines)

    def _get_next_lines(self):
        """Lines (`service.invoice.batch.line`) of the invoices that come next."""
        Line = self.env["service.invoice.batch.line"]
        pending = [("batch_id", "=", self.id), ("state", "=", "pending")]
        groups = Line.search(pending, order="group, id", limit=STEP).mapped("group")
        return Line.search([*pending, ("group", "in", groups)], order="group, id")

    def _end(self):
        """Tell the user once that all orders have been dealt with."""
        if self.state != "done" or self.end_date:
            return
        self.end_date = fields.Datetime.now()
        if self.is_background and not self.user_id._is_superuser():
            self.with_context(lang=self.user_id.lang)._notify_user()

    def _notify_user(self):
        """Send a message to the user who started one batch."""
        link = Markup('<a href="%s/odoo/%s/%s">%s</a>') % (
            self.get_base_url(),
            self._name,
            self.id,
            self.display_name,
        )
        self.env["mail.thread"].message_notify(
            author_id=self.env.ref("base.partner_root").id,
            partner_ids=self.user_id.partner_id.ids,
            subject=self.env._("Service invoicing is done"),
            body=Markup("<p>%s</p><p>%s</p>") % (link, self._get_summary()),
        )

    def _get_summary(self):
        """What one batch has made (str)."""
        return self.env._(
            "Invoices: %(invoices)s, of %(orders)s service orders. Not invoiced: "
            "%(refused)s.",
            invoices=self.invoice_count,
            orders=self.invoiced_count,
            refused=self.refused_count,
        )

    @api.model
    def _cron_run(self):
        """Make the steps of batches in the background, and of those whose screen has
        been closed, as far as time allows: each step is committed."""
        progress = self.env["ir.cron"]
        batches = self._get_batches_to_run()
        progress._commit_progress(remaining=sum(batches.mapped("pending_count")))
        for batch in batches:
            while done := retrying(batch._run_step, self.env):
                if not progress._commit_progress(done):
                    return

    @api.model
    def _get_batches_to_run(self):
        """Batches (`service.invoice.batch`) that a scheduled action goes on with."""
        running = [("is_stopped", "=", False), ("end_date", "=", False)]
        return self.search(running, order="id").filtered(
            lambda batch: batch._is_for_cron()
        )

    def _is_for_cron(self):
        """Whether the scheduled action goes on with one running batch (bool): hook for
        other ways to run it."""
        return self.is_background or not self.pending_count or self._is_silent()

    def _is_silent(self):
        """Whether nobody has worked on one running batch for a while (bool)."""
        lines = self.env["service.invoice.batch.line"]
        ((last_work,),) = lines._read_group(
            [("batch_id", "=", self.id)], [], ["write_date:max"]
        )
        silent_since = fields.Datetime.subtract(
            fields.Datetime.now(), minutes=SILENCE_MINUTES
        )
        # it may have been continued only now
        return max(last_work or self.write_date, self.write_date) < silent_since

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_invoices(self):
        """Open the invoices that these batches made (action dict)."""
        self.check_access("read")
        moves = self.sudo().line_ids.move_id.sudo(False)
        return moves._get_service_invoice_action(self.env._("Invoices"))

    def action_view_refused(self):
        """Open the orders that were not invoiced, with their reason (action dict)."""
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Not Invoiced"),
            "res_model": "service.invoice.batch.line",
            "view_mode": "list",
            "domain": [("batch_id", "in", self.ids), ("state", "=", "refused")],
        }
