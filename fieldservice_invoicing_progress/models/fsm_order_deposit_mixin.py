# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, models
from odoo.exceptions import UserError

from odoo.addons.fieldservice_invoicing.models.account_tax import (
    get_rounded_tax,
    get_rounded_untaxed,
)
from odoo.addons.fieldservice_invoicing.models.res_company import (
    GROUP_MANAGER,
    get_superuser_env,
)

from ..progress import get_deposit_to_apply


class FsmOrderDepositMixin(models.AbstractModel):
    """What `fsm.order` needs for deposits: Odoo's down payments, held on the order."""

    _name = "fsm.order.deposit.mixin"
    _description = "Deposits of a Service Order"

    def _create_deposit(self, amount_type, amount):
        """Create the draft invoice of a deposit for one order.

        :param str amount_type: ``percent`` of the contract, or ``fixed``
        :param float amount: percentage, or amount with taxes in the order's currency
        :return: `account.move` in superuser mode
        :raise UserError: the deposit can not be invoiced, with the reason
        :raise AccessError: the user may not create invoices from orders
        """
        self.ensure_one()
        self._ensure_contract_can_be_billed()
        self._lock_billing()
        self._update_amounts()
        order = self.with_company(self.company_id)
        base_lines = order._get_deposit_base_lines(amount_type, amount)
        order._ensure_deposit_in_contract(base_lines)
        return order._create_progress_invoice(
            "deposit", order._prepare_deposit_lines(base_lines)
        )

    def _get_deposit_base_lines(self, amount_type, amount):
        """Base lines (list of dicts of ``account.tax``) of a deposit for one order, one
        for each combination of taxes, exact to the cent.

        :param amount_type, amount: see :meth:`_create_deposit`
        :raise UserError: the amount is not positive, or nothing to take it of
        """
        self.ensure_one()
        if amount <= 0 or (amount_type == "percent" and amount > 100):
            raise UserError(
                self.env._(
                    "The deposit of service order %(order)s has to be above zero, and "
                    "at most 100 %% of the contract.",
                    order=self.name,
                )
            )
        AccountTax = self.env["account.tax"]
        company = self.company_id
        contract = self._get_deposited_base_lines(amount_type)
        AccountTax._add_tax_details_in_base_lines(contract, company)
        AccountTax._round_base_lines_tax_details(contract, company)
        base_lines = AccountTax._prepare_down_payment_lines(
            contract,
            company,
            amount_type,
            amount,
            computation_key=f"deposit,{self.id}",
            grouping_function=lambda base_line: {
                "account_id": company._get_deposit_account()
            },
        )
        if amount_type == "fixed":
            self._fix_total_of_base_lines(base_lines, amount)
        self._fix_untaxed_base_lines(base_lines)
        return base_lines

    def _get_deposited_base_lines(self, amount_type):
        """Base lines (list of dicts) of what a deposit is taken of: the lines of one
        order; before there are any, for an amount, the company's default tax.

        :raise UserError: a percentage of nothing
        """
        company = self.company_id
        lines = self._get_priced_lines()
        if any(line.price_subtotal for line in lines):
            base_lines = [
                line._prepare_base_line_for_taxes_computation() for line in lines
            ]
        elif amount_type == "fixed":
            taxes = self.fiscal_position_id.map_tax(company.account_sale_tax_id)
            base_lines = [self._prepare_progress_base_line(100.0, taxes)]
        else:
            raise UserError(
                self.env._(
                    "Service order %(order)s has no priced order lines to take a "
                    "percentage of. Add them, or ask for an amount.",
                    order=self.name,
                )
            )
        if company.service_deposit_tax_point == "invoice":
            for base_line in base_lines:
                record = base_line["record"]
                untaxed = record.price_subtotal if record else base_line["price_unit"]
                base_line |= {
                    "tax_ids": self.env["account.tax"],
                    "price_unit": untaxed,
                    "quantity": 1.0,
                    "discount": 0.0,
                }
        return base_lines

    def _ensure_deposit_in_contract(self, base_lines=()):
        """Refuse a deposit that would bring the deposits of one order above its
        contract.

        :param base_lines: those of a deposit that is not among them yet, see
            :meth:`_get_deposit_base_lines`
        :raise UserError: names the order, by how much, and the way out
        """
        if self.billing_method != "progress":
            return
        claims = self.sudo().invoice_link_ids.filtered(
            lambda claim: claim.billing_kind == "deposit"
        )
        wanted = sum(claims.mapped("deposit_amount")) + sum(
            get_rounded_untaxed(base_line) for base_line in base_lines
        )
        currency = self.currency_id
        if currency.compare_amounts(wanted, self.contract_revised) > 0:
            raise UserError(
                self.env._(
                    "The deposits of service order %(order)s would come to %(amount)s "
                    "before taxes, %(excess)s above its contract of %(contract)s. Ask "
                    "for less.",
                    order=self.name,
                    amount=currency.format(wanted),
                    excess=currency.format(wanted - self.contract_revised),
                    contract=currency.format(self.contract_revised),
                )
            )

    def _prepare_deposit_lines(self, base_lines):
        """Values (list of dicts) of the invoice lines of a deposit.

        :param base_lines: see :meth:`_get_deposit_base_lines`
        """
        env = self.with_context(lang=self._get_bill_to_lang() or self.env.lang).env
        name = env._("Deposit for service order %s", self.name)
        return [
            {**self._prepare_progress_line(base_line, "deposit"), "name": name}
            for base_line in base_lines
        ]

    # ------------------------------------------------------------------
    # Apply
    # ------------------------------------------------------------------

    def _get_deposit_to_apply(self, total, wanted=None, without=None):
        """What an invoice applies of the deposits of one order (float, with taxes).

        :param float total: of the invoice before
        :param wanted: amount (float), or None for as much as there is
        :param without: draft `account.move` that is edited: what it applies is free
        :raise UserError: more is wanted than is paid and left, or than the invoice
        """
        self.ensure_one()
        available = self._to_decimal(
            self.sudo().deposit_balance + self._get_deposit_on(without)
        )
        limit = max(self._to_decimal(total), 0)
        if wanted is None:
            return float(get_deposit_to_apply(available, limit))
        if not 0 <= self._to_decimal(wanted) <= min(available, limit):
            raise UserError(
                self.env._(
                    "%(wanted)s of deposit can not be applied to service order "
                    "%(order)s: %(available)s is paid and left, and the invoice comes "
                    "to %(total)s.",
                    wanted=self.currency_id.format(wanted),
                    order=self.name,
                    available=self.currency_id.format(float(available)),
                    total=self.currency_id.format(total),
                )
            )
        return wanted

    def _get_deposit_on(self, move):
        """What one draft invoice, or None, applies of deposits (float, with taxes)."""
        lines = move and move.invoice_line_ids.filtered("deposit_claim_id")
        return -sum(lines.mapped("price_total")) if lines else 0.0

    def _get_applied_base_lines(self, amount, without=None):
        """Base lines (list of dicts) that apply deposits of one order, oldest first.

        :param float amount: with taxes, see :meth:`_get_deposit_to_apply`
        :param without: see :meth:`_get_deposit_to_apply`
        """
        self.ensure_one()
        deposits = self.sudo().invoice_link_ids.filtered(
            lambda claim: claim.billing_kind == "deposit" and claim.deposit_total
        )
        base_lines = []
        for claim in deposits.sorted("number"):
            left = claim.deposit_left + sum(
                -line.price_total
                for line in claim.deposit_line_ids
                if without and line.move_id == without
            )
            share = min(left, amount)
            if self.currency_id.compare_amounts(share, 0.0) > 0:
                base_lines += self._get_applied_base_lines_of(claim, share, without)
                amount -= share
        return base_lines

    def _get_applied_base_lines_of(self, claim, amount, without=None):
        """Base lines (list of dicts) that apply one deposit, exactly as it was taxed:
        when all of it is applied nothing is left of any tax.

        :param claim: `fsm.order.invoice`
        :param float amount: with taxes
        :param without: see :meth:`_get_deposit_to_apply`
        """
        AccountTax = self.env["account.tax"]
        left = self._get_left_base_lines(claim, without)
        base_lines = AccountTax._reduce_base_lines_to_target_amount(
            left,
            self.company_id,
            "fixed",
            amount,
            computation_key=f"applied_deposit,{claim.id}",
            grouping_function=lambda base_line: {"account_id": base_line["account_id"]},
        )
        AccountTax._fix_base_lines_tax_details_on_manual_tax_amounts(
            base_lines, self.company_id
        )
        self._fix_total_of_base_lines(base_lines, amount)
        self._fix_untaxed_base_lines(base_lines)
        return [self._prepare_applied_base_line(line, claim) for line in base_lines]

    def _get_left_base_lines(self, claim, without=None):
        """Base lines (list of dicts) with tax details of what is left of one deposit:
        its own, less what is credited and applied of it, by taxes and account."""
        AccountTax = self.env["account.tax"]
        own = claim._get_counted_moves().invoice_line_ids.filtered(
            lambda line: line.progress_type == "deposit"
        )
        applied = claim.deposit_line_ids._get_counted()
        if without:
            applied = applied.filtered(lambda line: line.move_id != without)
        base_lines = [line._prepare_progress_base_line() for line in own | applied]
        AccountTax._add_tax_details_in_base_lines(base_lines, self.company_id)
        AccountTax._round_base_lines_tax_details(base_lines, self.company_id)
        return AccountTax._reduce_base_lines_with_grouping_function(
            base_lines,
            grouping_function=lambda base_line: {"account_id": base_line["account_id"]},
        )

    def _prepare_applied_base_line(self, base_line, claim):
        """Base line (dict) that takes off what ``base_line`` comes to."""
        AccountTax = self.env["account.tax"]
        extra_tax_data = AccountTax._export_base_line_extra_tax_data(base_line)
        return {
            **self._prepare_progress_base_line(
                base_line["price_unit"],
                base_line["tax_ids"],
                quantity=-1.0,
                account_id=base_line["account_id"],
                extra_tax_data=AccountTax._reverse_quantity_base_line_extra_tax_data(
                    extra_tax_data
                ),
            ),
            "_deposit_claim": claim,
        }

    def _prepare_applied_lines(self, base_lines):
        """Values (list of dicts) of the invoice lines that apply deposits.

        :param base_lines: see :meth:`_get_applied_base_lines`
        """
        env = self.with_context(lang=self._get_bill_to_lang() or self.env.lang).env
        return [
            {
                **self._prepare_progress_line(base_line, "deposit"),
                "deposit_claim_id": base_line["_deposit_claim"].id,
                "name": env._(
                    "Deposit applied: %s", base_line["_deposit_claim"].move_id.name
                ),
                "sequence": 10000,
            }
            for base_line in base_lines
        ]

    def _fix_total_of_base_lines(self, base_lines, amount):
        """Have base lines come to an amount: Odoo does not make up for a tax of a cent
        that rounds to nothing in a part of it.

        :param base_lines: list of dicts whose manual tax amounts are fixed
        :param float amount: with taxes
        """
        total = sum(
            get_rounded_untaxed(base_line) + get_rounded_tax(base_line)
            for base_line in base_lines
        )
        rest = self.currency_id.round(amount - total)
        if not rest or not base_lines:
            return
        largest = max(base_lines, key=lambda line: abs(get_rounded_untaxed(line)))
        company_rest = self.company_id.currency_id.round(rest / largest["rate"])
        for suffix, value in (("_currency", rest), ("", company_rest)):
            largest["tax_details"][f"delta_total_excluded{suffix}"] += value
            if largest[f"manual_total_excluded{suffix}"] is not None:
                largest[f"manual_total_excluded{suffix}"] += value

    def _apply_deposit_again(self, invoice, amount):
        """Apply to a refreshed draft of one order the deposit that it had, or as much
        as it comes to now.

        :param invoice: draft `account.move` in superuser mode
        :param float amount: with taxes
        """
        amount = max(min(amount, invoice.amount_total, self.sudo().deposit_balance), 0)
        base_lines = self._get_applied_base_lines(amount)
        invoice.invoice_line_ids = [
            Command.create(values) for values in self._prepare_applied_lines(base_lines)
        ]

    def _fix_untaxed_base_lines(self, base_lines):
        """Give base lines without taxes the price that they are to come to: Odoo keeps
        the cents of those with taxes only."""
        for base_line in base_lines:
            if not base_line["tax_details"]["taxes_data"]:
                base_line["price_unit"] = get_rounded_untaxed(base_line)

    # ------------------------------------------------------------------
    # Refund what is left
    # ------------------------------------------------------------------

    def action_refund_deposit(self):
        """Draft the credit notes that give back what is left of the deposits of one
        order (action dict).

        :raise UserError: nothing is left, or a draft is there already
        :raise AccessError: the user may not credit service invoices
        """
        self.ensure_one()
        self.company_id._ensure_service_invoicing(GROUP_MANAGER)
        self.check_access("write")
        self._lock_billing()
        order = self.with_env(get_superuser_env(self.env))
        claims = order.invoice_link_ids.filtered("deposit_left")
        if not claims:
            raise UserError(
                self.env._(
                    "Service order %(order)s has no deposit to refund: what was paid "
                    "is applied.",
                    order=self.name,
                )
            )
        credit_notes = self.env["account.move"].union(
            *(order._refund_deposit(claim) for claim in claims)
        )
        return credit_notes.sudo(False)._get_service_invoice_action(
            self.env._("Deposit Refund")
        )

    def _refund_deposit(self, claim):
        """Draft credit note (`account.move`) for what is left of one deposit, and for
        what is not paid of it: the credit note is reconciled with that first.

        :raise UserError: a draft credit note is there already
        """
        invoice = claim.move_id
        if refusal := invoice._get_draft_credit_note_refusal():
            raise UserError(refusal)
        left = claim.deposit_total - claim.deposit_applied
        base_lines = self._get_applied_base_lines_of(claim, left)
        credit_note = invoice._reverse_moves([self._prepare_refund_values(invoice)])
        lines = []
        for base_line in base_lines:
            values = self._prepare_progress_line(base_line, "deposit")
            # the credit note takes it off
            values["quantity"] = 1.0
            values["extra_tax_data"] = self.env[
                "account.tax"
            ]._reverse_quantity_base_line_extra_tax_data(values["extra_tax_data"])
            values["name"] = invoice.invoice_line_ids[:1].name
            lines.append(Command.create(values))
        credit_note.write({"invoice_line_ids": [Command.clear(), *lines]})
        return credit_note

    def _prepare_refund_values(self, invoice):
        """Values (dict) of the credit note for what is left of a deposit."""
        env = self.with_context(lang=self._get_bill_to_lang() or self.env.lang).env
        values = invoice._prepare_cancelling_credit_note("")
        return {**values, "ref": env._("Refund of deposit %s", invoice.name)}
