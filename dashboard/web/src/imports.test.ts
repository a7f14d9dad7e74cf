import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

// npm runs the tests in the folder of package.json.
const SOURCES = "src";

/** The folders that each folder may import from, besides itself. */
const BELOW: Record<string, string[]> = {
  api: [],
  address: ["api"],
  live: ["api", "address"],
  ui: ["api", "address", "live"],
  access: ["api", "address", "live", "ui"],
  chart: ["api", "address", "live", "ui"],
  completeness: ["api", "address", "live", "ui"],
  connect: ["api", "address", "live", "ui"],
  devices: ["api", "address", "live", "ui"],
  incidents: ["api", "address", "live", "ui"],
  inputs: ["api", "address", "live", "ui"],
  pipeline: ["api", "address", "live", "ui"],
  preferences: ["api", "address", "live", "ui"],
  sensors: ["api", "address", "live", "ui"],
  app: ["api", "address", "live", "ui", "access", "chart", "completeness", "connect", "devices", "incidents", "inputs", "pipeline", "preferences", "sensors"],
};

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((file) => /(?<!\.test)\.tsx?$/.test(file));
const moduleOf = (file: string) => file.replace(/\.tsx?$/, "");
const imports = new Map(files.map((file) => [moduleOf(file), importsOf(file)]));

/** The modules that a file imports, with types and parts that are loaded later. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(SOURCES, file), "utf8");
  const found = source.matchAll(/^(?:import|export) [^;]*?from "(\.[^"]+)";|import\("(\.[^"]+)"\)/gm);
  return [...found].map(([, plain, lazy]) => join(dirname(file), (plain ?? lazy)!));
}

test("each folder imports only from folders below it, and no view from another view", () => {
  const folderOf = (module: string) => (module.includes("/") ? module.split("/")[0] : "main");
  for (const [module, imported] of imports) {
    const own = folderOf(module);
    if (own === "main") continue;
    const wrong = imported.filter((other) => ![own, ...BELOW[own]].includes(folderOf(other)));
    assert.deepEqual(wrong, [], `${module} may not import these`);
  }
});

test("no module imports itself, not even through others", () => {
  const done = new Set<string>();
  const visit = (module: string, path: string[]) => {
    assert.ok(!path.includes(module), [...path, module].join(" -> "));
    if (done.has(module)) return;
    (imports.get(module) ?? assert.fail(`${path.at(-1)} imports ${module}, which does not exist`)).forEach((next) => visit(next, [...path, module]));
    done.add(module);
  };
  [...imports.keys()].forEach((module) => visit(module, []));
});

test("no two files differ by case only, and none repeats the name of its folder as a prefix", () => {
  const names = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).map((file) => file.toLowerCase());
  assert.equal(new Set(names).size, names.length);
  assert.equal(new Set(files.map((file) => moduleOf(file).toLowerCase())).size, files.length);
  assert.deepEqual(files.filter((file) => new RegExp(`(^|/)([^/]+)/\\2[-A-Z][^/]*$`, "i").test(file)), []);
});
