/** Steps that the tours of service invoicing share. */

export const CARD = ".o_service_invoice_card";
export const DIALOG = ".modal:not(.o_inactive_modal)";

/** A trigger that holds when `selector` is nowhere in the page. */
export function absent(selector) {
    return `body:not(:has(${selector}))`;
}

export function see(content, trigger) {
    return {content, trigger};
}

export function click(content, trigger) {
    return {content, trigger, run: "click"};
}

/** Fail when an element is wider than the screen: of a phone, above all. */
export function fits(content, trigger) {
    return {
        content,
        trigger,
        run() {
            const {left, right} = this.anchor.getBoundingClientRect();
            if (left < 0 || right > window.innerWidth) {
                throw new Error(
                    `${content}: from ${left} to ${right} of ${window.innerWidth}`
                );
            }
        },
    };
}

/** Fail when the label of a field is not in front of it: on a wide screen. */
export function beside(content, name) {
    return {
        content,
        trigger: `.o_field_widget[name=${name}]`,
        run() {
            const label = document.querySelector(`.o_form_label[for^=${name}]`);
            const {right} = label.getBoundingClientRect();
            const {left} = this.anchor.getBoundingClientRect();
            if (right > left) {
                throw new Error(`${content}: label up to ${right}, field from ${left}`);
            }
        },
    };
}

/** Wait for the form of the order that the tour begins on. */
export function openOrder(name) {
    return see(
        `${name} is open`,
        `.o_form_view .oe_title [name=name]:contains("${name}")`
    );
}

/** A button of the card. */
export function cardButton(name) {
    return `${CARD} button[name=${name}]`;
}

/** Nothing is open over the page any more. */
export function noDialog() {
    return see("The dialog is closed", absent(".modal"));
}

export function cardIsFree() {
    return [
        see(
            "The card has no invoice",
            `${CARD} span[name=no_invoice]:contains("No invoice yet.")`
        ),
        see("… and offers to create one", cardButton("action_create_invoice")),
        see("… and nothing to open", absent(cardButton("action_open_invoice"))),
    ];
}

export function cardStatus(status) {
    return see(
        `The card's badge says ${status}`,
        `${CARD} [name=active_invoice_status]:contains("${status}")`
    );
}

/** An amount on the card, by field name. */
export function cardAmount(name, amount) {
    return see(
        `The card's ${name} is ${amount}`,
        `${CARD} [name=${name}]:contains("${amount}")`
    );
}

/** An amount in the Create Invoice dialog's breakdown, by field name. */
export function dialogAmount(name, amount) {
    return see(
        `The dialog's ${name} is ${amount}`,
        `${DIALOG} .o_service_invoice_breakdown [name=${name}]:contains("${amount}")`
    );
}

/** Choose a tax treatment in the Create Invoice dialog. */
export function taxTreatment(label) {
    return [
        click(
            "Open the tax treatments",
            `${DIALOG} [name=tax_treatment] .o_select_menu_toggler`
        ),
        // "body": on a phone the choices are a sheet over the dialog
        click(`Choose ${label}`, `body .o_select_menu_item:contains("${label}")`),
        see(
            `${label} is chosen`,
            `${DIALOG} [name=tax_treatment] input:value("${label}")`
        ),
    ];
}

export function createDraftFromCard() {
    return [
        click("Create Invoice on the card", cardButton("action_create_invoice")),
        click("Create the draft", `${DIALOG} button[name=action_create_draft]`),
    ];
}

/** Fill in and confirm the Cancel Invoice dialog. */
export function giveReason(reason) {
    return [
        {
            content: "Give the reason",
            trigger: `${DIALOG} [name=reason] input`,
            run: `edit ${reason}`,
        },
        click("Cancel the invoice", `${DIALOG} button[name=action_cancel_invoice]`),
        noDialog(),
    ];
}

export function openServiceInvoices() {
    return [
        click(
            "Open the Invoicing menu",
            "button[data-menu-xmlid='fieldservice_invoicing.menu_service_invoicing']"
        ),
        click(
            "Open Service Invoices",
            ".dropdown-item[data-menu-xmlid='fieldservice_invoicing.menu_service_invoices']"
        ),
        see("The list opens", ".o_breadcrumb:contains('Service Invoices')"),
    ];
}

export function backToOrder(name) {
    return [
        click(
            `Back to ${name}`,
            `.o_breadcrumb .o_back_button:contains("${name}"), .breadcrumb-item:contains("${name}") a`
        ),
        openOrder(name),
    ];
}

/** The Order Lines tab, as a phone shows it. */
export function seeLineOnPhone(product, quantity) {
    return see(
        `A line has ${quantity} ${product}`,
        `.o_field_widget[name=line_ids] .o_kanban_record:contains("${product}"):contains("${quantity}")`
    );
}
