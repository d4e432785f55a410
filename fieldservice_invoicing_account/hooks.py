# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def post_init_hook(env):
    """Link the service invoices of before, and count anew what went stale.

    By SQL: all invoice lines at once, issued ones among them.
    """
    env.flush_all()
    env.cr.execute(
        """
        INSERT INTO fsm_order_account_move_line_rel
                    (account_move_line_id, fsm_order_id)
             SELECT line.id, order_line.order_id
               FROM account_move_line AS line
               JOIN fsm_order_line AS order_line
                 ON order_line.id = line.fsm_order_line_id
        ON CONFLICT DO NOTHING
        """
    )
    env.invalidate_all()
    Move = env["account.move"]
    moves = Move.search(
        [
            "|",
            "|",
            ("line_ids.fsm_order_ids", "!=", False),
            ("fsm_order_ids", "!=", False),
            ("is_service_invoice", "=", True),
        ]
    )
    env.add_to_compute(Move._fields["fsm_order_ids"], moves)
