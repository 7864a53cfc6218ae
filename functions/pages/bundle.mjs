// Makes the one script that the pages load. It is committed, so that building
// and running need no Node; `--check` tells whether the committed one is current.

import { readFile } from "node:fs/promises";
import { build } from "esbuild";

const OUTPUT = "dist/app.js";
const check = process.argv.includes("--check");

const { outputFiles } = await build({
  entryPoints: ["main.jsx"],
  outfile: OUTPUT,
  absWorkingDir: import.meta.dirname,
  bundle: true,
  charset: "utf8",
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  target: "es2022",
  banner: { js: "/* Contains oauth4webapi, copyright 2022 Filip Skokan, and Preact, copyright 2015-present Jason Miller, MIT License: see dist/LICENSES.txt */" },
  write: !check,
});

if (check) {
  const committed = await readFile(new URL(OUTPUT, import.meta.url), "utf8").catch(() => "");
  if (committed !== outputFiles?.[0]?.text) {
    console.error(`functions/pages/${OUTPUT} is not what its sources give: run \`npm run bundle\` in functions/pages`);
    process.exit(1);
  }
}
