import {DIALOG, absent, click, fits, see} from "./tour_utils";
import {registry} from "@web/core/registry";

const PROGRESS = ".o_service_invoice_batch_progress";
const TOTALS = ".o_service_invoice_totals";

function count(name, number) {
    return `.o_field_widget[name=${name}]:contains(/^${number}$/)`;
}

function selectAllOfList() {
    return [
        see("The orders are listed", ".o_list_view .o_data_row:contains('TOUR-BATCH')"),
        click("Select all", ".o_list_view thead .o_list_record_selector input"),
    ];
}

function openDialog() {
    return click(
        "Open the dialog",
        ".o_control_panel button[name=action_create_invoice]"
    );
}

function createInvoices() {
    return click(
        "Create the invoices",
        `${DIALOG} button[name=action_create_invoices]`
    );
}

registry.category("web_tour.tours").add("fieldservice_invoicing_batch", {
    steps: () => [
        ...selectAllOfList(),
        openDialog(),
        see("Five are selected", `${DIALOG} ${count("order_count", 5)}`),
        see("… four can be invoiced", `${DIALOG} ${count("billable_count", 4)}`),
        see("… on four invoices", `${DIALOG} ${count("invoice_count", 4)}`),
        see(
            "The fifth says why not, and its name opens it",
            `${DIALOG} .o_data_row:contains('is archived') a[href*='/odoo/fsm.order/']:contains('TOUR-BAD')`
        ),
        see(
            "The total is announced",
            `${DIALOG} ${TOTALS} [name=total]:contains(998.26)`
        ),
        see("… in each currency", `${DIALOG} ${TOTALS} tbody tr:eq(1)`),
        see(
            "Nothing to choose for who may not post",
            absent(`${DIALOG} [name=closing]`)
        ),
        click("Consolidate", `${DIALOG} [name=grouped] input`),
        see("Two invoices", `${DIALOG} ${count("invoice_count", 2)}`),
        see(
            "… with tax rounded once",
            `${DIALOG} ${TOTALS} [name=total]:contains(998.25)`
        ),
        createInvoices(),
        see("It is done", ".o_form_view .alert[name=not_all_invoiced]"),
        see(
            "… by two invoices",
            ".o_form_view .oe_stat_button[name=action_view_invoices]:contains(2)"
        ),
        see("… for four orders", `.o_form_view ${count("invoiced_count", 4)}`),
        see("… with their totals", `.o_form_view ${TOTALS} tbody tr:eq(1)`),
        see("… without the progress", absent(PROGRESS)),
        see(
            "The problem is listed",
            ".o_form_view [name=problem_line_ids] .o_data_row:contains('TOUR-BAD'):contains('is archived')"
        ),
        see("It can be tried again", "button[name=action_retry]:contains('Try Again')"),
        see("… and not be stopped", absent("button[name=action_stop]")),
        click(
            "Open the invoices",
            ".o_statusbar_buttons button[name=action_view_invoices]"
        ),
        see("Both are there", ".o_list_view .o_data_row:eq(1)"),
        see("… and no more", absent(".o_list_view .o_data_row:eq(2)")),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_batch_stop", {
    steps: () => [
        ...selectAllOfList(),
        openDialog(),
        createInvoices(),
        see("It runs", PROGRESS),
        click("Stop it", "button[name=action_stop]"),
        see(
            "It is stopped",
            ".o_statusbar_status .o_arrow_button_current:contains('Stopped')"
        ),
        see(
            "… with orders waiting",
            ".o_form_view [name=pending_count]:contains(/^[1-9]/)"
        ),
        see("… and can not be tried again", absent("button[name=action_retry]")),
        click("Continue", "button[name=action_resume].btn-primary"),
        see("It is done", ".o_form_view .alert[name=all_invoiced]"),
        see("… for all orders", `.o_form_view ${count("invoiced_count", 50)}`),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_batch_post", {
    steps: () => [
        ...selectAllOfList(),
        openDialog(),
        click("Have them posted", `${DIALOG} [name=closing] input[data-value=post]`),
        createInvoices(),
        see("It is done", ".o_form_view .alert[name=all_invoiced]"),
        see(
            "The invoices have numbers",
            ".o_form_view [name=line_ids] .o_data_row [name=move_id]:contains('INV/')"
        ),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_batch_one", {
    steps: () => [
        see("One order is listed", ".o_list_view .o_data_row:contains('TOUR-BATCH')"),
        click("Select it", ".o_list_view tbody .o_list_record_selector input"),
        openDialog(),
        see("The dialog of one order opens", `${DIALOG} .o_service_invoice_breakdown`),
        click("Create the draft", `${DIALOG} button[name=action_create_draft]`),
        see("Nothing is open any more", absent(".modal")),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_batch_phone", {
    steps: () => [
        {
            content: "Press an order for a while",
            trigger: ".o_kanban_record:contains('TOUR-BATCH')",
            async run() {
                const touch = new Touch({identifier: 1, target: this.anchor});
                const options = {bubbles: true, cancelable: true, touches: [touch]};
                this.anchor.dispatchEvent(new TouchEvent("touchstart", options));
            },
        },
        see("It is selected", ".o_selection_box:contains(1)"),
        click("Select another one", ".o_kanban_record:contains('TOUR-BAD')"),
        see("Two are selected", ".o_selection_box:contains(2)"),
        click("Open the menu", ".o_cp_action_menus button, .o_cog_menu button"),
        click("Open the dialog", "button[name=action_create_invoice]"),
        see("Two are selected", `${DIALOG} ${count("order_count", 2)}`),
        fits("The totals fit the screen", `${DIALOG} ${TOTALS}`),
        fits(
            "… and the reason",
            `${DIALOG} [name=refused_order_ids] .o_kanban_record:contains('is archived')`
        ),
        fits("… and the button", `${DIALOG} button[name=action_create_invoices]`),
        createInvoices(),
        see("It is done", ".o_form_view .alert[name=not_all_invoiced]"),
        fits(
            "The result fits the screen",
            ".o_form_view .alert[name=not_all_invoiced]"
        ),
        fits(
            "… and the problem",
            ".o_form_view [name=problem_line_ids] .o_kanban_record:contains('is archived')"
        ),
        fits("… and the totals", `.o_form_view ${TOTALS}`),
    ],
});
