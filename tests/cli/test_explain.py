"""`kerascnn explain` on a run, with images of the digits."""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from kerascnn.visualize import METHODS


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    for number, image in enumerate(load_digits().images[:14]):
        picture = Image.fromarray((15 * image).astype(np.uint8)).resize((32, 32))
        picture.save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_picture_is_named_after_image_and_method(call, run, photos, here):
    code, out, err = call("explain", run, photos / "03.png")
    assert code == 0, err
    assert out.splitlines()[-1] == "picture: 03-grad-cam.png"
    assert out.splitlines()[0].startswith(f"{photos / '03.png'}: 3 ")
    assert "--method all" in err
    with Image.open(here / "03-grad-cam.png") as picture:
        assert picture.format == "PNG"
    code, _, err = call("explain", run, photos / "03.png")
    assert code == 2
    assert "output exists: 03-grad-cam.png" in err
    assert call("explain", run, photos / "03.png", "--overwrite")[0] == 0


def test_all_leaves_out_what_is_not_for_the_model(call, run, photos, here):
    options = ("--method", "all", "--class", "7", "--out", "all.png", "--json")
    code, out, err = call("explain", run, photos / "07.png", photos / "01.png", *options)
    assert code == 0, err
    report = json.loads(out)
    assert report["picture"] == "all.png"
    assert set(METHODS) - set(report["methods"]) == {"guided", "deconvnet", "cam"}
    assert "without cam: CAM needs a network that ends in" in err
    assert [row["label"] for row in report["images"]] == ["7", "7"]
    assert report["images"][0]["output"] > report["images"][1]["output"]
    assert (here / "all.png").stat().st_size > 10_000


def test_a_folder_gives_a_grid_of_its_first_images(call, run, photos, here):
    methods = ("--method", "saliency", "--method", "layer-cam", "--layer", "c1")
    code, out, err = call("explain", run, photos, *methods)
    assert code == 0, err
    assert len(out.splitlines()) == 13
    assert out.splitlines()[-1] == "picture: explained-methods.png"
    assert "the first 12 of 14 images" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "gradcam"], "no method 'gradcam'. Did you mean grad-cam?"),
        (["--method", "cam"], "Use grad_cam"),
        (["--class", "eleven"], "no class 'eleven'"),
        (["--class", "10"], "a number from 0 to 9"),
        (["--layer", "absent"], "no layer 'absent'"),
        (["--out", "picture.jpg"], "must be a .png or .gif file"),
        (["--method", "saliency", "--layer", "c1"], "--layer has no part in saliency"),
        (["--method", "deconvnet", "--class", "3"], "--class has no part in deconvnet"),
        (["--out", "moving.gif"], "add --method integrated"),
    ],
)
def test_bad_input_is_one_line(call, run, photos, options, message):
    code, out, err = call("explain", run, photos / "00.png", *options)
    assert code == 2
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


def test_files_without_a_keras_model_are_an_error(call, bundle, photos):
    code, _, err = call("explain", bundle, photos / "00.png")
    assert code == 2
    assert "holds no Keras model" in err


def test_a_folder_without_images_is_an_error(call, run, here):
    (here / "empty").mkdir()
    code, _, err = call("explain", run, here / "empty")
    assert code == 2
    assert "has no image files in it" in err


def test_integrated_gradients_move(call, run, photos, here):
    options = ("--method", "integrated", "--out", "moving.gif")
    code, out, err = call("explain", run, photos / "00.png", *options)
    assert code == 0, err
    assert out.splitlines()[-1] == "picture: moving.gif"
    with Image.open(here / "moving.gif") as animation:
        assert animation.n_frames == 20
        assert animation.size == (64, 32)
