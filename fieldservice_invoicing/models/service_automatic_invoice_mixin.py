# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.fields import Domain


class ServiceAutomaticInvoiceMixin(models.AbstractModel):
    """What `fsm.order` needs to be invoiced without anybody asking; when, is said by
    its company, see ``res.company._cron_invoice_automatically``."""

    _name = "service.automatic.invoice.mixin"
    _description = "Automatic Invoicing of a Service Order"

    def _trigger_automatic_invoice(self):
        """Have drafts created soon of orders that get one when they are finished.

        Called when orders come to a stage: the drafts are made afterwards, so that
        nothing about them keeps anybody from finishing the work.
        """
        finished = self.sudo().filtered("is_invoiceable")
        companies = finished.company_id.filtered("service_invoicing")
        cron = self.sudo().env.ref(
            "fieldservice_invoicing.ir_cron_service_auto_invoice",
            raise_if_not_found=False,
        )
        if cron and any(
            finished.with_company(company).search_count(
                company._get_auto_invoice_domain("finished")
                & Domain("id", "in", finished.ids),
                limit=1,
            )
            for company in companies
        ):
            cron._trigger()

    def _get_left_to_people(self):
        """Those of these unbilled orders (superuser mode) that automatic invoicing
        leaves alone: they wait in somebody's batch, or it could not bill them, or
        somebody cancelled, deleted or credited their invoice; until the order or its
        lines change."""
        waiting = (
            self.env["service.invoice.batch.line"]
            .search([("order_id", "in", self.ids), ("state", "=", "pending")])
            .order_id
        )
        given_up = self._get_given_up_dates()
        changes = dict(
            self.env["fsm.order.line"]._read_group(
                [("order_id", "in", [order.id for order in given_up])],
                ["order_id"],
                ["write_date:max"],
            )
        )
        unchanged = self.browse().union(
            *(
                order
                for order, date in given_up.items()
                if max(order.write_date, changes.get(order, order.write_date)) <= date
            )
        )
        return waiting | unchanged

    def _get_given_up_dates(self):
        """When these unbilled orders (superuser mode) were last tried automatically, or
        an invoice of their work was given up: dict of order and datetime, without those
        that neither has happened to."""
        lines = self.env["service.invoice.batch.line"]
        dates = dict(
            lines._read_group(
                [("order_id", "in", self.ids), ("batch_id.frequency", "!=", "manual")],
                ["order_id"],
                ["write_date:max"],
            )
        )
        links = self.env["fsm.order.invoice"]
        own = Domain("order_id", "in", self.ids) & Domain("is_active", "=", False)
        for link in links.search(own & Domain(links._get_work_domain())):
            # it is written on when it is cancelled or credited
            date = link.move_id.write_date
            dates[link.order_id] = max(date, dates.get(link.order_id, date))
        return dates
