import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {formatCurrency} from "@web/core/currency";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** Untaxed amount, tax and total of many invoices: a row for each currency. */
export class ServiceInvoiceTotals extends Component {
    static template = "fieldservice_invoicing.ServiceInvoiceTotals";
    static props = {...standardFieldProps};

    get rows() {
        return this.props.record.data[this.props.name] || [];
    }

    format(row, name) {
        return formatCurrency(row[name], row.currency_id);
    }
}

registry.category("fields").add("service_invoice_totals", {
    component: ServiceInvoiceTotals,
    displayName: _t("Totals by Currency"),
    supportedTypes: ["json"],
});
