from decimal import ROUND_HALF_UP, Decimal


def round_to(a, r):
    return (a / r).quantize(Decimal(1), ROUND_HALF_UP) * r


def allocate(amount, weights, rounding):
    total = sum(weights)
    if not amount:
        return [amount * 0 for _ in weights]
    if not total:
        raise ValueError("weights")
    units = int(amount / rounding)
    raw = [amount * w / total / rounding for w in weights]
    import math

    fl = [math.floor(x) for x in raw]
    rest = units - sum(fl)
    order = sorted(range(len(raw)), key=lambda i: (-(raw[i] - fl[i]), i))
    for i in order[:rest]:
        fl[i] += 1
    return [f * rounding for f in fl]


def get_this_period(c, s, b):
    return c + s - b


def get_excess(b, s):
    if s >= 0:
        return max(b - s, -b if b < 0 else 0, Decimal(0))
    return get_excess(-b, -s)


def get_retainage(work, percent, held, rounding, cap=None):
    a = round_to(work * percent / 100, rounding)
    if a < 0:
        return -min(-a, max(held, Decimal(0)))
    if cap is not None:
        a = max(min(a, cap - held), Decimal(0))
    return a


def get_release(held, wanted=None):
    return held if wanted is None else wanted


def get_deposit_to_apply(available, total, wanted=None):
    return min(available, max(total, Decimal(0)))
