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
    openServiceInvoices,
    see,
} from "@fieldservice_invoicing/../tests/tours/tour_utils";
import {registry} from "@web/core/registry";

const ORDER = "TOUR-CONTRACT";

function type(field, text) {
    return {
        content: `Type ${text} as ${field}`,
        trigger: `${DIALOG} .o_field_widget[name=${field}] input`,
        run: `edit ${text} && press Tab`,
    };
}

/** Create the draft that a dialog announces; who may not edit it stays on the order. */
function createDraft() {
    return [
        click("Create the draft", `${DIALOG} button[name=action_create_draft]`),
        noDialog(),
    ];
}

/** Open the newest service invoice by the menu and post it. */
function postNewest() {
    return [
        ...openServiceInvoices(),
        click("Open the draft", ".o_data_row:contains('Draft'):eq(0) .o_data_cell"),
        click("Confirm it", ".o_statusbar_buttons button[name=action_post]"),
        see(
            "It is posted",
            ".o_statusbar_status button.o_arrow_button_current:contains('Posted')"
        ),
    ];
}

/** The dispatcher asks for a deposit, on a phone. */
registry.category("web_tour.tours").add("fieldservice_invoicing_progress_deposit", {
    steps: () => [
        openOrder(ORDER),
        fits("The card fits the screen", CARD),
        cardAmount("contract_revised", "10,000.00"),
        click("Create Deposit on the card", cardButton("action_create_deposit")),
        type("percent", "30"),
        see(
            "The dialog announces the deposit",
            `${DIALOG} [name=amount_total]:contains("3,630.00")`
        ),
        fits("Its total fits the screen", `${DIALOG} [name=amount_total]`),
        ...createDraft(),
        cardAmount("deposit_billed", "3,630.00"),
        cardAmount("deposit_balance", "0.00"),
    ],
});

/** The accountant posts it and registers the payment. */
registry
    .category("web_tour.tours")
    .add("fieldservice_invoicing_progress_deposit_paid", {
        steps: () => [
            openOrder(ORDER),
            ...postNewest(),
            click("Pay", ".o_statusbar_buttons button[name=action_register_payment]"),
            see(
                "Odoo's payment dialog has the amount",
                `${DIALOG} [name=amount] input:value("3,630.00")`
            ),
            click(
                "Create the payment",
                `${DIALOG} button[name=action_create_payments]`
            ),
            noDialog(),
            see(
                "It is paid",
                "body:not(:has(.o_statusbar_buttons button[name=action_register_payment]))"
            ),
        ],
    });

/** The dispatcher bills half of a phase, on a phone, and applies a part of the
 * deposit. */
registry.category("web_tour.tours").add("fieldservice_invoicing_progress_draw", {
    steps: () => [
        openOrder(ORDER),
        cardAmount("deposit_balance", "3,630.00"),
        click("Create Draw on the card", cardButton("action_create_draw")),
        click("Open the phase", `${DIALOG} .o_kanban_record:contains("Below Ground")`),
        fits("Its percentage fits the screen", `${DIALOG} [name=phase_percent] input`),
        type("phase_percent", "50"),
        click("Keep it", `${DIALOG} .o_form_button_save`),
        see(
            "The items follow",
            `${DIALOG} .o_kanban_record:contains("Excavation"):contains("2,000.00")`
        ),
        dialogAmount("amount_work", "3,000.00"),
        dialogAmount("amount_retainage", "-300.00"),
        see(
            "All of the deposit is offered that the draw can take",
            `${DIALOG} [name=deposit] input:value("3,330.00")`
        ),
        type("deposit", "1210"),
        dialogAmount("amount_deposit", "-1,000.00"),
        dialogAmount("amount_total", "2,120.00"),
        fits("The total fits the screen", `${DIALOG} [name=amount_total]`),
        ...createDraft(),
        cardStatus("Draft"),
        cardAmount("card_title", "Progress Draw 1"),
        cardAmount("progress_billed", "3,000.00"),
        cardAmount("retainage_held", "300.00"),
        cardAmount("card_total", "2,120.00"),
        fits("The card still fits the screen", CARD),
    ],
});

/** The accountant posts the draw from the card. */
registry.category("web_tour.tours").add("fieldservice_invoicing_progress_post", {
    steps: () => [
        openOrder(ORDER),
        cardStatus("Draft"),
        click("Confirm on the card", cardButton("action_post_invoice")),
        cardStatus("Posted"),
        see("It is not confirmed twice", absent("button[name=action_post_invoice]")),
    ],
});

/** The dispatcher completes the order and bills the rest. */
registry.category("web_tour.tours").add("fieldservice_invoicing_progress_final", {
    steps: () => [
        openOrder(ORDER),
        cardAmount("balance_to_finish", "7,000.00"),
        click("Complete it", ".o_statusbar_buttons button[name=action_complete]"),
        click(
            "Create Draw in the header",
            ".o_statusbar_buttons button[name=action_create_draw]"
        ),
        see(
            "The phases are rows",
            `${DIALOG} .o_data_row:contains("Below Ground"):contains("3,000.00")`
        ),
        click("Take it to 100 %", `${DIALOG} button[name=action_bill_rest]`),
        dialogAmount("amount_work", "7,000.00"),
        dialogAmount("amount_retainage", "-700.00"),
        dialogAmount("amount_deposit", "-2,000.00"),
        dialogAmount("amount_total", "5,350.00"),
        ...createDraft(),
        cardAmount("card_title", "Progress Draw 2"),
        cardAmount("balance_to_finish", "0.00"),
        see("There is no next draw", absent("button[name=action_create_draw]")),
        see(
            "Others release retainage",
            absent("button[name=action_release_retainage]")
        ),
    ],
});

/** The manager releases what is retained. */
registry.category("web_tour.tours").add("fieldservice_invoicing_progress_release", {
    steps: () => [
        openOrder(ORDER),
        cardAmount("retainage_held", "1,000.00"),
        click("Release Retainage on the card", cardButton("action_release_retainage")),
        see("All of it is proposed", `${DIALOG} [name=amount] input:value("1,000.00")`),
        dialogAmount("amount_total", "1,000.00"),
        ...createDraft(),
        see(
            "It is not released twice",
            absent("button[name=action_release_retainage]")
        ),
    ],
});

/** The accountant posts the release. */
registry
    .category("web_tour.tours")
    .add("fieldservice_invoicing_progress_release_posted", {
        steps: () => [openOrder(ORDER), ...postNewest()],
    });
