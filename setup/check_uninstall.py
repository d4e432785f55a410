# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
# ruff: noqa: F821
# pylint: disable=undefined-variable, print-used, invalid-commit
"""Check that uninstalling the addons leaves the accounting as it is.

    make test-uninstall

The database of the tests is made anew for it, without invoices: the script bills
service orders in every way there is (draft, posted, paid, credited, cancelled;
discounts of lines and on the whole, one-offs, foreign currency, hashed journal,
delivered and returned parts, hours; contracts with deposits, draws, change orders and
retainage), takes a picture of the accounting, uninstalls fieldservice_invoicing and
with it the addons on top of it, compares, installs them again, and compares again. It
prints what it compared and every difference, and ends with status 1 when there is one.

Compared row by row are all columns of Odoo's tables but those that the addons add,
the journal items, the totals that Odoo computes for each invoice, the text of each
printed invoice, the check of the hash chain, and that the service orders still open.
"""

import re
import sys
from contextlib import closing
from unittest.mock import patch

from lxml import html

from odoo import Command, fields
from odoo.api import Environment
from odoo.tests import Form

MODULE = "fieldservice_invoicing"
# Uninstalling folds a discount by amount into the unit price of its invoice line. For
# Odoo the last section has the retainage and deposits below it in its subtotal.
NOT_PRINTED = (
    ".//script | .//style | .//td[@name='td_price_unit']"
    " | .//tr[contains(@class, 'o_line_section')]/td[contains(@class, 'o_price_total')]"
)
REPORT = "account.report_invoice_with_payments"
# Prices are compared after discounts. Printing writes to the lines it prints. The name
# of a one-off is noted on the chatter, Odoo knows the walk-in contact only.
NOT_COMPARED = {
    ("account_move_line", "price_unit"),
    ("account_move", "invoice_partner_display_name"),
    "write_date",
    "write_uid",
}
# A walk-in contact on which nothing is booked goes with the addon and comes back.
NOT_COMPARED_ROWS = {"res_partner": "name = 'Walk-in Customer'"}
# tables and what a row is recognized by
TABLES = {
    "account_move": "id",
    "account_move_line": "id",
    "account_move_line_account_tax_rel": "account_move_line_id, account_tax_id",
    "account_partial_reconcile": "id",
    "account_full_reconcile": "id",
    "account_payment": "id",
    "account_move__account_payment": "invoice_id, payment_id",
    "account_tax": "id",
    "account_tax_repartition_line": "id",
    "account_account": "id",
    "account_journal": "id",
    "account_payment_term": "id",
    "account_fiscal_position": "id",
    "res_company": "id",
    "product_template": "id",
    "res_partner": "id",
    "fsm_order": "id",
    "fsm_stage": "id",
    "fsm_location": "id",
    "fsm_equipment": "id",
    "stock_picking": "id",
    "stock_move": "id",
    "stock_move_line": "id",
    "stock_quant": "id",
    "account_analytic_line": "id",
}


class Scenario:
    """Service invoices in every state, in a company with a chart of accounts."""

    def __init__(self, env):
        self.env = env
        self.company = env.company
        self.moves = env["account.move"]
        self.orders = env["fsm.order"]

    def play(self):
        self.set_up()
        self.bill_in_every_state()
        self.bill_one_offs()
        self.bill_with_discounts_on_the_whole()
        self.bill_on_other_terms()
        self.bill_parts_and_hours()
        self.bill_in_portions()
        return self

    def set_up(self):
        # the check of the hash chain asks for an accountant
        self.env.user.group_ids += (
            self.env.ref("account.group_account_user")
            + self.env.ref("stock.group_stock_manager")
            + self.env.ref("hr_timesheet.group_timesheet_manager")
        )
        if not self.company.chart_template:
            self.env["account.chart.template"].try_loading(
                "generic_coa", self.company, install_demo=False
            )
        self.tax = self.company.account_sale_tax_id
        self.labor = self.create_product("Labor", "service", 55.0)
        self.part = self.create_product("Pump", "consu", 137.5)
        self.customer = self.env["res.partner"].create(
            {"name": "Customer", "country_id": self.env.ref("base.us").id}
        )
        self.location = self.env["fsm.location"].create(
            {"name": "Site", "owner_id": self.customer.id}
        )
        self.equipment = self.env["fsm.equipment"].create(
            {"name": "Boiler", "location_id": self.location.id, "list_price": 999.99}
        )

    def create_product(self, name, product_type, price):
        return self.env["product.product"].create(
            {
                "name": name,
                "type": product_type,
                "list_price": price,
                "taxes_id": [Command.set(self.tax.ids)],
            }
        )

    def create_order(self, **values):
        lines = [
            {"product_id": self.labor.id, "quantity": 2.5},
            {
                "product_id": self.part.id,
                "quantity": 3,
                "discount_type": "amount",
                "discount_value": 50.01,
            },
            {
                "product_id": self.part.id,
                "quantity": 1,
                "discount_type": "percent",
                "discount_value": 12.5,
            },
            {"display_type": "line_note", "name": "Thank you"},
        ]
        order = self.env["fsm.order"].create(
            {
                "location_id": self.location.id,
                "company_id": self.company.id,
                "line_ids": [Command.create(line) for line in lines],
                **values,
            }
        )
        order.action_complete()
        self.orders += order
        return order

    def bill(self, orders=None, post=True, **options):
        moves = (orders or self.create_order())._create_invoices(**options)
        if post:
            moves.action_post()
        self.moves += moves
        return moves

    def pay(self, invoice, amount=None):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({"amount": amount} if amount else {})._create_payments()

    def cancel(self, invoice, reason):
        self.moves += invoice._cancel_service_invoices(reason)

    def credit(self, invoice, quantity):
        """A posted credit note for some of the first line of an invoice."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"reason": "Too much", "journal_id": invoice.journal_id.id})
        )
        wizard.refund_moves()
        credit_note = wizard.new_move_ids
        first, *others = credit_note.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and not line.is_service_discount
        )
        credit_note.invoice_line_ids = [
            Command.update(first.id, {"quantity": quantity}),
            *[Command.delete(line.id) for line in others],
        ]
        credit_note.action_post()
        self.moves += credit_note

    def bill_in_every_state(self):
        self.bill(post=False)
        self.bill()
        self.pay(self.bill())
        self.pay(self.bill(), 100)
        self.bill(post=False)._cancel_service_invoices("Not needed")
        self.cancel(self.bill(), "Wrong customer")
        self.credit(self.bill(), 1)
        self.bill(self.create_order() + self.create_order(), grouped=True)
        self.bill(tax_treatment="exempt")
        self.create_order()._mark_billed("Paid in cash")
        self.create_order()

    def bill_one_offs(self):
        self.bill(self.create_order(bill_to_type="person", bill_to_name="Ann"))
        company = {
            "bill_to_type": "company",
            "bill_to_name": "Fogline Ltd",
            "bill_to_street": "1 Pier Street",
            "bill_to_city": "San Francisco",
            "bill_to_country_id": self.env.ref("base.us").id,
            "bill_to_vat": "US95-4410287",
        }
        self.pay(self.bill(self.create_order(**company)))
        self.cancel(self.bill(self.create_order(**company)), "Wrong company")
        self.bill(self.create_order(**company), post=False)

    def bill_with_discounts_on_the_whole(self):
        """Over two tax rates, beside the discounts of the lines."""
        other_rate = self.tax.copy({"name": "6%", "amount": 6.0})
        travel = self.create_product("Travel", "service", 33.33)
        travel.taxes_id = other_rate
        for discount_type, value in (("percent", 7.5), ("amount", 61.11)):
            for post in (True, False):
                self.bill(self.create_discounted(travel, discount_type, value), post)
            self.pay(self.bill(self.create_discounted(travel, discount_type, value)))
            self.cancel(
                self.bill(self.create_discounted(travel, discount_type, value)),
                "Discount forgotten",
            )
            self.credit(
                self.bill(self.create_discounted(travel, discount_type, value)), 1
            )
        self.bill(
            self.create_discounted(travel, "percent", 10)
            + self.create_discounted(travel, "percent", 10),
            grouped=True,
        )

    def create_discounted(self, product, discount_type, value):
        """A done order with one more product and a discount on the whole."""
        order = self.create_order(discount_type=discount_type, discount_value=value)
        order.line_ids = [Command.create({"product_id": product.id, "quantity": 1})]
        return order

    def bill_on_other_terms(self):
        self.pay(self.bill(self.create_order(equipment_ids=self.equipment.ids)))
        currency = self.env.ref("base.EUR")
        if currency == self.company.currency_id:
            currency = self.env.ref("base.USD")
        currency.active = True
        currency.rate_ids = [
            Command.create({"name": fields.Date.today(), "rate": 0.83})
        ]
        pricelist = self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": currency.id}
        )
        self.pay(self.bill(self.create_order(pricelist_id=pricelist.id)), 200)
        term = self.env["account.payment.term"].create(
            {
                "name": "2% for early payment",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 10,
                "early_pay_discount_computation": "mixed",
            }
        )
        self.pay(self.bill(self.create_order(payment_term_id=term.id)))
        journal = self.env["account.journal"].create(
            {
                "name": "Hashed",
                "code": "HASH",
                "type": "sale",
                "restrict_mode_hash_table": True,
            }
        )
        self.company.service_invoice_journal_id = journal
        self.bill()
        self.cancel(self.bill(), "Wrong price")

    def bill_parts_and_hours(self):
        """Lines from deliveries and timesheets, with cost of goods sold; one part
        comes back after billing and is credited."""
        part = self.create_product("Valve", "consu", 86.4)
        category = self.env["product.category"].create(
            {
                "name": "Perpetual",
                "property_cost_method": "average",
                "property_valuation": "real_time",
            }
        )
        part.write({"is_storable": True, "categ_id": category.id})
        part.standard_price = 51.3
        supplier = self.env.ref("stock.stock_location_suppliers")
        customer = self.env.ref("stock.stock_location_customers")
        warehouse = self.env["stock.warehouse"].search(
            [("company_id", "=", self.company.id)], limit=1
        )
        stock = warehouse.lot_stock_id
        self.company.service_labor_product_id = self.labor
        self.move(part, 10, supplier, stock)
        order = self.create_order(line_ids=[])
        delivery = self.move(part, 3, stock, customer, fsm_order_id=order.id)
        self.env["account.analytic.line"].create(
            {
                "name": "On site",
                "fsm_order_id": order.id,
                "project_id": self.company.internal_project_id.id,
                "employee_id": self.env["hr.employee"].create({"name": "Worker"}).id,
                "unit_amount": 2.25,
            }
        )
        invoice = self.bill(order)
        if not invoice.line_ids.filtered(lambda line: line.display_type == "cogs"):
            sys.exit("The invoice posts no cost of goods sold: nothing to compare.")
        self.move(
            part,
            1,
            customer,
            stock,
            origin_returned_move_id=delivery.id,
            to_refund=True,
        )
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"reason": "Returned", "journal_id": invoice.journal_id.id})
        )
        wizard.refund_moves()
        wizard.new_move_ids.action_post()
        self.moves += wizard.new_move_ids

    def bill_in_portions(self):
        """Contracts over two tax rates, one for each tax point of deposits and
        retainage: one billed in full and released, one under way."""
        self.company.write(
            {
                "service_deposit_tax_point": "deposit",
                "service_retainage_tax_point": "draw",
            }
        )
        self.bill_to_the_end(self.create_contract())
        self.company.write(
            {
                "service_deposit_tax_point": "invoice",
                "service_retainage_tax_point": "release",
            }
        )
        self.bill_half(self.create_contract())

    def create_contract(self):
        """An order under way (`fsm.order`) with progress billing."""
        rate = self.env["account.tax"].search(
            [("amount", "=", 6), ("company_id", "=", self.company.id)], limit=1
        )
        lines = [
            {"display_type": "line_section", "name": "Below ground"},
            {"product_id": self.labor.id, "price_unit": 4000.01},
            {"product_id": self.part.id, "price_unit": 1500.33, "quantity": 2},
            {"display_type": "line_section", "name": "Above ground"},
            {
                "name": "Piping",
                "kind": "part",
                "price_unit": 2999.99,
                "tax_ids": [Command.set(rate.ids)],
            },
        ]
        contract = self.env["fsm.order"].create(
            {
                "location_id": self.location.id,
                "company_id": self.company.id,
                "billing_method": "progress",
                "retainage_percent": 10.0,
                "line_ids": [Command.create(line) for line in lines],
            }
        )
        self.orders += contract
        return contract

    def bill_to_the_end(self, contract):
        """Deposit, draws before and after a change order, one of them cancelled and
        billed anew, and the release of what was retained."""
        self.pay(self.post(contract._create_deposit("percent", 20)))
        self.pay(self.draw(contract, 30, deposit=500.0))
        self.change(contract)
        self.cancel(self.draw(contract, 60, stored=100.0), "Half of it is not there")
        self.pay(self.draw(contract, 50, deposit=300.03), 100)
        self.draw(contract, 100)
        self.pay(self.post(contract._release_retainage(500.0)))
        self.post(contract._release_retainage())

    def bill_half(self, contract):
        """A deposit of which a part is refunded, a draw of which a part is credited by
        the next one, a part of the release and drafts of everything."""
        self.pay(self.post(contract._create_deposit("fixed", 1000.0)))
        self.draw(contract, 60, deposit=400.0)
        contract.action_refund_deposit()
        refund = self.env["account.move"].search([], order="id desc", limit=1)
        self.post(refund)
        self.change(contract, -3000.0)
        # of the first item more is billed than is left
        item = contract.line_ids[1]
        contract._create_draw({item: item.price_subtotal})
        credit_notes = contract.invoice_link_ids.move_id.reversal_move_ids - refund
        self.post(credit_notes)
        self.post(contract._release_retainage(99.99))
        self.moves += contract._release_retainage(10.0)
        self.draw(contract, 80, post=False)
        self.moves += contract._create_deposit("fixed", 50.0)
        self.change(contract, approve=False)

    def post(self, moves):
        moves.action_post()
        self.moves += moves
        return moves

    def get_completed(self, contract, percent):
        """Work completed to date (dict of amounts by `fsm.order.line`) when this
        percentage of each item is."""
        return {
            line: contract.currency_id.round(line.price_subtotal * percent / 100)
            for line in contract.line_ids
            if not line.display_type
        }

    def draw(self, contract, percent, stored=0.0, deposit=None, post=True):
        """The next draw (`account.move`)."""
        completed = self.get_completed(contract, percent)
        piping = list(completed)[2]
        draw = contract._create_draw(completed, {piping: stored}, deposit=deposit)
        if post:
            return self.post(draw)
        self.moves += draw
        return draw

    def change(self, contract, amount=-350.5, approve=True):
        """A change order with a new item and ``amount`` on the first one."""
        change = self.env["fsm.change.order"].create(
            {
                "order_id": contract.id,
                "title": "Second drain",
                "reason": "Asked for by the site manager",
                "line_ids": [
                    Command.create(
                        {
                            "name": "Drain",
                            "kind": "part",
                            "amount": 750.55,
                            "tax_ids": [Command.set(self.tax.ids)],
                        }
                    ),
                    Command.create(
                        {
                            "order_line_id": contract.line_ids[1].id,
                            "amount": amount,
                        }
                    ),
                ],
            }
        )
        if approve:
            change.action_approve()

    def move(self, product, quantity, source, target, **values):
        """A done move (`stock.move`) of a product."""
        move = self.env["stock.move"].create(
            {
                "product_id": product.id,
                "product_uom_qty": quantity,
                "location_id": source.id,
                "location_dest_id": target.id,
                "company_id": self.company.id,
                **values,
            }
        )
        move._action_confirm()
        move.write({"quantity": quantity, "picked": True})
        move._action_done()
        return move


class Picture:
    """What the accounting says: a dict of texts for each aspect."""

    def __init__(self, env, move_ids, order_ids, columns=None):
        self.env = env
        self.env.flush_all()
        self.env.invalidate_all()
        self.columns = columns or self.get_columns()
        moves = env["account.move"].browse(move_ids)
        self.aspects = {
            "journal items": self.read_journal_items(),
            "net price of lines": self.read_net(moves),
            "invoice totals": self.read_totals(moves),
            "printed invoices": self.read_printed(moves),
            "hash chains": self.read_hash_chains(),
            "orders open": self.open_orders(order_ids),
        }
        # last: Odoo writes to the lines that it prints
        self.env.flush_all()
        for table in TABLES:
            self.aspects[table] = self.read_table(table)

    def get_columns(self):
        """Columns of each table, without those that the addons alone add."""
        self.env.cr.execute(
            """
            SELECT replace(field.model, '.', '_'), field.name
              FROM ir_model_fields field
              JOIN ir_model_data xmlid
                ON xmlid.model = 'ir.model.fields' AND xmlid.res_id = field.id
          GROUP BY 1, 2
            HAVING bool_and(xmlid.module = ANY(%s))
            """,
            [get_modules(self.env).mapped("name")],
        )
        added = set(self.env.cr.fetchall())
        self.env.cr.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = ANY(%s)
          ORDER BY table_name, ordinal_position
            """,
            [list(TABLES)],
        )
        columns = {table: [] for table in TABLES}
        for table, column in self.env.cr.fetchall():
            if not ({(table, column), column} & (added | NOT_COMPARED)):
                columns[table].append(column)
        return columns

    def read_table(self, table):
        names = self.columns[table]
        selected = ", ".join(f'"{name}"' for name in names)
        self.env.cr.execute(
            f"SELECT concat_ws('-', {TABLES[table]}), {selected} FROM {table}"
            f" WHERE NOT ({NOT_COMPARED_ROWS.get(table, 'false')})"
        )
        return {
            f"{key}.{name}": repr(
                bytes(value) if isinstance(value, memoryview) else value
            )
            for key, *values in self.env.cr.fetchall()
            for name, value in zip(names, values, strict=True)
        }

    def read_journal_items(self):
        return {
            f"{line.move_name} {line.id}": repr(
                (
                    line.account_id.display_name,
                    line.debit,
                    line.credit,
                    line.amount_currency,
                    line.currency_id.name,
                    line.reconciled,
                    line.amount_residual,
                    line.tax_ids.mapped("name"),
                    line.tax_line_id.name,
                )
            )
            for line in self.env["account.move.line"].search([], order="id")
        }

    def read_net(self, moves):
        """Untaxed price of each line, before rounding and after all discounts."""
        result = {}
        for line in moves.invoice_line_ids:
            net = line.quantity * line.price_unit * (1 - line.discount / 100)
            if "service_discount_amount" in line:
                net -= line.service_discount_amount
            result[f"{line.move_name} {line.id}"] = f"{net:.6f}"
        return result

    def read_totals(self, moves):
        result = {}
        for move in moves:
            totals = move.tax_totals
            result[f"{move.id} {move.name}"] = repr(
                (
                    move.state,
                    move.payment_state,
                    move.amount_untaxed,
                    move.amount_tax,
                    move.amount_total,
                    move.amount_residual,
                    totals["base_amount_currency"],
                    totals["tax_amount_currency"],
                    totals["total_amount_currency"],
                    [
                        (
                            group["group_name"],
                            group["base_amount_currency"],
                            group["tax_amount_currency"],
                        )
                        for subtotal in totals["subtotals"]
                        for group in subtotal["tax_groups"]
                    ],
                )
            )
        return result

    def read_printed(self, moves):
        """Text of each invoice as Odoo prints it, without what the addons add, and with
        the sections that they leave out for headings of their own."""
        AccountMoveLine = self.env.registry["account.move.line"]
        as_section = patch.object(
            AccountMoveLine, "_is_plain_heading", lambda line: False, create=True
        )
        with closing(self.env.cr.savepoint()), as_section:
            self.env["ir.ui.view"].search(
                [("key", "=like", f"{MODULE}%"), ("inherit_id.type", "=", "qweb")]
            ).active = False
            result = {f"{move.id} {move.name}": self.render(move) for move in moves}
        self.env.registry.clear_cache("templates")
        return result

    def render(self, move):
        """Text of one invoice as it is printed."""
        report = self.env["ir.actions.report"]
        content, _type = report._render_qweb_html(REPORT, move.ids)
        body = html.fromstring(content).find(".//body")
        for node in body.xpath(NOT_PRINTED):
            node.drop_tree()
        # the addons print labor first, then parts
        for rows in body.xpath(".//table[@name='invoice_line_table']/tbody"):
            rows[:] = sorted(rows, key=lambda row: row.text_content())
        return re.sub(r"\s+", " ", body.text_content()).strip()

    def read_hash_chains(self):
        result = self.env.company._check_hash_integrity()
        return {
            f"{chain['journal_name']}": repr((chain["status"], chain["msg_cover"]))
            for chain in result["results"]
        }

    def open_orders(self, order_ids):
        """Every service order in the form view, as the browser gets it."""
        result = {}
        for order in self.env["fsm.order"].browse(order_ids):
            form = Form(order)
            result[order.name] = repr(
                (form.name, form.stage_id.id, form.location_id.id)
            )
        return result


def compare(before, after, when):
    """Print what was compared and what differs.

    :return: number of differences
    """
    count = 0
    for aspect, rows in before.aspects.items():
        now = after.aspects[aspect]
        differences = sorted(
            key for key in rows.keys() | now.keys() if rows.get(key) != now.get(key)
        )
        print(f"{when}: {aspect}: {len(rows)} compared, {len(differences)} differ")
        for key in differences:
            print(f"  {key}\n    before: {rows.get(key)}\n    after:  {now.get(key)}")
        count += len(differences)
    return count


def get_modules(env):
    """The addon and those that go with it (`ir.module.module`)."""
    module = env["ir.module.module"].search([("name", "=", MODULE)])
    return module | module.downstream_dependencies()


def new_environment(env):
    """An environment of the registry that the last (un)install made."""
    return Environment(env.cr, env.uid, {})


def main(env):
    module = env["ir.module.module"].search([("name", "=", MODULE)])
    if module.state != "installed":
        sys.exit(f"Install {MODULE} first.")
    names = set(get_modules(env).mapped("name"))
    print("with", ", ".join(sorted(names - {MODULE})))
    if env["account.move"].search_count([], limit=1):
        sys.exit("This database has invoices: take one to throw away.")
    env = env(user=env.ref("base.user_admin"), context={})
    scenario = Scenario(env).play()
    env.cr.commit()
    ids = scenario.moves.ids, scenario.orders.ids
    before = Picture(env, *ids)
    module.button_immediate_uninstall()
    env = new_environment(env)
    count = compare(before, Picture(env, *ids, before.columns), "uninstalled")
    modules = env["ir.module.module"].search([("name", "in", list(names))])
    # the others come by themselves
    modules.filtered(lambda module: not module.auto_install).button_immediate_install()
    env = new_environment(env)
    if names - set(get_modules(env).mapped("name")):
        sys.exit("Not all addons came back.")
    count += compare(before, Picture(env, *ids, before.columns), "installed again")
    print(f"{count} differences")
    sys.exit(1 if count else 0)


main(env)
