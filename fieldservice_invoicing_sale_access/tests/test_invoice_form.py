# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from odoo.addons.fieldservice_invoicing.tests.common import ServiceInvoicingCommon


@tagged("post_install", "-at_install")
class TestInvoiceForm(ServiceInvoicingCommon):
    def test_without_sales_rights(self):
        """F6, section 5: the form of a service invoice opens for who creates and who
        cancels it, without access to sales orders."""
        self._create_users()
        invoice = self._invoice().sudo(False)
        for user in (self.dispatcher, self.manager):
            form = Form(invoice.with_user(user))
            self.assertEqual(form.partner_id, self.partner_a)
            with self.assertRaises(AccessError):
                self.env["sale.order.line"].with_user(user).search([])
