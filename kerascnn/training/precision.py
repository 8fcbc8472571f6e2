"""In which precision a run computes: mixed where the hardware gains by it.

Micikevicius et al. 2018, "Mixed precision training", arXiv:1710.03740: weights and the loss stay in
float32, most of the arithmetic is done in 16 bits; in float16 the loss is scaled, so that small
gradients are not lost.
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras

from kerascnn.errors import InputError
from kerascnn.visualize.inside.taps import last_layer

logger = logging.getLogger("kerascnn.training")

PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")
# NVIDIA's GPUs have units for products of float16 matrices from here on (Volta).
_TENSOR_CORES = (7, 0)


@dataclass(frozen=True)
class Accelerator:
    """A device that the Keras backend computes on, beside the CPU.

    Attributes:
        kind: "GPU" or "TPU".
        name: What it is, for people.
        compute_capability: Of an NVIDIA GPU, (major, minor); None where it is not known.
    """

    kind: str
    name: str
    compute_capability: tuple[int, int] | None = None


def choose(precision: str) -> str:
    """The precision of a new run; "auto" is what suits the devices of this process.

    Raises:
        InputError: None of `PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise InputError(
            f"`precision` must be one of {', '.join(PRECISIONS)}. Received: {precision!r}."
        )
    if precision != "auto":
        return precision
    backend = keras.backend.backend()
    devices = accelerators(backend)
    chosen = suited(backend, devices)
    if chosen != "float32":
        names = ", ".join(sorted({device.name for device in devices}))
        logger.info("precision: %s, which suits %s", chosen, names)
    return chosen


def suited(backend: str, devices: Sequence[Accelerator]) -> str:
    """The precision that suits all of the devices; float32 where there are none.

    Args:
        backend: "tensorflow", "jax" or "torch"; on the last it is always float32.
        devices: Those of the process, without CPUs.
    """
    if not devices:
        return "float32"
    if backend == "jax":
        return "mixed_bfloat16"
    capabilities = [device.compute_capability for device in devices]
    if backend == "tensorflow" and all(
        capability is not None and capability >= _TENSOR_CORES for capability in capabilities
    ):
        return "mixed_float16"
    return "float32"


def accelerators(backend: str) -> tuple[Accelerator, ...]:
    """The GPUs and TPUs that a backend computes on; none on PyTorch, which is not asked."""
    if backend == "tensorflow":
        import tensorflow as tf

        found = []
        for device in tf.config.list_physical_devices("GPU"):
            details = tf.config.experimental.get_device_details(device)
            name = details.get("device_name", device.name)
            found.append(Accelerator("GPU", name, details.get("compute_capability")))
        return tuple(found)
    if backend == "jax":
        import jax

        kinds = {"gpu": "GPU", "tpu": "TPU"}
        return tuple(
            Accelerator(kinds[device.platform], device.device_kind)
            for device in jax.local_devices()
            if device.platform in kinds
        )
    return ()


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """While open, new layers and models compute in `precision`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def scaled(optimizer: keras.optimizers.Optimizer, precision: str) -> keras.optimizers.Optimizer:
    """The optimiser as the precision needs it: with a scaled loss in float16.

    Keras would do it in `compile`, but saves the optimiser without it, and loads none of its state.
    """
    if precision != "mixed_float16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def keep_outputs(model: keras.Model) -> keras.Model:
    """Makes the last layer of a model compute in float32, as softmax and losses need it."""
    layer = last_layer(model)
    if isinstance(layer, keras.layers.Layer):
        for part in layer._flatten_layers():
            part.dtype_policy = "float32"
    return model
