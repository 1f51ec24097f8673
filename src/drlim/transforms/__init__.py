"""Transformations that a map can learn to ignore, and copies of a dataset under them.

A *change* is one transformation with the range of its strength. `change` declares it; `Augment`
applies a list of them anew to each sample of each training batch; `copies` applies one at listed
values and records the value as a factor; `levels` and `beyond` give the strengths at which to
measure.

==============  =======================================  ================  =====  ==============
kind            strength                                 default range     none   allowed
==============  =======================================  ================  =====  ==============
``shift``       pixels, to the right or down             -3 to 3           0      any
``rotation``    degrees, counter-clockwise               -15 to 15         0      -360 to 360
``scale``       factor about the centre; > 1 enlarges    0.8 to 1.25       1      0.01 to 100
``crop``        share of each side that is kept, at a    0.7 to 1          1      0.01 to 1
                random place, enlarged to the old size
``flip``        1 mirrors, 0 does not                    0 or 1            0      takes no range
``brightness``  share of full scale, added               -0.2 to 0.2       0      -1 to 1
``contrast``    factor about the image's mean            0.7 to 1.4        1      0.01 to 100
``gamma``       exponent; > 1 darkens                    0.7 to 1.4        1      0.01 to 100
``colour``      degrees by which the hue is turned       -180 to 180       0      -360 to 360
``saturation``  factor about the pixel's grey            0.5 to 1.5        1      0 to 100
``blur``        standard deviation of a Gaussian, in     0 to 1.5          0      0 to 50
                pixels; edge pixels are repeated
``noise``       standard deviation, as share of full     0 to 0.1          0      0 to 100
                scale; for vectors: of each feature's
                standard deviation
``dropout``     share of pixels set to 0; for vectors:   0 to 0.2          0      0 to 1
                share of features set to their mean
==============  =======================================  ================  =====  ==============

Images are ``(n, height, width)`` or ``(n, channels, height, width)``, vectors ``(n, features)``.
Full scale is the largest number of an unsigned integer dtype (255 for uint8) and 1 for floats.
The dtype is kept: integers are rounded and clipped, floats are not clipped. ``shift`` and
``flip`` go ``along`` "horizontal" (the default) or "vertical", and a shift also along "both".

Nothing wraps round: outside the image are zeros, its edge pixels or its mirror image, chosen by
``outside``. A strength of *none* leaves a sample exactly as it was, whatever happens to the rest
of the batch. All geometric changes of a list are applied first and as one, with one bilinear
interpolation; shifts by whole pixels and flips are exact, without interpolation. ``colour`` and
``saturation`` need 3 channels (red, green, blue). Interpolation and ``blur`` need kornia, the
extra ``images``; it is loaded when it is used.
"""

from drlim.transforms._augment import Augment
from drlim.transforms._change import Change, beyond, change, levels
from drlim.transforms._copies import copies, shifted_copies
from drlim.transforms._geometry import shift
from drlim.transforms._kinds import GEOMETRIC, KINDS

__all__ = [
    "GEOMETRIC",
    "KINDS",
    "Augment",
    "Change",
    "beyond",
    "change",
    "copies",
    "levels",
    "shift",
    "shifted_copies",
]
