"""Watch a picture appear: loops are generators, so whoever draws sees each step. Writes film.png."""

import limn
from limn.kernel.generator import Progress
from limn.store import grid

emoji = limn.load("emoji")
codec = emoji.stages[-1].codec
request = emoji.request("a red heart", steps=8, seed=3)

frames = []
for event in emoji.draw(request):
    if isinstance(event, Progress):  # the clean picture as the model expects it at this step
        expected = (codec.decode(event.state.clean)[0].clamp(-1, 1) + 1) * 127.5
        frames.append(expected.round().byte().permute(1, 2, 0).numpy())
    else:
        frames.append(event.pixels)
grid(frames, columns=len(frames)).save("film.png")
print(f"{len(frames)} frames in film.png")
