# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class ResCompany(models.Model):
    _inherit = "res.company"

    # the field that Odoo's sale has, with the same meaning
    downpayment_account_id = fields.Many2one(
        "account.account",
        domain=[
            ("account_type", "in", ("income", "income_other", "liability_current"))
        ],
        tracking=True,
        help="Liability account that holds deposits until invoices apply them. When it "
        "allows reconciliation, differences of currency rates are booked.",
    )
    service_retainage_account_id = fields.Many2one(
        "account.account",
        string="Retainage Receivable Account",
        domain=[("account_type", "=", "asset_current"), ("reconcile", "=", True)],
        check_company=True,
        tracking=True,
        help="Holds what customers retain of progress draws until it is released. Odoo "
        "allows no invoice line on an account of the type Receivable: it is a current "
        "asset that allows reconciliation.",
    )
    service_deposit_tax_point = fields.Selection(
        [
            ("deposit", "When the deposit is invoiced"),
            ("invoice", "When the work is invoiced"),
        ],
        string="Tax on Deposits",
        default="deposit",
        required=True,
        help="When tax is due on a deposit. In the European Union it is due when the "
        "deposit is received (Directive 2006/112/EC, article 65).",
    )
    service_retainage_tax_point = fields.Selection(
        [
            ("draw", "When the work is invoiced"),
            ("release", "When the retainage is released"),
        ],
        string="Tax on Retainage",
        default="draw",
        required=True,
        help="When tax is due on what the customer retains. Some countries let it wait "
        "until the retainage is invoiced, e.g. the United Kingdom (VAT Notice 708, "
        "section 24).",
    )
    service_retainage_percent = fields.Float(
        string="Retainage (%)",
        digits=(16, 4),
        help="Retainage proposed for new orders with progress billing.",
    )

    @api.constrains("service_retainage_percent")
    def _check_service_retainage_percent(self):
        for company in self:
            if not 0 <= company.service_retainage_percent <= 100:
                raise ValidationError(
                    self.env._(
                        "The retainage of %(company)s has to be between 0 and 100 %%.",
                        company=company.name,
                    )
                )

    @api.constrains("service_retainage_account_id")
    def _check_service_retainage_account(self):
        for company in self:
            account = company.service_retainage_account_id
            if account and (
                account.account_type != "asset_current" or not account.reconcile
            ):
                raise ValidationError(
                    self.env._(
                        "%(account)s can not hold retainage: choose a current asset "
                        "that allows reconciliation.",
                        account=account.display_name,
                    )
                )

    def _create_progress_accounts(self):
        """Create the accounts for deposits and retainage that these companies lack.

        Called when the addon is installed and when a chart of accounts is loaded.
        """
        wanted = {
            "downpayment_account_id": (
                self.env._("Customer Deposits"),
                "liability_current",
            ),
            "service_retainage_account_id": (
                self.env._("Retainage Receivable"),
                "asset_current",
            ),
        }
        for company in self:
            for name, (label, account_type) in wanted.items():
                if not company[name]:
                    company[name] = company._get_chart_account(
                        name
                    ) or company._create_progress_account(name, label, account_type)

    def _get_chart_account(self, name):
        """Account (`account.account` or None) that the chart of one company names for
        the field ``name``, or that the addon created when it was installed before."""
        ChartTemplate = self.env["account.chart.template"].with_company(self)
        data = ChartTemplate._get_chart_template_data(self.chart_template)
        xmlid = (data.get("template_data") or {}).get(name, name)
        return ChartTemplate.ref(xmlid, raise_if_not_found=False)

    def _create_progress_account(self, name, label, account_type):
        """New account (`account.account`) of one company, that allows reconciliation.

        Its XML ID is one of the chart: what is booked on it outlives the addon.

        :param str name: of the field of the company that it is for
        :param str label: its name
        :param str account_type: its type, beside whose other accounts it gets its code
        """
        self.ensure_one()
        Account = self.env["account.account"].with_company(self)
        last = Account.search(
            [*Account._check_company_domain(self), ("account_type", "=", account_type)],
            order="code desc",
            limit=1,
        )
        account = Account.create(
            {
                "name": label,
                "code": Account._search_new_account_code(last.code or "100000"),
                "account_type": account_type,
                "reconcile": True,
            }
        )
        xmlid = self.env["account.chart.template"].company_xmlid(name, self)
        self.env["ir.model.data"]._update_xmlids(
            [{"xml_id": xmlid, "record": account, "noupdate": True}]
        )
        return account

    def _get_deposit_account(self):
        """Liability account (`account.account`) of one company for deposits.

        :raise UserError: none is set
        """
        self.ensure_one()
        return self._get_progress_account("downpayment_account_id")

    def _get_retainage_account(self):
        """Account (`account.account`) of one company that holds retainage.

        :raise UserError: none is set
        """
        self.ensure_one()
        return self._get_progress_account("service_retainage_account_id")

    def _get_progress_account(self, name):
        """Account (`account.account`) in the field ``name`` of one company, or of the
        nearest one above it that has one.

        :raise UserError: none is set; says where
        """
        for company in self.sudo().parent_ids[::-1]:
            if company[name]:
                return company[name]
        raise UserError(
            self.env._(
                "%(company)s has no %(account)s. An administrator can set it in the "
                "Field Service settings.",
                company=self.name,
                account=self._fields[name]._description_string(self.env),
            )
        )
