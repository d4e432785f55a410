# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import mimetypes
import tempfile
from contextlib import ExitStack

from werkzeug.wsgi import wrap_file

from odoo import http
from odoo.http import content_disposition, request


class ServiceInvoiceExportController(http.Controller):
    @http.route(
        "/fieldservice_invoicing/export/<int:export_id>", type="http", auth="user"
    )
    def download(self, export_id):
        """The file of one export, for the user who asked for it.

        It goes through a file on disk, for its size and for what is wrong with it to
        be known before the first byte is sent.
        """
        export = request.env["service.invoice.export"].browse(export_id).exists()
        if not export:
            raise request.not_found()
        export.check_access("read")
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile())
            export._write_file(file)
            size = file.tell()
            file.seek(0)
            name = export._get_file_name()
            response = http.Response(
                wrap_file(request.httprequest.environ, file),
                mimetype=mimetypes.guess_type(name)[0],
                headers={
                    "Content-Disposition": content_disposition(name),
                    "Content-Length": size,
                    "Cache-Control": "no-store",
                    "X-Content-Type-Options": "nosniff",
                },
                direct_passthrough=True,
            )
            response.call_on_close(stack.pop_all().close)
        return response
