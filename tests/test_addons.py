# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from pathlib import Path

from odoo.modules import Manifest
from odoo.tests import TransactionCase, tagged

ADDONS = {
    path.parent.name for path in Path(__file__).parents[1].glob("*/__manifest__.py")
}


@tagged("post_install", "-at_install")
class TestAddons(TransactionCase):
    def test_all_installed(self):
        """What is tested together is installed together: no addon is left out."""
        modules = self.env["ir.module.module"].search([("name", "in", list(ADDONS))])
        self.assertEqual(set(modules.mapped("name")), ADDONS)
        self.assertEqual(set(modules.mapped("state")), {"installed"})

    def test_bridges_come_uninvited_to_nobody(self):
        """An addon that installs by itself names its triggers, the addon here that it
        extends among them: else it would bring invoicing to who did not ask for it,
        or not come when invoicing is what is installed last."""
        for name in sorted(ADDONS):
            triggers = Manifest.for_addon(name)["auto_install"]
            if not triggers:
                continue
            with self.subTest(name):
                self.assertLessEqual(triggers, set(Manifest.for_addon(name)["depends"]))
                self.assertTrue(triggers & ADDONS, triggers)
                self.assertTrue(triggers - ADDONS, triggers)
