"""Models, families and judges of installed packages: callables behind entry points.

``limn.models``: ``load(*, device)`` returns a generator, the model of the name that the entry has;
its ``card``, if it has one, says what ``limn models`` shows. ``limn.families``: ``load(folder, *, name, device)``
returns one from a folder whose ``config.json`` has the entry's name as its ``family``. ``limn.judges``:
``load(*, device)`` returns a :class:`limn.models.dual_encoders.Encoder`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limn.kernel import registry
from limn.kernel.errors import InputError


def plugin(kind: str, name: str) -> Callable[..., Any] | None:
    """Return what an installed package adds under a name; None where none adds it.

    Args:
        kind: ``models``, ``families`` or ``judges``.
        name: The entry point's.

    Raises:
        InputError: It cannot be loaded.
    """
    if name not in registry.plugins(kind):
        return None
    loaded = registry.load(kind, name)
    if not callable(loaded):
        package = registry.package(registry.plugins(kind)[name])
        raise InputError(f"{name}: the package {package} that adds it is broken; mend or uninstall it")
    return loaded  # type: ignore[no-any-return]
