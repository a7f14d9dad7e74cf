import type { ComponentChildren } from "preact";
import type { Part, Stage as PipelineStage, StageState } from "../api/client";
import { formatCount, formatDuration, formatNumber } from "../ui/format";
import { DoneShape, DownShape, UnknownShape, WarningShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { partsOf } from "./stages";

const STATE_NAMES: Record<StageState, string> = { ok: "ok", warning: "warning", down: "down", unknown: "unknown" };
const SHAPES = { ok: DoneShape, warning: WarningShape, down: DownShape, unknown: UnknownShape };

/** One stage: its state, its throughput, what is waiting there, and what is wrong. */
export function Stage({ stage }: { stage: PipelineStage }) {
  const parts = partsOf(stage);
  return (
    <article class="stage" data-testid="stage" data-stage={stage.id} data-state={stage.state} aria-label={stage.name}>
      <h3>{stage.name}<State of={stage.state} /></h3>
      <Figures of={stage} />
      {stage.says.length > 0 && <p class="stage-says"><Text of={stage.says.join(" · ")} /></p>}
      {stage.problem && <p class="stage-problem"><Text of={stage.problem} /></p>}
      {parts.length > 0 && (
        <ul class="parts" aria-label={`Parts of ${stage.name}`}>
          {parts.map((part) => <PartLine key={part.name} part={part} />)}
        </ul>
      )}
    </article>
  );
}

function State({ of }: { of: StageState }) {
  const Shape = SHAPES[of] ?? UnknownShape;
  return <span class="stage-state" data-state={of}><Shape />{STATE_NAMES[of] ?? of}</span>;
}

function Figures({ of }: { of: Part }) {
  const { rate, depth, behind } = of;
  return (
    <dl class="stage-figures">
      {rate !== null && <Figure name="rate" main>{rateText(rate)}<small>/s</small></Figure>}
      {depth !== null && <Figure name="waiting">{formatCount(depth)}</Figure>}
      {behind !== null && <Figure name="behind">{delayText(behind)}</Figure>}
    </dl>
  );
}

function Figure({ name, main, children }: { name: string; main?: boolean; children: ComponentChildren }) {
  return <div data-main={main}><dt>{name}</dt><dd>{children}</dd></div>;
}

function PartLine({ part }: { part: Part }) {
  const { name, state, rate, depth, behind, says, problem } = part;
  const figures = [
    rate !== null && `${rateText(rate)}/s`,
    depth !== null && `${formatCount(depth)} waiting`,
    behind !== null && behind > 0 && `${delayText(behind)} behind`,
    ...says,
  ].filter(Boolean);
  return (
    <li data-testid="part" data-part={name} data-state={state}>
      <p class="part-name">{name}<State of={state} /></p>
      {figures.length > 0 && <p class="part-figures"><Text of={figures.join(" · ")} /></p>}
      {problem && <p class="stage-problem"><Text of={problem} /></p>}
    </li>
  );
}

function rateText(rate: number): string {
  return formatNumber(rate, rate > 0 && rate < 9.95 ? 1 : 0);
}

function delayText(seconds: number): string {
  return seconds < 60 ? `${formatNumber(seconds, seconds > 0 && seconds < 9.95 ? 1 : 0)} s` : formatDuration(seconds * 1000);
}
