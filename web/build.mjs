// Makes dist/rongcloud.js, dist/easemob.js and dist/imbridge-client.js: `make web` calls it. They
// are ES modules for pages, and the binary embeds them.
import { mkdir } from "node:fs/promises";
import { build } from "esbuild";
import { easemobFunctions } from "./easemob_functions.mjs";

// The engine carries protobufjs, which looks for node's path and fs and does without
// them in a browser.
const withoutNode = {
  name: "without-node",
  setup(b) {
    b.onResolve({ filter: /^(path|fs)$/ }, ({ path }) => ({ path, namespace: "without-node" }));
    b.onLoad({ filter: /.*/, namespace: "without-node" }, () => ({ contents: "module.exports = {};", loader: "js" }));
  },
};

const common = {
  absWorkingDir: import.meta.dirname,
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  minify: true,
  legalComments: "none",
  logLevel: "warning",
};

await mkdir(new URL("dist/", import.meta.url), { recursive: true });
await build({ ...common, entryPoints: { rongcloud: "@rongcloud/imlib-next" }, outdir: "dist", plugins: [withoutNode] });
await build({ ...common, entryPoints: { easemob: "easemob-websdk" }, outdir: "dist", plugins: [easemobFunctions] });
await build({ ...common, entryPoints: { "imbridge-client": "client/src/index.ts" }, outdir: "dist", minify: false });
