from . import service_invoice_batch
