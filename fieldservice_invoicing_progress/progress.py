# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Deposits, progress draws and retainage of a contract: plain arithmetic.

All amounts are ``Decimal``, in one currency and without tax; ``rounding`` is the
smallest unit of that currency. Percentages are of a hundred: 10 is ten percent.

A draw bills what is completed to date less what was billed before. So nothing is lost
or billed twice, however often a percentage is corrected:

>>> cent, billed = Decimal("0.01"), Decimal(0)
>>> for percent in (Decimal(40), Decimal("33.333"), Decimal(100)):
...     completed = get_completed(Decimal("1000.00"), percent, cent)
...     draw = get_this_period(completed, Decimal(0), billed)
...     billed += draw
...     print(percent, completed, draw)
40 400.00 400.00
33.333 333.33 -66.67
100 1000.00 666.67
"""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor


def round_to(amount, rounding):
    """Amount as a multiple of the currency's unit, a tie away from zero.

    >>> round_to(Decimal("2.345"), Decimal("0.01"))
    Decimal('2.35')
    >>> round_to(Decimal("-2.345"), Decimal("0.01"))
    Decimal('-2.35')
    >>> round_to(Decimal("2.33"), Decimal("0.05"))
    Decimal('2.35')
    """
    units = (amount / rounding).to_integral_value(ROUND_HALF_UP)
    return units * rounding + 0  # nobody is billed "-0.00"


def allocate(amount, weights, rounding):
    """Split an amount in proportion to weights, to the last unit.

    The parts are rounded down, and the units that are left go to the parts that lost
    most by it, the first of them on a tie. So each part is less than one unit from its
    share, and a credit is split just as the amount that it takes back.

    :param Decimal amount: a multiple of ``rounding``
    :param list weights: of each part; negative ones (a deductive item) get a part of
        the opposite sign
    :param Decimal rounding: unit of the currency
    :return: list of Decimal that add up to ``amount``
    :raise ValueError: there is an amount and the weights, if any, add up to zero, or
        the amount is no multiple of ``rounding``

    >>> def show(amount, *weights):
    ...     print(*allocate(Decimal(amount), weights, Decimal("0.01")))
    >>> show("100.00", 1, 1, 1)
    33.34 33.33 33.33
    >>> show("-100.00", 1, 1, 1)
    -33.34 -33.33 -33.33
    >>> show("0.05", 60, 0, 30, -10)
    0.04 0.00 0.02 -0.01
    """
    if not amount:
        return [Decimal(0)] * len(weights)
    total = sum(map(Fraction, weights))
    if not total:
        raise ValueError(f"{amount} cannot be split by weights that add up to zero.")
    units = Fraction(abs(amount)) / Fraction(rounding)
    if units.denominator != 1:
        raise ValueError(f"{amount} is not a multiple of {rounding}.")
    # fractions: a remainder that is cut off somewhere would decide ties at random
    shares = [units * Fraction(weight) / total for weight in weights]
    parts = [floor(share) for share in shares]
    left = int(units) - sum(parts)
    by_loss = sorted(
        range(len(parts)), key=lambda index: shares[index] - parts[index], reverse=True
    )
    for index in by_loss[:left]:
        parts[index] += 1
    unit = rounding.copy_sign(amount)
    return [part * unit + 0 for part in parts]


def get_completed(scheduled, percent, rounding):
    """Work completed to date, by its percentage of the scheduled value.

    >>> get_completed(Decimal("999.99"), Decimal("33.3"), Decimal("0.01"))
    Decimal('333.00')
    """
    return round_to(scheduled * percent / 100, rounding)


def get_completed_by_quantity(scheduled, quantity, done, rounding):
    """Work completed to date, by the quantity that is installed.

    :param Decimal scheduled: scheduled value of the whole quantity
    :param Decimal quantity: scheduled quantity
    :param Decimal done: quantity installed to date
    :param Decimal rounding: unit of the currency
    :raise ValueError: no quantity is scheduled, so there is nothing to measure by

    >>> get_completed_by_quantity(
    ...     Decimal("1000.00"), Decimal(3), Decimal(2), Decimal("0.01")
    ... )
    Decimal('666.67')
    """
    if not quantity:
        raise ValueError("No quantity is scheduled.")
    return round_to(scheduled * done / quantity, rounding)


def get_percent(completed, scheduled):
    """Percentage complete to date, not rounded; 0 when nothing is scheduled.

    >>> get_percent(Decimal("250.00"), Decimal("1000.00"))
    Decimal('25')
    >>> get_percent(Decimal(0), Decimal(0))
    Decimal('0')
    """
    if not scheduled:
        return Decimal(0)
    return completed * 100 / scheduled


def get_this_period(completed, stored, billed):
    """What is to bill now; negative when more was billed than is earned by now.

    :param Decimal completed: work completed to date
    :param Decimal stored: materials that are presently stored, not yet in the work
    :param Decimal billed: what was billed before, for both

    Materials that were billed when stored are not billed again when installed:

    >>> get_this_period(Decimal(400), Decimal(150), Decimal(0))
    Decimal('550')
    >>> get_this_period(Decimal(600), Decimal(0), Decimal(550))
    Decimal('50')
    """
    return completed + stored - billed


def get_excess(billed, scheduled):
    """By how much is billed beyond the scheduled value, zero or positive.

    The scheduled value of a deductive item is negative, and the credit for it is not to
    go beyond that. What is billed against the direction of the scheduled value is all
    excess.

    >>> [int(get_excess(Decimal(b), Decimal(100))) for b in (90, 110, -10)]
    [0, 10, 10]
    >>> [int(get_excess(Decimal(b), Decimal(-100))) for b in (-90, -110, 10)]
    [0, 10, 10]
    """
    if scheduled < 0:
        billed, scheduled = -billed, -scheduled
    return max(billed - scheduled, -billed, Decimal(0))


def get_retainage(work, percent, held, rounding, cap=None):
    """What to withhold on the work of this period; negative: to give back.

    :param Decimal work: work and stored materials billed this period; negative: a
        credit
    :param Decimal percent: retainage of a hundred
    :param Decimal held: what is held before, not negative
    :param Decimal rounding: unit of the currency
    :param cap: what may be held at most; None: any amount

    Held is never more than the cap, unless it was before, and never less than nothing:

    >>> cent = Decimal("0.01")
    >>> get_retainage(Decimal("1000.00"), Decimal(10), Decimal(0), cent)
    Decimal('100.00')
    >>> get_retainage(Decimal(1000), Decimal(10), Decimal(80), cent, cap=Decimal(120))
    Decimal('40')
    >>> get_retainage(Decimal(1000), Decimal(10), Decimal(150), cent, cap=Decimal(120))
    Decimal('0')
    >>> get_retainage(Decimal(-1000), Decimal(10), Decimal(80), cent)
    Decimal('-80')
    """
    retainage = round_to(work * percent / 100, rounding)
    if work < 0:
        return max(retainage, -held)
    if cap is None:
        return retainage
    return min(retainage, max(cap - held, Decimal(0)))


def get_release(held, wanted=None):
    """Retainage to release: what is wanted, or all that is held.

    :raise ValueError: wanted is negative or more than is held

    >>> get_release(Decimal("150.00"))
    Decimal('150.00')
    >>> get_release(Decimal("150.00"), Decimal("50.00"))
    Decimal('50.00')
    """
    return _get_wanted(held, wanted)


def get_deposit_to_apply(available, total, wanted=None):
    """Deposit to take off an invoice: what is wanted, or as much as possible.

    :param Decimal available: paid and not yet applied, not negative
    :param Decimal total: of the invoice, which a deposit does not turn into a credit
    :param wanted: None: as much as possible
    :raise ValueError: wanted is negative, or more than is available or invoiced

    >>> get_deposit_to_apply(Decimal("300.00"), Decimal("200.00"))
    Decimal('200.00')
    >>> get_deposit_to_apply(Decimal("300.00"), Decimal("-50.00"))
    Decimal('0')
    >>> get_deposit_to_apply(Decimal("300.00"), Decimal("200.00"), Decimal("80.00"))
    Decimal('80.00')
    """
    return _get_wanted(max(min(available, total), Decimal(0)), wanted)


def _get_wanted(most, wanted):
    if wanted is None:
        return most
    if not 0 <= wanted <= most:
        raise ValueError(f"{wanted} is not between 0 and {most}.")
    return wanted


def get_balance_to_finish(scheduled, billed, held):
    """Balance to finish, including retainage: what is still to be paid for.

    Line 9 of an application for payment: the contract sum to date less all that is
    earned, where what is held is not earned yet.

    :param Decimal scheduled: contract sum to date, with its change orders
    :param Decimal billed: total completed and stored to date
    :param Decimal held: retainage on it

    >>> get_balance_to_finish(Decimal(1000), Decimal(600), Decimal(60))
    Decimal('460')
    """
    return scheduled - (billed - held)
