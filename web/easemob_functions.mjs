// Easemob's SDK makes the functions for its protobuf messages out of text while it runs, which
// needs 'unsafe-eval' in the Content-Security-Policy of a page. The messages never change, so
// the same functions are made here, once, and the bundle finds them by their text.
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";

const file = createRequire(import.meta.url).resolve("easemob-websdk");

/** Where the SDK makes a function, with the names and the text that it makes it of. */
const places = [
  [/Function\.apply\(null,(\w+)\)\.apply\(null,(\w+)\)/, "__made($1)(...$2)"],
  [/return Function\(r\)\(\)/, "return __made([r])()"],
  [/eval\("quire"\.replace\(\/\^\/,"re"\)\)\(moduleName\)/, "null"],
];

function withPlaces(source) {
  for (const [place, instead] of places) {
    if (source.split(place).length !== 2 + (place.source.match(/\((?!\?)\\w/g) ?? []).length) throw new Error(`easemob-websdk: not one ${place}; another version?`);
    source = source.replace(place, instead);
  }
  return source;
}

/** All functions that the types of a namespace make, by their text. */
function collect(source) {
  const made = new Map();
  const note = (parts) => {
    made.set(parts.join("\n"), parts);
    return Function(...parts);
  };
  const module = { exports: {} };
  const quiet = { log() {}, info() {}, warn() {}, error() {}, debug() {} };
  Function("module", "exports", "self", "console", "__made", source)(module, module.exports, globalThis, quiet, note);
  const { root } = module.exports.connection.prototype;
  const visit = (node) => {
    // Both make functions.
    if (typeof node.setup === "function") void [node.ctor, node.setup()];
    for (const child of node.nestedArray ?? []) visit(child);
  };
  visit(root);
  return made;
}

export const easemobFunctions = {
  name: "easemob-functions",
  setup(b) {
    b.onLoad({ filter: /easemob-websdk.Easemob-chat\.js$/ }, async () => {
      const source = withPlaces(await readFile(file, "utf8"));
      const entries = [...collect(source)].map(([text, parts]) => `[${JSON.stringify(text)},function(${parts.slice(0, -1).join(",")}){${parts.at(-1)}}]`);
      const table = `var __functions=new Map([${entries.join(",\n")}]);function __made(parts){var made=__functions.get(parts.join("\\n"));if(!made)throw new Error("a message that the bundle does not know");return made}`;
      return { contents: `${table}\n${source}`, loader: "js" };
    });
  },
};
