# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a browser says to the server, without the browser."""

import itertools

import requests


class ServerError(Exception):
    """What the server answers instead of a result.

    :ivar str name: dotted name of the exception
    :ivar str message: what the user reads
    :ivar str debug: traceback
    """

    def __init__(self, name, message, debug=""):
        super().__init__(f"{name}: {message}")
        self.name, self.message, self.debug = name, message, debug


class Client:
    """One user's session.

    :param str url: of the server
    :param str database: its name
    :param str login: is the password, too
    """

    def __init__(self, url, database, login):
        self.url, self.database, self.login = url, database, login
        self.session = requests.Session()
        self.ids = itertools.count()
        self.context = {}
        info = self._post(
            "/web/session/authenticate", db=database, login=login, password=login
        )
        self.context = info["user_context"]
        self.uid = info["uid"]

    @property
    def session_id(self):
        return self.session.cookies["session_id"]

    def call(self, model, method, *args, context=(), **kwargs):
        """Call a public method as the web client does, and return its result."""
        return self._post(
            f"/web/dataset/call_kw/{model}/{method}",
            model=model,
            method=method,
            args=args,
            kwargs={"context": {**self.context, **dict(context)}, **kwargs},
        )

    def _post(self, route, **params):
        try:
            response = self.session.post(
                self.url + route,
                json={
                    "jsonrpc": "2.0",
                    "method": "call",
                    "id": next(self.ids),
                    "params": params,
                },
                timeout=300,
            )
        except requests.RequestException as error:
            raise ServerError(type(error).__name__, str(error)) from error
        if not response.ok:
            raise ServerError(f"HTTP {response.status_code}", response.text[:500])
        answer = response.json()
        if "error" in answer:
            data = answer["error"]["data"]
            raise ServerError(data["name"], data["message"], data["debug"])
        return answer.get("result")

    # ------------------------------------------------------------------
    # What the buttons do
    # ------------------------------------------------------------------

    def open_create(self, order_ids):
        """Id of a Create Invoice dialog."""
        return self._open(
            "fsm.order.create.invoice", {"order_ids": [(6, 0, order_ids)]}
        )

    def open_cancel(self, move_id):
        """Id of a Cancel Invoice dialog."""
        return self._open(
            "fsm.order.cancel.invoice",
            {"move_ids": [(6, 0, [move_id])], "reason": "Under fire"},
        )

    def open_payment(self, move_id):
        """Id of Odoo's Register Payment dialog."""
        context = {"active_model": "account.move", "active_ids": [move_id]}
        return self._open("account.payment.register", {}, context)

    def _open(self, model, values, context=()):
        return self.call(model, "create", [values], context=context)[0]

    def create_invoices(self, order_ids):
        dialog_id = self.open_create(order_ids)
        return self.call("fsm.order.create.invoice", "action_create_draft", [dialog_id])

    def post(self, move_ids):
        return self.call("account.move", "action_post", move_ids)

    def get_invoice_id(self, order_id):
        """Id of the active invoice of an order, or False."""
        [order] = self.call("fsm.order", "read", [order_id], ["active_invoice_id"])
        return order["active_invoice_id"] and order["active_invoice_id"][0]
