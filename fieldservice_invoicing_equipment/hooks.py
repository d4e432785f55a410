# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def uninstall_hook(env):
    """Leave units to people: nothing follows their deliveries any more."""
    env["fsm.order.line"].search(
        [("quantity_source", "=", "equipment"), ("source_key", "!=", False)]
    ).source_key = False
    env.flush_all()
