"""What a report is made of: claims, pictures, a 3-D map to turn by hand, and the page itself.

A page is one HTML file that opens from disk and fetches nothing.
"""

from __future__ import annotations

from drlim.reporting._claims import Claim
from drlim.reporting._pages import Picture, Shown, page
from drlim.reporting._viewer import Viewer

__all__ = ["Claim", "Picture", "Shown", "Viewer", "page"]
