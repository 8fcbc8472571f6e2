"""Bundles: the files that a manifest describes."""

from dataclasses import asdict
from pathlib import Path

from kerascnn.inference.input_shape import image_shape
from kerascnn.inference.predictor import Predictor


def open_files(
    folder: Path, recipe: str | None = None, most: int | None = None
) -> tuple[Predictor, ...]:
    """The files of a bundle, or the one of `recipe`; at most the first `most` of them."""
    from kerascnn.data import ResizeRule
    from kerascnn.export import TFLiteModel
    from kerascnn.export.contract import manifest

    described = manifest.read(folder)
    labels = manifest.read_labels(folder, described)
    files = described.files if recipe is None else (described.file(recipe),)
    predictors = []
    for file in files[:most]:
        path = folder / file.path
        model = TFLiteModel(path)
        predictors.append(
            Predictor(
                name=file.recipe,
                path=path,
                input_shape=image_shape(model.input.shape, path),
                labels=labels,
                resize=ResizeRule.from_dict(asdict(described.input.resize)),
                compute=model.predict,
                task=described.model.task,
                outputs=described.outputs,
                steps=model.steps,
            )
        )
    return tuple(predictors)
