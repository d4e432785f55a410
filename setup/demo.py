# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
# pylint: disable=undefined-variable, print-used, invalid-commit
"""Demo company, people, customers and service orders at every step of billing.

    odoo shell -d DATABASE --no-http <setup/demo.py

The database has Odoo's demo data and all addons of this repository. The people of
the story do what they do in life, through the same dialogs and with their own rights:
the workers log their hours and deliver parts, which become the order lines, the
dispatcher types in whom one-offs bill, gives discounts, creates and cancels invoices,
bills a larger job by a deposit and draws, the accountant posts them and registers
payments, the administrator approves change orders. All dates are relative to today. Run
twice, it changes nothing; when it fails, nothing is kept.
"""

import base64
import io
import math
from datetime import timedelta

from PIL import Image, ImageDraw, ImageFont

from odoo import Command, fields

LOGINS = ("admin", "dispatcher", "accountant", "worker")
COMPANY = "Brightwater Mechanical Services"


class Story:
    def __init__(self, env):
        self.env = env(context={"lang": "en_US", "no_reset_password": True})
        self.company = self.env.ref("base.main_company")
        self.today = fields.Date.today()
        self.products = {}
        self.locations = {}
        self.types = {}

    def tell(self):
        self.set_up_company()
        self.set_up_accounting()
        self.set_up_people()
        self.set_up_products()
        self.set_up_stock()
        self.set_up_rules()
        self.set_up_customers()
        # oldest first, so that the numbers of orders and invoices rise with time
        plant = self.tell_larger_job()
        self.tell_overdue()
        self.tell_first_draw(plant)
        self.tell_paid()
        self.tell_second_draw(plant)
        self.tell_issued_and_corrected()
        self.tell_to_invoice_and_drafts()
        self.tell_third_draw(plant)
        self.tell_sold_on_a_sales_order()
        self.tell_orders_to_invoice()
        self.tell_month_end()
        self.tell_open_orders()

    # ------------------------------------------------------------------
    # The company
    # ------------------------------------------------------------------

    def set_up_company(self):
        self.company.write(
            {
                "name": COMPANY,
                "street": "1180 Illinois Street",
                "city": "San Francisco",
                "zip": "94107",
                "state_id": self.env.ref("base.state_us_5").id,
                "country_id": self.env.ref("base.us").id,
                "phone": "+1 415-555-0142",
                "email": "office@brightwater.example.com",
                "website": "https://brightwater.example.com",
                "vat": "US94-3217650",
                "logo": self._draw_logo(),
                "primary_color": "#1f5f8b",
                "secondary_color": "#1f5f8b",
                "report_footer": "Brightwater Mechanical Services · Contractor "
                "licence 1046782 · office@brightwater.example.com · "
                "+1 415-555-0142",
                # Odoo would look the company up in the internet at the first login
                "iap_enrich_auto_done": True,
                "external_report_layout_id": self.env.ref(
                    "web.external_layout_standard"
                ).id,
            }
        )
        self.env["res.partner.bank"].create(
            {
                "partner_id": self.company.partner_id.id,
                "acc_number": "4417 0092 6158",
                "bank_id": self.env["res.bank"]
                .create({"name": "Embarcadero Savings Bank"})
                .id,
                "allow_out_payment": True,
            }
        )
        self.env["res.config.settings"].create(
            {
                "group_multi_currency": True,
                "group_product_pricelist": True,
                "group_uom": True,
                "group_fsm_equipment": True,
                "group_stock_production_lot": True,
            }
        ).execute()

    def _draw_logo(self):
        """A drop beside the company's name (base64 of a PNG)."""
        image = Image.new("RGBA", (620, 160), (255, 255, 255, 0))
        draw = ImageDraw.Draw(image)
        blue, grey = (31, 95, 139, 255), (90, 104, 116, 255)
        draw.polygon([(70, 8), (28, 84), (112, 84)], fill=blue)
        draw.ellipse((20, 50, 120, 150), fill=blue)
        draw.arc((40, 70, 100, 130), 20, 100, fill=(255, 255, 255, 255), width=7)
        draw.text((146, 22), "Brightwater", blue, ImageFont.load_default(72))
        draw.text((150, 106), "Mechanical Services", grey, ImageFont.load_default(36))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return base64.b64encode(buffer.getvalue())

    def set_up_accounting(self):
        template = self.env["account.chart.template"]
        if not self.company.chart_template:
            template.try_loading("generic_coa", self.company, install_demo=False)
        default = self.company.account_sale_tax_id
        self.tax_high = self._create_tax(default, "21%", 21.0)
        self.tax_low = self._create_tax(default, "6%", 6.0)
        self.exempt = self._create_exemption()
        self._tax_exports_at_zero()
        self._set_exchange_rate()
        self.company.write(
            {
                "account_sale_tax_id": self.tax_high.id,
                "service_payment_term_id": self.env.ref(
                    "account.account_payment_term_30days"
                ).id,
                "service_invoice_journal_id": self.env["account.journal"]
                .create(
                    {
                        "name": "Service Invoices",
                        "code": "SRV",
                        "type": "sale",
                        "company_id": self.company.id,
                    }
                )
                .id,
            }
        )

    def _create_tax(self, model, name, amount):
        """A tax (`account.tax`) that posts where the chart's own one does."""
        group = model.tax_group_id.copy({"name": f"Sales tax {name}"})
        return model.copy(
            {
                "name": name,
                "description": name,
                "invoice_label": name,
                "amount": amount,
                "tax_group_id": group.id,
            }
        )

    def _create_exemption(self):
        """Fiscal position (`account.fiscal.position`) of tax-exempt customers."""
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Tax-exempt organisations",
                "company_id": self.company.id,
                "note": "Exempt from sales tax: certificate on file.",
            }
        )
        tax = self._create_tax(self.tax_high, "0% Exempt", 0.0)
        tax.fiscal_position_ids = position
        tax.original_tax_ids = self.tax_high + self.tax_low
        return position

    def _tax_exports_at_zero(self):
        exports = self.env["account.tax"].search(
            [
                ("company_id", "=", self.company.id),
                ("type_tax_use", "=", "sale"),
                ("amount", "=", 0.0),
                ("original_tax_ids", "in", self.default_taxes().ids),
            ],
            limit=1,
        )
        exports.original_tax_ids += self.tax_high + self.tax_low

    def default_taxes(self):
        return self.env["account.tax"].search(
            [
                ("company_id", "=", self.company.id),
                ("type_tax_use", "=", "sale"),
                ("amount", ">", 0.0),
            ]
        )

    def _set_exchange_rate(self):
        self.euro = self.env.ref("base.EUR")
        self.euro.active = True
        for days, rate in ((90, 0.9150), (30, 0.9230), (0, 0.9185)):
            self.env["res.currency.rate"].create(
                {
                    "currency_id": self.euro.id,
                    "company_id": self.company.id,
                    "name": self.today - timedelta(days=days),
                    "company_rate": rate,
                }
            )

    # ------------------------------------------------------------------
    # People
    # ------------------------------------------------------------------

    def set_up_people(self):
        self.admin = self.env.ref("base.user_admin")
        self.admin.write(
            {
                "group_ids": self._groups(
                    "fieldservice.group_fsm_manager",
                    "fieldservice_invoicing.group_service_invoice_manager",
                    "account.group_account_manager",
                    "account.group_account_user",
                    "sales_team.group_sale_manager",
                    "stock.group_stock_manager",
                    "hr_timesheet.group_timesheet_manager",
                    "hr.group_hr_manager",
                ),
            }
        )
        self.dispatcher = self._create_user(
            "dispatcher",
            "Dana Whitfield",
            "fieldservice.group_fsm_dispatcher",
            "fieldservice_invoicing.group_service_invoice_manager",
        )
        self.accountant = self._create_user(
            "accountant",
            "Arthur Lindqvist",
            "account.group_account_manager",
            "account.group_account_user",
            "fieldservice.group_fsm_user",
        )
        self.wendy = self._create_worker("worker", "Wendy Alvarez", 31.00)
        self.tom = self._create_worker("tom", "Tom Becker", 38.50)
        self.priya = self._create_worker("priya", "Priya Nair", 33.00)

    def _create_worker(self, login, name, hourly_cost):
        """A field worker (`fsm.person`), who is a user and an employee, too."""
        user = self._create_user(
            login,
            name,
            "fieldservice.group_fsm_user_own",
            "stock.group_stock_user",
            "hr_timesheet.group_hr_timesheet_user",
        )
        self.env["hr.employee"].create(
            {
                "name": name,
                "user_id": user.id,
                "company_id": self.company.id,
                "hourly_cost": hourly_cost,
                "job_title": "Service Technician",
            }
        )
        return self.env["fsm.person"].create({"partner_id": user.partner_id.id})

    def _groups(self, *xml_ids):
        return [Command.link(self.env.ref(xml_id).id) for xml_id in xml_ids]

    def _create_user(self, login, name, *groups):
        return self.env["res.users"].create(
            {
                "name": name,
                "login": login,
                # the others of the story have none: nobody logs in as them
                **({"password": login} if login in LOGINS else {}),
                "email": f"{login}@brightwater.example.com",
                "company_id": self.company.id,
                "company_ids": [Command.set(self.company.ids)],
                "group_ids": self._groups("base.group_user", *groups),
            }
        )

    # ------------------------------------------------------------------
    # What is sold, and to whom
    # ------------------------------------------------------------------

    def set_up_products(self):
        hour = self.env.ref("uom.product_uom_hour")
        foot = self.env.ref("uom.product_uom_foot")
        pound = self.env.ref("uom.product_uom_lb")
        for key, name, price, uom in (
            ("labor", "Service Labor", 55.00, hour),
            ("elevator_labor", "Elevator Technician", 92.00, hour),
            ("callout", "Call-out and Travel", 45.00, None),
            ("visit", "Rooftop Unit Maintenance Visit", 240.00, None),
        ):
            self._create_product(key, name, price, uom, self.tax_low, type="service")
        self._create_categories()
        for key, name, price, cost, uom in (
            ("pump", "Circulation Pump 25-60", 137.50, 82.00, None),
            ("capacitor", "Dual Run Capacitor 45/5 µF", 28.90, 11.40, None),
            ("refrigerant", "Refrigerant R-410A", 18.75, 7.90, pound),
            ("blower", "Blower Motor 1/2 HP", 214.00, 131.00, None),
            ("valve", "Thermostatic Mixing Valve 3/4 in", 86.40, 51.30, None),
            ("anode", "Water Heater Anode Rod", 39.95, 18.60, None),
            ("pipe", "Copper Pipe 3/4 in", 3.85, 2.40, foot),
            ("filter", "Air Filter 16x25x4", 24.50, 12.75, None),
            ("belt", "Elevator Door Operator Belt", 64.00, 35.00, None),
            ("roller", "Elevator Door Hanger Roller", 18.20, 9.10, None),
            ("contactor", "Contactor 40 A, 24 V Coil", 47.30, 22.60, None),
            ("heat_pump", "Heat Pump, 3 ton", 3480.00, 2390.00, None),
        ):
            self._create_product(
                key,
                name,
                price,
                uom,
                self.tax_high,
                type="consu",
                is_storable=True,
                standard_price=cost,
                categ_id=(self.pipes if key == "pipe" else self.parts).id,
                tracking={"refrigerant": "lot", "heat_pump": "serial"}.get(key, "none"),
            )

    def _create_categories(self):
        """Parts at the price list, and pipes at their cost, which follows the copper
        price, with a markup."""
        self.parts = self.env["product.category"].create(
            {
                "name": "Service Parts",
                "property_cost_method": "average",
                "property_valuation": "real_time",
            }
        )
        self.pipes = self.env["product.category"].create(
            {
                "name": "Pipes",
                "parent_id": self.parts.id,
                "property_cost_method": "average",
                "property_valuation": "real_time",
                "service_part_pricing": "cost",
                "service_part_markup": 60.0,
            }
        )

    def _create_product(self, key, name, price, uom, tax, **values):
        unit = uom or self.env.ref("uom.product_uom_unit")
        self.products[key] = self.env["product.product"].create(
            {
                "name": name,
                "list_price": price,
                "uom_id": unit.id,
                "taxes_id": [Command.set(tax.ids)],
                "supplier_taxes_id": [Command.clear()],
                "purchase_ok": values["type"] == "consu",
                **values,
            }
        )

    def set_up_stock(self):
        """Parts that were bought two months ago, and the bill for them."""
        quantities = {
            product: 400.0 if key in ("pipe", "refrigerant", "filter") else 12.0
            for key, product in self.products.items()
            if product.is_storable
        }
        heat_pump = self.products["heat_pump"]
        quantities[heat_pump] = 1.0
        lots = {
            product: self.env["stock.lot"].create(
                {"product_id": product.id, "name": name, "company_id": self.company.id}
            )
            for product, name in (
                (heat_pump, "2409-77413"),
                (self.products["refrigerant"], "R410-2231"),
            )
        }
        self.heat_pump_lot = lots[heat_pump]
        supplier = self._create_company(
            "Pacific Mechanical Supply", ("4400 Third Street", "San Francisco", "94124")
        )
        self._receive(supplier, quantities, lots)
        self._enter_bill(supplier, quantities)

    def _receive(self, supplier, quantities, lots):
        """The receipt of products (dict of `product.product` and quantity)."""
        warehouse = self.env["stock.warehouse"].search(
            [("company_id", "=", self.company.id)], limit=1
        )
        warehouse.name = COMPANY
        receipt = self.env["stock.picking"].create(
            {
                "partner_id": supplier.id,
                "picking_type_id": warehouse.in_type_id.id,
                "move_ids": [
                    Command.create(
                        {"product_id": product.id, "product_uom_qty": quantity}
                    )
                    for product, quantity in quantities.items()
                ],
            }
        )
        receipt.action_confirm()
        for line in receipt.move_line_ids:
            line.lot_id = lots.get(line.product_id)
        self._validate(receipt, 60)

    def _enter_bill(self, supplier, quantities):
        bill = (
            self.env["account.move"]
            .with_user(self.accountant)
            .create(
                {
                    "move_type": "in_invoice",
                    "partner_id": supplier.id,
                    "invoice_date": self.today - timedelta(days=60),
                    "date": self.today - timedelta(days=60),
                    "ref": "PMS-20817",
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "quantity": quantity,
                                "price_unit": product.standard_price,
                                "tax_ids": [Command.clear()],
                            }
                        )
                        for product, quantity in quantities.items()
                    ],
                }
            )
        )
        bill.action_post()

    def set_up_rules(self):
        """How labor is billed, and what has to be there before an order is."""
        for key, name in (
            ("repair", "Repair"),
            ("service", "Maintenance"),
            ("installation", "Installation"),
            ("elevator", "Elevator"),
        ):
            self.types[key] = self.env["fsm.order.type"].create({"name": name})
        self.types["elevator"].service_labor_product_id = self.products[
            "elevator_labor"
        ]
        self.products["labor"].write(
            {
                "service_labor_increment": 0.25,
                "service_labor_minimum": 1.0,
                "service_labor_calendar_id": self.company.resource_calendar_id.id,
                "service_labor_overtime": 1.5,
                "service_labor_day_off": 2.0,
            }
        )
        self.company.write(
            {
                "service_labor_product_id": self.products["labor"].id,
                "service_excluded_lines": "no_charge",
                "service_retainage_percent": 10.0,
            }
        )
        self.env["fsm.closeout.rule"].create(
            [
                {
                    "company_id": self.company.id,
                    "requirement": requirement,
                    "level": level,
                    "type_id": self.types[order_type].id if order_type else False,
                }
                for requirement, level, order_type in (
                    ("signature", "warning", None),
                    ("hours", "warning", None),
                    ("delivery", "blocking", None),
                    ("resolution", "blocking", "elevator"),
                )
            ]
        )

    def set_up_customers(self):
        self.manager = self._create_company(
            "Keystone Property Management",
            ("50 California Street", "San Francisco", "94111"),
        )
        for key, name, *address in (
            ("dental", "Bayview Dental Group", "2201 Third Street", "94107"),
            ("hotel", "Mission Street Hotel", "1455 Mission Street", "94103"),
            ("bakery", "Golden Gate Bakery", "3290 Balboa Street", "94121"),
            ("towers", "Sunset Towers HOA", "1890 Noriega Street", "94122"),
            ("lofts", "Harbor Loft Apartments", "300 Berry Street", "94158"),
            ("school", "St. Brigid School", "2250 Franklin Street", "94109"),
            ("hall", "Presidio Concert Hall", "1 Moraga Avenue", "94129"),
            ("tran", "Linh Tran", "742 Sanchez Street", "94114"),
            ("okafor", "Grace Okafor", "58 Ashbury Terrace", "94117"),
        ):
            street, code = address
            self._create_site(
                key,
                name,
                (street, "San Francisco", code),
                is_company=key not in ("tran", "okafor"),
            )
        self._create_site(
            "brewery",
            "Pacific Crest Brewery",
            ("901 Gilman Street", "Berkeley", "94710"),
        )
        self._create_site(
            "rhein",
            "Rhein Logistik GmbH",
            ("Am Sandtorkai 41", "Hamburg", "20457"),
            country="base.de",
            vat="DE136695976",
        )
        self.locations["school"].owner_id.property_account_position_id = self.exempt
        europe = self._create_euro_pricelist()
        self.locations["rhein"].owner_id.property_product_pricelist = europe

    def _create_euro_pricelist(self):
        """Price list (`product.pricelist`) with prices in euro; others convert."""
        return self.env["product.pricelist"].create(
            {
                "name": "Europe",
                "currency_id": self.euro.id,
                "company_id": self.company.id,
                "sequence": 50,
                "item_ids": [
                    Command.create(
                        {
                            "applied_on": "0_product_variant",
                            "product_id": self.products[key].id,
                            "compute_price": "fixed",
                            "fixed_price": price,
                        }
                    )
                    for key, price in (
                        ("labor", 52.00),
                        ("pump", 129.00),
                        ("callout", 42.00),
                    )
                ],
            }
        )

    def _create_company(self, name, address, is_company=True, country="base.us", **kw):
        street, city, code = address
        slug = name.lower().replace(" ", "-").replace(".", "")
        return self.env["res.partner"].create(
            {
                "name": name,
                "is_company": is_company,
                "street": street,
                "city": city,
                "zip": code,
                "country_id": self.env.ref(country).id,
                "state_id": self.env.ref("base.state_us_5").id
                if country == "base.us"
                else False,
                "email": f"accounts@{slug}.example.com",
                **kw,
            }
        )

    def _create_site(self, key, name, address, is_company=True, **kw):
        """A customer and the place where the work is done (`fsm.location`)."""
        owner = self._create_company(name, address, is_company, **kw)
        self.locations[key] = self.env["fsm.location"].create(
            {
                "name": f"{name}, {address[0]}",
                "owner_id": owner.id,
                "street": owner.street,
                "city": owner.city,
                "zip": owner.zip,
                "state_id": owner.state_id.id,
                "country_id": owner.country_id.id,
            }
        )

    # ------------------------------------------------------------------
    # What people do
    # ------------------------------------------------------------------

    def line(self, product, quantity=1.0, **values):
        """Values (dict) of an order line."""
        return {
            "product_id": self.products[product].id,
            "quantity": quantity,
            **values,
        }

    def section(self, name):
        """Values (dict) of a section."""
        return {"display_type": "line_section", "name": name}

    def item(self, name, kind, **values):
        """Values (dict) of an item of a contract, or a new one of a change order: labor
        and parts have different taxes."""
        tax = self.tax_low if kind == "labor" else self.tax_high
        return {
            "name": name,
            "kind": kind,
            "tax_ids": [Command.set(tax.ids)],
            **values,
        }

    def order(
        self,
        site,
        days,
        person,
        order_type,
        description,
        *,
        hours=0.0,
        parts=None,
        lines=(),
        resolution="",
        **values,
    ):
        """A service order (`fsm.order`) that the dispatcher plans and a worker does.

        :param int days: how many days ago the work was or is (negative: to come)
        :param float hours: what the worker logs
        :param dict parts: quantities of the parts that the worker delivers
        :param lines: values (list of dict) of lines that are typed in
        :param str resolution: what was done; with it the worker completes the order
        """
        start = self._get_start(days)
        order = (
            self.env["fsm.order"]
            .with_user(self.dispatcher)
            .create(
                {
                    "location_id": self.locations[site].id,
                    "type": self.types[order_type].id,
                    "person_id": person.id,
                    "person_ids": [Command.set(person.ids)],
                    "description": description,
                    "request_early": start - timedelta(days=2),
                    "scheduled_date_start": start,
                    "scheduled_duration": hours or 2.0,
                    "line_ids": [Command.create(line) for line in lines],
                    **values,
                }
            )
        )
        self.work(order, hours, parts, resolution)
        return order

    def _get_start(self, days):
        """When (datetime) work begins that is some days ago: not on a weekend."""
        start = fields.Datetime.now().replace(
            hour=17, minute=0, second=0, microsecond=0
        ) - timedelta(days=days)
        while days > 0 and start.weekday() > 4:
            start -= timedelta(days=1)
        return start

    def work(self, order, hours=0.0, parts=None, resolution=""):
        """What the worker of an order does; parameters as of :meth:`order`."""
        if hours:
            self.log(order, hours)
        if parts:
            self.deliver(order, parts)
        if resolution:
            self.complete(order, resolution)

    def as_worker(self, order):
        """The order as its worker sees it (`fsm.order`)."""
        return order.with_user(order.sudo().person_id.partner_id.user_ids)

    def log(self, order, hours, later=0):
        """The worker logs hours on the day of the work, or days later."""
        order = self.as_worker(order)
        order.env["account.analytic.line"].create(
            {
                "name": "On site",
                "fsm_order_id": order.id,
                "project_id": order.timesheet_project_id.id,
                "date": order.scheduled_date_start.date() + timedelta(days=later),
                "unit_amount": hours,
            }
        )

    def plan_delivery(self, order, parts):
        """The worker adds parts by the button of the order (`stock.picking`)."""
        order = self.as_worker(order)
        action = order.action_add_parts()
        picking = (
            order.env["stock.picking"]
            .with_context(**action["context"])
            .create(
                {
                    "move_ids": [
                        Command.create(
                            {
                                "product_id": self.products[key].id,
                                "product_uom_qty": quantity,
                            }
                        )
                        for key, quantity in parts.items()
                    ]
                }
            )
        )
        picking.action_confirm()
        return picking

    def deliver(self, order, parts):
        picking = self.plan_delivery(order, parts)
        self._validate(picking, (self.today - order.scheduled_date_start.date()).days)

    def _validate(self, picking, days):
        """Validate a transfer, as of some days ago."""
        picking.move_ids.picked = True
        picking.button_validate()
        picking.sudo().date_done = min(self._get_start(days), fields.Datetime.now())

    def bring_back(self, order, parts):
        """The worker returns parts by Odoo's own dialog."""
        delivery = self.as_worker(order).sudo().picking_ids
        worker = self.as_worker(order).env
        wizard = (
            worker["stock.return.picking"]
            .with_context(
                active_model="stock.picking",
                active_id=delivery.id,
                active_ids=delivery.ids,
            )
            .create({})
        )
        quantities = {self.products[key]: number for key, number in parts.items()}
        for line in wizard.product_return_moves:
            line.quantity = quantities.get(line.product_id, 0.0)
        action = wizard.action_create_returns()
        self._validate(worker["stock.picking"].browse(action["res_id"]), 0)

    def complete(self, order, resolution, signed=True):
        order = self.as_worker(order)
        start = order.scheduled_date_start + timedelta(minutes=10)
        hours = sum(order.sudo().timesheet_ids.mapped("unit_amount"))
        order.write(
            {
                "date_start": start,
                "date_end": start + timedelta(hours=hours),
                "resolution": resolution,
            }
        )
        if signed:
            self.sign(order)
        order.action_complete()

    def sign(self, order):
        order.write(
            {
                "signed_by": order.location_id.owner_id.name,
                "signed_on": order.date_end,
                "signature": self._draw_signature(),
            }
        )

    def _draw_signature(self):
        """A scribble (base64 of a PNG)."""
        image = Image.new("RGBA", (320, 110), (255, 255, 255, 0))
        points = [
            (20 + 3 * x, 55 + 30 * math.sin(x / 3) * math.cos(x / 11))
            for x in range(90)
        ]
        ImageDraw.Draw(image).line(points, fill=(20, 30, 90, 255), width=3)
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return base64.b64encode(buffer.getvalue())

    def change_line(self, order, product, **values):
        """The dispatcher changes what is charged for the lines of a product."""
        lines = order.with_user(self.dispatcher).line_ids
        lines.filtered(lambda line: line.product_id == self.products[product]).write(
            values
        )

    def discount(self, order, discount_type, value):
        """The dispatcher gives a discount on the whole order."""
        order.with_user(self.dispatcher).write(
            {"discount_type": discount_type, "discount_value": value}
        )

    def one_off(self, name, street, zip_code, **values):
        """Values (dict) of a bill-to that the dispatcher types in, in the company's
        city."""
        return {
            "bill_to_type": "person",
            "bill_to_name": name,
            "bill_to_street": street,
            "bill_to_zip": zip_code,
            "bill_to_city": self.company.city,
            "bill_to_state_id": self.company.state_id.id,
            "bill_to_country_id": self.company.country_id.id,
            **values,
        }

    def open_dialog(self, action, **values):
        """The dialog (a transient record) that an action of the dispatcher opens."""
        dialogs = self.env[action["res_model"]].with_user(self.dispatcher)
        return dialogs.with_context(**action["context"]).create(values)

    def bill(self, order, **values):
        """Create the draft invoice (`account.move`) by the dialog."""
        action = order.with_user(self.dispatcher).action_create_invoice()
        self.open_dialog(action, **values).action_create_draft()
        return order.sudo().active_invoice_id

    def issue(self, order, days, sent=False):
        """Bill an order; the accountant posts the invoice, dated days ago."""
        invoice = self.bill(order).with_user(self.accountant)
        invoice.invoice_date = self.today - timedelta(days=days)
        order.with_user(self.accountant).action_post_invoice()
        if sent:
            self.send(invoice)
        return invoice

    def send(self, invoice):
        """What Odoo's send dialog does, which would render a PDF and need a mail
        server."""
        invoice.is_move_sent = True
        email = invoice.sudo()._get_bill_to().email
        invoice.message_post(body=f"Invoice sent by e-mail to {email}.")

    def ask_for_deposit(self, order, percent, days):
        """The dispatcher creates a deposit by the dialog; the accountant posts and
        sends it, dated days ago (`account.move`)."""
        action = order.with_user(self.dispatcher).action_create_deposit()
        self.open_dialog(action, percent=percent).action_create_draft()
        deposit = order.sudo().invoice_link_ids.move_id.with_user(self.accountant)
        deposit.invoice_date = self.today - timedelta(days=days)
        deposit.action_post()
        self.send(deposit)
        return deposit

    def draw(self, order, completed, stored=None, **values):
        """The dispatcher creates the draft of the next draw by the dialog.

        :param dict completed: percentages to date by the names of items or, for all
            items under them, of phases
        :param dict stored: value of the materials that are stored, by item
        """
        action = order.with_user(self.dispatcher).action_create_draw()
        dialog = self.open_dialog(action)
        lines = {line.name: line for line in dialog.line_ids}
        for name, percent in completed.items():
            line = lines[name]
            line["phase_percent" if line.is_phase else "percent"] = percent
        for name, amount in (stored or {}).items():
            lines[name].stored = amount
        dialog.write(values)
        dialog.action_create_draft()

    def issue_draw(self, order, days):
        """The accountant posts and sends the draft draw of an order, dated days ago
        (`account.move`)."""
        draw = order.sudo().active_invoice_id.with_user(self.accountant)
        draw.invoice_date = self.today - timedelta(days=days)
        order.with_user(self.accountant).action_post_invoice()
        self.send(draw)
        return draw

    def change(self, order, days, title, reason, lines):
        """The dispatcher enters a change order (`fsm.change.order`) of days ago.

        :param lines: values (list of dict)
        """
        action = order.with_user(self.dispatcher).action_new_change_order()
        return self.open_dialog(
            action,
            date=self.today - timedelta(days=days),
            title=title,
            reason=reason,
            line_ids=[Command.create(line) for line in lines],
        )

    def pay(self, invoice, days, amount=None):
        """The accountant registers a payment by Odoo's own dialog."""
        self.env["account.payment.register"].with_user(self.accountant).with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create(
            {
                "payment_date": self.today - timedelta(days=days),
                **({"amount": amount} if amount else {}),
            }
        ).action_create_payments()

    def cancel(self, order, reason):
        """The dispatcher cancels the active invoice."""
        action = order.with_user(self.dispatcher).action_cancel_invoice()
        self.open_dialog(action, reason=reason).action_cancel_invoice()

    # ------------------------------------------------------------------
    # The story
    # ------------------------------------------------------------------

    def tell_larger_job(self):
        """A contract with a deposit (`fsm.order`), half way done and billed by draws,
        whose three phases follow with the stories below."""
        plant = self.order(
            "hall",
            61,
            self.tom,
            "installation",
            "Replace the chiller plant before the summer season: two 150-ton chillers, "
            "pumps, piping and plant controls.",
            hours=8.0,
            billing_method="progress",
            lines=[
                self.section("Engineering and Demolition"),
                self.item(
                    "Engineering, submittals and permits", "labor", price_unit=14500.00
                ),
                self.item(
                    "Removal of chillers and old piping", "labor", price_unit=22800.00
                ),
                self.section("Chillers and Piping"),
                self.item(
                    "Air-cooled chiller, 150 ton",
                    "part",
                    price_unit=96400.00,
                    quantity=2.0,
                ),
                self.item(
                    "Chilled water pump set",
                    "part",
                    price_unit=8650.00,
                    quantity=3.0,
                ),
                self.item("Pipe, valves and insulation", "part", price_unit=31200.00),
                self.item(
                    "Rigging, setting and piping work", "labor", price_unit=48600.00
                ),
                self.section("Controls and Commissioning"),
                self.item("Plant controls", "part", price_unit=18400.00),
                self.item("Commissioning and training", "labor", price_unit=9750.00),
            ],
        )
        self.pay(self.ask_for_deposit(plant, 15.0, 58), 52)
        return plant

    def tell_first_draw(self, plant):
        self.draw(
            plant,
            {
                "Engineering, submittals and permits": 100.0,
                "Removal of chillers and old piping": 60.0,
            },
            deposit=12000.00,
        )
        self.pay(self.issue_draw(plant, 36), 9)

    def tell_second_draw(self, plant):
        """The chillers are on site; the contract was changed since the first draw."""
        slab = self.change(
            plant,
            27,
            "Spring isolators under both chillers",
            "The structural engineer asks for them: the slab of 1927 carries the "
            "rehearsal room. The old pads can stay.",
            [
                self.item("Spring isolators and steel frames", "part", amount=11900.00),
                {
                    "order_line_id": self.get_item(plant, "Removal").id,
                    "amount": -2400.0,
                },
            ],
        )
        slab.with_user(self.admin).action_approve()
        self.draw(
            plant,
            {
                "Engineering and Demolition": 100.0,
                "Pipe, valves and insulation": 35.0,
                "Rigging, setting and piping work": 20.0,
            },
            stored={"Air-cooled chiller, 150 ton": 192800.00},
            deposit=25000.00,
        )
        self.issue_draw(plant, 14)

    def tell_third_draw(self, plant):
        """One chiller is set; another change waits for who approves it."""
        self.draw(
            plant,
            {
                "Air-cooled chiller, 150 ton": 50.0,
                "Chilled water pump set": 100.0,
                "Pipe, valves and insulation": 60.0,
                "Rigging, setting and piping work": 55.0,
                "Spring isolators and steel frames": 50.0,
            },
            stored={"Air-cooled chiller, 150 ton": 96400.00},
            deposit=10000.00,
        )
        self.change(
            plant,
            2,
            "Bypass for the winter load",
            "Asked for by the hall's engineer: one rehearsal in winter needs less than "
            "a chiller's least load.",
            [
                self.item("Bypass valve and actuator", "part", amount=3850.00),
                {"order_line_id": self.get_item(plant, "Rigging").id, "amount": 1650.0},
            ],
        )

    def get_item(self, order, name):
        """The item of a contract (`fsm.order.line`) whose name begins so."""
        return order.line_ids.filtered(lambda line: line.name.startswith(name))

    def tell_overdue(self):
        overdue = self.order(
            "brewery",
            52,
            self.priya,
            "repair",
            "Hot liquor tank heats up too slowly.",
            hours=5.0,
            parts={"valve": 2.0, "pipe": 18.0},
            resolution="Scaled mixing valves replaced, return line rerouted.",
        )
        self.issue(overdue, 48, sent=True)

    def tell_paid(self):
        paid = self.order(
            "dental",
            33,
            self.wendy,
            "repair",
            "Compressor room overheats.",
            hours=2.0,
            parts={"blower": 1.0},
            resolution="Blower motor replaced, room at 72 °F after an hour.",
        )
        self.pay(self.issue(paid, 31, sent=True), 6)
        partial = self.order(
            "hotel",
            24,
            self.wendy,
            "repair",
            "Leak in the laundry's supply line.",
            hours=4.0,
            parts={"pipe": 46.0, "valve": 1.0},
            resolution="Forty feet of corroded pipe replaced, pressure test passed.",
        )
        self.pay(self.issue(partial, 20, sent=True), 8, amount=250.00)
        # half an hour is billed as the minimum of one
        marked = self.order(
            "okafor",
            20,
            self.wendy,
            "repair",
            "Thermostat replaced by the customer shows no heat.",
            hours=0.5,
            resolution="Rewired the thermostat.",
        )
        action = marked.with_user(self.dispatcher).action_mark_billed()
        self.open_dialog(
            action, reason="Paid by card at the door, receipt 0417"
        ).action_mark_billed()

    def tell_issued_and_corrected(self):
        self._tell_overtime_abroad()
        corrected = self._tell_correction()
        sent = self.order(
            "towers",
            11,
            self.tom,
            "elevator",
            "Car 1: doors reopen without an obstacle.",
            hours=3.5,
            parts={"belt": 1.0, "roller": 4.0},
            lines=[
                {"sequence": 1, **self.section("Repair")},
                {"sequence": 80, **self.section("Travel")},
                self.line("callout", kind="charge", sequence=90),
            ],
            resolution="Worn operator belt and four hanger rollers replaced, door "
            "force set to 28 lbf.",
        )
        # for the days that the car was out of service
        self.discount(sent, "amount", 50.00)
        self.issue(sent, 8, sent=True)
        self.issue(corrected, 7, sent=True)
        self._tell_damage()
        self._tell_return()

    def _tell_overtime_abroad(self):
        """In euro, with an hour beyond the working time of the first day."""
        foreign = self.order(
            "rhein",
            18,
            self.priya,
            "installation",
            "Commissioning support for the cold store's glycol pumps.",
            hours=9.0,
            parts={"pump": 2.0},
            lines=[self.line("callout", 4.0, kind="charge", sequence=90)],
        )
        # Friday's second day is a Monday
        self.log(foreign, 7.0, later=3 if self._is_friday(foreign) else 1)
        self.complete(
            foreign, "Both pump groups commissioned, flow balanced, staff trained."
        )
        self.issue(foreign, 13, sent=True)

    def _is_friday(self, order):
        return order.scheduled_date_start.weekday() == 4

    def _tell_correction(self):
        """Billed too much, cancelled and corrected in the timesheet (`fsm.order`)."""
        corrected = self.order(
            "bakery",
            16,
            self.wendy,
            "repair",
            "Walk-in cooler does not hold its temperature.",
            hours=4.0,
            parts={"refrigerant": 6.0, "capacitor": 1.0},
            resolution="Leaking service valve tightened, refrigerant topped up, "
            "capacitor replaced.",
        )
        self.issue(corrected, 13, sent=True)
        self.cancel(corrected, "Four hours billed, the report says three")
        self.as_worker(corrected).timesheet_ids.unit_amount = 3.0
        return corrected

    def _tell_damage(self):
        """Paid by who did it, and will not be a customer: a one-off company."""
        damage = self.order(
            "lofts",
            9,
            self.wendy,
            "repair",
            "A film crew's camera rig tore the radiator of the lobby off the wall. The "
            "production company pays.",
            hours=2.5,
            parts={"pipe": 14.0, "valve": 1.0},
            resolution="Radiator rehung, torn supply line and its valve replaced.",
            **self.one_off(
                "Fogline Film Productions",
                "665 Third Street, Suite 500",
                "94107",
                bill_to_type="company",
                bill_to_vat="US95-4410287",
                bill_to_email="production@fogline.example.com",
            ),
        )
        self.issue(damage, 6, sent=True)

    def _tell_return(self):
        """A valve comes back after the invoice was issued: to credit."""
        managed = self.order(
            "lofts",
            8,
            self.tom,
            "repair",
            "Garage drain backs up; tenant 2B reported it.",
            hours=3.0,
            parts={"pipe": 12.0, "valve": 2.0},
            lines=[self.line("callout", kind="charge", sequence=90)],
            resolution="Drain cleared, a broken section and the mixing valves of the "
            "wash bay replaced.",
            bill_to_id=self.manager.id,
        )
        self.change_line(managed, "labor", discount_type="amount", discount_value=25.00)
        self.issue(managed, 4)
        self.bring_back(managed, {"valve": 1.0})

    def tell_to_invoice_and_drafts(self):
        goodwill = self.order(
            "towers",
            6,
            self.tom,
            "elevator",
            "Return visit: door noise after last week's repair.",
            hours=0.5,
            resolution="Hanger roller readjusted. No charge.",
        )
        self.change_line(goodwill, "elevator_labor", non_billable_reason="goodwill")
        exempt = self.order(
            "school",
            5,
            self.priya,
            "service",
            "Annual boiler service before winter.",
            hours=3.0,
            parts={"anode": 2.0, "filter": 6.0},
            resolution="Boilers 1 and 2 cleaned and tuned; combustion test within "
            "limits.",
        )
        self.issue(exempt, 3)
        warranty = self.order(
            "bakery",
            4,
            self.wendy,
            "repair",
            "Oven room exhaust fan stopped again, motor is four months old.",
            hours=1.5,
            parts={"blower": 1.0, "filter": 2.0},
            resolution="Motor seized within its warranty: replaced at no charge. "
            "New filters fitted.",
        )
        self.change_line(warranty, "blower", non_billable_reason="warranty")
        discounted = self.order(
            "hotel",
            4,
            self.tom,
            "service",
            "Quarterly service of the two rooftop units; unit 2 trips.",
            hours=4.5,
            parts={"filter": 8.0, "contactor": 1.0},
            resolution="Both units serviced. Unit 2: burnt contactor replaced.",
        )
        self.change_line(
            discounted, "filter", discount_type="percent", discount_value=10.0
        )
        self.discount(discounted, "percent", 5.0)
        self.bill(discounted)
        changed = self.order(
            "brewery",
            3,
            self.priya,
            "repair",
            "Glycol chiller alarms on low flow.",
            hours=3.0,
            parts={"pump": 1.0},
            resolution="Replaced the primary pump and purged the loop.",
        )
        self.bill(changed)
        self.deliver(changed, {"valve": 1.0})

    def tell_sold_on_a_sales_order(self):
        """The sales order bills the visit, the service order an extra part."""
        self.products["visit"].field_service_tracking = "sale"
        sale = (
            self.env["sale.order"]
            .with_user(self.admin)
            .create(
                {
                    "partner_id": self.locations["dental"].owner_id.id,
                    "fsm_location_id": self.locations["dental"].id,
                    "commitment_date": self._get_start(2),
                    "order_line": [
                        Command.create({"product_id": self.products["visit"].id})
                    ],
                }
            )
        )
        sale.action_confirm()
        order = sale.fsm_order_ids.with_user(self.dispatcher)
        order.write(
            {
                "type": self.types["service"].id,
                "person_id": self.priya.id,
                "person_ids": [Command.set(self.priya.ids)],
                "description": "Maintenance visit as sold; unit 1 is hard to start.",
                "scheduled_duration": 1.75,
            }
        )
        self.work(
            order,
            1.75,
            {"capacitor": 1.0, "refrigerant": 2.5},
            "Both units serviced. Run capacitor of unit 1 replaced, 2.5 lb of "
            "refrigerant added.",
        )
        self.change_line(order, "labor", non_billable_reason="contract")

    def tell_orders_to_invoice(self):
        heat_pump = self.env["fsm.equipment"].create(
            {
                "name": "Heat Pump DZ6VS-36",
                "product_id": self.products["heat_pump"].id,
                "lot_id": self.heat_pump_lot.id,
                "list_price": 3295.00,
                "location_id": self.locations["okafor"].id,
                "current_location_id": self.locations["okafor"].id,
                "owned_by_id": self.locations["okafor"].owner_id.id,
                "company_id": self.company.id,
            }
        )
        self.order(
            "okafor",
            3,
            self.tom,
            "installation",
            "Install the new heat pump in place of the old condenser.",
            hours=6.5,
            parts={"heat_pump": 1.0, "contactor": 1.0, "pipe": 32.0},
            resolution="Heat pump set on the existing pad, new line set, system "
            "evacuated to 350 microns and commissioned. Customer instructed.",
            equipment_ids=[Command.set(heat_pump.ids)],
            not_to_exceed=4000.00,
        )
        # above what the customer has agreed to
        self.order(
            "lofts",
            3,
            self.wendy,
            "repair",
            "Water heater on the roof; the manager agreed to 300 at most.",
            hours=3.0,
            parts={"valve": 2.0, "anode": 1.0},
            resolution="Second mixing valve was stuck, too: both replaced, new anode.",
            bill_to_id=self.manager.id,
            not_to_exceed=300.00,
        )
        self.order(
            "lofts",
            2,
            self.wendy,
            "repair",
            "The tenant of 3A wants a bathroom tap that does not scald, at her own "
            "expense.",
            hours=1.25,
            parts={"valve": 1.0},
            resolution="Thermostatic mixing valve fitted and set to 110 °F.",
            **self.one_off(
                "Marisol Vega",
                "300 Berry Street, 3A",
                "94158",
                bill_to_email="marisol.vega@example.com",
                bill_to_phone="+1 415-555-0187",
            ),
        )
        self._tell_not_closed_out()
        self.order(
            "tran",
            1,
            self.wendy,
            "repair",
            "Radiators on the upper floor stay cold; the pump hums.",
            hours=2.4,
            parts={"pump": 2.0, "pipe": 6.0},
            resolution="Replaced both circulation pumps, bled all radiators. Supply "
            "150 °F, return 122 °F.",
        )

    def tell_month_end(self):
        """The dispatcher bills visits at once: those to one customer become one
        invoice, and one visit has nothing to bill yet."""
        visits = self.env["fsm.order"].union(
            *(
                self.order(
                    site,
                    days,
                    self.tom,
                    "service",
                    "Quarterly filter change.",
                    hours=hours,
                    parts={"filter": 2.0} if hours else None,
                    resolution="Filters changed, belts checked.",
                )
                for site, days, hours in (
                    ("hall", 4, 1.5),
                    ("hall", 3, 1.0),
                    ("hall", 2, 2.0),
                    ("school", 2, 1.25),
                    ("school", 1, 0.0),
                )
            )
        )
        action = visits.with_user(self.dispatcher).action_create_invoice()
        action = self.open_dialog(action, grouped=True).action_create_invoices()
        batches = self.env[action["res_model"]].with_user(self.dispatcher)
        batch = batches.browse(action["res_id"])
        while batch.action_run_step()["pending_count"]:
            pass

    def _tell_not_closed_out(self):
        """Without resolution, without signature and with a part not delivered."""
        inspection = self.order(
            "towers",
            2,
            self.tom,
            "elevator",
            "Annual inspection of car 1.",
            hours=2.0,
        )
        self.plan_delivery(inspection, {"roller": 2.0})
        self.complete(inspection, False, signed=False)

    def tell_open_orders(self):
        started = self.order(
            "hotel",
            0,
            self.wendy,
            "repair",
            "No hot water on floors 4 to 6.",
            hours=1.0,
            parts={"valve": 1.0},
            lines=[self.line("callout", kind="charge", sequence=90)],
        )
        self.as_worker(started).date_start = started.scheduled_date_start
        self.order(
            "towers",
            -1,
            self.tom,
            "elevator",
            "Car 2 stops two inches below the third floor. Level it and check the "
            "door zone sensors.",
        )


def main():
    if env["res.users"].search_count([("login", "=", "dispatcher")]):
        print("The demo company is there already, nothing is changed.")
    else:
        Story(env).tell()
        env.cr.commit()
    print("Logins (password = login):", ", ".join(LOGINS))


main()
