"""Array types that carry their shapes: ``Float[np.ndarray, "n_samples n_components"]``.

While the tests run, jaxtyping and beartype check every shape and dtype at every call. In use
neither is needed: without jaxtyping an annotation is the plain array type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import (
        Bool as Bool,
        Float as Float,
        Int as Int,
        Num as Num,
        Shaped as Shaped,
    )
else:
    try:
        from jaxtyping import Bool, Float, Int, Num, Shaped
    except ImportError:

        class _Unchecked:
            def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
                return item[0]

        Bool = Float = Int = Num = Shaped = _Unchecked

__all__ = ["Bool", "Float", "Int", "Num", "Shaped"]
