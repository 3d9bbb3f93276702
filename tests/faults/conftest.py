"""Two workers for all tests of this folder, whole again after each; other servers belong to the module that needs them."""

from contextlib import ExitStack

import pytest

from infusion_guide.engine.training import ensure_model
from tests.faults.cluster import Cluster
from tools.bench.local_servers import Postgres, Redis


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory):
    """Two workers, started once: that takes twenty seconds and two gigabytes."""
    ensure_model()
    with ExitStack() as stack:
        postgres, redis = stack.enter_context(Postgres()), stack.enter_context(Redis())
        yield stack.enter_context(Cluster(postgres, redis, tmp_path_factory.mktemp("cluster"), workers=2))


@pytest.fixture
def cluster(running_cluster):
    """The two workers. A test may freeze, stop and kill everything: it runs again afterwards."""
    yield running_cluster
    running_cluster.mend()
