# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
# pylint: disable=undefined-variable, print-used, invalid-commit
"""Demo company, people, customers and service orders at every step of billing.

    odoo shell -d DATABASE --no-http <setup/demo.py

The database has Odoo's demo data, ``fieldservice_invoicing``,
``fieldservice_stock`` and ``fieldservice_timesheet``. The people of the story do
what they do in life, through the same dialogs and with their own rights: the
dispatcher creates and cancels invoices, the accountant posts them and registers
payments. All dates are relative to today. Run twice, it changes nothing; when it
fails, nothing is kept.
"""

from datetime import timedelta

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

    def tell(self):
        self.set_up_company()
        self.set_up_accounting()
        self.set_up_people()
        self.set_up_products()
        self.set_up_customers()
        # oldest first, so that the numbers of orders and invoices rise with time
        self.tell_paid_and_overdue()
        self.tell_issued_and_corrected()
        self.tell_to_invoice_and_drafts()
        self.tell_orders_to_invoice()
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
                # Odoo would look the company up in the internet at the first login
                "iap_enrich_auto_done": True,
                "external_report_layout_id": self.env.ref(
                    "web.external_layout_standard"
                ).id,
            }
        )
        self.env["res.config.settings"].create(
            {
                "group_multi_currency": True,
                "group_product_pricelist": True,
                "group_uom": True,
                "group_fsm_equipment": True,
            }
        ).execute()

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
                ),
            }
        )
        # the order form of fieldservice_stock shows transfers to everyone, and fails
        # for those who may not read them
        extra = ("stock.group_stock_user", "hr_timesheet.group_hr_timesheet_user")
        self.dispatcher = self._create_user(
            "dispatcher",
            "Dana Whitfield",
            "fieldservice.group_fsm_dispatcher",
            "fieldservice_invoicing.group_service_invoice_manager",
            *extra,
        )
        self.accountant = self._create_user(
            "accountant",
            "Arthur Lindqvist",
            "account.group_account_manager",
            "account.group_account_user",
            "fieldservice.group_fsm_user",
        )
        self.worker = self._create_user(
            "worker", "Wendy Alvarez", "fieldservice.group_fsm_user_own", *extra
        )
        Person = self.env["fsm.person"]
        self.wendy = Person.create({"partner_id": self.worker.partner_id.id})
        self.tom = Person.create({"name": "Tom Becker", "phone": "+1 415-555-0171"})
        self.priya = Person.create({"name": "Priya Nair", "phone": "+1 415-555-0172"})

    def _groups(self, *xml_ids):
        return [Command.link(self.env.ref(xml_id).id) for xml_id in xml_ids]

    def _create_user(self, login, name, *groups):
        return self.env["res.users"].create(
            {
                "name": name,
                "login": login,
                "password": login,
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
        ):
            self._create_product(key, name, price, uom, "service", self.tax_low)
        for key, name, price, uom in (
            ("pump", "Circulation Pump 25-60", 137.50, None),
            ("capacitor", "Dual Run Capacitor 45/5 µF", 28.90, None),
            ("refrigerant", "Refrigerant R-410A", 18.75, pound),
            ("blower", "Blower Motor 1/2 HP", 214.00, None),
            ("valve", "Thermostatic Mixing Valve 3/4 in", 86.40, None),
            ("anode", "Water Heater Anode Rod", 39.95, None),
            ("pipe", "Copper Pipe 3/4 in", 3.85, foot),
            ("filter", "Air Filter 16x25x4", 24.50, None),
            ("belt", "Elevator Door Operator Belt", 64.00, None),
            ("roller", "Elevator Door Hanger Roller", 18.20, None),
            ("contactor", "Contactor 40 A, 24 V Coil", 47.30, None),
            ("heat_pump", "Heat Pump, 3 ton", 3480.00, None),
        ):
            self._create_product(key, name, price, uom, "consu", self.tax_high)
        self.company.service_labor_product_id = self.products["labor"]

    def _create_product(self, key, name, price, uom, product_type, tax):
        unit = uom or self.env.ref("uom.product_uom_unit")
        self.products[key] = self.env["product.product"].create(
            {
                "name": name,
                "type": product_type,
                "list_price": price,
                "uom_id": unit.id,
                "taxes_id": [Command.set(tax.ids)],
                "purchase_ok": product_type == "consu",
            }
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

    def order(
        self, site, days, person, description, lines, hours=2.0, resolution="", **values
    ):
        """A service order (`fsm.order`) that the dispatcher plans.

        :param int days: how many days ago the work was or is (negative: to come)
        :param str resolution: what was done; with it the worker completes the order
        """
        start = fields.Datetime.now().replace(
            hour=9 + abs(days) % 5, minute=0, second=0, microsecond=0
        ) - timedelta(days=days)
        order = (
            self.env["fsm.order"]
            .with_user(self.dispatcher)
            .create(
                {
                    "location_id": self.locations[site].id,
                    "person_id": person.id,
                    "person_ids": [Command.set(person.ids)],
                    "description": description,
                    "request_early": start - timedelta(days=2),
                    "scheduled_date_start": start,
                    "scheduled_duration": hours,
                    "line_ids": [
                        Command.create({"sequence": 10 + number, **line})
                        for number, line in enumerate(lines)
                    ],
                    **values,
                }
            )
        )
        if resolution:
            self.complete(order, resolution, hours)
        return order

    def complete(self, order, resolution, hours):
        own = order.person_id == self.wendy
        order = order.with_user(self.worker if own else self.dispatcher)
        start = order.scheduled_date_start + timedelta(minutes=10)
        order.write(
            {
                "date_start": start,
                "date_end": start + timedelta(hours=hours),
                "resolution": resolution,
            }
        )
        order.action_complete()

    def bill(self, order, **values):
        """Create the draft invoice (`account.move`) by the dialog."""
        action = order.with_user(self.dispatcher).action_create_invoice()
        dialog = (
            self.env[action["res_model"]]
            .with_user(self.dispatcher)
            .with_context(**action["context"])
            .create(values)
        )
        dialog.action_create_draft()
        return order.sudo().active_invoice_id

    def issue(self, order, days, sent=False):
        """Bill an order; the accountant posts the invoice, dated days ago."""
        invoice = self.bill(order).with_user(self.accountant)
        invoice.invoice_date = self.today - timedelta(days=days)
        order.with_user(self.accountant).action_post_invoice()
        if sent:
            # what Odoo's send dialog does, which would render a PDF and need a
            # mail server
            invoice.is_move_sent = True
            invoice.message_post(
                body=f"Invoice sent by e-mail to {invoice.partner_id.email}."
            )
        return invoice

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
        self.env[action["res_model"]].with_user(self.dispatcher).with_context(
            **action["context"]
        ).create({"reason": reason}).action_cancel_invoice()

    # ------------------------------------------------------------------
    # The story
    # ------------------------------------------------------------------

    def tell_paid_and_overdue(self):
        overdue = self.order(
            "brewery",
            52,
            self.priya,
            "Hot liquor tank heats up too slowly.",
            [
                self.line("labor", 5.0),
                self.line("valve", 2.0),
                self.line("pipe", 18.0),
            ],
            hours=5.0,
            resolution="Scaled mixing valves replaced, return line rerouted.",
        )
        self.issue(overdue, 48, sent=True)
        paid = self.order(
            "dental",
            33,
            self.wendy,
            "Compressor room overheats.",
            [self.line("labor", 2.0), self.line("blower")],
            hours=2.0,
            resolution="Blower motor replaced, room at 72 °F after an hour.",
        )
        self.pay(self.issue(paid, 31, sent=True), 6)
        partial = self.order(
            "hotel",
            24,
            self.wendy,
            "Leak in the laundry's supply line.",
            [self.line("labor", 4.0), self.line("pipe", 46.0), self.line("valve")],
            hours=4.0,
            resolution="Forty feet of corroded pipe replaced, pressure test passed.",
        )
        self.pay(self.issue(partial, 21, sent=True), 8, amount=250.00)
        marked = self.order(
            "okafor",
            20,
            self.wendy,
            "Thermostat replaced by the customer shows no heat.",
            [self.line("labor", 0.5)],
            hours=0.5,
            resolution="Rewired the thermostat.",
        )
        action = marked.with_user(self.dispatcher).action_mark_billed()
        self.env[action["res_model"]].with_user(self.dispatcher).with_context(
            **action["context"]
        ).create(
            {"reason": "Paid by card at the door, receipt 0417"}
        ).action_mark_billed()

    def tell_issued_and_corrected(self):
        foreign = self.order(
            "rhein",
            18,
            self.priya,
            "Commissioning support for the cold store's glycol pumps.",
            [
                self.line("labor", 16.0),
                self.line("pump", 2.0),
                self.line("callout", 4.0, kind="charge"),
            ],
            hours=16.0,
            resolution="Both pump groups commissioned, flow balanced, staff trained.",
        )
        self.issue(foreign, 14, sent=True)
        again = self.order(
            "bakery",
            16,
            self.wendy,
            "Walk-in cooler does not hold its temperature.",
            [
                self.line("labor", 4.0),
                self.line("refrigerant", 6.0),
                self.line("capacitor"),
            ],
            hours=3.0,
            resolution="Leaking service valve tightened, refrigerant topped up, "
            "capacitor replaced.",
        )
        self.issue(again, 13, sent=True)
        self.cancel(again, "Four hours billed, the report says three")
        sent = self.order(
            "towers",
            11,
            self.tom,
            "Car 1: doors reopen without an obstacle.",
            [
                self.section("Repair"),
                self.line("elevator_labor", 3.5),
                self.line("belt"),
                self.line("roller", 4.0),
                self.section("Travel"),
                self.line("callout", kind="charge"),
            ],
            hours=3.5,
            resolution="Worn operator belt and four hanger rollers replaced, door "
            "force set to 28 lbf.",
        )
        self.issue(sent, 9, sent=True)
        managed = self.order(
            "lofts",
            8,
            self.tom,
            "Garage drain backs up; tenant 2B reported it.",
            [
                self.line("callout", kind="charge"),
                self.line("labor", 3.0, discount_type="amount", discount_value=25.00),
                self.line("pipe", 12.0),
            ],
            hours=3.0,
            resolution="Drain cleared and a broken section replaced.",
            bill_to_id=self.manager.id,
        )
        self.issue(managed, 5)
        labor = again.line_ids.filtered(
            lambda line: line.product_id == self.products["labor"]
        )
        labor.with_user(self.dispatcher).quantity = 3.0
        self.issue(again, 2, sent=True)

    def tell_to_invoice_and_drafts(self):
        self.order(
            "towers",
            6,
            self.tom,
            "Return visit: door noise after last week's repair.",
            [
                self.line(
                    "elevator_labor",
                    0.5,
                    is_billable=False,
                    non_billable_reason="goodwill",
                )
            ],
            hours=0.5,
            resolution="Hanger roller readjusted. No charge.",
        )
        self.order(
            "school",
            5,
            self.priya,
            "Annual boiler service before winter.",
            [
                self.line("labor", 3.0),
                self.line("anode", 2.0),
                self.line("filter", 6.0),
            ],
            hours=3.0,
            resolution="Boilers 1 and 2 cleaned and tuned; combustion test within "
            "limits.",
        )
        self.order(
            "bakery",
            4,
            self.wendy,
            "Oven room exhaust fan stopped again, motor is four months old.",
            [
                self.line("labor", 1.5),
                self.line("blower", is_billable=False, non_billable_reason="warranty"),
                self.line("filter", 2.0),
            ],
            hours=1.5,
            resolution="Motor seized within its warranty: replaced at no charge. "
            "New filters fitted.",
        )
        sections = self.order(
            "hotel",
            4,
            self.tom,
            "Quarterly service of the two rooftop units; unit 2 trips.",
            [
                self.section("Rooftop unit 1"),
                self.line("labor", 2.0),
                self.line("filter", 4.0, discount_type="percent", discount_value=10.0),
                self.section("Rooftop unit 2"),
                self.line("labor", 2.5),
                self.line("filter", 4.0, discount_type="percent", discount_value=10.0),
                self.line("contactor"),
            ],
            hours=4.5,
            resolution="Both units serviced. Unit 2: burnt contactor replaced.",
        )
        self.bill(sections)
        changed = self.order(
            "brewery",
            3,
            self.priya,
            "Glycol chiller alarms on low flow.",
            [self.line("labor", 3.0), self.line("pump")],
            hours=3.0,
            resolution="Replaced the primary pump and purged the loop.",
        )
        self.bill(changed)
        changed.with_user(self.dispatcher).line_ids = [
            Command.create(self.line("valve", sequence=30))
        ]

    def tell_orders_to_invoice(self):
        heat_pump = self.env["fsm.equipment"].create(
            {
                "name": "Heat Pump DZ6VS-36 (serial 2409-77413)",
                "product_id": self.products["heat_pump"].id,
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
            "Install the new heat pump in place of the old condenser.",
            [
                self.section("Installation"),
                self.line("labor", 6.5),
                self.line("contactor"),
                self.line("pipe", 32.0),
            ],
            hours=6.5,
            resolution="Heat pump set on the existing pad, new line set, system "
            "evacuated to 350 microns and commissioned. Customer instructed.",
            equipment_ids=[Command.set(heat_pump.ids)],
        )
        self.order(
            "dental",
            2,
            self.priya,
            "Rooftop unit does not cool; treatment rooms at 84 °F.",
            [
                self.line("callout", kind="charge"),
                self.line("labor", 1.75),
                self.line("capacitor"),
                self.line("refrigerant", 4.5),
            ],
            hours=1.75,
            resolution="Run capacitor had failed. Replaced it and topped up 4.5 lb "
            "of refrigerant. No leak found; subcooling 10 °F.",
        )
        self.order(
            "tran",
            1,
            self.wendy,
            "Radiators on the upper floor stay cold; the pump hums.",
            [self.line("labor", 2.5), self.line("pump", 2.0)],
            hours=2.5,
            resolution="Replaced both circulation pumps, bled all radiators. Supply "
            "150 °F, return 122 °F.",
        )

    def tell_open_orders(self):
        started = self.order(
            "hotel",
            0,
            self.wendy,
            "No hot water on floors 4 to 6.",
            [self.line("callout", kind="charge")],
        )
        started.with_user(self.worker).write(
            {
                "date_start": started.scheduled_date_start,
                "line_ids": [
                    Command.create(self.line("labor", 1.0)),
                    Command.create(self.line("valve", 1.0)),
                ],
            }
        )
        self.order(
            "towers",
            -1,
            self.tom,
            "Car 2 stops two inches below the third floor. Level it and check the "
            "door zone sensors.",
            [],
            hours=3.0,
        )


def main():
    if env["res.users"].search_count([("login", "=", "dispatcher")]):
        print("The demo company is there already, nothing is changed.")
    else:
        Story(env).tell()
        env.cr.commit()
    print("Logins (password = login):", ", ".join(LOGINS))


main()
