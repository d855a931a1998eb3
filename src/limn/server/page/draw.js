// Draw: words, guidances as cards made of their declared options, regions painted or boxed, grids.
import { ask, field, h, painting, say, select, source, tried, upload } from "./kit.js";
import { add } from "./queue.js";

const COLOURS = ["#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#46f0f0"];
/** What of a record's request the form has a place for, or that says nothing by itself. */
const HELD = ["schema", "model", "weights", "prompts", "n", "seed", "steps", "width", "height", "sampler", "guidance", "files"];
const quoted = (text) => (/[,"|]/.test(text) ? `'${text.replaceAll("'", "’")}'` : text);

/** A guidance's card; `text()` is how it is written on the command line. */
function card(part, changed) {
  const inputs = part.options.map((option) => [option, h("input", { placeholder: option.default, "aria-label": `${part.name}, ${option.name}`, onchange: changed })]);
  const element = h("section", { className: "card" },
    h("div", { className: "line" }, h("h3", {}, part.name), h("button", { type: "button", onclick: () => { element.remove(); changed(); }, "aria-label": `Remove ${part.name}` }, "Remove")),
    h("p", {}, part.summary), h("div", { className: "row" }, inputs.map(([option, input]) => field(option.name, input, option.about.slice(0, 140)))));
  element.text = () => {
    const given = inputs.filter(([, input]) => input.value.trim()).map(([option, input]) => `${option.name}=${quoted(input.value.trim())}`);
    return given.length ? `${part.name}:${given.join(",")}` : part.name;
  };
  element.fill = (values) => inputs.forEach(([option, input]) => { const value = values[option.name]; if (value !== undefined && value !== null && String(value) !== option.default) input.value = value; });
  return element;
}

/** Regions: each has words, and is painted in a colour or boxed by four shares. */
function regions() {
  let colour = COLOURS[0];
  const brush = h("input", { type: "number", min: 1, max: 32, value: 10 });
  const board = painting(() => colour, () => brush.value), rows = h("div");
  const addRow = () => {
    const own = COLOURS[rows.children.length % COLOURS.length];
    const swatch = h("input", { type: "radio", name: "brush", onchange: () => { colour = own; }, "aria-label": `Paint with colour ${rows.children.length + 1}` });
    const row = h("div", { className: "line card" }, h("label", {}, swatch, "paint"), field("Words", h("input", { className: "words", "aria-label": "Words of the region" })), field("or box", h("input", { className: "box", placeholder: "0,0,0.5,1" })));
    row.style.borderLeft = `6px solid ${own}`;
    row.colour = own;
    rows.append(row);
    swatch.checked = true;
    colour = own;
  };
  addRow();
  const element = h("details", {}, h("summary", {}, "Regions: paint with words"), board.canvas,
    h("div", { className: "line" }, field("Brush", brush), h("button", { type: "button", onclick: board.clear }, "Clear"), h("button", { type: "button", onclick: addRow }, "Another region")), rows);
  element.given = async () => {
    const all = [...rows.children].map((row) => ({ words: row.querySelector(".words").value.trim(), box: row.querySelector(".box").value.trim(), colour: row.colour }));
    const there = new Set(board.colours()), worded = all.filter((row) => row.words), painted = worded.filter((row) => !row.box);
    all.forEach((row, place) => {
      if (!row.words && (row.box || there.has(row.colour))) throw new Error(`Region ${place + 1} has no words: say what is to be seen there, or clear it.`);
      if (row.words && !row.box && !there.has(row.colour)) throw new Error(`Region ${place + 1} has no place: paint it, or give a box.`);
      if (row.box && there.has(row.colour)) throw new Error(`Region ${place + 1} is painted and has a box: clear one of them.`);
    });
    const region = worded.map((row) => `${row.box || row.colour}=${row.words}`);
    if (!region.length) return {};
    return painted.length ? { region, regions: `upload:${await upload(await board.blob("#ffffff"))}` } : { region };
  };
  return element;
}

export async function draw(main, { options, reuse }) {
  const cards = h("div"), cost = h("p", { className: "note", id: "cost" }), results = h("ul", { className: "pictures", id: "results" });
  const preview = h("img", { className: "preview", alt: "The guess at the picture so far", hidden: true, id: "preview" });
  const place = regions(), model = select("model", options.models.map(({ name }) => [name, name]), "emoji"), style = h("select", { name: "style" });
  const styles = () => style.replaceChildren(h("option", { value: "" }, "the model's own"), ...(options.models.find(({ name }) => name === model.value)?.styles || []).map((name) => h("option", { value: name }, name)));
  model.addEventListener("change", styles);
  styles();
  const number = (name, about, value = "") => field(about, h("input", { type: "number", name, value, step: name === "scale" ? "any" : 1, min: 0 }));
  const guide = select("add-guide", [["", "Add a guidance…"], ...options.guidance.map(({ name, summary }) => [name, `${name}: ${summary.slice(0, 70)}`])]);
  guide.setAttribute("aria-label", "Add a guidance");
  const learned = h("div", { className: "line" }), files = h("input", { type: "file", multiple: true, accept: "image/*" });
  ask("/api/learned").then((names) => learned.append(...names.map((name) => h("label", {}, h("input", { type: "checkbox", value: name }), name, h("input", { type: "number", step: "any", value: 1, "aria-label": `Weight of ${name}` })))));
  const form = h("form", { id: "draw" },
    field("Prompt", h("textarea", { name: "prompt", required: true, value: "a red heart" }), "Weights: (red:1.4). Choices: {red|blue}, __animal__. One prompt a line."),
    field("Not to be seen", h("input", { name: "negative" })),
    h("div", { className: "row" }, field("Model", model), field("Style", style), number("seed", "Seed", 0), number("n", "Pictures", 1), number("steps", "Steps"), number("scale", "Guidance scale"), field("Size", h("input", { name: "size", placeholder: "64" })), field("Sampler", select("sampler", [["", "the model's own"], ...options.samplers.map(({ name }) => [name, name])]))),
    h("details", {}, h("summary", {}, "Guidances"), guide, cards, cost), place,
    h("details", {}, h("summary", {}, "Adapters, pictures in the prompt, grid"), learned, field("Pictures in the prompt", files), h("div", { className: "row" }, field("Left to right", h("input", { name: "grid_x", placeholder: "scale=1,3,5" })), field("Top to bottom", h("input", { name: "grid_y", placeholder: "seed=1,2" })))),
    h("div", { className: "line" }, h("button", { className: "main" }, "Draw"), h("button", { type: "button", onclick: tried(async () => explain()) }, "What it costs"), h("label", {}, h("input", { type: "checkbox", name: "familiar" }), "read unknown words as known ones")));
  const given = async () => {
    const data = Object.fromEntries(new FormData(form)), told = { prompts: data.prompt.split("\n").filter((line) => line.trim()) };
    for (const name of ["negative", "style", "size", "sampler", "model", "grid_x", "grid_y"]) if (data[name]) told[name] = data[name];
    for (const name of ["seed", "n", "steps", "scale"]) if (data[name] !== "") told[name] = Number(data[name]);
    if (data.familiar) told.familiar = true;
    const guides = [...cards.children].map((one) => one.text());
    if (guides.length) told.guide = guides;
    const chosen = [...learned.querySelectorAll("input[type=checkbox]:checked")].map((box) => `${box.value}:${box.parentElement.querySelector("input[type=number]").value}`);
    if (chosen.length) told.adapter = chosen;
    if (files.files.length) told.pictures = await Promise.all([...files.files].map((file) => upload(file, file.name)));
    return { ...told, ...(await place.given()) };
  };
  const explain = async () => {
    const told = await ask("/api/explain", await given());
    cost.textContent = `Its first step: ${told.rows} rows in ${told.forwards} forward${told.forwards === 1 ? "" : "s"} for one picture (${told.questions.join(", ")}), ${told.steps} steps.`;
    say(cost.textContent);
  };
  guide.addEventListener("change", () => { const part = options.guidance.find(({ name }) => name === guide.value); if (part) cards.append(card(part, tried(explain))); guide.value = ""; tried(explain)(); });
  form.addEventListener("submit", tried(async () => {
    results.replaceChildren();
    await add("/api/jobs", await given(), {
      event: (event) => { if (event.preview) { preview.hidden = false; preview.src = `data:image/png;base64,${event.preview}`; } },
      done: (result) => {
        preview.hidden = true;
        const shown = result.pictures.map((one) => [source(one), one.file]);
        if (result.grid) shown.unshift([`/api/grids/${result.grid}`, "The grid"]);
        results.replaceChildren(...shown.map(([src, alt]) => h("li", {}, h("figure", {}, h("img", { src, alt })))));
      },
    });
  }));
  form.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  main.replaceChildren(h("h1", {}, "Draw"), form, h("h2", {}, "Pictures"), preview, results);
  if (reuse) fill(form, reuse, styles, (part) => { const made = card(part, tried(explain)); cards.append(made); cards.closest("details").open = true; return made; }, options);
}

/** Put a record's values into the form, and say what has no place there. */
function fill(form, record, styles, put, options) {
  const request = record.request || {}, text = record.prompt?.text ?? record.prompt ?? "";
  const free = (request.guidance || []).find(({ name }) => name === "classifier_free") || {};
  form.elements.model.value = request.model;
  styles();
  for (const [name, value] of Object.entries({ prompt: text, negative: record.negative || "", seed: record.seed, n: 1, steps: request.steps, scale: free.scale ?? "", size: `${request.width}x${request.height}`, sampler: request.sampler?.name || "" })) form.elements[name].value = value ?? "";
  const left = [...Object.keys(request).filter((name) => !HELD.includes(name)), ...["regions", "images", "neighbours"].filter((name) => record.prompt?.[name])];
  for (const { name, ...values } of (request.guidance || []).filter((one) => one.name !== "classifier_free")) {
    const part = options.guidance.find((one) => one.name === name);
    if (!part || Object.values(values).some((value) => value && typeof value === "object")) { left.push(`the guidance ${name}`); continue; }
    put(part).fill(values);
  }
  say(`The values of that picture are in the form.${left.length ? ` Not in it: ${left.join(", ")}.` : ""}`, left.length > 0);
}
