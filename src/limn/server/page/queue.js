// The queue beside every page: how far each job is, its guess at the picture, cancel and places.
import { ask, h, say, source, tried } from "./kit.js";

const list = document.getElementById("queue");
const open = new Map(); // jobs that are listened to, and what is called when they end

/** Watch a job: its guesses and its end are told to those who asked for it. */
export function watch(id, told = {}) {
  if (open.has(id)) { if (Object.keys(told).length) open.get(id).told = told; return; }
  const stream = new EventSource(`/api/jobs/${id}/events`);
  open.set(id, { stream, told });
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data), entry = open.get(id);
    const item = document.getElementById(`job-${id}`);
    if (item) {
      const bar = item.querySelector("progress");
      if (bar && event.share !== undefined) bar.value = event.share;
      if (event.preview) {
        const picture = item.querySelector("img");
        picture.hidden = false;
        picture.src = `data:image/png;base64,${event.preview}`;
      }
      if (event.line) item.querySelector(".note").textContent = event.line;
    }
    entry.told.event?.(event);
    if (event.ended) {
      stream.close();
      open.delete(id);
      say(event.state === "done" ? "Done." : event.problem || `Job ${event.state}.`, event.state === "failed");
      if (event.state === "done") entry.told.done?.(event.result);
      show();
    }
  };
}

const words = (job) => (job.form.prompts || [job.form.title || job.kind]).join(" · ").slice(0, 120);

function row(job, waiting) {
  const acts = [];
  if (["waiting", "running"].includes(job.state)) {
    const move = (by) => tried(async () => { await ask(`/api/jobs/${job.id}/place`, { place: Math.max(0, waiting.indexOf(job.id) + by) }); show(); });
    if (job.state === "waiting") {
      acts.push(h("button", { type: "button", onclick: move(-1), "aria-label": `Earlier: ${words(job)}` }, "↑"));
      acts.push(h("button", { type: "button", onclick: move(1), "aria-label": `Later: ${words(job)}` }, "↓"));
    }
    acts.push(h("button", { type: "button", onclick: tried(async () => { await ask(`/api/jobs/${job.id}`, undefined, "DELETE"); show(); }), "aria-label": `Cancel: ${words(job)}` }, "Cancel"));
  }
  const pictures = (job.result.pictures || []).slice(0, 4);
  return h("li", { id: `job-${job.id}`, "data-state": job.state },
    h("div", {}, words(job)), h("p", { className: "note" }, job.problem || job.progress?.line || job.state),
    job.state === "running" ? h("progress", { value: job.progress?.share || 0, max: 1, "aria-label": "Share that is done" }) : null,
    h("img", { className: "preview", alt: "The guess at the picture so far", hidden: true }),
    pictures.length ? h("div", { className: "line" }, pictures.map((one) => h("img", { src: source(one), alt: "", width: 48, height: 48 }))) : null,
    acts.length ? h("div", { className: "line" }, acts) : null);
}

export async function show() {
  const jobs = await ask("/api/jobs?limit=30");
  const waiting = jobs.filter((job) => job.state === "waiting").map((job) => job.id);
  const focused = document.activeElement?.getAttribute?.("aria-label");
  list.replaceChildren(...jobs.slice(0, 12).map((job) => row(job, waiting)));
  if (focused) [...list.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
  jobs.filter((job) => job.state === "running" || waiting.slice(0, 2).includes(job.id)).forEach((job) => watch(job.id));
}

export async function add(path, form, told) {
  const job = await ask(path, form);
  say("Waiting.");
  watch(job.id, told);
  await show();
  return job;
}
