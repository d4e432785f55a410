import {Component, onWillUnmount, useEffect, useState} from "@odoo/owl";
import {RPCError} from "@web/core/network/rpc";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

// How long to wait (ms) where somebody else makes the steps, and after an error
const POLL = 2000;
const RETRY = 5000;

/**
 * Runs a batch of the user: one step after the other, each a request of its own, until
 * the batch is done or stopped, or the page is left. Of a batch that runs elsewhere, it
 * shows how far it is.
 */
export class ServiceInvoiceBatchProgress extends Component {
    static template = "fieldservice_invoicing.ServiceInvoiceBatchProgress";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.state = useState({error: ""});
        useEffect(
            (resId, isActive) => {
                this.stop();
                this.state.error = "";
                if (isActive) {
                    this.run = {resId};
                    this.proceed(this.run);
                }
            },
            () => [this.props.record.resId, this.isActive]
        );
        onWillUnmount(() => this.stop());
    }

    get data() {
        return this.props.record.data;
    }

    /** Whether there is something left to do, were it but to note the end. */
    get isActive() {
        const {state, end_date: endDate} = this.data;
        return state === "running" || (state === "done" && !endDate);
    }

    /** Whether the steps are made by this page. */
    get isRunner() {
        return this.data.is_mine && !this.data.is_background;
    }

    get percent() {
        return Math.floor(this.data.progress);
    }

    get summary() {
        return _t("%(done)s of %(all)s orders", {
            done: this.data.order_count - this.data.pending_count,
            all: this.data.order_count,
        });
    }

    get hint() {
        if (this.isRunner) {
            return _t(
                "Keep this page open. If you leave it, the work waits until you come back; after 10 minutes it goes on in the background."
            );
        }
        if (!this.data.is_background) {
            return _t("This runs on the screen of %s.", this.data.user_id.display_name);
        }
        return this.data.is_mine
            ? _t(
                  "This goes on in the background: you can leave this page, a message tells when it is done."
              )
            : _t("This goes on in the background.");
    }

    stop() {
        this.run = null;
        browser.clearTimeout(this.timer);
    }

    /** One step, and then the next: as long as `run` is the one that goes on. */
    async proceed(run) {
        let pause = POLL;
        try {
            pause = await this.makeStep(run);
            if (run === this.run) {
                this.state.error = "";
            }
        } catch (error) {
            if (run === this.run) {
                this.state.error = this.describe(error);
            }
            pause = RETRY;
        }
        if (run === this.run) {
            this.timer = browser.setTimeout(() => this.proceed(run), pause);
        }
    }

    /** Make one step, if this page does, and show how far the batch is. */
    async makeStep(run) {
        if (this.state.error) {
            // Somebody else may have taken over
            await this.props.record.load();
        }
        const {pending_count: pending} = this.data;
        if (this.isRunner) {
            const {resModel} = this.props.record;
            await this.orm.silent.call(resModel, "action_run_step", [[run.resId]]);
        }
        if (run === this.run) {
            await this.props.record.load();
        }
        // Without progress, another tab makes the steps
        return this.isRunner && this.data.pending_count < pending ? 0 : POLL;
    }

    describe(error) {
        return error instanceof RPCError
            ? error.data?.message || error.message
            : _t("The server can not be reached.");
    }
}

registry.category("view_widgets").add("service_invoice_batch_progress", {
    component: ServiceInvoiceBatchProgress,
    fieldDependencies: [
        {name: "end_date", type: "datetime"},
        {name: "is_background", type: "boolean"},
        {name: "is_mine", type: "boolean"},
        {name: "order_count", type: "integer"},
        {name: "pending_count", type: "integer"},
        {name: "progress", type: "float"},
        {name: "state", type: "selection"},
        {name: "user_id", type: "many2one"},
    ],
});
