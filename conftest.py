import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    # Odoo skips a tour when its browser does not start, and all looks well.
    if report.skipped and "chrome" in str(report.longrepr).lower():
        report.outcome = "failed"
        report.longrepr = f"No browser to run the tour in: {report.longrepr}"
    return report
