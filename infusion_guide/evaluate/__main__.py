"""`make eval`: with FILE and OUT, one outcome a line; alone, tables and plots on the held-out sentences.

Ends with 1 when a bound is missed on the project's own sentences, with 2 when the command line is wrong.
"""

import argparse
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence

from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine.training import ensure_model
from infusion_guide.evaluate.conversations import Conversation, conversations, figures, judged
from infusion_guide.evaluate.scores import plot_confusion, rates, table
from infusion_guide.evaluate.sentences import DEVELOPMENT, HELDOUT, Said, Sentence, outside, own
from infusion_guide.watch.console import Bar, quietly

RESULTS = ROOT / "results"


def read_lines(path: Path) -> List[Said]:
    """The `text` of each line of a JSONL file, or the texts of its `turns`. SystemExit names the line that is wrong."""
    said: List[Said] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            texts = [turn["text"] for turn in row["turns"]] if "turns" in row else [row["text"]]
        except (ValueError, KeyError, TypeError):
            raise SystemExit(
                f"{path}, line {number}: not a JSON object with 'text', or with 'turns' that have one each."
            ) from None
        if not all(isinstance(text, str) for text in texts):
            raise SystemExit(f"{path}, line {number}: 'text' is not a text.")
        said.append(texts if "turns" in row else texts[0])
    return said


def main() -> int:
    """Runs the command line; see the module's first line."""
    parser = argparse.ArgumentParser(prog="make eval")
    parser.add_argument("--file", type=Path, help="JSON lines with `text`")
    parser.add_argument("--out", type=Path, help="where the outcomes go, JSON lines")
    parser.add_argument("--development", action="store_true", help="the development sentences instead of the held-out ones")
    chosen = parser.parse_args()
    if bool(chosen.file) != bool(chosen.out):
        parser.error("give both FILE=in.jsonl and OUT=out.jsonl, or neither")
    if chosen.file and not chosen.file.is_file():
        parser.error(f"{chosen.file} is not a file")
    model = ensure_model()
    with quietly() as terminal, Bar("Loading the assistant", terminal):
        from rasa.utils.log_utils import configure_structlog  # Rasa: seconds in which nothing else would be seen

        from infusion_guide.evaluate.run import assistant, outcomes

        configure_structlog(logging.ERROR)
        talker = assistant(model)
    if chosen.file:
        results = outcomes(talker, read_lines(chosen.file))
        chosen.out.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in results), encoding="utf-8")
        print(f"{len(results)} outcomes in {chosen.out}")
        return 0
    sets = {"development": own(DEVELOPMENT)} if chosen.development else {"heldout": own(HELDOUT), "outside": outside()}
    held = [
        _bounds_hold(name, sentences, outcomes(talker, [s.text for s in sentences]))
        for name, sentences in sets.items()
        if sentences
    ]
    if not chosen.development:
        held[0] &= _talks_hold(conversations(), talker)
    return 0 if held[0] else 1  # the sentences of others are for looking at: they are not everywhere


def _talks_hold(talks: Sequence[Conversation], talker: Any) -> bool:
    """Prints the table of the conversations and writes the turns that failed; whether the bounds are kept."""
    from infusion_guide.evaluate.run import outcomes

    if not talks:
        return True
    played = [judged(talk, outcome["turns"]) for talk, outcome in zip(talks, outcomes(talker, [talk.says for talk in talks]))]
    rows, holds = figures(played)
    print(f"\nconversations: {len(talks)}\n{rows}\n")
    with open(RESULTS / "conversations.txt", "w", encoding="utf-8") as out:
        out.writelines(f"{fault}\n" for talk in played for fault in talk.faults)
    print("Turns that failed: results/conversations.txt")
    return holds


def _bounds_hold(name: str, sentences: List[Sentence], results: List[Dict[str, Any]]) -> bool:
    """Prints the table of the set `name` and writes its outcomes and plot; whether every bound is kept."""
    rows = rates(sentences, results)
    print(f"\n{name}: {len(sentences)} sentences\n{table(rows)}\n")
    RESULTS.mkdir(exist_ok=True)
    plot_confusion(sentences, results, RESULTS / f"confusion_{name}.png", f"{name}: {len(sentences)} sentences")
    with open(RESULTS / f"outcomes_{name}.jsonl", "w", encoding="utf-8") as out:
        for sentence, result in zip(sentences, results):
            out.write(json.dumps({**result, "meant": sentence.kind, "topics": sentence.topics}, ensure_ascii=False) + "\n")
    print(f"Outcomes and plot: results/*_{name}.*")
    return all(holds for *_, holds in rows)


if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    sys.exit(main())
