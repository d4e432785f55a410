# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Figures of two published examples, transcribed as they stand.

A continuation sheet (G703), line by line over two applications:
    "Construction Schedule of Values Template", Levelset,
    https://www.scribd.com/document/526836327/Construction-Schedule-of-Values-Template-Levelset

Retainage that is withheld, released by half and released in the end, over three draws:
    "Billing Retention Using Draw Request", Spectrum help, Trimble Viewpoint,
    https://help.viewpoint.com/en/spectrum/spectrum/accounting/accounting/accounts-receivable/spectrum-menus/data-entry-overview/draw-request-entry/billing-retention-using-draw-request
"""

from decimal import Decimal
from typing import NamedTuple

RETAINAGE_PERCENT = Decimal(10)
"""In both examples."""


class SheetLine(NamedTuple):
    """One row of the continuation sheet, columns A to I and retainage."""

    item: str
    description: str
    scheduled: Decimal
    previous: Decimal
    """Work completed, from previous application."""
    this_period: Decimal
    """Work completed, this period."""
    stored: Decimal
    """Stored materials, not in the two before."""
    total: Decimal
    """Completed and stored to date."""
    percent: Decimal
    """Of the scheduled value, published without decimals."""
    balance: Decimal
    """To finish, without retainage."""
    retainage: Decimal


def _read(item, description, figures):
    return SheetLine(item, description, *map(Decimal, figures.split()))


SHEET = (
    _read("9970", "Demolition", "3000 2000 0 0 2000 67 1000 200"),
    _read("9955", "Drywall & Carpentry", "36000 11000 4200 1800 17000 47 19000 1700"),
    _read("9940", "Doors & Hardware", "1000 0 500 0 500 50 500 50"),
    _read("9943", "Electrical", "7000 1000 3000 850 4850 69 2150 485"),
)
SHEET_TOTALS = _read("", "Totals", "47000 14000 7700 2650 24350 52 22650 2435")


class Progress(NamedTuple):
    """What one application reports of one line."""

    work: Decimal
    """Work completed in its period."""
    stored: Decimal
    """Materials presently stored."""


# Of the first application only the work is published: that nothing was stored by then
# is assumed. What is billed and held after the second does not depend on it.
APPLICATIONS = (
    {line.item: Progress(line.previous, Decimal(0)) for line in SHEET},
    {line.item: Progress(line.this_period, line.stored) for line in SHEET},
)


class Draw(NamedTuple):
    """One billing of the contract as a whole."""

    work: Decimal
    """Completed in its period."""
    released: Decimal
    """Retainage that becomes due with it, by the text of the example."""
    receivable: Decimal
    """Posted to trade receivables: what is due now."""
    retained: Decimal
    """Posted to retainage receivables; negative: released more than withheld."""
    billed_to_date: Decimal
    """What was due in all, up to this draw."""


CONTRACT_SUM = Decimal(100000)
# The first stands for those of the months before, whose single figures are not
# published. What the second releases is half of what is held with it.
DRAWS = (
    Draw(*map(Decimal, (90000, 0, 81000, 9000, 81000))),
    Draw(*map(Decimal, (10000, 5000, 14000, -4000, 95000))),
    Draw(*map(Decimal, (0, 5000, 5000, -5000, 100000))),
)
