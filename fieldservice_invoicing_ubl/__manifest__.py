# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Electronic Invoices",
    "summary": "UBL and Factur-X say what the issued service invoice says",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing", "account_edi_ubl_cii"],
    "auto_install": True,
    "development_status": "Beta",
}
