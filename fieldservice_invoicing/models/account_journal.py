# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.tools import SQL


class AccountJournal(models.Model):
    _inherit = "account.journal"

    def _queue_hashing(self):
        """Have transactions that post in the same hashed sales journal follow each
        other: called before service invoices and whatever shares their chain post.

        Odoo lets the second of two take the next number without seeing the first,
        and hashes it as if that one did not exist: the chain is broken for good. What
        both update makes the second fail, and Odoo runs it again.
        """
        hashed = self.filtered(
            lambda journal: journal.type == "sale" and journal.restrict_mode_hash_table
        )
        if hashed:
            self.env.cr.execute(
                SQL(
                    "UPDATE account_journal SET write_date = write_date WHERE id IN %s",
                    tuple(hashed.ids),
                )
            )
