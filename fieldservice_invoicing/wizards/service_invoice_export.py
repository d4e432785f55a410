# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
import logging
import re
import zipfile
from contextlib import closing

from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import date_utils
from odoo.tools.pdf import DependencyError, PdfReadError

# The only place that tells whether the program renders several documents at once.
from odoo.addons.base.models.ir_actions_report import _wkhtml

from ..models.fsm_order import INVOICE_READERS
from ..models.res_company import GROUP_USER, get_superuser_env
from ..tools import CsvFile, PdfFile, XlsxFile

_logger = logging.getLogger(__name__)

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
PDF_FORMATS = ("pdf", "zip")
# PDFs that somebody waits for while they are rendered, at about a second each
DIRECT_PDFS = 20
PDF_BATCH = 10
PDF_ERRORS = (
    DependencyError,
    NotImplementedError,
    PdfReadError,
    TypeError,
    ValueError,
)


class ServiceInvoiceExport(models.TransientModel):
    """Many service invoices as one file.

    The file is made when it is fetched, by the user's own rights. Only PDFs that take
    long to render are rendered before, by a scheduled action.
    """

    _name = "service.invoice.export"
    _description = "Export of Service Invoices"
    _order = "id desc"
    # the time to fetch what a scheduled action has prepared
    _transient_max_hours = 7 * 24

    source = fields.Selection(
        [("selection", "Selected documents"), ("period", "Period")],
        string="Documents",
        required=True,
        default=lambda self: "selection" if self._get_selected() else "period",
    )
    move_ids = fields.Many2many(
        "account.move",
        string="Invoices",
        default=lambda self: self._get_selected(),
    )
    preset = fields.Selection(
        [
            ("this_month", "This month"),
            ("last_month", "Last month"),
            ("this_quarter", "This quarter"),
            ("last_quarter", "Last quarter"),
            ("this_year", "This year"),
            ("last_year", "Last year"),
            ("custom", "Other dates"),
        ],
        string="Period",
        required=True,
        default="this_month",
    )
    date_from = fields.Date(
        string="From",
        compute="_compute_dates",
        store=True,
        readonly=False,
        precompute=True,
    )
    date_to = fields.Date(
        string="To",
        compute="_compute_dates",
        store=True,
        readonly=False,
        precompute=True,
    )
    content = fields.Selection(
        [
            ("all", "Invoices and credit notes"),
            ("out_invoice", "Invoices"),
            ("out_refund", "Credit notes"),
        ],
        required=True,
        default="all",
    )
    include_draft = fields.Boolean(
        string="Drafts",
        help="A draft without an invoice date counts as one of today.",
    )
    include_cancelled = fields.Boolean(
        string="Cancelled Drafts",
        help="They have no journal items that count. Issued invoices that were "
        "cancelled by a credit note are exported in any case, as the credit note is.",
    )
    company_ids = fields.Many2many(
        "res.company",
        string="Companies",
        domain="[('id', 'in', allowed_company_ids), ('service_invoicing', '=', True)]",
        default=lambda self: self.env.companies.filtered("service_invoicing"),
    )
    file_format = fields.Selection(
        [
            ("csv", "CSV"),
            ("xlsx", "Excel (XLSX)"),
            ("pdf", "One PDF"),
            ("zip", "ZIP of PDFs"),
        ],
        string="Format",
        required=True,
        default="xlsx",
    )
    separator = fields.Selection(
        [("comma", "Comma"), ("semicolon", "Semicolon"), ("tab", "Tab")],
        required=True,
        default="comma",
    )
    document_count = fields.Integer(
        string="Number of Documents", compute="_compute_document_count"
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("waiting", "In preparation"),
            ("ready", "Ready"),
            ("failed", "Failed"),
        ],
        string="Status",
        required=True,
        readonly=True,
        default="draft",
    )
    progress = fields.Float(readonly=True)
    error = fields.Text(readonly=True)

    # ------------------------------------------------------------------
    # Choice of documents
    # ------------------------------------------------------------------

    @api.model
    def _get_selected(self):
        """Documents (`account.move`) that were selected in a list."""
        moves = self.env["account.move"]
        if self.env.context.get("active_model") == moves._name:
            return moves.browse(self.env.context.get("active_ids", []))
        return moves

    @api.depends("preset")
    def _compute_dates(self):
        for export in self:
            if dates := export._get_preset_dates():
                export.date_from, export.date_to = dates

    def _get_preset_dates(self):
        """First and last day of the chosen period, or None for other dates."""
        if self.preset == "custom":
            return None
        which, granularity = self.preset.split("_")
        today = fields.Date.context_today(self)
        if which == "last":
            today = date_utils.start_of(today, granularity) - relativedelta(days=1)
        return (
            date_utils.start_of(today, granularity),
            date_utils.end_of(today, granularity),
        )

    @api.constrains("date_from", "date_to", "source")
    def _check_dates(self):
        for export in self.filtered(lambda export: export.source == "period"):
            if not (
                export.date_from
                and export.date_to
                and export.date_from <= export.date_to
            ):
                raise ValidationError(
                    self.env._(
                        "Give the first and the last day of the period to export, in "
                        "this order."
                    )
                )

    @api.depends(
        "source",
        "move_ids",
        "date_from",
        "date_to",
        "content",
        "include_draft",
        "include_cancelled",
        "company_ids",
    )
    def _compute_document_count(self):
        moves = self.env["account.move"]
        for export in self:
            if export.source == "selection" or export.state != "draft":
                export.document_count = len(export.move_ids)
            else:
                export.document_count = moves.search_count(export._get_period_domain())

    def _get_period_domain(self):
        """Domain of the documents of the chosen period: hook for more choices."""
        self.ensure_one()
        move_types = ["out_invoice", "out_refund"]
        in_period = Domain("invoice_date", ">=", self.date_from) & Domain(
            "invoice_date", "<=", self.date_to
        )
        states = ["posted"]
        if self.include_draft:
            states.append("draft")
            in_period |= self._get_undated_domain()
        if self.include_cancelled:
            states.append("cancel")
        return Domain.AND(
            [
                self._get_service_domain(),
                Domain(
                    "move_type",
                    "in",
                    move_types if self.content == "all" else [self.content],
                ),
                Domain("state", "in", states),
                Domain("company_id", "in", self.company_ids.ids),
                in_period,
            ]
        )

    def _get_undated_domain(self):
        """Domain of drafts without a date, if the period has the day of today."""
        today = fields.Date.context_today(self)
        if self.date_from and self.date_to and self.date_from <= today <= self.date_to:
            return Domain("state", "=", "draft") & Domain("invoice_date", "=", False)
        return Domain.FALSE

    @api.model
    def _get_service_domain(self):
        """Domain of all that can be exported."""
        return Domain("is_service_invoice", "=", True) & Domain(
            "move_type", "in", ("out_invoice", "out_refund")
        )

    def _choose_documents(self):
        """Fix which documents the export has.

        :return: `account.move`, see :meth:`_get_documents`
        """
        self.ensure_one()
        if self.source == "period":
            self._ensure_may_export(self.company_ids)
            self.move_ids = self.env["account.move"].search(self._get_period_domain())
        return self._get_documents()

    def _get_documents(self):
        """Documents of the export, by the user's present rights.

        :return: `account.move`, oldest first
        :raise UserError: there are none, one is not a service invoice, or a company
            has service invoicing switched off
        :raise AccessError: the user may not read one of them
        """
        self.ensure_one()
        # as the user, `move_ids` would leave out in silence what may not be read
        chosen = self.sudo().move_ids.sudo(False)
        domain = Domain("id", "in", chosen.ids) & self._get_service_domain()
        documents = chosen.search(domain, order="company_id, invoice_date, name, id")
        self._ensure_no_others(chosen - documents)
        # grouped by the database, which does not read all documents into memory
        for (company,) in chosen._read_group(domain, ["company_id"]):
            self._ensure_may_export(company)
        if not documents:
            raise UserError(
                self.env._(
                    "There is nothing to export. Choose another period, or select "
                    "service invoices in the list."
                )
            )
        return documents

    @api.model
    def _ensure_no_others(self, others):
        """Refuse documents (`account.move`) that can not be exported.

        :raise AccessError: the user may not read one of them
        :raise UserError: one is not a service invoice
        """
        others.check_access("read")
        if others:
            raise UserError(
                self.env._(
                    "%(documents)s: not invoices of service orders. Leave them out of "
                    "the selection.",
                    documents=", ".join(others.mapped("display_name")),
                )
            )

    def _ensure_may_export(self, companies):
        """Refuse users who read no service invoices, and companies without service
        invoicing."""
        held = filter(self.env.user.has_group, INVOICE_READERS.split(","))
        companies._ensure_service_invoicing(next(held, GROUP_USER))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_export(self):
        """Make the file, or have it prepared if that takes long (action dict).

        :raise UserError, AccessError: see :meth:`_get_documents`
        """
        self.ensure_one()
        documents = self._choose_documents()
        if self._takes_long(documents):
            return self._prepare_in_background()
        self.write({"state": "ready", "progress": 100.0, "error": False})
        return self.action_download()

    def action_download(self):
        """Fetch the file (action dict)."""
        self.ensure_one()
        self._ensure_ready()
        return {
            "type": "ir.actions.act_url",
            "url": self._get_url(),
            "target": "new",
            "close": True,
        }

    def action_view_exports(self):
        """Open the exports of the user that are prepared, or were (action dict).

        :raise AccessError: the user exports no service invoices
        """
        self.check_access("read")
        return self.env["ir.actions.actions"]._for_xml_id(
            "fieldservice_invoicing.action_service_invoice_exports"
        )

    def _get_url(self):
        return f"/fieldservice_invoicing/export/{self.id}"

    def _ensure_ready(self):
        """Refuse to make the file of an export that is not ready."""
        if self.state != "ready":
            raise UserError(
                self.error
                or self.env._(
                    "The export is not ready. “My Exports” shows how far it is."
                )
            )

    # ------------------------------------------------------------------
    # The file
    # ------------------------------------------------------------------

    def _get_file_name(self):
        """Name (str) of the file, with its period."""
        self.ensure_one()
        name = self.env._("service-invoices")
        if self.source == "period":
            period = f"{self.date_from}_{self.date_to}"
        else:
            period = fields.Date.to_string(fields.Date.context_today(self))
        return f"{name}_{period}.{self.file_format}"

    def _write_file(self, file):
        """Make the file.

        Called when it is downloaded.

        :param file: binary file object to write to
        :raise UserError, AccessError: see :meth:`_get_documents`
        """
        self._ensure_ready()
        getattr(self, f"_write_{self.file_format}")(self._get_documents(), file)

    def _write_csv(self, documents, file):
        with closing(CsvFile(file, SEPARATORS[self.separator])) as table:
            self.env["service.invoice.table"]._write(documents, table)

    def _write_xlsx(self, documents, file):
        title = self.env._("Service Invoices")
        with closing(XlsxFile(file, title)) as table:
            self.env["service.invoice.table"]._write(documents, table)

    def _write_pdf(self, documents, file):
        pdf_file = PdfFile(file)
        for move, content in self._iterate_pdfs(documents):
            try:
                pdf_file.append(content)
            except PDF_ERRORS as error:
                raise UserError(
                    self.env._(
                        "The PDF of %(document)s can not be merged with others. "
                        "Export a ZIP of PDFs instead.",
                        document=move.display_name,
                    )
                ) from error
        pdf_file.close()

    def _write_zip(self, documents, file):
        names = set()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for move, content in self._iterate_pdfs(documents):
                name = self._get_pdf_name(move, names)
                names.add(name.lower())
                archive.writestr(f"{name}.pdf", content)

    @api.model
    def _get_pdf_name(self, move, taken):
        """Name (str) of one document in the archive, safe in any file system.

        :param set taken: names in lower case that others have
        """
        name = re.sub(r"[^\w.-]+", "_", move.display_name).strip("._")
        unique, number = name, 1
        while unique.lower() in taken:
            number += 1
            unique = f"{name}_{number}"
        return unique

    # ------------------------------------------------------------------
    # PDFs
    # ------------------------------------------------------------------

    def _iterate_pdfs(self, documents):
        """Pairs of document and PDF (generator), few of them in memory at once."""
        for batch in self.env["service.invoice.table"]._split(documents, PDF_BATCH):
            pdfs = self._get_present_pdfs(batch)
            missing = batch.filtered(lambda move, pdfs=pdfs: move.id not in pdfs)
            pdfs.update(self._render_pdfs(missing))
            for move in batch:
                yield move, pdfs[move.id]

    def _get_present_pdfs(self, documents):
        """PDFs (dict of bytes by id) that need not be rendered."""
        pdfs = {
            move.id: move.invoice_pdf_report_id.raw
            for move in self._get_sent(documents)
        }
        for pdf in self._get_prepared(documents):
            pdfs[pdf.move_id.id] = base64.b64decode(pdf.content)
        return pdfs

    @api.model
    def _get_sent(self, documents):
        """Documents (superuser mode) whose PDF was kept when it was sent, and still
        says what they are: that of a cancelled one does not say so."""
        return documents.sudo().filtered(
            lambda move: move.invoice_pdf_report_id and not move.service_cancel_date
        )

    def _get_prepared(self, documents):
        """PDFs (`service.invoice.export.pdf`) that a scheduled action rendered for this
        export."""
        return (
            self.env["service.invoice.export.pdf"]
            .sudo()
            .search([("export_id", "=", self.id), ("move_id", "in", documents.ids)])
        )

    def _get_missing(self, documents):
        """Documents (`account.move`) whose PDF has to be rendered."""
        present = documents.browse()
        for batch in self.env["service.invoice.table"]._split(documents, 200):
            present |= self._get_sent(batch) | self._get_prepared(batch).move_id
        return documents - present

    @api.model
    def _render_pdfs(self, documents):
        """Render PDFs, by the templates that sending them would use.

        Superuser mode, as for a customer in the portal: the report says more than
        those who may read the invoice can read elsewhere.

        :param documents: `account.move` that the user may read
        :return: dict of bytes by id
        """
        moves = documents.with_env(get_superuser_env(self.env))
        pdfs = {}
        # the unpatched program renders one document at a time
        size = PDF_BATCH if _wkhtml().is_patched_qt else 1
        groups = moves.grouped(
            lambda move: (
                move.company_id,
                moves.env["account.move.send"]._get_default_pdf_report_id(move),
            )
        )
        for (company, report), group in groups.items():
            for batch in self.env["service.invoice.table"]._split(group, size):
                pdfs.update(self._render_batch(report.with_company(company), batch))
        return pdfs

    @api.model
    def _render_batch(self, report, moves):
        """Render PDFs of one report at once, or one by one if the result can not be
        told apart (dict of bytes by id)."""
        content, report_type = report._pre_render_qweb_pdf(
            report.report_name, res_ids=moves.ids
        )
        pdfs = report._get_splitted_report(report.report_name, content, report_type)
        if len(moves) > 1 and not pdfs.keys() >= set(moves.ids):
            pdfs = {}
            for move in moves:
                pdfs.update(self._render_batch(report, move))
        return pdfs

    # ------------------------------------------------------------------
    # Preparation by a scheduled action
    # ------------------------------------------------------------------

    def _takes_long(self, documents):
        """Whether the file is prepared by a scheduled action (bool)."""
        return (
            self.file_format in PDF_FORMATS
            and len(self._get_missing(documents)) > DIRECT_PDFS
        )

    def _prepare_in_background(self):
        """Have the PDFs rendered, and say so (action dict)."""
        self.write({"state": "waiting", "progress": 0.0, "error": False})
        self.env.ref("fieldservice_invoicing.ir_cron_service_invoice_export")._trigger()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "title": self.env._("Export in preparation"),
                "message": self.env._(
                    "The PDFs of %s documents are collected. You will be told when "
                    "the file is ready.",
                    len(self.move_ids),
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    @api.model
    def _cron_prepare(self):
        """Render the PDFs of waiting exports, the oldest first, as far as time allows.

        Each batch is committed: after a restart the work goes on where it was.
        """
        waiting = self.search([("state", "=", "waiting")], order="id")
        progress = self.env["ir.cron"]
        progress._commit_progress(remaining=len(waiting.move_ids))
        for export in waiting:
            while export.state == "waiting":
                if not progress._commit_progress(export._prepare_batch()):
                    return

    def _prepare_batch(self):
        """Render some PDFs of one waiting export by the rights of the user who wants
        them, and tell that user when it is ready or failed.

        :return: number of PDFs rendered
        """
        self.ensure_one()
        user = self.create_uid
        export = self.with_context(lang=user.lang, tz=user.tz)
        try:
            with self.env.cr.savepoint():
                return export.with_user(user)._render_missing()
        except UserError as error:
            export._fail(str(error))
        except Exception:
            # else this one export would stop the work for all others
            _logger.exception("Export %s of service invoices failed", self.id)
            export._fail(export.env._("Ask your administrator to look at the log."))
        return 0

    def _render_missing(self):
        """Render and keep some of the PDFs that are missing.

        :return: number of PDFs rendered
        """
        documents = self._get_documents()
        missing = self._get_missing(documents)
        batch = missing[:PDF_BATCH]
        self.env["service.invoice.export.pdf"].sudo().create(
            [
                {
                    "export_id": self.id,
                    "move_id": move_id,
                    "content": base64.b64encode(pdf),
                }
                for move_id, pdf in self._render_pdfs(batch).items()
            ]
        )
        left = len(missing) - len(batch)
        self.progress = 100.0 * (1 - left / len(documents))
        if not left:
            self.state = "ready"
            self._notify(
                self.env._("Your export of service invoices is ready"),
                self.env._("Download"),
                self._get_url(),
            )
        return len(batch)

    def _fail(self, reason):
        """Give up an export.

        :param str reason: translated, for the user
        """
        self.write({"state": "failed", "error": reason})
        self._notify(self.env._("Your export of service invoices failed"), reason)

    def _notify(self, subject, text, url=None):
        """Tell the user who wants the export, by a message and at once on the screen.

        :param str subject: translated
        :param str text: translated
        :param str url: what the text links to
        """
        partner = self.create_uid.partner_id
        link = Markup('<a href="%s">%s</a>') % (url, text)
        self.env["mail.thread"].sudo().message_notify(
            author_id=self.env.ref("base.partner_root").id,
            partner_ids=partner.ids,
            subject=subject,
            body=Markup("<p>%s</p><p>%s</p>") % (subject, link if url else text),
        )
        partner._bus_send(
            "account_notification",
            {
                "type": "success" if url else "warning",
                "title": subject,
                "message": "" if url else text,
                "sticky": True,
                "action_button": {
                    "name": self.env._("My Exports"),
                    "action_name": self.env._("My Exports"),
                    "model": self._name,
                    "res_ids": self.ids,
                },
            },
        )
