"""Runs actions, in this process or on their own server. A failure ends the turn: nothing is confirmed that did not happen."""

import asyncio
import json
from functools import lru_cache
from typing import Any, Dict, Optional

import aiohttp
from jsonschema import Draft7Validator
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import deserialise_events
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection

from infusion_guide.storage.turn import current_turn

PACKAGE = "actions"
SECONDS = 3.0  # below the door's time for a whole turn (channels/door.py)
_READY_SECONDS = 2.0  # for one look whether the server is there
_REJECTED = 400  # Rasa SDK's answer for a form that leaves the decision to the policies


class TurnAborted(BaseException):
    """An action did not do its part.

    Not an Exception on purpose: Rasa swallows those of an action and goes on with the rule's next step
    (rasa/core/processor.py, `_run_action`), which may confirm what never happened.
    """


class Actions(EndpointConfig):
    """Rasa's action endpoint with a time limit and failures that count; `perform` says where the actions run."""

    def __init__(self, url: Optional[str] = None) -> None:
        # No action needs the domain; sending it would cost 150 kB a call.
        super().__init__(url, enable_selective_domain=True)

    async def request(self, *args: Any, **kwargs: Any) -> Optional[Any]:
        """See parent: the events and replies of the action that `json` names.

        Raises:
            TurnAborted: no answer within SECONDS, or an answer that Rasa cannot use as a whole.
            ClientResponseError: the action leaves the decision to the policies (status 400).
        """
        try:
            answer = await asyncio.wait_for(self.perform(*args, **kwargs), SECONDS)
        except TimeoutError:
            raise TurnAborted(f"The action did not answer within {SECONDS:.0f} s.") from None
        if not _is_result(answer):
            raise TurnAborted("The action answered what is no result of an action.")
        return answer

    async def perform(self, *args: Any, **kwargs: Any) -> Optional[Any]:
        """One call without the time limit. Raises TurnAborted and ClientResponseError as `request`."""
        raise NotImplementedError

    async def answers(self) -> bool:
        """Whether actions can run now."""
        raise NotImplementedError


class InProcess(Actions):
    """Actions in the assistant's own process.

    One that waits for something must be `async`, or every patient waits with it; those of this project only work out.
    """

    def __init__(self, package: str = PACKAGE) -> None:
        super().__init__()
        self._executor = ActionExecutor()
        self._executor.register_package(package)

    async def perform(self, *args: Any, **kwargs: Any) -> Optional[Any]:
        """See parent. Through JSON and back, so that an action gets and gives what it would on a server, and no more."""
        call = _as_json(kwargs["json"])
        try:
            return _as_json(await self._executor.run(call))
        except ActionExecutionRejection as rejected:
            body = json.dumps({"error": rejected.message, "action_name": rejected.action_name})
            raise ClientResponseError(_REJECTED, "rejected", body) from None
        except Exception as error:
            raise TurnAborted(f"The action {call.get('next_action')} failed ({type(error).__name__}).") from error

    async def answers(self) -> bool:
        """See parent."""
        return bool(self._executor.actions)


class OwnServer(Actions):
    """Actions on a server of their own (`rasa run actions`), at the address `server`, for example http://actions:5055."""

    def __init__(self, server: str) -> None:
        super().__init__(f"{server}/webhook")
        self._health = f"{server}/health"

    async def perform(self, *args: Any, **kwargs: Any) -> Optional[Any]:
        """See parent. The header Idempotency-Key is the same when a message is worked out again."""
        turn = current_turn.get()
        if turn:
            kwargs["headers"] = {**kwargs.get("headers", {}), "Idempotency-Key": turn.message_id}
        try:
            return await EndpointConfig.request(self, *args, **kwargs)
        except ClientResponseError as error:
            if error.status == _REJECTED and _is_rejection(error.text):
                raise
            raise TurnAborted(f"The action server answered {error.status}.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise TurnAborted(f"The action server cannot be reached ({type(error).__name__}).") from None
        except ValueError:
            raise TurnAborted("The action server answered something else than JSON.") from None

    async def answers(self) -> bool:
        """See parent. Raises what aiohttp raises when nobody is there."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_READY_SECONDS)) as session:
            async with session.get(self._health) as answered:
                return answered.status == 200


def actions_at(server: str) -> Actions:
    """The actions of the server at the address `server` (ACTIONS_URL); "": of this process."""
    return OwnServer(server) if server else InProcess()


def _as_json(value: Any) -> Dict[str, Any]:
    copied: Dict[str, Any] = json.loads(json.dumps(value))
    return copied


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
