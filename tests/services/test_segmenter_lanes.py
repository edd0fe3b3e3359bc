"""A click waits for one piece of a stranger's long work, never for all of it."""

import threading

from floorseg.services.lanes import Lanes


def test_a_click_goes_between_two_pieces_of_long_work():
    lanes, order, piece = Lanes(), [], threading.Event()

    def long_work():
        with lanes.long():
            for number in range(3):
                order.append(f"piece {number}")
                piece.set()
                clicked.wait(5)
                lanes.give_way()

    clicked = threading.Event()
    worker = threading.Thread(target=long_work)
    worker.start()
    piece.wait(5)
    with lanes.click():
        order.append("click")
        clicked.set()
    worker.join(5)

    assert order == ["piece 0", "click", "piece 1", "piece 2"]


def test_long_work_goes_on_after_a_while_though_somebody_clicks_without_end():
    lanes, went_on = Lanes(), threading.Event()

    def long_work():
        lanes.give_way(at_most=0.01)
        went_on.set()

    with lanes.click():
        worker = threading.Thread(target=long_work, daemon=True)
        worker.start()

        assert went_on.wait(5), "it waits for a click that does not end"


def test_long_work_is_done_one_after_the_other():
    lanes, running, most = Lanes(), [], []

    def work():
        with lanes.long():
            running.append(1)
            most.append(len(running))
            running.pop()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(5)

    assert max(most) == 1
