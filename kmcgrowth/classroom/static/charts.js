// The six pictures of the flask, from the frames that came.
"use strict";

const charts = {};

charts.past = (frames) => ({
  t: frames.map((f) => f.time / 60),
  mean: [0, 1, 2].map((k) => frames.map((f) => f.mean[k])),
  width: [0, 1, 2].map((k) => frames.map((f) => f.width[k])),
  s: frames.map((f) => (f.index ? f.supersaturation : null)),
  threshold: frames.map((f) => f.threshold),
});

// the spectrum everywhere, and closer where the first exciton is
charts.light = (f, set) => {
  const inside = (k) => Math.min(Math.max(k, 0), set.wavelengths.length - 1);
  const at = [...set.base.map((k, i) => [k, f.spectrum[i]]),
              ...set.around.map((k, i) => [inside(f.exciton + k), f.close[i]])];
  at.sort((p, q) => p[0] - q[0]);
  return {x: at.map((p) => set.wavelengths[p[0]]), y: at.map((p) => p[1])};
};

// title, what a screen reader says, and what is drawn, of frames [..., last] and perhaps frozen ones
charts.all = (frames, frozen, duration, set) => {
  const last = frames[frames.length - 1], seed = set.seed, born = set.nucleated, ink = plots.ink;
  const now = charts.past(frames), then = frozen ? charts.past(frozen) : null;
  const old = frozen ? frozen[frozen.length - 1] : null, dash = [7, 5], dots = [2, 4];
  const some = last.number[1] > 0, planted = frames[0].number[0] > 0;
  const frozenLine = {colour: set.frozen, said: "frozen run", dash: dots};
  const legend = [
    ...(planted ? [{colour: seed, said: "seeds", sample: "bar"}] : []),
    ...(some ? [{colour: born, said: "nucleated", sample: "hatched"}] : []),
    ...(old ? [{...frozenLine, dash}] : []),
  ];
  const riders = [
    ...(planted ? [{colour: seed, said: "seeds", sample: "dot"}] : []),
    ...(some ? [{colour: born, said: "nucleated", sample: "triangle"}] : []),
  ];
  const courses = some && planted ? [{colour: seed, said: "seeds"}, {colour: born, said: "nucleated", dash}] : [];
  const others = [...(some && planted ? [{colour: ink, said: "all together", dash: dots, thin: true}] : []), ...(old ? [frozenLine] : [])];
  const end = [0, duration / 60];
  const step = last.reach / last.seeds.length;
  const tops = last.seeds.map((n, i) => n + last.nucleated[i]);
  const share = (f) => Math.max(f.number[0] + f.number[1], 1) / 100;
  const percent = (f, bars) => bars.map((n) => n / share(f));
  const made = {};

  const stacked = percent(last, last.seeds), both = percent(last, tops);
  const items = [
    {kind: "bars", height: stacked, width: step, colour: seed},
    {kind: "bars", height: percent(last, last.nucleated), base: stacked, width: step, colour: born, hatched: true},
  ];
  const shadow = old ? percent(old, old.seeds.map((n, i) => n + old.nucleated[i])) : [];
  if (old) items.push({kind: "outline", height: shadow, width: old.reach / old.seeds.length, colour: set.frozen, dash});
  // seeds and newborn crowd on the right as often as on the left
  const half = both.length / 2, most = (bars) => Math.max(0, ...bars);
  made.distribution = {
    title: "Sizes", xlabel: "diameter / nm", ylabel: "% of the particles", x: [0, Math.max(last.reach, old ? old.reach : 0)],
    y: [0, plots.above([...both, ...shadow], 5)], items, legend, legendLeft: most(both.slice(half)) > most(both.slice(0, half)),
  };

  const lines = (key, k, colour, extra) => ({kind: "line", x: now.t, y: now[key][k], colour, ...extra});
  const olds = (key) => (then ? [{kind: "line", x: then.t, y: then[key][2], colour: set.frozen, dash: dots, end: false}] : []);
  const three = (key) => [
    ...olds(key), ...(some && planted ? [lines(key, 2, ink, {dash: dots, thin: true})] : []),
    lines(key, 0, seed), lines(key, 1, born, {dash}),
  ];
  const every = (key) => [...now[key].flat(), ...(then ? then[key][2] : [])];
  const goal = (value) => (value ? [{kind: "mark", y: value, colour: ink, dash: dots, said: "goal"}] : []);
  const aim = set.challenge;
  made.mean = {
    title: "Mean diameter", xlabel: "time / min", ylabel: "nm", x: end, y: [0, plots.above([...every("mean"), aim ? aim.diameter : 0], 3)],
    items: [...goal(aim && aim.diameter), ...three("mean")], legend: courses, legendLow: 0.1,
  };
  made.width = {
    title: "Relative width", xlabel: "time / min", ylabel: "%", x: end, y: [0, plots.above(every("width"), 10)],
    items: [...goal(aim && aim.width), ...three("width")], legend: others,
  };
  const limit = last.threshold;
  made.supersaturation = {
    title: "Supersaturation", xlabel: "time / min", ylabel: "c / c∞", x: end,
    y: [0, plots.above([...now.s, 1.12 * limit, ...(then ? then.s : [])], 5)],
    items: [
      {kind: "line", x: now.t, y: now.threshold, colour: born, dash, end: false},
      ...(then ? [{kind: "line", x: then.t, y: then.s, colour: set.frozen, dash: dots, end: false}] : []),
      {kind: "line", x: now.t, y: now.s, colour: set.sky},
      ...(limit ? [{kind: "mark", y: limit, colour: born, dash, said: "births above", right: true}] : []),
    ],
  };

  const n = last.curve.length, radii = last.curve.map((_, i) => last.reach / 2 * (i + 1) / n);
  const speeds = last.riders.map((p) => p[1]);
  // what grows is shown whole; of what dissolves, the smallest do so ever faster and are left below
  const faster = Math.max(0, ...speeds, ...last.curve), slower = Math.max(0, ...speeds.map((v) => -v));
  const growing = faster > 0.05 * slower;
  const up = plots.above([growing ? 1.1 * faster : 0.3 * slower], 1e-4);
  const down = -Math.max(0.5 * up, Math.min(1.1 * slower, growing ? up : 3 * up));
  const first = last.riders.length - last.nucleated_riders;
  made.growth = {
    title: "Growth rate", xlabel: "radius / nm", ylabel: "nm/min", x: [0, last.reach / 2], y: [down, up], legend: riders, legendLow: 1.4,
    items: [
      {kind: "mark", y: 0, colour: plots.faint},
      {kind: "line", x: radii, y: last.curve, colour: ink, thin: true, end: false},
      ...(last.critical ? [{kind: "mark", x: last.critical, colour: set.critical, dash, said: "critical radius"}] : []),
      {kind: "points", at: last.riders.slice(0, first), colour: seed},
      {kind: "points", at: last.riders.slice(first), colour: born, triangles: true},
    ],
  };
  const light = charts.light(last, set);
  const before = old ? charts.light(old, set) : null;
  made.spectrum = {
    title: "Absorption", xlabel: "wavelength / nm", ylabel: "absorbance, diluted 1:100", x: [380, 1600],
    y: [0, plots.above([...light.y, ...(before ? before.y : [])], 0.5)],
    items: [
      ...(old ? [{kind: "line", ...before, colour: set.frozen, dash: dots, end: false}] : []),
      {kind: "line", ...light, colour: set.absorbs, end: false},
    ],
  };
  return made;
};

charts.say = (f, set) => {
  const part = (k, name) => (f.mean[k] === null ? "" : `${name} ${f.mean[k].toFixed(2)} nm ± ${f.width[k].toFixed(1)} %`);
  const pieces = [`${(f.time / 60).toFixed(1)} min`, `${f.temperature.toFixed(0)} °C`, `feed ${f.feed} mL/h`];
  if (f.number[0]) pieces.push(`${f.number[0]} seeds: ${part(0, "")}`.replace(":  ", ": "));
  if (f.number[1]) pieces.push(`${f.number[1]} nucleated: ${part(1, "")}`.replace(":  ", ": "));
  if (f.index) pieces.push(`supersaturation ${f.supersaturation.toPrecision(3)}`
    + (f.threshold ? ` (births above ${f.threshold.toPrecision(3)})` : ""));
  return pieces.join(" · ");
};

charts.describe = (key, f) => ({
  distribution: `Histogram of diameters from 0 to ${f.reach} nm. ${charts.say(f)}`,
  mean: `Mean diameter over time, now ${f.mean[2] === null ? "no particles" : `${f.mean[2]} nm`}.`,
  width: `Relative width over time, now ${f.width[2] === null ? "no particles" : `${f.width[2]} percent`}.`,
  supersaturation: `Supersaturation over time, now ${f.supersaturation}, threshold of nucleation ${f.threshold}.`,
  growth: `Growth rate against radius; it is zero at the critical radius, ${f.critical || "none"} nm.`,
  spectrum: `Absorption spectrum; the flask has the colour ${f.colour}.`,
}[key]);
