// Bundles the page into the Python package, with the digest of what it was built from.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = dirname(fileURLToPath(import.meta.url));
const out = join(web, "..", "src", "drlim", "exploring", "static");
mkdirSync(out, { recursive: true });

await build({
  entryPoints: [join(web, "src", "main.ts")], outfile: join(out, "page.js"), bundle: true, format: "iife",
  minify: true, target: "es2022", charset: "utf8", legalComments: "eof", logLevel: "warning",
});
await build({
  entryPoints: [join(web, "src", "ort.ts")], outfile: join(out, "ort.js"), bundle: true, format: "iife", minify: true,
  target: "es2022", charset: "utf8", legalComments: "eof", logLevel: "warning",
  define: { "import.meta.url": "document.baseURI" },  // read where it would fetch its wasm, which it is given instead
});
const runtime = join(web, "node_modules", "onnxruntime-web");
copyFileSync(join(runtime, "dist", "ort-wasm-simd-threaded.wasm"), join(out, "ort.wasm"));
await build({ entryPoints: [join(web, "src", "page.css")], outfile: join(out, "page.css"), minify: true, logLevel: "warning" });
for (const name of ["index.html", "LICENSES.txt"]) copyFileSync(join(web, "src", name), join(out, name));

// The same digest as in tests/test_page_bundle.py: each name and its bytes, by name.
const digest = createHash("sha256");
const sources = readdirSync(join(web, "src")).map((name) => join("src", name));
for (const name of [...sources, "build.mjs", "package-lock.json"].sort()) {
  digest.update(`${name}\n`);
  digest.update(readFileSync(join(web, name)));
}
writeFileSync(join(out, "sources.sha256"), `${digest.digest("hex")}\n`);
