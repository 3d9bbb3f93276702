"""Dashboard and alerts name only metrics that exist, and every metric of ours is explained."""

import json
import re

import pytest
import yaml

from infusion_guide.clinic.settings import ROOT
from infusion_guide.watch import metrics

DASHBOARD = ROOT / "deploy" / "grafana" / "infusion-guide.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PROMETHEUS_OWN = {"up"}
_SUFFIXES = {"counter": ("_total", "_created"), "histogram": ("_bucket", "_count", "_sum", "_created"), "gauge": ("",)}
_LABELS = {"channel", "value", "outcome", "kind", "who", "part", "model", "le", "job", "instance"}


def series():
    """Every time series' name that the registry can show."""
    return {f"{m.name}{suffix}" for m in metrics.registry.collect() for suffix in _SUFFIXES.get(m.type, ("", "_info"))}


def board():
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def expressions():
    queries = [target["expr"] for panel in board()["panels"] for target in panel["targets"]]
    queries += [variable["definition"] for variable in board()["templating"]["list"] if "definition" in variable]
    return queries + [rule["expr"] for rule in rules()]


def bare(expression):
    """The expression without texts, label lists, durations and groupings: metrics and functions remain."""
    for noise in (r'"[^"]*"', r"\{[^}]*\}", r"\[[^]]*\]", r"\b(by|without|on)\s*\([^)]*\)"):
        expression = re.sub(noise, " ", expression)
    return expression


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_exists(expression):
    words = set(re.findall(r"\b[a-z][a-z_]*\b(?!\s*\()", bare(expression))) - {"by", "or", "and", "job"} - PROMETHEUS_OWN
    assert words and words <= series(), words - series()
    assert expression.count("(") == expression.count(")")


@pytest.mark.parametrize("expression", expressions())
def test_every_label_exists(expression):
    matched = {label for chosen in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*=", chosen)}
    grouped = {label.strip() for group in re.findall(r"\bby\s*\(([^)]*)\)", expression) for label in group.split(",")}
    assert matched | grouped <= _LABELS


def test_the_dashboard_is_one_of_grafana():
    shown = board()
    assert shown["uid"] and shown["title"] and shown["schemaVersion"] >= 36
    assert [v["type"] for v in shown["templating"]["list"]] == ["datasource", "query"]
    ids = [panel["id"] for panel in shown["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in shown["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}" and panel["description"] and panel["targets"]
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        taken |= cells


def test_every_alert_says_what_happened_and_stands_in_the_guide():
    assert len(rules()) == 5
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert len(rule["annotations"]["summary"]) > 20 and len(rule["annotations"]["description"]) > 40
        assert rule["alert"] in GUIDE


def test_every_metric_of_ours_stands_in_the_guide_and_on_the_dashboard():
    ours = [m for m in metrics.registry.collect() if m.name.startswith("infusion_guide_")]
    shown = " ".join(expressions())
    for metric in ours:
        assert f"`{metric.name}" in GUIDE and metric.name in shown, metric.name
