# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Times calls beside each other, each in a transaction that is rolled back."""

import gc
import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter, process_time

from odoo.api import Environment
from odoo.orm.registry import Registry

clock = process_time if os.environ.get("CLOCK") == "cpu" else perf_counter


class Database:
    """An Odoo database, worked on by its administrator, who is no superuser."""

    def __init__(self, name):
        self.registry = Registry(name)
        with self.registry.cursor() as cr:
            env = Environment(cr, 1, {})
            self.uid = env.ref("base.user_admin").id

    @contextmanager
    def transaction(self):
        """An environment in a transaction of its own, rolled back at its end."""
        with self.registry.cursor() as cr:
            env = Environment(cr, self.uid, {})
            yield env(context=env.user.context_get())
            cr.rollback()

    @contextmanager
    def committed(self):
        """An environment whose transaction is committed."""
        with self.transaction() as env:
            yield env
            env.cr.commit()

    def vacuum(self):
        """Have PostgreSQL do now what it does by itself some time after changes: it
        plans badly for data it does not know, and reads past rows that are gone."""
        with self.registry.cursor() as cr:
            cr.connection.autocommit = True
            cr.execute("VACUUM ANALYZE")
            cr.connection.autocommit = False


@dataclass
class Contender:
    """One side of a comparison."""

    database: Database
    # gets the environment of each round and gives what is timed
    prepare: Callable
    seconds: list = field(default_factory=list)
    queries: int = 0

    def run(self):
        """Time one call, with empty record caches, up to what a commit would do."""
        with self.database.transaction() as env:
            call = self.prepare(env)
            env.flush_all()
            env.invalidate_all()
            gc.collect()
            queries = env.cr.sql_log_count
            start = clock()
            call()
            env.cr.flush()
            seconds = clock() - start
            self.queries = env.cr.sql_log_count - queries
        return seconds


@dataclass
class Comparison:
    """Contenders that are timed in turn."""

    label: str
    contenders: list
    rounds: int

    def warm_up(self):
        for contender in self.contenders:
            contender.run()

    def run(self):
        """One round: the contender that begins is the next one each time, so that
        none has always the same neighbour."""
        start = len(self.contenders[0].seconds) % len(self.contenders)
        for contender in self.contenders[start:] + self.contenders[:start]:
            contender.seconds.append(contender.run())

    def get_ratios(self):
        """Ratios of the first contender's time to that of each other one, compared
        round by round.

        :return: list of tuples: median, lowest and highest
        """
        first, *others = (contender.seconds for contender in self.contenders)
        result = []
        for other in others:
            ratios = [mine / theirs for mine, theirs in zip(first, other, strict=True)]
            result.append((median(ratios), min(ratios), max(ratios)))
        return result


def run_rounds(comparisons):
    """Run all rounds of all comparisons, mixed: what slows the machine down for a
    while slows down a bit of each."""
    for number in range(max(comparison.rounds for comparison in comparisons)):
        for comparison in comparisons:
            if number < comparison.rounds:
                comparison.run()
