# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the books must say, whatever happened to the server."""

import sys
from contextlib import closing

import psycopg2

# Each finds what is wrong: it has to find nothing.
CHECKS = {
    "orders with two active invoices": """
        SELECT order_id, slot, count(*) FROM fsm_order_invoice
        WHERE is_active GROUP BY order_id, slot HAVING count(*) > 1
    """,
    "entries out of balance": """
        SELECT move.name, sum(line.balance)
        FROM account_move_line line JOIN account_move move ON move.id = line.move_id
        GROUP BY move.id HAVING abs(sum(line.balance)) > 0.001
    """,
    "numbers missing": """
        SELECT journal_id, sequence_prefix, min(sequence_number), max(sequence_number),
            count(*)
        FROM account_move WHERE state = 'posted' AND sequence_number > 0
        GROUP BY journal_id, sequence_prefix
        HAVING min(sequence_number) <> 1 OR max(sequence_number) <> count(*)
    """,
    "numbers given twice": """
        SELECT journal_id, name, count(*) FROM account_move
        WHERE state = 'posted' GROUP BY journal_id, name HAVING count(*) > 1
    """,
    "claims whose activity is not that of the invoice": """
        SELECT link.id, link.is_active, move.name, move.state
        FROM fsm_order_invoice link JOIN account_move move ON move.id = link.move_id
        WHERE link.is_active <> (
            move.state <> 'cancel'
            AND NOT EXISTS (
                SELECT FROM account_move note
                WHERE note.reversed_entry_id = move.id AND note.state = 'posted'
                    AND note.amount_total >= move.amount_total
            )
        )
    """,
    "invoices of service orders without a claim": """
        SELECT move.id, move.name FROM account_move move
        JOIN account_move_line line ON line.move_id = move.id
        WHERE move.move_type = 'out_invoice' AND line.fsm_order_line_id IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM fsm_order_invoice link WHERE link.move_id = move.id
            )
    """,
    "order lines that active invoices bill twice, or in part": """
        SELECT order_line.id, order_line.quantity, sum(line.quantity)
        FROM fsm_order_line order_line
        JOIN account_move_line line ON line.fsm_order_line_id = order_line.id
        JOIN fsm_order_invoice link ON link.move_id = line.move_id AND link.is_active
            AND link.order_id = order_line.order_id
        GROUP BY order_line.id HAVING order_line.quantity <> sum(line.quantity)
    """,
    "orders whose figures are not those of their invoices": """
        SELECT service.name, service.amount_invoiced, service.billing_status,
            move.amount_untaxed, move.state
        FROM fsm_order service
        LEFT JOIN fsm_order_invoice link
            ON link.order_id = service.id AND link.is_active
        LEFT JOIN account_move move ON move.id = link.move_id
        WHERE (
            link.id IS NULL
            AND (service.amount_invoiced <> 0
                OR service.billing_status IN ('draft', 'invoiced', 'paid'))
        ) OR (
            link.slot = 'order'
            AND (abs(service.amount_invoiced - link.amount_untaxed
                    + coalesce(link.credited_untaxed, 0)) > 0.001
                OR (service.billing_status = 'draft') <> (move.state = 'draft')
                OR (service.billing_status = 'paid')
                    <> (move.payment_state IN ('paid', 'in_payment')))
        )
    """,
    "claims whose figures are not those of their invoice": """
        SELECT move.name, sum(link.amount_untaxed), move.amount_untaxed
        FROM fsm_order_invoice link JOIN account_move move ON move.id = link.move_id
        GROUP BY move.id
        HAVING abs(sum(link.amount_untaxed) - move.amount_untaxed) > 0.001
    """,
    "invoices whose total is not that of their lines": """
        SELECT move.name, move.amount_untaxed, -sum(line.amount_currency)
        FROM account_move move JOIN account_move_line line ON line.move_id = move.id
        WHERE move.move_type = 'out_invoice' AND line.display_type = 'product'
        GROUP BY move.id
        HAVING abs(move.amount_untaxed + sum(line.amount_currency)) > 0.001
    """,
    "invoices whose residual is not what payments and credit notes leave": """
        SELECT move.name, move.amount_residual, sum(line.amount_residual_currency)
        FROM account_move move
        JOIN account_move_line line ON line.move_id = move.id
        WHERE move.move_type = 'out_invoice' AND move.state = 'posted'
            AND line.display_type = 'payment_term'
        GROUP BY move.id
        HAVING abs(move.amount_residual - sum(line.amount_residual_currency)) > 0.001
    """,
    "invoices paid twice": """
        SELECT move.name, move.amount_total, sum(payment.amount)
        FROM account_move move
        JOIN account_move__account_payment link ON link.invoice_id = move.id
        JOIN account_payment payment ON payment.id = link.payment_id
        WHERE payment.state NOT IN ('canceled', 'rejected')
        GROUP BY move.id HAVING sum(payment.amount) > move.amount_total + 0.001
    """,
    "payments of nothing": """
        SELECT payment.name, payment.amount FROM account_payment payment
        WHERE payment.state NOT IN ('draft', 'canceled', 'rejected')
            AND NOT EXISTS (
                SELECT FROM account_move__account_payment link
                WHERE link.payment_id = payment.id
            )
    """,
}


def run_query(database, query, parameters=()):
    """All rows of a query (list of tuples)."""
    with (
        closing(psycopg2.connect(dbname=database)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(query, parameters)
        return cursor.fetchall()


def report(summary, faults):
    """Say how it went, and end the command: with an error if there are faults.

    :param str summary: what was done
    :param list faults: what went wrong, str
    """
    lines = [summary, *(f"WRONG {fault}" for fault in faults)]
    sys.stdout.write("\n".join(lines) + "\n")
    raise SystemExit(bool(faults))


def audit(database):
    """What is wrong in the books (list of str)."""
    return [
        f"{name}: {rows[:5]}"
        for name, query in CHECKS.items()
        if (rows := run_query(database, query))
    ]


def count_invoices(database, order_ids):
    """How many active invoices each of the orders has (dict)."""
    counts = dict.fromkeys(order_ids, 0)
    counts.update(
        run_query(
            database,
            """
                SELECT order_id, count(*) FROM fsm_order_invoice
                WHERE is_active AND order_id = ANY(%s) GROUP BY order_id
            """,
            [list(order_ids)],
        )
    )
    return counts
