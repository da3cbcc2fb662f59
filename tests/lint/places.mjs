// Nothing in the repository points at one machine or at a package registry: no absolute paths of a checkout, no registry hosts.
import { execFileSync } from "node:child_process";

import { findAll, kRoot, runAlone } from "./support.mjs";

const kRegistries = /\bregistry\.(?:npmjs\.org|yarnpkg\.com|npmmirror\.com)\b|\b(?:files\.pythonhosted|pypi)\.org\b|\bproxy\.golang\.org\b|"resolved":\s*"https?:/g;
const kMachinePaths = /(?<![\w.~/-])\/(?:work\/|root\/(?!\.ssh)|tmp\/brief\b)[\w./-]*/g;
// These hold the patterns themselves, or paths that are attacks.
const kExempt = /^tests\/lint\/|(^|\/)LICENSE$/;

/** Hosts that npm is set to use here, which may be a mirror that only this machine knows. */
function configuredHosts() {
  try {
    const url = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8", cwd: kRoot, stdio: ["ignore", "pipe", "ignore"] });
    return [new URL(url.trim()).hostname];
  } catch {
    return [];
  }
}

export const lint = {
  name: "places",
  check(files, hosts = configuredHosts()) {
    return files
      .filter(({ path }) => !kExempt.test(path))
      .flatMap((file) => {
        const own = hosts.filter((host) => !["localhost", "127.0.0.1"].includes(host) && !host.match(kRegistries)).flatMap((host) => {
          const at = file.text.indexOf(host);
          return at === -1 ? [] : [{ path: file.path, line: file.text.slice(0, at).split("\n").length, message: "names the package registry that this machine uses" }];
        });
        return [
          ...findAll(file, file.text, kRegistries, (m) => `names a package registry (${m[0].slice(0, 40)})`),
          ...findAll(file, file.text, kMachinePaths, (m) => `an absolute path of one machine (${m[0]})`),
          ...own,
        ];
      });
  },
  samples: [
    { path: "README.md", text: "Clone it to ~/dashboard; data is in /app/data, ./work/x and /var/lib/work/x.\n" },
    { path: "docs/bad.md", text: "see /work/thing/x\nor /root/project\nnpm from " + ["registry", "npmjs", "org"].join(".") + "\n", expect: ["1: an absolute path", "2: an absolute path", "3: names a package registry"] },
    { path: "package-lock.json", text: "{\n \"resolved\": \"https://example.org/x.tgz\"\n}\n", expect: ["2: names a package registry"] },
  ],
};
runAlone(import.meta, lint);
