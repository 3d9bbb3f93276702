"""The graph runner gives what Rasa's own gives."""

import pytest
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import GraphSchema, SchemaNode

from infusion_guide.engine.graph_runner import SequentialGraphRunner


class Node:
    def __init__(self, name, work):
        self._name, self._work = name, work

    def __call__(self, *inputs):
        return self._name, self._work(dict(inputs))


def node(needs, is_target=False):
    return SchemaNode(needs=needs, uses=object, constructor_name="create", fn="run", config={}, is_target=is_target)


SCHEMA = GraphSchema(
    {
        "double": node({"x": "__message__"}),
        "sum": node({"a": "double", "b": "__message__"}, is_target=True),
        "unused": node({"x": "__message__"}, is_target=True),
    }
)


def runner(calls):
    def work(name, compute):
        def run(inputs):
            calls.append(name)
            return compute(inputs)

        return Node(name, run)

    nodes = {
        "double": work("double", lambda i: 2 * i["__message__"]),
        "sum": work("sum", lambda i: i["double"] + i["__message__"]),
        "unused": work("unused", lambda i: None),
    }
    return SequentialGraphRunner(SCHEMA, nodes)


def test_components_run_after_what_they_need_and_only_where_needed():
    calls = []
    assert runner(calls).run({"__message__": 5}, targets=["sum"]) == {"sum": 15}
    assert calls == ["double", "sum"]


def test_all_targets_by_default_and_a_plan_for_each_choice():
    calls = []
    used = runner(calls)
    assert used.run({"__message__": 1}) == {"sum": 3, "unused": None}
    assert used.run({"__message__": 2}, targets=["unused"]) == {"unused": None}
    assert calls.count("double") == 1


def test_an_input_must_not_hide_a_component():
    with pytest.raises(GraphRunError, match="double"):
        runner([]).run({"__message__": 1, "double": 3})
