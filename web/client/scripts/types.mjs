// Makes src/api.ts out of the server's contract, and src/codes.ts out of its list of
// problems: `npm run types`. A test holds both to what they are made from.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const root = new URL("../../../", import.meta.url);
const source = new URL("../src/", import.meta.url);

/** The text of each file that is made, by its name. */
export async function made() {
  const contract = await openapiTS(new URL("handlers/openapi.yaml", root), { alphabetize: false, silent: true });
  const problems = await readFile(new URL("docs/errors.md", root), "utf8");
  const codes = [...problems.matchAll(/^\| \[([a-z_]+)\]\(#\1\) \| \d+ \|/gm)].map((m) => m[1]);
  if (codes.length === 0) throw new Error("docs/errors.md lists no code");
  return {
    "api.ts": "// Made from handlers/openapi.yaml by `npm run types`. Do not edit.\n\n" + astToString(contract),
    "codes.ts":
      "// Made from docs/errors.md by `npm run types`. Do not edit.\n\n" +
      "/** Every code that a problem of the server may carry. */\n" +
      `export const problemCodes = [\n${codes.map((c) => `  ${JSON.stringify(c)},\n`).join("")}] as const;\n\n` +
      "export type ProblemCode = (typeof problemCodes)[number];\n",
  };
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, text] of Object.entries(await made())) await writeFile(new URL(name, source), text);
}
