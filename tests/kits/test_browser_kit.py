"""The browser kit in a real headless Chromium, and its parts in Node.

It needs Chromium (or KERASCNN_CHROMIUM, the program's path) and LiteRT.js, which npm fetches:

    cd export/browser && npm install
    KERASCNN_LITERT_JS=export/browser/node_modules python -m pytest tests/kits/test_browser_kit.py

KERASCNN_LITERT_JS names the folder `node_modules` that holds @litertjs; without it, the one in
export/browser is used if it is there.
"""

import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import chromium
import numpy as np
import pytest
from PIL import Image

from kerascnn.export import export_bundle
from kerascnn.export.runtime.interpreter import TFLiteModel

KIT = Path(__file__).parents[2] / "export" / "browser"
PACKAGES = Path(os.environ.get("KERASCNN_LITERT_JS") or KIT / "node_modules").resolve()
NODE = shutil.which("node")

needs_node = pytest.mark.skipif(NODE is None, reason="no node on this machine")
needs_browser = pytest.mark.skipif(
    chromium.find() is None or not (PACKAGES / "@litertjs" / "core").is_dir(),
    reason="needs Chromium and LiteRT.js: npm install in export/browser, or KERASCNN_LITERT_JS",
)


def node(script, **files):
    """What a module of the kit prints as JSON; `script` may import from `kit`."""
    code = script.replace("kit/", f"{KIT.as_uri()}/")
    command = [NODE, "--input-type=module", "--eval", code]
    environment = {**os.environ, **{key: str(path) for key, path in files.items()}}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(37, 61), (90, 7), (5, 3), (20, 24), (300, 411), (24, 20)])
def test_pixels_are_the_references(tmp_path, size, channels, fit):
    from kerascnn.data.images.decode import load_image
    from kerascnn.data.images.resize import ResizeRule

    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "image.png")
    rule = ResizeRule(fit=fit, pad_value=77)
    expected = load_image(tmp_path / "image.png", (20, 24), channels, rule)
    found = fitted(image, channels, rule.to_dict(), tmp_path)
    # Pillow 13 resamples columns before rows where that is cheaper: a grey level apart.
    assert np.abs(found - expected.astype(int)).max() <= 1


@needs_node
@pytest.mark.parametrize("size", [(37, 61), (90, 7), (5, 3), (300, 411)])
def test_resampling_is_pillows_to_the_last_bit(tmp_path, size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    bilinear = Image.Resampling.BILINEAR
    rows_first = Image.fromarray(image).resize((24, size[0]), bilinear).resize((24, 20), bilinear)
    found = fitted(image, 3, {"fit": "stretch", "pad_value": 0}, tmp_path)
    np.testing.assert_array_equal(found, np.asarray(rows_first))


def fitted(image, channels, rule, folder):
    """What the kit makes of an RGB image for a model of 20 x 24."""
    opaque = np.concatenate([image, np.full((*image.shape[:2], 1), 255, np.uint8)], -1)
    (folder / "rgba").write_bytes(opaque.tobytes())
    height, width = image.shape[:2]
    found = node(
        'import {readFileSync} from "node:fs";'
        'import {fit, toChannels} from "kit/pixels.js";'
        "const data = new Uint8ClampedArray(readFileSync(process.env.RGBA));"
        f"const image = toChannels({{height: {height}, width: {width}, data}}, {channels});"
        f"console.log(JSON.stringify([...fit(image, 20, 24, {json.dumps(rule)})]));",
        RGBA=folder / "rgba",
    )
    return np.array(found).reshape(20, 24, channels)


@needs_node
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_golden_archives_are_read_as_numpy_reads_them(tmp_path, save):
    random = np.random.default_rng(2)
    inputs = random.integers(0, 256, (3, 4, 5, 1), np.uint8)
    outputs = random.normal(size=(3, 2)).astype(np.float32)
    save(tmp_path / "golden.npz", inputs=inputs, scores=outputs)
    script = (
        'import {readFileSync} from "node:fs"; import {readGolden} from "kit/npz.js";'
        "const bytes = new Uint8Array(readFileSync(process.env.GOLDEN));"
        "const {inputs, outputs} = await readGolden(bytes, ['scores'], 1 << 20);"
        "const [{shape, data}] = outputs;"
        "console.log(JSON.stringify([inputs.shape, [...inputs.data], shape, [...data]]));"
    )
    shape, pixels, out_shape, values = node(script, GOLDEN=tmp_path / "golden.npz")
    np.testing.assert_array_equal(np.array(pixels, np.uint8).reshape(shape), inputs)
    np.testing.assert_array_equal(np.array(values, np.float32).reshape(out_shape), outputs)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(bundle, net, photos, tmp_path_factory):
    """The page as its user has it, served on this machine: (address, folder)."""
    folder = tmp_path_factory.mktemp("site") / "page"
    shutil.copytree(KIT, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(PACKAGES)
    shutil.copytree(bundle, folder / "bundle")
    export_bundle(net, folder / "micro", recipes=["int8"], io="int8", samples=photos)
    Image.fromarray(photos[0]).resize((70, 50)).save(folder / "photo.png")
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html", folder
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    page = chromium.Chromium("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    page.size(1280, 900)
    yield page
    page.close()


def visit(browser, address):
    """Opens a page and waits until it did what its address asks for; its status line."""
    browser.open(address)
    browser.wait(
        f"location.href === {json.dumps(address)} && "
        "['done', 'failed'].includes(document.body?.dataset.state)"
    )
    return browser.evaluate("document.getElementById('status').textContent")


def answers(browser):
    script = "Array.from(document.querySelectorAll('#answers li'), li => ({...li.dataset}))"
    return {int(a["index"]): float(a["value"]) for a in browser.evaluate(script)}


@needs_browser
def test_the_selftest_passes_for_every_file(browser, site):
    address, _ = site
    assert visit(browser, f"{address}?selftest") == "Self-test passed."
    outcome = json.loads(browser.evaluate("document.getElementById('selftest').dataset.outcome"))
    assert [result["recipe"] for result in outcome] == ["float32", "int8"]
    assert all(result["passed"] and result["agreement"] == 1 for result in outcome)
    assert 0 <= outcome[0]["largest"] < 1e-3 < outcome[1]["largest"]


@needs_browser
@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_a_photo_gets_the_answer_that_litert_gives_here(browser, site, recipe):
    from kerascnn.data.images.decode import load_image
    from kerascnn.data.images.resize import ResizeRule

    address, folder = site
    assert visit(browser, f"{address}?image=photo.png&recipe={recipe}") == ""
    pixels = load_image(folder / "photo.png", (20, 24), 3, ResizeRule(fit="crop"))
    logits = TFLiteModel(folder / "bundle" / f"colours_{recipe}.tflite").predict(pixels[None])[0]
    powers = np.exp(logits - logits.max())
    found = answers(browser)
    # One step of the int8 output scale, in logits, is what another processor may round.
    assert found == pytest.approx(dict(enumerate(powers / powers.sum())), abs=0.02)
    assert next(iter(found)) == int(logits.argmax())
    assert "ms in the model" in browser.evaluate("document.getElementById('latency').textContent")


@needs_browser
def test_every_kind_of_bundle_passes_and_answers(browser, site, any_bundle):
    address, folder = site
    if not (folder / any_bundle.name).exists():
        shutil.copytree(any_bundle, folder / any_bundle.name)
    query = f"?bundle={any_bundle.name}&selftest&image=photo.png"
    assert visit(browser, f"{address}{query}") == "Self-test passed."
    outcome = json.loads(browser.evaluate("document.getElementById('selftest').dataset.outcome"))
    assert [result["recipe"] for result in outcome] == ["float32", "int8"]
    names = "Array.from(document.querySelectorAll('#answers .name'), e => e.textContent)"
    shown = browser.evaluate(names)
    if any_bundle.name == "one-sigmoid":
        assert sorted(shown) == ["day", "night"]
        assert sum(answers(browser).values()) == pytest.approx(1, abs=1e-6)
    if any_bundle.name == "two-outputs":
        assert len(shown) == 4
        assert shown[-1] == "count"


@needs_browser
def test_the_camera_is_classified_and_stopped(browser, site):
    address, _ = site
    visit(browser, address)
    browser.evaluate("document.getElementById('camera').click()")
    browser.wait("document.querySelectorAll('#answers li[data-index]').length === 4")
    pressed = "document.getElementById('camera').getAttribute('aria-pressed')"
    assert browser.evaluate(pressed) == "true"
    browser.evaluate("document.getElementById('camera').click()")
    assert browser.evaluate(pressed) == "false"
    assert browser.evaluate("document.getElementById('video').hidden")


@needs_browser
@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda data: data.update(colour="rgb"), "unknown key colour"),
        (lambda data: data["input"]["resize"].pop("fit"), "missing key fit"),
        (lambda data: data.update(schema_version=4), "newer kerascnn: schema 4"),
        (lambda data: data.update(schema_version=2), "manifest.json: unknown key outputs"),
        (lambda data: data["labels"].update(sha256="0" * 64), "labels.txt was altered"),
        (lambda data: data["labels"].update(path="../labels.txt"), "leaves the bundle"),
        (lambda data: data["golden"].update(path="gone.npz"), "gone.npz is missing"),
        (
            lambda data: data["files"][0]["outputs"][0].update(
                dtype="uint8", scale=1, zero_point=0
            ),
            "the manifest says uint8",
        ),
        (lambda data: data["files"][0]["outputs"][0].update(dtype="int8"), "has scale null"),
        (lambda data: data["outputs"][0].update(role="inputs"), "outputs[0]: role"),
    ],
)
def test_an_altered_bundle_is_one_line(browser, site, edit, words):
    address, folder = site
    damaged = folder / f"damaged-{hashlib.md5(words.encode()).hexdigest()}"
    shutil.copytree(folder / "bundle", damaged)
    path = damaged / "manifest.json"
    data = json.loads(path.read_text("utf-8"))
    edit(data)
    path.write_text(json.dumps(data), "utf-8")
    status = visit(browser, f"{address}?bundle={damaged.name}")
    assert words in status
    assert "\n" not in status


@needs_browser
def test_wrong_golden_outputs_fail_the_selftest(browser, site):
    address, folder = site
    copy = shutil.copytree(folder / "bundle", folder / "wrong")
    with np.load(copy / "golden.npz") as golden:
        inputs, outputs = golden["inputs"], golden["scores"]
    np.savez(copy / "golden.npz", inputs=inputs, scores=outputs[:, ::-1].copy())
    data = json.loads((copy / "manifest.json").read_text("utf-8"))
    data["golden"]["sha256"] = hashlib.sha256((copy / "golden.npz").read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(data), "utf-8")
    assert "FAILED" in visit(browser, f"{address}?bundle=wrong&selftest")


@needs_browser
def test_a_bundle_for_microcontrollers_says_how_to_export(browser, site):
    assert "--target litert-js" in visit(browser, f"{site[0]}?bundle=micro")


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844), (320, 640)])
def test_nothing_is_wider_than_the_screen(browser, site, width, height):
    browser.size(width, height, mobile=width < 600)
    try:
        visit(browser, f"{site[0]}?selftest&image=photo.png")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        small = (
            "Array.from(document.querySelectorAll('button, .button, select'))"
            ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).length"
        )
        assert browser.evaluate(small) == 0  # all large enough for a finger
    finally:
        browser.size(1280, 900)
