import { StateShape, UnknownShape } from "../ui/Shapes";
import { FRESHNESS, STATE_TEXTS, type DeviceState } from "./states";

/** How a device is doing: a word, with a shape that can be told apart without colour. */
export function State({ of }: { of: DeviceState }) {
  const freshness = FRESHNESS[of];
  return <span class="device-state" data-state={of}>{freshness ? <StateShape state={freshness} /> : <UnknownShape />}{STATE_TEXTS[of]}</span>;
}
