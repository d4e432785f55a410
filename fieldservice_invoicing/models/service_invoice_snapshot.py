# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from contextlib import contextmanager

from markupsafe import Markup

from odoo import api, fields, models
from odoo.api import NewId

# Sections of the lines, in the order in which a document prints them.
SECTIONS = (False, "labor", "part", "unit", "charge", "discount")


class IssuedId(NewId):
    """Id of a record as it was when a document was issued.

    Two documents keep different values of the same record, so these ids are equal to
    none other; and report layouts make a CSS class of the company's id.
    """

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __str__(self):
        return str(self.origin)


class ServiceInvoiceSnapshot(models.Model):
    """What one issued service invoice or credit note says of its bill-to, company,
    terms and taxes, whatever becomes of those records.

    Written once, in superuser mode, when the document is posted; gone when it goes
    back to draft, which the lock of issued invoices refuses.
    """

    _name = "service.invoice.snapshot"
    _description = "Service Invoice as Issued"
    _rec_name = "move_id"

    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="move_id.company_id", store=True, index=True)
    values = fields.Json(required=True, readonly=True)
    logo = fields.Binary(readonly=True, attachment=True)

    _one_each = models.UniqueIndex("(move_id)")

    def write(self, vals):
        self.check_access("write")
        self.move_id._ensure_not_issued()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_issued(self):
        self.move_id._ensure_not_issued()

    @api.model
    def _take(self, moves):
        """Keep what these documents say, once they are posted.

        :param moves: `account.move`, in superuser mode
        :return: created snapshots
        :raise UserError: one of the documents has a snapshot already
        """
        return self.create(
            [
                {
                    "move_id": move.id,
                    "values": self._prepare_values(move),
                    "logo": move.company_id.logo,
                }
                for move in moves
            ]
        )

    @api.model
    def _prepare_values(self, move):
        """What one document says, now.

        :param move: one `account.move`, in superuser mode
        :return: dict that can be stored as JSON. ``bill_to``, ``shipping`` and
            ``company`` are those of :meth:`_prepare_partner`; texts are in the
            language of the document (``lang``); ``rates`` are those of
            :meth:`account.move._get_tax_rates`, ``lines`` those of
            :meth:`_prepare_lines`, ``installments`` and ``early_payment`` those of
            :meth:`_prepare_payment_terms`; keys of ``taxes`` and ``units`` are ids as
            text; ``reason`` is why a credit note was made.
        """
        lang = move._get_bill_to().lang or self.env.lang
        snapshot = self.with_context(lang=lang)
        move = move.with_env(snapshot.env)
        lines = move.invoice_line_ids
        fiscal_position = move.fiscal_position_id
        return {
            "lang": lang,
            "bill_to": snapshot._prepare_partner(move._get_bill_to()),
            "shipping": snapshot._prepare_partner(move.partner_shipping_id),
            "company": snapshot._prepare_company(move.company_id),
            "vat_label": move.company_id.account_fiscal_country_id.vat_label,
            "foreign_vat": fiscal_position.foreign_vat,
            "fiscal_position": fiscal_position.name,
            "fiscal_position_note": fiscal_position.note,
            "legal_notes": move.taxes_legal_notes,
            "payment_term_note": move.invoice_payment_term_id.note,
            "bank_account": move.partner_bank_id.display_name,
            "taxes": {str(tax.id): tax.tax_label for tax in lines.tax_ids},
            "tax_values": {
                str(tax.id): self._get_plain_values(tax, self._get_tax_fields())
                for tax in snapshot._get_all_taxes(lines)
            },
            "units": {str(unit.id): unit.name for unit in lines.product_uom_id},
            "incoterm": move.invoice_incoterm_id.code,
            "amount_in_words": move.company_id.display_invoice_amount_total_words
            and move.amount_total_words,
            "tax_totals": move._get_current_tax_totals(),
            "rates": move._get_current_tax_rates(),
            "lines": snapshot._prepare_lines(move),
            "reason": move.move_type == "out_refund" and move.ref,
            **snapshot._prepare_payment_terms(move),
        }

    @api.model
    def _prepare_lines(self, move):
        """Lines of one document, in the order in which it prints them.

        Each order's lines stay together, what bills none comes last. The sections that
        head them on the form are left out, for the document has its own. Lines of
        orders without sections of their own go by kind. What is taken off the whole has
        its section in any case.

        :return: list of dicts with ``id`` of the line, ``order_id`` or False, and
            ``section``, one of ``SECTIONS``
        """
        orders = move._get_service_order_links().order_id
        only_order = orders if len(orders) == 1 else orders.browse()
        groups = defaultdict(move.invoice_line_ids.browse)
        for line in move.invoice_line_ids.sorted("sequence"):
            if not line._is_plain_heading():
                order = line.service_heading_order_id or line._get_service_orders()
                groups[order or only_order] += line
        return [
            {"id": line.id, "order_id": order.id, "section": section}
            for order in sorted(groups, key=lambda order: not order)
            for line, section in self._get_sections(groups[order], order)
        ]

    @api.model
    def _get_sections(self, lines, order):
        """Lines of one order with the section that each is printed in.

        :param lines: `account.move.line`, in sequence
        :param order: `fsm.order`, or none for lines that bill none of several orders
        :return: list of pairs of line and one of ``SECTIONS``, in order of these; notes
            stay with the line above them
        """
        own_sections = lines.filtered(
            lambda line: line.display_type in ("line_section", "line_subsection")
        )
        if own_sections or not order:
            discounts = lines.filtered("is_service_discount")
            return [
                *((line, False) for line in lines - discounts),
                *((line, "discount") for line in discounts),
            ]
        pairs, section = [], False
        for line in lines:
            if line.display_type == "product":
                section = self._get_section(line)
            pairs.append((line, section))
        return sorted(pairs, key=lambda pair: SECTIONS.index(pair[1]))

    @api.model
    def _get_section(self, line):
        """Section (one of ``SECTIONS``) of one `account.move.line`: hook."""
        if line.is_service_discount:
            return "discount"
        kind = line.fsm_order_line_id.kind
        return kind if kind in SECTIONS[1:] else "charge"

    @api.model
    def _prepare_payment_terms(self, move):
        """When one document is to be paid, as far as its payment terms show it.

        :return: dict with ``installments``, a list of dicts with ``date`` (text) and
            ``amount``, and ``early_payment``, such a dict of what is due with the
            discount for an early payment, or False
        """
        term = move.invoice_payment_term_id
        installments = term.display_on_invoice and move.payment_term_details
        is_discounted = installments and move._is_eligible_for_early_payment_discount(
            move.currency_id, move.invoice_date
        )
        return {
            "installments": installments or [],
            "early_payment": bool(is_discounted)
            and {
                "date": term._get_last_discount_date_formatted(move.invoice_date),
                "amount": term._get_amount_due_after_discount(
                    move.amount_total, move.amount_tax
                ),
            },
        }

    @api.model
    def _get_partner_fields(self):
        """Names (list) of the `res.partner` fields that a document keeps: hook for
        what electronic formats need."""
        return [
            "name",
            "is_company",
            "commercial_company_name",
            "street",
            "street2",
            "zip",
            "city",
            "state_id",
            "country_id",
            "vat",
            "company_registry",
            "email",
            "phone",
            "website",
            "ref",
            "lang",
        ]

    @api.model
    def _get_company_fields(self):
        """Names (list) of the `res.company` fields in the header and footer."""
        return ["name", "report_header", "company_details", "report_footer"]

    @api.model
    def _get_tax_fields(self):
        """Names (list) of the `account.tax` fields by which a document's taxes are
        computed and named: hook for what electronic formats need."""
        return ["name", "invoice_label", *self._get_tax_computation_fields()]

    @api.model
    def _get_tax_computation_fields(self):
        """Names (list) of the `account.tax` fields by which a tax is computed."""
        return [
            "amount",
            "amount_type",
            "price_include_override",
            "include_base_amount",
            "is_base_affected",
        ]

    @api.model
    def _get_all_taxes(self, lines):
        """Taxes (`account.tax`) of invoice lines, those in groups of taxes too."""
        return lines.tax_ids | lines.tax_ids.children_tax_ids

    @api.model
    def _prepare_partner(self, partner):
        """What a document says of a partner.

        :param partner: one `res.partner`, or none
        :return: dict of :meth:`_get_partner_fields`, records as ids, with its
            ``display_name``, its ``address`` with name as HTML, names and codes of
            ``state`` and ``country``, ``commercial`` (the same of the company it
            belongs to, if another), and ``id`` of the record; or False
        """
        if not partner:
            return False
        commercial = partner.commercial_partner_id
        return {
            **self._get_plain_values(partner, self._get_partner_fields()),
            "id": partner._origin.id,
            "display_name": partner.display_name,
            "address": self.env["ir.qweb.field.contact"].value_to_html(
                partner, {"fields": ["name", "address"], "no_marker": True}
            ),
            "state": partner.state_id.name,
            "country": partner.country_id.name,
            "country_code": partner.country_id.code,
            "commercial": commercial != partner and self._prepare_partner(commercial),
        }

    @api.model
    def _prepare_company(self, company):
        """What a document says of the company that issues it (dict)."""
        partner = self._prepare_partner(company.partner_id)
        vat_label = company.country_id.vat_label or self.env._("Tax ID")
        values = self._get_plain_values(company, self._get_company_fields())
        if company.is_company_details_empty:
            # the layouts would read the address from the records, without VAT number
            vat = Markup("<div>%s: %s</div>") % (vat_label, company.vat)
            values["company_details"] = partner["address"] + (company.vat and vat or "")
        return {
            **values,
            "partner": partner,
            "vat_label": vat_label,
        }

    @api.model
    def _get_plain_values(self, record, names):
        """Values (dict) of one record that JSON can hold: ids of other records."""
        return {
            name: record[name].id
            if record._fields[name].type == "many2one"
            else record[name]
            for name in names
        }

    # ------------------------------------------------------------------
    # Records as they were
    # ------------------------------------------------------------------

    def _get_lang(self):
        """Language code (str or False) in which one document was issued, unless that
        language has been deactivated since."""
        return self.env["res.lang"]._get_code(self.values["lang"])

    def _get_partner(self, role):
        """The partner (`res.partner`) of one document, which may have been merged into
        another since it was issued.

        :param str role: ``bill_to`` or ``shipping``
        """
        move = self.move_id
        return move.partner_id if role == "bill_to" else move.partner_shipping_id

    def _get_partner_as_issued(self, role):
        """A partner that one document names, as it was at issue.

        :param str role: see :meth:`_get_partner`
        :return: `res.partner`, a record in memory or none
        """
        self.ensure_one()
        return self._get_kept_partner(self._get_partner(role), self.values[role])

    @api.model
    def _get_kept_company(self, company, values, logo):
        """A copy in memory of a company, with the values that a document kept.

        :param company: one `res.company`
        :param dict values: those of :meth:`_prepare_company`
        :param logo: image (base64 bytes) or False
        """
        kept = {name: values[name] for name in self._get_company_fields()}
        kept["logo"] = logo
        kept["partner_id"] = self._get_kept_partner(
            company.partner_id, values["partner"]
        )
        # layouts put its label before the VAT number of a foreign fiscal position
        kept["country_id"] = self._get_as_issued(
            company.country_id, {"vat_label": values["vat_label"]}
        )
        return self._get_as_issued(company, kept)

    @api.model
    def _get_kept_partner_values(self, values):
        """Values (dict) that a document kept of a partner's fields, but for a language
        that has been deactivated since.

        :param dict values: those of :meth:`_prepare_partner`
        """
        kept = {name: values[name] for name in self._get_partner_fields()}
        return {**kept, "lang": self.env["res.lang"]._get_code(kept["lang"])}

    @api.model
    def _get_kept_partner(self, partner, values):
        """A copy in memory of a partner, with the values that a document kept.

        :param partner: `res.partner`, or none
        :param values: dict of :meth:`_prepare_partner`, or False
        """
        if not values:
            return partner.browse()
        kept = self._get_kept_partner_values(values)
        record = self._get_as_issued(partner, {**kept, "parent_id": False})
        commercial = (
            self._get_kept_partner(partner.commercial_partner_id, values["commercial"])
            or record
        )
        record._update_cache(
            {
                "commercial_partner_id": commercial,
                "display_name": values["display_name"],
            },
            validate=False,
        )
        return record

    def _get_kept_unit(self, unit):
        """A copy in memory of a unit of measure (`uom.uom`) on one document, with the
        name that the document kept."""
        name = self.values["units"].get(str(unit.id), unit.name)
        return self._get_as_issued(unit, {"name": name, "display_name": name})

    @api.model
    def _get_as_issued(self, record, values):
        """A copy in memory of one record, with other values."""
        record = record.browse([IssuedId(record.id)])
        record._update_cache(values, validate=False)
        return record

    @contextmanager
    def _records_as_issued(self):
        """Make the records that one document names say, in memory and for a while,
        what they said when it was issued.

        For code that reads them by itself, as that of electronic invoices does.
        Nothing of it reaches the database. Not to be nested: the inner one ends both.
        """
        self.ensure_one()
        with self._in_memory(self._get_values_by_record()):
            yield

    @contextmanager
    def _taxes_as_issued(self):
        """Make the taxes of one document compute, in memory and for a while, as when it
        was issued."""
        self.ensure_one()
        with self._in_memory(self._get_tax_values()):
            yield

    @contextmanager
    def _in_memory(self, values_by_record):
        """Have records say something else for a while, without writing it.

        :param values_by_record: list of pairs of a record and a dict of values
        """
        self.env.invalidate_all()
        for record, values in values_by_record:
            record._update_cache(values, validate=False)
        try:
            yield
        finally:
            self.env.invalidate_all()

    def _has_other_taxes(self):
        """Whether a tax of these documents computes otherwise by now (bool)."""
        return any(
            tax[name] != values[name]
            for snapshot in self
            for tax, values in snapshot._get_tax_values()
            for name in self._get_tax_computation_fields()
        )

    def _get_tax_values(self):
        """Pairs (list) of a tax and the values (dict) that one document kept."""
        taxes = self.env["account.tax"].with_context(lang=self._get_lang())
        return [
            (taxes.browse(int(tax_id)), values)
            for tax_id, values in self.values["tax_values"].items()
        ]

    def _get_values_by_record(self):
        """Pairs (list) of a record and the values (dict) that one document kept."""
        snapshot = self.with_context(lang=self._get_lang())
        values, company = self.values, snapshot.company_id
        kept_company = values["company"]
        company_values = {
            name: kept_company[name] for name in self._get_company_fields()
        }
        return [
            *self._get_partner_values(
                snapshot._get_partner("bill_to"), values["bill_to"]
            ),
            *self._get_partner_values(
                snapshot._get_partner("shipping"), values["shipping"]
            ),
            *self._get_partner_values(company.partner_id, kept_company["partner"]),
            (company, company_values),
            *snapshot._get_tax_values(),
            *(
                (term, {"note": values["payment_term_note"]})
                for term in snapshot.move_id.invoice_payment_term_id
            ),
        ]

    @api.model
    def _get_partner_values(self, partner, values):
        """Pairs (list) of a partner, and the company it belonged to, with their values.

        :param partner: `res.partner`, or none
        :param values: dict of :meth:`_prepare_partner`, or False
        """
        if not values:
            return []
        kept = self._get_kept_partner_values(values)
        if not values["commercial"]:
            kept |= {"parent_id": False, "commercial_partner_id": partner.id}
            return [(partner, kept)]
        commercial = partner.browse(values["commercial"]["id"]).exists()
        commercial = commercial or partner.commercial_partner_id
        kept |= {"parent_id": commercial.id, "commercial_partner_id": commercial.id}
        return [
            *self._get_partner_values(commercial, values["commercial"]),
            (partner, kept),
        ]
