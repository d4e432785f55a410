# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What each public method is called on, and with what, to see who may call it."""

from copy import copy

from odoo import Command

from odoo.addons.fieldservice_invoicing.models.res_company import get_superuser_env


class Side:
    """Records of one company, and dialogs that a user has opened for them.

    :param case: test with the helpers of service invoicing, whose user may do all
    :param data: what ``setup_other_company`` gives of a company with accounting
    """

    def __init__(self, case, data):
        self.company = data["company"]
        env = case.env(
            context={**case.env.context, "allowed_company_ids": self.company.ids}
        )
        self.env = env
        self.company = self.company.with_env(env)
        self.tax = data["default_tax_sale"].with_env(env)
        self.company._create_progress_accounts()
        self.team = env["fsm.team"].create(
            {"name": f"Crew of {self.company.name}", "company_id": self.company.id}
        )
        self.warehouse = env["stock.warehouse"].search(
            [("company_id", "=", self.company.id)], limit=1
        )
        self.partner = case.partner_a.with_env(env)
        self.other_partner = case.partner_b.with_env(env)
        self.location = case.location.with_env(env)
        self._create_orders()
        self._create_contracts()
        self._create_sources(case)
        self.rule = env["fsm.closeout.rule"].create(
            {"company_id": self.company.id, "requirement": "signature", "level": "off"}
        )

    def as_user(self, user):
        """The same records, with dialogs that ``user`` has opened."""
        side = copy(self)
        side.user = user
        return side

    def unlock(self):
        self.company.service_invoice_lock = False
        return self

    # Records -------------------------------------------------------------------

    def _create_order(self, done=True, **values):
        order = self.env["fsm.order"].create(
            {
                "location_id": self.location.id,
                "company_id": self.company.id,
                "team_id": self.team.id,
                "warehouse_id": self.warehouse.id,
                "line_ids": [
                    Command.create(
                        {
                            "name": name,
                            "price_unit": 1000.0,
                            "tax_ids": [Command.set(self.tax.ids)],
                        }
                    )
                    for name in ("Groundwork", "Piping")
                ],
                **values,
            }
        )
        if done:
            order.action_complete()
        return order

    def _create_orders(self):
        self.fresh = self._create_order()
        self.line = self.fresh.line_ids[0]
        self.new = self._create_order(done=False)
        self.drafted = self._create_order()
        self.draft = self.drafted._create_invoices()
        self.claim = self.draft.service_order_link_ids
        self.billed = self._create_order()
        self.issued = self.billed._create_invoices()
        self.issued.action_post()
        self.snapshot = self.issued.service_snapshot_ids
        self.marked = self._create_order()
        self.marked._mark_billed("On paper")

    def _create_contracts(self):
        """One to begin with, and one with a paid deposit, a posted and a draft draw."""
        values = {"billing_method": "progress", "retainage_percent": 10.0}
        self.begun = self._create_order(done=False, **values)
        self.contract = self._create_order(done=False, **values)
        deposit = self.contract._create_deposit("fixed", 121.0)
        deposit.action_post()
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=deposit.ids
        ).create({})._create_payments()
        items = self.contract.line_ids
        self.contract._create_draw(
            dict.fromkeys(items, 100.0), deposit=0.0
        ).action_post()
        self.contract._create_draw(dict.fromkeys(items, 200.0), deposit=0.0)
        self.change, self.refused_change, self.approved_change = self.env[
            "fsm.change.order"
        ].create(
            [
                {
                    "order_id": self.contract.id,
                    "title": "Second drain",
                    "reason": "Asked for",
                    "line_ids": [
                        Command.create({"order_line_id": items[0].id, "amount": 10.0})
                    ],
                }
            ]
            * 3
        )
        self.refused_change.action_refuse()
        self.approved_change.action_approve()

    def _create_sources(self, case):
        """Hours, parts, equipment, a sale: on orders that nobody has billed."""
        order = self._create_order()
        self.employee = self.env["hr.employee"].create(
            {"name": "Ann", "company_id": self.company.id}
        )
        self.hours, self.validated_hours = self.env["account.analytic.line"].create(
            [
                {
                    "name": "Mended",
                    "fsm_order_id": order.id,
                    "project_id": self.company.internal_project_id.id,
                    "employee_id": self.employee.id,
                    "unit_amount": 1.0,
                    "validated": validated,
                }
                for validated in (False, True)
            ]
        )
        warehouse = self.warehouse
        self.picking = self.env["stock.picking"].create(
            {
                "picking_type_id": warehouse.out_type_id.id,
                "location_id": warehouse.lot_stock_id.id,
                "location_dest_id": self.env.ref("stock.stock_location_customers").id,
                "fsm_order_id": order.id,
                "move_ids": [
                    Command.create(
                        {
                            "product_id": case.part.id,
                            "product_uom_qty": 1.0,
                            "location_id": warehouse.lot_stock_id.id,
                            "location_dest_id": self.env.ref(
                                "stock.stock_location_customers"
                            ).id,
                            "fsm_order_id": order.id,
                        }
                    )
                ],
            }
        )
        self.stock_move = self.picking.move_ids
        self.picking.action_confirm()
        self.stock_move.quantity = 1.0
        self.equipment = self.env["fsm.equipment"].create(
            {
                "name": f"Boiler of {self.company.name}",
                "company_id": self.company.id,
                "product_id": case.part.id,
            }
        )
        self.sale = self.env["sale.order"].create(
            {
                "partner_id": self.partner.id,
                "company_id": self.company.id,
                "fsm_location_id": self.location.id,
                "order_line": [Command.create({"product_id": case.labor.id})],
            }
        )
        self.sale.action_confirm()
        self.sold = self._create_order(sale_id=self.sale.id)

    # Dialogs -------------------------------------------------------------------

    def _open(self, model, values, **context):
        """A dialog, there whether its user may open it or not."""
        env = get_superuser_env(self.env(user=self.user.id))
        return env[model].with_context(**context).create(values)

    def open_dialog(self, model, values):
        return self._open(model, values).ids

    def open_reversal(self):
        return self._open(
            "account.move.reversal",
            {"journal_id": self.issued.journal_id.id, "reason": "Wrong"},
            active_model="account.move",
            active_ids=self.issued.ids,
        ).ids

    def open_send_dialog(self):
        return self._open(
            "account.move.send.wizard",
            {"move_id": self.issued.id, "sending_methods": ["manual"]},
        ).ids

    def _open_draw(self):
        return self._open("fsm.order.create.draw", {"order_id": self.begun.id})

    def open_full_draw(self):
        draw = self._open_draw()
        draw.action_bill_rest()
        return draw.ids

    def open_draw_line(self):
        return self._open_draw().line_ids[0].ids

    def open_pdf_export(self):
        return self._open(
            "service.invoice.export",
            {
                "source": "selection",
                "move_ids": [Command.set(self.issued.ids)],
                "company_ids": [Command.set(self.company.ids)],
                "file_format": "zip",
            },
        ).ids

    def start_batch(self, user=None, **values):
        """A batch of the user's own, or of another one: an order waits, one was
        refused."""
        lines = [
            {"order_id": self.fresh.id, "group": 1},
            {"order_id": self.new.id, "state": "refused", "message": "New"},
        ]
        return (
            self.env["service.invoice.batch"]
            .sudo()
            .create(
                {
                    "user_id": (user or self.user).id,
                    "line_ids": [Command.create(line) for line in lines],
                    **values,
                }
            )
        )

    def open_rendered_pdf(self):
        values = {"export_id": self.open_pdf_export()[0], "move_id": self.issued.id}
        return self._open("service.invoice.export.pdf", values).ids


def on(name, *args):
    """Call a method on a record of the company's, see ``Side``."""
    return lambda side: [getattr(side, name).ids, *args]


def dialog(model, prepare):
    """Calls of what every dialog has, beside its own methods.

    :param prepare: function of a side that gives the dialog's values
    """

    def call(*args):
        return lambda side: [side.open_dialog(model, prepare(side)), *args]

    return call, {
        "create": lambda side: [prepare(side)],
        "read": call(),
        "write": call({}),
        "unlink": call(),
        "copy": call(),
    }


def one_order(name):
    return lambda side: {"order_id": getattr(side, name).id}


create_invoice, create_invoice_crud = dialog(
    "fsm.order.create.invoice",
    lambda side: {"order_ids": [Command.set(side.fresh.ids)]},
)
cancel_invoice, cancel_invoice_crud = dialog(
    "fsm.order.cancel.invoice",
    lambda side: {"move_ids": [Command.set(side.draft.ids)], "reason": "Twice"},
)
mark_billed, mark_billed_crud = dialog(
    "fsm.order.mark.billed",
    lambda side: {"order_ids": [Command.set(side.fresh.ids)], "reason": "On paper"},
)
create_deposit, create_deposit_crud = dialog(
    "fsm.order.create.deposit",
    lambda side: {
        "order_id": side.begun.id,
        "amount_type": "percent",
        "percent": 10.0,
    },
)
create_draw, create_draw_crud = dialog("fsm.order.create.draw", one_order("begun"))
release, release_crud = dialog("fsm.order.release.retainage", one_order("contract"))
export, export_crud = dialog(
    "service.invoice.export",
    lambda side: {
        "source": "selection",
        "move_ids": [Command.set(side.issued.ids)],
        "company_ids": [Command.set(side.company.ids)],
        "file_format": "csv",
    },
)


many_invoices, many_invoices_crud = dialog(
    "service.invoice.batch.wizard",
    lambda side: {"order_ids": [Command.set(side.fresh.ids)], "closing": "draft"},
)
many_posted, _crud = dialog(
    "service.invoice.batch.wizard",
    lambda side: {"order_ids": [Command.set(side.fresh.ids)], "closing": "post"},
)


def draw_line(*args):
    return lambda side: [side.open_draw_line(), *args]


def ready_export(side):
    values = {
        "source": "selection",
        "move_ids": [Command.set(side.issued.ids)],
        "company_ids": [Command.set(side.company.ids)],
        "file_format": "csv",
        "state": "ready",
    }
    return [side.open_dialog("service.invoice.export", values)]


def rendered_pdf(*args):
    return lambda side: [side.open_rendered_pdf(), *args]


def batch(*args, **values):
    return lambda side: [side.start_batch(**values).ids, *args]


def batch_of_another(*args):
    return lambda side: [side.start_batch(side.env.user).ids, *args]


def batch_line(*args):
    return lambda side: [side.start_batch().line_ids.ids, *args]


def report_row(*args):
    return lambda side: [
        side.env["service.billing.report"]
        .search([("order_id", "=", side.billed.id)], limit=1)
        .ids,
        *args,
    ]


LINE = {"name": "Work", "quantity": 1.0, "price_unit": 10.0}

# How each method is called: arguments after the record, as the client sends them. What
# follows a method's name after a colon tells several calls of it apart.
CALLS = {
    "account.analytic.line": {
        "action_validate_timesheet": on("hours"),
        "action_invalidate_timesheet": on("validated_hours"),
        "create": lambda side: [
            {
                "name": "Mended",
                "fsm_order_id": side.fresh.id,
                "project_id": side.company.internal_project_id.id,
                "employee_id": side.employee.id,
                "unit_amount": 1.0,
            }
        ],
        "write": on("hours", {"unit_amount": 2.0}),
        "unlink": on("hours"),
    },
    "account.move": {
        "action_cancel_service_invoice": on("draft"),
        "action_view_service_orders": on("issued"),
        "button_cancel": on("draft"),
        "button_draft": on("issued"),
        "button_draft: lock off": lambda side: [side.unlock().issued.ids],
        "copy_data": on("draft"),
        "create": lambda side: [
            {
                "move_type": "out_invoice",
                "partner_id": side.partner.id,
                "journal_id": side.draft.journal_id.id,
            }
        ],
        "write: draft": on("draft", {"narration": "Thank you"}),
        "write: issued": on("issued", {"narration": "Thank you"}),
        "write: reference of issued": on("issued", {"ref": "PO 7"}),
        "unlink: draft": on("draft"),
        "unlink: issued": on("issued"),
    },
    "account.move.line": {
        "create: on draft": lambda side: [{"move_id": side.draft.id, **LINE}],
        "create: on issued": lambda side: [{"move_id": side.issued.id, **LINE}],
        "write: on draft": lambda side: [
            side.draft.invoice_line_ids[0].ids,
            {"price_unit": 3.0},
        ],
        "write: on issued": lambda side: [
            side.issued.invoice_line_ids[0].ids,
            {"price_unit": 3.0},
        ],
        "unlink: on draft": lambda side: [side.draft.invoice_line_ids[0].ids],
        "unlink: on issued": lambda side: [side.issued.invoice_line_ids[0].ids],
    },
    "account.move.reversal": {
        "reverse_moves": lambda side: [side.open_reversal()],
    },
    "account.move.send.wizard": {
        "action_send_and_print": lambda side: [side.open_send_dialog()],
    },
    "fsm.change.order": {
        "action_approve": on("change"),
        "action_refuse": on("change"),
        "action_draft": on("refused_change"),
        "create": lambda side: [
            {
                "order_id": side.contract.id,
                "title": "Drain",
                "reason": "Asked for",
                "line_ids": [
                    Command.create(
                        {"order_line_id": side.contract.line_ids[0].id, "amount": 9.0}
                    )
                ],
            }
        ],
        "read": on("change"),
        "write": on("change", {"title": "Drains"}),
        "write: approved": on("approved_change", {"title": "Drains"}),
        "unlink": on("change"),
        "copy": on("change"),
    },
    "fsm.change.order.line": {
        "create": lambda side: [
            {
                "change_order_id": side.change.id,
                "order_line_id": side.contract.line_ids[1].id,
                "amount": 5.0,
            }
        ],
        "read": lambda side: [side.change.line_ids.ids],
        "write": lambda side: [side.change.line_ids.ids, {"amount": 6.0}],
        "unlink": lambda side: [side.change.line_ids.ids],
        "copy": lambda side: [side.change.line_ids.ids],
    },
    "fsm.closeout.rule": {
        "create": lambda side: [
            {"company_id": side.company.id, "requirement": "price"}
        ],
        "read": on("rule"),
        "write": on("rule", {"level": "blocking"}),
        "unlink": on("rule"),
        "copy": on("rule", {"requirement": "attachment"}),
    },
    "fsm.equipment": {
        "write": on("equipment", {"product_id": False}),
    },
    "fsm.order": {
        "action_add_parts": on("fresh"),
        "action_cancel_invoice": on("drafted"),
        "action_change_draw": on("contract"),
        "action_create_deposit": on("begun"),
        "action_create_draw": on("begun"),
        "action_create_invoice": on("fresh"),
        "action_create_invoice: billed": on("drafted"),
        "action_credit_invoice": on("billed"),
        "action_mark_billed": on("fresh"),
        "action_new_change_order": on("contract"),
        "action_open_invoice": on("billed"),
        "action_post_invoice": on("drafted"),
        "action_refresh_invoice": on("drafted"),
        "action_refund_deposit": on("contract"),
        "action_register_payment": on("billed"),
        "action_release_retainage": on("contract"),
        "action_send_invoice": on("billed"),
        "action_unmark_billed": on("marked"),
        "action_view_change_orders": on("contract"),
        "action_view_journal_items": on("billed"),
        "action_view_sale_invoices": on("sold"),
        "action_view_service_invoices": on("billed"),
        "get_invoicing_dashboard": lambda side: [],
        "create": lambda side: [
            {
                "location_id": side.location.id,
                "company_id": side.company.id,
                "team_id": side.team.id,
                "warehouse_id": side.warehouse.id,
                "line_ids": [Command.create(LINE)],
            }
        ],
        "write: bill-to": lambda side: [
            side.fresh.ids,
            {"bill_to_id": side.other_partner.id},
        ],
        "write: bill-to, billed": lambda side: [
            side.drafted.ids,
            {"bill_to_id": side.other_partner.id},
        ],
        "write: discount": on(
            "fresh", {"discount_type": "percent", "discount_value": 5.0}
        ),
        "write: discount, billed": on(
            "drafted", {"discount_type": "percent", "discount_value": 5.0}
        ),
        "write: not to exceed": on("fresh", {"not_to_exceed": 5000.0}),
        "write: progress billing": on("fresh", {"billing_method": "progress"}),
        "write: retainage": on("begun", {"retainage_percent": 5.0}),
        "write: not sold any more": on("sold", {"sale_id": False}),
        "write: billing status": on("fresh", {"billing_status": "paid"}),
        "unlink": on("new"),
        "unlink: billed": on("drafted"),
    },
    "fsm.order.cancel.invoice": {
        **cancel_invoice_crud,
        "action_cancel_invoice": cancel_invoice(),
    },
    "fsm.order.create.deposit": {
        **create_deposit_crud,
        "action_create_draft": create_deposit(),
        "action_create_and_send": create_deposit(),
    },
    "fsm.order.create.draw": {
        **create_draw_crud,
        "action_bill_rest": create_draw(),
        "action_create_draft": lambda side: [side.open_full_draw()],
        "action_create_and_send": lambda side: [side.open_full_draw()],
    },
    "fsm.order.create.draw.line": {
        "create": lambda side: [
            {
                "wizard_id": side.open_full_draw()[0],
                "order_line_id": side.begun.line_ids[0].id,
            }
        ],
        "read": draw_line(),
        "write": draw_line({"percent": 50.0}),
        "unlink": draw_line(),
        "copy": draw_line(),
    },
    "fsm.order.create.invoice": {
        **create_invoice_crud,
        "action_create_draft": create_invoice(),
        "action_create_and_send": create_invoice(),
    },
    "fsm.order.invoice": {
        "action_open_invoice": on("claim"),
        "create": lambda side: [
            {"order_id": side.fresh.id, "move_id": side.draft.id, "slot": "order"}
        ],
        "read": on("claim"),
        "write": on("claim", {"slot": "other"}),
        "unlink": on("claim"),
        "copy": on("claim", {"slot": "other"}),
    },
    "fsm.order.line": {
        "default_get": lambda side: [["kind", "product_id"]],
        "create": lambda side: [{"order_id": side.fresh.id, **LINE}],
        "create: billed": lambda side: [{"order_id": side.drafted.id, **LINE}],
        "read": on("line"),
        "write": on("line", {"quantity": 3.0}),
        "write: billed": lambda side: [
            side.drafted.line_ids[0].ids,
            {"quantity": 3.0},
        ],
        "unlink": on("line"),
        "copy": on("line"),
    },
    "fsm.order.mark.billed": {
        **mark_billed_crud,
        "action_mark_billed": mark_billed(),
    },
    "fsm.order.release.retainage": {
        **release_crud,
        "action_create_draft": release(),
        "action_create_and_send": release(),
    },
    "res.company": {
        "write": on("company", {"service_invoice_lock": False}),
    },
    "sale.order": {
        "write": on("sale", {"client_order_ref": "PO 7"}),
    },
    "service.billing.report": {
        "action_open_order": report_row(),
        "create": lambda side: [{}],
        "read": report_row(),
        "write": report_row({}),
        "unlink": report_row(),
        "copy": report_row(),
    },
    "service.invoice.batch": {
        "action_resume": batch(is_stopped=True),
        "action_resume: another's": batch_of_another(),
        "action_resume: posting": batch(is_stopped=True, closing="post"),
        "action_retry": batch(),
        "action_run_step": batch(),
        "action_run_step: another's": batch_of_another(),
        "action_stop": batch(),
        "action_stop: another's": batch_of_another(),
        "action_view_invoices": batch(),
        "action_view_refused": batch(),
        "create": lambda side: [{"user_id": side.user.id}],
        "read": batch(),
        "read: another's": batch_of_another(),
        "write": batch({"closing": "post"}),
        "unlink": batch(),
        "copy": batch(),
    },
    "service.invoice.batch.line": {
        "create": lambda side: [
            {"batch_id": side.start_batch().id, "order_id": side.billed.id}
        ],
        "read": batch_line(),
        "write": batch_line({"state": "pending"}),
        "unlink": batch_line(),
        "copy": batch_line(),
    },
    "service.invoice.batch.wizard": {
        **many_invoices_crud,
        "action_create_invoices": many_invoices(),
        "action_create_invoices: posted": many_posted(),
    },
    "service.invoice.export": {
        **export_crud,
        "action_export": export(),
        "action_download": ready_export,
        "action_view_exports": lambda side: [[]],
    },
    "service.invoice.export.pdf": {
        "create": lambda side: [
            {"export_id": side.open_pdf_export()[0], "content": "eA=="}
        ],
        "read": rendered_pdf(),
        "write": rendered_pdf({}),
        "unlink": rendered_pdf(),
        "copy": rendered_pdf(),
    },
    "service.invoice.snapshot": {
        "create": lambda side: [{"move_id": side.draft.id, "values": {}}],
        "read": on("snapshot"),
        "write": on("snapshot", {"values": {}}),
        "unlink": on("snapshot"),
        "copy": on("snapshot"),
    },
    "stock.move": {
        "write": on("stock_move", {"fsm_order_id": False}),
    },
    "stock.move.line": {
        "create": lambda side: [
            {
                "move_id": side.stock_move.id,
                "picking_id": side.picking.id,
                "product_id": side.stock_move.product_id.id,
                "location_id": side.picking.location_id.id,
                "location_dest_id": side.picking.location_dest_id.id,
                "quantity": 1.0,
            }
        ],
        "write": lambda side: [side.stock_move.move_line_ids.ids, {"quantity": 2.0}],
    },
    "stock.picking": {
        "write": on("picking", {"fsm_order_id": False}),
    },
}
