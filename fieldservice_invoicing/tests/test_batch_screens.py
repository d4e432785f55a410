# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from ast import literal_eval

from lxml import etree

from odoo.tests import Form, tagged, users

from .test_batch import BatchCommon

LIMIT = "fieldservice_invoicing.batch_limit"


@tagged("post_install", "-at_install")
class TestBatchScreens(BatchCommon):
    def _open_form(self, orders):
        action = orders.action_create_invoice()
        wizard = orders.env[action["res_model"]]
        return Form(wizard.with_context(**action["context"]))

    def _has_node(self, model, path, user, view_type="form", view=None):
        """Whether the view of a user has a node."""
        arch = self.env[model].with_user(user).get_view(view, view_type)["arch"]
        return bool(etree.fromstring(arch).xpath(path))

    @users("fsi_dispatcher")
    def test_dialog_recomputes(self):
        """C17: numbers and totals follow the choice in the dialog, in each currency."""
        currency = self.setup_other_currency("EUR")
        foreign = self._create_order(currency_id=currency.id)
        orders = (self.orders + foreign + self.unfinished).with_user(self.env.user)
        with self._open_form(orders) as form:
            self.assertEqual(form.order_count, 5)
            self.assertEqual(form.billable_count, 4)
            self.assertEqual(form.refused_count, 1)
            self.assertEqual(form.invoice_count, 4)
            self.assertEqual(form.totals[0]["currency_id"], self.company.currency_id.id)
            # three times 86.625, rounded three times
            self.assertEqual(form.totals[0]["tax"], 259.89)
            form.grouped = True
            self.assertEqual(form.invoice_count, 2)
            # … and rounded once
            self.assertEqual(form.totals[0]["tax"], 259.88)
            totals = {row["currency_id"]: row["total"] for row in form.totals}
        self.assertEqual(totals.keys(), {self.company.currency_id.id, currency.id})
        batch = self._run(self._start(orders, grouped=True))
        self.assertEqual(
            {row["currency_id"]: row["total"] for row in batch.totals}, totals
        )

    @users("fsi_dispatcher")
    def test_none_can_be_invoiced(self):
        """C17: without anything to invoice the dialog says so and creates nothing."""
        orders = self.unfinished + self._create_order(done=False)
        form = self._open_form(orders.with_user(self.env.user))
        self.assertEqual(form.invoice_count, 0)
        self.assertFalse(form.totals)
        self.assertEqual(form.refused_count, 2)

    def test_background(self):
        """C17: the dialog says when it will go on in the background; whatever is
        entered as the limit, it opens."""
        set_param = self.env["ir.config_parameter"].set_param
        for limit, is_background in (
            ("", False),
            ("many", False),
            ("-1", False),
            (" 2 ", True),
            ("0", True),
            ("3", False),
        ):
            set_param(LIMIT, limit)
            with self.subTest(limit=limit):
                wizard = self._open(self.orders)
                self.assertEqual(wizard.is_background, is_background)

    def test_background_setting(self):
        """C17: the number of orders is one of the settings; cleared, it is the default
        again."""
        Settings = self.env["res.config.settings"]
        self.assertEqual(Settings.create({}).service_batch_limit, 100)
        Settings.create({"service_batch_limit": 2}).execute()
        self.assertTrue(self._open(self.orders).is_background)
        self.assertEqual(Settings.create({}).service_batch_limit, 2)
        Settings.create({"service_batch_limit": 0}).execute()
        self.assertFalse(self._open(self.orders).is_background)
        self.assertEqual(Settings.create({}).service_batch_limit, 100)

    def test_choice_of_who_may_post(self):
        """C17: a company that sends at once proposes it to who may post, and to
        nobody else."""
        self.company.service_invoice_send = True
        orders = self.orders.with_user(self.dispatcher)
        wizard = self._open(orders)
        self.assertEqual((wizard.may_post, wizard.closing), (False, "draft"))
        self.dispatcher.group_ids += self.env.ref("account.group_account_invoice")
        wizard = self._open(orders)
        self.assertEqual((wizard.may_post, wizard.closing), (True, "send"))

    def test_queries_of_the_dialog(self):
        """C17: the dialog asks as much of the database for many orders as for few."""
        orders = self.orders
        for _number in range(37):
            orders += self._create_order()

        def count_queries(count, grouped):
            selected = orders[:count].with_user(self.dispatcher)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            form = self._open_form(selected)
            form.grouped = grouped
            self.assertEqual(form.invoice_count, 1 if grouped else count)
            return self.env.cr.sql_log_count - before

        for grouped in (False, True):
            # what does not depend on the orders is cached by the first
            count_queries(2, grouped)
            few = count_queries(10, grouped)
            self.assertLessEqual(count_queries(40, grouped), few)

    def test_queries_of_the_list(self):
        """C17: a list of many batches costs as many queries as one of few."""
        for number in range(12):
            self._start(self.orders[: 2 + number % 2])
        Batch = self.env["service.invoice.batch"].with_user(self.env.user)

        def count_queries(count):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            names = ("display_name", "user_id", "order_count", "progress", "state")
            rows = Batch.search([], limit=count).web_read({name: {} for name in names})
            self.assertEqual(len(rows), count)
            return self.env.cr.sql_log_count - before

        count_queries(2)
        self.assertEqual(count_queries(12), count_queries(3))

    @users("fsi_dispatcher")
    def test_result(self):
        """C17: at the end a batch says when it ended, what it made and what not."""
        orders = (self.orders + self.unfinished).with_user(self.env.user)
        batch = self._run(self._start(orders))
        self.assertTrue(batch.end_date)
        self.assertEqual(batch.problem_line_ids.order_id, self.unfinished)
        self.assertEqual(batch.unclosed_count, 0)
        invoices = batch.line_ids.move_id
        action = batch.action_view_invoices()
        self.assertEqual(set(action["domain"][0][2]), set(invoices.ids))
        action = batch.action_view_refused()
        lines = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(lines.order_id, self.unfinished)
        self.assertEqual(
            batch.totals,
            [
                {
                    "currency_id": self.company.currency_id.id,
                    "untaxed": 1237.5,
                    "tax": 259.89,
                    "total": 1497.39,
                }
            ],
        )

    def test_not_posted(self):
        """C17: what was invoiced and could not be posted is among the problems."""
        self.env.user.group_ids += self.env.ref("account.group_account_invoice")
        currency = self.setup_other_currency("EUR")
        other = self._create_order(currency_id=currency.id)
        batch = self._start(self.order + other, closing="post")
        # Odoo posts nothing in it
        currency.active = False
        self._run(batch)
        self.assertEqual((batch.invoiced_count, batch.unclosed_count), (2, 1))
        line = batch.problem_line_ids
        self.assertEqual((line.order_id, line.move_id.state), (other, "draft"))
        self.assertEqual(self.order.active_invoice_id.state, "posted")

    def test_name(self):
        """C17: the name of a batch has the date in the format of the reader."""
        self.env["res.lang"]._activate_lang("de_DE")
        batch = self._start(self.orders).sudo()
        batch.start_date = "2026-11-21 13:00:00"
        english = batch.with_context(lang="en_US", tz="UTC").display_name
        german = batch.with_context(lang="de_DE", tz="Europe/Berlin").display_name
        self.assertIn("11/21/26", english)
        self.assertIn("1:00", english)
        self.assertIn("21.11.26", german)
        self.assertIn("14:00", german)

    def test_buttons(self):
        """C3: the list has the button for who may invoice; stop and continue are for
        who started the batch, and for managers."""
        views = [
            self.env.ref(f"fieldservice_invoicing.fsm_order_view_{kind}_to_invoice")
            for kind in ("list", "kanban")
        ]
        button = "//header/button[@name='action_create_invoice']"
        for user, has_button in (
            (self.dispatcher, True),
            (self.manager, True),
            (self.plain_dispatcher, False),
            (self.worker, False),
        ):
            for view in views:
                found = self._has_node("fsm.order", button, user, view.type, view.id)
                self.assertEqual(found, has_button, user.login)
        batch = self._start(self.orders.with_user(self.dispatcher))
        self.assertTrue(batch.may_control and batch.is_mine)
        as_manager = batch.with_user(self.manager)
        self.assertTrue(as_manager.may_control)
        self.assertFalse(as_manager.is_mine)

    def test_search(self):
        """C17: filters find what runs, what was stopped and what went wrong."""
        running = self._start(self.orders)
        stopped = self._start(self.orders)
        stopped.action_stop()
        wrong = self._run(self._start(self.order + self.unfinished))
        view = self.env.ref("fieldservice_invoicing.service_invoice_batch_view_search")
        filters = {
            node.get("name"): node.get("domain")
            for node in etree.fromstring(view.arch).iter("filter")
        }
        Batch = self.env["service.invoice.batch"]
        for name, expected in (
            ("running", running),
            ("stopped", stopped),
            ("problems", wrong),
        ):
            found = Batch.search(literal_eval(filters[name]))
            self.assertEqual(found, expected, name)
