# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Users of real groups and finished orders, made over RPC."""

from .client import Client

USERS = {
    "biller": (
        "fieldservice.group_fsm_user",
        "fieldservice_invoicing.group_service_invoice_user",
    ),
    "manager": (
        "fieldservice.group_fsm_user",
        "fieldservice_invoicing.group_service_invoice_manager",
    ),
    "accountant": (
        "fieldservice.group_fsm_user",
        "fieldservice_invoicing.group_service_invoice_user",
        "account.group_account_invoice",
    ),
    "owner": (
        "fieldservice.group_fsm_user",
        "fieldservice_invoicing.group_service_invoice_manager",
        "account.group_account_invoice",
    ),
}
CHUNK = 50


def log_in(server, login):
    return Client(server.url, server.database, login)


def create_users(admin):
    """Users with login and password of the keys of ``USERS``, once."""
    for login, groups in USERS.items():
        if admin.call("res.users", "search", [("login", "=", login)]):
            continue
        group_ids = [get_id(admin, group) for group in groups]
        admin.call(
            "res.users",
            "create",
            [
                {
                    "name": login,
                    "login": login,
                    "password": login,
                    "email": f"{login}@example.com",
                    "group_ids": [(4, group_id) for group_id in group_ids],
                }
            ],
        )


def create_orders(admin, count, email="customer@example.com"):
    """Ids of finished orders with lines, of one customer."""
    [owner_id] = admin.call(
        "res.partner", "create", [{"name": "Under fire", "email": email}]
    )
    [location_id] = admin.call(
        "fsm.location", "create", [{"name": "Under fire", "owner_id": owner_id}]
    )
    values = {
        "location_id": location_id,
        "stage_id": get_id(admin, "fieldservice.fsm_stage_completed"),
        "line_ids": [
            (
                0,
                0,
                {"name": "Work", "kind": "labor", "quantity": 1.5, "price_unit": 80},
            ),
            (
                0,
                0,
                {"name": "Filter", "kind": "part", "quantity": 3, "price_unit": 9.99},
            ),
            (0, 0, {"name": "Travel", "kind": "charge", "price_unit": 35}),
        ],
    }
    order_ids = []
    while count > len(order_ids):
        chunk = min(CHUNK, count - len(order_ids))
        order_ids += admin.call("fsm.order", "create", [values] * chunk)
    return order_ids


def get_id(admin, xmlid):
    module, name = xmlid.split(".")
    domain = [("module", "=", module), ("name", "=", name)]
    [found] = admin.call("ir.model.data", "search_read", domain, ["res_id"])
    return found["res_id"]
