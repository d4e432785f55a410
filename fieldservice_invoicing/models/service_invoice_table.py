# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from odoo import api, models
from odoo.tools import split_every

from ..tools import Amount


class ServiceInvoiceTable(models.AbstractModel):
    """Service invoices and credit notes as the rows of a table.

    A column has a key; those of tax rates are pairs of amount and rate, see
    :meth:`_get_rate_key`. What credit notes say is negative.
    """

    _name = "service.invoice.table"
    _description = "Table of Service Invoices"
    _batch_size = 200

    @api.model
    def _write(self, moves, table):
        """Write documents to a file, in batches, however many.

        :param moves: `account.move` that the user may read
        :param table: :class:`CsvFile` or :class:`XlsxFile`
        """
        columns = self._get_columns(self._get_rate_keys(moves))
        table.write_header(columns.values())
        for batch in self._split(moves, self._batch_size):
            self._prefetch(batch)
            for move in batch:
                row = self._prepare_row(move)
                table.write_row([row.get(column, "") for column in columns])

    @api.model
    def _split(self, moves, size):
        """Batches of ``moves`` (generator), each without what the ones before left in
        memory."""
        for ids in split_every(size, moves.ids):
            yield moves.browse(ids)
            moves.env.invalidate_all()

    @api.model
    def _prefetch(self, moves):
        """Read at once what rows say of service orders, which is found document by
        document."""
        links = moves._get_service_order_links()
        links.sorted("order_id").mapped("issued_values")

    # ------------------------------------------------------------------
    # Columns
    # ------------------------------------------------------------------

    @api.model
    def _get_columns(self, rate_keys):
        """Columns of the table in their order: hook for more.

        :param rate_keys: list of rates found, see :meth:`_get_rate_key`
        :return: dict of labels in the user's language by key
        """
        return {
            "number": self.env._("Number"),
            "kind": self.env._("Kind"),
            "status": self.env._("Status"),
            "company": self.env._("Company"),
            "date": self.env._("Invoice Date"),
            "date_due": self.env._("Due Date"),
            "customer": self.env._("Customer"),
            "vat": self.env._("VAT Number"),
            "country": self.env._("Country"),
            "orders": self.env._("Service Orders"),
            "locations": self.env._("Service Location"),
            "reference": self.env._("Reference"),
            "reversed": self.env._("Reversed Invoice"),
            "currency": self.env._("Currency"),
            "untaxed": self.env._("Untaxed"),
            "tax": self.env._("Tax"),
            "total": self.env._("Total"),
            "due": self.env._("Amount Due"),
            **self._get_rate_columns(rate_keys),
            "company_currency": self.env._("Company Currency"),
            "untaxed_company": self.env._("Untaxed (company currency)"),
            "tax_company": self.env._("Tax (company currency)"),
            "total_company": self.env._("Total (company currency)"),
            "due_company": self.env._("Amount Due (company currency)"),
            **self._get_company_rate_columns(rate_keys),
        }

    @api.model
    def _get_rate_columns(self, rate_keys):
        """Labels (dict) of base and tax by rate, in the document's currency."""
        columns = {}
        for key in rate_keys:
            label = self._get_rate_label(key)
            columns["base", key] = self.env._("Base %s", label)
            if self._has_tax(key):
                columns["tax", key] = self.env._("Tax %s", label)
        return columns

    @api.model
    def _get_company_rate_columns(self, rate_keys):
        """Labels (dict) of base and tax by rate, in the company's currency."""
        columns = {}
        for key in rate_keys:
            label = self._get_rate_label(key)
            columns["base_company", key] = self.env._(
                "Base %s (company currency)", label
            )
            if self._has_tax(key):
                columns["tax_company", key] = self.env._(
                    "Tax %s (company currency)", label
                )
        return columns

    @api.model
    def _get_rate_keys(self, moves):
        """Rates found in documents: highest first, then taxes that are no percentage,
        then lines without tax.

        :return: list, see :meth:`_get_rate_key`
        """
        return sorted(
            {
                self._get_rate_key(rate)
                for batch in self._split(moves, self._batch_size)
                for move in batch
                for rate in move._get_tax_rates()
            },
            key=lambda key: (key[0], -key[1], key[2]),
        )

    @api.model
    def _get_rate_key(self, rate):
        """What taxes on one pair of columns have in common.

        :param dict rate: of :meth:`account.move._get_tax_rates`
        :return: tuple of a rank, the percentage and the label of a tax that has none
        """
        # a rate of 0 % is a percentage, too
        if rate["rate"] is not False:
            return 0, rate["rate"], ""
        if rate["tax_id"]:
            return 1, 0.0, rate["label"]
        return 2, 0.0, ""

    @api.model
    def _has_tax(self, key):
        """Whether a rate (tuple) is one of taxes, not of lines without (bool)."""
        return key[0] != 2

    @api.model
    def _get_rate_label(self, key):
        """Text for a rate (tuple)."""
        rank, percentage, label = key
        if rank == 0:
            return f"{percentage:g} %"
        return label or self.env._("No tax")

    # ------------------------------------------------------------------
    # Rows
    # ------------------------------------------------------------------

    @api.model
    def _prepare_row(self, move):
        """Cells of one document: hook for more.

        :param move: one `account.move` that the user may read
        :return: dict by column: text, date or :class:`Amount`
        """
        document = move._get_document_values()
        bill_to = document["bill_to"] or {}
        orders = self._get_order_values(move)
        return {
            "number": move.name,
            "kind": self._get_label(move, "move_type"),
            "status": self._get_label(move, "service_invoice_status"),
            "company": document["company"]["name"],
            "date": move.invoice_date,
            "date_due": move.invoice_date_due,
            "customer": bill_to.get("display_name"),
            "vat": bill_to.get("vat"),
            "country": bill_to.get("country_code"),
            "orders": self._join(order["name"] for order in orders),
            "locations": self._join(order["location"] for order in orders),
            "reference": move.ref,
            "reversed": move.reversed_entry_id.name,
            "currency": move.currency_id.name,
            "company_currency": move.company_currency_id.name,
            **self._prepare_totals(move),
            **self._prepare_rates(move),
        }

    @api.model
    def _get_label(self, move, name):
        """Text for a selection field of one document, in the user's language."""
        field = move._fields[name]
        return dict(field._description_selection(self.env)).get(move[name])

    @api.model
    def _get_order_values(self, move):
        """What one document says of its service orders (list of dicts)."""
        lang = move._get_document_lang()
        return [link._get_document_texts(lang) for link in move._get_document_links()]

    @api.model
    def _join(self, texts):
        """Texts, each once, as one."""
        return ", ".join(dict.fromkeys(filter(None, texts)))

    @api.model
    def _prepare_totals(self, move):
        """Totals (dict of :class:`Amount`) of one document."""
        sign = self._get_sign(move)
        amounts = {
            "untaxed": sign * move.amount_untaxed,
            "tax": sign * move.amount_tax,
            "total": sign * move.amount_total,
            "due": sign * move.amount_residual,
        }
        company_amounts = {
            "untaxed_company": move.amount_untaxed_signed,
            "tax_company": move.amount_tax_signed,
            "total_company": move.amount_total_signed,
            "due_company": move.amount_residual_signed,
        }
        return {
            **self._round(amounts, move.currency_id),
            **self._round(company_amounts, move.company_currency_id),
        }

    @api.model
    def _prepare_rates(self, move):
        """Base and tax by rate (dict of :class:`Amount`) of one document."""
        sign = self._get_sign(move)
        amounts, company_amounts = defaultdict(float), defaultdict(float)
        for rate in move._get_tax_rates():
            key = self._get_rate_key(rate)
            amounts["base", key] += sign * rate["base"]
            amounts["tax", key] += sign * rate["tax"]
            company_amounts["base_company", key] += sign * rate["base_company"]
            company_amounts["tax_company", key] += sign * rate["tax_company"]
        return {
            **self._round(amounts, move.currency_id),
            **self._round(company_amounts, move.company_currency_id),
        }

    @api.model
    def _get_sign(self, move):
        """1 for an invoice, -1 for a credit note."""
        return -move.direction_sign

    @api.model
    def _round(self, amounts, currency):
        """Amounts (dict) as :class:`Amount` of a currency."""
        return {
            # no "-0.00"
            key: Amount(currency.round(amount) + 0.0, currency.decimal_places)
            for key, amount in amounts.items()
        }
