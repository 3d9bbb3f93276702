"""Tunes MiniLM on the training sentences: `make encoder`, with the packages of requirements/encoder.txt (docs/encoder.md).

Writes infusion_guide/nlu/minilm/delta.npz, two thin matrices for each layer, and delta.json, which says what they were made
of. Everything random comes from one seed, and no sum is divided among threads: the same machine writes the same bytes.
"""

import argparse
import hashlib
import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

# Before JAX is loaded: no sum divided among threads, no instruction that only some processors have.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false --xla_cpu_max_isa=AVX2"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
from tokenizers import Tokenizer

from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.clinic.settings import ROOT
from infusion_guide.nlu import quantize
from infusion_guide.text.cleaning import clean

SEED = 20261122
RANK = 16
EPOCHS = 3
BATCH = 64
RATE = 1e-3  # Adam's, of heads and matrices; rises over the first twentieth, then falls to nothing
SMOOTHING = 0.05
HEAD_EPOCHS = 30  # of the heads alone, before anything else moves: a few seconds each, on vectors computed once
SCALE = 384**0.5  # of the unit vectors before the heads: the values are then about 1
TOKENS = (8, 12, 16, 20, 24, 32, 48, 64)  # lengths that are computed; longer sentences are cut

MINILM = ROOT / "infusion_guide" / "nlu" / "minilm"
PROBES = ("does it help with depression?", "i took all of my pills", "i took my pills at breakfast", "how much is it?")

Tree = Dict[str, Any]


class Sentence(NamedTuple):
    """One training sentence in English."""

    text: str
    topic: str

    @property
    def danger(self) -> str:
        """The crisis topic, or none; what is asked after a crisis reply (crisis/care_...) is none."""
        kind, _, topic = self.topic.partition("/")
        return topic if kind == "crisis" and not topic.startswith("care_") else "none"


def sentences(folders: Sequence[Path]) -> List[Sentence]:
    """What MiniLM is to read, once each, in an order that follows from the sentences alone."""
    found = {}
    for path in sorted(path for folder in folders for path in folder.glob("**/*.yml")):
        for block in read_yaml(path)["nlu"]:
            topic, language = block["intent"], (block.get("metadata") or {}).get("language", "en")
            if language != "en" or topic in ("spanish", "other_language"):
                continue
            for line in block["examples"].splitlines():
                if line.startswith("- "):
                    sentence = Sentence(clean(line[2:]), topic)
                    found.setdefault(sentence.text, sentence)
    return sorted(found.values(), key=lambda sentence: hashlib.sha256(sentence.text.encode()).digest())


class Weights(NamedTuple):
    """MiniLM as the package holds it: `matrices` by layer, everything else by its name."""

    matrices: Tree
    rest: Tree


def weights(model: onnx.ModelProto) -> Weights:
    """The weights of `model`, as JAX's arrays."""
    matrices = {name: jnp.asarray(onnx.numpy_helper.to_array(tensor)) for name, tensor in quantize.matrices(model).items()}
    rest = {
        tensor.name[len("inner.") :]: jnp.asarray(onnx.numpy_helper.to_array(tensor))
        for tensor in model.graph.initializer
        if tensor.name.startswith("inner.") and tensor.data_type == onnx.TensorProto.FLOAT
    }
    return Weights(matrices, rest)


def fresh_delta(matrices: Tree, rank: int, random: np.random.Generator) -> Tree:
    """A delta that changes nothing yet: every second matrix is zero."""
    delta = {}
    for name, matrix in matrices.items():
        inward, outward = matrix.shape
        delta[f"{name}.down"] = jnp.asarray(random.normal(0, inward**-0.5, (inward, rank)), jnp.float32)
        delta[f"{name}.up"] = jnp.zeros((rank, outward), jnp.float32)
    return delta


def vectors(base: Weights, delta: Tree, ids: jax.Array, present: jax.Array) -> jax.Array:
    """Unit vectors of sentences, shape (sentences, 384), from their tokens and which of these are `present`."""
    rest = base.rest

    def norm(x: jax.Array, name: str) -> jax.Array:
        centred = x - x.mean(-1, keepdims=True)
        spread = jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return centred * spread * rest[f"{name}.LayerNorm.weight"] + rest[f"{name}.LayerNorm.bias"]

    def linear(x: jax.Array, name: str) -> jax.Array:
        return x @ base.matrices[name] + (x @ delta[f"{name}.down"]) @ delta[f"{name}.up"] + rest[f"{name}.bias"]

    count, length = ids.shape
    x = rest["embeddings.word_embeddings.weight"][ids] + rest["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + rest["embeddings.position_embeddings.weight"][:length], "embeddings")
    hidden = jnp.where(present[:, None, None, :], 0.0, -1e9)
    for layer in (f"encoder.layer.{n}" for n in range(6)):
        query, key, value = (
            linear(x, f"{layer}.attention.self.{part}").reshape(count, length, 12, 32) for part in ("query", "key", "value")
        )
        attention = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", query, key) / 32**0.5 + hidden, axis=-1)
        heard = jnp.einsum("bhqk,bkhd->bqhd", attention, value).reshape(count, length, 384)
        x = norm(x + linear(heard, f"{layer}.attention.output.dense"), f"{layer}.attention.output")
        inner = jax.nn.gelu(linear(x, f"{layer}.intermediate.dense"), approximate=False)
        x = norm(x + linear(inner, f"{layer}.output.dense"), f"{layer}.output")
    pooled = (x * present[:, :, None]).sum(1) / present.sum(1, keepdims=True)
    return pooled / jnp.linalg.norm(pooled, axis=1, keepdims=True)


def loss_of_heads(heads: Tree, found: jax.Array, targets: Tuple[jax.Array, ...]) -> jax.Array:
    """How far both heads, on the vectors `found`, are from their `targets`: cross entropies, smoothed, added up."""
    total = jnp.float32(0)
    for name, target in zip(("topic", "danger"), targets):
        logged = jax.nn.log_softmax(found * SCALE @ heads[name] + heads[f"{name}.bias"])
        right = jnp.take_along_axis(logged, target[:, None], axis=1)[:, 0]
        total -= ((1 - SMOOTHING) * right + SMOOTHING * logged.mean(1)).mean()
    return total


def adam(
    values: Tree, slopes: Tree, memory: Tuple[Tree, Tree], step: jax.Array, rate: jax.Array
) -> Tuple[Tree, Tuple[Tree, Tree]]:
    """One step of Adam: the new values and its memory."""
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, memory[0], slopes)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, memory[1], slopes)

    def moved(value: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
        return value - rate * (m / (1 - 0.9**step)) / (jnp.sqrt(v / (1 - 0.999**step)) + 1e-8)

    return jax.tree.map(moved, values, first, second), (first, second)


@jax.jit
def learn_heads(heads: Tree, memory: Any, found: jax.Array, targets: Any, step: jax.Array, rate: jax.Array) -> Tuple[Tree, Any]:
    """One step of the heads alone."""
    return adam(heads, jax.grad(loss_of_heads)(heads, found, targets), memory, step, rate)


@jax.jit
def learn(values: Tree, memory: Any, base: Weights, batch: Any, step: jax.Array, rate: jax.Array) -> Tuple[Tree, Any, jax.Array]:
    """One step of heads and delta together; also the loss before it."""
    ids, present, targets = batch

    def loss(values: Tree) -> jax.Array:
        return loss_of_heads(values["heads"], vectors(base, values["delta"], ids, present), targets)

    lost, slopes = jax.value_and_grad(loss)(values)
    return *adam(values, slopes, memory, step, rate), lost


class Tokens:
    """Sentences as MiniLM's tokens."""

    def __init__(self, texts: Sequence[str]) -> None:
        tokenizer = Tokenizer.from_file(str(MINILM / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(TOKENS[-1])
        self.ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
        self.lengths = np.array([next(length for length in TOKENS if length >= len(ids)) for ids in self.ids])

    def rows(self, chosen: Sequence[int]) -> Tuple[np.ndarray, np.ndarray]:
        """The tokens of the `chosen` sentences, as long as the longest needs, and which are no padding."""
        length = max(self.lengths[i] for i in chosen)
        ids, present = np.zeros((len(chosen), length), np.int32), np.zeros((len(chosen), length), bool)
        for row, i in enumerate(chosen):
            ids[row, : len(self.ids[i])], present[row, : len(self.ids[i])] = self.ids[i], True
        return ids, present

    def batches(self, random: Optional[np.random.Generator] = None) -> Iterator[np.ndarray]:
        """Every sentence once, BATCH of like length at a time; in random order if `random` is given."""
        order = np.arange(len(self.lengths)) if random is None else random.permutation(len(self.lengths))
        order = order[np.argsort(self.lengths[order], kind="stable")]
        batches = [np.resize(order[i : i + BATCH], BATCH) for i in range(0, len(order), BATCH)]
        yield from batches if random is None else (batches[i] for i in random.permutation(len(batches)))


def pace(step: int, steps: int) -> float:
    """The rate at `step` of `steps`."""
    return RATE * min(1.0, step / (steps / 20), (steps - step + 1) / (steps * 19 / 20))


def tune(base: Weights, learned: Sequence[Sentence], epochs: int, rank: int, seed: int, keep: Any = None) -> Tree:
    """The delta after `epochs` over the sentences; `keep(epoch, delta)` sees each on the way."""
    random = np.random.default_rng(seed)
    tokens, began = Tokens([s.text for s in learned]), time.time()
    names = [sorted({s.topic for s in learned}), sorted({s.danger for s in learned})]
    targets = [np.array([names[0].index(s.topic) for s in learned]), np.array([names[1].index(s.danger) for s in learned])]
    delta = fresh_delta(base.matrices, rank, random)
    heads = {}
    for name, labels in zip(("topic", "danger"), names):
        heads[name], heads[f"{name}.bias"] = jnp.zeros((384, len(labels))), jnp.zeros(len(labels))

    still = np.zeros((len(learned), 384), np.float32)
    read = jax.jit(partial(vectors, base, delta))
    for chosen in tokens.batches():
        still[chosen] = read(*tokens.rows(chosen))
    memory = (jax.tree.map(jnp.zeros_like, heads), jax.tree.map(jnp.zeros_like, heads))
    step = 0
    for _ in range(HEAD_EPOCHS):
        for chosen in tokens.batches(random):
            step += 1
            picked = tuple(target[chosen] for target in targets)
            heads, memory = learn_heads(heads, memory, still[chosen], picked, jnp.float32(step), jnp.float32(RATE))
    lost = float(loss_of_heads(heads, jnp.asarray(still), tuple(jnp.asarray(target) for target in targets)))
    print(
        f"{len(learned)} sentences, {len(names[0])} topics; heads alone: loss {lost:.3f}, {time.time() - began:.0f} s", flush=True
    )

    values = {"heads": heads, "delta": delta}
    memory = (jax.tree.map(jnp.zeros_like, values), jax.tree.map(jnp.zeros_like, values))
    step, steps = 0, epochs * -(-len(learned) // BATCH)
    for epoch in range(1, epochs + 1):
        losses = []
        for chosen in tokens.batches(random):
            step += 1
            batch = (*tokens.rows(chosen), tuple(target[chosen] for target in targets))
            values, memory, lost = learn(values, memory, base, batch, jnp.float32(step), jnp.float32(pace(step, steps)))
            losses.append(float(lost))
            if step % 50 == 0:
                print(f"step {step} of {steps}: loss {np.mean(losses[-50:]):.3f}, {time.time() - began:.0f} s", flush=True)
        if keep:
            keep(epoch, values["delta"])
    return values["delta"]


def onnx_vectors(model: onnx.ModelProto, texts: Sequence[str]) -> np.ndarray:
    """Vectors of `texts` by onnxruntime, as the assistant computes them, in floats."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = []
    for ids in Tokens(texts).ids:
        tokens = np.array([ids], dtype=np.int64)
        feeds = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        pooled = session.run(None, feeds)[0][0].mean(axis=0)
        found.append(pooled / np.linalg.norm(pooled))
    return np.vstack(found)


def write(delta: Tree, target: Path, base: Path, facts: Dict[str, Any]) -> None:
    """Writes `delta` in half precision, and beside it what it is; both small enough to keep in the repository."""
    halves = {name: np.asarray(delta[name]).astype(np.float16) for name in sorted(delta)}
    np.savez(target, **halves)
    before = quantize.floats(base)
    untuned = onnx_vectors(before, PROBES)
    quantize.merge(before, halves)
    turned = (onnx_vectors(before, PROBES) * untuned).sum(axis=1)
    said = {
        "base": hashlib.sha256(base.read_bytes()).hexdigest(),
        "delta": hashlib.sha256(target.read_bytes()).hexdigest(),
        **facts,
        "cosine to the untuned vector": {probe: round(float(cosine), 4) for probe, cosine in zip(PROBES, turned)},
    }
    target.with_suffix(".json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Reads the command line, tunes, writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path, help="model.onnx of the package")
    parser.add_argument("--data", type=Path, action="append", help="folder of training sentences; may come again")
    parser.add_argument("--out", type=Path, default=MINILM / "delta.npz")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--rank", type=int, default=RANK)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--each", action="store_true", help="also write the delta of each epoch, beside the last")
    options = parser.parse_args()

    learned = sentences(options.data or [DATA / "nlu"])
    model = quantize.floats(options.base)
    base = weights(model)
    check_forward(base, model)
    facts = {
        "sentences": len(learned),
        "data": hashlib.sha256("\n".join(f"{s.topic}\t{s.text}" for s in learned).encode()).hexdigest(),
        "seed": options.seed,
        "rank": options.rank,
        "epochs": options.epochs,
        "made with": f"jax {jax.__version__}, numpy {np.__version__}",
    }

    def keep(epoch: int, delta: Tree) -> None:
        if options.each and epoch < options.epochs:
            path = options.out.with_name(f"{options.out.stem}-{epoch}.npz")
            write(delta, path, options.base, {**facts, "epochs": epoch})

    write(tune(base, learned, options.epochs, options.rank, options.seed, keep), options.out, options.base, facts)


def check_forward(base: Weights, model: onnx.ModelProto) -> None:
    """Ends the program if JAX does not read as onnxruntime does."""
    none = fresh_delta(base.matrices, 1, np.random.default_rng(0))
    ids, present = Tokens(PROBES).rows(range(len(PROBES)))
    apart = np.abs(np.asarray(vectors(base, none, ids, present)) - onnx_vectors(model, PROBES)).max()
    if apart > 1e-4:
        raise SystemExit(f"The model is computed wrongly here: vectors differ by {apart:.5f}.")


if __name__ == "__main__":
    main()
