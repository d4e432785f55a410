# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A mail server that fails as it is told to, and counts what it took."""

import collections
import email
import email.policy
import socketserver
import threading

MODES = ("refuse", "busy", "reject", "drop", "work")


class MailServer:
    """An SMTP server on a port of its own.

    :ivar str mode: what it does with the next e-mails: ``refuse`` the connection,
        ``busy`` (a 4xx) and ``reject`` (a 5xx) after their data, ``drop`` the
        connection amid it, ``work``
    :ivar set refused: addresses that get a 5xx in any mode
    :ivar Counter delivered: how many e-mails it took, by address and subject
    """

    def __init__(self):
        self.mode = "work"
        self.refused = set()
        self.delivered = collections.Counter()
        self.lock = threading.Lock()
        self.server = _Server(("127.0.0.1", 0), _Session)
        self.server.mail_server = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.server.shutdown()
        self.server.server_close()

    def take(self, recipients, data):
        message = email.message_from_bytes(data, policy=email.policy.default)
        with self.lock:
            for recipient in recipients:
                self.delivered[recipient, message["Subject"]] += 1

    def count(self, recipient):
        """How many e-mails an address got."""
        with self.lock:
            return sum(
                count for key, count in self.delivered.items() if key[0] == recipient
            )


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.mail_server = self.server.mail_server
        if self.mail_server.mode == "refuse":
            return
        self.recipients = []
        self._say("220 fire")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].split(" ")[0].upper()
            answer = getattr(self, f"_do_{verb.lower()}", self._do_other)
            if answer(line) is False:
                return

    def _say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def _do_other(self, _line):
        self._say("250 ok")

    def _do_rcpt(self, line):
        address = line.split("<")[1].split(">")[0]
        if address in self.mail_server.refused:
            self._say("550 no such user")
        else:
            self.recipients.append(address)
            self._say("250 ok")

    def _do_rset(self, _line):
        self.recipients = []
        self._say("250 ok")

    def _do_data(self, _line):
        self._say("354 go on")
        data = b""
        while not data.endswith(b"\r\n.\r\n"):
            data += self.rfile.readline()
        mode = self.mail_server.mode
        if mode == "drop":
            return False
        if mode == "work":
            self.mail_server.take(self.recipients, data)
            self._say("250 taken")
        else:
            self._say("451 try later" if mode == "busy" else "554 not this one")
        self.recipients = []

    def _do_quit(self, _line):
        self._say("221 bye")
        return False
