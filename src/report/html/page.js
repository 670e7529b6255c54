// Draws the pictures from the page's own data, and makes tables sortable. Text is inserted as text only, and nothing
// is requested from the network.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripts");
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const data = JSON.parse(one("#data").textContent);
  const outcomes = new Map(data.outcomes.map((outcome) => [outcome.id, outcome]));
  // In the data, outcomes are indices into `data.outcomes`; from here on they are ids.
  for (const timing of data.timings)
    timing.failed = timing.failed.map(([time, elapsed, index, requests]) => [time, elapsed, data.outcomes[index].id, requests]);

  const html = (name, attributes = {}, text = "") => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };
  const svg = (name, attributes = {}, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  // Numbers and times as people read them.
  const count = (number) => number.toLocaleString("en-US");
  const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
  const timeOf = (bin) => data.time.start + bin * data.time.bin_seconds;
  const span = (from, to) => {
    const { date, clock } = data.time;
    const [start, end] = [timeOf(from), timeOf(to)];
    const [first, last] = [axes.moment(date, start), axes.moment(date, end)];
    return `${first} ${axes.moment(clock, start)} to ${last === first ? "" : `${last} `}${axes.moment(clock, end)} UTC`;
  };
  const clamp = (number, low, high) => Math.min(Math.max(number, low), high);

  // What is shown: time bins `from` to `to` and elapsed-time bins `low` to `high`, the ends excluded. Both pictures
  // share the time bins.
  const view = { timing: 0, from: 0, to: data.time.bins, low: 0, high: 1, hidden: new Set() };
  // Outcomes have the colours that they have in a terminal and in an image file. A cause has the colour of its
  // largest finding. Everything else is grey.
  const colours = {
    outcome: new Map(data.outcomes.map(({ id, colour }) => [id, colour])),
    cause: new Map(data.causes.map(({ cause, colour }) => [cause, colour])),
  };
  const painted = (kind, key) => (colours[kind].get(key) ? { fill: colours[kind].get(key) } : { class: "rest" });
  const shape = ({ corners }, x, y, radius) =>
    `M${corners.map(([right, down]) => `${(x + right * radius).toFixed(1)} ${(y + down * radius).toFixed(1)}`).join("L")}z`;
  const symbols = (outcome, d) =>
    outcome.is_hollow
      ? svg("path", { class: "failed hollow", stroke: outcome.colour, d })
      : svg("path", { class: "failed", fill: outcome.colour, d });

  // A frame with axes in which a picture is drawn. It knows only bins and pixels.
  const LEFT = 64,
    RIGHT = 10,
    BOTTOM = 24;
  // Width to the right of pictures over time, for the names of lines. A frame narrower than NARROW has only their
  // times there, and the names below.
  const NAMES = 200,
    TIMES = 56,
    NARROW = 700;
  // On paper, pictures have one width, whatever that of the window is: so wide that all names have room, and no wider
  // than is readable.
  const PAPER = 940;
  let isOnPaper = false;
  class Frame {
    constructor(figure, height, label, isOverTime) {
      Object.assign(this, { figure, height, isOverTime, top: 14 });
      this.svg = svg("svg", { tabindex: "0", role: "group", "aria-roledescription": "picture", "aria-label": label });
      this.tip = html("div", { class: "tip", hidden: "" });
      this.live = html("div", { class: "sr", "aria-live": "polite" });
      figure.append(this.svg, this.tip, this.live);
    }
    // Empties the frame and makes it as wide as there is room.
    clear() {
      this.width = isOnPaper ? PAPER : Math.max(280, Math.round(this.figure.clientWidth));
      this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
      this.svg.replaceChildren();
      // The tooltip was about the previous picture.
      this.hide();
      this.isNarrow = this.width < NARROW;
      this.right = this.width - (this.isOverTime ? (this.isNarrow ? TIMES : NAMES) : RIGHT);
      this.floor = this.height - BOTTOM;
    }
    add(name, attributes, text) {
      const element = svg(name, attributes, text);
      this.svg.append(element);
      return element;
    }
    x(bin) {
      return LEFT + ((bin - view.from) / (view.to - view.from)) * (this.right - LEFT);
    }
    binAt(x) {
      return view.from + ((x - LEFT) / (this.right - LEFT)) * (view.to - view.from);
    }
    timeAxis() {
      const most = Math.max(2, Math.floor((this.right - LEFT) / 92));
      this.add("path", { class: "axis", d: `M${LEFT} ${this.top}V${this.floor}H${this.right}` });
      this.labels(axes.timeTicks(data.time, view.from, view.to, most).map(({ at, label }) => [this.x(at), label]));
    }
    // Labels below the picture: pairs of x and text, from left to right. A label that would overlap the one before it
    // is left out; its tick stays.
    labels(ticks) {
      let end = -Infinity;
      for (const [x, text] of ticks) {
        this.add("path", { class: "axis", d: `M${x.toFixed(1)} ${this.floor}v5` });
        const wide = text.length * 6.5;
        const anchor = x > this.right - wide / 2 ? "end" : x < LEFT + wide / 2 ? "start" : "middle";
        const begins = x - { end: wide, start: 0, middle: wide / 2 }[anchor];
        if (begins < end + 6) continue;
        end = begins + wide;
        this.add("text", { x: x.toFixed(1), y: this.floor + 18, "text-anchor": anchor }, text);
      }
    }
    // Position of the pointer, in the picture's own units.
    at(event) {
      const box = this.svg.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * this.width, ((event.clientY - box.top) / box.height) * this.height];
    }
    show(text, x, y) {
      this.tip.textContent = text;
      this.tip.hidden = false;
      const scale = this.svg.getBoundingClientRect().width / this.width;
      const left = x * scale + 14;
      const most = this.figure.clientWidth - this.tip.offsetWidth - 2;
      this.tip.style.left = `${left > most ? Math.max(0, x * scale - this.tip.offsetWidth - 14) : left}px`;
      this.tip.style.top = `${Math.max(0, y * scale - this.tip.offsetHeight - 8)}px`;
    }
    hide() {
      this.tip.hidden = true;
    }
  }

  // Stacked bars differ in their pattern, not only in their colour.
  const PATTERNS = ["", "M-1 7L7 -1", "M-1 -1L7 7", "M2.5 3h1", "M0 3h6", "M-1 7L7 -1M-1 -1L7 7"];
  const patternDefinitions = () => {
    const definitions = svg("defs");
    PATTERNS.forEach((d, index) => {
      const pattern = svg("pattern", { id: `pattern-${index}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" });
      pattern.append(svg("path", { class: "pattern", d }));
      definitions.append(pattern);
    });
    return definitions;
  };
  const overlay = (index, d) => (index > 0 ? [svg("path", { fill: `url(#pattern-${index})`, d })] : []);

  // What symbols, or the patterns of bars, mean. A click on an entry hides or shows it.
  const legend = (figure, kind, counts, patterns) => {
    const list = one(".legend", figure) ?? html("ul", { class: "legend" });
    list.replaceChildren(
      ...counts.map(([key, requests]) => {
        const id = `${kind} ${key}`;
        // Some causes have the same id as an outcome.
        const outcome = kind === "outcome" ? outcomes.get(key) : undefined;
        const button = html("button", {
          type: "button",
          "aria-pressed": String(!view.hidden.has(id)),
          title: outcome?.title ?? "",
        });
        const swatch = svg("svg", { viewBox: `0 0 ${patterns && outcome ? 28 : 12} 12`, "aria-hidden": "true" });
        if (patterns) {
          const d = "M0 0h12v12H0z";
          swatch.append(svg("path", { ...painted(kind, key), d }), ...overlay(patterns.get(key), d));
        }
        if (outcome) swatch.append(symbols(outcome, shape(outcome, patterns ? 22 : 6, 6, 5)));
        button.append(swatch, html("span", {}, `${key} ${count(requests)}`));
        button.addEventListener("click", () => {
          if (!view.hidden.delete(id)) view.hidden.add(id);
          draw();
          all(".legend button", figure)
            .find((other) => other.textContent === button.textContent)
            ?.focus();
        });
        const item = html("li");
        item.append(button);
        return item;
      }),
    );
    figure.append(list);
  };
  const isShown = (kind, key) => !view.hidden.has(`${kind} ${key}`);

  // Requests by time and elapsed time.
  const elapsedBins = data.elapsed.edges.length - 1;
  const elapsedSpan = (bin, end) => {
    const { labels } = data.elapsed;
    if (bin === 0) return `less than ${labels[end]}`;
    return end === elapsedBins ? `${labels[bin]} or more` : `${labels[bin]} to ${labels[end]}`;
  };
  // With one bin of room above the highest.
  const elapsedRange = ({ elapsed }) => (elapsed ? [elapsed[0], Math.min(elapsedBins, elapsed[1] + 2)] : [0, 1]);

  class TimingPicture {
    constructor(figure) {
      this.frame = new Frame(
        figure,
        360,
        "Requests by time and elapsed time. Arrow keys move, plus and minus zoom, 0 shows all.",
        true,
      );
      this.names = html("ul", { class: "lines" });
      figure.append(this.names);
      this.cursor = null;
      interact(this);
    }
    y(position) {
      const { top, floor } = this.frame;
      return floor - ((position - view.low) / (view.high - view.low)) * (floor - top);
    }
    elapsedAt(y) {
      const { top, floor } = this.frame;
      return view.low + ((floor - y) / (floor - top)) * (view.high - view.low);
    }
    draw() {
      const { frame } = this;
      const timing = data.timings[view.timing];
      frame.height = !isOnPaper && frame.figure.clientWidth < 600 ? 300 : 380;
      frame.clear();
      this.cells = new Map();
      const cell = (time, elapsed) => {
        const key = `${time} ${elapsed}`;
        if (!this.cells.has(key)) this.cells.set(key, { requests: 0, failed: [] });
        return this.cells.get(key);
      };
      let most = 1;
      for (const [time, first, counts] of timing.density) {
        counts.forEach((requests, index) => {
          if (requests > 0) cell(time, first + index).requests = requests;
          most = Math.max(most, requests);
        });
      }
      for (const [time, elapsed, outcome, requests] of timing.failed) cell(time, elapsed).failed.push([outcome, requests]);

      // One path for each shade and for each outcome, so that thousands of cells are a few elements.
      const shades = Array(8).fill("");
      const points = new Map();
      const counts = new Map();
      const box = (x, y, width, height) =>
        `M${x.toFixed(1)} ${y.toFixed(1)}h${width.toFixed(1)}v${height.toFixed(1)}h${(-width).toFixed(1)}z`;
      for (const [key, { requests, failed }] of this.cells) {
        const [time, elapsed] = key.split(" ").map(Number);
        if (time < view.from || time >= view.to || elapsed < view.low || elapsed >= view.high) continue;
        const [x, y] = [frame.x(time), this.y(elapsed + 1)];
        const [width, height] = [frame.x(time + 1) - x, this.y(elapsed) - y];
        const shade = Math.min(7, Math.floor((Math.log1p(requests) / Math.log1p(most)) * 8));
        if (requests > 0) shades[shade] += box(x, y, width + 0.2, height + 0.2);
        const shown = failed.filter(([outcome]) => isShown("outcome", outcome));
        for (const [outcome, number] of failed) counts.set(outcome, (counts.get(outcome) ?? 0) + number);
        // Side by side, as far as the cell has room.
        const apart = Math.min(width / Math.max(shown.length, 1), 9);
        shown.forEach(([outcome, number], index) => {
          const radius = Math.min(4.4 + 0.8 * Math.log(number), 8);
          const at = x + width / 2 + (index - (shown.length - 1) / 2) * apart;
          points.set(outcome, (points.get(outcome) ?? "") + shape(outcomes.get(outcome), at, y + height / 2, radius));
        });
      }
      shades.forEach(
        (d, shade) => d && frame.add("path", { class: "density", d, "fill-opacity": (0.12 + shade * 0.105).toFixed(3) }),
      );
      const sorted = [...counts].sort((a, b) => b[1] - a[1]);
      // The most frequent outcomes are drawn first, so that rare ones stay visible.
      for (const [outcome] of sorted) if (points.has(outcome)) frame.svg.append(symbols(outcomes.get(outcome), points.get(outcome)));

      frame.timeAxis();
      for (const { at, label } of axes.elapsedTicks(data.elapsed, view.low, view.high)) {
        const y = this.y(at);
        frame.add("path", { class: "axis", d: `M${LEFT - 5} ${y.toFixed(1)}h5` });
        frame.add("text", { x: LEFT - 8, y: (y + 4).toFixed(1), "text-anchor": "end" }, label);
      }
      this.lines(timing);
      legend(frame.figure, "outcome", sorted);
      this.pointer = frame.add("rect", { class: "cursor", visibility: "hidden" });
    }
    // Lines for timeouts. Their names are beside the picture, each as near to its line as the others allow.
    lines(timing) {
      const { frame } = this;
      const lines = timing.lines
        .map((index) => data.lines[index])
        .map((line) => ({ ...line, y: this.y(axes.elapsedPosition(data.elapsed, line.seconds)) }))
        .filter(({ y }) => y >= frame.top && y <= frame.floor)
        .sort((a, b) => a.y - b.y);
      const named = [];
      for (const line of lines) {
        frame.add("path", { class: `mark ${line.kind}`, d: `M${LEFT} ${line.y.toFixed(1)}H${frame.right}` });
        named.push(Math.max(line.y, (named.at(-1) ?? -Infinity) + 15));
      }
      for (let index = named.length - 1, most = frame.floor; index >= 0; index -= 1) {
        named[index] = Math.min(named[index], most);
        most = named[index] - 15;
      }
      lines.forEach((line, index) => {
        const y = named[index];
        frame.add("path", { class: "axis", d: `M${frame.right} ${line.y.toFixed(1)}L${frame.right + 8} ${y.toFixed(1)}` });
        const source = line.source && !frame.isNarrow ? `, ${line.source}` : "";
        const at = { class: "label", x: frame.right + 12, y: (y + 4).toFixed(1) };
        const text = frame.add("text", at, frame.isNarrow ? line.time : line.label);
        text.append(svg("tspan", { class: "source" }, source));
      });
      const said = ({ label, source }) => (source ? `${label}, ${source}` : label);
      this.names.replaceChildren(...(frame.isNarrow ? lines.map((line) => html("li", {}, said(line))) : []));
    }
    describe(time, elapsed) {
      const { requests, failed } = this.cells.get(`${time} ${elapsed}`) ?? { requests: 0, failed: [] };
      const lines = [span(time, time + 1), `took ${elapsedSpan(elapsed, elapsed + 1)}`, counted(requests, "request")];
      for (const [outcome, number] of failed) lines.push(`${count(number)} ${outcome}`);
      return lines.join("\n");
    }
    binsAt(x, y) {
      return [
        Math.floor(clamp(this.frame.binAt(x), view.from, view.to - 1)),
        Math.floor(clamp(this.elapsedAt(y), view.low, view.high - 1)),
      ];
    }
    point(time, elapsed, isSaid) {
      const { frame } = this;
      this.cursor = [time, elapsed];
      const [x, y] = [frame.x(time), this.y(elapsed + 1)];
      for (const [name, value] of Object.entries({
        x,
        y,
        width: frame.x(time + 1) - x,
        height: this.y(elapsed) - y,
        visibility: "visible",
      }))
        this.pointer.setAttribute(name, value);
      const text = this.describe(time, elapsed);
      frame.show(text, x, y);
      if (isSaid) frame.live.textContent = text;
    }
    move(across, up) {
      const [time, elapsed] = this.cursor ?? [Math.floor((view.from + view.to) / 2), Math.floor((view.low + view.high) / 2)];
      this.point(clamp(time + across, view.from, view.to - 1), clamp(elapsed + up, view.low, view.high - 1), true);
    }
    zoomTo([x0, y0], [x1, y1]) {
      const across =
        Math.abs(x1 - x0) > 8 ? [this.frame.binAt(Math.min(x0, x1)), this.frame.binAt(Math.max(x0, x1))] : [view.from, view.to];
      const up = Math.abs(y1 - y0) > 8 ? [this.elapsedAt(Math.max(y0, y1)), this.elapsedAt(Math.min(y0, y1))] : [view.low, view.high];
      zoom(...across, ...up);
    }
  }

  // Failures over time, stacked: by cause for all requests; by outcome for a part of them, because a cause may extend
  // beyond that part.
  class FailuresPicture {
    constructor(figure) {
      this.frame = new Frame(
        figure,
        220,
        "Failures over time. Left and right arrow keys move, plus and minus zoom, 0 shows all.",
        true,
      );
      this.cursor = null;
      interact(this);
    }
    stacks() {
      const rows = [];
      if (view.timing === 0) {
        for (const { cause, failures_over_time: bins } of data.causes)
          rows.push(["cause", cause ?? "no finding", new Map(bins)]);
        return rows;
      }
      const timing = data.timings[view.timing];
      const byOutcome = new Map();
      const rest = new Map(timing.failures_over_time);
      for (const [time, , outcome, requests] of timing.failed) {
        if (!byOutcome.has(outcome)) byOutcome.set(outcome, new Map());
        const bins = byOutcome.get(outcome);
        bins.set(time, (bins.get(time) ?? 0) + requests);
        rest.set(time, rest.get(time) - requests);
      }
      for (const [outcome, bins] of byOutcome) rows.push(["outcome", outcome, bins]);
      if ([...rest.values()].some((requests) => requests > 0)) rows.push(["outcome", "unknown elapsed time", rest]);
      return rows;
    }
    draw() {
      const { frame } = this;
      frame.clear();
      this.rows = this.stacks().map(([kind, key, bins]) => {
        const inView = [...bins].filter(([bin]) => bin >= view.from && bin < view.to);
        return { kind, key, bins, total: inView.reduce((sum, [, requests]) => sum + requests, 0) };
      });
      const shown = this.rows.filter(({ kind, key }) => isShown(kind, key));
      const heights = new Map();
      for (const { bins } of shown)
        for (const [bin, requests] of bins)
          if (bin >= view.from && bin < view.to) heights.set(bin, (heights.get(bin) ?? 0) + requests);
      const most = Math.max(1, ...heights.values());
      const ticks = axes.countTicks(data.count_steps, most, 5);
      const ceiling = ticks.at(-1);
      const y = (requests) => frame.floor - (requests / ceiling) * (frame.floor - frame.top);
      for (const tick of ticks) {
        frame.add("path", { class: "axis", d: `M${LEFT - 5} ${y(tick).toFixed(1)}H${frame.right}`, "stroke-opacity": ".6" });
        frame.add("text", { x: LEFT - 8, y: (y(tick) + 4).toFixed(1), "text-anchor": "end" }, count(tick));
      }
      frame.svg.append(patternDefinitions());
      const patterns = new Map(this.rows.map(({ key }, index) => [key, index % PATTERNS.length]));
      const below = new Map();
      for (const { kind, key, bins } of shown) {
        let d = "";
        for (const [bin, requests] of bins) {
          if (bin < view.from || bin >= view.to || requests <= 0) continue;
          const base = below.get(bin) ?? 0;
          below.set(bin, base + requests);
          const [x, width] = [frame.x(bin), Math.max(frame.x(bin + 1) - frame.x(bin) - 1, 1.5)];
          const [low, high] = [y(base), Math.min(y(base + requests), y(base) - 1)];
          d += `M${x.toFixed(1)} ${high.toFixed(1)}h${width.toFixed(1)}V${low.toFixed(1)}h${(-width).toFixed(1)}z`;
        }
        if (d) frame.svg.append(svg("path", { ...painted(kind, key), "data-key": key, d }), ...overlay(patterns.get(key), d));
      }
      frame.timeAxis();
      legend(
        frame.figure,
        this.rows[0]?.kind ?? "cause",
        this.rows.map(({ key, total }) => [key, total]),
        patterns,
      );
      one("#failures-note").textContent =
        view.timing === 0
          ? `By likely cause, in steps of ${data.time.bin_label}.`
          : `Of ${data.timings[view.timing].label}, by outcome, in steps of ${data.time.bin_label}.`;
      this.pointer = frame.add("rect", { class: "cursor", visibility: "hidden" });
    }
    binsAt(x) {
      return [Math.floor(clamp(this.frame.binAt(x), view.from, view.to - 1))];
    }
    point(time, isSaid) {
      const { frame } = this;
      this.cursor = time;
      const lines = [span(time, time + 1)];
      for (const { key, bins } of this.rows) if (bins.get(time) > 0) lines.push(`${count(bins.get(time))} ${key}`);
      if (lines.length === 1) lines.push("no failure");
      const x = frame.x(time);
      for (const [name, value] of Object.entries({
        x,
        y: frame.top,
        width: frame.x(time + 1) - x,
        height: frame.floor - frame.top,
        visibility: "visible",
      }))
        this.pointer.setAttribute(name, value);
      frame.show(lines.join("\n"), x, frame.top + 40);
      if (isSaid) frame.live.textContent = lines.join("\n");
    }
    move(across) {
      if (across)
        this.point(clamp((this.cursor ?? Math.floor((view.from + view.to) / 2)) + across, view.from, view.to - 1), true);
    }
    zoomTo([x0], [x1]) {
      zoom(this.frame.binAt(Math.min(x0, x1)), this.frame.binAt(Math.max(x0, x1)), view.low, view.high);
    }
  }

  // Pointer and keys, the same for both pictures.
  function interact(picture) {
    const { frame } = picture;
    const surface = frame.svg;
    let start = null;
    let selected = null;
    const forget = () => {
      selected?.remove();
      start = selected = null;
    };
    surface.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = frame.at(event);
      picture.point(...picture.binsAt(...start), false);
      surface.setPointerCapture(event.pointerId);
    });
    surface.addEventListener("pointermove", (event) => {
      const [x, y] = frame.at(event);
      if (start && Math.hypot(x - start[0], y - start[1]) > 5) {
        selected ??= frame.add("rect", { class: "selected" });
        const is2d = picture instanceof TimingPicture && Math.abs(y - start[1]) > 8;
        const box = {
          x: Math.min(x, start[0]),
          width: Math.abs(x - start[0]),
          y: is2d ? Math.min(y, start[1]) : frame.top,
          height: is2d ? Math.abs(y - start[1]) : frame.floor - frame.top,
        };
        for (const [name, value] of Object.entries(box)) selected.setAttribute(name, value);
      }
      if (x < LEFT || x > frame.right || y < frame.top || y > frame.floor) frame.hide();
      else picture.point(...picture.binsAt(x, y), false);
    });
    surface.addEventListener("pointerup", (event) => {
      const [from, to] = [start, frame.at(event)];
      const isZoom = selected !== null;
      forget();
      if (from && isZoom) picture.zoomTo(from, to);
    });
    surface.addEventListener("pointercancel", forget);
    surface.addEventListener("pointerleave", () => frame.hide());
    surface.addEventListener("blur", () => frame.hide());
    surface.addEventListener("dblclick", whole);
    surface.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const far = event.shiftKey ? 10 : 1;
      const keys = {
        ArrowLeft: () => picture.move(-far, 0),
        ArrowRight: () => picture.move(far, 0),
        ArrowUp: () => picture.move(0, far),
        ArrowDown: () => picture.move(0, -far),
        "+": () => zoomBy(0.5, picture.cursor),
        "=": () => zoomBy(0.5, picture.cursor),
        "-": () => zoomBy(2, picture.cursor),
        0: whole,
        Escape: () => (frame.tip.hidden ? whole() : frame.hide()),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  // Shows this part of time and elapsed time, but at least a few bins. Says so if the time cannot be zoomed any
  // further.
  const LEAST = 4;
  function zoom(from, to, low, high) {
    const few = (start, end, least, most) => {
      let [first, last] = [Math.floor(start), Math.ceil(end)];
      const missing = Math.max(0, Math.min(least, most) - (last - first));
      first = clamp(first - Math.floor(missing / 2), 0, most);
      last = clamp(Math.max(last, first + Math.min(least, most)), 0, most);
      return [Math.min(first, Math.max(0, last - Math.min(least, most))), last];
    };
    [view.from, view.to] = few(from, to, LEAST, data.time.bins);
    [view.low, view.high] = few(low, high, 6, elapsedBins);
    const more =
      data.time.bin_seconds > data.time.min_bin_seconds
        ? "A report of a shorter window (--since, --until) shows more detail."
        : "Requests are not counted in smaller steps; the log lines have the exact times.";
    one("#floor").textContent = view.to - view.from <= LEAST ? `Maximum zoom: one column is ${data.time.bin_label}. ${more}` : "";
    draw();
  }
  function whole() {
    [view.from, view.to] = [0, data.time.bins];
    [view.low, view.high] = elapsedRange(data.timings[view.timing]);
    one("#floor").textContent = "";
    draw();
  }
  function zoomBy(factor, cursor) {
    const at = Array.isArray(cursor) ? cursor[0] : cursor;
    const middle = at >= view.from && at < view.to ? at + 0.5 : (view.from + view.to) / 2;
    const half = ((view.to - view.from) * factor) / 2;
    const from = clamp(middle - half, 0, data.time.bins);
    zoom(from, clamp(from + 2 * half, 0, data.time.bins), view.low, view.high);
  }
  function choose(timing) {
    view.timing = timing;
    one("#scope").value = String(timing);
    one("#against").textContent = data.timings[timing].against.join(" ");
    for (const picture of pictures) picture.cursor = null;
    // The other picture may have nothing in the part that this one was zoomed to.
    whole();
  }

  // Gaps of failed requests above, of answered ones below, each as a share of its kind.
  function drawLags(figure, lags) {
    figure.replaceChildren();
    const bins = lags.near;
    const frame = new Frame(figure, 210, figure.getAttribute("aria-label"));
    frame.clear();
    const middle = frame.top + (frame.floor - frame.top) * 0.6;
    const shares = (counts, all) => counts.map((number) => number / Math.max(all, 1));
    const kinds = [
      ["failed", shares(bins.failures, lags.failures), lags.failures, middle - frame.top, -1, { fill: lags.colour }],
      ["answered", shares(bins.controls, lags.controls), lags.controls, frame.floor - middle, 1, { class: "density" }],
    ];
    const most = Math.max(0.001, ...kinds[0][1], ...kinds[1][1]);
    const wide = (frame.right - LEFT) / bins.failures.length;
    const x = (seconds) => LEFT + ((seconds - bins.start_seconds) / bins.bin_seconds) * wide;
    for (const [, share, , room, way, paint] of kinds) {
      const scale = Math.min((middle - frame.top) / most, room / Math.max(0.001, ...share));
      const d = share
        .map((part, index) =>
          part > 0
            ? `M${(LEFT + index * wide).toFixed(1)} ${middle}h${wide.toFixed(1)}v${(way * part * scale).toFixed(1)}h${(-wide).toFixed(1)}z`
            : "",
        )
        .join("");
      if (d) frame.add("path", { ...paint, d });
    }
    frame.add("path", { class: "axis", d: `M${LEFT} ${frame.top}V${frame.floor}M${LEFT} ${middle}H${frame.right}` });
    frame.add("text", { x: LEFT - 6, y: frame.top + 12, "text-anchor": "end" }, "failed");
    frame.add("text", { x: LEFT - 6, y: frame.floor - 4, "text-anchor": "end" }, "answered");
    const end = bins.start_seconds + bins.bin_seconds * bins.failures.length;
    frame.labels(lags.ticks.map(({ at, label }) => [LEFT + at * wide, label]));
    for (const [seconds, text, below] of [
      [lags.keep_alive_seconds, lags.keep_alive_label, 0],
      [lags.idle_timeout_seconds, lags.idle_timeout_label, 16],
    ]) {
      if (seconds === null || seconds < bins.start_seconds) continue;
      if (seconds > end) {
        const beyond = { class: "label", x: frame.right, y: frame.top + 10 + below, "text-anchor": "end" };
        frame.add("text", beyond, `${text} →`);
        continue;
      }
      frame.add("path", { class: "mark", d: `M${x(seconds).toFixed(1)} ${frame.top}V${frame.floor}` });
      // On the side that has room for it; if neither has, it ends at the right edge.
      const wide = text.length * 6.5;
      const isRight = x(seconds) + 5 + wide <= frame.right;
      const begins = isRight ? x(seconds) + 5 : x(seconds) - 5 - wide >= 0 ? x(seconds) - 5 - wide : frame.right - wide;
      frame.add("text", { class: "label", x: begins.toFixed(1), y: frame.top + 10 + below }, text);
    }
    frame.svg.addEventListener("pointermove", (event) => {
      const [px, py] = frame.at(event);
      const bin = Math.floor((px - LEFT) / wide);
      if (bin < 0 || bin >= bins.failures.length) return frame.hide();
      const lines = [`${lags.edge_labels[bin]} to ${lags.edge_labels[bin + 1]}`];
      for (const [name, share, total] of kinds)
        lines.push(`${count(Math.round(share[bin] * total))} of ${count(total)} ${name}`);
      frame.show(lines.join("\n"), px, py);
    });
    frame.svg.addEventListener("pointerleave", () => frame.hide());
  }

  const pictures = [];
  function draw() {
    for (const picture of pictures) picture.draw();
  }
  function lagPictures(within = document) {
    for (const figure of all("[data-lags]", within)) {
      const lags = data.lags.find(({ finding }) => String(finding) === figure.dataset.lags);
      if (lags && figure.clientWidth > 0) drawLags(figure, lags);
    }
  }
  if (data.timings.length > 0) {
    const scope = one("#scope");
    const kinds = new Map();
    data.timings.forEach((timing, index) => {
      if (!kinds.has(timing.kind)) {
        kinds.set(timing.kind, timing.kind === "All" ? scope : html("optgroup", { label: timing.kind }));
        if (timing.kind !== "All") scope.append(kinds.get(timing.kind));
      }
      const failed = timing.failures > 0 ? `, ${count(timing.failures)} failed` : "";
      kinds
        .get(timing.kind)
        .append(html("option", { value: String(index) }, `${timing.label}: ${count(timing.requests)}${failed}`));
    });
    scope.addEventListener("change", () => choose(Number(scope.value)));
    for (const button of all("[data-zoom]")) {
      button.addEventListener("click", () =>
        ({ in: () => zoomBy(0.5), out: () => zoomBy(2), reset: whole })[button.dataset.zoom](),
      );
    }
    pictures.push(new TimingPicture(one("#timing-chart")), new FailuresPicture(one("#failures-chart")));
    choose(0);
    let width = 0;
    new ResizeObserver(() => {
      const now = one("#timing-chart").clientWidth;
      if (now === width) return;
      width = now;
      draw();
      lagPictures();
    }).observe(one("#timing-chart"));
  }

  // Buttons of findings and targets lead to their pictures.
  for (const button of all("button[data-timing]")) {
    button.addEventListener("click", () => {
      const { timing, from, to } = button.dataset;
      choose(Number(timing));
      const around = Math.max(3, Math.ceil((Number(to) - Number(from) + 1) / 4));
      zoom(
        clamp(Number(from) - around, 0, data.time.bins),
        clamp(Number(to) + 1 + around, 0, data.time.bins),
        view.low,
        view.high,
      );
      one("#timing").scrollIntoView();
      one("#timing-chart svg").focus({ preventScroll: true });
    });
  }
  for (const cell of all("td[data-timing]")) {
    const button = html("button", { type: "button", title: "Show it in the pictures" }, cell.textContent);
    button.addEventListener("click", () => {
      choose(Number(cell.dataset.timing));
      one("#timing").scrollIntoView();
      one("#timing-chart svg").focus({ preventScroll: true });
    });
    cell.replaceChildren(button);
  }

  // Tables: a click on a column's head sorts them, numbers in descending order first.
  for (const table of all("table.sorted")) {
    const body = table.tBodies[0];
    const heads = all("thead th", table);
    const keyOf = (row, index) => {
      const cell = row.cells[index];
      return cell.dataset.v !== undefined ? Number(cell.dataset.v) : cell.textContent.trim();
    };
    heads.forEach((head, index) => {
      const button = html("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const rows = [...body.rows];
        const hasNumbers = rows.some((row) => row.cells[index].dataset.v !== undefined);
        const before = head.getAttribute("aria-sort");
        const isUp = before ? before === "descending" : !hasNumbers;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
        rows.sort((one, other) => {
          const [a, b] = [keyOf(one, index), keyOf(other, index)];
          // What was not measured comes last in both directions.
          if (hasNumbers && typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
          const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
          return isUp ? order : -order;
        });
        body.append(...rows);
      });
    });
  }
  for (const input of all(".filter input")) {
    const rows = [...document.getElementById(input.getAttribute("aria-controls")).tBodies[0].rows];
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      one("output", input.closest(".filter")).textContent = input.value ? `${count(shown)} of ${count(rows.length)} rows` : "";
    });
  }

  // Text to be copied gets a button for that.
  for (const text of all(".copied")) {
    const button = html("button", { type: "button" }, "Copy");
    const select = () => {
      const range = document.createRange();
      range.selectNodeContents(text);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
    };
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
      } catch {
        select();
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    const both = html(text.tagName === "PRE" ? "div" : "span", { class: "copying" });
    text.replaceWith(both);
    both.append(text, button);
  }

  // Opening, printing, colours.
  const openTo = (hash) => {
    const finding = /^#(finding|notice)-/.test(hash) && document.getElementById(hash.slice(1));
    // The finding may be folded away with others.
    for (let at = finding || null; at; at = at.parentElement?.closest("details")) at.open = true;
    if (finding) finding.scrollIntoView();
  };
  addEventListener("hashchange", () => openTo(location.hash));
  openTo(location.hash);
  for (const details of all("details")) details.addEventListener("toggle", () => details.open && lagPictures(details));
  const openAll = one("#open-all");
  openAll.addEventListener("click", () => {
    const isOpen = openAll.getAttribute("aria-pressed") !== "true";
    openAll.setAttribute("aria-pressed", String(isOpen));
    openAll.textContent = isOpen ? "Close all" : "Open all";
    for (const details of all("details")) details.open = isOpen;
  });
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const details of closed) details.open = true;
    isOnPaper = true;
    draw();
    lagPictures();
  });
  addEventListener("afterprint", () => {
    isOnPaper = false;
    draw();
    lagPictures();
    for (const details of closed) details.open = false;
  });
  const theme = one("#theme");
  const THEMES = ["auto", "light", "dark"];
  const paint = (name) => {
    if (name === "auto") delete root.dataset.theme;
    else root.dataset.theme = name;
    theme.textContent = `Theme: ${name}`;
  };
  let chosen = "auto";
  try {
    chosen = THEMES.find((name) => name === localStorage.getItem("albscope-theme")) ?? "auto";
  } catch {
    /* A browser may deny storage to a page from disk. */
  }
  paint(chosen);
  theme.addEventListener("click", () => {
    chosen = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length];
    paint(chosen);
    try {
      localStorage.setItem("albscope-theme", chosen);
    } catch {
      /* As above. */
    }
  });
  lagPictures();
  root.dataset.ready = "";
})();
