"""Danger in company: the worst sentence stands beside a price, and whoever looks for danger must have read such messages."""

from typing import Any, Dict, Iterator, List, Sequence

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from infusion_guide.nlu.language_detector import language_of_example
from infusion_guide.nlu.trained_component import labelled_examples
from infusion_guide.text.cleaning import clean
from infusion_guide.text.draw import number_of
from infusion_guide.text.telling import begins_with_people

# Set on a training sentence that asks something beside what somebody tells: of no topic to learn, but of no danger either.
TWO_THINGS = "two_things"

_EVERY = 3  # of the words of danger that are short enough, one in so many is learned in company: then there are as many of both
_LONGEST_TELLING, _LONGEST_QUESTION = 25, 12  # words
_QUESTIONS, _HARMLESS = ("faq", "uncovered"), ("chitchat", "out_of_scope", "uncovered")
# How the two come together: people leave out what should stand between.
_JOINED = {
    "en": ["{t}. {q}", "{q} {t}", "{q}? {t}", "{t}, also {q}", "{t} {q}", "{q}? and {t}", "{t}. oh and {q}", "{t} but {q}"],
    "es": ["{t}. {q}", "{q} {t}", "¿{q}? {t}", "{t}, también {q}", "{t} {q}", "{q}? y {t}", "{t}. ah y {q}", "{t} pero {q}"],
}
# Words of courtesy in whatever language: they say nothing of what stands between them.
_AROUND = [
    *("hola, {t}", "buenas tardes. {t}", "{t} gracias", "hola buenas {t} muchas gracias", "disculpe, {t}", "{t} por favor"),
    *("hi. {t}", "hello good evening, {t} thank you", "sorry to bother you. {t}", "{t} thanks"),
    *("olá, {t} obrigado", "bonjour {t}"),
]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class Company(GraphComponent):
    """Adds to the training sentences some that are made of two: a telling, dangerous or not, and a question.

    What is dangerous stays so beside a question; where nothing is, the question is what the message is about.
    """

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "Company":
        """See parent."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Nothing: only training sentences get company."""
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """`training_data` with the sentences in company."""
        return training_data.merge(TrainingData(list(in_company(labelled_examples(training_data)))))


def in_company(examples: Sequence[Message]) -> Iterator[Message]:
    """The same ones for the same `examples`: each depends on nothing but its own sentences."""
    for language, joined in _JOINED.items():
        spoken = sorted((e for e in examples if language_of_example(e) == language), key=lambda e: number_of(e.get(TEXT)))
        questions = [e for e in spoken if _kind(e) in _QUESTIONS and _is_question(e)]
        tellings = [e for e in spoken if _is_telling(e)]
        for telling in tellings if questions else []:
            number = number_of(telling.get(TEXT))
            if _kind(telling) == "crisis" and number % _EVERY:
                continue
            number //= _EVERY
            question = questions[number % len(questions)]
            meant = telling if _kind(telling) == "crisis" or number % 5 == 0 else question
            form = _AROUND[number % len(_AROUND)] if number % 5 == 0 else joined[number % len(joined)]
            text = form.format(t=telling.get(TEXT).rstrip("."), q=question.get(TEXT).rstrip("?. ").lstrip("¿"))
            yield Message(data={**meant.data, TEXT: clean(text), TWO_THINGS: meant is question})


def _kind(example: Message) -> str:
    return str(example.get(INTENT)).partition("/")[0]


def _is_question(example: Message) -> bool:
    text = example.get(TEXT)
    return text.endswith("?") and len(text.split()) <= _LONGEST_QUESTION and text.count("?") == 1


def _is_telling(example: Message) -> bool:
    """Words of somebody in danger, or of one who begins with people and not with a question or a wish."""
    text, kind = example.get(TEXT), _kind(example)
    if "?" in text or len(text.split()) > _LONGEST_TELLING:
        return False
    return kind == "crisis" or (kind in _HARMLESS and begins_with_people(text))
