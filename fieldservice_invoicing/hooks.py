# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def uninstall_hook(env):
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
