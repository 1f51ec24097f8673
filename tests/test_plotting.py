"""Pictures: every figure is drawn, says what it shows, and is the same file each time."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from drlim import InputError, plotting
from drlim.losses import contrastive_loss
from drlim.plotting._sheets import sprite_sheet

CAPTION = "Held-out samples, of which the map was not learnt; the unit is the margin."


RNG = np.random.default_rng(0)
Z, Z_SPACE, IMAGES = (
    RNG.normal(size=(60, 2)),
    RNG.normal(size=(60, 3)),
    RNG.integers(0, 256, (60, 28, 28)),
)
LABELS = np.arange(60) % 2
MAP = {"title": "a map", "caption": CAPTION}
DIGITS = {"label_name": "digit", **MAP}


def coloured(values, **options):
    return plotting.coloured(Z, values, **{"value_name": "factor", **MAP, **options})


FIGURES = {
    "scatter": lambda: plotting.scatter(Z, LABELS, **DIGITS),
    "thumbnails": lambda: plotting.thumbnails(Z, IMAGES, LABELS, **DIGITS),
    "curves": lambda: plotting.loss_curves(
        [1, 2], {"loss": [2.0, 1.0]}, xlabel="epoch", title="loss", caption=CAPTION
    ),
    "partial losses": lambda: plotting.partial_losses(
        lambda d: contrastive_loss(d, np.ones(d.shape, bool), 1.0),
        lambda d: contrastive_loss(d, np.zeros(d.shape, bool), 1.0),
        1.0,
        caption=CAPTION,
    ),
    "views": lambda: plotting.views(
        Z_SPACE,
        np.arange(60) * 6,
        IMAGES,
        value_name="azimuth (degrees)",
        cyclic=True,
        caption=CAPTION,
    ),
    "gallery": lambda: plotting.gallery({"one": (Z, LABELS)}, label_name="digit", caption=CAPTION),
    "bars": lambda: plotting.bars(
        {"one": [(0.5, 0.4, 0.6)], "other": [(0.9, 0.8, 1.0)]},
        ["1 %"],
        ylabel="accepted",
        title="rates",
        caption=CAPTION,
    ),
    "bars with chance": lambda: plotting.bars(
        {"map": [(0.2, 0.1, 0.3), (-0.1, -0.2, 0.1)], "pixels": [(0.9, 0.8, 1.0)] * 2},
        ["lighting", "shift"],
        ylabel="read by the probe that reads most",
        title="leakage",
        xlabel="ignored factor",
        chance=[0.17, 0.0],
        caption=CAPTION,
    ),
    "displacement": lambda: plotting.displacement_curves(
        [2, 0, 1],
        {"map": ([0.3, 0, 0.1], [0.2, 0, 0.05], [0.4, 0, 0.2]), "pca": ([1, 0, 0.8],) * 3},
        trained=(0, 1),
        strength_name="shift (pixels)",
        title="how far it holds",
        caption=CAPTION,
    ),
    "roc": lambda: plotting.roc(
        {"map": ([0, 0.01, 1], [0.1, 0.8, 1]), "pixels": ([0.01, 0.1, 1], [0.1, 0.3, 1])},
        wanted=0.01,
        title="verification",
        caption=CAPTION,
    ),
    "coloured by few": lambda: coloured(LABELS),
    "coloured by a scale": lambda: coloured(np.arange(60) / 7, cyclic=True),
    "coloured by names": lambda: coloured(np.array([f"tradition {k % 12}" for k in range(60)])),
    "forces": lambda: plotting.spring_forces(1.0, caption=CAPTION),
    "relaxation": lambda: plotting.relaxation(
        [("step 0", Z), ("step 9", Z / 2)], np.array([[0, 1]]), LABELS, caption=CAPTION
    ),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_is_drawn_with_its_caption_and_labelled_axes(draw):
    figure = draw()
    assert plotting.render(figure, "png").startswith(b"\x89PNG")
    assert b"<svg" in plotting.render(figure, "svg")
    written = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    assert CAPTION in written
    labelled = [a for a in figure.axes if a.get_visible() and a.get_xlabel() and a.get_ylabel()]
    assert labelled


@pytest.mark.parametrize("file_format", ["png", "svg"])
def test_the_same_figure_is_the_same_file(file_format):
    first, second = (plotting.render(FIGURES["scatter"](), file_format) for _ in range(2))
    assert first == second


def test_neighbouring_colours_differ_without_seeing_red_or_green():
    # Brightness as the eye weighs it: neighbouring colours of the list differ by it alone.
    from matplotlib.colors import to_rgb

    light = [np.dot(to_rgb(colour), [0.2126, 0.7152, 0.0722]) for colour in plotting.COLOURS[:2]]
    assert abs(light[0] - light[1]) > 0.05
    assert len(set(plotting.COLOURS)) == len(plotting.COLOURS) == 8


def test_thumbnails_of_one_place_do_not_fail():
    figure = plotting.thumbnails(
        np.zeros((3, 2)), np.ones((3, 8, 8)), np.zeros(3), label_name="x", title="", caption=""
    )
    assert plotting.render(figure, "png").startswith(b"\x89PNG")


def test_a_view_shows_what_is_right_above_and_near_as_a_camera_does():
    ends = np.concatenate([np.eye(3), -np.eye(3)])  # of the three axes of space
    figure = plotting.views(
        ends, np.arange(6), np.ones((6, 8, 8)), value_name="end", cyclic=False, caption=""
    )
    seen_at = {}
    for axes in [axes for axes in figure.axes if axes.get_title()]:
        points = axes.collections[0]
        drawn = points.get_array().astype(int)
        seen = seen_at[axes.get_title()] = np.empty((6, 2))
        seen[drawn] = points.get_offsets()
        np.testing.assert_allclose(seen[:3].T @ seen[:3], np.eye(2), atol=1e-12)
        towards = np.cross(*seen[:3].T)
        assert (np.diff((ends @ towards)[drawn]) >= -1e-12).all()  # the nearest is drawn last
    assert len(seen_at) == 5
    front = seen_at["around 0°, above 0°"]
    np.testing.assert_allclose(front[[0, 2]], [[1, 0], [0, 1]], atol=1e-12)


def test_a_sprite_sheet_holds_every_picture_in_its_place(rng):
    images = rng.integers(0, 256, (5, 4, 6)).astype(np.uint8)
    images[0, 0, 0] = 255
    sheet = imread(io.BytesIO(sprite_sheet(images, columns=3)), format="png")[..., 0]
    assert sheet.shape == (8, 18)
    np.testing.assert_allclose(sheet[4:, 6:12], images[4] / 255, atol=0.01)
    assert (sheet[4:, 12:] == 0).all()


def collections(values, **options):
    axes = coloured(values, **options).axes
    return axes, axes[0].collections


def test_many_numbers_are_coloured_by_a_scale_that_closes_if_they_do():
    for cyclic, colours in ((False, "viridis"), (True, "twilight")):
        axes, [points] = collections(np.arange(60.0), cyclic=cyclic)
        assert len(axes) == 2  # with the scale
        assert axes[1].get_ylabel() == "factor"
        assert points.get_cmap().name == colours
        assert points.get_array().tolist() == list(range(60))


def test_many_names_each_have_their_own_colour_and_marker():
    axes, drawn = collections(np.array([f"n{k % 20}" for k in range(60)]))
    assert len(axes) == 1
    assert len(drawn) == 20
    assert all(len(points.get_offsets()) == 3 for points in drawn)
    looks = {
        (tuple(points.get_facecolor()[0]), points.get_paths()[0].vertices.tobytes())
        for points in drawn
    }
    assert len(looks) == 20


def test_labels_beyond_the_colours_still_differ_in_their_markers():
    ten = np.arange(60) % 10
    for figure in (
        plotting.scatter(Z, ten, **DIGITS),
        plotting.gallery({"a map": (Z, ten)}, label_name="digit", caption=CAPTION),
    ):
        looks = {
            (tuple(points.get_facecolor()[0]), points.get_paths()[0].vertices.tobytes())
            for points in figure.axes[0].collections
        }
        assert len(looks) == 10


def test_few_values_are_drawn_as_a_scatter():
    axes, drawn = collections(np.arange(60) % 3)
    assert len(axes) == 1
    assert len(drawn) == 3


def test_the_axis_of_epochs_has_whole_numbers_even_of_one_epoch():
    figure = plotting.loss_curves(
        [1], {"loss": [2.0]}, xlabel="epoch", title="loss", caption=CAPTION
    )
    (axes,) = figure.axes
    assert all(tick == round(tick) for tick in axes.get_xticks())


def test_a_map_that_collapsed_to_a_point_has_axes_that_can_be_read(rng):
    point = np.array([0.048, 0.022]) + 1e-17 * rng.normal(size=(20, 2))
    figure = plotting.gallery({"a map": (point, np.arange(20) % 2)}, label_name="digit", caption="")
    plotting.render(figure, "png")
    (axes,) = figure.axes
    for axis in (axes.xaxis, axes.yaxis):
        assert axis.get_offset_text().get_text() == ""
        assert len({text.get_text() for text in axis.get_ticklabels()}) > 1


def test_the_legend_of_thumbnails_covers_none_of_them():
    figure = plotting.thumbnails(Z, IMAGES, LABELS, label_name="digit", **MAP)
    plotting.render(figure, "png")
    (axes,), (legend,) = figure.axes, figure.legends
    assert axes.get_legend() is None
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())


def test_pale_points_have_an_outline():
    drawn = coloured(np.arange(60) % 8).axes[0].collections
    (pale,) = [points for points in drawn if points.get_facecolor()[0][:2].min() > 0.8]
    assert pale.get_linewidths()[0] > 0
    assert pale.get_edgecolor()[0][:3].max() < 0.5
    (points,) = coloured(np.arange(60.0), cyclic=True).axes[0].collections
    assert points.get_linewidths()[0] > 0


@pytest.mark.fault("D")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_labels_that_are_floats_are_written_without_their_rounding_errors(dtype):
    labels = (np.arange(6) % 3 * dtype(0.1)).astype(dtype)
    Z, images = np.random.default_rng(0).normal(size=(6, 2)), np.ones((6, 4, 4))
    options = {"label_name": "dose", "title": "t", "caption": "c"}
    drawn = [
        plotting.scatter(Z, labels, **options).axes[0].get_legend(),
        plotting.thumbnails(Z, images, labels, **options).legends[0],
        plotting.gallery({"one": (Z, labels)}, label_name="dose", caption="c").axes[0].get_legend(),
    ]
    for legend in drawn:
        words = [text.get_text().split(" (")[0] for text in legend.get_texts()]
        assert words == ["dose 0", "dose 0.1", "dose 0.2"]


def test_photographs_are_drawn_in_colour_and_larger_if_they_are_few():
    Z = np.array([[0.0, 0.0], [1.0, 1.0]])
    images = np.zeros((2, 320, 320, 3))
    images[..., 0] = 200.0
    figure = plotting.thumbnails(Z, images, None, label_name="", title="", caption="")
    sheet = figure.axes[0].images[0].get_array()
    red = (sheet == [1.0, 0.0, 0.0]).all(axis=2)
    assert red.sum() == 2 * 106**2
    with pytest.raises(InputError, match="images"):
        plotting.thumbnails(Z, images, [0, 1], label_name="", title="", caption="")
