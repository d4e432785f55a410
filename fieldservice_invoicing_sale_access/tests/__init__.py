from . import test_invoice_form
