# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError

_logger = logging.getLogger(__name__)


class ServiceInvoiceBatchLine(models.Model):
    _name = "service.invoice.batch.line"
    _description = "Service Order of an Invoicing Batch"
    _order = "batch_id desc, group, id"

    batch_id = fields.Many2one(
        "service.invoice.batch", required=True, index=True, ondelete="cascade"
    )
    order_id = fields.Many2one(
        "fsm.order",
        string="Service Order",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="order_id.company_id", store=True, precompute=True
    )
    group = fields.Integer(help="Orders with the same number share an invoice.")
    state = fields.Selection(
        [
            ("pending", "Waiting"),
            ("invoiced", "Invoiced"),
            ("refused", "Not Invoiced"),
        ],
        string="Status",
        default="pending",
        required=True,
    )
    message = fields.Text(
        string="Reason",
        help="Why the order was not invoiced, or its invoice not posted or sent.",
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", index="btree_not_null", ondelete="set null"
    )

    _one_line = models.UniqueIndex(
        "(batch_id, order_id)", "A batch has each service order once."
    )
    _pending = models.Index("(batch_id, \"group\") WHERE state = 'pending'")

    def _take(self):
        """Lock lines that are to be billed and that nobody else is about to bill:
        whole invoices, by the first line of each.

        :return: `service.invoice.batch.line`
        """
        pending = self.filtered(lambda line: line.state == "pending")
        invoices = pending.grouped("group")
        heads = self.browse().union(*(lines[0] for lines in invoices.values()))
        heads = heads.try_lock_for_update(allow_referencing=True)
        return self.browse().union(*(invoices[head.group] for head in heads))

    def _bill(self):
        """Bill the orders of these lines of one batch (superuser mode), together if
        that works, else each invoice by itself. What stops one does not stop others.
        """
        if not self:
            return
        batch = self.batch_id
        if self._attempt(self._create_invoices):
            for lines in self.grouped("group").values():
                lines._bill_one_invoice()
        moves = self.move_id
        if batch.closing != "draft":
            moves = self._close(moves, "_post_invoices")
        if batch.closing == "send":
            self._close(moves, "_send_invoices")

    def _bill_one_invoice(self):
        """Bill the orders that share an invoice, without those that can not be billed.

        Which ones that are is tried out, each order by itself.
        """
        refusal = self._attempt(self._create_invoices)
        if not refusal:
            return
        if len(self) == 1:
            self._refuse(refusal)
            return
        good = self.browse()
        for line in self:
            if refusal_of_line := line._attempt(line._create_invoices, keep=False):
                line._refuse(refusal_of_line)
            else:
                good |= line
        if good == self:
            self._refuse(refusal)
        elif good:
            good._bill_one_invoice()

    def _refuse(self, reason):
        self.write({"state": "refused", "message": reason})

    @api.model
    def _attempt(self, function, *args, keep=True):
        """Call a function; what it did is undone when it fails.

        :param function: callable
        :param bool keep: else what it did is undone in any case
        :return: why it failed (str), or False
        """
        try:
            with self.env.cr.savepoint() as savepoint:
                function(*args)
                if not keep:
                    savepoint.rollback()
        except (psycopg2.OperationalError, ConcurrencyError):
            # of the transaction as a whole, which is tried again
            raise
        except UserError as error:
            return str(error)
        except psycopg2.errors.UniqueViolation as error:
            # billed by somebody else since the transaction began
            return self.env["fsm.order.invoice"]._sql_error_to_message(error)
        except Exception:
            # else a defect that concerns one order would keep all others unbilled
            _logger.exception("Service orders %s can not be billed", self.order_id.ids)
            return self.env._(
                "An unexpected error: ask your administrator to look at the log."
            )
        return False

    def _get_user_env(self):
        """Environment with the rights of the user of the batch."""
        user = self.batch_id.user_id
        # automatic invoicing is nobody's
        is_automatic = user._is_superuser()
        person = self.company_id.partner_id[:1] if is_automatic else user
        context = {
            "lang": person.lang,
            "tz": person.tz,
            "allowed_company_ids": self.company_id.ids,
        }
        return self.env(user=user, su=is_automatic, context=context)

    def _create_invoices(self):
        """Create the invoices of the orders of these lines."""
        orders = self.order_id.with_env(self._get_user_env())
        moves = orders._create_invoices(grouped=self.batch_id.grouped)
        claims = moves.service_order_link_ids
        invoices = {claim.order_id.id: claim.move_id.id for claim in claims}
        for line in self:
            line.write({"state": "invoiced", "move_id": invoices[line.order_id.id]})

    def _close(self, moves, name):
        """Post or send invoices, together if that works, else one by one.

        :param moves: `account.move` in superuser mode
        :param str name: of the method that does it
        :return: those that it was done for
        """
        if not moves or not self._attempt(getattr(self, name), moves):
            return moves
        done = moves.browse()
        for move in moves:
            if refusal := self._attempt(getattr(self, name), move):
                lines = self.filtered(lambda line, move=move: line.move_id == move)
                lines.message = refusal
            else:
                done |= move
        return done

    def _post_invoices(self, moves):
        moves.with_env(self._get_user_env()).action_post()

    def _send_invoices(self, moves):
        """Have Odoo's scheduled action send invoices."""
        dialog = self.env["account.move.send.batch.wizard"]
        dialog = dialog.with_env(self._get_user_env())
        dialog.create({"move_ids": moves.ids}).action_send_and_print()
