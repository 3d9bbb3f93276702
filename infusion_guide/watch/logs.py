"""Logs that cannot hold a patient's words: on stderr, one JSON line a record in production, else plain lines of what is wrong.

Nothing that a library computed is written, only what stands in its source code: of a record we keep the place, and read
the words of the logging call there ("Failed to load {name}", with the name of the variable and not its value). The words
of an exception come from its `raise` in the same way, its stack is files, lines and functions. Taking quoted parts or
digits out of finished messages would not do: a patient's name is neither. Our own messages (loggers of infusion_guide and
actions) are written out, but exceptions in them shrink to their type.

Records are cleaned where they are born, so that a handler that a library brings along prints nothing else.
"""

import ast
import asyncio
import hashlib
import logging
import re
import sys
import threading
import warnings
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import structlog

from infusion_guide.clinic.settings import ROOT, settings

logger = logging.getLogger(__name__)

_OURS = ("infusion_guide.", "actions.")
_ALLOWED = ("action_name", "attempts", "component", "count", "node_name", "policy_name", "seconds", "status")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_./-]{0,79}")  # what a text under an allowed key may be: no digits, no blanks
_ISSUED = re.compile(r"[a-z_]+:([A-Za-z0-9_-]{24}|[0-9a-f]{32})")  # conversations of clinic/identity.py
_CALLS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"}
_LONGEST = 300  # characters of one event
_DEEPEST = 40  # frames of one stack, the innermost ones
_CAUSES = 5  # exceptions of one chain
_WITHHELD = "(words withheld)"
_OF_ASYNCIO = (
    "Task was destroyed but it is pending!",
    "Task exception was never retrieved",
    "Future exception was never retrieved",
)

_conversation: ContextVar[Optional[str]] = ContextVar("conversation", default=None)
_render = structlog.processors.JSONRenderer(ensure_ascii=False)


@contextmanager
def about(conversation: str) -> Iterator[None]:
    """Records of this task and of those it starts carry the id of `conversation` until the context ends."""
    token = _conversation.set(conversation)
    try:
        yield
    finally:
        _conversation.reset(token)


def configure_logs(service: str = "assistant") -> None:
    """Takes over every way out of this process: logging, structlog, warnings, asyncio and exceptions that nobody caught.

    Call it after Rasa configured its own logs, and again in the running event loop: Rasa and Sanic change theirs in
    between. Levels stay as they are; access logs are off. `service` stands in each line.
    """
    logging.setLogRecordFactory(_record)
    logging.raiseExceptions = False  # else a handler that fails prints the record's arguments
    handler = logging.StreamHandler(sys.stderr)
    if settings().production:
        handler.setFormatter(_Lines(service))
    else:
        handler.setFormatter(_Words(service))
        handler.addFilter(_is_wrong)
    for name in list(logging.root.manager.loggerDict):
        known = logging.getLogger(name)
        known.handlers.clear()
        known.propagate = True
    logging.root.handlers[:] = [handler]
    logging.lastResort = handler
    logging.getLogger("sanic.access").disabled = True
    _configure_structlog()
    warnings.showwarning = _show_warning
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda found: _uncaught(found.exc_type, found.exc_value, found.exc_traceback)
    threading.excepthook = lambda found: _uncaught(found.exc_type, found.exc_value, found.exc_traceback)
    with suppress(RuntimeError):  # no loop yet
        asyncio.get_running_loop().set_exception_handler(_uncaught_in_loop)


def _configure_structlog() -> None:
    steps = [structlog.dev.set_exc_info, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    # In place: loggers that were used before keep the list they were made with (structlog.testing does the same).
    structlog.get_config()["processors"][:] = steps
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())


def _record(
    name: str, level: int, path: str, line: int, message: Any, args: Any, exc_info: Any, function: Any = None, *_: Any, **__: Any
) -> logging.LogRecord:
    """A record whose message is a dictionary that may be written: event, conversation, exceptions, allowed values."""
    try:
        facts = _facts(name, path, line, message, args, exc_info)
    except Exception as error:  # a log must never break what it tells of
        facts = {"event": _WITHHELD, "at": f"{_short(path)}:{line}", "logging_failed": type(error).__name__}
    return logging.LogRecord(name, level, path, line, facts, (), None, function)


def _facts(name: str, path: str, line: int, message: Any, args: Any, exc_info: Any) -> Dict[str, Any]:
    ours = name.startswith(_OURS)
    facts: Dict[str, Any] = {}
    if isinstance(message, dict):  # structlog
        exc_info = message.get("exc_info") or exc_info
        facts = {key: message[key] for key in _ALLOWED if key in message and _may_be_written(message[key])}
        message = message.get("event")
    if isinstance(message, BaseException):  # logger.error(error)
        exc_info = exc_info or message
    facts["event"] = (_our_words(message, args) if ours else _source_words(path, line)) or _WITHHELD
    facts["at"] = f"{_short(path)}:{line}"
    conversation = _conversation.get()
    if conversation:
        facts["conversation"] = _safe(conversation)
        facts["event"] = facts["event"].replace(conversation, facts["conversation"])
    error = _exception(exc_info)
    if error:
        facts["errors"] = list(_errors(error))
    return facts


class _Lines(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """See parent."""
        facts = record.msg if isinstance(record.msg, dict) else {"event": _WITHHELD}
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"time": time, "level": record.levelname.lower(), "service": self._service, "logger": record.name}
        return str(_render(None, "", {**head, **facts}))


class _Words(logging.Formatter):
    """A line that a developer reads: the time, who speaks, what happened, why."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """See parent."""
        facts = record.msg if isinstance(record.msg, dict) else {"event": _WITHHELD}
        why = [f"\n  because of {error['type']} at {(error['stack'] or ['?'])[-1]}" for error in facts.get("errors", [])]
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        return f"{time} {self._service}, {record.levelname.lower()}: {facts['event']} ({facts.get('at', '?')}){''.join(why)}"


def _is_wrong(record: logging.LogRecord) -> bool:
    """Whether a developer should see `record`: our own warnings and everybody's errors. What libraries warn of is no news."""
    ours = record.name.startswith(_OURS) and record.name != __name__
    return record.levelno >= (logging.WARNING if ours else logging.ERROR)


def _may_be_written(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_NAME.fullmatch(value))
    return isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 1_000_000)


def _our_words(message: Any, args: Any) -> str:
    """The finished message of one of our own loggers, exceptions in it by their type."""
    if not isinstance(message, str):
        return _clean(message)
    try:
        if args and isinstance(args[0], dict):  # "%(name)s"
            return (message % {key: _clean(value) for key, value in args[0].items()})[:_LONGEST]
        return (message % tuple(_clean(arg) for arg in args) if args else message)[:_LONGEST]
    except (TypeError, ValueError):
        return message[:_LONGEST]


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    own = type(value).__module__.startswith(_OURS)
    return str(value) if own and isinstance(value, BaseException) else type(value).__name__


def _safe(conversation: str) -> str:
    """The id itself when we issued it; of one that a caller chose (a developer's REST), its channel and a short hash."""
    if _ISSUED.fullmatch(conversation):
        return conversation
    channel = conversation.split(":", 1)[0] if ":" in conversation else "?"
    return f"{channel}:#{hashlib.sha256(conversation.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _exception(exc_info: Any) -> Optional[BaseException]:
    """The exception of any of the forms that logging and structlog take."""
    if isinstance(exc_info, tuple):
        return exc_info[1] if len(exc_info) > 1 else None
    if isinstance(exc_info, BaseException):
        return exc_info
    return sys.exc_info()[1] if exc_info else None


def _errors(error: Optional[BaseException]) -> Iterator[Dict[str, Any]]:
    """`error` and what caused it: type, the words of its raise in the source code, stack."""
    for _ in range(_CAUSES):
        if error is None:
            return
        kind, stack = type(error), _stack(error)
        words = _source_words(*stack[-1][:2]) if stack else ""
        places = [f"{_short(path)}:{line}:{function}" for path, line, function in stack]
        yield {"type": f"{kind.__module__}.{kind.__qualname__}", **({"words": words} if words else {}), "stack": places}
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _stack(error: BaseException) -> List[Tuple[str, int, str]]:
    """Path, line and function of each frame, outermost first. Not traceback.extract_tb: that reads locals if asked."""
    frames, at = [], error.__traceback__
    while at:
        frames.append((at.tb_frame.f_code.co_filename, at.tb_lineno, at.tb_frame.f_code.co_name))
        at = at.tb_next
    return frames[-_DEEPEST:]


@lru_cache(maxsize=500)
def _source_words(path: str, line: int) -> str:
    """The words of the logging call or raise that stands at `line` of `path`; "" where there is none."""
    found: Optional[ast.AST] = None
    shortest = sys.maxsize
    for node in ast.walk(_tree(path)):
        said = _said(node)
        if said is not None and node.lineno <= line <= node.end_lineno and node.end_lineno - node.lineno < shortest:
            found, shortest = said, node.end_lineno - node.lineno
    return " ".join(_literal(found).split())[:_LONGEST] if found else ""


def _said(node: ast.AST) -> Optional[ast.AST]:
    """What a logging call or a raise says: its first argument, without the level of logger.log."""
    call = node.exc if isinstance(node, ast.Raise) else node
    if not isinstance(call, ast.Call):
        return None
    arguments = call.args + [word.value for word in call.keywords if word.arg in ("msg", "event")]
    if call is node:
        if not (isinstance(call.func, ast.Attribute) and call.func.attr in _CALLS):
            return None
        if call.func.attr == "log":
            arguments = arguments[1:]
    return arguments[0] if arguments else None


def _literal(node: ast.AST) -> str:
    """A text as the source code has it, with the names of what is put into it; "" when it holds no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}" for part in node.values)
        return "".join(parts)
    holds_text = any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))
    return ast.unparse(node) if holds_text else ""


@lru_cache(maxsize=2)
def _tree(path: str) -> ast.AST:
    try:
        return ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


@lru_cache(maxsize=2000)
def _short(path: str) -> str:
    """A path without this machine's folders: from the package or from the project on."""
    for folder in ("site-packages/", "dist-packages/", f"{ROOT}/"):
        if folder in path:
            return path.rsplit(folder, 1)[1]
    return "/".join(Path(path).parts[-2:])


def _show_warning(_: Any, category: type, path: str, line: int, *__: Any) -> None:
    logger.warning("%s at %s:%d", category.__name__, _short(path), line)


def _uncaught(kind: type, error: Optional[BaseException], trace: Any) -> None:
    if not issubclass(kind, (KeyboardInterrupt, SystemExit)):
        logger.critical("An exception that nobody caught.", exc_info=(kind, error, trace))


def _uncaught_in_loop(_: Any, context: Dict[str, Any]) -> None:
    # asyncio's other messages can hold a callback with its arguments.
    said = context.get("message")
    words = said if said in _OF_ASYNCIO else "An exception that nobody caught in the event loop."
    logger.error("%s", words, exc_info=context.get("exception"))
