import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = (command, args, cwd) => execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const tsc = join(dirname(fileURLToPath(import.meta.resolve("typescript/package.json"))), "bin/tsc");
const temporary = t => {
  const folder = mkdtempSync(join(tmpdir(), "wechatfn-client-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};
const limit = 6 * 1024;

async function minified(code) {
  const { outputFiles } = await build({ stdin: { contents: code, resolveDir: join(root, "dist") }, bundle: true, minify: true, format: "esm", charset: "utf8", write: false });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

test("under 6 KiB, minified and gzipped: the module, the old class with it, the script", async () => {
  const sizes = {
    module: await minified(`export * from "./index.js"`),
    withCompat: await minified(`export * from "./index.js"; export * from "./compat.js"`),
    script: gzipSync(readFileSync(join(root, "dist/wechatfn.min.js")), { level: 9 }).length,
  };
  console.log(JSON.stringify(sizes));
  for (const [name, size] of Object.entries(sizes)) assert.ok(size < limit, `${name}: ${size}`);
});

test("what a page does not use is left out", async () => {
  const whole = await minified(`export * from "./index.js"`);
  const one = await minified(`import { login } from "./index.js"; login`);
  const none = await minified(`import "./index.js"`);
  assert.ok(one < whole * 0.6 && none < 100, `${none} ${one} ${whole}`);
});

test("the script build has all of it under one name", () => {
  const names = new Function("globalThis", readFileSync(join(root, "dist/wechatfn.min.js"), "utf8") + "; return Object.keys(WechatFn)")({});
  assert.deepEqual(names.sort(), ["WechatFnError", "WechatJSSDK", "connect", "inWeChat", "landingURL", "login"]);
});

/** The package as npm would publish it, installed in an empty project. */
function installed(t) {
  const folder = temporary(t);
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root));
  const place = join(folder, "node_modules/wechatfn-client");
  writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", "./" + filename], folder);
  return { folder, place, names: files.map(file => file.path).sort() };
}

test("npm pack: what is in it, and nothing else", t => {
  const { folder, place, names } = installed(t);
  assert.deepEqual(names.filter(name => !name.startsWith("dist/types/")),
    ["LICENSE", "README.md", "README.zh.md", "compat/package.json", "dist/compat.js", "dist/index.js", "dist/wechatfn.min.js", "package.json"]);
  assert.ok(names.includes("dist/types/index.d.ts") && names.every(name => !name.startsWith("dist/types/") || name.endsWith(".d.ts")));
  const manifest = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
  assert.deepEqual([manifest.dependencies, manifest.peerDependencies, manifest.sideEffects, manifest.private], [undefined, undefined, false, undefined]);
  const program = `import * as all from "wechatfn-client"; import { WechatJSSDK } from "wechatfn-client/compat"; console.log(Object.keys(all).join(), typeof WechatJSSDK)`;
  assert.equal(run(process.execPath, ["--input-type=module", "-e", program], folder).trim(), "WechatFnError,connect,inWeChat,landingURL,login function");
});

// Of the routers, what the snippets need.
const routers = `
declare module "vue-router" {
  interface Location { meta: Record<PropertyKey, unknown> }
  export function createWebHistory(): object;
  export function createRouter(options: { history: object; routes: unknown[] }): { afterEach(told: (to: Location, from: Location, failure?: Error) => void): void };
}
declare module "react" { export function useEffect(effect: () => void, on: unknown[]): void }
declare module "react-router" { export function useLocation(): { pathname: string; search: string } }
`;
const wrongs = {
  "connect takes no misspelt setting": `import { connect } from "wechatfn-client"; connect({ endpoint: "", tags: [] });`,
  "a card has a title": `import { connect } from "wechatfn-client"; void connect({ endpoint: "" }).share({ desc: "x" });`,
  "answers have types": `import { connect } from "wechatfn-client"; const { resultStr } = await connect({ endpoint: "" }).call("scanQRCode"); const n: number = resultStr; void n;`,
  "session may be null": `import { login } from "wechatfn-client"; console.log((await login({ endpoint: "" }).session()).openid);`,
  "scopes are WeChat's": `import { login } from "wechatfn-client"; void login({ endpoint: "" }).link({ scope: "userinfo" });`,
  "login needs an endpoint": `import { login } from "wechatfn-client"; login({});`,
};

test("in strict TypeScript, the snippets of both READMEs compile, and mistakes do not", t => {
  const { folder } = installed(t);
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
  Object.values(wrongs).forEach((text, i) => write(`wrong${i}.ts`, text));
  const { stdout } = assertFails(() => run(process.execPath, [tsc, "-p", "."], folder));
  Object.keys(wrongs).forEach((name, i) => assert.match(stdout, new RegExp(`wrong${i}\\.ts`), name));
});

test("who does not know of exports (webpack 4, TypeScript's node10) finds the old class by its folder", t => {
  const { folder, place } = installed(t);
  const { main, types } = JSON.parse(readFileSync(join(place, "compat/package.json"), "utf8"));
  const program = `import("./node_modules/wechatfn-client/compat/${main}").then(old => console.log(Object.keys(old).join()))`;
  assert.equal(run(process.execPath, ["-e", program], folder).trim(), "WechatJSSDK");
  assert.match(readFileSync(join(place, "compat", types), "utf8"), /class WechatJSSDK/);
});

test("skipLibCheck is not needed, nor a bundler", t => {
  const { folder } = installed(t);
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
  assert.fail("it compiled");
}
