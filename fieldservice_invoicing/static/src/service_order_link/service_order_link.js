import {CharField, charField} from "@web/views/fields/char/char_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** The name of a record, which opens it beside the dialog that lists it. */
export class ServiceOrderLink extends CharField {
    static template = "fieldservice_invoicing.ServiceOrderLink";

    get url() {
        const {resId, resModel} = this.props.record;
        return `/odoo/${resModel}/${resId}`;
    }
}

registry.category("fields").add("service_order_link", {
    ...charField,
    component: ServiceOrderLink,
    displayName: _t("Link to the Record"),
});
