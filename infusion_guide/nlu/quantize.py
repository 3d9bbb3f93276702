"""Makes the MiniLM that answers: `python quantize.py BASE.onnx DELTA.npz TARGET.onnx`, with the packages of quantize.txt.

The package's file stores 8-bit weights but computes in floats. What `make encoder` learned from the training sentences is
added to these (docs/encoder.md); then onnxruntime's dynamic quantisation, which answers in a third of the time.
`reduce_range`: seven bits of each weight, so that processors with and without VNNI agree.
"""

import hashlib
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Dict

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic

DELTA = "delta"  # in TARGET's own description: the sha256 of DELTA.npz, for who loads it (encoder.py)


def floats(base: Path) -> onnx.ModelProto:
    """The model of the file `base`, its weights as floats."""
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder) / "floats.onnx"
        unpacking = onnxruntime.SessionOptions()
        unpacking.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        unpacking.optimized_model_filepath = str(unpacked)
        unpacking.log_severity_level = 3  # errors; it warns that the file suits this onnxruntime alone, which is all it is for
        onnxruntime.InferenceSession(str(base), unpacking, providers=["CPUExecutionProvider"])
        return onnx.load(unpacked)


def matrices(model: onnx.ModelProto) -> Dict[str, onnx.TensorProto]:
    """The weights of every layer by its name, for example encoder.layer.0.attention.self.query; shape (in, out).

    Only the biases kept their names in the file: a layer's weights are what is multiplied just before its bias is added.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    multiplied = {node.output[0]: node.input[1] for node in model.graph.node if node.op_type == "MatMul"}
    found = {}
    for node in model.graph.node:
        bias = next((name for name in node.input if name.startswith("inner.encoder.") and name.endswith(".bias")), None)
        weights = next((multiplied[name] for name in node.input if name in multiplied), None)
        if node.op_type == "Add" and bias and weights in tensors:
            found[bias[len("inner.") : -len(".bias")]] = tensors[weights]
    return found


def merge(model: onnx.ModelProto, delta: Dict[str, np.ndarray]) -> None:
    """Adds to the weights of each layer the product of its two thin matrices in `delta`: NAME.down and NAME.up."""
    found = matrices(model)
    if {f"{name}.{half}" for name in found for half in ("down", "up")} != set(delta):
        raise SystemExit("The delta was made for another model than this one. Run `make encoder`.")
    for name, tensor in found.items():
        down, up = (delta[f"{name}.{half}"].astype(np.float64) for half in ("down", "up"))
        merged = onnx.numpy_helper.to_array(tensor) + down @ up
        tensor.CopyFrom(onnx.numpy_helper.from_array(merged.astype(np.float32), tensor.name))


def check(base: Path, delta: Path) -> str:
    """The sha256 of `delta`; ends the program if it does not belong to `base`, by what the file beside it says."""
    said = json.loads(delta.with_suffix(".json").read_text(encoding="utf-8"))
    for path, name in ((base, "base"), (delta, "delta")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != said[name]:
            raise SystemExit(f"{path} is not the file that {delta.with_suffix('.json').name} speaks of (sha256 {digest}).")
    return said["delta"]


def quantize(base: Path, delta: Path, target: Path) -> None:
    """Writes `target`, whole or not at all; takes four seconds."""
    digest = check(base, delta)
    model = floats(base)
    merge(model, dict(np.load(delta)))
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        merged, integers = Path(folder) / "merged.onnx", Path(folder) / "integers.onnx"
        onnx.save(model, merged)
        quantize_dynamic(
            merged, integers, op_types_to_quantize=["MatMul"], per_channel=True, reduce_range=True, weight_type=QuantType.QInt8
        )
        described = onnx.load(integers)
        described.metadata_props.add(key=DELTA, value=digest)
        onnx.save(described, integers)
        integers.replace(target)


if __name__ == "__main__":
    logging.disable()  # it advises to run what ran just before
    quantize(*(Path(argument) for argument in sys.argv[1:4]))
