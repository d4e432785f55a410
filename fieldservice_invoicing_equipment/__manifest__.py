# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Equipment",
    "summary": "Bill equipment of field service orders by product and serial number",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing_stock", "fieldservice_equipment_stock"],
    "auto_install": ["fieldservice_invoicing_stock", "fieldservice_equipment_stock"],
    "uninstall_hook": "uninstall_hook",
    "development_status": "Beta",
}
