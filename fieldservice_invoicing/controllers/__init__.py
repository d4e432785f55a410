from . import service_invoice_export
