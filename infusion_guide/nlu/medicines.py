"""Knows medicines by name: knowledge that no number of training sentences gives. Free of Rasa."""

import bz2
import pickle
import re
from functools import cache
from typing import FrozenSet, NamedTuple

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.nlu.encoder import verified

_DICTIONARY = ("drug_named_entity_recognition", "drug_ner_dictionary.pkl.bz2")
_NAME = re.compile(r"[a-z][a-z0-9-]{3,}")  # one word; the dictionary's shorter ones are mostly abbreviations of something else
_WORDS = re.compile(r"[a-z][a-z0-9'-]*")
_LONGEST = 3  # words in a name of data/medicines.yml


class Named(NamedTuple):
    """What a text names: ketamine, another medicine, a street drug or a medicine of addiction care."""

    ketamine: bool = False
    other: bool = False
    street: bool = False
    recovery: bool = False


class _Names(NamedTuple):
    ketamine: FrozenSet[str]
    other: FrozenSet[str]
    street: FrozenSet[str]
    recovery: FrozenSet[str]


@cache
def _names() -> _Names:
    """PyPI's drug-named-entity-recognition (MIT, kept since 2023): the names of 20,000 substances from Drugbank and MedlinePlus.

    Only its dictionary is read, verified by its hash like the encoders' files; the package's finder needs the network.
    """
    with bz2.open(verified(*_DICTIONARY)) as file:
        known = pickle.load(file)["drug_variant_to_canonical"]  # verified above: a plain dict of the release we reviewed
    own = {name: frozenset(words) for name, words in read_yaml(DATA / "medicines.yml").items()}
    taken = own["not_medicines"] | own["ketamine"] | own["street"] | own["recovery"]
    english = {word for word in known if not _NAME.fullmatch(word)}
    return _Names(own["ketamine"], frozenset(known.keys() - english - taken) | own["others"], own["street"], own["recovery"])


def all_names() -> FrozenSet[str]:
    """Every name that is known, in small letters."""
    return frozenset().union(*_names())


def named(text: str) -> Named:
    """What `text` names, whatever its case.

    >>> named("Can I take Zoloft with ketamine?")
    Named(ketamine=True, other=True, street=False, recovery=False)
    """
    words = _WORDS.findall(text.lower())
    found = {" ".join(words[i : i + n]) for n in range(1, _LONGEST + 1) for i in range(len(words) - n + 1)}
    return Named(*(not found.isdisjoint(names) for names in _names()))
