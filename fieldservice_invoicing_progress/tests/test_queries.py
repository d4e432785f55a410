# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.tests import tagged

from .common import ProgressCommon

LINE_FIELDS = ("name", "price_subtotal", "amount_billed", "amount_stored")
LIST_FIELDS = (
    "contract_revised",
    "progress_billed",
    "retainage_held",
    "deposit_balance",
    "billing_status",
    "can_create_draw",
    "can_change_draw",
    "can_create_deposit",
    "can_release_retainage",
    "can_refund_deposit",
    "change_order_count",
)


@tagged("post_install", "-at_install")
class TestQueries(ProgressCommon):
    """B7: the number of queries does not grow with lines, draws or contracts."""

    def _count(self, method, *args):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        method(*args)
        self.env.flush_all()
        return self.cr.sql_log_count - before

    def _create_large(self, count):
        lines = [{"name": f"Item {i}", "price_unit": 100.0} for i in range(count)]
        return self._create_contract(lines)

    def _count_all(self, order):
        spec = {name: {} for name in LINE_FIELDS}
        claims = {"work_amount": {}, "billing_title": {}, "deposit_left": {}}
        dialogs = self.env["fsm.order.create.draw"].with_context(
            default_order_id=order.id
        )
        dialog = {
            name: {} for name in ("order_id", "number", "amount_total", "deposit_limit")
        }
        dialog["line_ids"] = {"fields": {"percent": {}, "this_period": {}}}
        claim = order._get_draws()[-1:]
        return {
            "form": self._count(
                order.web_read,
                {
                    **{name: {} for name in LIST_FIELDS},
                    "line_ids": {"fields": spec},
                    "invoice_link_ids": {"fields": claims},
                },
            ),
            "dialog": self._count(dialogs.onchange, {}, [], dialog),
            "items": self._count(order._get_draw_items, {}),
            "pay application": self._count(claim._prepare_pay_application),
        }

    def _assert_constant(self, few, many):
        for name, count in few.items():
            with self.subTest(name):
                # a query more for what is read in batches
                self.assertLessEqual(many[name], count + 5)

    def test_lines(self):
        """10 items of a contract, and 100."""
        counts = []
        for size in (10, 100):
            order = self._create_large(size)
            self._draw(*[10.0] * size, order=order)
            counts.append(self._count_all(order))
        self._assert_constant(*counts)

    def test_draws(self):
        """2 draws on a contract, and 20."""
        order = self._create_large(3)
        counts = []
        for numbers in (range(1, 3), range(3, 21)):
            for number in numbers:
                self._draw(*[float(number)] * 3, order=order)
            counts.append(self._count_all(order))
        self._assert_constant(*counts)

    def test_contracts(self):
        """A list of 3 contracts, and of 12."""
        orders = self.env["fsm.order"]
        counts = []
        for size in (3, 12):
            while len(orders) < size:
                order = self._create_large(2)
                self._draw(10, 10, order=order)
                orders |= order
            spec = {name: {} for name in LIST_FIELDS}
            fields = {name: {} for name in LINE_FIELDS}
            lines = self.env["fsm.order.line"].browse(orders.line_ids.ids)
            counts.append(
                {
                    "orders": self._count(orders.web_read, spec),
                    "lines": self._count(lines.web_read, fields),
                }
            )
        self._assert_constant(*counts)

    def test_create(self):
        """A draw of 50 items takes less than two queries an item more than one of 10:
        Odoo itself takes some to create its journal items."""
        counts = []
        for size in (10, 50):
            order = self._create_large(size)
            counts.append(
                self._count(lambda o, n: self._draw(*[5] * n, order=o), order, size)
            )
        self.assertLess(counts[1] - counts[0], 2 * 40)
