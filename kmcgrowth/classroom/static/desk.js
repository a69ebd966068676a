// The controls and what comes from the simulation. Messages go out by emitEvent("desk", {do, ...}).
"use strict";

const classroom = {frames: [], frozen: null, duration: 3600, running: false, spoken: 0, due: false, won: null};

classroom.ask = (what) => emitEvent("desk", what);
classroom.find = (id) => document.getElementById(id);
classroom.settings = () => (classroom._set ||= JSON.parse(classroom.find("settings").textContent));

classroom.draw = () => {
  classroom.due = false;
  if (classroom.frames.length && classroom.find("charts")) view.draw({...classroom.settings(), challenge: classroom.challenge});
};

classroom.soon = () => {
  if (!classroom.due) { classroom.due = true; requestAnimationFrame(classroom.draw); }
};

classroom.speak = (force) => {
  // the line of numbers goes with every frame, what a screen reader hears only now and then
  const last = classroom.frames[classroom.frames.length - 1];
  if (!last) return;
  const said = view.say(last);
  classroom.find("numbers").textContent = said;
  if (!force && Date.now() - classroom.spoken < 15000) return;
  classroom.spoken = Date.now();
  classroom.find("spoken").textContent = said;
  for (const key of view.keys) classroom.find(`chart-${key}`).setAttribute("aria-label", view.describe(key, last));
};

classroom.show = (name, value) => {
  const input = classroom.find(`knob-${name}`);
  if (!input) return;
  if (input.tagName === "SELECT") { input.value = value; return; }
  if (document.activeElement !== input || classroom.pressed !== input) {
    input.value = input.dataset.decades ? Math.log10(value) : value;
  }
  classroom.label(input, value);
};

classroom.label = (input, value) => {
  const unit = input.dataset.unit;
  classroom.find(`${input.id}-value`).textContent = `${plots.short(value)} ${unit}`.trim();
  input.setAttribute("aria-valuetext", `${Number(Number(value).toPrecision(3))} ${unit}`.trim());
};

classroom.value = (input) => {
  if (input.tagName === "SELECT") return input.value;
  const x = Number(input.value);
  return input.dataset.decades ? Number((10 ** x).toPrecision(3)) : x;
};

classroom.notice = (text) => { classroom.find("notice").textContent = text; };

classroom.state = (running) => {
  classroom.running = running;
  const play = classroom.find("play");
  play.textContent = running ? "❚❚ Pause" : "▶ Start";
  play.setAttribute("aria-pressed", String(running));
  if (!running) classroom.speak(true);
};

classroom.take = (message) => {
  const kinds = {
    begin: (m) => {
      classroom.frames = [m.frame];
      if (view.begin) view.begin(m.frame);
      classroom.duration = m.duration;
      classroom.challenge = m.challenge;
      classroom.won = null;
      for (const [name, value] of Object.entries(m.knobs)) classroom.show(name, value);
      for (const input of document.querySelectorAll("[data-knob]")) {
        input.disabled = Boolean(m.challenge) && !m.challenge.free.includes(input.dataset.knob);
      }
      classroom.find("seed").textContent = `random seed ${m.seed}`;
      classroom.find("story").value = m.story;
      for (const part of ["text", "question", "answer"]) classroom.find(`story-${part}`).textContent = m.told[part];
      classroom.find("story-answer-box").open = false;
      if (!classroom.folded) { classroom.folded = true; classroom.fold(); }
      classroom.speak(true);
    },
    frame: (m) => {
      classroom.frames.push(m.frame);
      if (view.frame) view.frame(m.frame);
      classroom.speak(false);
    },
    rest: (m) => view.rest(m.frame),
    knobs: (m) => { for (const [name, value] of Object.entries(m.knobs)) classroom.show(name, value); },
    state: (m) => classroom.state(m.running),
    notice: (m) => classroom.notice(m.text),
    file: (m) => classroom.save(m.name, new Blob([m.text], {type: m.type})),
  };
  kinds[message.kind](message);
  classroom.soon();
};

classroom.save = (name, blob) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};

classroom.actions = {
  play: () => classroom.ask({do: classroom.running ? "pause" : "play"}),
  step: () => classroom.ask({do: "step"}),
  reset: () => classroom.ask({do: "reset"}),
  dice: () => classroom.ask({do: "dice"}),
  csv: () => classroom.ask({do: "csv"}),
  recipe: () => classroom.ask({do: "recipe"}),
  png: () => view.picture({...classroom.settings(), challenge: classroom.challenge}),
  freeze: () => {
    classroom.frozen = classroom.frozen ? null : classroom.frames.slice();
    const button = classroom.find("freeze");
    button.textContent = classroom.frozen ? "Unfreeze" : "Freeze";
    button.setAttribute("aria-pressed", String(Boolean(classroom.frozen)));
    classroom.soon();
  },
  large: () => {
    const large = document.body.classList.toggle("large");
    plots.scale = large ? 1.45 : 1;
    classroom.find("large").setAttribute("aria-pressed", String(large));
    classroom.soon();
  },
};

document.addEventListener("click", (e) => {
  const button = e.target.closest("[data-act]");
  if (button) classroom.actions[button.dataset.act]();
});
document.addEventListener("input", (e) => {
  const input = e.target.closest("input[data-knob]");
  if (!input) return;
  classroom.pressed = input;
  classroom.label(input, classroom.value(input));
});
document.addEventListener("change", (e) => {
  const input = e.target.closest("[data-knob]");
  if (input) {
    classroom.pressed = null;
    classroom.ask({do: "knob", name: input.dataset.knob, value: classroom.value(input)});
  }
  if (e.target.id === "story") classroom.ask({do: "story", name: e.target.value});
  if (e.target.id === "speed") classroom.ask({do: "speed", value: Number(e.target.value)});
});
document.addEventListener("keydown", (e) => {
  if (e.key !== " " || e.target.closest("button, select, input, summary, a")) return;
  e.preventDefault();
  classroom.actions.play();
});
document.addEventListener("visibilitychange", () => {
  // nobody looks: nothing is computed
  if (document.hidden && classroom.running) { classroom.resume = true; classroom.ask({do: "pause"}); }
  else if (!document.hidden && classroom.resume) { classroom.resume = false; classroom.ask({do: "play"}); }
});
window.addEventListener("resize", classroom.soon);
// on a phone the pictures come first, and the story opens on demand
const phone = window.matchMedia("(max-width: 760px)");
classroom.fold = () => {
  const box = classroom.find("story-box");
  if (box) box.open = !phone.matches;
};
phone.addEventListener("change", classroom.fold);
