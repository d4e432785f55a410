# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def post_init_hook(env):
    """Give companies that have their accounts those for deposits and retainage."""
    companies = env["res.company"].search([("chart_template", "!=", False)])
    companies._create_progress_accounts()
