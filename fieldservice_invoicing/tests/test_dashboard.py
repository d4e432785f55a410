# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from .common import USER, ServiceInvoicingCommon


class DashboardCommon(ServiceInvoicingCommon):
    """Two teams and workers; orders at every step of billing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order.stage_id = cls.stage_new
        cls._create_users()
        cls.today = fields.Date.today()
        cls.north, cls.south = cls.env["fsm.team"].create(
            [
                {"name": name, "company_id": cls.company.id}
                for name in ("Dash North", "Dash South")
            ]
        )
        cls.wendy, cls.tom = cls.env["fsm.person"].create(
            [{"name": name} for name in ("Wendy Dash", "Tom Dash")]
        )

    @classmethod
    def _work(cls, team, person, days=0, **values):
        """An order of 412.50, 499.13 with taxes, that was finished some days ago."""
        order = cls._create_order(team_id=team.id, person_id=person.id, **values)
        order.date_end = datetime.combine(
            cls.today - timedelta(days=days), datetime.min.time()
        )
        return order

    def _issue(self, order, days, term=0):
        """An invoice that was issued some days ago and is due after others."""
        invoice = self._invoice(order)
        invoice.invoice_date = self.today - timedelta(days=days)
        invoice.invoice_payment_term_id = False
        invoice.invoice_date_due = invoice.invoice_date + timedelta(days=term)
        invoice.action_post()
        return invoice

    def _pay_on(self, invoice, date):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({"payment_date": date})._create_payments()

    def _load(self, user=None, companies=None, **filters):
        self.env.flush_all()
        self.env.invalidate_all()
        orders = self.env["fsm.order"].with_user(user or self.dispatcher)
        companies = companies or self.company
        return orders.with_context(
            allowed_company_ids=companies.ids
        ).get_invoicing_dashboard(**filters)

    def _cells(self, data):
        return {figure["key"]: figure["cell"] for figure in data["figures"]}

    def _row(self, data, table, record):
        tables = {entry["key"]: entry["rows"] for entry in data["tables"]}
        rows = {row["id"]: row["cells"] for row in tables[table]}
        return rows.get(record.id)

    def assertCell(self, cell, count, value, oldest=False):
        self.assertEqual((cell["count"], cell["oldest"]), (count, oldest))
        self.assertAlmostEqual(cell["value"], value, 2)


@tagged("post_install", "-at_install")
class TestDashboard(DashboardCommon):
    """F5: where the billing stands."""

    def test_to_invoice(self):
        """F5: two orders of 412.50, the older one finished nine days ago; an order
        that is not finished, marked or billed is none of them."""
        self._work(self.north, self.wendy, days=9)
        self._work(self.south, self.tom, days=2)
        self._create_order(team_id=self.north.id, done=False)
        self._work(self.north, self.wendy, days=30)._mark_billed("Cash")
        data = self._load()
        self.assertCell(self._cells(data)["to_invoice"], 2, 825.0, 9)
        north = self._row(data, "team", self.north)
        self.assertCell(north["to_invoice"], 1, 412.5, 9)
        self.assertCell(self._row(data, "person", self.tom)["to_invoice"], 1, 412.5, 2)

    def test_invoices(self):
        """F5: a draft, one due in 20 days, one overdue by 5 and paid in part, one paid
        this month; cancelled and credited ones are none of them."""
        self._invoice(self._work(self.north, self.wendy))
        self._issue(self._work(self.north, self.wendy), 10, term=30)
        part = self._issue(self._work(self.south, self.wendy), 10, term=5)
        self._pay(part, 99.13)
        paid = self._issue(self._work(self.south, self.tom), 10)
        self._pay_on(paid, self.today)
        self._invoice(self._work(self.north, self.tom))._cancel_service_invoices("x")
        self._credit(self._issue(self._work(self.north, self.tom), 3))
        data = self._load()
        cells = self._cells(data)
        self.assertCell(cells["draft"], 1, 499.13)
        self.assertCell(cells["due"], 1, 499.13)
        self.assertCell(cells["overdue"], 1, 400.0)
        self.assertCell(cells["paid"], 1, 499.13)
        self.assertCell(cells["to_invoice"], 2, 825.0, 0)
        south = self._row(data, "team", self.south)
        self.assertCell(south["overdue"], 1, 400.0)
        self.assertCell(south["draft"], 0, 0.0)
        wendy = self._row(data, "person", self.wendy)
        self.assertCell(wendy["overdue"], 1, 400.0)
        self.assertCell(wendy["paid"], 0, 0.0)

    def test_due_today(self):
        """F5: what is due today is not overdue."""
        self._issue(self._work(self.north, self.wendy), 5, term=5)
        cells = self._cells(self._load())
        self.assertCell(cells["due"], 1, 499.13)
        self.assertCell(cells["overdue"], 0, 0.0)

    def test_paid_last_month(self):
        """F5: what was paid last month is not in this month's figure."""
        invoice = self._issue(self._work(self.north, self.wendy, days=90), 80)
        self._pay_on(invoice, self.today.replace(day=1) - timedelta(days=1))
        self.assertCell(self._cells(self._load())["paid"], 0, 0.0)

    def test_averages(self):
        """F5: finished 20 and 30 days ago, invoiced after 6 and 10 days: 8 on average;
        one of them paid after 12. What is older than 90 days is left out."""
        first = self._issue(self._work(self.north, self.wendy, days=20), 14)
        self._issue(self._work(self.south, self.wendy, days=30), 20)
        old = self._issue(self._work(self.north, self.wendy, days=200), 100)
        self._pay_on(first, self.today - timedelta(days=2))
        self._pay_on(old, self.today - timedelta(days=95))
        data = self._load()
        cells = self._cells(data)
        self.assertCell(cells["days_to_bill"], 2, 8.0)
        self.assertCell(cells["days_to_pay"], 1, 12.0)
        self.assertEqual(data["period_days"], 90)
        self.assertCell(self._row(data, "team", self.north)["days_to_bill"], 1, 6.0)
        self.assertCell(self._row(data, "team", self.south)["days_to_pay"], 0, 0.0)

    def test_consolidated(self):
        """F5: an invoice of both teams is one invoice, and one of each team."""
        orders = self._work(self.north, self.wendy) | self._work(self.south, self.tom)
        self._invoice(orders, grouped=True)
        data = self._load()
        self.assertCell(self._cells(data)["draft"], 1, 998.25)
        for team in (self.north, self.south):
            self.assertCell(self._row(data, "team", team)["draft"], 1, 998.25)

    def test_filters(self):
        """F5: by team and worker."""
        self._work(self.north, self.wendy, days=3)
        self._work(self.north, self.tom, days=2)
        self._work(self.south, self.tom, days=1)
        self._invoice(self._work(self.south, self.tom))
        data = self._load(team_ids=self.north.ids)
        self.assertCell(self._cells(data)["to_invoice"], 2, 825.0, 3)
        self.assertCell(self._cells(data)["draft"], 0, 0.0)
        self.assertIsNone(self._row(data, "team", self.south))
        data = self._load(team_ids=self.south.ids, person_ids=self.tom.ids)
        self.assertCell(self._cells(data)["to_invoice"], 1, 412.5, 1)
        self.assertCell(self._cells(data)["draft"], 1, 499.13)

    def test_lists(self):
        """F5: each cell's domain finds the records that it counts, read as the user."""
        self._work(self.north, self.wendy, days=3)
        self._create_order(team_id=self.south.id)
        self._invoice(self._work(self.north, self.tom))
        self._issue(self._work(self.south, self.wendy), 10, term=30)
        overdue = self._issue(self._work(self.south, self.wendy), 10, term=5)
        paid = self._issue(self._work(self.south, self.tom, days=20), 10)
        self._pay_on(paid, self.today)
        self.assertTrue(overdue)
        data = self._load()
        counted = 0
        for figure in data["figures"]:
            action = self.env["ir.actions.actions"]._for_xml_id(figure["action"])
            cells = [figure["cell"]] + [
                row["cells"][figure["key"]]
                for table in data["tables"]
                for row in table["rows"]
            ]
            for cell in cells:
                records = self.env[action["res_model"]].with_user(self.dispatcher)
                found = records.with_context(
                    allowed_company_ids=self.company.ids
                ).search_count(cell["domain"])
                self.assertEqual(found, cell["count"], figure["key"])
                counted += found
        self.assertGreater(counted, 20)

    def test_nothing(self):
        """F5: without any order all is zero, and there is no row."""
        data = self._load()
        for cell in self._cells(data).values():
            self.assertCell(cell, 0, 0.0)
        self.assertFalse([row for table in data["tables"] for row in table["rows"]])

    def test_unassigned(self):
        """F5: orders without worker have their row, and its list finds them."""
        order = self._create_order(team_id=self.north.id)
        rows = self._load()["tables"][1]["rows"]
        self.assertEqual([row["name"] for row in rows], ["Unassigned"])
        domain = rows[0]["cells"]["to_invoice"]["domain"]
        self.assertEqual(self.env["fsm.order"].search(domain), order)

    def test_queries(self):
        """F5: the queries do not grow with the orders."""
        counts = []
        for _round in range(2):
            for team, person in ((self.north, self.wendy), (self.south, self.tom)):
                for days in range(1 + 3 * len(counts)):
                    self._work(team, person, days=days)
                    self._invoice(self._work(team, person, days=days))
                    self._issue(self._work(team, person, days=days + 9), 9, term=2)
            self._load()
            before = self.cr.sql_log_count
            self._load()
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])
        self.assertLess(counts[0], 45)


@tagged("post_install", "-at_install")
class TestDashboardCompanies(DashboardCommon):
    """F5: amounts of two companies with two currencies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.currency = cls.env["res.currency"].create(
            {"name": "XTD", "symbol": "XD", "rounding": 0.01}
        )
        cls.other = cls.setup_other_company(currency_id=cls.currency.id)["company"]
        # 1 of the company is 4 XTD; for the other 1 XTD is 0.2 of the company's
        cls.env["res.currency.rate"].create(
            [
                {
                    "currency_id": cls.currency.id,
                    "company_id": cls.company.id,
                    "name": "2020-01-01",
                    "rate": 4.0,
                },
                {
                    "currency_id": cls.company.currency_id.id,
                    "company_id": cls.other.id,
                    "name": "2020-01-01",
                    "rate": 0.2,
                },
            ]
        )
        cls.both = cls.company | cls.other
        cls.abroad = cls.env["fsm.team"].create(
            {"name": "Dash Abroad", "company_id": cls.other.id}
        )
        cls.boss = cls._create_user(
            "fsi_boss", "fieldservice.group_fsm_dispatcher", USER
        )
        cls.boss.company_ids = [Command.set(cls.both.ids)]
        cls.env.user.company_ids += cls.other

    def _work_there(self):
        order = self.env["fsm.order"].create(
            {
                "location_id": self.location.id,
                "company_id": self.other.id,
                "team_id": self.abroad.id,
                "line_ids": [
                    Command.create(
                        {"name": "Visit", "price_unit": 200.0, "tax_ids": False}
                    )
                ],
            }
        )
        order.pricelist_id = False
        order.currency_id = self.currency
        order.action_complete()
        return order

    def test_converted(self):
        """F5: 412.50 here and 200 XTD there, 50 here or 82.50 there."""
        self._work(self.north, self.wendy)
        self._invoice(self._work_there())
        self._work_there()
        data = self._load(self.boss, self.both)
        cells = self._cells(data)
        self.assertCell(cells["to_invoice"], 2, 462.5, 0)
        self.assertCell(cells["draft"], 1, 50.0)
        self.assertTrue(data["is_converted"])
        self.assertEqual(data["currency_id"], self.company.currency_id.id)
        data = self._load(self.boss, self.other | self.company)
        self.assertCell(self._cells(data)["to_invoice"], 2, 2262.5, 0)
        self.assertEqual(data["currency_name"], "XTD")

    def test_own_companies(self):
        """F5: who works in one company sees that one, whatever is asked for."""
        self._work(self.north, self.wendy)
        self._work_there()
        cells = self._cells(self._load())
        self.assertCell(cells["to_invoice"], 1, 412.5, 0)
        with self.assertRaises(AccessError):
            self._load(self.dispatcher, self.other)

    def test_switch(self):
        """F5: a company with the switch off counts nothing; without another one the
        dashboard refuses."""
        self._work(self.north, self.wendy)
        self._work_there()
        self.other.service_invoicing = False
        cells = self._cells(self._load(self.boss, self.both))
        self.assertCell(cells["to_invoice"], 1, 412.5, 0)
        with self.assertRaisesRegex(UserError, "switched off"):
            self._load(self.boss, self.other)

    def test_rights(self):
        """F5: who neither invoices nor reads accounting is refused."""
        for user in (self.worker, self.plain_dispatcher):
            with self.assertRaises(AccessError):
                self._load(user)
        accountant = self._create_user(
            "fsi_service_accountant",
            "account.group_account_invoice",
            "fieldservice.group_fsm_user",
        )
        auditor = self._create_user(
            "fsi_service_auditor",
            "account.group_account_readonly",
            "fieldservice.group_fsm_user",
        )
        self._invoice(self._work(self.north, self.wendy))
        for user in (self.dispatcher, self.manager, accountant, auditor):
            self.assertCell(self._cells(self._load(user))["draft"], 1, 499.13)

    def test_unreadable_orders(self):
        """F5: orders that a rule hides from the user count in no figure."""
        self._work(self.north, self.wendy)
        self._invoice(self._work(self.south, self.tom))
        self._issue(self._work(self.south, self.tom, days=9), 5)
        self.env["ir.rule"].create(
            {
                "name": "Own team",
                "model_id": self.env.ref("fieldservice.model_fsm_order").id,
                "domain_force": f"[('team_id', '=', {self.north.id})]",
            }
        )
        cells = self._cells(self._load())
        self.assertCell(cells["to_invoice"], 1, 412.5, 0)
        for key in ("draft", "due", "overdue", "days_to_bill"):
            self.assertCell(cells[key], 0, 0.0)


@tagged("post_install", "-at_install")
class TestDashboardRemote(DashboardCommon, HttpCase):
    def test_remote_call(self):
        """F5: the method answers over RPC, in JSON."""
        self._work(self.north, self.wendy)
        self.authenticate(self.dispatcher.login, self.dispatcher.login)
        data = self.make_jsonrpc_request(
            "/web/dataset/call_kw/fsm.order/get_invoicing_dashboard",
            {
                "model": "fsm.order",
                "method": "get_invoicing_dashboard",
                "args": [],
                "kwargs": {"team_ids": self.north.ids},
            },
        )
        self.assertCell(self._cells(data)["to_invoice"], 1, 412.5, 0)

    def test_tour(self):
        """F5: figures, cells and filters as a dispatcher clicks them."""
        self._work(self.north, self.wendy, days=9, name="DASH-NORTH")
        self._work(self.south, self.tom, days=1)
        self._invoice(self._work(self.north, self.wendy))
        self._issue(self._work(self.south, self.tom, days=12), 10, term=2)
        self.start_tour(
            "/odoo/action-fieldservice_invoicing.action_service_invoicing_dashboard",
            "fieldservice_invoicing_dashboard",
            login=self.dispatcher.login,
        )


@tagged("post_install", "-at_install")
class TestDashboardPhone(DashboardCommon, HttpCase):
    browser_size = "375x667"
    touch_enabled = True

    def test_tour(self):
        """F5: on a phone, with nothing to bill."""
        self.start_tour(
            "/odoo/action-fieldservice_invoicing.action_service_invoicing_dashboard",
            "fieldservice_invoicing_dashboard_phone",
            login=self.dispatcher.login,
        )
