"""Readers of a user's files, and the writer of a map's points.

`_read` chooses the reader of a path by its ending; one module reads each kind of file and gives
a `Reader`. What users call is imported from `drlim.datasets`.
"""

__all__: list[str] = []
