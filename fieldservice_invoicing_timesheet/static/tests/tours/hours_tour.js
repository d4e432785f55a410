import {
    DIALOG,
    click,
    fits,
    noDialog,
    openOrder,
    seeLineOnPhone,
} from "@fieldservice_invoicing/../tests/tours/tour_utils";
import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const TIMESHEETS = ".o_field_widget[name=timesheet_ids]";

registry.category("web_tour.tours").add("fieldservice_invoicing_timesheet_hours", {
    steps: () => [
        openOrder("TOUR-WORK"),
        click("Open the Timesheets tab", "a[name=timesheets]"),
        click("Log time", `${TIMESHEETS} .o-kanban-button-new`),
        fits("The dialog's time fits the screen", `${DIALOG} [name=unit_amount] input`),
        {
            content: "Type the time",
            trigger: `${DIALOG} [name=unit_amount] input`,
            run: "edit 2:30",
        },
        {
            content: "Say what was done",
            trigger: `${DIALOG} [name=name] input`,
            run: "edit Pump replaced",
        },
        click("Keep the entry", `${DIALOG} .o_form_button_save`),
        noDialog(),
        ...stepUtils.saveForm(),
        click("Open the Order Lines tab", "a[name=order_lines_page]"),
        seeLineOnPhone("Labor", "2.50"),
        fits("The lines fit the screen", ".o_field_widget[name=line_ids]"),
    ],
});
