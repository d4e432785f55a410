# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Chromium, driven over its own protocol."""

import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import requests
import websocket

NAMES = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")
PATIENCE = 90  # seconds for anything to show
# Odoo limits the memory of its process, with it that of its children: too much for a
# browser, which reserves a lot more than it uses.
WITHOUT_LIMIT = ["sh", "-c", 'ulimit -S -v "$(ulimit -H -v)"; exec "$@"', "sh"]
# titles of the dialogs that say a refusal of the server
REFUSALS = ("Invalid Operation", "Validation Error")


class Browser:
    """A headless browser with the session of a client.

    :param Client client: who is logged in
    """

    def __init__(self, client):
        self.url = client.url
        self.folder = Path(tempfile.mkdtemp(prefix="fire_browser_"))
        self.process = subprocess.Popen(
            [
                *WITHOUT_LIMIT,
                next(filter(None, map(shutil.which, NAMES))),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-port=0",
                "--remote-allow-origins=*",
                f"--user-data-dir={self.folder}",
                "--window-size=1400,900",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.ids = itertools.count(1)
        self.socket = websocket.create_connection(self._find_page(), timeout=PATIENCE)
        self._send(
            "Network.setCookie",
            name="session_id",
            value=client.session_id,
            url=self.url,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _find_page(self):
        port_file = self.folder / "DevToolsActivePort"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if port_file.exists() and (lines := port_file.read_text().split()):
                pages = requests.get(
                    f"http://127.0.0.1:{lines[0]}/json/list", timeout=10
                ).json()
                if found := [page for page in pages if page["type"] == "page"]:
                    return found[0]["webSocketDebuggerUrl"]
            time.sleep(0.1)
        raise RuntimeError("The browser did not start")

    def _send(self, method, **params):
        number = next(self.ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                return answer.get("result", {})

    def _evaluate(self, script):
        result = self._send("Runtime.evaluate", expression=script, returnByValue=True)
        return result.get("result", {}).get("value")

    def _await(self, script, what):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if value := self._evaluate(script):
                return value
            time.sleep(0.1)
        text = self._evaluate("document.body.innerText")
        raise RuntimeError(f"The browser waits for {what} and shows:\n{text}")

    # ------------------------------------------------------------------

    def open_order(self, order_id):
        # else the client would keep what it knows of the order
        self._send("Page.navigate", url="about:blank")
        self._send("Page.navigate", url=f"{self.url}/odoo/fsm.order/{order_id}")
        self._await("!!document.querySelector('.o_form_view')", "the order")

    def has_button(self, name):
        return self._evaluate(f"!!({_find_button(name)})")

    def await_button(self, name):
        self._await(f"!!({_find_button(name)})", f"the button {name}")

    def press(self, name):
        self.await_button(name)
        self._evaluate(f"({_find_button(name)}).click()")

    def type(self, field, text):
        """Fill in a field of the dialog."""
        selector = f".modal [name={field}] input"
        self._await(f"!!document.querySelector('{selector}')", field)
        self._evaluate(
            f"""{{
                const input = document.querySelector('{selector}');
                input.value = {json.dumps(text)};
                input.dispatchEvent(new Event('input', {{bubbles: true}}));
                input.dispatchEvent(new Event('change', {{bubbles: true}}));
            }}"""
        )

    def await_answer(self, name):
        """What the user reads after a button was pressed.

        :param str name: of the button, which goes when the server has done its work
        :return: title and text (str) of an error dialog, or None
        """
        dialog = "document.querySelector('.o_error_dialog')"
        self._await(
            # disabled, it is at work
            f"!!{dialog} || !({_find_button(name, enabled=False)})",
            f"an answer to {name}",
        )
        # the dialog closes before its error shows
        time.sleep(1)
        if text := self._evaluate(f"{dialog}?.innerText"):
            title, _newline, message = text.strip().partition("\n")
            return title.strip(), message.strip()


def _find_button(name, enabled=True):
    # that of the dialog first: its name may be that of the one which opened it
    button = f"button[name={name}]" + (":not([disabled])" if enabled else "")
    return (
        f"[...document.querySelectorAll('.modal {button}'),"
        f" ...document.querySelectorAll('{button}')]"
        ".find((button) => button.offsetParent)"
    )
