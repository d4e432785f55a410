# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What anybody can call over RPC of the addons here, found by looking."""

from odoo.exceptions import AccessError
from odoo.service.model import get_public_method

PREFIX = "odoo.addons.fieldservice_invoicing"
CRUD = ("create", "read", "write", "unlink", "copy")


def get_public_methods(env):
    """Public methods that the addons define or override, and what Odoo gives each of
    their own models to create, read, change, delete and copy its records.

    :return: dict of set of method names by model name
    """
    methods = {}
    for name, model in sorted(env.registry.items()):
        if model._abstract:
            continue
        classes = [cls for cls in model.__mro__ if cls.__module__.startswith(PREFIX)]
        names = {
            attribute
            for cls in classes
            for attribute, value in vars(cls).items()
            if callable(value) and is_public(env[name], attribute)
        }
        if is_own(env, name):
            names.update(CRUD)
        if names:
            methods[name] = names
    return methods


def is_public(model, name):
    """Whether the method can be called over RPC (bool)."""
    try:
        return bool(get_public_method(model, name))
    except AccessError:
        return False


def is_own(env, model):
    """Whether the model is one of the addons here (bool)."""
    return env.registry[model]._original_module.startswith("fieldservice_invoicing")
