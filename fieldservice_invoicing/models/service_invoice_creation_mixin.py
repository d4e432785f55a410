# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict

from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .res_company import get_superuser_env


class ServiceInvoiceCreationMixin(models.AbstractModel):
    """How a service order becomes an invoice, or a part of one."""

    _name = "service.invoice.creation.mixin"
    _description = "Creation of Invoices from Service Orders"

    def _create_invoices(self, grouped=False, lines=None, **options):
        """Create one draft invoice for each order.

        All or nothing: a refusal for one order leaves none created. Called by the
        Create Invoice dialog and by code that invoices many orders.

        :param bool grouped: one invoice for orders that agree in the keys of
            :meth:`_get_invoice_grouping_keys`
        :param lines: `fsm.order.line` to bill; anything but all of them is refused
        :param options:
            ``include_unit_price`` (bool) bills units or leaves them out, and is
            remembered on the orders;
            ``tax_treatment`` (str) and ``tax`` (`account.tax`), see
            :meth:`_get_line_options`
        :return: created `account.move` recordset, in superuser mode as created
        :raise UserError: an order can not be invoiced, with the reason
        :raise AccessError: the user may not create invoices from orders
        """
        self._ensure_may_invoice()
        self._follow_sources()
        self._update_amounts()
        self._ensure_can_be_invoiced(lines)
        if options.get("include_unit_price") is not None:
            self.filtered(
                lambda order: order.include_unit_price != options["include_unit_price"]
            ).include_unit_price = options["include_unit_price"]
        vals_list = []
        for order in self:
            order = order.with_company(order.company_id)
            values = order._prepare_invoice()
            values["invoice_line_ids"] = order._prepare_invoice_lines(options)
            values["service_tax_treatment"] = options.get("tax_treatment", "default")
            values["service_tax_id"] = options.get("tax", self.env["account.tax"]).id
            vals_list.append(values)
        if grouped:
            vals_list = self._group_invoice_vals(vals_list)
        moves = self._create_account_invoices(vals_list)
        claims = moves.service_order_link_ids
        claims._keep_rounding(
            {claim: claim.order_id.amount_untaxed for claim in claims}
        )
        moves._check_service_invoice_total()
        moves._check_not_to_exceed()
        self._log_created(moves)
        return moves

    def _prepare_invoice(self):
        """Values of the order's invoice without its lines, without side effect.

        :return: dict for ``account.move.create``
        """
        self.ensure_one()
        values = {
            "move_type": "out_invoice",
            "company_id": self.company_id.id,
            "partner_id": self.bill_to_id.id,
            **self._get_bill_to_values(),
            "partner_shipping_id": self.location_id.partner_id.id,
            "fiscal_position_id": self.fiscal_position_id.id,
            "currency_id": self.currency_id.id,
            "invoice_payment_term_id": self.payment_term_id.id,
            "invoice_origin": self.name,
            "invoice_user_id": self._get_invoice_user().id,
            **self._prepare_invoice_discount(),
            "service_order_link_ids": [Command.create(self._prepare_invoice_link())],
            "invoice_line_ids": [],
        }
        if journal := self.company_id.sudo().service_invoice_journal_id:
            values["journal_id"] = journal.id
        return values

    def _get_invoice_user(self):
        """Salesperson (`res.users`) of the order's invoice: who creates it, and for
        one that is created automatically who entered the order, if that is a person of
        the company. Hook for others."""
        self.ensure_one()
        if not self.env.user._is_superuser():
            return self.env.user
        return self.create_uid.filtered(
            lambda user: (
                user.active
                and not user._is_superuser()
                and user._is_internal()
                and self.company_id in user.company_ids
            )
        )

    def _prepare_invoice_discount(self):
        """Values (dict) of the discount on the order's whole invoice."""
        self.ensure_one()
        has_discount = self.discount_type != "none"
        return {
            "service_discount_type": self.discount_type,
            "service_discount_value": self.discount_value if has_discount else 0.0,
        }

    def _prepare_invoice_link(self):
        """Values (dict) of the claim on the invoice."""
        self.ensure_one()
        return {"order_id": self.id, "slot": "order"}

    def _prepare_invoice_lines(self, options):
        """Commands (list) that create the invoice lines of one order.

        :param dict options: those of :meth:`_create_invoices`
        :raise UserError: nothing is left to bill
        """
        self.ensure_one()
        lines = self._get_invoiceable_lines()
        if not lines:
            raise UserError(self._get_only_units_message())
        return [
            Command.create(
                line._prepare_invoice_line(
                    **(
                        {}
                        if line.display_type or not line.is_billable
                        else self._prepare_line_options(line, options)
                    )
                )
            )
            for line in lines.with_context(
                lang=self._get_bill_to_lang() or self.env.lang
            )
        ]

    def _get_line_options(self, line, options):
        """Taxes and price of a line under the tax treatment chosen for an invoice.

        :param line: one `fsm.order.line`
        :param dict options: ``tax_treatment`` is ``default`` (the line's taxes),
            ``tax`` (the tax in ``tax`` for every line) or ``exempt`` (none)
        :return: dict with ``tax_ids`` (`account.tax`), ``price_unit`` and
            ``service_discount_amount``, or empty. Price and discount that include
            the line's own tax are adapted.
        """
        treatment = options.get("tax_treatment") or "default"
        if treatment == "default":
            return {}
        taxes = options["tax"] if treatment == "tax" else self.env["account.tax"]
        price = self.env["account.tax"]._adapt_price_unit_to_another_taxes(
            line.price_unit, line.product_id, line.tax_ids, taxes
        )
        discount = line._get_discount_amount()
        if line.price_unit:
            discount = self.currency_id.round(discount * price / line.price_unit)
        return {
            "tax_ids": taxes,
            "price_unit": price,
            "service_discount_amount": discount,
        }

    def _prepare_line_options(self, line, options):
        """:meth:`_get_line_options` as values of an invoice line (dict)."""
        values = self._get_line_options(line, options)
        if "tax_ids" in values:
            values["tax_ids"] = [Command.set(values["tax_ids"].ids)]
        return values

    def _get_service_day(self):
        """Day (date, or False) on which the work of one order ended, else is scheduled,
        where its company is."""
        self.ensure_one()
        done = self.date_end or self.scheduled_date_start
        timezone = self.company_id.partner_id.tz or self.env.user.tz or "UTC"
        order = self.with_context(tz=timezone)
        return done and fields.Datetime.context_timestamp(order, done).date()

    def _prepare_document_values(self):
        """What the invoice says of one order: hook for more.

        :return: dict that can be stored as JSON, texts in the context's language;
            ``date`` is the day (ISO format, or False) on which the work ended, else
            is scheduled; ``equipment`` a list of dicts with ``name`` and ``serial``;
            ``request`` and ``resolution`` are HTML
        """
        self.ensure_one()
        order = self.sudo()
        day = order._get_service_day()
        contact = self.env["ir.qweb.field.contact"].with_env(order.env)
        site = order.location_id.partner_id
        return {
            "id": order.id,
            "name": order.name,
            "location": order.location_id.display_name,
            # without any, the widget would print a placeholder
            "address": site._display_address(without_company=True).strip()
            and contact.value_to_html(
                site, {"fields": ["address"], "no_marker": True, "no_tag_br": True}
            ),
            "date": day and fields.Date.to_string(day),
            "equipment": [
                {"name": equipment.name, "serial": equipment._get_serial_number()}
                for equipment in order.equipment_ids
            ],
            "request": order.description,
            "resolution": order.resolution,
            "technician": ", ".join(
                (order.person_id or order.person_ids).mapped("name")
            ),
            "signed_by": order.signed_by,
        }

    @api.model
    def _get_invoice_grouping_keys(self):
        """Names (list) of invoice values that orders on one invoice share.

        An order with an amount off the whole shares its invoice with none, so that
        nothing is taken off the others.
        """
        return [
            "company_id",
            "partner_id",
            *self._get_bill_to_fields(),
            "currency_id",
            "fiscal_position_id",
            "invoice_payment_term_id",
            "journal_id",
            "service_discount_type",
            "service_discount_value",
        ]

    @api.model
    def _get_invoice_group(self, values):
        """What invoices have in common that become one (tuple).

        :param dict values: those of :meth:`_prepare_invoice`
        """
        key = tuple(values.get(name) for name in self._get_invoice_grouping_keys())
        if values["service_discount_type"] == "amount":
            key += (values["invoice_origin"],)
        return key

    def _get_planned_invoices(self, grouped=False):
        """Orders of each invoice that :meth:`_create_invoices` would make.

        :return: list of `fsm.order`
        """
        if not grouped:
            return list(self)
        groups = self.grouped(
            lambda order: order._get_invoice_group(
                order.with_company(order.company_id)._prepare_invoice()
            )
        )
        return list(groups.values())

    def _group_invoice_vals(self, vals_list):
        """Join the values of invoices that agree in the grouping keys.

        :param vals_list: list of dicts of :meth:`_prepare_invoice`, with lines, one for
            each order
        :return: list of dicts, one for each invoice
        """
        groups = defaultdict(list)
        for order, values in zip(self, vals_list, strict=True):
            groups[self._get_invoice_group(values)].append((order, values))
        return [self._join_invoice_vals(group) for group in groups.values()]

    @api.model
    def _join_invoice_vals(self, group):
        """Values (dict) of one invoice for several orders, with a section for each.

        :param group: list of pairs of order and its values, see
            :meth:`_group_invoice_vals`
        """
        target = group[0][1]
        if len(group) == 1:
            return target
        lines, links = [], []
        for order, values in group:
            lines.append(Command.create(order._prepare_invoice_heading()))
            lines += order._demote_sections(values["invoice_line_ids"])
            links += values["service_order_link_ids"]
            if target["partner_shipping_id"] != values["partner_shipping_id"]:
                target["partner_shipping_id"] = False
        for sequence, command in enumerate(lines):
            command[2]["sequence"] = sequence
        return {
            **target,
            "invoice_line_ids": lines,
            "service_order_link_ids": links,
            "invoice_origin": ", ".join(
                values["invoice_origin"] for _order, values in group
            ),
        }

    def _prepare_invoice_heading(self):
        """Values (dict) of the section that heads the lines of one order on an invoice
        of several: number, location and date."""
        self.ensure_one()
        order = self.sudo()
        day = order._get_service_day()
        parts = (
            order.name,
            order.location_id.display_name,
            day and format_date(self.env, day, lang_code=self._get_bill_to_lang()),
        )
        return {
            "display_type": "line_section",
            "name": " – ".join(filter(None, parts)),
            "account_id": False,
            "service_heading_order_id": order.id,
        }

    @api.model
    def _demote_sections(self, commands):
        """Commands of :meth:`_prepare_invoice_lines` for an invoice on which each order
        is a section: the order's own sections are within it."""
        for command in commands:
            if command[2].get("display_type") == "line_section":
                command[2]["display_type"] = "line_subsection"
        return commands

    def _create_account_invoices(self, vals_list):
        """Create the invoices: the one place that needs superuser rights, because
        who bills service orders need not be an accountant.

        :param vals_list: list of dicts for ``account.move.create``
        :return: `account.move` recordset in superuser mode
        """
        moves = get_superuser_env(self.env)["account.move"]
        for values in vals_list:
            moves._add_line_amounts(values)
        return moves.with_context(default_move_type="out_invoice").create(vals_list)

    def _log_created(self, moves):
        """Tell orders and invoices of each other in their chatter."""
        is_automatic = self.env.user._is_superuser()
        moves._log_on_service_orders(
            self.env._("Draft invoice created automatically: %s")
            if is_automatic
            else self.env._("Draft invoice created: %s")
        )
        bodies = {}
        for move in moves:
            links = move.service_order_link_ids.order_id._get_html_links()
            bodies[move.id] = (
                self.env._("Created automatically from service order %s", links)
                if is_automatic
                else self.env._("Created from service order %s", links)
            )
        moves._message_log_batch(bodies=bodies)
        moves._log_tax_treatment()

    def _get_html_links(self):
        """Markup with a link to each order, comma separated."""
        return Markup(", ").join(order._get_html_link() for order in self)
