"""Times of a cron expression by brute force: every local minute is looked at, and zoneinfo tells when it is.

    cron_truth.py EXPRESSION ZONE FROM UNTIL

FROM and UNTIL are seconds since 1970; prints each time between them, in seconds. Six fields look at every
second. Nothing of it is taken from the library.
"""

import datetime
import re
import sys
import zoneinfo

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
LIMITS = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


def number(text, field):
    text = text.lower()
    if field == 4 and text in MONTHS:
        return MONTHS.index(text) + 1
    if field == 5 and text in DAYS:
        return DAYS.index(text)
    return int(text)


def values(text, field):
    low, high = LIMITS[field]
    found = set()
    for part in text.split(","):
        part, _, step = part.partition("/")
        if part == "*":
            first, last = low, high
        else:
            first, _, last = part.partition("-")
            first = number(first, field)
            last = number(last, field) if last else first
        found.update(range(first, last + 1, int(step or 1)))
    return {value % 7 for value in found} if field == 5 else found


def main(expression, zone_name, begin, end):
    fields = re.split(r"[ \t]+", expression.strip())
    seconds_too = len(fields) == 6
    if not seconds_too:
        fields = ["0"] + fields
    second, minute, hour, day, month, weekday = [values(f, i) for i, f in enumerate(fields)]
    either = not fields[3].startswith("*") and not fields[5].startswith("*")
    zone = zoneinfo.ZoneInfo(zone_name)
    step = datetime.timedelta(seconds=1 if seconds_too else 60)
    local = datetime.datetime.fromtimestamp(begin, zone).replace(tzinfo=None, second=0)
    local -= datetime.timedelta(hours=4)
    stop = datetime.datetime.fromtimestamp(end, zone).replace(tzinfo=None)
    stop += datetime.timedelta(hours=4)
    found = set()
    while local <= stop:
        of_month, of_week = local.day in day, local.isoweekday() % 7 in weekday
        days = of_month or of_week if either else of_month and of_week
        if (days and local.month in month and local.hour in hour and local.minute in minute
                and local.second in second):
            found.add(moment(local, zone))
        local += step
    for time in sorted(found):
        if begin < time <= end:
            print(time)


def moment(local, zone):
    """The first moment that shows this local time; of one that is skipped, where the clocks jump."""
    first = int(local.replace(tzinfo=zone, fold=0).timestamp())
    shown = datetime.datetime.fromtimestamp(first, zone).replace(tzinfo=None)
    if shown == local:
        return first
    # Skipped: the last moment before whose clocks show less, and the next shows more.
    low, high = first - 4 * 3600, first + 4 * 3600
    while high - low > 1:
        middle = (low + high) // 2
        at = datetime.datetime.fromtimestamp(middle, zone).replace(tzinfo=None)
        low, high = (middle, high) if at < local else (low, middle)
    return high


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
