"""Rasa's agent as we serve it: with our storage rules and actions."""

from rasa.core.agent import Agent
from rasa.core.tracker_store import FailSafeTrackerStore

from infusion_guide.clinic.settings import settings
from infusion_guide.engine.actions import actions_at
from infusion_guide.engine.lock_store import ConversationLocks
from infusion_guide.engine.tracker_store import TrackerStore
from infusion_guide.replies import pins


class Misconfigured(RuntimeError):
    """The assistant would run, but without what protects patients; the message names the file to fix."""


def set_up(agent: Agent) -> None:
    """Puts our storage rules and actions into a loaded `agent`.

    Raises:
        Misconfigured: Rasa quietly used something else for what endpoints.yml names, or crisis words are not as signed.
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
    changed = pins.changed()
    if changed:
        raise Misconfigured(changed)
    if agent.processor is None:
        raise Misconfigured("No model is loaded. Run `make train`.")
    agent.processor.tracker_store = store
    agent.action_endpoint = agent.processor.action_endpoint = actions_at(settings().actions_url)
