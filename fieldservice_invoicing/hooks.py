# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup


def uninstall_hook(env):
    """Keep in Odoo's own records what nothing else would know."""
    note_one_offs(env)
    keep_walk_in_contact(env)
    fold_discounts(env)


def note_one_offs(env):
    """Note on orders and invoices of one-offs whom they bill.

    Without the addon they are those of the walk-in contact.
    """
    for model in ("fsm.order", "account.move"):
        one_offs = env[model].search([("bill_to_type", "!=", "contact")])
        one_offs._message_log_batch(
            bodies={one_off.id: format_one_off(one_off) for one_off in one_offs}
        )


def format_one_off(record):
    """Name, address, VAT number, e-mail address and phone number (`Markup`) of the
    one-off on a `fsm.order` or an `account.move`."""
    snapshot = record.env["service.invoice.snapshot"]
    values = snapshot._prepare_partner(record._get_bill_to())
    details = [values[name] for name in ("vat", "email", "phone") if values[name]]
    return Markup("%s%s") % (Markup(values["address"]), ", ".join(details))


def keep_walk_in_contact(env):
    """Have the walk-in contact outlive the addon when invoices are booked on it."""
    xmlid = env["ir.model.data"].search(
        [("module", "=", "fieldservice_invoicing"), ("name", "=", "partner_walk_in")]
    )
    if env["account.move"].search_count([("partner_id", "=", xmlid.res_id)], limit=1):
        xmlid.unlink()


def fold_discounts(env):
    """Fold the discounts by amount into the unit prices of invoice lines.

    Nothing else knows of them: without this the totals on the print of an issued
    invoice would no longer be those of its journal items. By SQL, because issued
    invoices are locked and their journal items have to stay as they are.
    """
    env.flush_all()
    env.cr.execute(
        """
        UPDATE account_move_line
           SET price_unit = price_unit - service_discount_amount
                   / (quantity * (1 - COALESCE(discount, 0) / 100)),
               service_discount_amount = 0
         WHERE service_discount_amount > 0
           AND quantity != 0
           AND COALESCE(discount, 0) != 100
        """
    )
    env["account.move.line"].invalidate_model(["price_unit", "service_discount_amount"])
