// How many cells a character takes, where that is certain. Pure.

const kNarrow = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u0482\u048a-\u052f]$/u
const kWide =
  /^[\u1100-\u115f\u2e80-\u2e99\u2e9b-\u2ef3\u2f00-\u2fd5\u2ff0-\u2ffb\u3001-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u30ff\u3105-\u312f\u3131-\u318e\u3190-\u31e3\u31f0-\u321e\u3220-\u3247\u3250-\ua48c\ua490-\ua4c6\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe52\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$/u

// Null for what combines, for emoji, and for all else that terminals do not agree on.
export function widthOf(char: string): 1 | 2 | null {
  if (kNarrow.test(char)) return 1
  return kWide.test(char) ? 2 : null
}
