// What the files of tests share: the folder of a Millrace, and what is ended once their tests have run.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Settings with which no sensor grows stale while tests run. */
export const STAYS_FRESH = { MILLRACE__DASHBOARD__STALE_AFTER: "1h", MILLRACE__DASHBOARD__OFFLINE_AFTER: "2h" };

/** A new data folder, for the tests of this name. */
export function dataFolder(name) {
  return mkdtempSync(join(tmpdir(), `millrace-${name}-`));
}

/** Ends what was started, as far as the start has come, and removes the data folder. */
export async function end(dataDir, { browser, device, millrace }) {
  await browser?.close();
  await device?.endAsync(true);
  await millrace?.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
