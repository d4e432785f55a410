# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Sales Timesheets",
    "summary": "Bill an hour on its sales order or its service order, never on both",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing_timesheet", "sale_timesheet"],
    "auto_install": ["fieldservice_invoicing_timesheet", "sale_timesheet"],
    "development_status": "Beta",
}
