// Makes the one script that the pages load, for each language. They are committed, so that
// building and running need no Node; `--check` tells whether the committed ones are current.

import { readFile } from "node:fs/promises";
import { build } from "esbuild";

// Each script and its condition in the `imports` of package.json.
const SCRIPTS = { "dist/app.en.js": "default", "dist/app.de.js": "german" };
const check = process.argv.includes("--check");

for (const [outfile, language] of Object.entries(SCRIPTS)) {
  const { outputFiles } = await build({
    entryPoints: ["main.jsx"],
    outfile,
    absWorkingDir: import.meta.dirname,
    bundle: true,
    charset: "utf8",
    conditions: ["module", language],
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    target: "es2022",
    banner: { js: "/* Contains oauth4webapi, copyright 2022 Filip Skokan, and Preact, copyright 2015-present Jason Miller, MIT License: see dist/LICENSES.txt */" },
    write: !check,
  });

  if (check) {
    const committed = await readFile(new URL(outfile, import.meta.url), "utf8").catch(() => "");
    if (committed !== outputFiles?.[0]?.text) {
      console.error(`functions/pages/${outfile} is not what its sources give: run \`npm run bundle\` in functions/pages`);
      process.exit(1);
    }
  }
}
