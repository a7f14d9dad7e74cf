import type { Device } from "../api/devices";

const LONGEST = 256;
const LONGEST_NOTE = 4096;

/** What may be said of a device, in a form; all of it is optional. */
export function DeviceFields({ of }: { of?: Device }) {
  const tags = of?.tags.join("\n") ?? "";
  return (
    <>
      <label><span>Title <small>how people call it</small></span><input name="title" maxLength={LONGEST} autocomplete="off" defaultValue={of?.title ?? ""} /></label>
      <label><span>Type <small>what kind of device it is, such as <code>bme280</code></small></span><input name="type" maxLength={LONGEST} autocomplete="off" defaultValue={of?.type ?? ""} /></label>
      <label><span>Location <small>where it is, in words</small></span><input name="location" maxLength={LONGEST} autocomplete="off" defaultValue={of?.location ?? ""} /></label>
      <div class="device-position">
        <label><span>Latitude <small>degrees north</small></span><input name="latitude" type="number" min={-90} max={90} step="any" defaultValue={of?.latitude?.toString() ?? ""} /></label>
        <label><span>Longitude <small>degrees east</small></span><input name="longitude" type="number" min={-180} max={180} step="any" defaultValue={of?.longitude?.toString() ?? ""} /></label>
      </div>
      <label>
        <span>Sampling rate <small>seconds between two of its readings; after two of them it is late, after five offline</small></span>
        <input name="sampling_rate" type="number" min={0} step="any" defaultValue={of?.sampling_rate?.toString() ?? ""} />
      </label>
      <label>
        <span>Tags <small>words that it is found by, one in a line</small></span>
        <textarea name="tags" rows={Math.max(2, tags.split("\n").length)} autocomplete="off" spellcheck={false} defaultValue={tags} />
      </label>
      <label><span>Note</span><textarea name="note" class="device-note" rows={2} maxLength={LONGEST_NOTE} defaultValue={of?.note ?? ""} /></label>
    </>
  );
}
