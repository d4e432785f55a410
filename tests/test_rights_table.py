# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who may call what over RPC: ``docs/RIGHTS.md`` says it, and is compared with what
happens.

After a new public method, or a new group, ``RIGHTS=print make test
TESTS=tests/test_rights_table.py`` prints the tables as they are observed. They
are not right because they are so: compare each cell with what the design says before it
goes to the document.
"""

import os
import re
from contextlib import closing
from pathlib import Path

from public_methods import get_public_methods, is_own
from rights_calls import CALLS, Side

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import TransactionCase, new_test_user, tagged

from odoo.addons.fieldservice_invoicing_progress.tests.common import ProgressCommon

# what has no record
WITHOUT_COMPANY = {
    ("fsm.order", "get_invoicing_dashboard"),
    ("fsm.order.line", "default_get"),
    ("service.invoice.export", "action_view_exports"),
}
# left to Odoo: its settings are those of all companies, and its dialog for credit notes
# finds none of the documents that its user does not see
LEFT_TO_ODOO = {("res.company", "write"), ("account.move.reversal", "reverse_moves")}
DOCUMENT = Path(__file__).parents[1] / "docs" / "RIGHTS.md"


ANSWERS = {"yes", "no", "refused"}


def read_tables(text):
    """Tables of a markdown document.

    :return: dict by the model, or text, that the heading above it names in backticks;
        each a list of rows, lists of cells, the header first
    """
    tables, heading = {}, None
    for line in text.splitlines():
        if line.startswith("## "):
            named = re.search("`(.+?)`", line)
            heading = named[1] if named else line.removeprefix("## ")
        elif line.startswith("|") and not set(line) <= set("|-: "):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            tables.setdefault(heading, []).append(cells)
    return tables


@tagged("post_install", "-at_install")
class TestRightsTable(ProgressCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for group in (
            "stock.group_stock_manager",
            "hr.group_hr_user",
            "hr_timesheet.group_timesheet_manager",
            "sales_team.group_sale_manager",
        ):
            cls.env.user.group_ids += cls.env.ref(group)
        cls.tables = read_tables(DOCUMENT.read_text())
        people = cls.tables.pop("People")
        cls.home = Side(cls, cls.company_data)
        cls.away = Side(cls, cls.setup_other_company())
        groups = {
            name: re.findall("`(.+?)`", cell) for name, cell, *_text in people[1:]
        }
        cls.people = {
            name: cls._create_person(name, groups[name], cls.home) for name in groups
        }
        everything = [
            group for name in groups.keys() - {"Portal"} for group in groups[name]
        ]
        cls.colleague = cls._create_person("colleague", everything, cls.home)
        cls.stranger = cls._create_person("stranger", everything, cls.away)

    @classmethod
    def _create_person(cls, name, groups, side):
        return new_test_user(
            cls.env,
            login=f"rights {name}",
            groups=",".join(groups),
            company_id=side.company.id,
            company_ids=[Command.set(side.company.ids)],
        )

    def _call(self, user, model, call, side):
        """What comes of a call of ``CALLS`` over RPC, all of it undone.

        :param side: with the dialogs of who has opened them
        :return: one of ``ANSWERS``: "no" for the lack of a right, "refused" for
            another reason
        """
        self.env.flush_all()
        with closing(self.env.cr.savepoint()):
            try:
                args = CALLS[model][call](side)
                self._execute(user, model, call.partition(":")[0], args)
                return "yes"
            except AccessError as error:
                self.assertTrue(error.args[0].strip())
                return "no"
            except UserError as error:
                self.assertTrue(error.args[0].strip())
                return "refused"

    def _execute(self, user, model, method, args):
        """Call as the client does: with nothing in the cache, all of it written."""
        self.env.flush_all()
        self.env.invalidate_all()
        context = {"lang": "en_US", "allowed_company_ids": user.company_ids.ids}
        env = self.env(user=user.id, context={})
        call_kw(env[model], method, args, {"context": context})
        env.flush_all()

    def test_nothing_is_left_out(self):
        """Section 5: the table has every public method of the addons."""
        methods = get_public_methods(self.env)
        documented = {
            model: {row[0].strip("`").partition(":")[0] for row in rows[1:]}
            for model, rows in self.tables.items()
        }
        self.assertEqual(documented, methods)
        for model, rows in self.tables.items():
            labels = [row[0].strip("`") for row in rows[1:]]
            self.assertCountEqual(labels, CALLS[model])
            self.assertEqual(rows[0][1:], list(self.people))
            for row in rows[1:]:
                self.assertLessEqual(set(row[1:]), ANSWERS, (model, row))
                self.assertEqual(len(row), len(rows[0]), (model, row))

    def test_own_company(self):
        """Section 5: over RPC everybody may do what the table says, and else is
        refused for the lack of a right; nothing raises anything else."""
        if os.environ.get("RIGHTS") == "print":
            self.skipTest(self._get_observed_tables())
        for model, rows in self.tables.items():
            for label, *answers in rows[1:]:
                found = self._call_as_everybody(model, label.strip("`"))
                for name, answer in zip(self.people, answers, strict=True):
                    with self.subTest(f"{model} {label} {name}"):
                        self.assertEqual(found[name], answer)

    def _call_as_everybody(self, model, call):
        """Answers (dict by name) to the people who call a method on what is theirs."""
        return {
            name: self._call(user, model, call, self.home.as_user(user))
            for name, user in self.people.items()
        }

    def test_other_company(self):
        """Section 5: nobody may do anything with records of a company that is not
        theirs, whatever they may do in their own."""
        side = self.away.as_user(self.stranger)
        for model, call, people in self._get_allowed():
            if {(model, call)} & (WITHOUT_COMPANY | LEFT_TO_ODOO):
                continue
            for name, user in people.items():
                with self.subTest(f"{model} {call} {name}"):
                    answer = self._call(user, model, call, side)
                    self.assertIn(answer, ("no", "refused"))

    def test_dialogs_of_others(self):
        """Section 5: nobody reads or changes what another one enters in a dialog."""
        side = self.home.as_user(self.colleague)
        for model, call, people in self._get_allowed():
            if not self._is_dialog(model) or call in ("create", "action_view_exports"):
                continue
            for name in people.keys() - {"colleague"}:
                with self.subTest(f"{model} {call} {name}"):
                    answer = self._call(people[name], model, call, side)
                    self.assertEqual(answer, "no")

    def _get_allowed(self):
        """Who may call what: tuples of model, call and users by name, among them the
        one who has all rights at once."""
        for model, rows in self.tables.items():
            for label, *answers in rows[1:]:
                people = {
                    name: user
                    for (name, user), answer in zip(
                        self.people.items(), answers, strict=True
                    )
                    if answer != "no"
                }
                yield model, label.strip("`"), {**people, "colleague": self.colleague}

    def _is_dialog(self, model):
        return self.env[model]._transient and is_own(self.env, model)

    def test_any_record(self):
        """Section 8: whatever record a button's method is called on, none at all or
        one that is gone: it does what it does, or says why not."""
        user = self.colleague
        for model, names in get_public_methods(self.env).items():
            records = self.env[model].search([])
            choices = [[], [max(records.ids, default=0) + 10**6], records.ids]
            choices += [[record.id] for record in records]
            for name in sorted(names):
                if not name.startswith("action_"):
                    continue
                for ids in choices:
                    with self.subTest(f"{model} {name} {ids}"):
                        self._try(user, model, name, ids)

    def _try(self, user, model, name, ids):
        self.env.flush_all()
        with closing(self.env.cr.savepoint()):
            try:
                self._execute(user, model, name, [ids])
            except UserError as error:
                self.assertTrue(error.args[0].strip())
            except ValueError as error:
                # what is for one record says so, as Odoo's own methods do
                self.assertIn("Expected singleton", error.args[0])
                self.assertNotEqual(len(ids), 1)

    def _get_observed_tables(self):
        """The tables (str) as they come out now."""
        lines = []
        for model, calls in CALLS.items():
            header = ["Method", *self.people]
            rows = [header, ["---"] * len(header)]
            for call in sorted(calls):
                answers = self._call_as_everybody(model, call)
                rows.append([f"`{call}`", *answers.values()])
            lines += [f"\n## `{model}`: {self.env[model]._description}\n"]
            lines += [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join(lines)
