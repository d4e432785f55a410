# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def post_init_hook(env):
    """Compute the amounts of the orders that turn out to be sold."""
    orders = env["fsm.order"].search([("billing_sale_id", "!=", False)])
    orders.modified(["billing_sale_id"])


def uninstall_hook(env):
    """Compute the amounts of the orders that nothing knows to be sold any more."""
    orders = env["fsm.order"].search([("billing_sale_id", "!=", False)])
    orders.billing_sale_id = False
    env.flush_all()
