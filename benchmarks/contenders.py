"""The same networks by kerascnn and by its peers, ready to take turns at the same work.

Every contender takes the same uint8 images (batch, height, width, 3), prepares them itself on its
way to class scores, and trains by softmax cross-entropy and SGD with momentum. Keras models are
compiled with `jit_compile="auto"`: on a CPU Keras then leaves XLA off, on a GPU it takes it.
PyTorch models run eagerly, in channels_last memory order.
"""

import importlib.metadata
import importlib.util
import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kerascnn

OURS = "kerascnn"
PEERS = ("keras.applications", "torchvision", "timm", "keras-hub")
PACKAGES = {"torchvision": "torchvision", "timm": "timm", "keras-hub": "keras_hub"}
LEARNING_RATE, MOMENTUM = 0.001, 0.9

# Our name -> the name in torchvision and in timm.
TORCHVISION = {
    "AlexNet": "alexnet",
    "ConvNeXtTiny": "convnext_tiny",
    "DenseNet121": "densenet121",
    "EfficientNetB0": "efficientnet_b0",
    "GoogLeNet": "googlenet",
    "InceptionV3": "inception_v3",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Large": "mobilenet_v3_large",
    "MobileNetV3Small": "mobilenet_v3_small",
    "ResNet18": "resnet18",
    "ResNet34": "resnet34",
    "ResNet50": "resnet50",
    "ResNet101": "resnet101",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
}
TIMM = {
    **{name: TORCHVISION[name] for name in ("ConvNeXtTiny", "DenseNet121", "EfficientNetB0")},
    **{name: TORCHVISION[name] for name in ("InceptionV3", "ResNet18", "ResNet50", "VGG16")},
    "EfficientNetLite0": "efficientnet_lite0",
    "MobileNetV2": "mobilenetv2_100",
    "MobileNetV3Large": "mobilenetv3_large_100",
    "Xception": "legacy_xception",
}
# keras.applications: what its `preprocess_input` does, as scale and offset; the others have it in
# the model. The exchange of red and blue for the first two is left out, to their advantage.
CAFFE = (1.0, [-103.939, -116.779, -123.68])
TORCH = (
    [1 / (255 * s) for s in (0.229, 0.224, 0.225)],
    [-m / s for m, s in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))],
)
SIGNED = (1 / 127.5, -1.0)
PIXELS = {"ResNet": CAFFE, "VGG": CAFFE, "DenseNet": TORCH}
INCLUDED = ("EfficientNet", "MobileNetV3", "ConvNeXt")


@dataclass
class Contender:
    """One library's form of a network.

    Attributes:
        library: Whose.
        parameters: Trainable ones.
        train: Does one training step on a batch, and waits for it.
        infer: Gives scores for many images, as users do: `predict`, or a loop over batches.
    """

    library: str
    parameters: int
    train: Callable[[], Any]
    infer: Callable[[], Any]


@dataclass(frozen=True)
class Work:
    """What all contenders do.

    Attributes:
        batch: Images in a batch.
        size: Height and width.
        batches: Batches in one measurement of inference.
    """

    batch: int = 16
    size: int = 128
    batches: int = 4
    images: np.ndarray = field(init=False, repr=False)
    labels: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        shape = (self.batch * self.batches, self.size, self.size, 3)
        object.__setattr__(self, "images", rng.integers(0, 256, shape).astype("uint8"))
        object.__setattr__(self, "labels", rng.integers(0, 1000, self.batch))


def check(names: Sequence[str], peers: Sequence[str]) -> tuple[list[str], list[str]]:
    """The models by their exact names, and the peers that are installed.

    Raises:
        SystemExit: An unknown model; a peer that was asked for is not installed.
    """
    try:
        models = [kerascnn.catalog.find(name).name for name in names]
    except kerascnn.errors.InputError as error:
        raise SystemExit(str(error)) from error
    absent = [peer for peer in peers if not installed(peer)]
    if absent:
        raise SystemExit(
            f"not installed: {', '.join(absent)}. pip install -e '.[peers]', or "
            "choose others with --peers."
        )
    return models, list(peers)


def installed(peer: str) -> bool:
    """Whether a peer can be imported."""
    if peer == "keras.applications":
        return True
    if importlib.util.find_spec(PACKAGES[peer]) is None:
        return False
    return peer == "keras-hub" or importlib.util.find_spec("torch") is not None


def versions() -> dict[str, str]:
    """Versions of the peers that are installed."""
    packages = [*PACKAGES, "torch", "jax"]
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def builder(peer: str, name: str, work: Work) -> Callable[[], Any] | None:
    """A function that makes a peer's form of a network, or None where it has none."""
    if peer == "keras.applications":
        return _applications(name, work) if hasattr(keras.applications, name) else None
    if peer == "torchvision":
        return _torchvision(name) if name in TORCHVISION else None
    if peer == "timm":
        return _timm(name) if name in TIMM else None
    return _keras_hub(name, work)


def our_builder(name: str, work: Work, against: str) -> Callable[[], keras.Model]:
    """A function that makes our form of a network, with the details of the peer's library."""
    options: dict[str, Any] = {"input_shape": (work.size, work.size, 3), "classes": 1000}
    known = inspect.signature(getattr(kerascnn.models, name)).parameters
    if "style" in known:
        options["style"] = "keras" if against == "keras.applications" else "torch"
    return lambda: kerascnn.create_model(name, **options)


def contender(library: str, model: Any, work: Work) -> Contender:
    """Makes a Keras or PyTorch model ready."""
    ready = _ready_keras if isinstance(model, keras.Model) else _ready_torch
    return ready(library, model, work)


def _ready_keras(library: str, model: keras.Model, work: Work) -> Contender:
    model.compile(
        keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM),
        "sparse_categorical_crossentropy",
        jit_compile="auto",
    )
    x = keras.ops.convert_to_tensor(work.images[: work.batch])
    y = keras.ops.convert_to_tensor(work.labels)
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    return Contender(
        library,
        parameters,
        lambda: model.train_on_batch(x, y),
        lambda: model.predict(work.images, batch_size=work.batch, verbose=0),
    )


def _applications(name: str, work: Work) -> Callable[[], keras.Model]:
    def make() -> keras.Model:
        inputs = keras.Input((work.size, work.size, 3))
        x = inputs
        if not name.startswith(INCLUDED):
            kind = "ResNetV2" if name.startswith("ResNet") and name.endswith("V2") else name
            chosen = [value for key, value in PIXELS.items() if kind.startswith(key)]
            scale, offset = chosen[0] if chosen and kind == name else SIGNED
            x = keras.layers.Rescaling(scale, offset)(x)
        return getattr(keras.applications, name)(weights=None, input_tensor=x)

    return make


def _torchvision(name: str) -> Callable[[], Any]:
    torchvision = _import_torchvision()
    options = {}
    if name in ("InceptionV3", "GoogLeNet"):
        options = {"aux_logits": False, "init_weights": False}
    return lambda: torchvision.models.get_model(TORCHVISION[name], weights=None, **options)


def _timm(name: str) -> Callable[[], Any]:
    _import_torchvision()  # timm needs it
    import timm

    return lambda: timm.create_model(TIMM[name], pretrained=False)


def _import_torchvision() -> Any:
    """torchvision, also beside a CPU build of torch that lacks its compiled operators."""
    import torch

    try:
        import torchvision
    except RuntimeError:  # it describes operators to torch that are not there; none is used here
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor a) -> Tensor")
        import torchvision
        import torchvision.models

        _import_torchvision.library = library  # type: ignore[attr-defined] # as long as the process
    return torchvision


def _ready_torch(library: str, model: Any, work: Work) -> Contender:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device=device, memory_format=torch.channels_last)
    # Channels last in memory, as they are; the dimensions in PyTorch's order.
    images = torch.from_numpy(work.images).permute(0, 3, 1, 2).to(device)
    labels = torch.from_numpy(work.labels).to(device)
    scale, offset = (torch.tensor(value, device=device).view(1, 3, 1, 1) for value in TORCH)
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, momentum=MOMENTUM)
    criterion = torch.nn.CrossEntropyLoss()

    def train() -> float:
        model.train()
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(images[: work.batch].float() * scale + offset), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer() -> np.ndarray:
        model.eval()
        with torch.inference_mode():
            outputs = [
                torch.softmax(model(batch.float() * scale + offset), dim=1)
                for batch in images.split(work.batch)
            ]
            return torch.cat(outputs).cpu().numpy()

    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Contender(library, parameters, train, infer)


def _keras_hub(name: str, work: Work) -> Callable[[], keras.Model] | None:
    import keras_hub

    bottleneck = {
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 128, 256, 512],
        "stackwise_num_strides": [1, 2, 2, 2],
        "block_type": "bottleneck_block",
    }
    backbones: dict[str, Callable[[], Any]] = {
        "ResNet50": lambda: keras_hub.models.ResNetBackbone(
            stackwise_num_blocks=[3, 4, 6, 3], image_shape=(work.size, work.size, 3), **bottleneck
        ),
        "DenseNet121": lambda: keras_hub.models.DenseNetBackbone(
            stackwise_num_repeats=[6, 12, 24, 16], image_shape=(work.size, work.size, 3)
        ),
    }
    if name not in backbones:
        return None

    def make() -> keras.Model:
        inputs = keras.Input((work.size, work.size, 3))
        x = backbones[name]()(keras.layers.Rescaling(*TORCH)(inputs))
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(inputs, keras.layers.Dense(1000, activation="softmax")(x))

    return make
