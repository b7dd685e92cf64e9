// Plays in place, jumps to a time, and spares reloads; every page works without it, without these.
"use strict";

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// The number beside each slider.
document.addEventListener("input", (event) => {
  const output = event.target.id && one(`output[for="${event.target.id}"]`);
  if (output) output.value = event.target.value;
});

// One sound at a time.
document.addEventListener("play", (event) => {
  for (const other of all("audio")) if (other !== event.target) other.pause();
}, true);

// Links to audio play in the bar below.
const bar = one("#bar");
const barPlayer = one("#bar-player");
let playing = null;

function showPlaying() {
  for (const link of all("[data-play]")) {
    const isOn = link === playing && !barPlayer.paused;
    link.classList.toggle("on", isOn);
    link.setAttribute("aria-pressed", String(isOn));
    link.firstElementChild.textContent = isOn ? "||" : "\u25B6\uFE0E";
  }
}

function playHere(link) {
  if (link === playing) {
    if (barPlayer.paused) barPlayer.play(); else barPlayer.pause();
    return;
  }
  playing = link;
  bar.hidden = false;
  one("#bar-title").textContent = link.dataset.title;
  one("#bar-title").href = link.dataset.page;
  barPlayer.src = link.href;
  barPlayer.play();
}

for (const link of all("[data-play]")) {
  link.setAttribute("role", "button");
  link.setAttribute("aria-pressed", "false");
  link.addEventListener("click", (event) => { event.preventDefault(); playHere(link); });
  link.addEventListener("keydown", (event) => {
    if (event.key === " ") { event.preventDefault(); playHere(link); }
  });
}
for (const kind of ["play", "pause", "ended"]) barPlayer.addEventListener(kind, showPlaying);
barPlayer.addEventListener("error", () => {
  one("#bar-title").textContent += " (cannot be played)";
});

// Buttons beside tracks, without a reload that would stop the music.
document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  if (!("quiet" in form.dataset) || !button) return;
  event.preventDefault();
  const sent = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(form.action, {
    method: "POST", body: sent, headers: { "X-Earmark-Quiet": "1" },
  });
  if (!answer.ok) { location.reload(); return; }
  const isOn = button.getAttribute("aria-pressed") !== "true";
  const group = button.value === "list" ? [button] : all("[value^=has]", form);
  for (const other of group) other.setAttribute("aria-pressed", String(other === button && isOn));
  for (const [name, count] of Object.entries(await answer.json())) {
    for (const shown of all(`[data-count="${name}"]`)) shown.textContent = count;
  }
});

// Tags over time: fetched when the page is there, jumps by click or Enter, arrows move along.
const player = one("#player");

function jump(event) {
  const place = event.target.closest("[data-seek]");
  if (!place || !player) return;
  player.currentTime = Number(place.dataset.seek);
  player.play();
}

function jumpInPicture(event) {
  if (!player || !Number.isFinite(player.duration)) return;
  const box = event.target.getBoundingClientRect();
  player.currentTime = ((event.clientX - box.left) / box.width) * player.duration;
  player.play();
}

function move(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || !event.target.matches("button[data-seek]")) return;
  const buttons = all("button[data-seek]", event.target.closest("[data-grid]"));
  const next = buttons[buttons.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function prepareGrids() {
  for (const picture of all("[data-time]")) picture.addEventListener("click", jumpInPicture);
  for (const grid of all("[data-grid]")) {
    grid.addEventListener("click", jump);
    grid.addEventListener("keydown", move);
    all("button[data-seek]", grid).forEach((button, i) => { button.tabIndex = i ? -1 : 0; });
  }
}

player?.addEventListener("timeupdate", () => {
  for (const grid of all("[data-grid]")) {
    const buttons = all("button[data-seek]", grid);
    const past = buttons.filter((button) => Number(button.dataset.seek) <= player.currentTime);
    for (const button of buttons) button.classList.toggle("now", button === past.at(-1));
  }
});

const heard = one("[data-heard]");
if (heard) {
  heard.firstElementChild.textContent = "Listening to the track\u2026";
  fetch(heard.dataset.heard)
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
    .then((text) => { heard.innerHTML = text; prepareGrids(); })
    .catch(() => { heard.firstElementChild.textContent = "The track could not be heard."; });
} else {
  prepareGrids();
}
