"""Where torch runs."""

from __future__ import annotations

from vae.errors import OptionError


def pick_device(name: str) -> str:
    """Resolve ``auto`` to ``cuda`` where there is a usable GPU, else ``cpu``; check the others.

    Raises
    ------
    OptionError
        For a device this machine does not have.
    """
    import torch  # kept out of the server

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(name)
        torch.empty(0, device=kind)
    except (RuntimeError, AssertionError) as error:
        raise OptionError(f"device {name!r} cannot be used: {error}", todo="Use --device auto or cpu") from None
    return str(kind)
