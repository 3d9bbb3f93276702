"""Rasa's server with our assistant in it: what `rasa run` does, without its command line, which would load all of Rasa."""

import logging
from functools import partialmethod
from pathlib import Path
from typing import Any

from infusion_guide.clinic.settings import ROOT
from infusion_guide.watch.logs import configure_logs

_LINE = 4096  # connections that wait to be taken; the kernel's own limit is net.core.somaxconn, 4096 since Linux 5.4
_ENDPOINTS = str(ROOT / "endpoints.yml")


def serve(model: Path, host: str, port: int) -> None:
    """Serves the assistant of `model` until it is asked to stop. Rasa's management interface is off."""
    configure_logs()  # before Rasa is imported, which warns of this and that
    from rasa.core.run import serve_application
    from rasa.core.utils import AvailableEndpoints
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    configure_logging_and_warnings()
    configure_structlog(logging.INFO)
    logging.getLogger().setLevel(logging.INFO)
    configure_logs()  # again: Rasa took them over
    in_one_process()
    serve_application(
        str(model),
        interface=host,
        port=port,
        credentials=str(ROOT / "credentials.yml"),
        endpoints=AvailableEndpoints.read_endpoints(_ENDPOINTS),
        enable_api=False,
    )


def in_one_process() -> None:
    """Rasa's servers run in this very process: Sanic would start a second one and miss the application that only this one has.

    A flood may wait in line (_LINE): beyond Sanic's hundred the kernel would cut off callers who believe they are connected.
    """
    from sanic import Sanic

    Sanic.run = partialmethod(Sanic.run, single_process=True, backlog=_LINE)


async def loaded(model: Path) -> Any:
    """Rasa's agent of `model`, fit for patients, without a server.

    Raises:
        Misconfigured: it would run without what protects them (engine/agent.py).
    """
    from rasa.core.agent import load_agent
    from rasa.core.utils import AvailableEndpoints

    from infusion_guide.engine.agent import set_up

    agent = await load_agent(model_path=str(model), endpoints=AvailableEndpoints.read_endpoints(_ENDPOINTS))
    set_up(agent)
    return agent
