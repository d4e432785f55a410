# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A live Odoo of several processes."""

import configparser
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import requests

COMMAND = Path(__file__).parent / "bin" / "odoo"
PATIENCE = 120  # seconds


def get_free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def get_data_dir():
    """Folder (`Path`) of the files of the databases, as Odoo is configured here."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(os.environ["ODOO_RC"])
    return Path(config["options"]["data_dir"])


def end_with_command():
    """Have who ends this command end its servers, too."""
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit(143))


def get_number(name, default):
    """A number (int) of the environment, see setup/fire.sh."""
    return int(os.environ.get(name) or default)


class Server:
    """Odoo with workers and a cron process on one database.

    It is a process group of its own, and has a folder for its data of its own, with
    links to the files that the database has.

    :param str database: its name
    :param tuple wrapper: command line to run the server by
    """

    def __init__(self, database, workers=2, wrapper=()):
        self.database = database
        self.workers = workers
        self.wrapper = wrapper
        self.folder = Path(tempfile.mkdtemp(prefix="fire_"))
        self.filestore = self.folder / "filestore" / database
        self.log_path = self.folder / "odoo.log"
        self.process = None
        self.port, self.gevent_port = get_free_port(), get_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._link_files()

    def _link_files(self):
        files = get_data_dir() / "filestore" / self.database
        if files.exists():
            shutil.copytree(files, self.filestore, copy_function=_link)
        else:
            self.filestore.mkdir(parents=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.stop()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        # kept open: it stays readable when the folder is gone
        self.log = self.log_path.open("a")
        self.process = subprocess.Popen(
            [*self.wrapper, *self._get_command()],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self._await_health()

    def _get_command(self):
        return [
            sys.executable,
            str(COMMAND),
            f"--database={self.database}",
            f"--db-filter=^{self.database}$",
            *(
                f"--{option}={os.environ[name]}"
                for option, name in (("db_host", "PGHOST"), ("db_user", "PGUSER"))
                if name in os.environ
            ),
            f"--data-dir={self.folder}",
            "--http-interface=127.0.0.1",
            f"--http-port={self.port}",
            f"--gevent-port={self.gevent_port}",
            f"--workers={self.workers}",
            "--max-cron-threads=1",
            "--limit-time-real=600",
        ]

    def _await_health(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with suppress(requests.RequestException):
                # a page, not /web/health: workers answer that before the registry
                # is there
                if requests.get(f"{self.url}/web/login", timeout=30).ok:
                    return
            time.sleep(0.2)
        raise RuntimeError(f"Odoo did not start:\n{self.read_log()[-4000:]}")

    def read_log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self):
        """kill -9 of all its processes at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
