import {Component, onWillStart, useState} from "@odoo/owl";
import {Layout} from "@web/search/layout";
import {MultiRecordSelector} from "@web/core/record_selectors/multi_record_selector";
import {_t} from "@web/core/l10n/translation";
import {formatCurrency} from "@web/core/currency";
import {formatFloat} from "@web/core/utils/numbers";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";
import {useSetupAction} from "@web/search/action_hook";

/** Where the billing of service orders stands; each figure opens its list. */
export class InvoicingDashboard extends Component {
    static template = "fieldservice_invoicing.InvoicingDashboard";
    static components = {Layout, MultiRecordSelector};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = {controlPanel: {}};
        // back from a list, the choice is still there
        const {teamIds = [], personIds = []} = this.props.state || {};
        this.state = useState({data: null, teamIds, personIds});
        useSetupAction({
            getLocalState: () => ({
                teamIds: [...this.state.teamIds],
                personIds: [...this.state.personIds],
            }),
        });
        onWillStart(() => this.load());
    }

    async load() {
        const {teamIds, personIds} = this.state;
        this.state.data = await this.orm.call(
            "fsm.order",
            "get_invoicing_dashboard",
            [],
            {team_ids: teamIds, person_ids: personIds}
        );
    }

    async chooseTeams(resIds) {
        this.state.teamIds = resIds;
        await this.load();
    }

    async choosePersons(resIds) {
        this.state.personIds = resIds;
        await this.load();
    }

    get isFiltered() {
        return this.state.teamIds.length > 0 || this.state.personIds.length > 0;
    }

    get isAllBilled() {
        return this.figureOf("to_invoice").cell.count === 0;
    }

    get currencyNote() {
        const {is_converted: isConverted, currency_name: name} = this.state.data;
        return isConverted
            ? _t("Amounts in %s; those in other currencies at today's rate.", name)
            : _t("Amounts in %s.", name);
    }

    figureOf(key) {
        return this.state.data.figures.find((figure) => figure.key === key);
    }

    formatValue(figure, cell) {
        if (figure.unit === "days") {
            return cell.count ? formatFloat(cell.value, {digits: [16, 1]}) : "–";
        }
        return formatCurrency(cell.value, this.state.data.currency_id);
    }

    formatCount(figure, cell) {
        if (figure.key === "to_invoice" || figure.unit === "days") {
            return cell.count === 1 ? _t("1 order") : _t("%s orders", cell.count);
        }
        return cell.count === 1 ? _t("1 invoice") : _t("%s invoices", cell.count);
    }

    formatOldest(cell) {
        return cell.oldest === 1
            ? _t("oldest 1 day")
            : _t("oldest %s days", cell.oldest);
    }

    /** What assistive technology reads of a button in the tables. */
    describe(figure, row) {
        const cell = row.cells[figure.key];
        return [
            row.name,
            figure.label,
            this.formatValue(figure, cell),
            this.formatCount(figure, cell),
        ].join(", ");
    }

    /** Open the list of a figure, or of a cell of the tables. */
    async open(figure, cell, rowName) {
        const action = await this.action.loadAction(figure.action);
        const name = rowName ? `${figure.label}: ${rowName}` : figure.label;
        // the lists' own default filters would leave some of it out
        const context = {create: false};
        if (figure.unit === "days") {
            context.group_by = ["team_id"];
        }
        await this.action.doAction({
            ...action,
            name,
            display_name: name,
            domain: cell.domain,
            context,
        });
    }
}

registry
    .category("actions")
    .add("fieldservice_invoicing.dashboard", InvoicingDashboard);
