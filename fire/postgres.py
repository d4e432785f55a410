# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A PostgreSQL server that is there to be killed."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "setup" / "fire-postgres.sh"


class Postgres:
    """A server of its own, which writes what it commits, with a copy of a database.

    While it is in use, the environment's PGHOST is its socket.

    :param str database: its name
    """

    def __init__(self, database):
        self.database = database
        self.folder = Path(tempfile.mkdtemp(prefix="fire_pg_", dir="/tmp"))
        self.outside = {name: os.environ.get(name) for name in ("PGHOST", "PGUSER")}

    def __enter__(self):
        self.start()
        dump = self.folder / "dump"
        _run("pg_dump", "--format=custom", f"--file={dump}", self.database)
        os.environ.update(PGHOST=str(self.folder), PGUSER="odoo")
        _run("createdb", self.database)
        _run("pg_restore", "--no-owner", f"--dbname={self.database}", str(dump))
        _run("psql", "--quiet", f"--dbname={self.database}", "--command=ANALYZE")
        return self

    def __exit__(self, *_error):
        for name, value in self.outside.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        os.kill(self._get_pid(), signal.SIGINT)
        time.sleep(2)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _get_pid(self):
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def start(self):
        # what a killed server leaves behind takes a moment to go
        for _try in range(30):
            started = subprocess.run([str(SCRIPT), str(self.folder)], check=False)
            if not started.returncode:
                return
            time.sleep(1)
        raise RuntimeError((self.folder / "data" / "server.log").read_text()[-2000:])

    def kill(self):
        """kill -9 of the server; its sessions end with it."""
        os.kill(self._get_pid(), signal.SIGKILL)


def _run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
