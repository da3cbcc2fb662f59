// Every command of our own runbook, docs/RUNBOOK.md: those that the operators' table has not run already run here, and the few that cannot are named.

/** Commands that another row, another test or nothing here runs: a beginning of the command, and where. */
const kElsewhere = [
  ["./dev test", "is what runs this"],
  ["./dev up", "decided by the tests of the dashboard without Docker; the README's first command"],
  ["./dev build &&", "scripts/image-files.sh makes the image's files in every run"],
  ["docker-compose ...", "no command"],
  ["docker-compose --profile ngrok", "its image cannot be pulled here; its refusals: Operations.TheTunnelRefusesDefaultAndWeakLogins"],
  ["git clone <repo> terminal", "Quick Start"],
  ["cp .env.production.example", "Quick Start"],
  ["git fetch --tags && git checkout v1.0.1", "Rolling Back: deployed v1.0.1 over v1.0.0"],
  ["git checkout v1.0.0; docker-compose down;", "Rolling Back, as three commands"],
  ["./scripts/blue-green.sh v1.0.1 --soak", "Blue/Green Deployment, with --soak 1"],
  ["./scripts/blue-green.sh TAG", "Blue/Green Deployment: the next cycle"],
  ["./scripts/rollback.sh [TAG]", "Rolling Back"],
  ["IMAGE_TAG=v1.0.1 docker-compose up -d dashboard-green", "Blue/Green Deployment, with -f"],
  ["./scripts/restore.sh latest", "Disaster Recovery, with --yes"],
  ["./scripts/maintenance.sh", "the rows of Scheduled Maintenance, and below"],
  ["./scripts/handoff.sh > note.txt", "On-Call Handoff"],
  ["dashboard restore FILE", "Restore.BringsBackTheBackupAndKeepsTheOldDatabase"],
  ["kill -HUP", "tests of the access log"],
  ["systemctl", "no systemd runs here"],
  ["systemd-analyze", "Operations.UnitsOfSystemdAreConfined"],
  ["useradd --system", "no systemd runs here: the user is for its units"],
  ["install -d", "as above"],
  ["cp ops/systemd", "as above"],
];

/** The commands that docs/RUNBOOK.md prints, in code of a line or in blocks. */
export function commandsOf(text) {
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
  const blocks = [...text.matchAll(/^ {4}(\S.*)$/gm)].map(([, code]) => code.replace(/ {2,}#.*/, ""));
  return [...new Set([...inline.filter((code) => /^(\.\/|docker|dashboard |curl|git |system|ss |kill|IMAGE_TAG)/.test(code)), ...blocks])];
}

/** Those that are in no row and not named above. */
export function unchecked(text, rows) {
  const plain = (line) => line.replace(/\\\|/g, "|").replace(/\s+/g, " ").trim();
  const printed = rows.flatMap(({ printed: line, run }) => [line, run].filter((text) => typeof text === "string").map(plain));
  return commandsOf(text).filter((command) => !kElsewhere.some(([begin]) => command.startsWith(begin)) && !printed.some((line) => line.includes(plain(command))));
}

/** Adds the rows to the operators' table; they run in the production clone, while the stack runs. */
export function addOurRows(s, row, part) {
  const inDashboard = (command, rest) => row(command, { run: `docker-compose exec -T dashboard ${command.replace(/ \[.*| NAME.*/, "")}`, why: "inside the container", ours: true, ...rest });
  const ours = (command, rest) => row(command, { ours: true, ...rest });
  part("docs/RUNBOOK.md: Production");
  ours("docker-compose exec dashboard dashboard user add NAME", { run: "docker-compose exec dashboard dashboard user add by-hand", input: "quiet-lantern-39-harbour\nquiet-lantern-39-harbour\n", expect: /by-hand/ });
  ours("docker-compose exec dashboard cat /app/data/setup-code", { code: "any", expect: ({ code, out }) => code === 0 || /No such file/.test(out) });
  part("docs/RUNBOOK.md: Upgrade, backup");
  ours("./scripts/blue-green.sh status", { expect: /blue .*serves, gets the visitors/ });
  ours("./scripts/backup.sh --list", { expect: /dashboard_\d{8}_\d{6}\.db\.gz/ });
  ours("docker-compose exec dashboard dashboard check /backups/dashboard_20241215_020000.db.gz", {
    before: () => s.newestBackup(), run: () => `docker-compose exec dashboard dashboard check /backups/${s.found.newest.split("/").at(-1)}`, why: "the backup of today", expect: /: ok /,
  });
  ours('docker-compose exec dashboard sqlite3 /app/data/dashboard.db ".backup /tmp/copy.db"', { expect: () => true });
  ours("docker exec claude-code-dashboard cat /tmp/copy.db > copy.db", { expect: () => s.must("test \"$(head -c 15 copy.db)\" = 'SQLite format 3' && rm copy.db") });
  ours("docker-compose stop dashboard", { timeout: 60, expect: async () => { await s.must("docker-compose up -d"); await s.waitHealthy(); } });
  part("docs/RUNBOOK.md: Health, when it does not start");
  ours("docker-compose up -d tmux", { timeout: 60, expect: () => s.waitHealthy() });
  ours("docker-compose logs nginx", { expect: /nginx/ });
  ours("docker inspect -f '{{.State.ExitCode}}' claude-code-dashboard", { expect: /^0$/m });
  ours("ss -ltnp", { expect: /127\.0\.0\.1:3000/ });
  part("docs/RUNBOOK.md: Watching, rhythm");
  ours("docker-compose logs | grep ERROR", { code: "any", expect: ({ code }) => code < 2 });
  ours("./scripts/diagnostics.sh", { expect: ({ out }) => s.must(`rm ${out.match(/\/tmp\/incident_\S+\.tar\.gz/)[0]}`) });
  ours("./scripts/maintenance.sh weekly", { timeout: 300, code: "any", expect: /VACUUM and ANALYZE; integrity ok[\s\S]*to look at/ });
  part("docs/RUNBOOK.md: commands of the dashboard");
  inDashboard("dashboard check-config", { expect: () => true });
  inDashboard("dashboard lease", { expect: /"pid"/ });
  inDashboard("dashboard user add NAME [--role viewer|member|admin]", { run: "printf '%s\\n' quiet-lantern-39-harbour | docker-compose exec -T dashboard dashboard user add by-pipe --role viewer", expect: /by-pipe/ });
  inDashboard("dashboard backup", { expect: /\/backups\/dashboard_\d{8}_\d{6}\.db\.gz/ });
  inDashboard("dashboard check [FILE]", { expect: /: ok / });
  inDashboard("dashboard audit verify", { expect: /all in place/ });
  inDashboard("dashboard routes", { expect: /GET +\/api\/sessions/ });
}
