# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models
from odoo.exceptions import UserError

# others send to the address, or to the endpoint, of the contact
ONE_OFF_METHODS = {"email", "manual"}


class AccountMoveSend(models.AbstractModel):
    """Sends the invoice of a one-off to the address that was typed in, which does not
    become a contact, and never to the walk-in contact behind it."""

    _inherit = "account.move.send"

    @api.model
    def _get_default_email_to(self, move):
        """E-mail address (str or False), of no contact, that gets one invoice."""
        return move._is_one_off() and move._get_document_partner().email

    @api.model
    def _get_default_sending_methods(self, move):
        methods = super()._get_default_sending_methods(move)
        if move._is_one_off():
            return (set(methods) & ONE_OFF_METHODS) or {"email"}
        return methods

    def _check_sending_data(self, moves, **custom_settings):
        res = super()._check_sending_data(moves, **custom_settings)
        one_offs = moves.filtered(lambda move: move._is_one_off())
        if one_offs and set(custom_settings.get("sending_methods", [])) - (
            ONE_OFF_METHODS
        ):
            raise UserError(
                self.env._(
                    "%(document)s bills a one-off. It is sent by e-mail, or printed: "
                    "other ways would send it to the walk-in contact.",
                    document=", ".join(one_offs.mapped("name")),
                )
            )
        return res

    @api.model
    def _get_default_sending_settings(self, move, from_cron=False, **custom_settings):
        settings = super()._get_default_sending_settings(
            move, from_cron=from_cron, **custom_settings
        )
        settings["outgoing_email_to"] = custom_settings.get(
            "outgoing_email_to", self._get_default_email_to(move)
        )
        return settings

    @api.model
    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        partners = super()._get_default_mail_partner_ids(move, mail_template, mail_lang)
        partners -= move._get_reached_partners()
        return partners - move.partner_id if move._is_one_off() else partners

    @api.model
    def _is_applicable_to_move(self, method, move, **move_data):
        if method == "email" and move_data.get("outgoing_email_to"):
            return True
        return super()._is_applicable_to_move(method, move, **move_data)

    @api.model
    def _get_alerts(self, moves, moves_data):
        if len(moves) == 1:
            # Odoo's dialog for many gives ids, where that for one gives records
            data = moves_data[moves]
            partners = data.get("mail_partner_ids")
            if isinstance(partners, list):
                partners = self.env["res.partner"].browse(partners)
                moves_data = {moves: {**data, "mail_partner_ids": partners}}
        alerts = super()._get_alerts(moves, moves_data)
        one_offs = moves.filtered(lambda move: move._is_one_off())
        if len(moves) > 1 and one_offs & self._get_moves_by_email(moves_data):
            alerts.pop("account_missing_email", None)
            alerts |= self._get_missing_email_alerts(moves, one_offs, moves_data)
        return alerts

    @api.model
    def _get_moves_by_email(self, moves_data):
        """Documents (`account.move`) that go by e-mail, of those to send."""
        return self.env["account.move"].union(
            *(
                move
                for move, data in moves_data.items()
                if "email" in data["sending_methods"]
            )
        )

    @api.model
    def _get_missing_email_alerts(self, moves, one_offs, moves_data):
        """Alerts (dict) of a batch: contacts without e-mail address, and one-offs.

        :param moves: `account.move`, all documents of the batch
        :param one_offs: those of them that bill a one-off
        :param dict moves_data: their sending settings
        """
        alerts = {}
        by_email = self._get_moves_by_email(moves_data)
        contacts = (by_email - one_offs).partner_id
        if contacts := contacts.filtered(lambda partner: not partner.email):
            alerts["account_missing_email"] = {
                "level": "warning",
                "message": self.env._("Partner(s) should have an email address."),
                "action_text": self.env._("View Partner(s)"),
                "action": contacts._get_records_action(
                    name=self.env._("Check Partner(s) Email(s)")
                ),
            }
        without = (by_email & one_offs).filtered(
            lambda move: not moves_data[move].get("outgoing_email_to")
        )
        if without:
            alerts["service_one_off_missing_email"] = {
                "level": "warning",
                "message": self.env._(
                    "No e-mail address was typed in for the one-offs of %s. Send these "
                    "one by one to give an address, or print them.",
                    ", ".join(without.mapped("name")),
                ),
                "action_text": self.env._("View Invoice(s)"),
                "action": without._get_records_action(name=self.env._("One-offs")),
            }
        return alerts

    @api.model
    def _get_mail_params(self, move, move_data):
        params = super()._get_mail_params(move, move_data)
        if params and (email_to := move_data.get("outgoing_email_to")):
            params["outgoing_email_to"] = email_to
        return params

    @api.model
    def _prepare_invoice_pdf_report(self, invoices_data):
        """As Odoo does it; a service invoice that can not be printed is not sent, and
        holds up no other."""
        try:
            super()._prepare_invoice_pdf_report(invoices_data)
        except UserError as error:
            if not any(move.is_service_invoice for move in invoices_data):
                raise
            if len(invoices_data) > 1:
                # wkhtmltopdf without its own Qt prints them one by one only
                for move, move_data in invoices_data.items():
                    self._prepare_invoice_pdf_report({move: move_data})
                return
            ((move, move_data),) = invoices_data.items()
            move_data["error"] = {
                "error_title": self.env._(
                    "%(document)s is not sent, as it can not be printed.",
                    document=move.name,
                ),
                "errors": [str(error)],
            }

    @api.model
    def _link_invoice_documents(self, invoices_data):
        """As Odoo does it; a service invoice whose PDF can not be stored is not sent,
        and holds up no other."""
        invoices = self.env["account.move"].sudo().union(*invoices_data)
        own = invoices.filtered("is_service_invoice")
        res = super()._link_invoice_documents(
            {move: data for move, data in invoices_data.items() if move not in own}
        )
        for move in own:
            try:
                with self.env.cr.savepoint():
                    super()._link_invoice_documents({move: invoices_data[move]})
            except OSError as error:
                invoices_data[move]["error"] = {
                    "error_title": self.env._(
                        "%(document)s is not sent, as its PDF can not be stored. Tell "
                        "the administrator of the server, then send it again.",
                        document=move.name,
                    ),
                    "errors": [error.strerror or str(error)],
                }
        return res

    @api.model
    def _send_mail(self, move, mail_template, **kwargs):
        if not move.is_service_invoice:
            return super()._send_mail(move, mail_template, **kwargs)
        move._give_up_unsent()
        res = super()._send_mail(move, mail_template, **kwargs)
        messages = self.env["mail.message"].sudo()
        domain = [("model", "=", move._name), ("res_id", "=", move.id)]
        move._keep_sending(messages.search(domain, order="id desc", limit=1))
        return res

    @api.model
    def _send_mails(self, moves_data):
        # Odoo sends to contacts only
        one_offs = {
            move: data
            for move, data in moves_data.items()
            if data.get("outgoing_email_to")
        }
        res = super()._send_mails(
            {move: data for move, data in moves_data.items() if move not in one_offs}
        )
        self._generate_dynamic_reports(one_offs)
        for move, data in one_offs.items():
            self._send_mail_to_one_off(move, data)
        return res

    @api.model
    def _send_mail_to_one_off(self, move, move_data):
        """Send one document to an address of no contact.

        :param move: `account.move` in superuser mode
        :param dict move_data: its sending settings
        """
        template, lang = move_data["mail_template"], move_data["mail_lang"]
        params = self._get_mail_params(move, move_data)
        if proforma := move_data.get("proforma_pdf_attachment"):
            params["attachments"].append((proforma.name, proforma.raw))
        author_id = params.pop("author_id", False)
        email_from = self._get_mail_default_field_value_from_template(
            template, lang, move, "email_from"
        )
        if email_from or not author_id:
            author_id, email_from = move._message_compute_author(email_from=email_from)
        self._send_mail(
            move,
            template,
            author_id=author_id,
            email_from=email_from,
            subtype_id=self.env.ref("mail.mt_comment").id,
            model_description=move.with_context(lang=lang).type_name,
            notify_author_mention=True,
            **params,
        )
