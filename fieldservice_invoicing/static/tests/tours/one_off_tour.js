import {
    CARD,
    DIALOG,
    absent,
    cardAmount,
    cardButton,
    cardStatus,
    click,
    dialogAmount,
    fits,
    noDialog,
    openOrder,
    see,
} from "./tour_utils";
import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const ORDER = "TOUR-ONE-OFF";
const DISCOUNT = ".o_service_discount[name=discount]";

/** Choose a value of a selection field, which is a sheet on a phone. */
function choose(field, label) {
    return [
        click(`Open ${field}`, `[name=${field}] .o_select_menu_toggler`),
        click(`Choose ${label}`, `body .o_select_menu_item:contains("${label}")`),
    ];
}

function type(field, text) {
    return {
        content: `Type ${text}`,
        trigger: `.o_field_widget[name=${field}] input`,
        run: `edit ${text} && press Tab`,
    };
}

registry.category("web_tour.tours").add("fieldservice_invoicing_one_off", {
    steps: () => [
        openOrder(ORDER),
        click("Open the Order Lines tab", "a[name=order_lines_page]"),
        ...choose("bill_to_type", "One-off Individual"),
        type("bill_to_name", "Marisol Vega"),
        type("bill_to_street", "300 Berry Street"),
        see("An individual has no tax ID", absent(".o_field_widget[name=bill_to_vat]")),
        ...choose("discount_type", "%"),
        type("discount_value", "20"),
        fits("The discount fits the screen", DISCOUNT),
        see("The total follows", "[name=tax_totals]:contains('399.30')"),
        ...stepUtils.saveForm(),
        see("The card bills the one-off", `${CARD}:contains("Marisol Vega")`),
        cardAmount("card_total", "399.30"),
        fits("The card fits the screen", CARD),
        click("Create Invoice on the card", cardButton("action_create_invoice")),
        see("So does the dialog", `${DIALOG}:contains("Marisol Vega")`),
        dialogAmount("amount_discount", "82.50"),
        dialogAmount("amount_total", "399.30"),
        click("Create the draft", `${DIALOG} button[name=action_create_draft]`),
        noDialog(),
        cardStatus("Draft"),
        cardAmount("card_total", "399.30"),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_one_off_posted", {
    steps: () => [
        openOrder(ORDER),
        click("Open the draft", cardButton("action_open_invoice")),
        see(
            "The draft has what was typed",
            ".o_field_widget[name=bill_to_name] input:value('Marisol Vega')"
        ),
        see(
            "Its discount has a name",
            "[name=invoice_line_ids] .o_kanban_record:contains('Discount 20 %')"
        ),
        fits("The discount fits the screen", ".o_service_discount"),
        ...stepUtils.statusbarButtonsSteps("Confirm"),
        see(
            "It is posted for the one-off",
            ".o_field_widget[name=bill_to_name].o_readonly_modifier:contains('Marisol Vega')"
        ),
        see(
            "Its discount is final",
            ".o_field_widget[name=service_discount_type].o_readonly_modifier"
        ),
        see("… and its total stands", "[name=tax_totals]:contains('399.30')"),
    ],
});
