// Writes its arguments and one environment variable as JSON to a file, then stays: node argv.mjs FILE VARIABLE ARGUMENTS...
import { renameSync, writeFileSync } from "node:fs";

const [file, variable, ...rest] = process.argv.slice(2);
const text = JSON.stringify({ argv: rest, value: process.env[variable], cwd: process.cwd() });
writeFileSync(`${file}.new`, text);
renameSync(`${file}.new`, file);
process.stdin.resume();
