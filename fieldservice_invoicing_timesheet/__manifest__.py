# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Timesheets",
    "summary": "Bill the hours that are logged on field service orders",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing", "fieldservice_timesheet"],
    "data": [
        "data/ir_actions_server.xml",
        "views/account_analytic_line_views.xml",
        "views/fsm_order_views.xml",
        "views/fsm_order_line_views.xml",
        "views/fsm_order_type_views.xml",
        "views/hr_employee_views.xml",
        "views/product_template_views.xml",
        "views/res_config_settings_views.xml",
    ],
    "assets": {
        "web.assets_tests": [
            "fieldservice_invoicing_timesheet/static/tests/tours/*.js",
        ],
    },
    "auto_install": ["fieldservice_invoicing", "fieldservice_timesheet"],
    "development_status": "Beta",
}
