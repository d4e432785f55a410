# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common import ProgressCommon


@tagged("post_install", "-at_install")
class TestLists(ProgressCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_users()

    def _search(self, xmlid, name, user):
        """What ``user`` finds in the menu ``xmlid`` by a filter of its search view."""
        action = self.env.ref(f"fieldservice_invoicing_progress.{xmlid}")
        search = etree.fromstring(action.search_view_id.arch)
        domain = search.find(f".//filter[@name='{name}']").get("domain")
        domain = safe_eval(domain) + safe_eval(action.domain)
        return self.env[action.res_model].with_user(user).search(domain)

    def test_contracts(self):
        """B3: a list over all contracts, by what is to bill, retained and left."""
        self._deposit(121.0)
        find = self._search
        contract, user = self.contract, self.dispatcher
        self.assertIn(contract, find("action_contracts", "to_bill", user))
        self.assertIn(contract, find("action_contracts", "with_deposit", user))
        self.assertNotIn(contract, find("action_contracts", "with_retainage", user))
        self._draw(4000, 6000)
        self.assertNotIn(contract, find("action_contracts", "to_bill", user))
        self.assertIn(contract, find("action_contracts", "billed_in_full", user))
        self.assertIn(contract, find("action_contracts", "with_retainage", user))
        self.assertNotIn(contract, find("action_contracts", "with_deposit", user))

    def test_ageing(self):
        """B8: retainage receivable by age, without what is released; who creates
        invoices reads it, and accountants."""
        for age, completed in (
            (0, 1000),
            (30, 2000),
            (31, 3000),
            (61, 3500),
            (91, 4000),
        ):
            draw = self._draw(completed, 0, post=False)
            draw.invoice_date = fields.Date.today() - timedelta(days=age)
            draw.action_post()
        for user in (self.dispatcher, self.accountant):
            for name, amounts in (
                ("age_30", [100.0, 100.0]),
                ("age_60", [100.0]),
                ("age_90", [50.0]),
                ("age_over_90", [50.0]),
            ):
                lines = self._search("action_retainage_receivable", name, user)
                lines = lines.filtered(
                    lambda line: line.progress_order_id.id == self.contract.id
                )
                self.assertEqual(lines.mapped("amount_residual"), amounts)
        self.contract._release_retainage().action_post()
        held = self._search("action_retainage_receivable", "open", self.accountant)
        self.assertNotIn(self.contract.id, held.progress_order_id.ids)

    def test_deposits(self):
        """B5: deposits by what is paid and left."""
        find = self._search
        deposit = self._deposit(121.0, paid=False)
        claim = deposit.service_order_link_ids
        self.assertIn(claim, find("action_service_deposits", "draft", self.dispatcher))
        deposit.action_post()
        self.assertIn(claim, find("action_service_deposits", "unpaid", self.dispatcher))
        self._pay(deposit)
        self.assertIn(claim, find("action_service_deposits", "left", self.dispatcher))
        self.assertNotIn(claim, find("action_service_deposits", "unpaid", self.manager))
        self.assertEqual(claim.billing_title, "Deposit 1")
