// The gallery: search by words and by likeness, look, compare, reuse, replay, delete, export.
import { ask, field, h, say, select, source, tried, upload } from "./kit.js";
import { add } from "./queue.js";

const AT_ONCE = 60;
const title = (one) => `${one.prompt || one.file || ""} (${one.key.slice(0, 8)}, ${one.index})`;

export async function gallery(main, { options, go }) {
  let before = null, offset = 0;
  const list = h("ul", { className: "pictures", id: "found" }), detail = h("section", { id: "detail", "aria-live": "polite" });
  const search = h("input", { type: "search", name: "search", "aria-label": "Words" });
  const model = select("model", [["", "every model"], ...options.models.map(({ name }) => [name, name])]);
  const day = (name) => h("input", { type: "date", name }), since = day("since"), until = day("until");
  const chosen = () => [...list.querySelectorAll("input:checked")].map((box) => box.picture);
  const items = (pictures, more = false) => {
    if (!more) list.replaceChildren();
    list.append(...pictures.map((one) => {
      const box = h("input", { type: "checkbox", "aria-label": `Choose ${title(one)}` });
      box.picture = { key: one.key, index: one.index };
      return h("li", {}, h("figure", {}, h("button", { type: "button", onclick: tried(() => look(one)) }, h("img", { src: source(one), alt: title(one), loading: "lazy" })), h("figcaption", {}, h("label", { className: "line" }, box, `${one.prompt || one.file}${one.score !== undefined ? ` · ${one.score}` : ""}`))));
    }));
    if (!list.children.length) list.replaceChildren(h("li", {}, "Nothing yet."));
  };
  const earlier = h("button", { type: "button", hidden: true, onclick: tried(() => find(offset + AT_ONCE)) }, "Earlier ones");
  const find = async (from = 0) => {
    offset = from;
    const runs = await ask(`/api/runs?${new URLSearchParams({ search: search.value, model: model.value, limit: AT_ONCE, offset, ...Object.fromEntries([since, until].filter((day) => day.value).map((day) => [day.name, day.value])) })}`);
    items(runs.flatMap((run) => run.pictures.map((index, place) => ({ key: run.key, index, prompt: run.prompts[place] }))), from > 0);
    earlier.hidden = runs.length < AT_ONCE;
  };
  const like = async (form) => { items(await ask("/api/likeness", form)); earlier.hidden = true; };
  const file = h("input", { type: "file", accept: "image/*", onchange: tried(async () => { if (file.files[0]) await like({ upload: await upload(file.files[0], file.files[0].name) }); }) });
  const look = async (one) => {
    const record = await ask(`${source(one)}/record`);
    const told = h("p", { id: "told", role: "status" }), differ = h("div", { className: "scroll" });
    const act = (text, work) => h("button", { type: "button", onclick: tried(work) }, text);
    const compare = async () => {
      if (!before || (before.key === one.key && before.index === one.index)) { before = one; told.textContent = "Kept. Open another picture and compare."; return; }
      const pair = [before, one].map(({ key, index }) => ({ key, index })), rows = await ask("/api/differences", pair);
      differ.replaceChildren(h("div", { className: "pair" }, pair.map((each) => h("img", { src: source(each), alt: title(each) }))),
        h("table", { id: "differences" }, h("caption", {}, rows.length ? "What differs" : "Nothing differs"), h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.what), h("td", {}, JSON.stringify(row.first) ?? "–"), h("td", {}, JSON.stringify(row.second) ?? "–"))))));
      before = null;
    };
    detail.replaceChildren(h("h2", {}, title(one)), h("div", { className: "pair" }, h("img", { src: source(one), alt: title(one) }),
      h("div", {}, h("div", { className: "line" },
        act("Reuse", () => go("draw", { reuse: record })),
        act("Edit", () => go("edit", { picture: one })),
        act("Replay", () => add("/api/replays", { key: one.key, index: one.index }, { done: (result) => { told.textContent = result.same ? "Identical to the last bit." : `Differs by at most ${result.largest}/255 in ${result.changed} pixels. ${result.causes.join("; ")}`; } })),
        act("Compare", compare), act("More like this", () => like({ picture: { key: one.key, index: one.index } })),
        act("Delete", async () => { await ask(source(one), undefined, "DELETE"); detail.replaceChildren(); say("It is in the bin, a folder of the store."); await find(); })),
      told, h("details", {}, h("summary", {}, "Record"), h("pre", { tabIndex: 0 }, JSON.stringify(record, null, 1))))), differ);
    detail.scrollIntoView({ block: "nearest" });
  };
  const form = h("form", { id: "search", onsubmit: tried(() => find()) }, h("div", { className: "row" }, field("Words", search), field("Model", model), field("From", since), field("To", until), field("or like a picture", file)),
    h("div", { className: "line" }, h("button", { className: "main" }, "Search words"), h("button", { type: "button", onclick: tried(() => like({ text: search.value })) }, "Search by likeness"),
      h("button", { type: "button", onclick: tried(async () => {
        const packed = await ask("/api/export", { pictures: chosen() });
        const link = h("a", { href: URL.createObjectURL(packed), download: "limn.zip" });
        link.click();
      }) }, "Export chosen")));
  main.replaceChildren(h("h1", {}, "Gallery"), form, list, h("div", { className: "line" }, earlier), detail);
  await find();
}
