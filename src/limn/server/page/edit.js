// Edit: a picture, a mask painted on it or a box, and words.
import { ask, field, h, painting, select, source, tried, upload } from "./kit.js";
import { add } from "./queue.js";

export async function edit(main, { options, picture }) {
  let sent = null;
  const below = h("img", { alt: "The picture to edit", hidden: true }), file = h("input", { type: "file", accept: "image/*" });
  const brush = h("input", { type: "number", min: 1, max: 40, value: 12 }), board = painting(() => "#ff2d55", () => brush.value);
  const use = async (blob) => { sent = await upload(blob); below.src = `/api/uploads/${sent}`; below.hidden = false; };
  file.addEventListener("change", tried(() => use(file.files[0])));
  const results = h("ul", { className: "pictures", id: "results" });
  const form = h("form", { id: "edit", onsubmit: tried(async () => {
    const data = Object.fromEntries(new FormData(form)), change = { picture: sent };
    if (!sent) throw new Error("Choose a picture first.");
    for (const name of ["box", "extend"]) if (data[name]) change[name] = data[name];
    if (board.canvas.dataset.used) change.mask = await upload(await mask());
    if (data.strength) change.strength = Number(data.strength);
    await add("/api/jobs", { prompts: [data.prompt], model: data.model, seed: Number(data.seed), edit: change }, {
      done: (result) => results.replaceChildren(...result.pictures.map((one) => h("li", {}, h("img", { src: source(one), alt: data.prompt })))) });
  }) },
    field("Picture", file), h("div", { className: "layers" }, below, board.canvas),
    h("div", { className: "line" }, field("Brush", brush), h("button", { type: "button", onclick: board.clear }, "Clear the mask")),
    field("What is to be seen", h("input", { name: "prompt", required: true })),
    h("div", { className: "row" }, field("or box", h("input", { name: "box", placeholder: "0.5,0,1,1" })), field("or extend", h("input", { name: "extend", placeholder: "right=16" })), field("Strength", h("input", { name: "strength", type: "number", min: 0.01, max: 1, step: "any" })), field("Model", select("model", options.models.map(({ name }) => [name, name]), "emoji")), field("Seed", h("input", { name: "seed", type: "number", min: 0, value: 0 }))),
    h("div", { className: "line" }, h("button", { className: "main" }, "Edit")));
  /** White where it was painted, in the size of the picture. */
  const mask = () => new Promise((done) => {
    const flat = h("canvas", { width: below.naturalWidth, height: below.naturalHeight }), pen = flat.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(board.canvas, 0, 0, flat.width, flat.height);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, flat.width, flat.height);
    flat.toBlob(done, "image/png");
  });
  main.replaceChildren(h("h1", {}, "Edit"), form, h("h2", {}, "Pictures"), results);
  if (picture) await use(await ask(source(picture)));
}
