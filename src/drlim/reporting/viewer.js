// A 3-D map: drag to turn it, point at a sample to see it. One canvas, no library.
function viewer(figure) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const canvas = figure.querySelector("canvas"), context = canvas.getContext("2d");
  const choice = figure.querySelector("select"), label = figure.querySelector("output");
  const sheet = new Image();
  let around = 0.5, above = 0.35, drag = null, pointed = -1, seen = [];
  sheet.onload = draw;
  sheet.src = data.sheet;
  for (const name of Object.keys(data.factors)) choice.add(new Option(name));

  // Blue through grey to vermillion, which any kind of colour vision can tell apart.
  function colour(share) {
    const ends = [[0, 90, 160], [190, 190, 190], [200, 80, 0]], at = share * 2;
    const k = Math.min(1, Math.floor(at)), t = at - k;
    return "rgb(" + ends[k].map((v, i) => Math.round(v + t * (ends[k + 1][i] - v))) + ")";
  }

  function draw() {
    const size = canvas.width, half = size / 2, values = data.factors[choice.value];
    const low = Math.min(...values), span = Math.max(...values) - low || 1;
    const [ca, sa, ce, se] = [Math.cos(around), Math.sin(around), Math.cos(above), Math.sin(above)];
    seen = data.points.map(([x, y, z], k) => {
      const right = ca * x + sa * y, away = -sa * x + ca * y;
      return { k, x: half + 0.92 * half * right, y: half - 0.92 * half * (ce * z + se * away),
               depth: ce * away - se * z };
    }).sort((a, b) => b.depth - a.depth);
    context.clearRect(0, 0, size, size);
    for (const point of seen) {
      context.globalAlpha = 0.55 + 0.45 * (1 - (point.depth + 1) / 2);
      context.fillStyle = colour((values[point.k] - low) / span);
      context.beginPath();
      context.arc(point.x, point.y, 6 - 2 * point.depth, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    if (pointed >= 0) {
      const [h, w] = data.tile, point = seen.find((p) => p.k === pointed);
      const left = Math.min(point.x + 10, size - 3 * w), top = Math.min(point.y + 10, size - 3 * h);
      context.drawImage(sheet, (pointed % data.columns) * w, Math.floor(pointed / data.columns) * h,
                        w, h, left, top, 3 * w, 3 * h);
      context.strokeRect(left, top, 3 * w, 3 * h);
      label.value = Object.entries(data.factors).map(([n, v]) => `${n} ${v[pointed]}`).join(", ");
    } else label.value = "drag to turn, point at a sample to see it";
  }

  canvas.addEventListener("pointerdown", (event) => {
    drag = [event.offsetX, event.offsetY]; canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => { drag = null; });
  canvas.addEventListener("pointermove", (event) => {
    const scale = canvas.width / canvas.clientWidth;
    if (drag) {
      around += (event.offsetX - drag[0]) / 120;
      above = Math.max(-1.6, Math.min(1.6, above + (event.offsetY - drag[1]) / 120));
      drag = [event.offsetX, event.offsetY];
    } else {
      const [x, y] = [event.offsetX * scale, event.offsetY * scale];
      const near = seen.filter((p) => Math.hypot(p.x - x, p.y - y) < 9);
      pointed = near.length ? near[near.length - 1].k : -1;
    }
    draw();
  });
  choice.addEventListener("change", draw);
  draw();
}
document.querySelectorAll("figure.viewer").forEach(viewer);
