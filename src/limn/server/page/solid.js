// Things in three dimensions: seen by a camera, turned around, as a mesh, as distances.
import { field, h, select, source, tried } from "./kit.js";
import { add } from "./queue.js";

const KINDS = { turntable: "turntable", mesh: "mesh (.glb)", depth: "distances, brighter here" };

export async function solid(main, { options }) {
  const models = options.models.filter((model) => model.solid);
  const results = h("ul", { className: "pictures wide", id: "results" });
  const number = (name, about, value, min, max) => field(about, h("input", { type: "number", name, value, min, max }));
  const boxes = Object.entries(KINDS).map(([name, about]) => h("label", {}, h("input", { type: "checkbox", name, checked: name === "turntable" }), about));
  const form = h("form", { id: "solid", onsubmit: tried(async () => {
    const data = Object.fromEntries(new FormData(form));
    const told = { prompts: [data.prompt], model: data.model, seed: Number(data.seed), views: Number(data.views), camera: `azimuth=${data.azimuth},elevation=${data.elevation}` };
    for (const name of Object.keys(KINDS)) told[name] = Boolean(data[name]);
    results.replaceChildren();
    await add("/api/jobs", told, { done: (result) => results.replaceChildren(...result.pictures.map((one) => shown(one, data.prompt, result.objects || []))) });
  }) },
    field("What is to be seen", h("input", { name: "prompt", required: true, value: "a red chair" })),
    h("div", { className: "row" }, field("Model", select("model", models.map(({ name }) => [name, name]), models[0].name)), number("seed", "Seed", 0, 0), number("azimuth", "From the side, degrees", 30, -360, 360), number("elevation", "From above, degrees", 20, -89, 89), number("views", "Views", 1, 1, 64)),
    h("div", { className: "line" }, "Also write:", ...boxes), h("div", { className: "line" }, h("button", { className: "main" }, "Draw")));
  main.replaceChildren(h("h1", {}, "3D"), form, h("h2", {}, "Things"), results);
}

/** A picture, and what was written beside it. */
function shown(one, words, objects) {
  const kinds = objects.find(({ key, index }) => key === one.key && index === one.index)?.kinds || [];
  const at = (kind) => `${source(one)}/${kind}`;
  const image = (src, about) => h("figure", {}, h("img", { src, alt: `${words}: ${about}` }), h("figcaption", {}, about));
  return h("li", {}, image(source(one), "picture"), ...["turntable", "depth"].filter((kind) => kinds.includes(kind)).map((kind) => image(at(kind), KINDS[kind])),
    kinds.includes("mesh") ? h("a", { href: at("mesh"), download: `${one.key.slice(0, 12)}-${one.index}.glb` }, "Save the mesh") : null);
}
