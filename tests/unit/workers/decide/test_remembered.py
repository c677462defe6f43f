"""What is the same for all drifts of a moment."""

from workers.decide.remembered import remembered


def test_an_answer_is_remembered_for_the_very_same_objects_and_equal_numbers() -> None:
    asked: list[float] = []

    @remembered
    def total(values: tuple[int, ...], more: float) -> float:
        asked.append(more)
        return sum(values) + more

    values = (1, 2)
    assert (total(values, 0.5), total(values, float("0.5"))) == (3.5, 3.5)
    assert asked == [0.5]


def test_another_object_or_number_is_answered_for_itself() -> None:
    @remembered
    def total(values: tuple[int, ...], more: float) -> float:
        return sum(values) + more

    values = (1, 2)
    assert [total(values, 1.0), total(values, 2.0), total((3,), 2.0), total(values, 1.0)] == [4.0, 5.0, 5.0, 4.0]


def test_objects_that_come_and_go_are_never_mistaken_for_one_another() -> None:
    @remembered
    def first(values: tuple[int, ...]) -> int:
        return values[0]

    assert [first((number,)) for number in range(1000)] == list(range(1000))
