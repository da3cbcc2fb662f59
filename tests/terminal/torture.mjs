// A text of characters and sequences that terminals disagree about: wide, combining, joined, at the right edge, broken in the middle.

const E = "\x1b";
const at = (row, col) => `${E}[${row};${col}H`;
const latin1 = (text) => Buffer.from(text, "latin1");

const kCharacters = [
  "e\u0301 a\u0308\u0323 o\u0302\u0303\u0304\u0305\u0306\u0307", // combining, several
  "\u0301begins with one", "x\u200by\u200cz\u200dw\ufeffv\u2060", // zero width
  "漢字かなカナ한글ﾊﾝｶｸＦＵＬＬ", "가각힣\u1100\u1161\u11a8 \u1112\u1161\u11ab", // wide, Hangul by parts
  "😀😃🙏🏽👍🏿👩‍👩‍👧‍👦👨‍💻🏳️‍🌈🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪🇯🇵🇺🇸🇩", "❤❤️☎☎️✔✔️©©️™️1️⃣#️⃣", // emoji: modifiers, joined, flags, variants
  "नमस्ते क्षत्रिय ไทยกำ မြန်မာ ᠮᠣᠩᠭᠣᠯ தமிழ்", "שלום עולם \u202eright to left\u202c العربية", // scripts with marks
  "─│┌┐└┘├┤┬┴┼═║╔╗╚╝▀▄█▌▐░▒▓⠋⠙⠹⠸", "…—–‘’“”•·°±×÷§¶", // ambiguous widths
  "\u00ad soft hyphen \u00a0 no-break \u3000 wide blank \u2028 \u2029", "\ue000\uf8ff\u{f0000}\u{10fffd} private",
  "\u{1f1e6} \u{1f3fb} \u{e0001}\u{e0020} \u{1f9d1}\u200d\u{1f680} \u{1faf1}\u{1f3fb}\u200d\u{1faf2}\u{1f3ff}", "\u0e33\u0eb3 \ua960 \ud7b0", "𠀀𠮷🈁🀄🃏",
];

/** Each text at the beginning of a row, at the right edge, and with a mark behind it that shows where the cursor stands. */
function edges(cols) {
  return kCharacters.flatMap((text) => [`${text}|\r\n`, `${E}[1;33m${".".repeat(cols - 1)}${text}|${E}[m\r\n`, `${".".repeat(cols - 2)}${text}|\r\n`]);
}

/** Wide characters whose halves are overwritten, erased, deleted, inserted into. */
function halves() {
  const row = (change) => `\r${E}[44m漢字漢字漢字漢字${E}[m${change}\r\n`;
  return [
    row(`${E}[2Gx`), row(`${E}[3Gx`), row(`${E}[4G漢`), row(`${E}[2G${E}[1X`), row(`${E}[3G${E}[2P`), row(`${E}[4G${E}[@`), row(`${E}[4G${E}[1K`),
    row(`${E}[4G${E}[K`), row(`${E}[2G\u0301`), row(`${E}[6G${E}[4hin${E}[4l`), row(`${E}[2G${E}[3b`), row(`${E}[80G漢${E}[79G漢`),
  ];
}

/** Broken and odd UTF-8, and control characters in the middle of characters. */
function broken() {
  return ["\xc3(", "\xe6\xbc", "\xe6\xbc\x1b[31mred\x1b[m", "\xf0\x9f\x98", "\x80\xbf\xfe\xff", "\xc0\xaf\xe0\x80\xaf", "\xed\xa0\x80\xed\xb0\x80", "\xf4\x90\x80\x80",
    "\xf8\x88\x80\x80\x80", "\xe6\n\xbc\xa2", "\xc2\x9b31mC1", "\xe6\xbc\xa2\xcc", "a\xcc\x81\xcc\x81"].flatMap((text) => [latin1(text), Buffer.from("|\r\n")]);
}

const kSequences = [
  `${E}[38:2::255:128:0mcolon${E}[38:2:255:128:0mshort${E}[38;2;1;2;3msemicolon${E}[38:5:200mindexed${E}[39m default${E}[m`,
  `${E}[4:1ma${E}[4:2mb${E}[4:3mc${E}[4:4md${E}[4:5me${E}[58;2;255;0;0mf${E}[58:5:20mg${E}[59mh${E}[4:0mi${E}[21mj${E}[24mk${E}[m`,
  `${E}[1;2;3;4;5;7;8;9;53mall${E}[22m-bold${E}[23m-italic${E}[24m-under${E}[25m-blink${E}[27m-reverse${E}[28m-hidden${E}[29m-struck${E}[55m-over${E}[m`,
  `${E}]8;id=a;https://example.org/a${E}\\link a${E}]8;;${E}\\ ${E}]8;;https://example.org/b\x07link b${E}]8;;\x07`,
  `${E}]0;title zero\x07${E}]2;title two ✳${E}\\${E}[22;0t${E}]2;pushed\x07${E}[23;0t${E}]1;icon\x07`,
  `${E}(0lqqqk\r\nx abc x\r\nmqqqj${E}(B ${E})0\x0eqqq\x0fqqq`,
  `${E}[?2026hheld${E}[?2026l${E}[?2004h${E}[?1004h${E}[5 q${E}[?25l${E}[?25h`,
  `${E}7${at(3, 40)}${E}[31msaved${E}8back${E}[s${at(4, 40)}x${E}[uy`,
  `${E}[5;15r${at(15, 1)}in the region\n\n\nscrolled${E}[2S${E}[1T${E}[3L${E}[1M${E}[r${at(20, 1)}`,
  `${E}[?6h${E}[5;15r${at(1, 1)}origin${at(99, 99)}!${E}[?6l${E}[r${at(20, 1)}`,
  `${E}[3g${at(20, 10)}${E}H${at(20, 30)}${E}H\r\ta\tb\tc${E}[Zd${E}[2Ze${E}c`,
  `after a full reset${E}[?7l${".".repeat(90)}|${E}[?7h\r\n${"=".repeat(80)}\rX\r\n${"=".repeat(80)}\bX${E}[DY\r\n`,
  `${E}[?1049halternate${at(10, 10)}${E}[41m${E}[2Jred${E}[m${E}[?1049lback from it\r\n`, `${E}[?47hold${E}[?47lback\r\n${E}[?1047ha${E}[?1047lb\r\n`,
  `${E}#8${at(12, 1)}${E}[2K${E}[42m${E}[J${E}[m${E}[1;1H${E}[1J`,
  `${E}[1;31;99999999999999999999mlong${E}[;;;mnone${E}[1;;4mbold?${E}[m${E}[38;5mshort${E}[48;2;1mshort${E}[m${E}[${"1;".repeat(60)}1mmany${E}[m`,
  `${E}[31\x18mcancelled ${E}[31\x1amsubstituted ${E}[3\n1mnewline inside ${E}[?31hunknown ${E}[>4;2m${E}[<u${E}[=1u${E}[!p${E}[$~`,
  `${E}Pq#0;2;0;0;0~~-~${E}\\${E}P+q544e${E}\\${E}_Gi=1;AAAA${E}\\${E}^private${E}\\${E}Xstart of string${E}\\${E}kname${E}\\after strings`,
  `${E}]52;c;aGVsbG8=\x07${E}]4;1;rgb:ff/00/00\x07${E}]10;?\x07${E}]133;A\x07${E}]7;file:///x\x07${E}]9;note\x07${E}]104\x07`,
  `x${E}[200by${E}[0bz${E}[bw\r\n${E}M${E}D${E}E${E}[99A${E}[99B${E}[99C${E}[99D${E}[3E${E}[2F${E}[12\`${E}[5d${E}[3a${E}[2e|`,
];

export function tortureText(cols = 80) {
  const text = [...edges(cols), ...halves(), ...broken(), ...kSequences.flatMap((sequence) => [sequence, "\r\n"])];
  return Buffer.concat(text.map((part) => Buffer.from(part)));
}
