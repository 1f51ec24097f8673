"""What is built here is no test."""

collect_ignore_glob = ["_build/*", "gallery/*", "_gallery.py", "_cli.py"]
