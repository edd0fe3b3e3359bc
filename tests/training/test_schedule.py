import pytest

from floorseg.errors import ConfigError
from floorseg.training.schedule import Schedule, Unit


def test_without_stages_a_run_is_its_epochs():
    schedule = Schedule.read(None, "epochs", 40)

    assert (schedule.unit, schedule.length) == (Unit.EPOCHS, 40)


def test_stages_follow_one_another():
    schedule = Schedule.read([{"length": 3}, {"length": 2, "image_size": 256}], "steps", 1)

    assert [schedule.at(spent) for spent in (0, 2, 3, 4, 5)] == [0, 0, 1, 1, 1]
    assert schedule.length == 5


@pytest.mark.parametrize(
    ("stage", "unit", "message"),
    [
        ({"length": 0}, "steps", "length above 0"),
        ({"length": 1, "size": 3}, "steps", "got {'length': 1, 'size': 3}"),
        ({"length": 1, "image_size": 100}, "steps", "multiple of 32 pixels, got 100"),
        ({"length": 1}, "hours", "epochs, steps, minutes"),
    ],
)
def test_an_impossible_stage_is_refused(stage, unit, message):
    with pytest.raises(ConfigError, match=message):
        Schedule.read([stage], unit, 1)
