import {
    DIALOG,
    click,
    fits,
    noDialog,
    openOrder,
    see,
    seeLineOnPhone,
} from "@fieldservice_invoicing/../tests/tours/tour_utils";
import {registry} from "@web/core/registry";

const ADD_PARTS = ".o_statusbar_buttons button[name=action_add_parts]";
const VALIDATE = ".o_statusbar_buttons button[name=button_validate]";

registry.category("web_tour.tours").add("fieldservice_invoicing_stock_parts", {
    steps: () => [
        openOrder("TOUR-WORK"),
        fits("The button to add parts fits the screen", ADD_PARTS),
        click("Add parts", ADD_PARTS),
        click(
            "Add a part to the delivery",
            ".o_field_widget[name=move_ids] .o-kanban-button-new"
        ),
        click("Choose the product", `${DIALOG} [name=product_id] input`),
        click("Take it", ".modal .o_kanban_record:contains('Valve')"),
        {
            content: "Type the quantity",
            trigger: `${DIALOG} [name=product_uom_qty] input`,
            run: "edit 2",
        },
        click("Keep the part", `${DIALOG} .o_form_button_save`),
        noDialog(),
        click("Mark the delivery as to do", "button[name=action_confirm]"),
        click("Validate it", VALIDATE),
        see("It is done", ".o_statusbar_status button:contains('Done'):visible"),
        click("Back to the order", "button.o_back_button:visible"),
        openOrder("TOUR-WORK"),
        click("Open the Order Lines tab", "a[name=order_lines_page]"),
        seeLineOnPhone("Valve", "2.00"),
        fits("The lines fit the screen", ".o_field_widget[name=line_ids]"),
    ],
});
