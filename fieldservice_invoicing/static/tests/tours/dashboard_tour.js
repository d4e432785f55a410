import {absent, click, fits, see} from "./tour_utils";
import {registry} from "@web/core/registry";

const figure = (name) => `.o_service_figure[name=${name}]`;
const cell = (table, row, name) =>
    `.o_service_dashboard_table[name=${table}] tr:contains("${row}") .o_service_cell[name=${name}]`;

function seeFigure(name, ...texts) {
    const contains = texts.map((text) => `:contains("${text}")`).join("");
    return see(`${name} says ${texts.join(", ")}`, `${figure(name)}${contains}`);
}

function back() {
    return [
        click(
            "Back to the dashboard",
            ".o_breadcrumb .o_back_button, .breadcrumb-item:contains('Dashboard') a"
        ),
        see("The dashboard is back", figure("to_invoice")),
    ];
}

registry.category("web_tour.tours").add("fieldservice_invoicing_dashboard", {
    steps: () => [
        seeFigure("to_invoice", "825.00", "2 orders", "oldest 9 days"),
        seeFigure("draft", "499.13", "1 invoice"),
        seeFigure("overdue", "499.13", "1 invoice"),
        seeFigure("due", "0.00", "0 invoices"),
        click("Open what is to invoice", figure("to_invoice")),
        see("The list has its two orders", ".o_data_row:eq(1)"),
        see("… and no other", absent(".o_data_row:eq(2)")),
        see("… among them this", ".o_data_row:contains('DASH-NORTH')"),
        ...back(),
        click("Open the drafts of a worker", cell("person", "Wendy", "draft")),
        see("The list has the draft", ".o_data_row:contains('Draft')"),
        see("… alone", absent(".o_data_row:eq(1)")),
        ...back(),
        click("Open days to bill", figure("days_to_bill")),
        see("The analysis opens", ".o_pivot"),
        ...back(),
        {
            content: "Choose a team",
            trigger: ".o_service_dashboard_filter[name=teams] input",
            run: "edit Dash North",
        },
        click(
            "… of those found",
            ".o-autocomplete--dropdown-item:contains('Dash North')"
        ),
        seeFigure("to_invoice", "412.50", "1 order"),
        see(
            "The other team is not shown",
            absent(".o_service_dashboard_table[name=team] tr:contains('Dash South')")
        ),
    ],
});

registry.category("web_tour.tours").add("fieldservice_invoicing_dashboard_phone", {
    steps: () => [
        see("Nothing to bill is said", "[name=nothing_to_bill]"),
        fits("The first figure is on the screen", figure("to_invoice")),
        fits("… and so is the last", figure("days_to_pay")),
        click("Open a figure", figure("to_invoice")),
        see("Its list says so, too", ".o_view_nocontent, .o_kanban_view"),
    ],
});
