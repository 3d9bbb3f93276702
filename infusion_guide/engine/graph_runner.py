"""Runs Rasa's graph one component after the other, in an order that is worked out once."""

from typing import Any, Dict, List, Optional, Tuple

from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import ExecutionContext, GraphNode, GraphNodeHook, GraphSchema
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.storage import ModelStorage

_Plan = List[Tuple[str, GraphNode, Tuple[str, ...]]]


class SequentialGraphRunner(GraphRunner):
    """Stands in the place of Rasa's DaskGraphRunner (compat.py), which plans the same graph anew at each of its runs.

    Planning and dask's scheduler took a sixth of a message's time (docs/benchmarks.md).
    """

    def __init__(self, schema: GraphSchema, nodes: Dict[str, GraphNode]) -> None:
        self._schema = schema
        self._nodes = nodes
        self._plans: Dict[Tuple[str, ...], _Plan] = {}

    @classmethod
    def create(
        cls,
        graph_schema: GraphSchema,
        model_storage: ModelStorage,
        execution_context: ExecutionContext,
        hooks: Optional[List[GraphNodeHook]] = None,
    ) -> "SequentialGraphRunner":
        """See parent."""
        nodes = {
            name: GraphNode.from_schema_node(name, node, model_storage, execution_context, hooks)
            for name, node in graph_schema.nodes.items()
        }
        return cls(graph_schema, nodes)

    def run(self, inputs: Optional[Dict[str, Any]] = None, targets: Optional[List[str]] = None) -> Dict[str, Any]:
        """Outputs of `targets` by name; see parent."""
        wanted = tuple(targets or self._schema.target_names)
        if wanted not in self._plans:
            self._plans[wanted] = self._plan(wanted)
        found: Dict[str, Tuple[str, Any]] = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, node, needs in self._plans[wanted]:
            if name in found:
                raise GraphRunError(f"The input '{name}' has the name of a component.")
            found[name] = node(*(found.get(need, need) for need in needs))
        return {name: found[name][1] for name in wanted}

    def _plan(self, targets: Tuple[str, ...]) -> _Plan:
        """The components that `targets` need, each after those that it needs itself."""
        schema = self._schema.minimal_graph_schema(list(targets))
        plan: _Plan = []
        planned = set()

        def add(name: str) -> None:
            if name in schema.nodes and name not in planned:
                planned.add(name)
                needs = tuple(schema.nodes[name].needs.values())
                for need in needs:
                    add(need)
                plan.append((name, self._nodes[name], needs))

        for target in targets:
            add(target)
        return plan
