"""What a user finds: each public name is listed, can be imported, and explains itself."""

import ast
import importlib
import inspect
from pathlib import Path
from typing import Unpack

import pytest
from handed_on import handed_on

import kerascnn
from kerascnn import catalog, models
from kerascnn.lazy import public
from kerascnn.models._common import ModelOptions
from kerascnn.models._docstrings import describe

MODULES = [importlib.import_module(f"kerascnn.{name}") for name in kerascnn._MODULES]
PACKAGES = [kerascnn, *(module for module in MODULES if hasattr(module, "__path__"))]
NAMES = [
    pytest.param(package, name, id=f"{package.__name__}.{name}")
    for package in PACKAGES
    for name in package.__all__
]


def of_package(module):
    return module.__name__


@pytest.mark.parametrize("package", PACKAGES, ids=of_package)
class TestAPackage:
    def test_lists_its_public_names_and_no_others(self, package):
        shown = {name for name in dir(package) if not name.startswith("__")}
        assert shown == set(package.__all__)
        assert {"__name__", "__doc__", "__file__"} <= set(dir(package))

    def test_hands_on_what_its_source_says(self, package):
        """`from module import name as name`, for readers, editors and type checkers."""
        said = set(handed_on(Path(package.__file__)))
        own = {"entries", "find", "list_models", "create_model"} if package is catalog else set()
        own |= set(kerascnn._MODULES) if package is kerascnn else set()
        assert said | own == set(package.__all__)

    def test_no_module_of_it_hides_a_name(self, package):
        modules = {path.stem for path in Path(package.__file__).parent.iterdir()}
        lazy = getattr(package, "_WHERE", {})
        assert {name for name in modules & lazy.keys() if lazy[name]} == set()

    def test_a_star_brings_all(self, package):
        namespace = {}
        exec(f"from {package.__name__} import *", namespace)
        assert namespace.keys() >= set(package.__all__)


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_name_can_be_imported_and_explains_itself(package, name):
    value = getattr(package, name)
    if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
        doc = inspect.getdoc(value)
        assert doc
        assert not doc.startswith(f"{name}("), "a dataclass without a docstring"
    if inspect.isclass(value):
        assert type(value).__dict__.get("__doc__") != value.__doc__


@pytest.mark.parametrize("module", MODULES, ids=of_package)
def test_what_a_module_defines_explains_itself(module):
    if hasattr(module, "__path__"):
        pytest.skip("its names are tested one by one")
    for name, value in vars(module).items():
        own = getattr(value, "__module__", None) == module.__name__
        if own and not name.startswith("_") and callable(value):
            assert inspect.getdoc(value), name


@pytest.mark.parametrize("name", sorted(set(catalog.list_models(task=None))))
def test_a_factory_explains_each_of_its_options(name):
    factory = getattr(models, name)
    doc = inspect.getdoc(factory)
    options = [*inspect.signature(factory).parameters]
    described = [line[4:].partition(":")[0] for line in doc.splitlines() if line[4:5].isalpha()]
    section = doc[doc.index("\nArgs:\n") : doc.index("\nReturns:\n")]
    assert [option for option in options if f"\n    {option}: " not in section] == []
    assert [word for word in described if word in options] == options
    for tag in catalog.find(name).weights:
        assert f'"{tag}"' in section
    assert max(map(len, doc.splitlines())) <= 100


def test_a_factory_keeps_its_own_words_on_the_top():
    assert "include_top: Build C5, F6 and the output." in models.LeNet5.__doc__
    assert "\n    norm: None as published" in models.NINRoot.__doc__


def test_without_docstrings_there_is_none():
    """As with `python -OO`."""

    def network(include_top, weights, **options: Unpack[ModelOptions]):
        pass

    assert describe(network, ["classes"], ModelOptions, ()) is None


def test_an_unknown_name_is_an_attribute_error():
    for package in PACKAGES:
        with pytest.raises(AttributeError, match="nonsense"):
            _ = package.nonsense


def test_nothing_foreign_is_public():
    namespace = {"__name__": "kerascnn.made_up", "ast": ast, "Path": Path, "public": public}
    namespace |= {"LIMIT": 3, "_own": 4, "of_package": of_package, "TYPE_CHECKING": False}
    assert public(namespace, {"later": "module"})[2] == ["LIMIT", "later"]
