"""``python -m drlim`` is the command ``drlim``."""

from drlim.cli import main

if __name__ == "__main__":
    main()
