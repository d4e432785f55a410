from . import account_edi_xml_ubl_20
from . import account_edi_xml_cii
from . import service_invoice_snapshot
