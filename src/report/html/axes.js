"use strict";
// Ticks of the axes: picked from the steps, formats and texts in the page's data. The program has these once
// for all formats (`report/chart/axis.rs`). Nothing here knows a step, a unit or a format of its own.
const axes = (() => {
  // A moment, in seconds since the epoch, as a format like `%Y-%m-%d %H:%M` says; in UTC.
  const moment = (format, seconds) => {
    const iso = new Date(seconds * 1000).toISOString();
    const fields = {
      Y: iso.slice(0, -20),
      m: iso.slice(-19, -17),
      d: iso.slice(-16, -14),
      H: iso.slice(-13, -11),
      M: iso.slice(-10, -8),
    };
    return format.replace(/%([YmdHM])/g, (_, name) => fields[name]);
  };
  // Labels for the time bins `from` to `to`, at most `most`. Positions are in bins of the whole axis.
  const timeTicks = ({ start, bin_seconds, steps }, from, to, most) => {
    const [first, last] = [start + from * bin_seconds, start + to * bin_seconds];
    const count = ({ seconds }) => Math.floor(last / seconds) - Math.ceil(first / seconds) + 1;
    const step = steps.find((step) => count(step) <= Math.max(most, 1));
    const ticks = [];
    if (step)
      for (let at = Math.ceil(first / step.seconds) * step.seconds; at <= last; at += step.seconds)
        ticks.push({ at: (at - start) / bin_seconds, label: moment(step.format, at) });
    return ticks;
  };
  // The position of an elapsed time, in bins of the whole axis.
  const elapsedPosition = ({ edges }, seconds) => {
    const above = edges.findIndex((edge) => edge > seconds);
    if (above < 0) return edges.length - 1;
    return above === 0 ? 0 : above - 1 + (seconds - edges[above - 1]) / (edges[above] - edges[above - 1]);
  };
  // Labels for the elapsed-time bins `low` to `high`. Positions are in bins of the whole axis.
  const elapsedTicks = (elapsed, low, high) => {
    const { edges, marks, below_axis, min_decades } = elapsed;
    const inside = marks.filter(({ seconds }) => seconds >= edges[low] * below_axis && seconds < edges[high]);
    const decades = inside.filter(({ is_decade }) => is_decade);
    const shown = decades.length < min_decades ? inside : decades;
    return shown.map(({ seconds, label }) => ({ at: Math.max(low, elapsedPosition(elapsed, seconds)), label }));
  };
  // Numbers to label on an axis from 0 that reaches `most`: at most `parts` beside 0. The last is not less than `most`.
  const countTicks = (steps, most, parts) => {
    const step = steps.find((step) => most / step <= parts) ?? Math.max(most, 1);
    return Array.from({ length: Math.ceil(most / step) + 1 }, (_, number) => number * step);
  };
  return { moment, timeTicks, elapsedPosition, elapsedTicks, countTicks };
})();
