import type uPlot from "uplot";
import { colour } from "../../ui/colour";
import type { ClockSpan } from "../clock-spans";
import type { IncidentSpan, Limit } from "../incident-spans";
import { within } from "./within";

const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
/** Pixels between the lines of a hatching. */
const HATCH_STEP = 8;

/** Shades the time in which an incident was open, and marks its beginning with a line and a triangle. */
export function drawIncidentSpans(plot: uPlot, spans: IncidentSpan[]): void {
  const { ctx, bbox } = plot;
  within(plot, () => {
    for (const { from, to, isGap } of spans) {
      const left = Math.round(plot.valToPos(from / 1000, "x", true));
      const width = Math.max(2, Math.round(plot.valToPos(to / 1000, "x", true)) - left);
      if (isGap) hatch(plot, left, width);
      else {
        ctx.fillStyle = colour("--alarm-band");
        ctx.fillRect(left, bbox.top, width, bbox.height);
      }
      ctx.fillStyle = colour("--alarm");
      ctx.fillRect(left, bbox.top, devicePixelRatio, bbox.height);
      drawTriangle(ctx, left, bbox.top);
    }
  });
}

/** Shades the times that a wrong clock showed: readings that it stamped stand at a wrong time. */
export function drawClockSpans(plot: uPlot, spans: ClockSpan[]): void {
  const { ctx, bbox } = plot;
  within(plot, () => {
    for (const { from, to } of spans) {
      const left = Math.round(plot.valToPos(from / 1000, "x", true));
      const width = Math.max(2, Math.round(plot.valToPos(to / 1000, "x", true)) - left);
      ctx.fillStyle = colour("--clock-band");
      ctx.fillRect(left, bbox.top, width, bbox.height);
    }
  });
}

/** Hatching: there are no readings of this time. */
function hatch({ ctx, bbox }: uPlot, left: number, width: number): void {
  const [from, to, bottom] = [Math.max(left, bbox.left), Math.min(left + width, bbox.left + bbox.width), bbox.top + bbox.height];
  const step = HATCH_STEP * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(from, bbox.top, to - from, bbox.height);
  ctx.clip();
  ctx.strokeStyle = colour("--edge");
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (let x = Math.floor((from - bbox.height) / step) * step; x < to; x += step) {
    ctx.moveTo(x, bottom);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

function drawTriangle(ctx: CanvasRenderingContext2D, x: number, top: number): void {
  const size = 9 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x + size, top);
  ctx.lineTo(x, top + size);
  ctx.fill();
}

/**
 * A dashed line at each limit, with its label at the left, above the line or, at the very top, below it. Values are drawn
 * times `factor`.
 */
export function drawLimits(plot: uPlot, limits: Limit[], factor: number): void {
  const { ctx, bbox, scales } = plot;
  if (scales.y?.min == null) return;
  const dot = devicePixelRatio;
  within(plot, () => {
    ctx.font = FONT.replace("11px", `${11 * dot}px`);
    ctx.lineWidth = dot;
    ctx.strokeStyle = ctx.fillStyle = colour("--alarm");
    for (const { at, label } of limits) {
      const y = Math.round(plot.valToPos(at * factor, "y", true)) + dot / 2;
      ctx.setLineDash([6 * dot, 4 * dot]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      drawLabel(plot, label, y);
    }
  });
}

/** The label has a background, so that the curve does not run through the letters. */
function drawLabel({ ctx, bbox }: uPlot, label: string, y: number): void {
  const dot = devicePixelRatio;
  const [x, height] = [bbox.left + 12 * dot, 16 * dot];
  const top = y - height - 2 * dot > bbox.top ? y - height - 2 * dot : y + 2 * dot;
  ctx.fillStyle = colour("--surface");
  ctx.globalAlpha = 0.85;
  ctx.fillRect(x - 3 * dot, top, ctx.measureText(label).width + 6 * dot, height);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colour("--alarm");
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.fillText(label, x, top + height / 2);
}
