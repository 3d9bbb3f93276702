"""Lets Rasa 3.6.21 run, unmodified, on a current Python and current libraries, without the packages that nothing here uses.

Rasa's last open release asks for Python 3.10, TensorFlow 2.12, Sanic 21 and the SDKs of ten messaging companies. Of all that
it computes with very little: the rest is imported and left alone. `install` (called by infusion_guide/__init__.py, so before
any `import rasa`) puts stand-ins in the place of what is left alone, and puts back two names that newer libraries dropped.
Nothing of Rasa's own code is changed; rasa and numpy are loaded no sooner than somebody asks for Rasa.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import logging
import sys
import types
from typing import Any, Callable, Dict, Optional, Sequence

# Packages that Rasa imports and this product never uses, each with where Rasa wants it. What is not imported is not needed.
ABSENT = {
    "tensorflow": "DIET, TED and what trains them; the pipeline of config.yml has none of these",
    "keras": "DIET, TED and what trains them",
    "aiogram": "Rasa's Telegram channel; ours is channels/platforms/telegram.py",
    "apscheduler": "reminders, which no rule here sets",
    "boto3": "DynamoDB's tracker store; ours is engine/tracker_store.py",
    "botocore": "DynamoDB's tracker store",
    "cachecontrol": "Rasa's channel for Hangouts",
    "google": "Rasa's channel for Hangouts",
    "colorclass": "rasa interactive",
    "fbmessenger": "Rasa's Messenger channel; ours is channels/platforms/messenger.py",
    "portalocker": "one progress line of Rasa's tests",
    "prompt_toolkit": "Rasa's shell",
    "pymongo": "MongoDB's tracker store",
    "pytz": "reminders",
    "questionary": "Rasa's shell and its questions; ours is run/",
    "randomname": "names of models; ours is a fingerprint",
    "safetensors": "features kept between trainings; ours are worked out anew",
    "sanic_jwt": "Rasa's HTTP API, which is off",
    "spacy.cli": "spaCy's commands, whose libraries would take a second and 17 MB",
    "slack_sdk": "Rasa's Slack channel; ours is channels/platforms/slack.py",
    "terminaltables": "tables of rasa interactive",
    "twilio": "Rasa's Twilio channels; ours is channels/platforms/sms.py",
    "webexteamssdk": "Rasa's channel for Webex",
    "aio_pika": "RabbitMQ's event broker",
    "aiormq": "RabbitMQ's event broker",
}


class NotInstalled(ImportError):
    """Something was used that is only named here: `ABSENT` says what for Rasa wants it."""


_IN_FUNCTION = 0x0001  # CO_OPTIMIZED (inspect): set on the code of functions, not on that of modules and class bodies


class _Name(type):
    """A name of an absent package: may be inherited from, written in annotations and put above a definition, never used."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _name(cls.__module__, f"{cls.__qualname__}.{name}")

    def __call__(cls, *given: Any, **_: Any) -> Any:
        if sys._getframe(1).f_code.co_flags & _IN_FUNCTION:
            absent = next(each for each in cls.__mro__ if _absent(each.__module__))  # `cls` may be Rasa's, inherited from it
            wanted = ABSENT[_absent(absent.__module__)]
            raise NotInstalled(f"{absent.__module__}.{absent.__qualname__} is not installed here: {wanted} (engine/compat.py).")
        return given[0] if len(given) == 1 and isinstance(given[0], (type, types.FunctionType)) else cls

    def __getitem__(cls, _: Any) -> Any:
        return cls


def _name(module: str, name: str) -> Any:
    # An exception, so that Rasa may write it in an `except`.
    return _Name(name.rsplit(".", 1)[-1], (Exception,), {"__module__": module, "__qualname__": name})


class _Package(types.ModuleType):
    """A package that is not there: every name in it is a `_Name`."""

    __path__: Sequence[str] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _name(self.__name__, name)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the stand-ins, before Python looks itself, and readies the libraries when Rasa is first asked for."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[importlib.machinery.ModuleSpec]:
        """A stand-in for `name`; None where there is none."""
        if name == "rasa":
            _mend_libraries()
        if name in REPLACED or (_absent(name) and not _installed(name, path)):
            return importlib.machinery.ModuleSpec(name, self, is_package=name not in REPLACED)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """See importlib."""
        if spec.name not in REPLACED:
            return _Package(spec.name)
        module = types.ModuleType(spec.name)
        module.__dict__.update(REPLACED[spec.name]())
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing: stand-ins are whole when they are made."""


def _installed(module: str, path: Any) -> bool:
    """Whether the real one is there all the same, as some are beside the tests. Of spaCy only the commands are left out."""
    return not module.startswith("spacy.") and importlib.machinery.PathFinder.find_spec(module, path) is not None


def _absent(module: str) -> str:
    """The entry of ABSENT that `module` belongs to, or ""."""
    return next((package for package in ABSENT if module == package or module.startswith(package + ".")), "")


def _pkg_resources() -> Dict[str, Any]:
    """What Rasa calls, and textstat when it judges words; setuptools took the module out in release 82."""

    def resource_filename(package: str, path: str) -> str:
        found = importlib.util.find_spec(package)
        assert found is not None and found.origin is not None
        folder = found.origin.rsplit("/", 1)[0]
        return f"{folder}/{path}"

    return {
        "get_distribution": importlib.metadata.distribution,
        "resource_filename": resource_filename,
        "resource_stream": lambda package, path: open(resource_filename(package, path), "rb"),
    }


def _sanic_cors() -> Dict[str, Any]:
    """Which websites may call is said by the channels (ALLOWED_ORIGINS); Rasa's extension would answer in their place."""
    return {"CORS": lambda *_, **__: None}


def _structlog_sentry() -> Dict[str, Any]:
    """A step of Rasa's log lines for a paid service that is not used."""

    class SentryProcessor:
        def __init__(self, **_: Any) -> None:
            pass

        def __call__(self, logger: Any, method: str, event: Dict[str, Any]) -> Dict[str, Any]:
            return event

    return {"SentryProcessor": SentryProcessor}


def _default_components() -> Dict[str, Any]:
    """Rasa loads all its components, TensorFlow's among them, to learn their short names; config.yml gives whole names."""
    return {"DEFAULT_COMPONENTS": []}


def _dask() -> Dict[str, Any]:
    """Rasa's graph runner plans with internals of dask that newer releases changed; ours runs the same graph in order."""
    return {"DaskGraphRunner": importlib.import_module("infusion_guide.engine.graph_runner").SequentialGraphRunner}


def _coloredlogs() -> Dict[str, Any]:
    """Colours of the log on Rasa's command line: the same lines without them."""

    def install(level: str, fmt: str, **_: Any) -> None:
        logging.basicConfig(level=level, format=fmt)

    return {"DEFAULT_FIELD_STYLES": {}, "DEFAULT_LEVEL_STYLES": {}, "install": install}


# Modules that Rasa does use, in a smaller form.
REPLACED: Dict[str, Callable[[], Dict[str, Any]]] = {
    "pkg_resources": _pkg_resources,
    "coloredlogs": _coloredlogs,
    "sanic_cors": _sanic_cors,
    "structlog_sentry": _structlog_sentry,
    "rasa.engine.recipes.default_components": _default_components,
    "rasa.engine.runner.dask": _dask,
}


def _mend_libraries() -> None:
    """Names that Rasa imports and newer releases dropped."""
    import numpy
    import packaging.version

    if not hasattr(numpy, "VisibleDeprecationWarning"):  # numpy 2 moved it
        numpy.VisibleDeprecationWarning = numpy.exceptions.VisibleDeprecationWarning
    if not hasattr(packaging.version, "LegacyVersion"):  # packaging 22 dropped it; Rasa asks whether a version is one
        packaging.version.LegacyVersion = type("LegacyVersion", (), {})


def install() -> None:
    """Puts the stand-ins in place; a second call does nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
