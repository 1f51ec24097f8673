"""The version, in one place: the package, its files and its reports all read it here."""

__version__ = "0.1.0"
