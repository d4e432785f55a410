# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.base.models.res_partner import _lang_get

PREFIX = "bill_to_"


class ServiceBillToMixin(models.AbstractModel):
    """A bill-to that is a contact, or a one-off typed in without making a contact.

    The accounting of a one-off goes to the walk-in contact of the record's company;
    whatever the document says comes from what was typed.
    """

    _name = "service.bill.to.mixin"
    _description = "Bill-to, a Contact or a One-Off"

    bill_to_type = fields.Selection(
        [
            ("contact", "Contact"),
            ("person", "One-off Individual"),
            ("company", "One-off Company"),
        ],
        string="Bill-to Type",
        default="contact",
        required=True,
        help="A one-off is typed in here, and does not become a contact.",
    )
    bill_to_name = fields.Char(string="Bill-to Name")
    bill_to_street = fields.Char(string="Bill-to Street")
    bill_to_street2 = fields.Char(string="Bill-to Street 2")
    bill_to_zip = fields.Char(string="Bill-to ZIP")
    bill_to_city = fields.Char(string="Bill-to City")
    bill_to_state_id = fields.Many2one(
        "res.country.state",
        string="Bill-to State",
        domain="[('country_id', '=?', bill_to_country_id)]",
    )
    bill_to_country_id = fields.Many2one(
        "res.country", string="Bill-to Country", inverse="_inverse_bill_to_vat"
    )
    bill_to_vat = fields.Char(string="Bill-to Tax ID", inverse="_inverse_bill_to_vat")
    bill_to_email = fields.Char(string="Bill-to Email")
    bill_to_phone = fields.Char(string="Bill-to Phone")
    bill_to_lang = fields.Selection(
        _lang_get,
        string="Bill-to Language",
        help="Language of the invoice. Empty: that of the walk-in contact.",
    )
    active_lang_count = fields.Integer(compute="_compute_active_lang_count")

    def _compute_active_lang_count(self):
        self.active_lang_count = len(self.env["res.lang"].get_installed())

    # ------------------------------------------------------------------
    # Names and values of the fields
    # ------------------------------------------------------------------

    @api.model
    def _get_typed_partner_fields(self):
        """Names (list) of the `res.partner` fields that are typed in for a one-off,
        here with the prefix ``bill_to_``: hook for more."""
        return [
            "name",
            "street",
            "street2",
            "zip",
            "city",
            "state_id",
            "country_id",
            "vat",
            "email",
            "phone",
            "lang",
        ]

    @api.model
    def _get_typed_fields(self):
        """Names (list) of the fields that are typed in for a one-off."""
        return [PREFIX + name for name in self._get_typed_partner_fields()]

    @api.model
    def _get_bill_to_fields(self):
        """Names (list) of the fields that say whom a record bills, beside its
        contact."""
        return ["bill_to_type", *self._get_typed_fields()]

    @api.model
    def _get_bill_to_tax_fields(self):
        """Names (list) of the fields by which a one-off is taxed."""
        return [
            "bill_to_type",
            "bill_to_zip",
            "bill_to_state_id",
            "bill_to_country_id",
            "bill_to_vat",
        ]

    def _get_bill_to_values(self):
        """What one record says of whom it bills, beside its contact, for another.

        :return: dict for ``create``
        """
        self.ensure_one()
        names = self._get_bill_to_fields()
        return self._convert_to_write({name: self[name] for name in names})

    @api.model
    def _get_untyped_values(self, bill_to_type):
        """Values (dict) that empty the fields which a type of bill-to does not have."""
        if bill_to_type == "contact":
            return dict.fromkeys(self._get_typed_fields(), False)
        return {"bill_to_vat": False} if bill_to_type == "person" else {}

    # ------------------------------------------------------------------
    # The bill-to
    # ------------------------------------------------------------------

    def _is_one_off(self):
        """Whether one record bills someone who was typed in (bool)."""
        return self.bill_to_type in ("person", "company")

    def _get_bill_to_contact(self):
        """The contact (`res.partner`) in whose name one record is booked: for models
        to implement."""
        raise NotImplementedError()

    def _get_bill_to(self):
        """Whom one record bills, now (`res.partner`, which may be a record in
        memory)."""
        self.ensure_one()
        if not self._is_one_off():
            return self._get_bill_to_contact()
        return self._get_one_off_partner()

    def _get_bill_to_lang(self):
        """Language code (str or False) of whom one record, or none, bills."""
        # what was typed may have been deactivated since
        typed = self.env["res.lang"]._get_code(self.bill_to_lang)
        return typed or self._get_bill_to_contact().lang

    def _get_one_off_partner(self):
        """The one-off that was typed in on one record (`res.partner`, a record in
        memory): what Odoo computes for a contact follows from what was typed, and
        nothing comes from the walk-in contact but the language."""
        typed = {name: self[PREFIX + name] for name in self._get_typed_partner_fields()}
        return self.env["service.invoice.snapshot"]._get_as_issued(
            self.env["res.partner"].with_company(self.company_id),
            {
                **self._get_untold_values(),
                **typed,
                "is_company": self.bill_to_type == "company",
                "lang": self._get_bill_to_lang(),
            },
        )

    @api.model
    def _get_untold_values(self):
        """Values (dict) of a one-off that nobody types, and that must not be defaults:
        what a document says, and what decides the taxes."""
        Partner = self.env["res.partner"]
        told = self.env["service.invoice.snapshot"]._get_partner_fields()
        entered = [name for name in told if not Partner._fields[name].compute]
        return dict.fromkeys(
            [*entered, "parent_id", "company_name", "property_account_position_id"],
            False,
        )

    def _get_bill_to_fiscal_position(self):
        """The fiscal position (`account.fiscal.position`) by whom one record bills."""
        FiscalPosition = self.env["account.fiscal.position"]
        return FiscalPosition.with_company(self.company_id)._get_fiscal_position(
            self._get_bill_to()
        )

    def _get_walk_in_refusal(self):
        """Refusal (str or False) of one record's one-off, without a contact behind."""
        return not self.company_id.service_walk_in_partner_id and self.env._(
            "%(document)s is for a one-off bill-to, and %(company)s has no walk-in "
            "contact to book that on. Set one under Field Service › Configuration › "
            "Settings › Invoicing › Walk-in Contact.",
            document=self.display_name,
            company=self.company_id.name,
        )

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    def write(self, vals):
        if "bill_to_type" in vals:
            vals = {**self._get_untyped_values(vals["bill_to_type"]), **vals}
        return super().write(vals)

    @api.onchange("bill_to_type")
    def _onchange_bill_to_type(self):
        self.update(self._get_untyped_values(self.bill_to_type))

    @api.onchange("bill_to_country_id")
    def _onchange_bill_to_country_id(self):
        if self.bill_to_country_id != self.bill_to_state_id.country_id:
            self.bill_to_state_id = False

    @api.onchange("bill_to_state_id")
    def _onchange_bill_to_state_id(self):
        if self.bill_to_state_id:
            self.bill_to_country_id = self.bill_to_state_id.country_id

    def _inverse_bill_to_vat(self):
        """Check and format the VAT number as Odoo does for contacts."""
        for record in self.filtered("bill_to_vat"):
            vat, _country_code = self.env["res.partner"]._run_vat_checks(
                record.bill_to_country_id,
                record.bill_to_vat,
                partner_name=record.bill_to_name or "",
            )
            if vat != record.bill_to_vat:
                record.bill_to_vat = vat

    @api.constrains(lambda self: self._get_bill_to_fields())
    def _check_bill_to(self):
        """A one-off has a name, and only a one-off has what is typed."""
        for record in self:
            if record._is_one_off() and not (record.bill_to_name or "").strip():
                raise ValidationError(
                    self.env._(
                        "%(document)s has a one-off bill-to without a name. Type it "
                        "in, or choose a contact as the bill-to.",
                        document=record.display_name,
                    )
                )
            for name in self._get_untyped_values(record.bill_to_type):
                if record[name]:
                    raise ValidationError(
                        self.env._(
                            "%(field)s does not belong to the bill-to of %(document)s. "
                            "Choose another type of bill-to: an address is typed in "
                            "for a one-off, a tax ID for a one-off company.",
                            field=self._fields[name]._description_string(self.env),
                            document=record.display_name,
                        )
                    )
