"""The Python kit, run as a program of its own on a bundle made a moment ago."""

import json
import math
import shutil
import zipfile

import numpy as np
import pytest
from mutants import refused, rehash
from PIL import Image

from kerascnn.export.runtime.interpreter import TFLiteModel


@pytest.fixture
def picture(photos, tmp_path):
    """The first photo as a file of the right size, so that no resampling enters."""
    path = tmp_path / "photo.png"
    Image.fromarray(photos[0]).save(path)
    return path


def change(folder, edit):
    """Applies `edit` to the manifest's dict."""
    path = folder / "manifest.json"
    data = json.loads(path.read_text("utf-8"))
    edit(data)
    path.write_text(json.dumps(data), "utf-8")


def test_selftest_passes_with_one_line_per_file(run_kit, bundle):
    result = run_kit("--selftest", bundle)
    assert result.returncode == 0, result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["ok", "float32"],
        ["ok", "int8"],
    ]


def test_every_kind_of_bundle_passes(run_kit, any_bundle):
    result = run_kit("--selftest", any_bundle)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("ok  ") == 2


def test_several_outputs_are_answered_under_their_roles(call, bundles, photos, tmp_path):
    Image.fromarray(photos[0]).save(tmp_path / "photo.png")
    answer = json.loads(call(bundles["two-outputs"], tmp_path / "photo.png", "--json").stdout)[0]
    assert len(answer["top"]) == 3
    assert set(answer["count"][0]) == {"label", "index", "value"}
    words = call(bundles["two-outputs"], tmp_path / "photo.png").stdout
    assert f"; count {answer['count'][0]['value']:.4g}" in words


def test_a_further_output_that_is_called_like_a_part_of_the_answer_is_not_lost(kit):
    outputs = [
        {"role": role, "shape": [1, 1], "kind": "quantities", "thresholds": None, "ranges": None}
        for role in ("first", "values", "image")
    ]
    values = {output["role"]: np.full(1, i, np.float32) for i, output in enumerate(outputs)}
    found = kit.answer({"model": {"task": "ages"}, "outputs": outputs}, ["years"], values, 5)
    assert {name: said[0]["value"] for name, said in found.items()} == {
        "values": 0.0,
        "values_": 1.0,
        "image_": 2.0,
    }
    assert kit.in_words(found) == "years 0; values_ 1; image_ 2"


def test_the_second_output_counts_in_the_self_test(call, bundles, tmp_path):
    folder = shutil.copytree(bundles["two-outputs"], tmp_path / "copy")
    with np.load(folder / "golden.npz") as golden:
        arrays = dict(golden)
    np.savez(folder / "golden.npz", **{**arrays, "count": arrays["count"] + 1e3})
    rehash(folder)
    result = call("--selftest", folder)
    assert (result.returncode, result.stdout.count("FAIL")) == (1, 2)


def without_count(arrays):
    del arrays["count"]


@pytest.mark.parametrize(
    "edit",
    [
        without_count,
        lambda arrays: arrays.update(count=arrays["count"].astype(np.float64)),
        lambda arrays: arrays.update(count=arrays["count"][:, 0]),
        lambda arrays: arrays.update(scores=arrays["scores"][1:]),
        lambda arrays: arrays.update(inputs=arrays["inputs"].view(np.int8)),
        lambda arrays: arrays.update(more=np.zeros(10_000)),
    ],
)
def test_golden_arrays_that_are_not_as_the_manifest_says_are_refused(call, bundles, tmp_path, edit):
    folder = shutil.copytree(bundles["two-outputs"], tmp_path / "copy")
    with np.load(folder / "golden.npz") as golden:
        arrays = dict(golden)
    edit(arrays)
    np.savez(folder / "golden.npz", **arrays)
    rehash(folder)
    assert refused(call("--selftest", folder), "golden.npz")


def test_a_golden_file_that_is_no_array_is_refused(call, copy):
    with zipfile.ZipFile(copy / "golden.npz", "w") as archive:
        archive.writestr("inputs.npy", "text")
        archive.writestr("scores.npy", "text")
    rehash(copy)
    assert refused(call("--selftest", copy), "golden.npz does not hold what the manifest says")


def test_outputs_that_the_manifest_does_not_name_are_refused(call, bundles, tmp_path):
    def one_output(data):
        del data["outputs"][1]
        for file in data["files"]:
            del file["outputs"][1], file["tolerances"][1]

    folder = shutil.copytree(bundles["two-outputs"], tmp_path / "copy")
    change(folder, one_output)
    assert refused(call("--selftest", folder), "must have one input and 1 output(s)")


def test_selftest_fails_on_outputs_that_the_files_do_not_give(run_kit, copy):
    with np.load(copy / "golden.npz") as golden:
        inputs, outputs = golden["inputs"], golden["scores"]
    np.savez(copy / "golden.npz", inputs=inputs, scores=outputs[:, ::-1].copy())
    rehash(copy)
    result = run_kit("--selftest", copy)
    assert result.returncode == 1
    assert result.stdout.count("FAIL") == 2


def test_selftest_is_confined_to_the_recipe_asked_for(call, bundle):
    result = call("--selftest", bundle, "--recipe", "int8")
    assert "int8" in result.stdout
    assert "float32" not in result.stdout


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_probabilities_are_the_softmax_of_the_files_logits(
    run_kit, bundle, photos, picture, recipe
):
    result = run_kit(bundle, picture, "--recipe", recipe, "--json", "--top", "4")
    logits = TFLiteModel(bundle / f"colours_{recipe}.tflite").predict(photos[:1])[0]
    powers = np.exp(logits - logits.max())
    (answer,) = json.loads(result.stdout)
    got = {item["index"]: item["probability"] for item in answer["top"]}
    assert [got[i] for i in range(4)] == pytest.approx(list(powers / powers.sum()), abs=1e-6)


def test_answers_are_labelled_and_best_first(call, bundle, picture):
    result = call(bundle, picture, "--json", "--top", "3")
    top = json.loads(result.stdout)[0]["top"]
    names = ["rot", "grün", "blau", "grau"]
    assert [item["label"] for item in top] == [names[item["index"]] for item in top]
    chances = [item["probability"] for item in top]
    assert chances == sorted(chances, reverse=True)
    assert len(top) == 3


def test_the_first_file_of_the_manifest_is_the_default(call, bundle, picture):
    result = call(bundle, picture, "--json")
    assert json.loads(result.stdout)[0]["recipe"] == "float32"


def test_a_text_file_named_jpg_is_refused_and_the_others_answered(
    run_kit, bundle, picture, tmp_path
):
    text = tmp_path / "text.jpg"
    text.write_text("not an image")
    result = run_kit(bundle, text, picture)
    assert refused(result, "text.jpg", "not a readable image")
    assert result.stdout.startswith(f"{picture}: ")


def test_a_small_file_of_a_huge_image_is_refused(call, bundle, tmp_path):
    Image.new("1", (10_000, 10_000)).save(tmp_path / "bomb.png")
    assert refused(call(bundle, tmp_path / "bomb.png"), "bomb.png", "too many pixels")


def test_a_missing_picture_is_refused(call, bundle, tmp_path):
    assert refused(call(bundle, tmp_path / "gone.png"), "gone.png")


def test_benchmark_prints_a_line_per_file(run_kit, bundle):
    result = run_kit("--benchmark", bundle, "--threads", "2")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["float32", "int8"]
    assert all("median" in line and "2 threads" in line for line in lines)


def test_help_names_the_three_uses(run_kit):
    result = run_kit("--help")
    assert result.returncode == 0
    assert all(word in result.stdout for word in ("--selftest", "IMAGE", "--benchmark"))


@pytest.mark.parametrize(
    "arguments",
    [[], ["--selftest"], ["{bundle}"], ["--selftest", "--benchmark", "{bundle}"], ["--nonsense"]],
)
def test_a_command_line_without_sense_is_one_line(call, bundle, arguments):
    assert refused(call(*(part.format(bundle=bundle) for part in arguments)), "--help")


def test_an_unknown_recipe_is_refused_with_the_known_ones(call, bundle):
    assert refused(call("--selftest", bundle, "--recipe", "int4"), "int4", "float32", "int8")


def backwards(data):
    """Makes the outputs quantities of which the least is above the largest."""
    data["outputs"][0].update(kind="quantities", ranges=[[2, 1]] * 4)
    for file in data["files"]:
        file["tolerances"][0]["agreement"] = None


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda data: data.update(colour="rgb"), ["unknown key", "colour"]),
        (lambda data: data["files"][1].update(note="x"), ["unknown key", "note", "files[1]"]),
        (lambda data: data["input"]["resize"].pop("fit"), ["missing key", "fit"]),
        (lambda data: data.update(schema_version=4), ["newer kerascnn", "schema 4", "reads 3"]),
        (lambda data: data.update(schema_version="1"), ["schema_version", "'1'"]),
        (lambda data: data["input"].update(layout="NCHW"), ["layout", "NCHW"]),
        (lambda data: data["input"].update(color="grayscale"), ["input.color"]),
        (lambda data: data["input"]["resize"].update(antialias=1), ["antialias"]),
        (lambda data: data["input"]["resize"].update(pad_value=256), ["pad_value", "256"]),
        (lambda data: data["labels"].update(path="../labels.txt"), ["../labels.txt", "leaves"]),
        (lambda data: data["labels"].update(path="/etc/hostname"), ["/etc/hostname", "leaves"]),
        (lambda data: data["labels"].update(sha256="0" * 64), ["labels.txt", "altered"]),
        (lambda data: data["golden"].update(path="gone.npz"), ["gone.npz", "missing"]),
        (lambda data: data["files"].clear(), ["files"]),
        (lambda data: data["files"][0].update(recipe="int8"), ["recipe appears twice"]),
        (lambda data: data["files"][1]["input"].update(scale=0.5), ["the manifest says"]),
        (lambda data: data["files"][1]["outputs"][0].update(dtype="int8"), ["the manifest says"]),
        (lambda data: data["files"][0]["tolerances"][0].update(max_abs=-1), ["max_abs", "-1"]),
        (lambda data: data["outputs"].clear(), ["outputs"]),
        (lambda data: data["outputs"].append(data["outputs"][0]), ["outputs", "list of 2"]),
        (lambda data: data["outputs"][0].update(kind="scores"), ["kind", "scores"]),
        (lambda data: data["outputs"][0].update(thresholds=[0.5] * 4), ["thresholds"]),
        (lambda data: data["outputs"][0].update(shape=[1, 5]), ["model.classes"]),
        (lambda data: data["outputs"][0].update(role=3), ["role"]),
        (
            lambda data: data["outputs"][0].update(kind="independent", thresholds=[0.5, 0.5, 2, 0]),
            ["thresholds must be 0 to 1"],
        ),
        (backwards, ["ranges must be [low, high], not [[2, 1]"]),
        (lambda data: data["outputs"][0].update(role="inputs"), ["'inputs' cannot be a role"]),
        (lambda data: data["outputs"][0].update(role="../x"), ["'../x' cannot be a role"]),
        (lambda data: data["outputs"][0].update(shape=[4]), ["shape must be [1, ...], not [4]"]),
        (lambda data: data.update(outputs=["scores"]), ["outputs[0] must be an object"]),
        (lambda data: data.update(outputs="scores"), ["outputs must be a list", "'scores'"]),
        (
            lambda data: data["files"][0]["tolerances"][0].update(max_abs=10**400),
            ["max_abs", "1000"],
        ),
        (
            lambda data: data["files"][0]["tolerances"][0].update(max_abs=math.inf),
            ["max_abs", "inf"],
        ),
        (
            lambda data: data["files"][0]["tolerances"][0].update(max_abs=math.nan),
            ["max_abs", "nan"],
        ),
        (lambda data: data["files"][1]["input"].update(scale=0), ["uint8 tensor has scale 0"]),
        (lambda data: data.update({f"k{n}": n for n in range(100_000)}), ["unknown key", "k1000"]),
        (lambda data: data["labels"].update(path="x" * 1_000_000), ["leaves the bundle"]),
        (lambda data: data["versions"].update(keras=[[[["deep"]]]] * 1000), ["versions: keras"]),
        (lambda data: data["files"][1]["outputs"][0].update(scale=0), ["output scores", "scale 0"]),
        (
            lambda data: data["files"][0]["outputs"][0].update(scale=1),
            ["float32 tensor has scale 1"],
        ),
    ],
)
def test_an_altered_manifest_is_refused_in_one_line(call, copy, edit, words):
    change(copy, edit)
    assert refused(call("--selftest", copy), *words)


def test_an_unknown_key_ends_the_program_with_code_2(run_kit, copy):
    change(copy, lambda data: data.update(colour="rgb"))
    assert refused(run_kit("--selftest", copy), "unknown key", "colour")


def test_a_key_given_twice_is_refused(call, copy):
    path = copy / "manifest.json"
    path.write_text(path.read_text("utf-8").replace("{", '{"schema_version": 1,', 1), "utf-8")
    assert refused(call("--selftest", copy), "twice")


def test_an_altered_file_is_refused(call, copy):
    path = copy / "colours_int8.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert refused(call("--selftest", copy), "colours_int8.tflite", "altered")


def test_a_truncated_file_is_refused(run_kit, copy):
    path = copy / "colours_int8.tflite"
    path.write_bytes(path.read_bytes()[:1000])
    assert refused(run_kit("--selftest", copy), "colours_int8.tflite", "1000 bytes")


@pytest.mark.parametrize("content", [b"", b"random bytes, no model" * 50])
def test_a_file_that_is_no_model_is_refused_even_with_its_own_hash(call, copy, content):
    (copy / "colours_float32.tflite").write_bytes(content or b"\0")
    rehash(copy)
    assert refused(call("--selftest", copy), "colours_float32.tflite", "cannot be opened")


def test_a_folder_without_a_manifest_is_refused(call, tmp_path):
    assert refused(call("--selftest", tmp_path), "manifest.json")


def test_a_link_out_of_the_bundle_is_refused(call, copy):
    path = copy / "labels.txt"
    path.rename(copy.parent / "labels.txt")
    path.symlink_to(copy.parent / "labels.txt")
    assert refused(call("--selftest", copy), "leaves the bundle")


def noise(*shape, seed=0, high=256, kind=np.uint8):
    return np.random.default_rng(seed).integers(0, high, shape).astype(kind)


def rotated(folder):
    image = Image.fromarray(noise(31, 57, 3))
    exif = image.getexif()
    exif[0x0112] = 6
    path = folder / "rotated.jpg"
    image.save(path, exif=exif)
    return path


def saved(name, make, **options):
    def save(folder):
        path = folder / name
        make().save(path, **options)
        return path

    return pytest.param(save, id=name)


ODD_IMAGES = [
    saved("rgb.png", lambda: Image.fromarray(noise(37, 61, 3))),
    saved("tall.png", lambda: Image.fromarray(noise(90, 7, 3))),
    saved("small.png", lambda: Image.fromarray(noise(5, 3, 3))),
    saved("grey.png", lambda: Image.fromarray(noise(33, 20))),
    saved("bits.png", lambda: Image.fromarray(noise(33, 20)).convert("1")),
    saved("palette.png", lambda: Image.fromarray(noise(33, 20, 3)).quantize(16)),
    saved(
        "clear_palette.png",
        lambda: Image.fromarray(noise(33, 20, 3)).quantize(16),
        transparency=3,
    ),
    saved("rgba.png", lambda: Image.fromarray(noise(25, 40, 4))),
    saved("la.png", lambda: Image.fromarray(noise(25, 40, 4)).convert("LA")),
    saved("deep.png", lambda: Image.fromarray(noise(25, 40, high=65536, kind=np.uint16))),
    saved("cmyk.jpg", lambda: Image.fromarray(noise(40, 50, 4), "CMYK")),
    saved("photo.jpg", lambda: Image.fromarray(noise(48, 50, 3))),
    saved("two_frames.gif", lambda: Image.fromarray(noise(48, 50, 3)).quantize(32)),
    pytest.param(rotated, id="rotated.jpg"),
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("save", ODD_IMAGES)
def test_images_become_the_very_pixels_the_model_was_trained_on(kit, tmp_path, save, fit, channels):
    from kerascnn.data.images.decode import load_image
    from kerascnn.data.images.resize import ResizeRule

    path = save(tmp_path)
    rule = ResizeRule(fit=fit, pad_value=77)
    manifest = {"input": {"shape": [1, 20, 24, channels], "resize": rule.to_dict()}}
    ours = load_image(path, (20, 24), channels, rule)
    np.testing.assert_array_equal(kit.load_image(path, manifest), ours)
