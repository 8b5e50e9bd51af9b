// The modules of src import each other in one direction only.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const src = new URL("../src/", import.meta.url);

/** The files that a module imports or exports from, types included. */
const importsOf = code => [...code.matchAll(/^(?:import|export)\b[^;"]*"\.\/([\w-]+)\.js";/gm)].map(([, name]) => name + ".ts");

/** The first circle in a graph {file: [imported files]}, as "a > b > a"; undefined where there is none. */
function circle(graph) {
  const finished = new Set();
  const visit = (file, path) => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(" > ");
    if (finished.has(file)) return undefined;
    for (const imported of graph[file]) {
      const found = visit(imported, [...path, file]);
      if (found) return found;
    }
    finished.add(file);
    return undefined;
  };
  return Object.keys(graph).map(file => visit(file, [])).find(Boolean);
}

test("no circular import, not even of types", () => {
  const graph = Object.fromEntries(readdirSync(src).map(file => [file, importsOf(readFileSync(new URL(file, src), "utf8"))]));
  assert.ok(graph["index.ts"].includes("connect.ts") && graph["connect.ts"].includes("share.ts"), "the imports are read");
  assert.equal(circle(graph), undefined);
});

test("the check finds a circle of imports", () => {
  assert.deepEqual(importsOf('import { a } from "./a.js";\nimport type { B } from "./b-c.js";\nexport {\n  d,\n} from "./d.js";\nimport "./e.js";\n'), ["a.ts", "b-c.ts", "d.ts", "e.ts"]);
  assert.equal(circle({ a: ["b", "c"], b: ["c"], c: [] }), undefined);
  assert.equal(circle({ a: ["b"], b: ["c"], c: ["b"] }), "b > c > b");
  assert.equal(circle({ a: ["a"] }), "a > a");
});
