# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Progress Billing",
    "summary": "Bill larger jobs by deposits, progress draws and retainage",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing"],
    "data": [
        "security/res_groups.xml",
        "security/ir.model.access.csv",
        "security/ir_rule.xml",
        "views/fsm_change_order_line_views.xml",
        "views/fsm_change_order_views.xml",
        "views/fsm_order_change_views.xml",
        "views/account_move_views.xml",
        "views/report_invoice.xml",
        "wizards/fsm_order_create_draw_views.xml",
        "wizards/fsm_order_create_deposit_views.xml",
        "wizards/fsm_order_release_retainage_views.xml",
        "wizards/fsm_order_create_invoice_views.xml",
        "views/fsm_order_invoice_views.xml",
        "views/fsm_order_views.xml",
        "views/account_move_line_views.xml",
        "views/res_config_settings_views.xml",
        "views/menus.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "fieldservice_invoicing_progress/static/src/scss/progress_draw.scss",
        ],
        "web.report_assets_common": [
            "fieldservice_invoicing_progress/static/src/scss/pay_application.scss",
        ],
        "web.assets_tests": [
            "fieldservice_invoicing_progress/static/tests/tours/*.js",
        ],
    },
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
    "development_status": "Beta",
}
