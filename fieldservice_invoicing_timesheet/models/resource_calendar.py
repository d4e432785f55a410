# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from datetime import datetime, time

from pytz import timezone

from odoo import models


class ResourceCalendar(models.Model):
    _inherit = "resource.calendar"

    def _get_working_seconds(self, dates, company):
        """Working time of days by one calendar, without public holidays.

        :param dates: iterable of date, not empty
        :param company: `res.company` whose public holidays count
        :return: dict of date and seconds (int); days without working time are not in
            it, but those read as 0
        """
        self.ensure_one()
        tz = timezone(self.tz)
        intervals = self._work_intervals_batch(
            tz.localize(datetime.combine(min(dates), time.min)),
            tz.localize(datetime.combine(max(dates), time.max)),
            domain=[
                ("time_type", "=", "leave"),
                ("company_id", "in", (False, company.id)),
            ],
        )[False]
        seconds = defaultdict(int)
        for start, stop, _records in intervals:
            seconds[start.date()] += round((stop - start).total_seconds())
        return seconds
