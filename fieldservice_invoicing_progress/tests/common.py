# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command
from odoo.tests import Form

from odoo.addons.fieldservice_invoicing.tests.common import (
    ServiceInvoicingCommon,
)

APPROVER = "fieldservice_invoicing_progress.group_change_order_approver"


class ProgressCommon(ServiceInvoicingCommon):
    """A contract of 10,000.00 before 21 % tax: Groundwork of 4,000 and Piping of 6,000,
    10 % retainage."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company._create_progress_accounts()
        cls.env.user.group_ids += cls.env.ref(APPROVER)
        cls.contract = cls._create_contract()
        cls.groundwork, cls.piping = cls.contract.line_ids

    @classmethod
    def _create_contract(cls, lines=None, **values):
        """An order under way with progress billing; ``lines`` are dicts of values."""
        if lines is None:
            lines = [
                {"name": "Groundwork", "kind": "labor", "price_unit": 4000.0},
                {"name": "Piping", "kind": "part", "price_unit": 6000.0},
            ]
        lines = [{"tax_ids": [Command.set(cls.tax.ids)], **line} for line in lines]
        return cls._create_order(
            lines,
            done=False,
            **{"billing_method": "progress", "retainage_percent": 10.0, **values},
        )

    @classmethod
    def _create_change_order(cls, *lines, order=None, approve=False, **values):
        """A change order; ``lines`` are pairs of an item and an amount, or dicts of
        values for new items."""
        change = cls.env["fsm.change.order"].create(
            {
                "order_id": (order or cls.contract).id,
                "title": "Second drain",
                "reason": "Asked for by the site manager",
                "line_ids": [
                    Command.create(
                        line
                        if isinstance(line, dict)
                        else {"order_line_id": line[0].id, "amount": line[1]}
                    )
                    for line in lines
                ],
                **values,
            }
        )
        if approve:
            change.action_approve()
        return change

    def _draw(self, *completed, order=None, post=True, **options):
        """The next draw: work completed to date of each item."""
        order = order or self.contract
        items = order._get_schedule_lines()
        draw = order._create_draw(dict(zip(items, completed, strict=False)), **options)
        if post:
            draw.action_post()
        return draw

    def _deposit(self, amount, amount_type="fixed", order=None, paid=True):
        deposit = (order or self.contract)._create_deposit(amount_type, amount)
        if paid:
            deposit.action_post()
            self._pay(deposit)
        return deposit

    def _get_balance(self, account):
        """What the ledger holds on an account."""
        lines = self.env["account.move.line"].search(
            [("account_id", "=", account.id), ("parent_state", "=", "posted")]
        )
        return self.company.currency_id.round(sum(lines.mapped("balance")))


class DialogCommon(ProgressCommon):
    def _open_form(self, action):
        """The dialog that an action opens, as a form."""
        return Form(self.env[action["res_model"]].with_context(**action["context"]))

    def _create_dialog(self, action, **values):
        """The dialog that an action opens, over RPC."""
        Dialog = self.env[action["res_model"]].with_context(**action["context"])
        return Dialog.create(values)
