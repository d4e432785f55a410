# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import is_html_empty


class FsmCloseoutRule(models.Model):
    """What has to be there before a service order is billed.

    Addons add a requirement by ``selection_add`` and say in :meth:`_get_gaps` which
    orders do not meet it.
    """

    _name = "fsm.closeout.rule"
    _description = "Closeout Check"
    _order = "company_id, requirement, type_id, id"
    _rec_name = "requirement"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
        ondelete="cascade",
    )
    requirement = fields.Selection(
        [
            ("signature", "Customer signature"),
            ("resolution", "Resolution text"),
            ("attachment", "Photo or other attachment"),
            ("price", "Price on every line"),
        ],
        required=True,
        help="What a service order needs before it is billed.",
    )
    type_id = fields.Many2one(
        "fsm.order.type",
        string="Order Type",
        ondelete="cascade",
        help="Orders of this type only; its rule counts before the one without a type.",
    )
    level = fields.Selection(
        [("off", "Off"), ("warning", "Warning"), ("blocking", "Blocking")],
        required=True,
        default="warning",
        help="A warning shows what is missing; a blocking rule refuses to bill the "
        "order until it is there.",
    )

    _one_rule = models.UniqueIndex(
        "(company_id, requirement, COALESCE(type_id, 0))",
        "There is a closeout check of this kind for the company and order type: "
        "change its level instead.",
    )

    @api.model
    def _get_findings(self, orders):
        """What orders lack by the rules of their companies and types.

        :param orders: `fsm.order`, any number, in superuser mode or readable
        :return: dict of order and list of pairs of level (str) and message (str)
        """
        rules = self.sudo().search([("company_id", "in", orders.company_id.ids)])
        by_scope = {
            (rule.company_id, rule.type_id, rule.requirement): rule.level
            for rule in rules
        }
        any_type = self.env["fsm.order.type"]
        findings = {order: [] for order in orders}
        for requirement in dict.fromkeys(rules.mapped("requirement")):
            levels = {
                order: by_scope.get((order.company_id, order.type, requirement))
                or by_scope.get((order.company_id, any_type, requirement), "off")
                for order in orders
            }
            concerned = orders.filtered(
                lambda order, levels=levels: levels[order] != "off"
            )
            if concerned:
                for order, message in self._get_gaps(requirement, concerned).items():
                    findings[order].append((levels[order], message))
        return findings

    @api.model
    def _get_gaps(self, requirement, orders):
        """Which orders do not meet a requirement: the hook for those of other addons.

        :param str requirement: a value of the field ``requirement``
        :param orders: `fsm.order`, any number: ask the database once for all
        :return: dict of order and message (str) that says what is missing
        """
        if requirement == "signature":
            missing = orders - self._get_orders_with_file(orders, "signature")
            message = self.env._("The customer has not signed.")
        elif requirement == "resolution":
            missing = orders.filtered(lambda order: is_html_empty(order.resolution))
            message = self.env._("The resolution is empty.")
        elif requirement == "attachment":
            missing = orders - self._get_orders_with_file(orders)
            message = self.env._("There is no photo or other attachment.")
        elif requirement == "price":
            missing = orders.filtered(lambda order: order._get_unpriced_lines())
            message = self.env._("A line to bill has no price.")
        else:
            return {}
        return dict.fromkeys(missing, message)

    @api.model
    def _get_orders_with_file(self, orders, field_name=False):
        """Those of ``orders`` (`fsm.order`) that have a file attached.

        :param field_name: the binary field that holds the file, False: none does
        """
        groups = (
            self.env["ir.attachment"]
            .sudo()
            ._read_group(
                [
                    ("res_model", "=", orders._name),
                    ("res_id", "in", orders.ids),
                    ("res_field", "=", field_name),
                ],
                ["res_id"],
            )
        )
        return orders.browse(order_id for (order_id,) in groups)
