import {
    CARD,
    DIALOG,
    cardAmount,
    cardButton,
    cardIsFree,
    cardStatus,
    click,
    dialogAmount,
    fits,
    noDialog,
    openOrder,
    see,
    taxTreatment,
} from "./tour_utils";
import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("fieldservice_invoicing_phone", {
    steps: () => [
        openOrder("TOUR-PHONE"),
        ...cardIsFree(),
        fits("The card fits the screen", CARD),
        fits("… so does its button", cardButton("action_create_invoice")),
        fits("… and its total", `${CARD} [name=card_total]`),
        click("Create Invoice on the card", cardButton("action_create_invoice")),
        dialogAmount("amount_total", "499.13"),
        fits("The dialog's total fits the screen", `${DIALOG} [name=amount_total]`),
        ...taxTreatment("Exempt"),
        dialogAmount("amount_total", "412.50"),
        fits(
            "The dialog's button fits the screen",
            `${DIALOG} button[name=action_create_draft]`
        ),
        click("Create the draft", `${DIALOG} button[name=action_create_draft]`),
        noDialog(),
        cardStatus("Draft"),
        cardAmount("card_total", "412.50"),
        fits("The card still fits the screen", CARD),
        click("Open the Order Lines tab", "a[name=order_lines_page]"),
        see(
            "The lines show as cards",
            ".o_field_widget[name=line_ids] .o_kanban_record:contains('Labor'):contains('137.50')"
        ),
    ],
});
