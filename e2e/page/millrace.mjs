import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const TIMEOUT_MS = 20_000;

const binary = process.env.MILLRACE_BIN ?? fileURLToPath(new URL("../../target/debug/millrace", import.meta.url));

/**
 * Starts Millrace without simulated sensors and waits for its addresses.
 * Port 0 takes a free one; a restart uses the port that the page already knows. Settings are environment variables.
 */
export async function startMillrace(dataDir, { httpPort = 0, settings = {} } = {}) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run cargo build, or set MILLRACE_BIN`);
  const child = spawn(binary, {
    env: {
      ...process.env,
      MILLRACE__DATA_DIR: dataDir,
      MILLRACE__HTTP__LISTEN: `127.0.0.1:${httpPort}`,
      MILLRACE__MQTT__LISTEN: "127.0.0.1:0",
      MILLRACE__SENSORS__COUNT: "0",
      MILLRACE__ALERTER__RULES: fileURLToPath(new URL("../rules/rules.toml", import.meta.url)),
      MILLRACE__DASHBOARD__STALE_AFTER: "2s",
      MILLRACE__DASHBOARD__OFFLINE_AFTER: "4s",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const { http, mqtt, websocket } = await addressesOf(child);
    return { http, mqtt, websocket, port: Number(new URL(http).port), stop: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

// Later output is read, too, as a full pipe would block the process.
function addressesOf(child) {
  return new Promise((resolve, reject) => {
    let printed = "";
    const give = (what) => reject(new Error(`${what}; Millrace printed:\n${printed}`));
    const timer = setTimeout(() => give(`no addresses within ${TIMEOUT_MS} ms`), TIMEOUT_MS);
    const read = (chunk) => {
      printed += chunk;
      // Log lines may name other addresses.
      const [, http] = printed.match(/^ *page +(http:\/\/[\w.:[\]-]+:\d+)/m) ?? [];
      const [, mqtt] = printed.match(/^ *MQTT +(mqtt:\/\/[\w.:[\]-]+:\d+)/m) ?? [];
      const [websocket] = printed.match(/ws:\/\/[\w.:[\]-]+:\d+\/mqtt/) ?? [];
      // The line that ends the addresses.
      if (http && mqtt && /^\s*data /m.test(printed)) resolve({ http, mqtt, websocket });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", (error) => give(error.message));
    child.on("exit", (code) => give(`exited with ${code}`));
    child.on("exit", () => clearTimeout(timer));
    child.stdout.once("data", () => timer.unref());
  });
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  await gone;
  clearTimeout(force);
}
