# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from .res_company import get_superuser_env


class ServiceBillableMixin(models.AbstractModel):
    """Which lines of a service order are billed, and where they come from."""

    _name = "service.billable.mixin"
    _description = "Billable Lines of a Service Order"

    include_unit_price = fields.Boolean(
        default=True,
        help="Bill the order's equipment at its price, beside labor and items.",
    )

    def _get_priced_lines(self, include_unit_price=None):
        """Lines (`fsm.order.line`) that the customer is charged for.

        :param include_unit_price: whether units count; None: as the order says
        """
        self.ensure_one()
        if include_unit_price is None:
            include_unit_price = self.include_unit_price
        lines = self.line_ids.filtered(
            lambda line: (
                line.is_billable
                and not line.display_type
                and (include_unit_price or line.kind != "unit")
            )
        )
        # read together with the lines of the other orders at hand
        return lines.with_prefetch(self.line_ids._prefetch_ids)

    def _get_unpriced_lines(self):
        """Lines (`fsm.order.line`) of one order that are billed at no price."""
        return self._get_priced_lines().filtered(
            lambda line: line.quantity and not line.price_unit
        )

    def _get_billable_lines(self):
        """Lines (`fsm.order.line`) with something left to invoice, units too."""
        return self._get_priced_lines(include_unit_price=True).filtered(
            lambda line: (
                not line.product_uom_id.is_zero(line.qty_to_invoice)
                if line.product_uom_id
                else line.qty_to_invoice
            )
        )

    def _get_invoiceable_lines(self, include_unit_price=None):
        """Lines (`fsm.order.line`) of one order for its invoice, with the sections
        and notes that belong to them.

        :param include_unit_price: whether units count; None: as the order says
        """
        self.ensure_one()
        billable = self._get_billable_lines() & self._get_priced_lines(
            include_unit_price
        )
        shown = billable | self._get_lines_at_no_charge(include_unit_price)
        result = section = self.env["fsm.order.line"]
        for line in self.line_ids.sorted():
            if line.display_type == "line_section":
                section = line
            elif line.display_type == "line_note":
                result += line
            elif line in shown:
                result += section + line
                section = self.env["fsm.order.line"]
        result = result.sorted() if billable else billable
        return result.with_prefetch(self.line_ids._prefetch_ids)

    def _get_lines_at_no_charge(self, include_unit_price=None):
        """Lines (`fsm.order.line`) that the customer is not charged for and that the
        invoice shows nevertheless, as the company has it.

        :param include_unit_price: see :meth:`_get_invoiceable_lines`
        """
        if self.company_id.sudo().service_excluded_lines != "no_charge":
            return self.env["fsm.order.line"]
        if include_unit_price is None:
            include_unit_price = self.include_unit_price
        return self.line_ids.filtered(
            lambda line: (
                not line.is_billable
                and not line.display_type
                and line.quantity
                and (include_unit_price or line.kind != "unit")
            )
        )

    def _has_invoice_lines(self):
        """Whether an active invoice bills lines of the order (one record) (bool)."""
        self.ensure_one()
        return self._is_billed() and any(
            line._is_invoiced() for line in self.line_ids if not line.display_type
        )

    def _update_amounts(self):
        """Compute the amounts of the order lines and orders anew.

        They are stored, and do not follow a changed tax rate or rounding method;
        the invoice takes today's, and has to show no difference to its orders.
        """
        self.line_ids.modified(["discount_value"])

    # ------------------------------------------------------------------
    # Sources of the lines
    # ------------------------------------------------------------------

    def _follow_sources(self):
        """Bring the order lines up to date, whoever the current user is: what was
        done does not depend on who asks.

        Called when an order is finished, when the dialog opens, before invoices are
        created, while a draft is refreshed, when an order's equipment changes, and by
        bridges when parts are moved or hours are logged.
        """
        orders = self.with_env(get_superuser_env(self.env))
        orders.filtered("company_id.service_invoicing")._collect_order_lines()

    def _collect_order_lines(self):
        """Bring the order lines up to date with what they come from.

        Called by :meth:`_follow_sources`, in superuser mode. Here: a line for each
        unit that has a price, until an invoice bills the order. Bridges add their
        sources and call ``super()``.
        """
        Line = self.env["fsm.order.line"]
        gone, values = Line, []
        for order in self.filtered(lambda order: not order._has_invoice_lines()):
            units = order.line_ids.filtered("equipment_id")
            gone |= units.filtered(
                lambda line, order=order: line.equipment_id not in order.equipment_ids
            )
            values += [
                order._prepare_unit_line(equipment)
                for equipment in order.equipment_ids - units.equipment_id
                if equipment._has_unit_price()
            ]
        kept = gone.filtered(lambda line: line._is_on_consolidated_invoice())
        kept.write({"quantity": 0.0, "equipment_id": False})
        (gone - kept).unlink()
        Line.create(values)

    def _prepare_unit_line(self, equipment):
        """Values (dict) of the order line for one unit (`fsm.equipment`)."""
        self.ensure_one()
        return {
            "order_id": self.id,
            "kind": "unit",
            "equipment_id": equipment.id,
            "product_id": equipment.product_id.id,
            "quantity": 1.0,
            "quantity_source": "equipment",
            "sequence": 100,
        }

    def _update_sourced_lines(self, source, wanted):
        """Make the lines of one source say what the source says, in one batch.

        Called by the `_collect_order_lines` of bridges. A line is known by its order
        and source key. It keeps what people set on it (price, discount, taxes,
        reason); when its source is gone it goes too, or falls to zero once it has been
        on an invoice.

        :param str source: a value of ``quantity_source``
        :param list wanted: dicts of values for `fsm.order.line`, among them
            ``order_id``, ``source_key`` and ``quantity``; for existing lines as well
            these values are written, and no others
        """
        Line = self.env["fsm.order.line"].with_env(get_superuser_env(self.env))
        lines = {
            (line.order_id.id, line.source_key): line
            for line in self.with_env(Line.env).line_ids
            if line.source_key and line.quantity_source == source
        }
        new = []
        for values in wanted:
            line = lines.pop((values["order_id"], values["source_key"]), None)
            if line is None:
                new.append({**values, "quantity_source": source})
            elif changes := line._get_changes(values):
                line._write_source_values(changes)
        Line.create(new)
        gone = Line.union(*lines.values())
        billed = gone.filtered("invoice_line_ids")
        for line in billed.filtered("quantity"):
            line._write_source_values({"quantity": 0.0})
        (gone - billed).unlink()
