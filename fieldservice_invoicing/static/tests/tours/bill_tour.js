import {
    CARD,
    DIALOG,
    absent,
    cardAmount,
    cardButton,
    cardIsFree,
    cardStatus,
    click,
    createDraftFromCard,
    dialogAmount,
    noDialog,
    openOrder,
    see,
} from "./tour_utils";
import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("fieldservice_invoicing_bill", {
    steps: () => [
        openOrder("TOUR-BILL"),
        see("An unfinished order has no card", absent(CARD)),
        click(
            "Complete the order",
            ".o_statusbar_buttons button[name=action_complete]"
        ),
        ...cardIsFree(),
        cardAmount("card_labor", "137.50"),
        cardAmount("card_parts", "275.00"),
        click("Create Invoice on the card", cardButton("action_create_invoice")),
        dialogAmount("amount_labor", "137.50"),
        dialogAmount("amount_parts", "275.00"),
        dialogAmount("amount_total", "499.13"),
        click("Create the draft", `${DIALOG} button[name=action_create_draft]`),
        noDialog(),
        cardStatus("Draft"),
        cardAmount("card_total", "499.13"),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_closeout", {
    steps: () => [
        openOrder("TOUR-CLOSEOUT"),
        see(
            "The card says what has to be there",
            `${CARD} [name=closeout_blocking]:contains("The resolution is empty.")`
        ),
        see("Nothing bills the order", absent("button[name=action_create_invoice]")),
        {
            content: "Say what was done",
            trigger: "[name=resolution] .odoo-editor-editable",
            run: "editor Pump replaced",
        },
        ...stepUtils.saveForm(),
        ...cardIsFree(),
        see(
            "Nothing has to be there any more",
            absent(`${CARD} div[name=closeout_blocking]`)
        ),
        see(
            "What only should be there is missing",
            `${CARD} div[name=closeout_warning]:contains("The customer has not signed.")`
        ),
        ...createDraftFromCard(),
        noDialog(),
        cardStatus("Draft"),
    ],
});
