"""The messaging platforms: a file of this folder is one, says all about it as its PLATFORM, and is found by its name."""

import pkgutil
from functools import cache
from importlib import import_module
from typing import List

from infusion_guide.channels.platform import Platform


def names() -> List[str]:
    """Of all platforms, on or off."""
    return [module.name for module in pkgutil.iter_modules(__path__)]


@cache
def platform(name: str) -> Platform:
    """The platform that the file `name` declares."""
    found: Platform = import_module(f"{__name__}.{name}").PLATFORM
    if found.name != name:
        raise ValueError(f"The platform of channels/platforms/{name}.py calls itself '{found.name}'.")
    return found


def platforms() -> List[Platform]:
    """All platforms, on or off."""
    return [platform(name) for name in names()]
