# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields


def post_init_hook(env):
    """Give companies that have their accounts those for deposits and retainage."""
    companies = env["res.company"].search([("chart_template", "!=", False)])
    companies._create_progress_accounts()


def uninstall_hook(env):
    """Leave behind what is agreed and billed so that nothing is billed twice."""
    fold_changes(env)
    mark_contracts_billed(env)
    note_deposits(env)


def fold_changes(env):
    """Fold change orders into the prices of order lines: nothing else knows of them.

    By SQL, because what is approved is locked, and the amounts stay what they are.
    """
    env.flush_all()
    for line in env["fsm.order.line"].search([("change_amount", "!=", 0)]):
        quantity = line.quantity or 1.0
        price = line._get_price_with_taxes(line.price_subtotal) / quantity
        env.cr.execute(
            """
            UPDATE fsm_order_line
               SET price_unit = %s, quantity = %s, discount_type = 'none',
                   discount_value = 0, change_amount = 0
             WHERE id = %s
            """,
            [price, quantity, line.id],
        )
    env["fsm.order.line"].invalidate_model()


def mark_contracts_billed(env):
    """Take contracts off the list to invoice: without the addon an invoice for the
    whole order would bill again what draws have billed."""
    orders = env["fsm.order"].search(
        [("billing_method", "=", "progress"), ("progress_billed", "!=", 0)]
    )
    for order in orders.filtered(lambda order: not order.marked_billed_date):
        invoices = order._get_draws().move_id.mapped("display_name")
        order.write(
            {
                "marked_billed_reason": env._(
                    "Billed by progress draws: %s", ", ".join(invoices)
                ),
                "marked_billed_user_id": env.uid,
                "marked_billed_date": fields.Datetime.now(),
            }
        )
    # computed by the addon's rules to the end
    env.flush_all()
    orders.write({"billing_status": "marked_billed", "amount_to_invoice": 0.0})
    left = env["fsm.order"].search([("billing_status", "=", "progress")])
    left.billing_status = "not_ready"


def note_deposits(env):
    """Note on orders what is paid of their deposits and not applied: nothing else
    would recall it."""
    orders = env["fsm.order"].search([("deposit_balance", "!=", 0)])
    orders._message_log_batch(
        bodies={
            order.id: env._(
                "Paid as a deposit, and applied by no invoice: %s",
                order.currency_id.format(order.deposit_balance),
            )
            for order in orders
        }
    )
