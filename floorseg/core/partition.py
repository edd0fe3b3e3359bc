"""x."""
def find_rooms(*a, **k):
    yield from ()
