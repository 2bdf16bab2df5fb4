// Prints the commands of a list of remarks as GitHub's own library does.
import { readFileSync } from "node:fs";
import * as core from "@actions/core";

for (const [level, properties, message] of JSON.parse(readFileSync(0, "utf8"))) {
  const { title, file, line } = properties;
  const place = file === undefined ? {} : { file, startLine: Number(line) };
  core[level](message, { title, ...place });
}
