// The programs that record.mjs records, each with what a person does in it. `run` returns the program's version.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

import { tortureText } from "./torture.mjs";

const version = (program, ...args) => execFileSync(program, args, { encoding: "utf8" }).split("\n")[0].trim();
const shell = ["bash", "--norc", "--noprofile", "-i"];
const prompt = { PS1: "\\[\\e[1;32m\\]demo\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]$ ", HISTFILE: "/dev/null" };

export const programs = {
  bash: {
    cols: 80, rows: 24,
    async run(r) {
      r.start(shell, prompt);
      await r.shows(/\$ $/m).catch(() => {});
      await r.line("ls --color=always -CF");
      await r.line("ls --color=always -lgGd --time-style=+%Y * .??* | head -20");
      await r.line("for i in $(seq 1 40); do printf '\\e[48;5;%dm %3d \\e[0m' $i $i; done; echo");
      await r.type("echo a line that is edited and is longer than the terminal is wide so that it wraps around");
      await r.keys("C-a", "M-f", "M-f", "C-k", "C-y", "C-e", "M-b", "M-u", "C-a");
      await r.type("X日本Y");
      await r.keys("BSpace", "BSpace", "C-e", "Enter");
      await r.keys("C-r");
      await r.type("seq");
      await r.keys("C-g", "Up", "Up", "Down", "C-c");
      await r.type("cat docs/no");
      await r.keys("Tab", "Enter");
      await r.line("printf 'tabs\\there\\tand\\tthere\\b\\b!\\r\\n'; tput cup 5 10; tput el; tput setaf 3; echo there; tput sgr0");
      await r.line("cat long.txt | head -60");
      await r.line("clear; tput smul; echo underlined; tput rmul; tput rev; echo reversed; tput sgr0");
      await r.resize(60, 20);
      await r.line("head -12 long.txt");
      await r.resize(130, 34);
      await r.line("echo wide again; seq 1 50");
      await r.resize(80, 24);
      await r.line("exit");
      return version("bash", "--version");
    },
  },
  ls: {
    cols: 120, rows: 30,
    async run(r) {
      r.start(["sh", "-c", "ls --color=always -lgG --time-style=+%Y /usr/bin /etc/init.d /usr/share/zoneinfo; sleep 1"], { LS_COLORS: "di=01;34:ln=01;36:ex=38;5;118;4:or=40;31;01:*.gz=48;2;40;0;90;38;2;255;200;0" });
      await r.shows(/./);
      return version("ls", "--version");
    },
  },
  "vim-edit": {
    cols: 100, rows: 30,
    async run(r) {
      r.start(["vim", "-u", "NONE", "-N", "--cmd", "set noswapfile viminfo= ruler showcmd", "-c", "syntax on | set number hlsearch incsearch cursorline laststatus=2 termguicolors background=dark", "src/main.c"]);
      await r.still();
      await r.keys("G", "O");
      await r.type("// Ein Kommentar mit Umlauten äöü, 漢字 und 😀.");
      await r.keys("Escape", "g", "g", "V", "j", "j", "j", "y", "G", "p", "u", "C-r");
      await r.type("/words\n");
      await r.keys("n", "n", "N");
      await r.type(":%s/words/Wörter/g\n");
      await r.type(":split docs/notes.md\n");
      await r.still();
      await r.keys("C-w", "j", "C-d", "C-u", "C-f", "C-b", "z", "z");
      await r.type(":vsplit long.txt\n");
      await r.keys("C-d", "C-d", "C-e", "C-e", "C-y", "C-v", "j", "j", "j", "l", "l", "d", "u");
      await r.type(":set wrap! list\n");
      await r.keys("C-w", "=", "C-w", "o");
      await r.type(":help\n");
      await r.still();
      await r.type(":qa!\n");
      await r.still();
      return version("vim", "--version");
    },
  },
  "vim-resize": {
    cols: 80, rows: 24,
    async run(r) {
      r.start(["vim", "-u", "NONE", "-N", "--cmd", "set noswapfile viminfo= ruler", "-c", "syntax on | set laststatus=2", "long.txt"]);
      await r.still();
      await r.keys("C-f", "C-f");
      await r.resize(50, 15);
      await r.keys("C-f", "C-b");
      await r.type(":vsplit docs/notes.md\n");
      await r.resize(120, 40);
      await r.keys("C-w", "w", "C-d");
      await r.type("oeine neue Zeile");
      await r.keys("Escape");
      await r.resize(80, 24);
      await r.type(":qa!\n");
      return version("vim", "--version");
    },
  },
  htop: {
    cols: 100, rows: 30,
    async run(r) {
      const load = "for i in 1 2 3; do (while :; do :; done) & done; sleep 1000 & exec htop -d 20";
      r.start(["sh", "-c", load]);
      await delay(4500);
      for (const key of ["F5", "Down", "Down", "F6", "Escape", "F2", "Down", "Down", "Escape", "F1", "Escape"]) {
        r.tmux.key("rec", key);
        await delay(350);
      }
      await r.resize(80, 24, 250);
      await delay(1200);
      r.tmux.key("rec", "q");
      return version("htop", "--version");
    },
  },
  less: {
    cols: 80, rows: 24,
    async run(r) {
      r.start(["less", "-R", "-M", "+Gg", "long.txt"], { LESSHISTFILE: "-" });
      await r.still();
      await r.keys("Space", "Space", "b", "j", "j", "k", "d", "u", "G", "g");
      await r.type("/lazy dog\n");
      await r.keys("n", "n", "N");
      await r.type("?line 1\n");
      await r.type("-S\n");
      await r.keys("Right", "Left", "h");
      await r.still();
      await r.keys("q", "q");
      return version("less", "--version");
    },
  },
  "git-log": {
    cols: 110, rows: 30,
    async run(r) {
      const git = "git -C repository -c core.pager=cat -c color.ui=always";
      r.start(["sh", "-c", `${git} log --graph --decorate --all; ${git} log --graph --oneline --all --stat; ${git} diff HEAD~9 HEAD; ${git} show --stat --format=fuller HEAD; git -C repository log --graph --color --all --oneline | less -RFX; sleep 1`], { LESS: "R", GIT_CONFIG_GLOBAL: "/dev/null" });
      await r.still();
      await r.keys("Space", "Space", "q");
      return version("git", "--version");
    },
  },
  tig: {
    cols: 100, rows: 30,
    async run(r) {
      r.start(["tig", "--all"], { TIGRC_USER: "/dev/null", GIT_CONFIG_GLOBAL: "/dev/null" }, "/srv/demo/repository");
      await r.still();
      await r.keys("j", "j", "Enter", "j", "j", "Tab", "j", "Enter", "Space", "PageDown", "Q");
      return version("tig", "--version");
    },
  },
  progress: {
    cols: 100, rows: 30,
    async run(r) {
      r.start(["sh", "-c", "bash ./progress.sh; sleep 2"], { COLUMNS: "100", LINES: "30" });
      await r.shows(/✔ done/, 60_000);
      return "a script that behaves like cargo, docker and apt";
    },
  },
  python: {
    cols: 80, rows: 24,
    async run(r) {
      r.start(["/usr/bin/python3", "-q", "-i", "-c", "import readline"], { PYTHONDONTWRITEBYTECODE: "1" });
      await r.shows(/>>>/);
      await r.line("import math, sys");
      await r.line("[round(math.sin(i / 3), 3) for i in range(60)]");
      await r.line("def f(n):");
      await r.line("    return n if n < 2 else f(n - 1) + f(n - 2)");
      await r.line("");
      await r.line("print('\\n'.join('%2d %s' % (i, '▇' * f(i)) for i in range(12)))");
      await r.line("'日本語 ' * 30");
      await r.line("1 / 0");
      await r.keys("Up", "Up", "Up", "C-a");
      await r.type("print(");
      await r.keys("C-e");
      await r.line(")");
      await r.line("for i in range(3): sys.stdout.write('\\r%d' % i)");
      await r.line("");
      await r.keys("C-d");
      return version("/usr/bin/python3", "--version");
    },
  },
  nano: {
    cols: 80, rows: 24,
    async run(r) {
      r.start(["nano", "--ignorercfiles", "--linenumbers", "--syntax=c", "src/main.c"]);
      await r.still();
      await r.keys("C-v", "C-y", "Down", "Down", "End", "Enter");
      await r.type("/* nano was here: ☕ 漢字 */");
      await r.keys("C-k", "C-u", "C-u", "C-w");
      await r.type("words\n");
      await r.keys("M-w", "C-g");
      await r.still();
      await r.keys("C-v", "C-x", "C-c", "C-x", "n");
      return version("nano", "--version");
    },
  },
  whiptail: {
    cols: 80, rows: 24,
    async run(r) {
      r.start(["sh", "-c", "whiptail --title Choose --menu 'One of these' 15 60 5 a Apfel b Birne c 桜 d Dattel; whiptail --yesno 'Go on?' 8 40; (for i in $(seq 0 5 100); do echo $i; sleep 0.02; done) | whiptail --gauge 'Working' 6 50 0; whiptail --checklist 'Any of these' 14 50 4 1 one on 2 two off 3 three on; sleep 1"]);
      await r.still();
      await r.keys("Down", "Down", "Up", "Enter", "Tab", "Tab", "Enter");
      await r.still();
      await r.keys("Space", "Down", "Space", "Tab", "Enter");
      return version("whiptail", "--version");
    },
  },
  dialog: {
    cols: 80, rows: 24,
    async run(r) {
      r.start(["sh", "-c", "dialog --title Menu --menu 'Choose one' 15 50 5 1 One 2 Two 3 Three; dialog --calendar 'A day' 0 0 1 2 2024; dialog --textbox long.txt 20 70; (for i in $(seq 0 10 100); do echo $i; sleep 0.02; done) | dialog --gauge Working 7 50; clear; sleep 1"]);
      await r.still();
      await r.keys("Down", "Enter");
      await r.still();
      await r.keys("Tab", "Down", "Right", "Enter");
      await r.still();
      await r.keys("Down", "Down", "PageDown", "Right", "Enter");
      await r.still();
      return version("dialog", "--version");
    },
  },
  mc: {
    cols: 100, rows: 30,
    async run(r) {
      r.start(["mc", "-d", "--nosubshell", "-S", "default"], { MC_HOME: "/srv/demo/.mc" });
      await r.still(800);
      await r.keys("Down", "Down", "Tab", "F9", "Right", "Right", "Down", "Down", "Escape");
      await delay(800);
      await r.keys("Home", "Down", "Down", "End", "C-t", "Up", "C-t");
      await r.resize(80, 24);
      await r.keys("F10");
      return version("mc", "--version");
    },
  },
  man: {
    cols: 90, rows: 30,
    async run(r) {
      r.start(["man", "-P", "less -R", "bash"], { MANROFFOPT: "-c", LESSHISTFILE: "-", GROFF_NO_SGR: "1", LESS_TERMCAP_md: "\x1b[1;38;5;208m", LESS_TERMCAP_me: "\x1b[0m", LESS_TERMCAP_us: "\x1b[4;36m", LESS_TERMCAP_ue: "\x1b[0m" });
      await r.shows(/BASH\(1\)/, 30_000);
      await r.still();
      await r.keys("Space", "Space", "Space");
      await r.type("/parameter expansion\n");
      await r.keys("n", "n", "b", "j", "j", "j", "k", "q");
      return version("man", "--version");
    },
  },
  vttest: {
    cols: 80, rows: 24,
    async run(r) {
      r.start(["vttest", "-q", "24x80.132"]);
      await r.shows(/Enter choice/);
      const go = async (pages) => {
        for (let i = 0; i < pages; ++i) {
          r.tmux.key("rec", "Enter");
          await r.still(200);
        }
      };
      const choose = async (number, pages) => {
        await r.line(String(number));
        for (let i = 0; i < pages && !/Enter choice/.test(r.tmux.screen("rec")); ++i) await go(1);
      };
      await choose(1, 12); // cursor movements
      await choose(2, 20); // screen features
      await choose(8, 20); // VT102: insert and delete
      await r.line("11"); // not VT100
      await r.line("6"); // ISO 6429
      await r.line("2"); // cursor movement: CHT, CBT, HPA, VPA, CNL, CPL, REP
      for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) await choose(number, 4);
      await r.line("0");
      await r.line("0");
      await r.line("0");
      await r.line("0");
      return version("vttest", "-V");
    },
  },
  torture: {
    cols: 80, rows: 24,
    async run(r) {
      writeFileSync("/srv/demo/torture.txt", tortureText());
      r.start(["sh", "-c", "cat torture.txt; sleep 1"]);
      await r.still();
      return "cat of a file of odd characters and sequences";
    },
  },
};
