"""Features with many dimensions as points on a plane."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.arguments import checked_seed
from kerascnn.errors import InputError
from kerascnn.inputs.arrays import as_array, numbers
from kerascnn.inputs.images import as_images
from kerascnn.visualize.pictures.tiles import INK, new_figure, scaled_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"),
    *("#8c564b", "#e377c2", "#64748b", "#bcbd22", "#17becf"),
)


def embedding_map(
    features: np.ndarray, method: str = "pca", *, seed: int = 0, perplexity: float = 30.0
) -> np.ndarray:
    """Places features on a plane.

    "pca" projects onto the two directions of largest variance, which keeps large distances. "tsne"
    (van der Maaten, Hinton, Visualizing Data using t-SNE, JMLR 9, 2008) keeps neighbours together;
    distances between its groups, and their sizes, mean little.

    Args:
        features: `[N, D]`, such as `hidden_features`.
        method: "pca" or "tsne".
        seed: Of t-SNE. Each axis of a PCA points where its largest coordinate is positive.
        perplexity: Of t-SNE: about how many neighbours each point looks at; less than N.

    Returns:
        float64 `[N, 2]`.

    Raises:
        InputError: Fewer than two features or dimensions, another method, or a perplexity that
            does not fit.
    """
    features = numbers(features, "the features", finite=False).astype(np.float64)
    if features.ndim != 2 or min(features.shape) < 2:
        raise InputError(
            f"expected features [N, D], both at least 2. Received the shape {features.shape}."
        )
    if not np.isfinite(features).all():
        raise InputError("the features hold values that are no finite numbers (NaN or infinity).")
    if method not in ("pca", "tsne"):
        raise InputError(f'`method` is "pca" or "tsne". Received: {method!r}.')
    if method == "pca":
        from sklearn.decomposition import PCA

        points = PCA(2, svd_solver="full").fit_transform(features)
        ends = points[np.abs(points).argmax(0), [0, 1]]
        return points * np.where(ends < 0, -1, 1)
    if not 0 < perplexity < len(features):
        raise InputError(
            f"`perplexity` must be above 0 and below the number of features, {len(features)}. "
            f"Received: {perplexity}."
        )
    from sklearn.manifold import TSNE

    seed = checked_seed(seed)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)


def plot_embedding_map(
    points: np.ndarray,
    labels: Sequence[int] | np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    images: np.ndarray | None = None,
    most: int = 300,
    side: float = 22,
) -> "Figure":
    """Draws the points of `embedding_map`, in the colours of their classes, or as small images.

    Args:
        points: `[N, 2]`.
        labels: Class of each point, from 0.
        class_names: Written where the middle of each class is; the numbers if None.
        images: `[N, H, W, 1 or 3]`: drawn in place of points, framed in the colours.
        most: Images; evenly chosen.
        side: Of an image, in points.

    Returns:
        A matplotlib figure; `figure.savefig(path)` writes it.

    Raises:
        InputError: Arrays that do not fit together.
    """
    points = numbers(points, "the points")
    classes = np.zeros(points.shape[:1], int) if labels is None else as_array(labels, "the labels")
    if points.ndim != 2 or points.shape[1] != 2 or classes.shape != points.shape[:1]:
        raise InputError(
            f"expected points [N, 2] and as many labels. Received: {points.shape} and "
            f"{classes.shape}."
        )
    if classes.dtype.kind not in "iu":
        raise InputError(f"`labels` must be whole numbers. Received the type {classes.dtype}.")
    if class_names is not None and len(classes) and classes.max() >= len(class_names):
        raise InputError(
            f"the label {classes.max()} has no name: there are {len(class_names)} class_names."
        )
    images = None if images is None else as_images(images)
    if images is not None and images.shape[-1] not in (1, 3):
        raise InputError(f"expected images [N, H, W, 1 or 3]. Received: {images.shape}.")
    if images is not None and (len(images) != len(points) or most < 1):
        raise InputError(
            f"expected {len(points)} images, one per point, and `most` of at least 1. Received: "
            f"{len(images)} images, most={most}."
        )
    figure = new_figure(7, 6)
    axes = figure.add_subplot(1, 1, 1)
    colors = [COLORS[label % len(COLORS)] for label in classes.tolist()]
    if images is None:
        axes.scatter(points[:, 0], points[:, 1], s=12, c=colors, alpha=0.7, linewidths=0)
    else:
        from matplotlib.offsetbox import AnnotationBbox, OffsetImage

        axes.scatter(points[:, 0], points[:, 1], s=1, alpha=0)  # the limits of the axes
        step = max(1, -(-len(points) // most))
        for index in range(0, len(points), step):
            pixels = scaled_pixels(images[index])
            picture = OffsetImage(pixels.squeeze(), zoom=side / pixels.shape[0], cmap="gray")
            frame = {"edgecolor": colors[index], "linewidth": 1.5}
            axes.add_artist(
                AnnotationBbox(picture, points[index].tolist(), pad=0.08, bboxprops=frame)
            )
    if labels is not None:
        for label in np.unique(classes).tolist():
            middle = np.median(points[classes == label], axis=0).tolist()
            name = str(label) if class_names is None else class_names[label]
            axes.annotate(
                name,
                middle,
                ha="center",
                va="center",
                fontsize=11,
                fontweight="bold",
                color=INK,
                bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.75},
                zorder=5,
            )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return figure
