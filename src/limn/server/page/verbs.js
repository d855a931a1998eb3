// Learn and audits: the command line's verbs, as forms.
import { ask, field, h, say, select, tried, upload } from "./kit.js";
import { add } from "./queue.js";

const printed = (log) => ({ event: (event) => { if (event.line) { log.textContent += `${event.line}\n`; log.scrollTop = log.scrollHeight; } } });

export async function learn(main, { options }) {
  const log = h("pre", { tabIndex: 0, id: "log", role: "log", "aria-label": "What learning says" }), files = h("input", { type: "file", multiple: true, accept: "image/*" });
  const names = h("p", { className: "note", id: "learned" });
  const listed = async () => { const all = await ask("/api/learned"); names.textContent = all.length ? `Learned so far: ${all.join(", ")}` : "Nothing was learned yet."; };
  const form = h("form", { id: "learn", onsubmit: tried(async () => {
    const data = Object.fromEntries(new FormData(form)), told = { method: data.method, name: data.name, model: data.model };
    told.pictures = await Promise.all([...files.files].map((file) => upload(file, file.name)));
    for (const key of ["word", "thing"]) if (data[key]) told[key] = data[key];
    if (data.steps) told.steps = Number(data.steps);
    log.textContent = "";
    await add("/api/learn", told, { ...printed(log), done: async () => { await listed(); say(`Learned: draw with the adapter ${data.name}.`); } });
  }) },
    field("Pictures", files), h("div", { className: "row" }, field("How", select("method", options.learners.map(({ name }) => [name, name]), "textual_inversion")), field("Word", h("input", { name: "word", placeholder: "zorp" })), field("Kind of thing", h("input", { name: "thing", placeholder: "cat" })), field("Name", h("input", { name: "name", required: true, pattern: "[A-Za-z0-9_-]+" })), field("Model", select("model", [["emoji", "emoji"], ["shapes", "shapes"]])), field("Steps", h("input", { name: "steps", type: "number", min: 1 }), "Left out: measuring chooses.")),
    h("div", { className: "line" }, h("button", { className: "main" }, "Learn")));
  main.replaceChildren(h("h1", {}, "Learn"), form, names, log);
  await listed();
}

export async function audits(main, { options }) {
  const log = h("pre", { tabIndex: 0, id: "log", role: "log", "aria-label": "What the audit says" }), list = h("ul", { id: "audits" }), frame = h("div");
  const look = (name) => frame.replaceChildren(h("h2", {}, name), h("iframe", { src: `/api/audits/${encodeURIComponent(name)}/report`, title: `Report of ${name}`, sandbox: "allow-scripts", referrerPolicy: "no-referrer" }));
  const listed = async () => { const all = await ask("/api/audits"); list.replaceChildren(...(all.length ? all.map((name) => h("li", {}, h("button", { type: "button", onclick: () => look(name) }, name))) : [h("li", {}, "No audit yet.")])); };
  const form = h("form", { id: "audit", onsubmit: tried(async () => {
    const data = Object.fromEntries(new FormData(form));
    log.textContent = "";
    await add("/api/audits", { study: data.study, model: data.model, n: Number(data.n) }, { ...printed(log), done: listed });
  }) }, h("div", { className: "row" }, field("Study", select("study", options.studies.map((name) => [name, name]), "stereotypes")), field("Model", select("model", options.models.map(({ name }) => [name, name]), "emoji")), field("Pictures a prompt", h("input", { name: "n", type: "number", min: 1, max: 1000, value: 20 }))),
    h("div", { className: "line" }, h("button", { className: "main" }, "Audit")));
  main.replaceChildren(h("h1", {}, "Audits"), form, h("h2", {}, "Reports"), list, frame, log);
  await listed();
}
