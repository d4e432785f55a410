# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "Field Service Invoicing - Stock",
    "summary": "Bill the parts that were delivered for field service orders",
    "version": "19.0.1.0.0",
    "license": "AGPL-3",
    "category": "Field Service",
    "author": "fieldservice_invoicing contributors",
    "depends": ["fieldservice_invoicing", "fieldservice_stock", "stock_account"],
    "data": [
        "security/ir_rule.xml",
        "views/fsm_order_line_views.xml",
        "views/fsm_order_views.xml",
        "views/product_category_views.xml",
        "views/product_template_views.xml",
        "views/res_config_settings_views.xml",
    ],
    "assets": {
        "web.assets_tests": [
            "fieldservice_invoicing_stock/static/tests/tours/*.js",
        ],
    },
    "auto_install": ["fieldservice_invoicing", "fieldservice_stock", "stock_account"],
    "development_status": "Beta",
}
