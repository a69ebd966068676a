// The view of the lattice: atoms of crystals, and what wanders between them.
"use strict";

const view = {keys: ["box", "sizes", "dissolved"], atoms: new Map(), seeds: new Set(), wander: [], turn: 0.6, tilt: 0.35};

view.place = (site) => {
  const {cells, basis, edges, kind} = view.box, n = basis.length;
  const b = site % n, cell = Math.floor(site / n);
  const z = cell % cells[2], y = Math.floor(cell / cells[2]) % cells[1], x = Math.floor(cell / cells[2] / cells[1]);
  const at = [x, y, z].map((k, i) => (k + basis[b][i]) / cells[i] * edges[i] - edges[i] / 2);
  return {at, look: (view.seeds.has(site) ? 0 : 2) + kind[b]};
};

// a number tells of a row of 32 sites which of them hold an atom
view.row = (code) => {
  const first = Math.floor(code / 4294967296) * 32, held = code % 4294967296;
  return Array.from({length: 32}, (_, k) => [first + k, Math.floor(held / 2 ** k) % 2 === 1]);
};

view.rows = (codes) => {
  for (const code of codes) {
    for (const [site, held] of view.row(code)) {
      if (!held) view.atoms.delete(site);
      else if (!view.atoms.has(site)) view.atoms.set(site, view.place(site));
    }
  }
};

// a number tells of two wanderers, 23 bits each: what, and where on a grid of 128 places along every edge
view.pair = (code) => [code % 8388608, Math.floor(code / 8388608)].filter((one) => one % 4 < 3).map((one) => {
  const rest = Math.floor(one / 4);
  const at = [rest % 128, Math.floor(rest / 128) % 128, Math.floor(rest / 16384)]
    .map((k, i) => (k + 0.5) / 128 * view.box.edges[i] - view.box.edges[i] / 2);
  return {at, look: one % 4 < 2 ? 4 : 5};
});

view.begin = (m) => {
  view.box = classroom.settings().box;
  view.atoms = new Map();
  const seeds = (m.seeds || m.rows).flatMap(view.row).filter(([, held]) => held).map(([site]) => site);
  view.seeds = new Set(seeds);
  delete m.seeds;
  view.frame(m);
};

view.frame = (m) => {
  view.rows(m.rows);
  view.wander = m.wander.flatMap(view.pair);
  delete m.rows;
  delete m.wander;
};

view.rest = (m) => view.rows(m.rows);

view.say = (f) => `${f.time.toFixed(1)} s · ${f.temperature.toFixed(0)} °C · feed ${f.feed} mM/min · crystals of ${f.sizes.join(", ")} units · ${f.clusters} clusters and `
  + `${f.atoms} atoms wander · ${f.crystal} atoms in crystals`;

view.describe = (key, f) => ({
  box: `The box from outside: crystals, clusters and atoms. ${view.say(f)}`,
  sizes: `Sizes of the crystals over time, now ${f.sizes.join(", ")} units.`,
  dissolved: `Clusters and atoms in solution over time, now ${f.clusters} and ${f.atoms}.`,
}[key]);

view.scene = (canvas, set, size, ratio) => {
  const sheet = plots.sheet(canvas, size, ratio);
  if (!sheet) return;
  const [c, w, h] = sheet;
  const edge = view.box.edges[0], scale = Math.min(w, h) / edge / 1.5;
  const [ct, st, cf, sf] = [Math.cos(view.turn), Math.sin(view.turn), Math.cos(view.tilt), Math.sin(view.tilt)];
  const see = ([x, y, z]) => {
    const a = ct * x + st * y, b = -st * x + ct * y;
    return [w / 2 + scale * a, h / 2 - scale * (cf * z + sf * b), cf * b - sf * z];
  };
  c.strokeStyle = "#b0b0b0";
  c.lineWidth = 1;
  const half = edge / 2;
  for (const i of [0, 1, 2]) for (const p of [-half, half]) for (const q of [-half, half]) {
    const from = [p, p, p], to = [p, p, p];
    from[(i + 1) % 3] = to[(i + 1) % 3] = p;
    from[(i + 2) % 3] = to[(i + 2) % 3] = q;
    from[i] = -half;
    to[i] = half;
    c.beginPath();
    c.moveTo(...see(from).slice(0, 2));
    c.lineTo(...see(to).slice(0, 2));
    c.stroke();
  }
  const all = [...view.atoms.values(), ...view.wander].map(({at, look}) => [...see(at), look]);
  all.sort((p, q) => q[2] - p[2]);
  for (const [x, y, deep, look] of all) {
    const r = set.atomRadius[look] * scale, fade = Math.min(Math.max(0.5 - deep / edge / 1.7, 0), 1);
    c.fillStyle = set.atomColour[look];
    // one looks through what has grown on, to the seed in it
    c.globalAlpha = (look === 2 || look === 3 ? 0.55 : 1) * (0.45 + 0.55 * fade);
    c.beginPath();
    if (look === 5) c.rect(x - r, y - r, 2 * r, 2 * r); else c.arc(x, y, r, 0, 2 * Math.PI);
    c.fill();
    c.globalAlpha = 1;
    c.strokeStyle = look === 4 || look === 5 ? "#000000" : "rgba(255,255,255,0.75)";
    c.lineWidth = 0.8;
    c.stroke();
  }
  const last = classroom.frames[classroom.frames.length - 1], total = last.clusters + last.atoms, some = view.wander.length;
  const part = some < total ? ` (${some} of ${total} drawn)` : "";
  plots.legend(c, {legendLeft: true, legend: [
    {colour: set.atomColour[0], said: "atoms of the seeds", sample: "dot"},
    {colour: set.atomColour[2], said: "atoms grown on", sample: "dot"},
    {colour: set.atomColour[4], said: "atoms that wander", sample: "dot"},
    {colour: set.atomColour[5], said: `clusters${part}`, sample: "square"},
  ]}, 14 * plots.scale, {left: 2, right: w, top: 4});
};

view.plots = (set) => {
  const frames = classroom.frames, t = frames.map((f) => f.time), most = Math.max(...frames.map((f) => f.sizes.length));
  const end = [0, classroom.duration], then = classroom.frozen;
  const sizes = [];
  if (then) {
    for (let k = 0; k < Math.max(...then.map((f) => f.sizes.length)); k++) {
      sizes.push({kind: "line", x: then.map((f) => f.time), y: then.map((f) => f.sizes[k] ?? null), colour: set.frozen,
                  dash: [2, 4], thin: true, end: false});
    }
  }
  for (let k = 0; k < most; k++) {
    sizes.push({kind: "line", x: t, y: frames.map((f) => f.sizes[k] ?? null), colour: set.seed, thin: k > 0});
  }
  return {
    sizes: {
      title: "Crystals", xlabel: "time / s", ylabel: "formula units", x: end, items: sizes,
      y: [0, plots.above([...frames, ...(then || [])].flatMap((f) => f.sizes), 100)],
      legend: then ? [{colour: set.frozen, said: "frozen run", dash: [2, 4]}] : [], legendLeft: true,
    },
    dissolved: {
      title: "In solution", xlabel: "time / s", ylabel: "number", x: end,
      y: [0, plots.above(frames.flatMap((f) => [f.clusters, f.atoms]), 20)],
      items: [
        {kind: "line", x: t, y: frames.map((f) => f.clusters), colour: set.atomColour[5]},
        {kind: "line", x: t, y: frames.map((f) => f.atoms), colour: set.atomColour[4], dash: [7, 5]},
      ],
      legend: [{colour: set.atomColour[5], said: "clusters"}, {colour: set.atomColour[4], said: "atoms", dash: [7, 5]}],
    },
  };
};

view.draw = (set) => {
  view.scene(classroom.find("chart-box"), set, null, window.devicePixelRatio || 1);
  const made = view.plots(set);
  for (const key of ["sizes", "dissolved"]) plots.draw(classroom.find(`chart-${key}`), made[key]);
};

view.picture = (set) => {
  const whole = document.createElement("canvas"), one = document.createElement("canvas");
  [whole.width, whole.height] = [2400, 1270];
  const c = whole.getContext("2d");
  c.fillStyle = "#ffffff";
  c.fillRect(0, 0, whole.width, whole.height);
  c.fillStyle = "#000000";
  c.font = "28px \"DejaVu Sans\", Verdana, sans-serif";
  c.fillText(view.say(classroom.frames[classroom.frames.length - 1]), 20, 48, whole.width - 40);
  view.scene(one, set, [700, 600], 2);
  c.drawImage(one, 0, 70);
  Object.values(view.plots(set)).forEach((spec, i) => {
    plots.draw(one, {...spec, size: [490, 290], ratio: 2});
    c.drawImage(one, 1400, 70 + 600 * i);
  });
  whole.toBlob((blob) => classroom.save("classroom.png", blob));
};

// turning the box: drag, or arrow keys while it has the focus
view.rotate = (turn, tilt) => {
  view.turn += turn;
  view.tilt = Math.min(Math.max(view.tilt + tilt, -1.5), 1.5);
  classroom.soon();
};
document.addEventListener("pointermove", (e) => {
  if (e.buttons && e.target.id === "chart-box") view.rotate(0.008 * e.movementX, 0.008 * e.movementY);
});
document.addEventListener("keydown", (e) => {
  const ways = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1]};
  if (e.target.id !== "chart-box" || !ways[e.key]) return;
  e.preventDefault();
  view.rotate(...ways[e.key]);
});
