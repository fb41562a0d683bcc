"""Scripts of ours that Bokeh runs in the browser when a model changes or something happens to a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bokeh.models import CustomJS


def callback(path: Path, **arguments: Any) -> CustomJS:
    """Return a script as a callback of Bokeh.

    The file is a module as Bokeh has them, ``export default ({ name, ... }, cause) => { ... }``, so that editors and
    linters know what it is. Bokeh imports such a module when it is called first, which waits until the browser has
    nothing else to do: on a page that opens, half a second. A plain function is called at once.

    Parameters
    ----------
    path : Path
        Of the script. What stands outside its function runs at each call.
    arguments : model or JSON
        What its first argument holds, by name.
    """
    module = path.read_text(encoding="utf-8")
    function = module.replace("export default", "const run =", 1)
    names = ", ".join(arguments)
    return CustomJS(args=arguments, code=f"{function}\nreturn run({{ {names} }}, cb_obj, cb_data, cb_context)")
