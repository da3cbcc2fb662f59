// Certificates for servers of a test, made by openssl; nobody trusts them but who is told to.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

/** A key and a certificate for these names that is its own authority: { key, cert, certFile, spki } (spki: SHA-256 of the public key, base64). */
export function selfSigned(folder, ...names) {
  const stem = path.join(folder, `certificate-${names[0].replaceAll(/[^a-z0-9]/g, "-")}`);
  const keyFile = `${stem}.key`;
  const certFile = `${stem}.pem`;
  const isAddress = (name) => /^[\d.]+$/.test(name);
  const names3 = names.map((name) => `${isAddress(name) ? "IP" : "DNS"}:${name}`).join(",");
  const openssl = (...argv) => execFileSync("openssl", argv, { stdio: ["ignore", "pipe", "pipe"] });
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile, "-out", certFile, "-days", "2",
    "-subj", `/CN=${names[0]}`, "-addext", `subjectAltName=${names3}`);
  const der = execFileSync("openssl", ["pkey", "-in", keyFile, "-pubout", "-outform", "der"]);
  const spki = execFileSync("openssl", ["dgst", "-sha256", "-binary"], { input: der }).toString("base64");
  return { key: readFileSync(keyFile), cert: readFileSync(certFile), certFile, spki };
}
