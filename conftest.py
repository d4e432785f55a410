import os
import shutil
from unittest.mock import patch

import pytest

from odoo.tools import config


@pytest.fixture(scope="session", autouse=True)
def own_filestore(load_registry):
    """A filestore for each of several workers: pytest-odoo has them share that of the
    database that theirs are copies of, and each removes what its own does not know."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if not worker:
        yield
        return
    shared = config.filestore(config["db_name"])
    own = f"{shared}-{worker}"
    shutil.rmtree(own, ignore_errors=True)
    if os.path.isdir(shared):
        # Odoo never changes a stored file, so links to the same ones will do.
        shutil.copytree(shared, own, copy_function=os.link)
    with patch.object(config, "filestore", return_value=own):
        yield
    shutil.rmtree(own, ignore_errors=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    # Odoo skips a tour when its browser does not start, and all looks well.
    if report.skipped and "chrome" in str(report.longrepr).lower():
        report.outcome = "failed"
        report.longrepr = f"No browser to run the tour in: {report.longrepr}"
    return report
