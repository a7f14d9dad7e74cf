import type uPlot from "uplot";
import { colour } from "../../ui/colour";
import { breaksOf } from "../../ui/plotting";
import type { Point } from "../points";
import { within } from "./within";

/** A dashed line behind the others: what the line in front is compared with. Values are drawn times `factor`. */
export function drawEarlier(plot: uPlot, points: Point[], factor: number, isStates: boolean): void {
  if (points.length === 0 || plot.scales.y?.min == null) return;
  const { ctx } = plot;
  const breaks = breaksOf(points.map(({ from }) => from));
  within(plot, () => {
    ctx.strokeStyle = colour("--muted");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    let lastY = 0;
    points.forEach(({ from, to, mean }, place) => {
      const [x, y] = [plot.valToPos((from + to) / 2000, "x", true), plot.valToPos(mean * factor, "y", true)];
      if (place === 0 || breaks[place]) ctx.moveTo(x, y);
      else if (isStates) ctx.lineTo(x, lastY);
      ctx.lineTo(x, y);
      lastY = y;
    });
    ctx.stroke();
  });
}
