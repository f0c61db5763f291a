// What a page adds to itself: sorting and filtering in place, and updates as they come. Without it all numbers stand there, too.
"use strict";

const language = document.documentElement.lang;
const whole = new Intl.NumberFormat(language);
const tenths = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

function show(cell, value, text) {
  if (cell && cell.dataset.value !== String(value)) {
    cell.dataset.value = value;
    cell.textContent = text;
  }
}

// --- the table of segments

function valueOf(row, field) {
  const value = one(`[data-field="${field}"]`, row).dataset.value;
  return field === "title" ? value : value === "" ? null : Number(value);
}

function sort(table, field, direction) {
  const turn = direction === "ascending" ? 1 : -1;
  const rows = all("tbody tr", table).map((row) => [valueOf(row, field), row]);
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return turn * (field === "title" ? a.localeCompare(b, language, { sensitivity: "base" }) : a - b);
  });
  one("tbody", table).append(...rows.map(([, row]) => row));
  for (const header of all("thead th", table)) {
    header.setAttribute("aria-sort", header.dataset.field === field ? direction : "none");
  }
}

function sorting(table) {
  for (const header of all("thead th[data-field]", table)) {
    one("button", header).addEventListener("click", (event) => {
      event.preventDefault();
      const field = header.dataset.field;
      const now = header.getAttribute("aria-sort");
      const first = field === "title" ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      sort(table, field, now === first ? other : first);
    });
  }
}

function filtering(table) {
  const input = one('[data-testid="filter"]');
  const apply = () => {
    const wanted = input.value.toLowerCase();
    for (const row of all("tbody tr", table)) {
      const text = `${row.dataset.segment}\n${valueOf(row, "title")}`.toLowerCase();
      row.hidden = !text.includes(wanted);
    }
  };
  input.addEventListener("input", apply);
  input.form.addEventListener("submit", (event) => event.preventDefault());
}

function segments(update) {
  const table = one('[data-testid="segments"]');
  const rows = new Map(all("tbody tr", table).map((row) => [row.dataset.segment, row]));
  for (const line of update.rows) {
    const row = rows.get(line.segment);
    if (!row) {
      // A segment that is new here: its row is made by the server.
      location.reload();
      return;
    }
    const cell = (field) => one(`[data-field="${field}"]`, row);
    show(cell("members"), line.members, whole.format(line.members));
    show(cell("trend"), line.trend, (line.trend > 0 ? "+" : "") + whole.format(line.trend));
    show(cell("entered"), line.entered, whole.format(line.entered));
    show(cell("left"), line.left, whole.format(line.left));
    if (line.fresh !== null) show(cell("fresh"), line.fresh, line.fresh_text);
  }
  for (const row of rows.values()) {
    const share = update.customers ? valueOf(row, "members") / update.customers : "";
    show(one('[data-field="share"]', row), share, share === "" ? "–" : `${tenths.format(share * 100)} %`);
  }
  const none = one('[data-testid="in-none"]');
  none.dataset.value = update.in_none;
  none.textContent = update.in_none_text;
}

// --- updates

function asOf(update) {
  const place = one('[data-testid="as-of"]');
  if (place && update.as_of !== null) {
    place.dateTime = new Date(update.as_of).toISOString();
    place.dataset.value = update.as_of;
    place.textContent = update.as_of_text;
  }
}

// Cells of a page of one segment, or of health, by their keys: value and text, or a number that is told here.
function cells(update) {
  for (const [key, [value, text]] of Object.entries(update.cells || {})) {
    const cell = all("[data-key]").find((each) => each.dataset.key === key);
    if (!cell) continue;
    const number = key === "share" ? `${tenths.format(value * 100)} %` : whole.format(value);
    if (value !== null) show(cell, value, text === null ? number : text);
  }
}

const HANDLERS = { segments, segment: cells, health: cells };

function listen(place) {
  const say = (name) => {
    place.dataset.value = name;
    place.textContent = place.dataset[`words${name[0].toUpperCase()}${name.slice(1)}`];
  };
  const source = new EventSource(place.dataset.live);
  source.addEventListener("open", () => say("live"));
  source.addEventListener("error", () => say(source.readyState === EventSource.CLOSED ? "off" : "reconnecting"));
  for (const [name, handle] of Object.entries(HANDLERS)) {
    source.addEventListener(name, (event) => {
      const update = JSON.parse(event.data);
      asOf(update);
      // Another state, or other rules: what stands there is made by the server.
      const wrong = one('[data-testid="wrong"]');
      if (
        (update.state && update.state !== one("main").dataset.state) ||
        update.rules !== place.dataset.rules ||
        (wrong && update.wrong !== wrong.dataset.value)
      ) {
        location.reload();
        return;
      }
      handle(update);
    });
  }
  addEventListener("pagehide", () => source.close());
}

// --- members over time

function chart(place) {
  const series = JSON.parse(place.dataset.series);
  if (!series.length || typeof uPlot === "undefined") return;
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink");
  const line = getComputedStyle(document.documentElement).getPropertyValue("--line");
  const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent");
  const time = { timeZone: place.dataset.zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  const dates = new Intl.DateTimeFormat(language, time);
  const axis = { stroke: ink, grid: { stroke: line }, ticks: { stroke: line } };
  const plot = new uPlot(
    {
      width: place.clientWidth,
      height: 220,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high)] } },
      axes: [
        { ...axis, space: 120, values: (_, all) => all.map((each) => dates.format(each * 1000)) },
        { ...axis, values: (_, all) => all.map((each) => whole.format(each)) },
      ],
      series: [{}, { label: place.dataset.name, stroke: accent, width: 2, paths: uPlot.paths.stepped({ align: 1 }) }],
    },
    [series.map((row) => row[0]), series.map((row) => row[1])],
    place,
  );
  addEventListener("resize", () => plot.setSize({ width: place.clientWidth, height: 220 }));
}

// --- what is being read or counted: the page is loaded again until that has ended

function reading() {
  if (one('[data-testid="stop"], progress[data-reload]')) setTimeout(() => location.reload(), 1500);
}

for (const place of all("[data-series]")) chart(place);
reading();
const table = one('[data-testid="segments"]');
if (table) {
  sorting(table);
  filtering(table);
}
const place = one('[data-testid="live"][data-live]');
if (place) listen(place);
