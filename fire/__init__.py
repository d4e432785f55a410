# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a live Odoo is put through: see docs/FIRE.md and setup/fire.sh.

Each script is a module to run: ``python -m fire.double_submit DATABASE``. They need a
database of their own, as what they do is committed.
"""
