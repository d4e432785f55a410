# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The orders that are measured, made and committed."""

from odoo import Command

BATCH = 500
# invoices that are there before
HISTORY = 200
# product and quantity of each line of an order
LINES = [
    ("Labor", 2.5),
    ("Travel", 1),
    ("Pump", 2),
    ("Filter", 4),
    ("Pipe", 7.25),
    ("Valve", 3),
]
PRICES = {
    "Labor": 55.0,
    "Travel": 39.9,
    "Pump": 137.5,
    "Filter": 18.95,
    "Pipe": 6.4,
    "Valve": 24.35,
}


def make_world(database):
    """Rights, products, a customer and a location.

    :return: dict of ids: ``products`` (list), ``customer``, ``location``
    """
    with database.committed() as env:
        env.user.group_ids += env.ref("fieldservice.group_fsm_manager")
        env.user.group_ids += env.ref("sales_team.group_sale_manager")
        env.user.group_ids += env.ref("account.group_account_manager")
        if group := env.ref(
            "fieldservice_invoicing.group_service_invoice_manager", False
        ):
            env.user.group_ids += group
        customer = env["res.partner"].create(
            {
                "name": "Customer",
                "country_id": env.ref("base.us").id,
                "email": "customer@example.com",
            }
        )
        location = env["fsm.location"].create({"name": "Site", "owner_id": customer.id})
        return {
            "products": _create_products(env).ids,
            "customer": customer.id,
            "location": location.id,
        }


def _create_products(env):
    return env["product.product"].create(
        [
            {
                "name": name,
                "type": "service" if name in ("Labor", "Travel") else "consu",
                "list_price": PRICES[name],
                "invoice_policy": "order",
            }
            for name, _quantity in LINES
        ]
    )


def make_orders(database, world, count, lines=0):
    """Finished service orders.

    :param int lines: how many lines each has, 0 without the addons
    :return: list of their ids
    """
    values = {"location_id": world["location"]}
    if lines:
        values["line_ids"] = _prepare_lines(world, "quantity", lines)
    result = []
    for size in _get_batches(count):
        with database.committed() as env:
            orders = env["fsm.order"].create([values] * size)
            orders.action_complete()
            result += orders.ids
    return result


def make_sales(database, world, count, lines):
    """Confirmed sales orders with lines like those of the service orders.

    :param int lines: how many lines each has
    :return: list of their ids
    """
    values = {
        "partner_id": world["customer"],
        "order_line": _prepare_lines(world, "product_uom_qty", lines),
    }
    result = []
    for size in _get_batches(count):
        with database.committed() as env:
            orders = env["sale.order"].create([values] * size)
            orders.action_confirm()
            result += orders.ids
    return result


def make_history(database, world):
    """Paid and unpaid invoices, as any company has: where PostgreSQL knows of none, it
    takes minutes for what Odoo asks of payments when it creates hundreds of others."""
    order_ids = make_orders(database, world, HISTORY, 1)
    with database.committed() as env:
        invoices = env["fsm.order"].browse(order_ids)._create_invoices().sudo(False)
        invoices.action_post()
        env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoices[::2].ids
        ).create({})._create_payments()
    database.vacuum()


def make_invoices(database, order_ids):
    """Draft invoices of service orders, one each."""
    for start in range(0, len(order_ids), BATCH):
        with database.committed() as env:
            env["fsm.order"].browse(order_ids[start : start + BATCH])._create_invoices()


def _prepare_lines(world, quantity_name, count):
    kinds = [
        (product_id, quantity)
        for product_id, (_name, quantity) in zip(world["products"], LINES, strict=True)
    ]
    return [
        Command.create({"product_id": product_id, quantity_name: quantity})
        for product_id, quantity in (kinds[i % len(kinds)] for i in range(count))
    ]


def _get_batches(count):
    return [min(BATCH, count - start) for start in range(0, count, BATCH)]
