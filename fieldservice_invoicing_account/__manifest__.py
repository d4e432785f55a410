# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Linked Invoices",
    "summary": "Service invoices in the counters of Field Service - Accounting",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing", "fieldservice_account"],
    "data": [
        "security/ir.model.access.xml",
        "security/ir_rule.xml",
        "views/account_move_views.xml",
        "views/fsm_order_views.xml",
        "views/fsm_stage_views.xml",
    ],
    "post_init_hook": "post_init_hook",
    "auto_install": ["fieldservice_invoicing", "fieldservice_account"],
    "development_status": "Beta",
}
