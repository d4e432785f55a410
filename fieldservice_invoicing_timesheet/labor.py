# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From logged time to billed time: plain arithmetic in whole seconds.

The steps of :func:`bill`, for the entries of one service order:

1. :func:`net` takes corrections (negative entries) off the time that was worked.
2. :func:`split` separates overtime and days off, by the time that was worked.
3. :func:`round_time` rounds each entry.
4. :func:`add_minimum` fills up each visit: the entries of one day and one product.

Lines are made of the result in any grouping, by :func:`spread`.

>>> day = Entry(1, "Mon", "Ann", "Labor", hours(9.1), working_time=hours(8))
>>> rules = {"Labor": Rules(increment=hours(0.25), overtime=1.5)}
>>> for portion in bill([day], rules):
...     print(portion.rate, portion.seconds / 3600)
normal 8.0
overtime 1.25
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import floor

NORMAL = "normal"
OVERTIME = "overtime"
DAY_OFF = "day_off"


@dataclass(frozen=True)
class Rules:
    """How the time of one labor product is billed."""

    increment: int = 0
    """Seconds that billed time is a multiple of; 0: as it was logged."""
    nearest: bool = False
    """Round to the nearest increment, not up."""
    minimum: int = 0
    """Seconds that are charged for a visit at least."""
    overtime: float = 1.0
    """Price factor beyond the working time of a day."""
    day_off: float = 1.0
    """Price factor on a day without working time."""

    def get_factor(self, rate):
        """Price factor (float) of a rate (str)."""
        return {OVERTIME: self.overtime, DAY_OFF: self.day_off}.get(rate, 1.0)


@dataclass(frozen=True)
class Entry:
    """Time that one person logged; entries are given in the order of their logging."""

    key: int
    date: object
    person: object
    """Whose overtime it counts in; None: nobody's, it never is overtime."""
    product: object
    seconds: int
    """Negative: a correction of other entries."""
    working_time: int | None = None
    """Seconds of the day's working time by the product's calendar; None: any."""


@dataclass(frozen=True)
class Portion:
    """Billed time of one entry at one rate."""

    entry: Entry
    rate: str
    seconds: int
    corrections: tuple = field(default=())
    """Keys of the corrections that the entry has absorbed."""


def hours(value):
    """Whole seconds of a float of hours, so that sums of tenths do not drift.

    >>> hours(0.1) * 3 == hours(0.3), 0.1 * 3 == 0.3
    (True, False)
    """
    return round(value * 3600)


def round_time(seconds, increment, nearest=False):
    """Seconds (not negative) as a multiple of the increment.

    >>> [round_time(minutes * 60, 15 * 60) // 60 for minutes in (0, 1, 15, 16)]
    [0, 15, 15, 30]
    >>> [round_time(minutes * 60, 15 * 60, True) // 60 for minutes in (7, 8, 22)]
    [0, 15, 15]
    """
    if not increment:
        return seconds
    return (
        (seconds + (increment // 2 if nearest else increment - 1))
        // (increment)
        * increment
    )


def net(entries):
    """Take corrections off the time that was worked.

    A correction first cancels its exact counterpart, then the latest other time of
    the same person, day and product, then the latest time of the same product. Only
    what exceeds all time of a product is left out: less than nothing is not billed.

    :param entries: list of :class:`Entry`
    :return: list of pairs of an entry with the seconds that remain of it, more than
        0, and the keys (tuple) of the corrections that it absorbed

    >>> worked = Entry(1, "Mon", "Ann", "Labor", 7200)
    >>> net([worked, replace(worked, key=2, seconds=-7200)])
    []
    >>> [(entry, corrections)] = net([worked, replace(worked, key=2, seconds=-600)])
    >>> entry.seconds, corrections
    (6600, (2,))
    """
    rest = {entry.key: entry.seconds for entry in entries}
    absorbed = defaultdict(list)
    scopes = (
        lambda entry: (entry.product, entry.person, entry.date, abs(entry.seconds)),
        lambda entry: (entry.product, entry.person, entry.date),
        lambda entry: entry.product,
    )
    for scope in scopes:
        groups = defaultdict(list)
        for entry in entries:
            groups[scope(entry)].append(entry.key)
        for keys in groups.values():
            _settle(keys, rest, absorbed)
    return [
        (replace(entry, seconds=rest[entry.key]), tuple(absorbed[entry.key]))
        for entry in entries
        if rest[entry.key] > 0
    ]


def _settle(keys, rest, absorbed):
    """Set negative against positive seconds of ``keys``, in place."""
    worked = [key for key in reversed(keys) if rest[key] > 0]
    for correction in (key for key in keys if rest[key] < 0):
        for key in worked:
            seconds = min(rest[key], -rest[correction])
            if seconds > 0:
                rest[key] -= seconds
                rest[correction] += seconds
                absorbed[key].append(correction)


def split(entry, before, rules):
    """Seconds of an entry at each rate, before rounding.

    :param Entry entry: with seconds above 0
    :param int before: seconds that the person worked that day up to this entry
    :param Rules rules: of the entry's product
    :return: dict of rate and seconds, the lower rate first

    >>> entry = Entry(1, "Mon", "Ann", "Labor", 5, working_time=8)
    >>> split(entry, 6, Rules(overtime=1.5))
    {'normal': 2, 'overtime': 3}
    >>> split(replace(entry, working_time=0), 6, Rules(overtime=1.5, day_off=2))
    {'day_off': 5}
    """
    if entry.working_time == 0:
        return {DAY_OFF if rules.day_off != 1 else NORMAL: entry.seconds}
    if entry.working_time is None or entry.person is None or rules.overtime == 1:
        return {NORMAL: entry.seconds}
    limit = max(entry.working_time - before, 0)
    parts = {NORMAL: min(entry.seconds, limit), OVERTIME: entry.seconds - limit}
    return {rate: seconds for rate, seconds in parts.items() if seconds > 0}


def round_parts(parts, rules):
    """Round the whole of an entry; its last rate takes the difference.

    Rounding makes no overtime of normal time.

    >>> round_parts({"normal": 3600, "overtime": 60}, Rules(increment=900))
    {'normal': 3600, 'overtime': 900}
    >>> round_parts({"normal": 3600, "overtime": 60}, Rules(900, nearest=True))
    {'normal': 3600, 'overtime': 0}
    """
    left = round_time(sum(parts.values()), rules.increment, rules.nearest)
    *others, last = parts
    rounded = {}
    for rate in others:
        rounded[rate] = min(parts[rate], left)
        left -= rounded[rate]
    rounded[last] = left
    return rounded


def add_minimum(billed, rules):
    """Fill up visits to the minimum of their product, in place.

    The time that is missing is added to the last entry of the visit, at its lower
    rate.

    :param list billed: pairs of :class:`Entry` and its dict of rate and seconds
    :param dict rules: :class:`Rules` of each product
    """
    visits = defaultdict(list)
    for entry, parts in billed:
        visits[entry.date, entry.product].append(parts)
    for (_date, product), visit in visits.items():
        seconds = sum(sum(parts.values()) for parts in visit)
        missing = rules[product].minimum - seconds
        if missing > 0:
            visit[-1][next(iter(visit[-1]))] += missing


def bill(entries, rules):
    """Billed time of the entries of one service order.

    :param list entries: :class:`Entry`, in the order of their logging
    :param dict rules: :class:`Rules` of each product
    :return: list of :class:`Portion`, each with more than 0 seconds

    A call of 20 minutes, an hour at least:

    >>> call = Entry(1, "Mon", "Ann", "Labor", hours(1 / 3))
    >>> [portion] = bill([call], {"Labor": Rules(minimum=hours(1))})
    >>> portion.seconds
    3600
    """
    worked = net(entries)
    before = defaultdict(int)
    billed = []
    for entry, _corrections in worked:
        day = (entry.person, entry.date)
        parts = split(entry, before[day], rules[entry.product])
        before[day] += entry.seconds
        billed.append((entry, round_parts(parts, rules[entry.product])))
    add_minimum(billed, rules)
    return [
        Portion(entry, rate, seconds, corrections)
        for (entry, parts), (_entry, corrections) in zip(billed, worked, strict=True)
        for rate, seconds in parts.items()
        if seconds > 0
    ]


def spread(seconds, unit, digits=2):
    """Quantities of lines that add up to the rounded quantity of them all.

    :param list seconds: of each line
    :param float unit: seconds of one unit of measure
    :param int digits: decimals of a quantity
    :return: list of float

    Twelve times five minutes are an hour, however they are grouped:

    >>> spread([300] * 12, 3600)
    [0.08, 0.09, 0.08, 0.08, 0.09, 0.08, 0.08, 0.09, 0.08, 0.08, 0.09, 0.08]
    >>> spread([3600], 3600)
    [1.0]
    """
    scale = 10**digits / Fraction(unit).limit_denominator(10**6)
    quantities = []
    total = done = 0
    for value in seconds:
        total += value
        rounded = floor(total * scale + Fraction(1, 2))
        quantities.append((rounded - done) / 10**digits)
        done = rounded
    return quantities
