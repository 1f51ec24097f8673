"""The page of a map: look at it, put new samples on it, and see what moves them and what does not.

`explore` shows it from a server on this machine, or writes it as a folder of files that open
without one. The page itself is a bundle in ``static``, made of the sources in ``web``.
"""

from drlim.exploring._one_file import held_out_page
from drlim.exploring._page import Page, explore
from drlim.exploring._watch import Watch

__all__ = ["Page", "Watch", "explore", "held_out_page"]
