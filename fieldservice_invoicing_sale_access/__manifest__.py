# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Sales Access",
    "summary": "Service invoices open for people without access to Sales",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing", "sale"],
    "auto_install": ["fieldservice_invoicing", "sale"],
    "development_status": "Beta",
}
