"""Guides through a tool: begins it, goes on after each answer, says the open step again, ends it."""

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.conversation import replies
from infusion_guide.replies.guided import ENDS, reply_of
from infusion_guide.replies.topic import Topic
from infusion_guide.tools.steps import ANSWERS, TOOL, WAITS, State, Turn, again, begin, go_on, tools
from infusion_guide.tools.words import may_be_offered, quotes


class ActionTool(Action):
    """What follows is worked out in infusion_guide/tools/; how a message answers a step, ConfidenceGate has read."""

    def name(self) -> str:
        """See parent."""
        return "action_tool"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[Dict[str, Any]]:
        """See parent."""
        turn = _turn(tracker)
        for name in turn.says:
            given = {ANSWERS: dict(turn.answers)} if turn.answers and quotes(name) else {}
            dispatcher.utter_message(response=name, **given)
        answers = turn.state.answers if turn.state else {}
        return [SlotSet(TOOL, turn.state.slot if turn.state else None), SlotSet(ANSWERS, dict(answers) or None)]


def _turn(tracker: Tracker) -> Turn:
    heard, state = tracker.latest_message, State.of(tracker.slots)
    wanted = heard.get("start_tool")
    if wanted in tools():
        return begin(wanted) if _may_begin(tracker) else Turn((Topic("faq", wanted).reply,))
    if state is None:
        return Turn((reply_of(ENDS, "over"),))
    choice = heard.get("tool_answer")
    return go_on(state, choice, heard.get("text") or "") if choice else again(state)


def _may_begin(tracker: Tracker) -> bool:
    """Not in danger, and not while a call-back is asked for: an older button may still be there."""
    if tracker.slots.get("careful") or (tracker.active_loop or {}).get("name"):
        return False
    return may_be_offered(bool(tracker.slots.get(WAITS)), [reply.name for reply in replies(tracker)])
