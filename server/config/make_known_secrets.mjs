// Makes known_secrets.inc from lists of public secrets: node make_known_secrets.mjs LIST.gz... > known_secrets.inc
//
// A list has one secret a line (LF or CRLF, any bytes), plain or gzip. Shorter secrets than the minimum are left out: their length
// refuses them. The fingerprint is the first 8 bytes of SHA-256 of the secret in lower case (ASCII) without white space around it,
// as secret_strength.cpp computes it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const MIN_CHARS = 32;
const PER_LINE = 5;

function linesOf(path) {
  const raw = readFileSync(path);
  const bytes = raw[0] === 0x1f && raw[1] === 0x8b ? gunzipSync(raw) : raw;
  return bytes.toString('latin1').split('\n');
}

function fingerprint(secret) {
  const lower = secret.replace(/[A-Z]/g, (c) => c.toLowerCase());
  return createHash('sha256').update(Buffer.from(lower, 'latin1')).digest('hex').slice(0, 16);
}

const lists = process.argv.slice(2);
if (lists.length === 0) {
  process.stderr.write('usage: node make_known_secrets.mjs LIST.gz... > known_secrets.inc\n');
  process.exit(64);
}
const found = new Set();
for (const path of lists) {
  for (const line of linesOf(path)) {
    const secret = line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    if (secret.length >= MIN_CHARS) found.add(fingerprint(secret));
  }
}
const sorted = [...found].sort();
process.stdout.write(`// Fingerprints of ${sorted.length} publicly known secrets, sorted. Made by make_known_secrets.mjs from\n`);
process.stdout.write('// wallarm/jwt-secrets (MIT); do not edit.\n');
for (let i = 0; i < sorted.length; i += PER_LINE) {
  process.stdout.write(sorted.slice(i, i + PER_LINE).map((f) => `0x${f}ULL,`).join(' ') + '\n');
}
