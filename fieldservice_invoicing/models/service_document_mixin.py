# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
from collections import defaultdict
from contextlib import contextmanager

from markupsafe import Markup

from odoo import api, models


class ServiceDocumentMixin(models.AbstractModel):
    """What `account.move` needs to say what it said when it was issued.

    The report, the form, the portal and exports read master records through these
    methods only.
    """

    _name = "service.document.mixin"
    _description = "Service Invoice as a Document"

    def _get_document_values(self):
        """What one document says of bill-to, company, terms and taxes: as issued,
        or as the records say while it is a draft.

        Called by the report, the form, the portal and exports.

        :return: dict of :meth:`service.invoice.snapshot._prepare_values`
        """
        self.ensure_one()
        move = self.sudo()
        return move.service_snapshot_ids.values or (
            move.service_snapshot_ids._prepare_values(move)
        )

    def _get_document_lang(self):
        """Language code (str or False) in which one document is printed."""
        self.ensure_one()
        snapshot = self.sudo().service_snapshot_ids
        return snapshot._get_lang() if snapshot else self._get_bill_to_lang()

    def _get_document_company(self):
        """The company (`res.company`, superuser mode) as one document says it."""
        self.ensure_one()
        move = self.sudo()
        snapshot = move.service_snapshot_ids
        return snapshot.with_context(lang=self.env.lang)._get_kept_company(
            move.company_id,
            self._get_document_values()["company"],
            snapshot.logo if snapshot else move.company_id.logo,
        )

    def _get_document_partner(self, role="bill_to"):
        """A partner (`res.partner`, superuser mode) as one document says it.

        :param str role: ``bill_to`` or ``shipping``
        """
        self.ensure_one()
        snapshot = self.sudo().service_snapshot_ids
        if not snapshot:
            partner = self.partner_shipping_id
            return (self._get_bill_to() if role == "bill_to" else partner).sudo()
        return snapshot._get_partner_as_issued(role)

    def _get_document_orders(self):
        """What one document says of the service orders that it bills or credits
        (list of dicts of :meth:`fsm.order.invoice._get_document_values`)."""
        self.ensure_one()
        lang = self._get_document_lang()
        return [link._get_document_values(lang) for link in self._get_document_links()]

    def _get_document_links(self):
        """Claims (`fsm.order.invoice`, superuser mode) of the orders on one document:
        of those of an invoice, a credit note names what it credits."""
        links = self._get_service_order_links().sorted("order_id")
        if self.move_type != "out_refund":
            return links
        lines = self._get_document_values()["lines"]
        credited = {line["order_id"] for line in lines}
        return links.filtered(lambda link: link.order_id.id in credited) or links

    @contextmanager
    def _records_as_issued(self):
        """Have the records that one document names say, in memory and for a while,
        what it says of them: see :meth:`service.invoice.snapshot._records_as_issued`.

        Called around what reads those records by itself, as electronic invoices do.
        """
        self.ensure_one()
        if not (snapshot := self.sudo().service_snapshot_ids):
            yield
            return
        with snapshot._records_as_issued():
            yield

    def _get_tax_rates(self):
        """Base and tax of one document by tax, exact to the cent.

        :return: list of dicts with ``tax_id``, ``label``, ``rate`` (percentage, or
            False for other taxes and for lines without tax), ``base`` and ``tax`` in
            the document's currency, ``base_company`` and ``tax_company`` in the
            company's; positive on credit notes too
        """
        return self._get_document_values()["rates"]

    def _get_current_tax_rates(self):
        """:meth:`_get_tax_rates` by the present records."""
        AccountTax = self.env["account.tax"]
        aggregated = AccountTax._aggregate_base_lines_aggregated_values(
            AccountTax._aggregate_base_lines_tax_details(
                self._get_rounded_base_and_tax_lines()[0],
                lambda base_line, tax_data: tax_data and {"tax": tax_data["tax"]},
            )
        )
        rates = []
        for key, amounts in aggregated.items():
            tax = key["tax"] if key else AccountTax
            is_percentage = tax.amount_type in ("percent", "division")
            rates.append(
                {
                    "tax_id": tax.id,
                    "label": tax.tax_label,
                    "rate": is_percentage and tax.amount,
                    "base": self._get_journal_base(
                        amounts, self.currency_id, "_currency"
                    ),
                    "tax": amounts["tax_amount_currency"],
                    "base_company": self._get_journal_base(
                        amounts, self.company_currency_id
                    ),
                    "tax_company": amounts["tax_amount"],
                }
            )
        return rates

    @api.model
    def _get_journal_base(self, amounts, currency, suffix=""):
        """Base (float) of one tax as the journal items have it: what the lines come to
        with the cents that rounding gave them, and the taxes that this one is on.

        :param dict amounts: aggregated values of ``account.tax``
        :param currency: `res.currency` of the result
        :param str suffix: ``_currency`` for the document's currency
        """
        untaxed = amounts[f"total_excluded{suffix}"]
        raw_base = amounts[f"raw_base_amount{suffix}"]
        taxes_before = raw_base - amounts[f"raw_total_excluded{suffix}"]
        return untaxed + currency.round(taxes_before)

    def _get_current_tax_totals(self):
        """Tax totals (dict) of one document in its language, for JSON."""
        self.invalidate_recordset(["tax_totals"])
        return json.loads(json.dumps(self.tax_totals, default=str))

    def _get_document_partners(self):
        """Bill-to and service location as one document says them.

        :return: two dicts of :meth:`service.invoice.snapshot._prepare_partner`, or
            False
        """
        snapshot = self.service_snapshot_ids
        if values := snapshot.values:
            return values["bill_to"], values["shipping"]
        return (
            snapshot._prepare_partner(self._get_bill_to()),
            snapshot._prepare_partner(self.partner_shipping_id),
        )

    def _get_document_tax_totals(self):
        """Odoo's tax totals of one document (dict, see `account.tax`), with a row for
        each tax in place of each tax group. Called by the report."""
        values = self._get_document_values()
        rates, totals = values["rates"], values["tax_totals"]
        subtotals = []
        for subtotal in totals["subtotals"]:
            rows = [
                self._prepare_tax_row(rate, group)
                for group in subtotal["tax_groups"]
                for rate in rates
                if rate["tax_id"] in group["involved_tax_ids"]
            ]
            subtotals.append({**subtotal, "tax_groups": rows})
        if subtotals:
            lang = self._get_document_lang()
            no_tax = {"group_name": self.with_context(lang=lang).env._("No tax")}
            subtotals[0]["tax_groups"] += [
                self._prepare_tax_row(rate, no_tax)
                for rate in rates
                if not rate["tax_id"]
            ]
        return {
            **totals,
            "subtotals": subtotals,
            "same_tax_base": False,
            "service_show_total_tax": len(rates) > 1,
        }

    def _prepare_tax_row(self, rate, group):
        """One tax as a tax group of Odoo's tax totals (dict).

        :param dict rate: of :meth:`_get_tax_rates`
        :param dict group: the tax group in which the tax counts
        """
        return {
            **group,
            "group_name": rate["label"] or group["group_name"],
            "tax_amount_currency": rate["tax"],
            "tax_amount": rate["tax_company"],
            "base_amount_currency": rate["base"],
            "base_amount": rate["base_company"],
            "display_base_amount_currency": rate["base"],
            "display_base_amount": rate["base_company"],
        }

    def _get_document_headings(self):
        """What one document prints above its lines, beside sections that are lines
        themselves. Called by the report.

        :return: dict of line ids and dicts with ``order_id`` above the first line of
            each of several orders (False for lines of none) and ``order_subtotal``;
            ``section`` above the first line of each section and ``subtotal``
        """
        self.ensure_one()
        lines = self._get_document_values()["lines"]
        subtotals = defaultdict(float)
        amounts = {line.id: line.price_subtotal for line in self.invoice_line_ids}
        for line in lines:
            for key in (line["order_id"], (line["order_id"], line["section"])):
                subtotals[key] += amounts[line["id"]]
        several = len({line["order_id"] for line in lines}) > 1
        headings, last_order, last_section = {}, None, None
        for line in lines:
            order_id, section = line["order_id"], line["section"]
            heading = {}
            if several and order_id != last_order:
                heading.update(order_id=order_id, order_subtotal=subtotals[order_id])
            if section and (order_id, section) != (last_order, last_section):
                heading.update(section=section, subtotal=subtotals[order_id, section])
            if heading:
                headings[line["id"]] = heading
            last_order, last_section = order_id, section
        return headings

    def _format_document_partner(self, values):
        """Address and VAT number as HTML (`Markup`), or False.

        :param values: dict of :meth:`service.invoice.snapshot._prepare_partner`
        """
        if not values:
            return False
        vat = Markup("<div>%s</div>") % values["vat"] if values["vat"] else ""
        return Markup("%s%s") % (Markup(values["address"]), vat)
