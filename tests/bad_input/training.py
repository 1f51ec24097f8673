"""Bad input to drlim.training."""

from bad_input.rows import bad
from drlim.training import Selection

ROWS = {
    "training.Selection": [
        bad("by what is unknown", lambda: Selection(by="label"), "by", "'label'"),
        bad("all set aside", lambda: Selection(share=1), "share", "1"),
        bad("no pull", lambda: Selection(pulls=()), "pulls", "()"),
        bad("one number", lambda: Selection(pulls=4), "pulls", "4"),
        bad("a negative pull", lambda: Selection(pulls=(-1,)), "pulls", "-1"),
        bad("infinite", lambda: Selection(pulls=(float("inf"),)), "pulls", "inf"),
    ],
}
