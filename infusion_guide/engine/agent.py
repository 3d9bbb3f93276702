"""Rasa's agent as we serve it: with our storage rules, timeouts and graph runner."""

from rasa.core.agent import Agent
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.engine.runner.dask import DaskGraphRunner

from infusion_guide.engine.action_endpoint import ActionEndpoint
from infusion_guide.engine.graph_runner import SequentialGraphRunner
from infusion_guide.engine.lock_store import ConversationLocks
from infusion_guide.engine.tracker_store import TrackerStore


class Misconfigured(RuntimeError):
    """The assistant would run, but without what protects patients; the message names the file to fix."""


def set_up(agent: Agent) -> None:
    """Puts our storage rules, timeouts and graph runner into a loaded `agent`.

    Raises:
        Misconfigured: Rasa quietly used something else for what endpoints.yml names.
    """
    store = agent.tracker_store
    if isinstance(store, FailSafeTrackerStore):
        # It would turn a failing database into empty conversations and keep new messages in memory only.
        store = store._tracker_store
    if not isinstance(store, TrackerStore):
        raise Misconfigured(f"Conversations would be kept in {type(store).__name__}: see tracker_store in endpoints.yml.")
    if not isinstance(agent.lock_store, ConversationLocks):
        raise Misconfigured(f"Turns would be locked by {type(agent.lock_store).__name__}: see lock_store in endpoints.yml.")
    agent.tracker_store = store
    if agent.processor is None:
        raise Misconfigured("No model is loaded. Run `make train`.")
    agent.processor.tracker_store = store
    if agent.action_endpoint is not None:
        agent.action_endpoint = ActionEndpoint.like(agent.action_endpoint)
        agent.processor.action_endpoint = agent.action_endpoint
    run_in_order(agent)


def run_in_order(agent: Agent) -> None:
    """Runs the model's graph one step after the other, as `set_up` does: it only saves time."""
    if agent.processor is not None and isinstance(agent.processor.graph_runner, DaskGraphRunner):
        agent.processor.graph_runner = SequentialGraphRunner.like(agent.processor.graph_runner)
