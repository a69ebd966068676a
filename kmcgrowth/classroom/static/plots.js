// Drawing on canvases: axes, lines, bars, points. Nothing here knows what is drawn.
"use strict";

const plots = {scale: 1, ink: "#000000", faint: "#767676"};

plots.ticks = (low, high, about) => {
  const rough = (high - low) / Math.max(about, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.85);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
};

plots.text = (x) => (Math.abs(x) < 1e-12 ? "0" : String(Number(x.toPrecision(4))));

plots.above = (values, least) => {
  // the end of an axis: somewhat above the largest value, in steps that do not flicker
  const most = Math.max(least, ...values.filter((v) => v !== null && Number.isFinite(v)));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((k) => k * power).find((s) => s >= most * 1.02) || most;
};

// a white sheet over a canvas that is shown, or of a given size: pen, width and height; null where there is no room
plots.sheet = (canvas, size, ratio) => {
  const [w, h] = size || [canvas.clientWidth, canvas.clientHeight];
  if (!w || !h) return null;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.fillStyle = "#ffffff";
  c.fillRect(0, 0, w, h);
  return [c, w, h];
};

plots.draw = (canvas, spec) => {
  const sheet = plots.sheet(canvas, spec.size, spec.ratio || window.devicePixelRatio || 1);
  if (!sheet) return;
  const [c, w, h] = sheet;
  const size = Math.max(13, Math.min(16, w / 26)) * plots.scale;
  const font = (k, weight) => `${weight || "normal"} ${size * k}px "DejaVu Sans", Verdana, Arial, sans-serif`;
  const left = 3.6 * size, right = w - 1.4 * size, top = 1.9 * size, bottom = h - 2.9 * size;
  const [x0, x1] = spec.x, [y0, y1] = spec.y;
  const X = (x) => left + (x - x0) / (x1 - x0) * (right - left);
  const Y = (y) => bottom - (y - y0) / (y1 - y0) * (bottom - top);

  c.fillStyle = plots.ink;
  c.font = font(1, "bold");
  c.textAlign = "left";
  c.textBaseline = "top";
  c.fillText(spec.title, 0.3 * size, 0.2 * size);
  c.font = font(0.92);
  c.strokeStyle = plots.faint;
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(left, top);
  c.lineTo(left, bottom);
  c.lineTo(right, bottom);
  c.textAlign = "center";
  for (const x of plots.ticks(x0, x1, (right - left) / (4.5 * size))) {
    c.moveTo(X(x), bottom);
    c.lineTo(X(x), bottom + 4);
    c.fillText(plots.text(x), X(x), bottom + 6);
  }
  c.textAlign = "right";
  c.textBaseline = "middle";
  for (const y of plots.ticks(y0, y1, (bottom - top) / (2.4 * size))) {
    c.moveTo(left, Y(y));
    c.lineTo(left - 4, Y(y));
    c.fillText(plots.text(y), left - 7, Y(y));
  }
  c.stroke();
  c.textAlign = "right";
  c.textBaseline = "bottom";
  c.fillText(spec.xlabel, right, h - 1);
  c.textBaseline = "top";
  c.font = font(1, "bold");
  const room = right - 1.2 * size - c.measureText(spec.title).width;
  c.font = font(0.92);
  c.font = font(0.92 * Math.min(1, room / c.measureText(spec.ylabel).width));
  c.fillText(spec.ylabel, right, 0.25 * size);

  c.save();
  c.beginPath();
  c.rect(left - 5, top - 2, right - left + 7, bottom - top + 4);
  c.clip();
  for (const item of spec.items) plots[item.kind](c, item, X, Y, size, {left, right, top, bottom});
  c.restore();
  if (spec.legend && spec.legend.length) plots.legend(c, spec, size, {left, right, top, bottom});
};

plots.halo = (c, said, x, y, size) => {
  // black words that stay readable on whatever they lie
  c.font = `bold ${0.9 * size}px "DejaVu Sans", Verdana, Arial, sans-serif`;
  c.lineWidth = 0.3 * size;
  c.lineJoin = "round";
  c.strokeStyle = "#ffffff";
  c.strokeText(said, x, y);
  c.fillText(said, x, y);
};

plots.legend = (c, spec, size, box) => {
  // samples in the colour of what they stand for, words in black; where less is drawn
  c.textBaseline = "middle";
  c.textAlign = "left";
  c.font = `bold ${0.9 * size}px "DejaVu Sans", Verdana, Arial, sans-serif`;
  const wide = 1.9 * size, most = Math.max(...spec.legend.map((e) => c.measureText(e.said).width)) + wide + 0.4 * size;
  const x = spec.legendLeft ? box.left + 0.6 * size : box.right - most;
  const first = spec.legendLow ? box.bottom - (spec.legendLow + 1.3 * spec.legend.length) * size : box.top + 0.2 * size;
  spec.legend.forEach((entry, i) => {
    const y = first + (0.65 + 1.3 * i) * size, middle = x + 0.7 * size;
    if (entry.sample === "bar" || entry.sample === "hatched") {
      plots.box(c, x, y - 0.45 * size, 1.4 * size, 0.9 * size, entry.colour, entry.sample === "hatched");
    } else if (entry.sample === "dot" || entry.sample === "triangle") {
      plots.point(c, middle, y, 0.42 * size, entry.colour, entry.sample === "triangle");
    } else if (entry.sample === "square") {
      plots.box(c, middle - 0.45 * size, y - 0.45 * size, 0.9 * size, 0.9 * size, entry.colour, false);
    } else {
      c.strokeStyle = entry.colour;
      c.lineWidth = (entry.thin ? 1.6 : 3) * Math.sqrt(plots.scale);
      c.setLineDash((entry.dash || []).map((d) => d * Math.sqrt(plots.scale)));
      c.beginPath();
      c.moveTo(x, y);
      c.lineTo(x + 1.5 * size, y);
      c.stroke();
      c.setLineDash([]);
    }
    c.fillStyle = plots.ink;
    plots.halo(c, entry.said, x + wide, y, size);
  });
};

plots.line = (c, item, X, Y, size) => {
  c.strokeStyle = item.colour;
  c.lineWidth = (item.thin ? 1.6 : 3) * Math.sqrt(plots.scale);
  c.setLineDash((item.dash || []).map((d) => d * Math.sqrt(plots.scale)));
  c.beginPath();
  let pen = false;
  for (let i = 0; i < item.x.length; i++) {
    const y = item.y[i];
    if (y === null || y === undefined || !Number.isFinite(y)) { pen = false; continue; }
    if (pen) c.lineTo(X(item.x[i]), Y(y)); else c.moveTo(X(item.x[i]), Y(y));
    pen = true;
  }
  c.stroke();
  c.setLineDash([]);
  // where it has come to, so that a beginning is seen as well
  const last = item.y.length - 1, end = item.y[last];
  if (item.end === false || end === null || end === undefined || !Number.isFinite(end)) return;
  c.fillStyle = item.colour;
  c.beginPath();
  c.arc(X(item.x[last]), Y(end), (item.thin ? 2.5 : 4) * Math.sqrt(plots.scale), 0, 2 * Math.PI);
  c.fill();
};

plots.bars = (c, item, X, Y) => {
  const width = item.width;
  for (let i = 0; i < item.height.length; i++) {
    if (!item.height[i]) continue;
    const base = item.base ? item.base[i] : 0;
    const x = X(i * width), y = Y(base + item.height[i]);
    plots.box(c, x, y, X((i + 1) * width) - x - 1, Y(base) - y, item.colour, item.hatched);
  }
};

plots.box = (c, x, y, across, tall, colour, hatched) => {
  c.fillStyle = colour;
  c.strokeStyle = colour;
  if (!hatched) { c.fillRect(x, y, across, tall); return; }
  c.save();
  c.beginPath();
  c.rect(x, y, across, tall);
  c.clip();
  c.globalAlpha = 0.35;
  c.fillRect(x, y, across, tall);
  c.globalAlpha = 1;
  c.lineWidth = 1.5;
  c.beginPath();
  for (let d = -tall - 20; d < across + tall + 20; d += 6) {
    const shift = (x + y) % 6;
    c.moveTo(x + d - shift, y + tall);
    c.lineTo(x + d - shift + tall, y);
  }
  c.stroke();
  c.restore();
  c.lineWidth = 1.5;
  c.strokeRect(x + 0.5, y, across - 1, tall);
};

plots.outline = (c, item, X, Y) => {
  c.strokeStyle = item.colour;
  c.lineWidth = 2;
  c.setLineDash(item.dash || []);
  c.beginPath();
  c.moveTo(X(0), Y(0));
  item.height.forEach((h, i) => { c.lineTo(X(i * item.width), Y(h)); c.lineTo(X((i + 1) * item.width), Y(h)); });
  c.stroke();
  c.setLineDash([]);
};

plots.points = (c, item, X, Y, size) => {
  for (const [x, y] of item.at) plots.point(c, X(x), Y(y), 0.42 * size, item.colour, item.triangles);
};

plots.point = (c, x, y, r, colour, triangle) => {
  c.fillStyle = colour;
  c.strokeStyle = "#ffffff";
  c.lineWidth = 1.5;
  c.beginPath();
  if (triangle) {
    c.moveTo(x, y - 1.2 * r);
    c.lineTo(x + 1.1 * r, y + 0.8 * r);
    c.lineTo(x - 1.1 * r, y + 0.8 * r);
    c.closePath();
  } else c.arc(x, y, r, 0, 2 * Math.PI);
  c.fill();
  c.stroke();
};

plots.mark = (c, item, X, Y, size, box) => {
  // a straight line across, with a word
  c.strokeStyle = item.colour;
  c.fillStyle = item.colour;
  c.lineWidth = 2;
  c.setLineDash(item.dash || []);
  c.beginPath();
  if (item.x !== undefined) { c.moveTo(X(item.x), box.top); c.lineTo(X(item.x), box.bottom); }
  else { c.moveTo(box.left, Y(item.y)); c.lineTo(box.right, Y(item.y)); }
  c.stroke();
  c.setLineDash([]);
  if (!item.said) return;
  c.textBaseline = "bottom";
  c.textAlign = "left";
  c.fillStyle = plots.ink;
  if (item.x !== undefined) plots.halo(c, item.said, X(item.x) + 5, box.bottom - 3, size);
  else if (item.right) { c.textAlign = "right"; plots.halo(c, item.said, box.right - 5, Y(item.y) - 2, size); }
  else plots.halo(c, item.said, box.left + 5, Y(item.y) - 2, size);
};

plots.short = (x) => {
  // 1·10⁵ rather than a row of noughts
  const v = Number(Number(x).toPrecision(3)), size = Math.abs(v);
  if (!size || (size >= 0.01 && size < 1e5)) return String(v);
  const [head, power] = v.toExponential().split("e");
  const raised = String(Number(power)).replace(/[-0-9]/g, (d) => (d === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]));
  return `${head === "1" ? "" : `${head}·`}10${raised}`;
};
