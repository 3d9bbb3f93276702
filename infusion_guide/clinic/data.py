"""The files of data/: where they lie and how they are read."""

from pathlib import Path
from typing import Any

import yaml

from infusion_guide.clinic.settings import ROOT

DATA = ROOT / "data"


def read_yaml(path: Path) -> Any:
    """Plain Python objects of one YAML file; raises yaml.YAMLError that names file and line."""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)
