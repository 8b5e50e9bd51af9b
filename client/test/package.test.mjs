import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { table } from "./fixture.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = (command, args, cwd) => execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const tsc = join(dirname(fileURLToPath(import.meta.resolve("typescript/package.json"))), "bin/tsc");
const temporaryFolder = t => {
  const folder = mkdtempSync(join(tmpdir(), "wechatfn-client-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};
const limit = 6 * 1024;

async function minified(code) {
  const { outputFiles } = await build({ stdin: { contents: code, resolveDir: join(root, "dist") }, bundle: true, minify: true, format: "esm", charset: "utf8", write: false });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

table("minified and gzipped, the client has less than 6 KiB", [
  { name: "the module", size: () => minified(`export * from "./index.js"`) },
  { name: "the module with WechatJSSDK", size: () => minified(`export * from "./index.js"; export * from "./compat.js"`) },
  { name: "the script", size: () => gzipSync(readFileSync(join(root, "dist/wechatfn.min.js")), { level: 9 }).length },
], async ({ size }, t) => {
  const bytes = await size();
  t.diagnostic(`${bytes} bytes`);
  assert.ok(bytes < limit, `${bytes} bytes`);
});

test("a bundler leaves out what a page does not use", async () => {
  const whole = await minified(`export * from "./index.js"`);
  const one = await minified(`import { login } from "./index.js"; login`);
  const none = await minified(`import "./index.js"`);
  assert.ok(one < whole * 0.6 && none < 100, `${none} ${one} ${whole}`);
});

test("the script build has all exports in WechatFn", () => {
  const names = new Function("globalThis", readFileSync(join(root, "dist/wechatfn.min.js"), "utf8") + "; return Object.keys(WechatFn)")({});
  assert.deepEqual(names.sort(), ["WechatFnError", "WechatJSSDK", "connect", "inWeChat", "landingURL", "login"]);
});

/** Installs the package, as npm would publish it, in an empty project. */
function install(t) {
  const folder = temporaryFolder(t);
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root));
  const place = join(folder, "node_modules/wechatfn-client");
  writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", "./" + filename], folder);
  return { folder, place, names: files.map(file => file.path).sort() };
}

test("npm pack contains these files, and no others", t => {
  const { folder, place, names } = install(t);
  assert.deepEqual(names.filter(name => !name.startsWith("dist/types/")),
    ["LICENSE", "README.md", "README.zh.md", "compat/package.json", "dist/compat.js", "dist/index.js", "dist/wechatfn.min.js", "package.json"]);
  assert.ok(names.includes("dist/types/index.d.ts") && names.every(name => !name.startsWith("dist/types/") || name.endsWith(".d.ts")));
  const manifest = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
  assert.deepEqual([manifest.dependencies, manifest.peerDependencies, manifest.sideEffects, manifest.private], [undefined, undefined, false, undefined]);
  const program = `import * as all from "wechatfn-client"; import { WechatJSSDK } from "wechatfn-client/compat"; console.log(Object.keys(all).join(), typeof WechatJSSDK)`;
  assert.equal(run(process.execPath, ["--input-type=module", "-e", program], folder).trim(), "WechatFnError,connect,inWeChat,landingURL,login function");
});

// The parts of the routers that the snippets need.
const routers = `
declare module "vue-router" {
  interface Location { meta: Record<PropertyKey, unknown> }
  export function createWebHistory(): object;
  export function createRouter(options: { history: object; routes: unknown[] }): { afterEach(listener: (to: Location, from: Location, failure?: Error) => void): void };
}
declare module "react" { export function useEffect(effect: () => void, on: unknown[]): void }
declare module "react-router" { export function useLocation(): { pathname: string; search: string } }
`;
const mistakes = [
  { name: "connect accepts no misspelt option", code: `import { connect } from "wechatfn-client"; connect({ endpoint: "", tags: [] });` },
  { name: "a card has a title", code: `import { connect } from "wechatfn-client"; void connect({ endpoint: "" }).share({ desc: "x" });` },
  { name: "results have types", code: `import { connect } from "wechatfn-client"; const { resultStr } = await connect({ endpoint: "" }).call("scanQRCode"); const n: number = resultStr; void n;` },
  { name: "session may be null", code: `import { login } from "wechatfn-client"; console.log((await login({ endpoint: "" }).session()).openid);` },
  { name: "only WeChat's scopes are accepted", code: `import { login } from "wechatfn-client"; void login({ endpoint: "" }).link({ scope: "userinfo" });` },
  { name: "login requires an endpoint", code: `import { login } from "wechatfn-client"; login({});` },
];

test("in strict TypeScript the snippets of both READMEs compile, and mistakes do not", t => {
  const { folder } = install(t);
  const write = (name, text) => writeFileSync(join(folder, name), text);
  let count = 0;
  for (const readme of ["README.md", "README.zh.md"]) {
    for (const [, snippet] of readFileSync(join(root, readme), "utf8").matchAll(/```ts\n([^]*?)```/g)) write(snippet.includes("wechat.ts,") ? "wechat.ts" : `snippet${++count}.ts`, snippet);
  }
  assert.ok(count >= 13, `${count} snippets`);
  write("routers.d.ts", routers);
  const options = { target: "es2022", lib: ["es2022", "dom"], module: "esnext", moduleResolution: "bundler", strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true, types: [] };
  write("tsconfig.json", JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  try {
    run(process.execPath, [tsc, "-p", "."], folder);
  } catch (error) {
    assert.fail(error.stdout);
  }
  mistakes.forEach(({ code }, i) => write(`mistake${i}.ts`, code));
  const { stdout } = assertFails(() => run(process.execPath, [tsc, "-p", "."], folder));
  mistakes.forEach(({ name }, i) => assert.match(stdout, new RegExp(`mistake${i}\\.ts`), name));
});

/** The members of an interface or object in a source file. */
function membersOf(file, start) {
  const code = readFileSync(join(root, "src", file), "utf8");
  const names = [...code.slice(code.indexOf(start)).split("\n}")[0].matchAll(/^  "?([\w-]+)"?\??:/gm)].map(([, name]) => name);
  assert.ok(names.length > 5, `${file}: ${names}`);
  return names;
}

const documented = [
  { name: "error codes", file: "messages.ts", start: "export const messages" },
  { name: "options of connect", file: "connect.ts", start: "export interface ConnectOptions" },
  { name: "options of login", file: "login.ts", start: "export interface LoginOptions" },
];
table("both READMEs name all", documented, ({ file, start }) => {
  const names = membersOf(file, start);
  for (const readme of ["README.md", "README.zh.md"]) {
    const text = readFileSync(join(root, readme), "utf8");
    assert.deepEqual(names.filter(name => !text.includes("`" + name)), [], readme);
  }
});

test("tools that do not read exports (webpack 4, TypeScript's node10) find WechatJSSDK in the folder compat", t => {
  const { folder, place } = install(t);
  const { main, types } = JSON.parse(readFileSync(join(place, "compat/package.json"), "utf8"));
  const program = `import("./node_modules/wechatfn-client/compat/${main}").then(compat => console.log(Object.keys(compat).join()))`;
  assert.equal(run(process.execPath, ["-e", program], folder).trim(), "WechatJSSDK");
  assert.match(readFileSync(join(place, "compat", types), "utf8"), /class WechatJSSDK/);
});

test("the types compile without skipLibCheck and without a bundler", t => {
  const { folder } = install(t);
  writeFileSync(join(folder, "use.ts"), `import { connect } from "wechatfn-client";\nimport { WechatJSSDK } from "wechatfn-client/compat";\nexport const a = [connect, WechatJSSDK];\n`);
  const options = { target: "es2022", lib: ["es2022", "dom"], module: "nodenext", strict: true, noEmit: true, types: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  run(process.execPath, [tsc, "-p", "."], folder);
});

function assertFails(work) {
  try {
    work();
  } catch (error) {
    return error;
  }
  assert.fail("it did not fail");
}
