// Builds dist/: ES modules, one script with the global name WechatFn, and types. The same source always gives the same bytes. So dist/ is
// committed, and `--check` fails if it is out of date.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const common = {
  absWorkingDir: here, bundle: true, target: "es2020", charset: "utf8", legalComments: "none", logLevel: "warning",
  banner: { js: `/*! wechatfn-client ${version} | MIT */` },
};

async function buildTo(out) {
  rmSync(out, { recursive: true, force: true });
  await build({ ...common, entryPoints: ["src/index.ts"], format: "esm", outdir: out });
  // It imports index.js, so that a page has one copy of that module and one landing address.
  await build({ ...common, entryPoints: ["src/compat.ts"], format: "esm", outdir: out, external: ["./index.js"] });
  await build({ ...common, entryPoints: ["src/script-build.ts"], format: "iife", globalName: "WechatFn", minify: true, outfile: join(out, "wechatfn.min.js") });
  const tsc = fileURLToPath(import.meta.resolve("typescript/package.json")).replace(/package\.json$/, "bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", ".", "--noEmit", "false", "--emitDeclarationOnly", "--declaration", "--outDir", join(out, "types")], { cwd: here, stdio: "inherit" });
}

function files(folder) {
  if (!existsSync(folder)) return {};
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(f => f.isFile()).map(f => join(f.parentPath ?? f.path, f.name));
  return Object.fromEntries(names.sort().map(name => [name.slice(folder.length), readFileSync(name, "utf8")]));
}

if (process.argv.includes("--check")) {
  const fresh = mkdtempSync(join(tmpdir(), "wechatfn-client-"));
  await buildTo(fresh);
  const stale = JSON.stringify(files(fresh)) !== JSON.stringify(files(join(here, "dist")));
  rmSync(fresh, { recursive: true });
  if (stale) {
    console.error("client/dist is out of date: run make client");
    process.exit(1);
  }
} else {
  await buildTo(join(here, "dist"));
}
