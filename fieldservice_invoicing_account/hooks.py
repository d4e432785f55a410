# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def post_init_hook(env):
    """Link the lines of service invoices of before: all at once, by SQL."""
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
