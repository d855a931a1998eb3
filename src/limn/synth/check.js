"use strict";
const { set, pictures } = JSON.parse(document.getElementById("data").textContent);
const kept = "limn-check-" + set;
let answers = {};
try { answers = JSON.parse(localStorage.getItem(kept) || "{}"); } catch { /* a browser that keeps nothing */ }
let place = pictures.findIndex((picture) => !(picture.key in answers));
if (place < 0) place = pictures.length;

function element(name, given, ...inside) {
  const made = Object.assign(document.createElement(name), given);
  made.append(...inside);
  return made;
}

function answer(word) {
  if (place >= pictures.length) return;
  answers[pictures[place].key] = word;
  place += 1;
  keep();
}

function back() {
  if (place > 0) place -= 1;
  delete answers[pictures[place].key];
  keep();
}

function keep() {
  try { localStorage.setItem(kept, JSON.stringify(answers)); } catch { /* it stays in memory */ }
  show();
}

function save() {
  const text = JSON.stringify({ set, answers }, null, 1);
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: "answers-" + set + ".json" });
  link.click();
  URL.revokeObjectURL(link.href);
}

function show() {
  const done = Object.keys(answers).length;
  const parts = [element("progress", { max: pictures.length, value: done, ariaLabel: "pictures looked at" }),
    element("p", { className: "small" }, done + " of " + pictures.length + " pictures")];
  if (place < pictures.length) {
    const { src, class: label } = pictures[place];
    parts.push(element("h1", {}, "Does this show: " + label + "?"),
      element("p", {}, element("img", { src, alt: "a picture made for the class " + label })),
      element("p", {}, element("button", { onclick: () => answer("right") }, "Yes ", element("kbd", {}, "1")),
        element("button", { onclick: () => answer("wrong") }, "No ", element("kbd", {}, "2")),
        element("button", { onclick: () => answer("unsure") }, "Cannot tell ", element("kbd", {}, "3"))));
  } else {
    parts.push(element("h1", {}, "All pictures have an answer."));
  }
  parts.push(element("p", {}, element("button", { onclick: back, disabled: place === 0 }, "Back ", element("kbd", {}, "⌫")),
    element("button", { onclick: save, disabled: done === 0 }, "Save answers")),
    element("p", { className: "small" }, "Then: limn synth check SET --answers FILE. Nothing leaves this computer."));
  document.querySelector("main").replaceChildren(...parts);
}

document.addEventListener("keydown", (event) => {
  const word = { 1: "right", 2: "wrong", 3: "unsure" }[event.key];
  if (word) answer(word);
  if (event.key === "Backspace") back();
});
show();
