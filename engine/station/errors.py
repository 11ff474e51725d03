"""What can go wrong at the door of a station?"""


class StationError(ValueError):
    """Something a station cannot do; the message is one line and names the cure."""
