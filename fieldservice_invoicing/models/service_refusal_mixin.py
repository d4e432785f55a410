# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from .res_company import GROUP_USER, INVOICE_READERS


class ServiceRefusalMixin(models.AbstractModel):
    """Why a service order can not be invoiced, and what is missing before."""

    _name = "service.refusal.mixin"
    _description = "Refusals to Invoice a Service Order"

    invoice_refusal = fields.Text(
        string="Reason",
        compute="_compute_invoice_refusal",
        groups=INVOICE_READERS,
        help="Why the order can not be invoiced now.",
    )
    closeout_blocking = fields.Text(
        compute="_compute_closeout",
        help="What is missing and has to be there before the order is billed.",
    )
    closeout_warning = fields.Text(
        compute="_compute_closeout",
        help="What is missing, though the order can be billed without it.",
    )

    @api.depends_context("uid", "lang")
    def _compute_invoice_refusal(self):
        for order in self:
            order.invoice_refusal = order._get_batch_refusal()

    @api.depends(
        "stage_id.is_invoiceable",
        "type",
        "signature",
        "resolution",
        "message_attachment_count",
        "line_ids.price_unit",
        "line_ids.quantity",
        "invoice_link_ids.is_active",
    )
    def _compute_closeout(self):
        waiting = self.filtered(
            lambda order: order.is_invoiceable and not order._is_work_billed()
        )
        findings = self.env["fsm.closeout.rule"]._get_findings(waiting)
        for order in self:
            messages = {"blocking": [], "warning": []}
            for level, message in findings.get(order, []):
                messages[level].append(message)
            order.closeout_blocking = "\n".join(messages["blocking"])
            order.closeout_warning = "\n".join(messages["warning"])

    def _ensure_may_invoice(self):
        """Refuse users who may not create invoices from these orders.

        :raise UserError: a company has service invoicing switched off
        :raise AccessError: the user lacks the right
        """
        self.company_id._ensure_service_invoicing(GROUP_USER)
        self.check_access("write")

    def _ensure_can_be_invoiced(self, lines=None):
        """Refuse orders that can not be invoiced: the one place for every reason.

        :param lines: see :meth:`_create_invoices`
        :raise UserError: names the order, the reason and the way out
        :raise AccessError: the user lacks the right
        """
        self._ensure_may_invoice()
        # signatures and photos come and go without the order being told
        self.invalidate_recordset(["closeout_blocking", "closeout_warning"])
        for order in self:
            if reason := order._get_invoice_refusal(lines):
                raise UserError(reason)

    def _get_invoice_refusal(self, lines=None):
        """Why the order (one record) can not be invoiced: hook for more reasons.

        :param lines: see :meth:`_create_invoices`
        :return: message (str), or False when it can be invoiced
        """
        self.ensure_one()
        return (
            self._get_active_invoice_refusal()
            or self._get_stage_refusal()
            or self._get_bill_to_refusal()
            or self._get_lines_refusal(lines)
            or self._get_discount_refusal()
            or self._get_closeout_refusal()
        )

    def _get_batch_refusal(self):
        """Why the order (one record) can not be invoiced together with others: hook for
        what only the order's own dialog asks.

        :return: message (str), or False when it can be invoiced
        """
        if refusal := self._get_invoice_refusal():
            return refusal
        if not self.include_unit_price and not self._get_invoiceable_lines():
            return self._get_only_units_message()
        return False

    def _get_active_invoice_refusal(self):
        """Refusal (str or False) for an order that has its one active invoice."""
        invoice = self.sudo().active_invoice_id
        return invoice and self.env._(
            "An invoice already exists for this service order.\n"
            "%(order)s is billed by %(invoice)s: open it from the order. To bill it "
            "anew, cancel or credit that invoice first; to bill an order in portions, "
            "use progress billing.",
            order=self.name,
            invoice=invoice.display_name,
        )

    def _get_stage_refusal(self):
        """Refusal (str or False) by the order's stage."""
        return not self.stage_id.is_invoiceable and self.env._(
            "Service order %(order)s is in the stage “%(stage)s”, which is not "
            "invoiceable. Complete the order first.",
            order=self.name,
            stage=self.stage_id.name,
        )

    def _get_bill_to_refusal(self):
        """Refusal (str or False) by the bill-to."""
        if self._is_one_off() and (refusal := self._get_walk_in_refusal()):
            return refusal
        contact = self.bill_to_id
        if not contact:
            return self.env._(
                "Service order %(order)s has no bill-to. Choose one on its Order Lines "
                "tab, or give the location an owner.",
                order=self.name,
            )
        if not contact.active:
            return self.env._(
                "The bill-to of service order %(order)s, %(partner)s, is archived. "
                "Unarchive it or choose another bill-to.",
                order=self.name,
                partner=contact.name,
            )
        bill_to = self._get_bill_to()
        if (
            not bill_to.country_id
            and not self.fiscal_position_id
            and self.company_id.taxes_by_country
        ):
            return self.env._(
                "%(partner)s, the bill-to of service order %(order)s, has no country, "
                "by which %(company)s chooses its taxes. Set the country, or a fiscal "
                "position on the order.",
                order=self.name,
                partner=bill_to.name,
                company=self.company_id.name,
            )
        return False

    def _get_lines_refusal(self, lines=None):
        """Refusal (str or False) by what there is to bill."""
        billable = self._get_billable_lines()
        if lines is not None and billable - lines:
            return self.env._(
                "Service order %(order)s can not be billed in portions: an invoice "
                "takes all its billable lines. Use progress billing for deposits and "
                "draws.",
                order=self.name,
            )
        if not billable:
            return self._get_nothing_billable_message()
        return False

    def _get_nothing_billable_message(self):
        """What is missing (str) on an order with nothing to bill."""
        lines = self.line_ids.filtered(lambda line: not line.display_type)
        if not lines:
            missing = self.env._("It has no order lines: add labor and parts.")
        elif not any(lines.mapped("is_billable")):
            missing = self.env._("None of its order lines is billable.")
        else:
            missing = self.env._("The quantity of its billable lines is zero.")
        return self.env._(
            "There is nothing to invoice on service order %(order)s. %(missing)s",
            order=self.name,
            missing=missing,
        )

    def _get_only_units_message(self):
        """Refusal (str) when all there is to bill is left out by the dialog."""
        return self.env._(
            "There is nothing to invoice on service order %(order)s without its "
            "units. Include the unit price, or add labor and parts.",
            order=self.name,
        )

    def _get_closeout_refusal(self):
        """Refusal (str or False) by the blocking rules of the closeout check."""
        return bool(self.closeout_blocking) and self.env._(
            "Service order %(order)s is not closed out:\n%(missing)s\n"
            "Complete it, or ask for another closeout check in the configuration of "
            "field service.",
            order=self.name,
            missing=self.closeout_blocking,
        )
