// The sliders of a run: words beside them while they move, and the curves once they are computed.
// Without it the form has a button, and the curves are tables.
"use strict";

function tokens(...names) {
  const style = getComputedStyle(document.documentElement);
  return names.map((name) => style.getPropertyValue(name).trim());
}

function slider(name) {
  return document.querySelector(`[data-sliders] input[name="${name}"]`);
}

function tell(input) {
  const words = input.dataset.words ? input.dataset.words.split("|")[Number(input.value)] : String(Number(input.value));
  input.parentElement.querySelector("output").textContent = words;
  if (input.dataset.words) input.setAttribute("aria-valuetext", words);
}

// A vertical line where the comfort factor is, drawn below the lines of the chart.
function mark(plot, color) {
  const factor = slider("comfort_factor");
  if (!factor) return;
  const x = Math.round(plot.valToPos(Number(factor.value), "x", true));
  plot.ctx.save();
  plot.ctx.strokeStyle = color;
  plot.ctx.setLineDash([4, 4]);
  plot.ctx.beginPath();
  plot.ctx.moveTo(x, plot.bbox.top);
  plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
  plot.ctx.stroke();
  plot.ctx.restore();
}

function windowStep() {
  return Number(slider("window_step")?.value ?? 0);
}

// A curve comes in pieces: where fewer machines have a cost, the line breaks instead of falling.
function pieces(curves) {
  return curves.windows[windowStep()].flatMap((found, percentile) => found.map(({ totals }) => ({ percentile, totals })));
}

function options(place, curves) {
  const [ink, line, accent, ...series] = tokens("--ink-faint", "--line", "--ink", "--series-1", "--series-2", "--series-3", "--series-4", "--series-5");
  const [font] = tokens("--font");
  const axis = { stroke: ink, font: `12px ${font}`, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const money = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const chosen = Number(slider("percentile_step")?.value ?? -1);
  return {
    width: place.clientWidth,
    height: 280,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false } },
    axes: [axis, { ...axis, size: 70, values: (_, ticks) => ticks.map((tick) => money.format(tick)) }],
    series: [
      { label: "Comfort factor" },
      ...pieces(curves).map(({ percentile }) => ({
        label: curves.percentiles[percentile],
        stroke: series[percentile],
        width: percentile === chosen ? 3.5 : 1.6,
        spanGaps: false,
        points: { show: true, size: 5 },
      })),
    ],
    hooks: { drawAxes: [(plot) => mark(plot, accent)] },
  };
}

function draw(place) {
  const curves = place.curves;
  if (!curves?.windows.length) return;
  place.plot?.destroy();
  const lines = pieces(curves).map(({ totals }) => totals);
  place.plot = new uPlot(options(place, curves), [curves.comfort_factors, ...lines], place);
  const words = document.querySelector("[data-window-words]");
  const input = slider("window_step");
  if (words && input) words.textContent = input.dataset.words.split("|")[windowStep()];
}

async function load(place) {
  if (place.curves !== undefined) return;
  place.curves = null;
  try {
    const answer = await fetch(place.dataset.curves);
    if (!answer.ok) throw new Error(String(answer.status));
    place.curves = await answer.json();
    draw(place);
    let width = place.clientWidth;
    new ResizeObserver(() => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      place.plot?.setSize({ width, height: 280 });
    }).observe(place);
  } catch {
    place.textContent = "The curves could not be loaded; the tables below have the same figures.";
  }
}

function redraw() {
  for (const place of document.querySelectorAll("[data-curves]")) draw(place);
}

document.addEventListener("input", (event) => {
  if (!event.target.closest("[data-sliders]")) return;
  tell(event.target);
  redraw();
});
document.addEventListener("htmx:load", () => { for (const place of document.querySelectorAll("[data-curves]")) load(place); });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
for (const input of document.querySelectorAll("[data-sliders] input[type=range]")) tell(input);
for (const button of document.querySelectorAll("[data-without-script]")) button.remove();
