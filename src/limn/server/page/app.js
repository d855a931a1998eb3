// The page: takes the token from behind the #, then shows what the address names.
import { draw } from "./draw.js";
import { edit } from "./edit.js";
import { gallery } from "./gallery.js";
import { ask, field, h, say, tried } from "./kit.js";
import { show } from "./queue.js";
import { solid } from "./solid.js";
import { audits, learn } from "./verbs.js";

const PAGES = { draw, gallery, edit, solid, learn, audits };
const TITLES = { solid: "3D" };
const main = document.getElementById("main");
let options, passed = {};

async function go(name, given = {}) {
  passed = given;
  if (location.hash === `#${name}`) await turn();
  else location.hash = name;
}

async function turn() {
  const name = location.hash.slice(1) in PAGES ? location.hash.slice(1) : "draw", given = passed;
  passed = {};
  document.querySelectorAll("nav a").forEach((link) => { if (link.hash === `#${name}`) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current"); });
  document.title = `${TITLES[name] || name[0].toUpperCase() + name.slice(1)} · limn studio`;
  await PAGES[name](main, { options, go, ...given });
  if (document.activeElement === document.body) main.focus({ preventScroll: true });
}

/** Ask for the token where there is none that holds. */
function door(why) {
  const token = h("input", { type: "password", autocomplete: "current-password", required: true });
  main.replaceChildren(h("h1", {}, "limn studio"), h("form", { onsubmit: tried(async () => { await ask("/api/session", { token: token.value.trim() }); await begin(); }) }, h("p", {}, why), field("Token", token), h("div", { className: "line" }, h("button", { className: "main" }, "Open"))));
}

async function begin() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", "/");
    await ask("/api/session", { token }).catch((error) => say(error.message, true));
  }
  try { options = await ask("/api/options"); } catch { door("The token was printed where the server was started."); return; }
  await turn();
  await show();
  setInterval(() => show().catch(() => {}), 3000);
}

addEventListener("hashchange", tried(turn));
tried(begin)();
