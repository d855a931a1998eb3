from __future__ import annotations

import numpy as np
import pytest

from emoji_packages import SKINS, fake_packages, svg
from limn.data.catalogue import TONES, read_catalogue
from limn.data.colours import oklab
from limn.data.packages import Tarball
from limn.data.picture_set import PictureSet, pixels
from limn.data.sets import SETS, render_svg
from limn.data.split import KNOWN, MORE, STYLES
from limn.kernel.errors import DataError


def drawn(style: str) -> dict[str, np.ndarray]:
    files = fake_packages()
    concepts = read_catalogue(Tarball(files["emojibase"]))
    return {code: pixels(draw(36)) for code, draw in SETS[style].pictures(Tarball(files[style]), concepts)}


@pytest.mark.parametrize("space", ['xmlns="http://www.w3.org/2000/svg"', ""])
@pytest.mark.parametrize("box", ['viewBox="0 0 36 36"', 'width="36" height="36"'])
def test_svg_is_rendered_exactly(space: str, box: str) -> None:
    picture = pixels(render_svg(svg("#102030", box=box, space=space), 36))
    assert (picture[4:32, 4:32] == [16, 32, 48, 255]).all()
    assert picture[..., 3].sum() == 28 * 28 * 255


@pytest.mark.parametrize("text", ["", "<p>no picture</p>", "<svg xmlns='http://www.w3.org/2000/svg'><rect"])
def test_what_is_no_svg_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="SVG"):
        render_svg(text, 32)


@pytest.mark.parametrize("body", ['<image href="{}"/>', '<use xlink:href = "file://{}#a"/>', "<IMAGE/>"])
@pytest.mark.parametrize("head", ["", '<!DOCTYPE svg [<!ENTITY a "b">]>'])
def test_svg_that_refers_to_files_is_refused(head: str, body: str) -> None:
    text = f'{head}<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">{body.format(__file__)}</svg>'
    with pytest.raises(DataError, match="outside itself"):
        render_svg(text, 8)


@pytest.mark.parametrize("style", KNOWN)
def test_every_set_gives_what_it_has_but_flags_and_wrong_tones(style: str) -> None:
    wanted = {
        "3d": {"2764", "1f34c", "1f44b", *(f"1f44b-1f3f{step}" for step in "bcdef")},
        "noto": {"2764", "1f34e"},
        "twemoji": {"2764", "1f34e", "1f34c"},
        "flat": {"2764", "1f469-200d-1f373", "1f469-1f3fe-200d-1f373", "1f6c0-1f3ff"},
        **{name: {"2764", "1f34e", "1f34c", "1f469-200d-1f373", "1f469-1f3fd-200d-1f373"} for name in MORE},
        "openmoji": {"2764", "1f34e"},
    }
    found = drawn(style)
    assert set(found) == wanted[style]
    assert all(picture.shape == (36, 36, 4) for picture in found.values())


def test_of_two_drawings_of_one_thing_the_first_counts() -> None:
    assert drawn("outlined")["1f34c"][18, 18].tolist() == [0xDD, 0xDD, 0x22, 255]


def test_fluent_3d_tones_are_put_right() -> None:
    found = drawn("3d")
    light, medium = found["1f44b-1f3fc"], found["1f44b-1f3fd"]
    assert "#" + light[18, 18, :3].tobytes().hex() == SKINS[2]
    assert "#" + medium[18, 18, :3].tobytes().hex() == SKINS[1]


@pytest.mark.parametrize(
    ("style", "profession"),
    [("3d", "cook"), ("noto", "health worker"), ("twemoji", "firefighter"), ("flat", "cook")],
)
def test_in_the_real_sets_skin_gets_darker_with_the_tone(sample: PictureSet, style: str, profession: str) -> None:
    people = sample.where(style=style, profession=profession)
    for gender in ("woman", "man", "person"):
        toned = [people.where(gender=gender, tone=tone).pictures[0] for tone in TONES[1:]]
        changed = np.ptp(np.stack(toned)[..., :3].astype(int), axis=0).max(-1) > 30
        sure = changed & (np.stack(toned)[..., 3] == 255).all(0)
        lightness = [float(np.median(oklab(picture[sure][:, :3])[:, 0])) for picture in toned]
        assert lightness[1] > lightness[2] > lightness[3] > lightness[4], (gender, lightness)


def test_sample_pictures_are_whole(sample: PictureSet) -> None:
    assert set(sample.columns["style"]) == set(STYLES)
    for picture in sample.pictures:
        assert (picture[..., 3] > 127).mean() > 0.02
