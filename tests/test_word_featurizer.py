"""Our quick counting gives scikit-learn's numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from infusion_guide.nlu.word_featurizer import Vocabulary

TEXTS = ["does it help with depression", "how much does it cost", "is it safe", "what is it, what is it for"]
VECTORIZERS = [
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"[\w']+").fit(TEXTS),
    TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True).fit(TEXTS),
]


@pytest.mark.parametrize("vectorizer", VECTORIZERS)
@given(
    text=st.one_of(st.text(max_size=60), st.sampled_from(TEXTS), st.lists(st.sampled_from(["is", "it", "safe"])).map(" ".join))
)
def test_same_as_sklearn(vectorizer, text):
    columns, weights = Vocabulary(vectorizer).weigh(text.lower())
    row = np.zeros(len(vectorizer.vocabulary_))
    row[columns] = weights
    assert np.allclose(row, vectorizer.transform([text.lower()]).toarray()[0], atol=1e-5)
