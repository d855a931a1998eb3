// What all pages use: elements made of text only, and the server's doors.

/** Make an element; text is never read as HTML. */
export function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const field = (label, input, note) => h("label", {}, label, input, note ? h("span", { className: "note" }, note) : null);

export const select = (name, choices, value = "") =>
  h("select", { name }, choices.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));

/** Ask the server; what it refuses is thrown as its one line. */
export async function ask(path, body, method = body === undefined ? "GET" : "POST") {
  const json = body !== undefined && !(body instanceof FormData);
  const answer = await fetch(path, {
    method, body: json ? JSON.stringify(body) : body, headers: json ? { "content-type": "application/json" } : {},
  });
  if (answer.status === 204) return null;
  const told = (answer.headers.get("content-type") || "").startsWith("application/json") ? await answer.json() : await answer.blob();
  if (!answer.ok) throw new Error(told.error ? told.error.message : `the server answered ${answer.status}`);
  return told;
}

export async function upload(blob, name = "picture.png") {
  const form = new FormData();
  form.append("file", blob, name);
  return (await ask("/api/uploads", form)).id;
}

export const source = ({ key, index }) => `/api/pictures/${key}/${index}`;

export function say(text, bad = false) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.classList.toggle("bad", bad);
}

/** Run what a person asked for; an error becomes a line that is read aloud. */
export const tried = (work) => async (event) => {
  event?.preventDefault?.();
  try { return await work(event); } catch (error) { say(error.message, true); }
};

/** A canvas of 64 by 64 cells that is painted with the pointer; `colour` says with what, "" rubs out. */
export function painting(colour, brush) {
  const canvas = h("canvas", { width: 64, height: 64, "aria-label": "Painting; boxes below do the same by keyboard", role: "img" });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const paint = (event) => {
    if (!event.buttons && event.type !== "pointerdown") return;
    const box = canvas.getBoundingClientRect(), size = Number(brush());
    const x = Math.floor(((event.clientX - box.left) / box.width) * 64 - size / 2 + 0.5);
    const y = Math.floor(((event.clientY - box.top) / box.height) * 64 - size / 2 + 0.5);
    if (colour()) { pen.fillStyle = colour(); pen.fillRect(x, y, size, size); } else pen.clearRect(x, y, size, size);
    canvas.dataset.used = "yes";
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); paint(event); });
  canvas.addEventListener("pointermove", paint);
  const clear = () => { pen.clearRect(0, 0, 64, 64); delete canvas.dataset.used; };
  /** Which colours are there, as "#rrggbb". */
  const colours = () => {
    const { data } = pen.getImageData(0, 0, 64, 64), shown = new Set();
    for (let at = 0; at < data.length; at += 4) if (data[at + 3]) shown.add(`#${[0, 1, 2].map((part) => data[at + part].toString(16).padStart(2, "0")).join("")}`);
    return [...shown];
  };
  const blob = (ground) => new Promise((done) => {
    const flat = h("canvas", { width: 64, height: 64 }), under = flat.getContext("2d");
    under.fillStyle = ground;
    under.fillRect(0, 0, 64, 64);
    under.drawImage(canvas, 0, 0);
    flat.toBlob(done, "image/png");
  });
  return { canvas, clear, colours, blob };
}
