# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    progress_type = fields.Selection(
        [("work", "Work"), ("deposit", "Deposit"), ("retainage", "Retainage")],
        readonly=True,
        copy=False,
        help="What the line of a deposit, progress draw or release bills.",
    )
    progress_order_id = fields.Many2one(
        "fsm.order",
        string="Contract",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The service order whose work, deposit or retainage the line is.",
    )
    progress_stored = fields.Monetary(
        string="Materials Stored",
        currency_field="currency_id",
        readonly=True,
        copy=False,
        help="Value of the materials presently stored and not installed, which is "
        "part of what is billed to date.",
    )
    deposit_claim_id = fields.Many2one(
        "fsm.order.invoice",
        string="Applied Deposit",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        help="The deposit that the line applies.",
    )

    def _is_below_work(self):
        """Whether one line is retainage or a deposit, which documents print below the
        work and count in no section of it (bool)."""
        return self.progress_type in ("deposit", "retainage")

    def _compute_parent_id(self):
        res = super()._compute_parent_id()
        self.filtered(lambda line: line._is_below_work()).parent_id = False
        return res

    def _compute_account_id(self):
        # the accounts of deposits and retainage follow from no product
        closing = self.filtered(lambda line: line._is_below_work())
        for line in closing:
            line.account_id = line.account_id
        return super(AccountMoveLine, self - closing)._compute_account_id()

    def _get_computed_taxes(self):
        # nor do the taxes by which a deposit was invoiced, or retainage withheld
        if self._is_below_work():
            return self.tax_ids
        return super()._get_computed_taxes()

    def _get_signed(self, amount):
        """``amount`` (float) of one line as the customer owes it: negative on credit
        notes."""
        self.ensure_one()
        return -amount if self.move_id.move_type == "out_refund" else amount

    def _get_owed(self):
        """Untaxed amount (float) of these lines as the customer owes it."""
        return sum(line._get_signed(line.price_subtotal) for line in self)

    def _is_progress_of(self, order):
        """Whether one line is work, deposit or retainage of a contract (bool).

        :param order: `fsm.order`
        """
        return bool(self.progress_type) and self.progress_order_id == order

    def _get_progress_key(self):
        """What one line bills or applies (tuple): credit notes credit the same."""
        return self.progress_type, self.fsm_order_line_id, self.deposit_claim_id

    def _get_stored(self):
        """Value (float) of the materials that are stored by one line of a draw, as
        credit notes for it have corrected it."""
        credited = self.service_copy_line_ids.filtered(
            lambda line: (
                line.parent_state == "posted" and line.move_type == "out_refund"
            )
        )
        return (self | credited).sorted("id")[-1:].progress_stored

    def _get_counted(self):
        """Those of these lines that count in what is billed: of invoices, drafts too,
        and of posted credit notes."""
        return self.filtered(
            lambda line: (
                line.parent_state != "cancel"
                and line.move_type == "out_invoice"
                or line.parent_state == "posted"
                and line.move_type == "out_refund"
            )
        )

    def _prepare_progress_base_line(self):
        """Base line (dict) of one line as the customer owes it: negative on credit
        notes, in no document of its own."""
        self.ensure_one()
        AccountTax = self.env["account.tax"]
        sign = self._get_signed(1.0)
        extra_tax_data = self.extra_tax_data
        if sign < 0:
            extra_tax_data = AccountTax._reverse_quantity_base_line_extra_tax_data(
                extra_tax_data
            )
        return AccountTax._prepare_base_line_for_taxes_computation(
            self,
            quantity=sign * self.quantity,
            extra_tax_data=extra_tax_data,
            rate=self.move_id.invoice_currency_rate,
            sign=-1,
            is_refund=False,
        )

    def _get_service_orders(self):
        return super()._get_service_orders() | self.sudo().progress_order_id

    @api.model
    def _get_progress_fields(self):
        """Names (tuple) of the fields that say what a line is of a contract."""
        return (
            "progress_type",
            "progress_order_id",
            "progress_stored",
            "deposit_claim_id",
        )

    @api.model
    def _get_issued_fields(self):
        return super()._get_issued_fields() | {*self._get_progress_fields()}

    def _copy_data_extend_business_fields(self, values):
        res = super()._copy_data_extend_business_fields(values)
        for name in self._get_progress_fields():
            values[name] = self._fields[name].convert_to_write(self[name], self)
        if self.progress_type == "work":
            values["progress_stored"] = self._get_stored()
        return res

    def _reconcile_progress_lines(self):
        """Reconcile what is applied or released with what was deposited or withheld,
        so that the ageing of both accounts shows what is open.

        Called when invoices and credit notes are posted, in superuser mode.
        """
        lines = self.search(
            [
                ("progress_order_id", "in", self.progress_order_id.ids),
                ("progress_type", "in", ("deposit", "retainage")),
                ("parent_state", "=", "posted"),
                ("account_id.reconcile", "=", True),
                ("reconciled", "=", False),
            ],
            order="date, id",
        )
        groups = lines.grouped(
            lambda line: (
                line.progress_order_id,
                line.progress_type,
                line.account_id,
                line.currency_id,
            )
        )
        for group in groups.values():
            # cents of another currency may be worth nothing in that of the company
            if len({line.amount_currency > 0 for line in group}) == 2:
                group.reconcile()

    # ------------------------------------------------------------------
    # What documents that are edited by hand have to leave as it is
    # ------------------------------------------------------------------

    def _check_progress_amount(self):
        """Refuse lines of one posted invoice that together turn a deposit, or what is
        withheld, applied or released, into its opposite.

        :raise UserError: names line, document and amount, and the way out
        """
        line = self[:1]
        is_taken_off = bool(line.deposit_claim_id) or (
            line.progress_type == "retainage"
            and "release" not in line.move_id._get_billing_kinds()
        )
        owed = self._get_owed()
        if line.currency_id.compare_amounts(-owed if is_taken_off else owed, 0.0) < 0:
            raise UserError(
                self.env._(
                    "“%(line)s” of %(document)s comes to %(amount)s, the opposite of "
                    "what it is for. Mend it, or bill it anew from service order "
                    "%(order)s.",
                    line=line.name,
                    document=line.move_id.display_name,
                    amount=line.currency_id.format(owed),
                    order=line.progress_order_id.name,
                )
            )

    def _check_progress_account(self):
        """Refuse posted lines that book deposits or retainage elsewhere than where they
        are held, or something else there.

        :raise UserError: names line, document and account, and the way out
        """
        closing = self.filtered(lambda line: line._is_below_work())
        for line in closing:
            accounts = line._get_progress_accounts()
            if line.account_id not in accounts:
                raise UserError(
                    self.env._(
                        "“%(line)s” of %(document)s is booked on %(account)s, and has "
                        "to be on %(right)s, which holds it for service order "
                        "%(order)s. Choose that account.",
                        line=line.name,
                        document=line.move_id.display_name,
                        account=line.account_id.display_name,
                        right=", ".join(accounts.mapped("display_name")),
                        order=line.progress_order_id.name,
                    )
                )
        # a company may hold deposits on an income account
        held = closing.account_id.filtered(
            lambda account: account.internal_group != "income"
        )
        for line in self - closing:
            if line.account_id & held:
                raise UserError(
                    self.env._(
                        "“%(line)s” of %(document)s is booked on %(account)s, which "
                        "holds deposits or retainage of service orders. Choose an "
                        "income account.",
                        line=line.name,
                        document=line.move_id.display_name,
                        account=line.account_id.display_name,
                    )
                )

    def _get_progress_accounts(self):
        """Accounts (`account.account`) that one line of a deposit or of retainage can
        be booked on: that of the deposit it applies, else that of the company, or one
        from before the company had another."""
        if self.deposit_claim_id:
            return self.deposit_claim_id._get_own_deposit_lines().account_id
        held = self.search(
            [
                ("progress_order_id", "=", self.progress_order_id.id),
                ("progress_type", "=", self.progress_type),
                ("parent_state", "=", "posted"),
                ("move_id", "!=", self.move_id.id),
            ]
        ).account_id
        if self.account_id in held:
            return held
        return held | (
            self.company_id._get_deposit_account()
            if self.progress_type == "deposit"
            else self.company_id._get_retainage_account()
        )

    def _ensure_order_is_claimed(self):
        res = super()._ensure_order_is_claimed()
        if not self.env.su:
            for line in self.sudo().filtered(lambda line: line._has_progress()):
                if line.progress_order_id not in line.move_id._get_claimed_orders():
                    line._refuse_entered_progress()
        return res

    def _has_progress(self):
        """Whether one line says something of a contract (bool)."""
        return any(self[name] for name in self._get_progress_fields())

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        if not self.env.su:
            lines.sudo()._ensure_progress_is_copied()
        return lines

    def _ensure_progress_is_copied(self):
        """Refuse new lines that say something of a contract, unless they credit a line,
        or bill it anew, that says the same.

        :raise UserError: names line and document, and the way out
        """
        for line in self.filtered(lambda line: line._has_progress()):
            origin, move = line.service_origin_line_id, line.move_id
            if (
                origin.move_id not in move.reversed_entry_id | move.service_replaces_id
                or origin._get_progress_key() != line._get_progress_key()
                or origin.progress_order_id != line.progress_order_id
                or origin._get_stored() != line.progress_stored
            ):
                line._refuse_entered_progress()

    def _refuse_other_item(self, item_id):
        """Refuse that someone says by hand which item these lines of draws bill.

        :param item_id: id of the `fsm.order.line` to write, or False
        :raise UserError: names line and document, and the way out
        """
        for line in self.filtered("progress_type"):
            if line.fsm_order_line_id.id != (item_id or False):
                line._refuse_entered_progress()

    def write(self, vals):
        if not self.env.su and vals.keys() & {*self._get_progress_fields()}:
            self.check_access("write")
            self.move_id._ensure_not_issued()
            self[:1]._refuse_entered_progress()
        if not self.env.su and "fsm_order_line_id" in vals:
            self.check_access("write")
            self.move_id._ensure_not_issued()
            self._refuse_other_item(vals["fsm_order_line_id"])
        return super().write(vals)

    def _refuse_entered_progress(self):
        """Refuse that someone says by hand which deposit or draw one line belongs to.

        :raise UserError: names line and document, and the way out
        """
        raise UserError(
            self.env._(
                "“%(line)s” of %(document)s: which contract, deposit or retainage a "
                "line belongs to is recorded and can not be entered. Bill deposits "
                "and draws from the service order.",
                line=self.name,
                document=self.move_id.display_name,
            )
        )
