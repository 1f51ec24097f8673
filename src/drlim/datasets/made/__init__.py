"""Data made by code: textiles, signatures, measurements, and the views of an airplane.

What users call is imported from `drlim.datasets`.
"""

__all__: list[str] = []
