# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the web client asks for when it opens a view: the fields of its arch."""

from ast import literal_eval

from lxml import etree

# the client's own: records in a list, lines in a list of a form
PAGE, LINES = 80, 40
ALWAYS = ("1", "True")


def get_specification(model, view_type, view_id=False):
    """Specification (dict) for ``web_read`` of all that one view shows."""
    views = model.get_views([(view_id, view_type)])
    arch = etree.fromstring(views["views"][view_type]["arch"])
    return _read_arch(model, arch)


def _read_arch(model, arch):
    specification = {}
    level = len(list(arch.iterancestors("field")))
    for node in arch.iter("field"):
        if len(list(node.iterancestors("field"))) == level:
            field = model._fields[node.get("name")]
            wanted = specification.setdefault(field.name, {})
            wanted.update(_read_field(model, field, node))
    return specification


def _read_field(model, field, node):
    """What the client wants of one field of a view (dict)."""
    hidden = _is_never_shown(node)
    if field.type in ("many2one", "reference"):
        return {"fields": {} if hidden else {"display_name": {}}}
    if field.type in ("one2many", "many2many") and not hidden:
        return _read_x2many(model.env[field.comodel_name], node)
    return {}


def _is_never_shown(node):
    return any(node.get(name) in ALWAYS for name in ("invisible", "column_invisible"))


def _read_x2many(model, node):
    if "many2many_tags" in (node.get("widget") or ""):
        options = literal_eval(node.get("options") or "{}")
        names = ["display_name", *filter(None, [options.get("color_field")])]
        return {"fields": {name: {} for name in names}}
    view_type = (node.get("mode") or "list").split(",")[0]
    inline = {view.tag: view for view in node}
    if view_type not in inline:
        return {"fields": get_specification(model, view_type), "limit": LINES}
    arch = inline[view_type]
    names = _read_arch(model, arch)
    if "form" in inline:
        names = _read_arch(model, inline["form"]) | names
    return {"fields": names, "limit": int(arch.get("limit") or LINES)}
