import {
    DIALOG,
    absent,
    backToOrder,
    beside,
    cardAmount,
    cardButton,
    cardIsFree,
    cardStatus,
    click,
    createDraftFromCard,
    noDialog,
    openOrder,
    see,
} from "./tour_utils";
import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("fieldservice_invoicing_accountant", {
    steps: () => [
        openOrder("TOUR-ACCOUNT"),
        ...cardIsFree(),
        ...createDraftFromCard(),
        see("Who may edit the draft sees it", ".o_form_view button[name=action_post]"),
        ...backToOrder("TOUR-ACCOUNT"),
        cardStatus("Draft"),
        cardAmount("card_total", "499.13"),
        see("A draft is not sent", absent("button[name=action_send_invoice]")),
        see("A draft is not paid", absent("button[name=action_register_payment]")),
        see("A draft is not credited", absent("button[name=action_credit_invoice]")),
        click("Confirm on the card", cardButton("action_post_invoice")),
        cardStatus("Posted"),
        cardAmount("active_invoice_residual", "499.13"),
        see("It is not confirmed twice", absent("button[name=action_post_invoice]")),
        click("Send on the card", cardButton("action_send_invoice")),
        click(
            "Choose e-mail in Odoo's send dialog",
            `${DIALOG} .form-check:contains("by Email") input`
        ),
        see(
            "It goes to the customer",
            `${DIALOG} [name=mail_partner_ids]:contains("partner_a")`
        ),
        click("Do not send now", `${DIALOG} footer button:contains("Discard")`),
        noDialog(),
        click("Register Payment on the card", cardButton("action_register_payment")),
        see(
            "Odoo's payment dialog has the amount",
            `${DIALOG} [name=amount] input:value("499.13")`
        ),
        click("Pay", `${DIALOG} button[name=action_create_payments]`),
        noDialog(),
        cardStatus("Paid"),
        see("It is not paid twice", absent("button[name=action_register_payment]")),
        cardAmount("active_invoice_residual", "0.00"),
        click("Credit Note on the card", cardButton("action_credit_invoice")),
        {
            content: "Say why in Odoo's credit note dialog",
            trigger: `${DIALOG} [name=reason] input`,
            run: "edit Not to their liking",
        },
        click("Reverse", `${DIALOG} button[name=refund_moves]`),
        noDialog(),
        see(
            "The credit note opens as a draft",
            ".o_breadcrumb:contains('Draft Credit Note'):contains('Not to their liking')"
        ),
        click(
            "Confirm the credit note",
            ".o_statusbar_buttons button[name=action_post]"
        ),
        see(
            "It is posted",
            ".o_statusbar_status button.o_arrow_button_current:contains('Posted')"
        ),
        beside("Its labels are beside their values", "service_bill_to"),
        ...backToOrder("TOUR-ACCOUNT"),
        ...cardIsFree(),
        cardAmount("card_total", "499.13"),
        click("Open the Invoices tab", "a[name=invoices_page]"),
        see(
            "It keeps the credited invoice",
            "[name=invoice_link_ids] .o_data_row:contains('INV/')"
        ),
    ],
});
