# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing",
    "summary": "Invoice finished field service orders, once each, in Odoo Accounting",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice", "account"],
    "data": [
        "security/res_groups.xml",
        "security/ir.model.access.csv",
        "security/ir_rule.xml",
        "data/fsm_stage.xml",
        "views/fsm_order_line_views.xml",
        "views/fsm_order_invoice_views.xml",
        "views/account_move_views.xml",
        "wizards/fsm_order_create_invoice_views.xml",
        "wizards/fsm_order_cancel_invoice_views.xml",
        "wizards/fsm_order_mark_billed_views.xml",
        "wizards/account_move_reversal_views.xml",
        "views/fsm_order_views.xml",
        "views/fsm_closeout_rule_views.xml",
        "views/fsm_stage_views.xml",
        "views/fsm_equipment_views.xml",
        "views/res_config_settings_views.xml",
        "views/menus.xml",
        "views/report_invoice.xml",
    ],
    "demo": [
        "demo/product_demo.xml",
        "demo/fsm_equipment_demo.xml",
        "demo/fsm_order_demo.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "fieldservice_invoicing/static/src/scss/invoice_card.scss",
        ],
        "web.report_assets_common": [
            "fieldservice_invoicing/static/src/scss/invoice_document.scss",
        ],
        "web.assets_tests": [
            "fieldservice_invoicing/static/tests/tours/*.js",
        ],
    },
    "uninstall_hook": "uninstall_hook",
    "development_status": "Beta",
}
