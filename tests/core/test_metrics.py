"""Counting: what is added up is what is told, from this process and from others."""

import math

import msgspec
import pytest

from trunkline.core import metrics
from trunkline.core.metrics import Counter, Gauge, Histogram, Register


@pytest.fixture
def register() -> Register:
    return Register()


def test_a_counter_adds_up_by_its_labels(register: Register) -> None:
    calls = Counter("calls", "Calls.", ["kind", "outcome"], register)
    fine = calls.of("sms", "fine")

    fine.add()
    fine.add(2)
    calls.of("sms", "bad").add()

    assert register.told()[0].samples == [(["sms", "fine"], 3.0), (["sms", "bad"], 1.0)]


def test_a_gauge_tells_the_last_value(register: Register) -> None:
    gauge = Gauge("open", "Open ones.", ["pool"], register)

    gauge.of("app").set(4)
    gauge.of("app").set(3)

    assert register.told()[0].samples == [(["app"], 3.0)]


@pytest.mark.parametrize(("value", "place"), [(0.0, 0), (0.1, 0), (0.100001, 1), (1.0, 1), (2.0, 2), (math.inf, 2)])
def test_a_value_falls_into_the_first_bucket_that_holds_it(register: Register, value: float, place: int) -> None:
    times = Histogram("times", "Times.", [], register, bounds=(0.1, 1.0))

    times.of().observe(value)

    [(_, counts, total)] = register.told()[0].spreads
    assert (counts, total) == ([1 if n == place else 0 for n in range(3)], value)


def test_one_series_is_made_once(register: Register) -> None:
    calls = Counter("calls", "Calls.", ["kind"], register)

    assert calls.of("sms") is calls.of("sms")


def test_a_name_belongs_to_one_metric(register: Register) -> None:
    Counter("calls", "Calls.", [], register)

    with pytest.raises(TypeError, match="calls"):
        Counter("calls", "Others.", [], register)


def test_what_a_process_tells_survives_the_way_to_another(register: Register) -> None:
    Counter("calls", "Calls.", ["kind"], register).of("sms").add()
    Histogram("times", "Times.", [], register, bounds=(0.1, 1.0)).of().observe(0.5)

    carried = msgspec.convert(msgspec.json.decode(msgspec.json.encode(register.told())), list[metrics.Family])

    assert carried == register.told()


def test_processes_are_told_apart_in_the_text_for_prometheus(register: Register) -> None:
    Counter("calls", "Calls.", ["kind"], register).of('a "kind"').add(2)
    Histogram("times", "Times.", [], register, bounds=(0.1, 1.0)).of().observe(0.5)

    text = metrics.exposition({"web": register.told(), "worker": register.told()}).decode()

    assert text.count("# TYPE calls_total counter") == 1
    assert 'calls_total{kind="a \\"kind\\"",process="web"} 2.0' in text
    assert 'calls_total{kind="a \\"kind\\"",process="worker"} 2.0' in text
    assert 'times_bucket{le="0.1",process="web"} 0.0' in text
    assert 'times_bucket{le="1.0",process="web"} 1.0' in text
    assert 'times_bucket{le="+Inf",process="web"} 1.0' in text
    assert 'times_count{process="web"} 1.0' in text
    assert 'times_sum{process="web"} 0.5' in text
