"""How well each peer understands the held-out sentences."""

import asyncio
from typing import Any, Dict, List, Optional, Tuple

from rasa.core.agent import Agent

from infusion_guide.evaluate.run import assistant, outcomes
from infusion_guide.evaluate.sentences import Sentence
from infusion_guide.replies.topic import KINDS
from tools.bench.peers import OURS, Peer

Understood = Tuple[str, Optional[str]]  # kind and topic
_NOT_UNDERSTOOD = ("nlu_fallback", "out_of_scope", None)


def understanding(peer: Peer, sentences: List[Sentence]) -> Dict[str, Dict[str, int]]:
    """For each measure the number of sentences it is taken over (`of`) and of those that count (`n`)."""
    texts = [sentence.text for sentence in sentences]
    if peer.name == OURS:
        understood = [(o["kind"], o["topic"]) for o in outcomes(assistant(peer.model), texts, show=False)]
    else:
        understood = _parsed(peer, texts)
    return measures(sentences, understood)


def measures(sentences: List[Sentence], understood: List[Understood]) -> Dict[str, Dict[str, int]]:
    """Counts as of `understanding`, from what was understood of each sentence."""
    pairs = list(zip(sentences, understood))

    def share(group: List[Tuple[Sentence, Understood]], counts) -> Dict[str, int]:
        return {"n": sum(bool(counts(s, u)) for s, u in group), "of": len(group)}

    def of(kind: str) -> List[Tuple[Sentence, Understood]]:
        return [pair for pair in pairs if pair[0].kind == kind]

    return {
        "kind": share(pairs, lambda s, u: u[0] == s.kind),
        "faq_topic": share(of("faq"), lambda s, u: u[0] == "faq" and u[1] in s.topics),
        "crisis_found": share(of("crisis"), lambda s, u: u[0] == "crisis"),
        "crisis_false": share([p for p in pairs if p[0].kind != "crisis"], lambda s, u: u[0] == "crisis"),
        "out_of_scope": share(of("fallback"), lambda s, u: u[0] == "fallback"),
    }


def _parsed(peer: Peer, texts: List[str]) -> List[Understood]:
    """What Rasa's own components make of each text. The rules answer each intent in one way, so that is its answer."""
    agent = Agent.load(str(peer.model))

    async def all_texts() -> List[Dict[str, Any]]:
        return [await agent.parse_message(text) for text in texts]

    return [_kind_and_topic(parsed) for parsed in asyncio.run(all_texts())]


def _kind_and_topic(parsed: Dict[str, Any]) -> Understood:
    intent = (parsed.get("intent") or {}).get("name")
    if intent in _NOT_UNDERSTOOD:
        return "fallback", None
    if intent not in KINDS:
        return "other", None
    # Rasa's default is one selector over the topics of all kinds; it may choose a topic of another kind.
    chosen = (parsed.get("response_selector") or {}).get("default", {}).get("response", {}).get("intent_response_key") or ""
    kind, _, topic = chosen.partition("/")
    return intent, topic if kind == intent else None
