"""A spreadsheet that names photos and their labels: several labels per photo."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

import kerascnn

rng = np.random.default_rng(0)
Path("photos").mkdir()
with open("labels.csv", "w", newline="", encoding="utf-8") as file:
    rows = csv.writer(file)
    rows.writerow(["image", "sun", "sea"])
    for place in range(120):
        sun, sea = rng.integers(0, 2, 2)
        pixels = rng.integers(0, 60, (32, 32, 3), np.uint8)
        pixels[:16, :, 0] += 180 * sun.astype(np.uint8)
        pixels[16:, :, 2] += 180 * sea.astype(np.uint8)
        Image.fromarray(pixels).save(f"photos/{place}.png")
        rows.writerow([f"photos/{place}.png", sun, sea])

result = kerascnn.train("labels.csv", "LeNet5", "run", epochs=12)
print(result)
run = kerascnn.training.open_run("run")
data = run.data()
images, labels = data.sample("train", 60)
bundle = kerascnn.export.export_bundle(
    run.load_model(),
    "bundle",
    recipes=["int8"],
    samples=images,
    labels=labels,
    class_names=data.class_names,
    task="multi_label",
)
print(bundle)
scores = run.load_model().predict(images, verbose=0)
assert scores.shape == (60, 2)
assert ((scores > 0.5) == labels).mean() > 0.9
