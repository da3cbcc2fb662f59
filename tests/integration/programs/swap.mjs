// Keeps swapping a folder with a symbolic link to another one, until it is ended: swap.mjs FOLDER OUTSIDE.
import { renameSync, symlinkSync, unlinkSync } from "node:fs";

const [folder, outside] = process.argv.slice(2);
const aside = `${folder}.aside`;
for (;;) {
  renameSync(folder, aside);
  symlinkSync(outside, folder);
  unlinkSync(folder);
  renameSync(aside, folder);
}
