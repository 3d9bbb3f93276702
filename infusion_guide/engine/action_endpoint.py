"""Calls the action server; a call that fails ends the turn, so that nothing is confirmed that did not happen."""

import asyncio
import json
from functools import lru_cache
from typing import Any, Optional

import aiohttp
from jsonschema import Draft7Validator
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import deserialise_events
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from infusion_guide.storage.turn import current_turn

SECONDS = 3.0  # below the door's time for a whole turn (channels/door.py)
_REJECTED = 400  # Rasa SDK's answer for a form that leaves the decision to the policies


class TurnAborted(BaseException):
    """The action server did not do its part.

    Not an Exception on purpose: Rasa swallows those of an action and goes on with the rule's next step
    (rasa/core/processor.py, `_run_action`), which may confirm what never happened.
    """


class ActionEndpoint(EndpointConfig):
    """Rasa's action endpoint with a time limit, an idempotency key and failures that count."""

    async def request(self, *args: Any, **kwargs: Any) -> Optional[Any]:
        """See parent. The header Idempotency-Key is the same when a message is worked out again.

        Raises:
            TurnAborted: no answer within SECONDS, or an answer that Rasa cannot use as a whole.
        """
        turn = current_turn.get()
        if turn:
            kwargs["headers"] = {**kwargs.get("headers", {}), "Idempotency-Key": turn.message_id}
        try:
            answer = await asyncio.wait_for(super().request(*args, **kwargs), SECONDS)
        except ClientResponseError as error:
            if error.status == _REJECTED and _is_rejection(error.text):
                raise
            raise TurnAborted(f"The action server answered {error.status}.") from None
        except TimeoutError:
            raise TurnAborted(f"The action server did not answer within {SECONDS:.0f} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise TurnAborted(f"The action server cannot be reached ({type(error).__name__}).") from None
        except ValueError:
            raise TurnAborted("The action server answered something else than JSON.") from None
        if not _is_result(answer):
            raise TurnAborted("The action server answered what is no result of an action.")
        return answer

    @classmethod
    def like(cls, endpoint: EndpointConfig) -> "ActionEndpoint":
        """The same endpoint with this class's rules."""
        return cls(
            endpoint.url,
            endpoint.params,
            endpoint.headers,
            endpoint.basic_auth,
            endpoint.token,
            endpoint.token_name,
            **endpoint.kwargs,
        )


def _is_rejection(body: Any) -> bool:
    """Whether Rasa can read which action was rejected; it would go on after its own failure to."""
    try:
        return isinstance(json.loads(body)["action_name"], str)
    except (ValueError, TypeError, KeyError):
        return False


def _is_result(answer: Any) -> bool:
    """Whether Rasa will take over every event and reply; of what it cannot read, it would only write a log line."""
    if not _result_form().is_valid(answer) or "events" not in answer:
        return False
    try:
        deserialise_events(answer["events"])
    except Exception:  # whatever an event's class raises for what it does not expect
        return False
    return True


@lru_cache(maxsize=1)
def _result_form() -> Draft7Validator:
    return Draft7Validator(RemoteAction.action_response_format_spec())
