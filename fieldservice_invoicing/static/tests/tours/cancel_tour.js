import {
    DIALOG,
    absent,
    backToOrder,
    cardButton,
    cardIsFree,
    cardStatus,
    click,
    createDraftFromCard,
    giveReason,
    noDialog,
    openOrder,
    openServiceInvoices,
    see,
} from "./tour_utils";
import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("fieldservice_invoicing_cancel", {
    steps: () => [
        openOrder("TOUR-CANCEL"),
        cardStatus("Posted"),
        click("Cancel on the card", cardButton("action_cancel_invoice")),
        see(
            "The dialog says what will happen",
            `${DIALOG}:contains("A full credit note is posted")`
        ),
        click("Keep it for now", `${DIALOG} button:contains("Keep Invoice")`),
        noDialog(),
        cardStatus("Posted"),
        click("Cancel on the card after all", cardButton("action_cancel_invoice")),
        ...giveReason("Wrong bill-to"),
        ...cardIsFree(),
        click("Open the Invoices tab", "a[name=invoices_page]"),
        see(
            "It keeps the invoice and the reason",
            "[name=invoice_link_ids] .o_data_row:contains('INV/'):contains('Cancelled'):contains('Wrong bill-to')"
        ),
        ...createDraftFromCard(),
        noDialog(),
        cardStatus("Draft"),
        ...openServiceInvoices(),
        see(
            "Both invoices are listed",
            ".o_data_row:eq(1) [name=service_invoice_status]:contains('Cancelled')"
        ),
        see(
            "A credited one has no Cancel",
            ".o_data_row:eq(1):not(:has(button[name=action_cancel_service_invoice]))"
        ),
        click(
            "Cancel the new draft from its row",
            ".o_data_row:eq(0) button[name=action_cancel_service_invoice]"
        ),
        see(
            "The dialog says what will happen",
            `${DIALOG}:contains("The draft invoice is cancelled")`
        ),
        ...giveReason("Billed by mistake"),
        see(
            "The row says so at once",
            ".o_data_row:eq(0) [name=service_invoice_status]:contains('Cancelled')"
        ),
        see(
            "… and has no Cancel any more",
            ".o_data_row:eq(0):not(:has(button[name=action_cancel_service_invoice]))"
        ),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_manager_credit", {
    steps: () => [
        openOrder("TOUR-CREDIT"),
        cardStatus("Posted"),
        click("Credit Note on the card", cardButton("action_credit_invoice")),
        {
            content: "Say why in Odoo's credit note dialog",
            trigger: `${DIALOG} [name=reason] input`,
            run: "edit Not to their liking",
        },
        click("Reverse", `${DIALOG} button[name=refund_moves]`),
        noDialog(),
        see(
            "The draft credit note opens, without an error",
            ".o_breadcrumb:contains('Draft Credit Note'):contains('Not to their liking')"
        ),
        see("It is for an accountant to post", absent("button[name=action_post]")),
        ...backToOrder("TOUR-CREDIT"),
        cardStatus("Posted"),
    ],
});
