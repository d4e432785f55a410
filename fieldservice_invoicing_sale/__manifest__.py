# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Sales",
    "summary": "Service orders that were sold are billed by their sales order, once",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing", "fieldservice_sale"],
    "data": ["views/fsm_order_views.xml"],
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
    "auto_install": ["fieldservice_invoicing", "fieldservice_sale"],
    "development_status": "Beta",
}
