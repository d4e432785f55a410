import {CARD, absent, click, openOrder, see} from "./tour_utils";
import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const LINES = ".o_field_widget[name=line_ids]";

/** What nobody without the right to invoice sees on a finished order. */
function nothingToInvoice(name) {
    return [
        openOrder(name),
        see("No card", absent(CARD)),
        see("No button to invoice", absent("button[name=action_create_invoice]")),
        see(
            "No button to the invoices",
            absent("button[name=action_view_service_invoices]")
        ),
        see("No Invoices tab", absent("a[name=invoices_page]")),
        see("No bill-to", absent("[name=bill_to_id]")),
        see(
            "No Invoicing menu",
            ".o_menu_sections:not(:has([data-menu-xmlid='fieldservice_invoicing.menu_service_invoicing']))"
        ),
    ];
}

registry.category("web_tour.tours").add("fieldservice_invoicing_worker", {
    steps: () => [
        ...nothingToInvoice("TOUR-WORKER"),
        click("Open the Order Lines tab", "a[name=order_lines_page]"),
        click(
            "Add labor",
            `${LINES} .o_field_x2many_list_row_add a:contains("Add labor")`
        ),
        {
            content: "Type the product",
            trigger: `${LINES} .o_selected_row [name=product_id] input`,
            run: "edit Labor",
        },
        click("Take the product", ".o-autocomplete--dropdown-item:contains('Labor')"),
        see(
            "Its price comes by itself",
            `${LINES} .o_selected_row [name=price_unit] input:value("55.00")`
        ),
        {
            content: "Type the hours",
            trigger: `${LINES} .o_selected_row [name=quantity] input`,
            run: "edit 1.5 && press Tab",
        },
        see(
            "The line's subtotal follows",
            `${LINES} [name=price_subtotal]:contains("82.50")`
        ),
        ...stepUtils.saveForm(),
        see("No error", absent(".modal")),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_worker_billed", {
    steps: () => [
        ...nothingToInvoice("TOUR-BILLED"),
        click("Open the Order Lines tab", "a[name=order_lines_page]"),
        see("The lines are there", `${LINES} .o_data_row:contains("Pump")`),
        see("No error", absent(".modal")),
    ],
});
