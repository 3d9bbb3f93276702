"""What lets Rasa run here: what is not installed may be named and fails when used, and Rasa answers as it does unpatched."""

import importlib
import json
import logging
import re
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import numpy
import packaging.version
import pytest
import spacy

from infusion_guide.clinic.settings import ROOT
from infusion_guide.engine import compat
from tests.unpatched.record import record

# A few stand beside the tests (Slack's own signatures); of these the real one must be found.
REAL = [name for name in compat.ABSENT if "." not in name and PathFinder.find_spec(name)]
STAND_INS = [name for name in compat.ABSENT if name not in REAL]


@pytest.mark.parametrize("package", STAND_INS)
def test_what_is_not_installed_may_be_named(package):
    module = importlib.import_module(f"{package}.some.part")
    assert importlib.import_module(f"{package}.some") is sys.modules[f"{package}.some"]

    class Inherits(module.Model):
        @module.decorated
        def annotated(self, tensor: module.types.Tensor) -> module.Generic[int]:
            return self

    try:
        raise KeyError("another error")
    except module.errors.ConnectionFailure:
        pytest.fail("A name of an absent package caught an error")
    except KeyError:
        pass
    assert Inherits.annotated(3, None) == 3


@pytest.mark.parametrize("package", STAND_INS)
def test_what_is_not_installed_fails_when_it_is_used(package):
    module = importlib.import_module(f"{package}.some.part")

    class Inherits(module.Model):
        pass

    for used, name in [(module.connect, "connect"), (module.deep.connect, "deep.connect"), (Inherits, "Model")]:
        with pytest.raises(ImportError, match=re.escape(f"{package}.some.part.{name} is not installed here")) as raised:
            used("localhost")
        assert compat.ABSENT[package] in str(raised.value)


def test_a_stand_in_answers_no_question_of_pythons_own():
    tensorflow = importlib.import_module("tensorflow")
    for asked in (tensorflow, tensorflow.Tensor):
        assert not hasattr(asked, "__version__") and not hasattr(asked, "__array_interface__")


def test_the_real_package_is_found_where_there_is_one():
    assert "slack_sdk" in REAL
    for name in REAL:
        assert Path(importlib.import_module(name).__file__).is_file()


def test_every_absent_package_is_one_that_rasa_or_spacy_imports():
    folders = [Path(PathFinder.find_spec(name).origin).parent for name in ("rasa", "rasa_sdk")]
    sources = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", sources, re.MULTILINE)) | {"spacy.cli"}
    assert sorted(set(compat.ABSENT) - imported) == []
    assert "from .cli.info import" in Path(spacy.__file__).read_text(encoding="utf-8")


def test_every_module_of_rasa_can_be_imported():
    code = (
        "import importlib, pkgutil, infusion_guide, rasa, rasa_sdk\n"
        "for package in (rasa, rasa_sdk):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith(('__main__', '.hugging_face.registry')):\n"  # transformers: not in Rasa's own list
        "            importlib.import_module(module.name)\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_neural_network_of_rasas_says_what_is_missing():
    from rasa.utils.tensorflow.models import RasaModel

    with pytest.raises(compat.NotInstalled, match="keras.*is not installed here: .*DIET"):
        RasaModel(name="DIET")


def test_nothing_of_rasa_is_loaded_before_somebody_asks():
    code = "import infusion_guide, sys; print(sorted({'rasa', 'numpy', 'packaging', 'tensorflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_second_call_changes_nothing():
    before = list(sys.meta_path)
    compat.install()
    assert sys.meta_path == before


def test_names_that_libraries_dropped_are_back():
    assert issubclass(numpy.VisibleDeprecationWarning, Warning)
    assert not isinstance(packaging.version.parse("3.1"), packaging.version.LegacyVersion)


def test_files_and_versions_of_packages_are_found():
    pkg_resources = importlib.import_module("pkg_resources")
    assert Path(pkg_resources.resource_filename("rasa.shared.utils", "schemas/domain.yml")).is_file()
    with pkg_resources.resource_stream("textstat", "resources/en/easy_words.txt") as words:
        assert b"apple" in words.read().split()
    assert pkg_resources.get_distribution("rasa").version == "3.6.21"


def test_log_lines_pass_unchanged():
    processor = importlib.import_module("structlog_sentry").SentryProcessor(event_level=logging.FATAL)
    assert processor(None, "error", {"event": "x"}) == {"event": "x"}


def test_rasa_makes_of_conversations_what_an_unpatched_rasa_makes_of_them():
    """Training, understanding, rules, a form, stories and events, against what Python 3.10 and Rasa's own packages recorded."""
    recorded = json.loads((ROOT / "tests" / "unpatched" / "recorded.json").read_text(encoding="utf-8"))
    for conversation, was in zip(record(), recorded, strict=True):
        assert json.loads(json.dumps(conversation)) == was
