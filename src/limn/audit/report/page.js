"use strict";
// Everything that the page says is there without this: it sorts, filters, and shows the pictures behind a figure.
(() => {
  const FEW = 12; // pictures of a prompt that are shown at first, and rows above which a table can be filtered
  const all = (within, selector) => [...within.querySelectorAll(selector)];
  const make = (tag, text = "", more = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), more);
    made.append(...(text ? [text] : []), ...inside);
    return made;
  };

  // Tables

  const unitsOf = (table) => (table.matches(".figures") ? [...table.tBodies] : [...table.tBodies[0].rows]);

  const valueOf = (unit, column) => {
    const cell = (unit.rows ? unit.rows[0] : unit).cells[column];
    const text = cell.dataset.v ?? cell.textContent.replace(/[\s,%]/g, "").replace("\u2212", "-");
    return text !== "" && Number.isFinite(Number(text)) ? Number(text) : cell.textContent.trim();
  };

  const before = (one, other) => {
    if (typeof one === typeof other) return typeof one === "number" ? one - other : one.localeCompare(other);
    return typeof one === "number" ? -1 : 1; // what is not estimable comes last
  };

  const sortBy = (table, head, column) => {
    const rising = head.getAttribute("aria-sort") !== "ascending";
    all(table, "[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const units = unitsOf(table).map((unit) => [valueOf(unit, column), unit]);
    units.sort(([one], [other]) => (typeof one === typeof other && !rising ? before(other, one) : before(one, other)));
    const place = units[0][1].parentNode;
    const foot = table.tFoot;
    units.forEach(([, unit]) => (place === table && foot ? table.insertBefore(unit, foot) : place.append(unit)));
  };

  all(document, "table.sortable").forEach((table) => {
    const units = unitsOf(table);
    if (units.length < 2) return;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent || head.matches(".plot")) return;
      const button = make("button", head.textContent, { type: "button" });
      button.addEventListener("click", () => sortBy(table, head, column));
      head.replaceChildren(button);
    });
    if (units.length <= FEW) return;
    const input = make("input", "", { type: "search" });
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase();
      unitsOf(table).forEach((unit) => (unit.hidden = !unit.textContent.toLowerCase().includes(words)));
    });
    table.parentElement.before(make("div", "", { className: "controls" }, make("label", "Filter rows", {}, input)));
  });

  // Pictures

  const gallery = document.querySelector(".gallery");
  if (!gallery) return;
  const fields = gallery.dataset.fields ? gallery.dataset.fields.split("\t") : [];
  const pictures = all(gallery, ".prompt").flatMap((prompt) => {
    const asked = JSON.parse(prompt.dataset.facts);
    return all(prompt, "[data-model]").flatMap((column) =>
      all(column, "li").map((tile, place) => {
        const read = tile.dataset.read?.split("\t") ?? [];
        const sure = tile.dataset.sure?.split("\t") ?? [];
        const values = Object.fromEntries(fields.map((field, k) => [field, read[k] ?? ""]));
        const scores = Object.fromEntries(fields.map((field, k) => [field, sure[k] ?? ""]));
        return { tile, prompt, place, scores, facts: { ...values, ...asked, model: column.dataset.model }, values };
      }),
    );
  });
  const models = [...new Set(pictures.map((picture) => picture.facts.model))];
  const fits = (picture, where) =>
    Object.entries(where).every(([name, value]) => {
      const known = picture.values[name] || picture.facts[name] || "";
      return known === value || known.split(", ").includes(value); // categories are listed in one slot
    });

  // The pictures behind a figure

  const dialog = make("dialog", "", { className: "behind" });
  document.body.append(dialog);

  const told = (picture) => {
    const image = picture.tile.querySelector("img");
    const lines = fields.filter((field) => picture.values[field]).map((field) => {
      const score = picture.scores[field];
      return make("div", `${field}: ${picture.values[field]}${score ? ` ${score}` : ""}`);
    });
    const first = image ? [image.cloneNode()] : [make("div", picture.tile.textContent)];
    return make("li", "", {}, ...first, ...lines, make("div", `seed ${picture.tile.dataset.seed}`));
  };

  const column = (model, own, field) => {
    const kinds = new Map();
    own.forEach((picture) => {
      const kind = (field && picture.values[field]) || (picture.tile.querySelector("img") ? "" : "not shown");
      kinds.set(kind, [...(kinds.get(kind) ?? []), picture]);
    });
    const order = [...kinds].sort(([one, ones], [other, others]) =>
      (one === "unreadable") - (other === "unreadable") || others.length - ones.length);
    const lists = order.flatMap(([kind, some]) => {
      some.sort((one, other) => Number(other.scores[field] ?? 0) - Number(one.scores[field] ?? 0));
      return [make("p", `${kind || "pictures"}: ${some.length}`), make("ul", "", {}, ...some.map(told))];
    });
    return make("div", "", {}, make("h3", `${model}: ${own.length} pictures`), ...lists);
  };

  const show = (title, where, field) => {
    const chosen = pictures.filter((picture) => fits(picture, where));
    const close = make("button", "Close", { type: "button", className: "close", autofocus: true });
    close.addEventListener("click", () => dialog.close());
    const said = Object.entries(where).map(([name, value]) => `${name}: ${value || "none"}`).join(", ");
    const columns = models
      .map((model) => [model, chosen.filter((picture) => picture.facts.model === model)])
      .filter(([, own]) => own.length)
      .map(([model, own]) => column(model, own, field));
    const heading = make("h2", title, { id: "behind" });
    const none = columns.length ? [] : [make("p", "None of them is among the pictures of this page.")];
    dialog.replaceChildren(close, heading, make("p", said), ...none, make("div", "", { className: "models" }, ...columns));
    dialog.setAttribute("aria-labelledby", "behind");
    dialog.showModal();
    dialog.scrollTop = 0;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-where]");
    if (!link) return;
    event.preventDefault();
    show(link.textContent, JSON.parse(link.dataset.where), link.dataset.field ?? fields[0] ?? "");
  });

  // What of all pictures is shown, and in which order

  const controls = make("form", "", { className: "controls" });
  const field = (label, input) => {
    controls.append(make("label", label, {}, input));
    input.addEventListener("input", apply);
    return input;
  };
  const choice = (label, options) => field(label, make("select", "", {}, ...options.map((words) => make("option", words))));
  const status = make("output");
  const chosenValues = (picture, name) => (name === "model" ? picture.facts.model : picture.values[name]);

  function apply() {
    const words = search.value.toLowerCase();
    const wanted = filters.filter(([, input]) => input.selectedIndex > 0);
    const shown = pictures.filter((picture) =>
      picture.facts.prompt.toLowerCase().includes(words) &&
      wanted.every(([name, input]) => chosenValues(picture, name) === input.value));
    const kept = new Set(shown);
    const counts = new Map();
    const [, by] = order.value.split(" by ");
    const sign = order.value.startsWith("least") ? 1 : -1;
    const sorted = [...pictures].sort((one, other) =>
      by ? sign * (Number(one.scores[by]) - Number(other.scores[by])) || one.place - other.place : one.place - other.place);
    sorted.forEach((picture) => {
      const list = picture.tile.parentElement;
      list.append(picture.tile);
      if (kept.has(picture)) counts.set(list, (counts.get(list) ?? 0) + 1);
      picture.tile.hidden = !kept.has(picture) || (!every.checked && counts.get(list) > FEW);
    });
    const prompts = new Set(shown.map((picture) => picture.prompt));
    all(gallery, ".prompt").forEach((prompt) => (prompt.hidden = !prompts.has(prompt)));
    status.textContent = `${shown.length.toLocaleString("en")} of ${pictures.length.toLocaleString("en")} pictures`;
  }

  const search = field("Prompt", make("input", "", { type: "search" }));
  const filters = [["model", models], ...fields.map((name) => [name, [...new Set(pictures.map((picture) => picture.values[name]))]])]
    .map(([name, values]) => [name, values.filter(Boolean).sort()])
    .filter(([, values]) => values.length > 1)
    .map(([name, values]) => [name, choice(name, ["any", ...values])]);
  const scored = fields.filter((name) => pictures.some((picture) => picture.scores[name]));
  const order = choice("Order", ["as drawn", ...scored.flatMap((name) => [`surest by ${name}`, `least sure by ${name}`])]);
  const every = field(`All of each, not ${FEW}`, make("input", "", { type: "checkbox" }));
  controls.append(status);
  controls.addEventListener("submit", (event) => event.preventDefault());
  gallery.before(controls);
  apply();
})();
