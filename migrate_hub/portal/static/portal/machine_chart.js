// The utilization chart of a machine, drawn by uPlot from figures that the hub computes for each window.
// Zooming asks for finer figures. Without this script the page shows the drawing that the server made.
"use strict";

const SMALLEST_SECONDS = 3600;
const LARGEST_SECONDS = 400 * 86400;
const MAX_POINTS = 1000;

function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Ticks by what lies between two of them: years, months, days, hours and minutes; a second line where the day changes.
const DAY = "\n{YYYY}-{MM}-{DD}";
const TICKS = [
  [31536000, "{YYYY}", null, null, null, null, null, null, 1],
  [2419200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", DAY, null, DAY, null, null, null, 1],
];

function faded(color, share) {
  return `color-mix(in srgb, ${color} ${share}%, transparent)`;
}

// uPlot wants one array of times and one array for each line: lowest, highest, average and, if told, the percentile.
function linesOf(figures) {
  const count = Math.max(0, ...figures.series.map((series) => series.average.length));
  const times = Array.from({ length: count }, (_, place) => figures.start_at + place * figures.bucket_seconds);
  const data = [times], series = [{ label: "From", value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }], bands = [];
  for (const one of figures.series) {
    const color = token(`--series-${one.color}`);
    const said = (value) => (value === null || value === undefined ? "–" : `${rounded(value)} ${figures.unit}`);
    const line = (label, more) => ({ label: `${one.name}, ${label}`, value: (_, value) => said(value), points: { show: false }, ...more });
    bands.push({ series: [data.length + 1, data.length], fill: faded(color, 20) });
    series.push(line("lowest", { stroke: faded(color, 35), width: 1 }));
    series.push(line("highest", { stroke: faded(color, 35), width: 1 }));
    series.push(line("average", { stroke: color, width: 2, points: { show: undefined, size: 5 } }));
    data.push(one.minimum, one.maximum, one.average);
    if (one.percentile !== null) {
      series.push(line(figures.percentile.toLowerCase(), { stroke: color, width: 1.5, dash: [7, 5] }));
      data.push(times.map(() => one.percentile));
    }
  }
  return { data, series, bands };
}

function rounded(value) {
  return value.toLocaleString("en", { maximumFractionDigits: value >= 100 ? 0 : 2 });
}

function optionsOf(chart, figures, lines) {
  const axis = { stroke: token("--ink-faint"), grid: { stroke: token("--line"), width: 1 }, ticks: { stroke: token("--line"), width: 1 }, font: "12px sans-serif" };
  return {
    width: chart.canvas.clientWidth, height: 300, series: lines.series, bands: lines.bands,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: {
      x: { time: true, range: [figures.start_at, figures.end_at] },
      y: { range: (_, low, high) => (figures.unit === "%" ? [0, 100] : [0, Math.max(high * 1.05, 1)]) },
    },
    axes: [{ ...axis, values: TICKS }, { ...axis, size: 96, values: (_, values) => values.map((value) => `${rounded(value)} ${figures.unit}`) }],
    cursor: { drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => { chart.reset(); return null; } } },
    hooks: { setSelect: [(plot) => chart.choose(plot)] },
  };
}

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.form = document.getElementById("chart-form");
    this.canvas = figure.querySelector(".chart-canvas");
    this.status = document.getElementById("chart-status");
    this.still = figure.querySelector(".chart-still");
    this.whole = { start: Number(figure.dataset.start), end: Number(figure.dataset.end) };
    this.shown = this.whole;
    this.plot = null;
  }

  async load(window_) {
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    const query = new URLSearchParams({
      show: this.form.elements.show.value, percentile: this.form.elements.percentile.value,
      start: new Date(window_.start * 1000).toISOString(), end: new Date(window_.end * 1000).toISOString(),
      points: String(Math.max(1, Math.min(MAX_POINTS, Math.round(this.figure.clientWidth)))),
    });
    this.figure.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${this.figure.dataset.url}?${query}`, { signal: asking.signal });
      if (answer.redirected || answer.status === 404) { location.reload(); return; }
      const figures = await answer.json();
      if (!answer.ok) { this.say(figures.detail); return; }
      this.shown = window_;
      this.draw(figures);
    } catch (error) {
      if (error.name !== "AbortError") this.say("The figures could not be read. Try again in a moment.");
    } finally {
      if (this.asking === asking) this.figure.removeAttribute("aria-busy");
    }
  }

  draw(figures) {
    this.figures = figures;
    this.still.hidden = true;
    this.canvas.hidden = false;
    this.plot?.destroy();
    this.plot = null;
    const lines = linesOf(figures);
    if (figures.series.length) this.plot = new uPlot(optionsOf(this, figures, lines), lines.data, this.canvas);
    this.figure.dataset.bucketSeconds = figures.bucket_seconds;
    this.figure.dataset.points = lines.data[0].length;
    this.say(this.summary(figures));
  }

  summary(figures) {
    const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
    const window_ = `${day(figures.start_at)} to ${day(figures.end_at)} UTC`;
    if (!figures.series.length) return `No measurements in this window: ${window_}.`;
    const lines = figures.series.map((one) => (one.percentile === null ? "" : `${one.name}, ${figures.percentile.toLowerCase()}: ${rounded(one.percentile)} ${figures.unit}`));
    const told = lines.filter(Boolean);
    if (!told.length) told.push("Windows older than the points that are kept have no percentile but the maximum");
    return `${told.join("; ")}. ${window_}, one point: ${figures.resolution}.`;
  }

  say(text) {
    this.status.textContent = text;
  }

  choose(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    const start = plot.posToVal(left, "x"), end = plot.posToVal(left + width, "x");
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.go(start, end);
  }

  // To a window on full minutes, not shorter than an hour.
  go(start, end) {
    const middle = (start + end) / 2;
    const half = Math.min(Math.max(end - start, SMALLEST_SECONDS), LARGEST_SECONDS) / 2;
    return this.load({ start: Math.round((middle - half) / 60) * 60, end: Math.round((middle + half) / 60) * 60 });
  }

  reset() {
    return this.load(this.whole);
  }

  step(what) {
    const { start, end } = this.shown;
    const part = (end - start) / 4;
    const moves = { in: [part, -part], out: [-part * 2, part * 2], earlier: [-part * 2, -part * 2], later: [part * 2, part * 2] };
    return what === "reset" ? this.reset() : this.go(start + moves[what][0], end + moves[what][1]);
  }

  begin() {
    this.figure.querySelector(".chart-tools").hidden = false;
    for (const button of document.querySelectorAll("[data-without-script]")) button.hidden = true;
    this.figure.addEventListener("click", (event) => {
      const button = event.target.closest("[data-chart]");
      if (button) this.step(button.dataset.chart);
    });
    // Another series or percentile keeps the window that is looked at; another window is another page.
    this.form.addEventListener("change", (event) => {
      if (event.target.name === "show" || event.target.name === "percentile") this.load(this.shown);
      if (event.target.name === "days" && event.target.value) {
        this.form.elements.start.value = this.form.elements.end.value = "";
        this.form.requestSubmit();
      }
    });
    new ResizeObserver(() => this.plot?.setSize({ width: this.canvas.clientWidth, height: 300 })).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.figures && this.draw(this.figures));
    this.load(this.whole);
  }
}

const figure = document.getElementById("chart");
if (figure && globalThis.uPlot) new Chart(figure).begin();
