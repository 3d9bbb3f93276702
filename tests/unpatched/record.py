"""What Rasa makes of a small bot's conversations: `python tests/unpatched/record.py OUT.json`.

recorded.json was written by an unpatched Rasa 3.6.21 on Python 3.10 with the packages that it asks for. To renew it, make
such an environment elsewhere and run this file there; it needs nothing of ours. tests/test_compat.py holds the same
conversations on our engine.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List

BOT = Path(__file__).parent / "bot"
CONVERSATIONS = (
    ("hello", "thank you", "thank you"),
    ("a cup of tea, please", "2", "hello"),
    ("bring me a mocha", "Hello there", "stop"),
    ("order", "the weather is fine", "Coffee!", "three"),
    ("order", "stop", "order", '/order{"drink": "tea"}', "1"),
    ("", "xyz", "/greet", "/restart", "HELLO"),
)
_CHANCE = {"timestamp", "message_id", "input_channel", "model_id", "assistant_id"}  # differs from run to run


def record() -> List[Dict[str, Any]]:
    """Trains the bot and holds CONVERSATIONS; each with what the bot said and every event, in order."""
    from rasa.core.agent import load_agent
    from rasa.model_training import train

    with tempfile.TemporaryDirectory() as folder:
        files = (str(BOT / name) for name in ("domain.yml", "config.yml", "data.yml"))
        model = train(*files, output=folder, fixed_model_name="bot", force_training=True).model
        agent = asyncio.run(load_agent(model_path=model))
        return [asyncio.run(_held(agent, str(number), texts)) for number, texts in enumerate(CONVERSATIONS)]


async def _held(agent: Any, sender: str, texts: Any) -> Dict[str, Any]:
    said = [await agent.handle_text(text, sender_id=sender) for text in texts]
    tracker = await agent.tracker_store.retrieve(sender)
    return {"texts": texts, "said": said, "events": [_steady(event.as_dict()) for event in tracker.events]}


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(each) for key, each in value.items() if key not in _CHANCE}
    if isinstance(value, (list, tuple)):
        return [_steady(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(conversation) for conversation in record())
    Path(sys.argv[1]).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
