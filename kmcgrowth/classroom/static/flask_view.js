// The view of the flask: six pictures.
"use strict";

const view = {keys: ["distribution", "growth", "mean", "width", "supersaturation", "spectrum"]};

view.say = charts.say;
view.describe = charts.describe;

view.draw = (set) => {
  const made = charts.all(classroom.frames, classroom.frozen, classroom.duration, set);
  for (const key of view.keys) plots.draw(classroom.find(`chart-${key}`), made[key]);
  classroom.find("liquid").setAttribute("fill", classroom.frames[classroom.frames.length - 1].colour);
};

view.picture = (set) => {
  const across = 640, tall = 400, head = 70;
  const whole = document.createElement("canvas"), one = document.createElement("canvas");
  whole.width = 2 * across * 2;
  whole.height = (3 * tall + head) * 2;
  const c = whole.getContext("2d");
  c.fillStyle = "#ffffff";
  c.fillRect(0, 0, whole.width, whole.height);
  const made = charts.all(classroom.frames, classroom.frozen, classroom.duration, set);
  view.keys.forEach((key, i) => {
    plots.draw(one, {...made[key], size: [across - 10, tall - 14], ratio: 2});
    c.drawImage(one, (i % 2) * across * 2, (head + Math.floor(i / 2) * tall) * 2);
  });
  const last = classroom.frames[classroom.frames.length - 1];
  c.fillStyle = last.colour;
  c.fillRect(20, 30, 90, 90);
  c.strokeRect(20, 30, 90, 90);
  c.fillStyle = "#000000";
  c.font = "32px \"DejaVu Sans\", Verdana, sans-serif";
  c.fillText(charts.say(last), 130, 88, whole.width - 150);
  whole.toBlob((blob) => classroom.save("classroom.png", blob));
};
