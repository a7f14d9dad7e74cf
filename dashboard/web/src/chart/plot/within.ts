import type uPlot from "uplot";

/** Draws inside the area of values, and restores the state of the context. */
export function within({ ctx, bbox }: uPlot, drawing: () => void): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  drawing();
  ctx.restore();
}
