import {
    CARD,
    DIALOG,
    absent,
    backToOrder,
    cardAmount,
    cardButton,
    cardIsFree,
    cardStatus,
    click,
    dialogAmount,
    noDialog,
    openOrder,
    openServiceInvoices,
    see,
    taxTreatment,
} from "./tour_utils";
import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const LINES = ".o_field_widget[name=line_ids]";

registry.category("web_tour.tours").add("fieldservice_invoicing_dispatcher", {
    steps: () => [
        openOrder("TOUR-DISPATCH"),
        see("An unfinished order has no card", absent(CARD)),
        see("… and no Create Invoice", absent("button[name=action_create_invoice]")),
        click(
            "Complete the order",
            ".o_statusbar_buttons button[name=action_complete]"
        ),
        see("The card appears", `${CARD}:contains("No invoice yet.")`),
        see("… and says what to do", `${CARD}:contains("Add labor and parts")`),
        see(
            "… and has no button that can not work",
            absent("button[name=action_create_invoice]")
        ),
        click("Open the Order Lines tab", "a[name=order_lines_page]"),
        click(
            "Add a part",
            `${LINES} .o_field_x2many_list_row_add a:contains("Add a part")`
        ),
        {
            content: "Type the product",
            trigger: `${LINES} .o_selected_row [name=product_id] input`,
            run: "edit Pump",
        },
        click("Take the product", ".o-autocomplete--dropdown-item:contains('Pump')"),
        see(
            "Its price comes by itself",
            `${LINES} .o_selected_row [name=price_unit] input:value("137.50")`
        ),
        {
            content: "Type the quantity",
            trigger: `${LINES} .o_selected_row [name=quantity] input`,
            run: "edit 2 && press Tab",
        },
        see(
            "The line's subtotal follows",
            `${LINES} [name=price_subtotal]:contains("275.00")`
        ),
        see("The order's total follows", "[name=tax_totals]:contains('332.75')"),
        ...stepUtils.saveForm(),
        ...cardIsFree(),
        cardAmount("card_parts", "275.00"),
        cardAmount("card_tax", "57.75"),
        cardAmount("card_total", "332.75"),
        click(
            "Create Invoice in the header",
            ".o_statusbar_buttons button[name=action_create_invoice]"
        ),
        see(
            "The dialog names the order",
            `${DIALOG} [name=order_ids]:contains("TOUR-DISPATCH")`
        ),
        dialogAmount("amount_labor", "0.00"),
        dialogAmount("amount_parts", "275.00"),
        dialogAmount("tax_parts", "57.75"),
        dialogAmount("amount_untaxed", "275.00"),
        dialogAmount("amount_tax", "57.75"),
        dialogAmount("amount_total", "332.75"),
        see(
            "No button to post or send",
            absent(`${DIALOG} button[name=action_create_and_send]`)
        ),
        ...taxTreatment("Exempt"),
        dialogAmount("amount_total", "275.00"),
        see(
            "The tax of the parts reads zero",
            `${DIALOG} [name=tax_parts]:contains("0.00"):not(:contains("57.75"))`
        ),
        see(
            "The tax reads zero",
            `${DIALOG} [name=amount_tax]:contains("0.00"):not(:contains("57.75"))`
        ),
        ...taxTreatment("Taxes of the lines"),
        dialogAmount("amount_tax", "57.75"),
        dialogAmount("amount_total", "332.75"),
        click("Create the draft", `${DIALOG} button[name=action_create_draft]`),
        noDialog(),
        cardStatus("Draft"),
        cardAmount("card_parts", "275.00"),
        cardAmount("card_tax", "57.75"),
        cardAmount("card_total", "332.75"),
        see("No second invoice", absent("button[name=action_create_invoice]")),
        see("No button to post", absent("button[name=action_post_invoice]")),
        see("No button to cancel", absent("button[name=action_cancel_invoice]")),
        click("Open the invoice", cardButton("action_open_invoice")),
        see(
            "The invoice opens",
            ".o_form_view [name=invoice_line_ids]:contains('Pump')"
        ),
        see(
            "… for the customer",
            ".o_form_view [name=partner_id]:contains('partner_a')"
        ),
        see("… without an error", absent(".modal")),
        ...backToOrder("TOUR-DISPATCH"),
        cardStatus("Draft"),
        click("Open the Invoices tab", "a[name=invoices_page]"),
        see(
            "It lists the invoice",
            "[name=invoice_link_ids] .o_data_row:contains('Draft'):contains('332.75')"
        ),
        ...openServiceInvoices(),
        see(
            "The new invoice heads the list",
            ".o_data_row:first:contains('TOUR-DISPATCH'):contains('Draft'):contains('332.75')"
        ),
        see("The older one comes after", ".o_data_row:last:contains('TOUR-BEFORE')"),
    ],
});
