"""What usage is made of: the answers of engines on both kinds of cgroups."""

from __future__ import annotations

import pytest

from tutor.engine.gauge import Usage, usage_of

V1 = {
    "cpu_stats": {"cpu_usage": {"total_usage": 3_000_000_000}},
    "memory_stats": {"usage": 5000, "stats": {"total_inactive_file": 1000, "inactive_file": 400}},
    "pids_stats": {"current": 4},
}
V2 = {**V1, "memory_stats": {"usage": 5000, "stats": {"inactive_file": 400}}}


def test_files_that_can_be_dropped_are_not_counted_as_docker_stats_does() -> None:
    assert usage_of(V1, None, 10.0) == Usage(4000, 0.0, 4)
    assert usage_of(V2, None, 10.0) == Usage(4600, 0.0, 4)
    assert usage_of({**V1, "memory_stats": {"usage": 300, "stats": {"inactive_file": 400}}}, None, 1.0) == Usage(
        300, 0, 4
    )


@pytest.mark.parametrize(("seconds", "spent", "cpus"), [(2.0, 2_000_000_000, 0.5), (2.0, 3_000_000_000, 0.0)])
def test_cpus_are_what_was_spent_since_the_reading_before(seconds: float, spent: int, cpus: float) -> None:
    assert usage_of(V1, (10.0, spent), 10.0 + seconds) == Usage(4000, cpus, 4)
    # A container that was started again begins to count at zero.
    assert usage_of(V1, (10.0, 9_000_000_000), 12.0) == Usage(4000, 0.0, 4)


def test_a_container_that_does_not_run_uses_nothing() -> None:
    assert usage_of({"memory_stats": {}, "cpu_stats": {}}, None, 1.0) is None
    assert usage_of({}, (1.0, 1), 2.0) is None
