# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, fields
from odoo.tests import new_test_user

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

USER = "fieldservice_invoicing.group_service_invoice_user"
MANAGER = "fieldservice_invoicing.group_service_invoice_manager"


class ServiceInvoicingCommon(AccountTestInvoicingCommon):
    """A company with a finished order: 2.5 h of labor at 55, 2 parts at 137.50."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("fieldservice.group_fsm_manager")
        cls.env.user.group_ids += cls.env.ref(MANAGER)
        cls.company = cls.company_data["company"]
        shared = cls.env["fsm.stage"].sudo().search([("stage_type", "=", "order")])
        shared.company_id = False
        cls.env["fsm.team"].create({"name": "Team", "company_id": cls.company.id})
        cls.stage_new = cls.env.ref("fieldservice.fsm_stage_new")
        cls.stage_completed = cls.env.ref("fieldservice.fsm_stage_completed")
        cls.stage_cancelled = cls.env.ref("fieldservice.fsm_stage_cancelled")
        cls.tax = cls.company_data["default_tax_sale"]
        cls.tax.amount = 21
        cls.labor = cls._create_service_product("Labor", "service", 55.0)
        cls.part = cls._create_service_product("Pump", "consu", 137.5)
        cls.location = cls._create_location(cls.partner_a)
        cls.order = cls._create_order()

    @classmethod
    def _create_service_product(cls, name, product_type, price, taxes=None):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": product_type,
                "list_price": price,
                "taxes_id": [Command.set((cls.tax if taxes is None else taxes).ids)],
                "supplier_taxes_id": False,
            }
        )

    @classmethod
    def _create_location(cls, owner, **values):
        return cls.env["fsm.location"].create(
            {"name": f"Site of {owner.name}", "owner_id": owner.id, **values}
        )

    @classmethod
    def _create_order(cls, lines=None, done=True, **values):
        """A service order, completed unless told; ``lines`` are dicts of values."""
        if lines is None:
            lines = [
                {"product_id": cls.labor.id, "quantity": 2.5},
                {"product_id": cls.part.id, "quantity": 2},
            ]
        order = cls.env["fsm.order"].create(
            {
                "location_id": cls.location.id,
                "company_id": cls.company.id,
                "line_ids": [Command.create(line) for line in lines],
                **values,
            }
        )
        if done:
            order.action_complete()
        return order

    @classmethod
    def _create_user(cls, login, *groups, **values):
        return new_test_user(
            cls.env,
            login=login,
            groups=",".join(groups),
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            **values,
        )

    @classmethod
    def _create_users(cls):
        """The people that the rights are for."""
        cls.worker = cls._create_user("fsi_worker", "fieldservice.group_fsm_user_own")
        cls.dispatcher = cls._create_user(
            "fsi_dispatcher", "fieldservice.group_fsm_dispatcher", USER
        )
        cls.manager = cls._create_user(
            "fsi_manager", "fieldservice.group_fsm_dispatcher", MANAGER
        )
        cls.accountant = cls._create_user(
            "fsi_accountant", "account.group_account_invoice"
        )
        cls.plain_dispatcher = cls._create_user(
            "fsi_plain", "fieldservice.group_fsm_dispatcher"
        )

    def _invoice(self, order=None, post=False, **options):
        invoice = (order or self.order)._create_invoices(**options)
        if post:
            invoice.action_post()
        return invoice

    def _pay(self, invoice, amount=None):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"amount": amount} if amount else {})
        )
        wizard._create_payments()

    def _open_reversal(self, invoice):
        """Odoo's own dialog for a credit note."""
        return (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create(
                {
                    "reason": "test",
                    "date": fields.Date.today(),
                    "journal_id": invoice.journal_id.id,
                }
            )
        )

    def _credit(self, invoice, post=True, modify=False):
        """A credit note by Odoo's own dialog."""
        wizard = self._open_reversal(invoice)
        if modify:
            wizard.modify_moves()
            return wizard.new_move_ids
        wizard.refund_moves()
        credit_note = wizard.new_move_ids
        if post:
            credit_note.action_post()
        return credit_note

    def _dialog(self, order=None, **values):
        """The Create Invoice dialog of an order, as its button opens it."""
        action = (order or self.order).action_create_invoice()
        return (
            self.env[action["res_model"]]
            .with_context(**action["context"])
            .create(values)
        )


class GeneratedOrdersCommon(ServiceInvoicingCommon):
    """Random orders: rates, included and fixed taxes, discounts, currencies with 0, 2
    and 3 decimals, early payment discounts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.currencies = [cls.company.currency_id] + [
            cls.env["res.currency"].create(
                {
                    "name": f"X{decimals}",
                    "symbol": f"X{decimals}",
                    "rounding": 10**-decimals,
                    "rate_ids": [
                        Command.create({"name": "2000-01-01", "rate": rate * 1.0717}),
                        Command.create({"name": "2015-01-01", "rate": rate}),
                    ],
                }
            )
            for decimals, rate in ((0, 151.37), (2, 0.8731), (3, 0.3071))
        ]
        cls.taxes = cls.env["account.tax"].create(
            [
                {"name": f"{amount} {included}", "amount": amount, **included_values}
                for amount in (0, 5.5, 6, 7.7, 21, 33.333)
                for included, included_values in (
                    ("excluded", {"price_include_override": "tax_excluded"}),
                    ("included", {"price_include_override": "tax_included"}),
                )
            ]
            + [{"name": "Eco fee", "amount": 0.37, "amount_type": "fixed"}]
        )
        cls.early = cls.env["account.payment.term"].create(
            {
                "name": "2 % within 7 days, tax always reduced",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 7,
                "early_pay_discount_computation": "mixed",
                "line_ids": [Command.create({"value": "percent", "value_amount": 100})],
            }
        )

    def _random_line(self, rng):
        product = rng.choice((self.labor, self.part))
        price = round(rng.uniform(0, 900), rng.choice((0, 2, 2, 3)))
        quantity = rng.choice((1, 2, 3, round(rng.uniform(0.01, 40), 2)))
        kind = rng.choice(("none", "percent", "amount"))
        discount = {
            "none": 0,
            "percent": rng.choice((0, 100, round(rng.uniform(0, 100), 2))),
            "amount": int(price * quantity * rng.uniform(0, 0.9)),
        }[kind]
        taxes = rng.sample(list(self.taxes), rng.choice((0, 1, 1, 1, 2)))
        return {
            "product_id": product.id,
            "kind": rng.choice(("labor", "part", "charge")),
            "quantity": quantity,
            "price_unit": price,
            "discount_type": kind,
            "discount_value": discount,
            "tax_ids": [Command.set([tax.id for tax in taxes])],
        }

    def _discount_whole(self, rng, order):
        """A discount on the whole of two orders in three. An amount takes off half at
        most: another tax treatment lowers what it is taken from."""
        kind = rng.choice(("none", "percent", "amount"))
        order.discount_type = kind
        if kind == "percent":
            order.discount_value = rng.choice(
                (0, 5, 100, round(rng.uniform(0, 100), 2))
            )
        else:
            limit = order._get_discount_limit() if kind == "amount" else 0.0
            order.discount_value = order.currency_id.round(limit * rng.random() / 2)
