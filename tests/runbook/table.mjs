// Every command and claim of the deployment runbook, in its order: how it is run here, and what must be seen.
//
// A row: { printed, ... } with exactly one of
//   expect:  what must hold; the command runs word for word, with a terminal, in the clone
//   run:     another line that does the same where the printed one cannot be typed into a test (`why` says what differs)
//   claim:   a function that checks a sentence of the runbook
//   not:     why it is not run here (the internet, a person, hours)
// `expect` is a pattern, or a function of { code, out }; `code` is the exit code that is right (0), or "any".
// `ours`: no row of the runbook, but what it needs or what goes past it.
// `timeout` in seconds: for what goes on until somebody stops it, `stops: true` makes that end the right one.

import { addOurRows } from "./own_runbook.mjs";

/** @param s the state that the rows share: folders, helpers, what an earlier row found */
export function table(s) {
  const dev = "-f docker-compose.yml -f docker-compose.dev.yml";
  const prod = "-f docker-compose.yml -f docker-compose.prod.yml";
  const healthy = /"status":\s*"healthy"/;
  const rows = [];
  let section = "";
  const part = (name) => (section = name);
  const row = (printed, rest) => rows.push({ section, printed, ...rest });

  // --- Quick Start ------------------------------------------------------------------------------------------------------------
  part("Quick Start: Local Development");
  row("git clone <repo>", { run: `git clone ${s.repository} terminal`, cwd: () => s.devParent, why: "the repository's address", expect: () => s.enter(s.devClone) });
  row("cd terminal", { cwd: () => s.devParent, expect: () => true });
  row("cp .env.example .env", { expect: () => true });
  row("npm install", { timeout: 300, expect: () => true });
  row("npm run build", { timeout: 1500, expect: () => s.shareBuildCache() });
  row(`docker-compose ${dev} up -d`, { timeout: 2_400, expect: () => true });
  row("open http://localhost:3000", { run: "curl -fsS --retry 60 --retry-delay 1 --retry-all-errors http://localhost:3000/", why: "no browser here: the page is fetched", expect: /<title>/ });
  row("docker-compose logs -f", { timeout: 4, stops: true, expect: /ready/ });
  row("(dev stack) a changed source is compiled and started", { claim: () => s.changeASource(), ours: true });
  row("(dev stack is taken down for what follows)", { run: `docker-compose ${dev} down -v --remove-orphans -t 3`, why: "not in the runbook: both stacks want port 3000", expect: () => true });

  part("Quick Start: Production Deployment");
  row("git clone <repo>", { run: `git clone ${s.repository} terminal`, cwd: () => s.prodParent, why: "the repository's address", expect: () => s.enter(s.prodClone) });
  row("cd terminal", { cwd: () => s.prodParent, expect: () => true });
  row("cp .env.production.example .env.production", { expect: () => s.prepareProduction() });
  row("nano .env.production", { run: s.editSettings, why: "a person edits; here sed sets JWT_SECRET", expect: () => true });
  row("./scripts/deploy.sh production v1.0.0", { timeout: 600, expect: /v1\.0\.0 is deployed \(production\)/ });
  row("curl http://localhost:3000/health", { expect: healthy });
  row("./scripts/smoke-tests.sh http://localhost:3000", { expect: /\d+ passed, 0 failed, 0 skipped/ });

  // --- Pre-Deployment Checklist -------------------------------------------------------------------------------------------------
  part("Pre-Deployment Checklist: Security");
  const preflight = (printed, line) => row(printed, { claim: async () => s.preflightSays(line) });
  preflight("JWT_SECRET is strong (32+ characters, random)", /^ok +JWT_SECRET is/m);
  row("… and a weak one is refused", { claim: async () => s.preflightRefuses("JWT_SECRET", "changeme-changeme-changeme-changeme", /FAIL +JWT_SECRET/) });
  preflight("Not using default ngrok credentials", /^ok +ngrok/m);
  row("… and default ones are refused", { claim: async () => s.preflightRefuses("NGROK_BASIC_AUTH", "admin:password", /FAIL +ngrok: refused/) });
  preflight("All environment files have restricted permissions (600)", /^ok +settings files have mode 600/m);
  preflight("Secrets not committed to version control", /^ok +JWT_SECRET is in no committed file/m);
  preflight("Database path uses persistent storage", /^ok +the database .* persistent/m);
  preflight("ALLOWED_PROJECT_ROOTS and ALLOWED_FILE_ROOTS are restrictive", /^ok +ALLOWED_FILE_ROOTS is restrictive/m);
  row("… and wide ones are refused", { claim: async () => s.preflightRefuses("ALLOWED_FILE_ROOTS", "/", /FAIL +ALLOWED_FILE_ROOTS/) });
  part("Pre-Deployment Checklist: Infrastructure");
  preflight("Docker and Docker Compose installed", /^ok +Docker Compose/m);
  preflight("Sufficient disk space for database backups", /^ok +backups .* MB free/m);
  preflight("Network access verified (localhost port 3000 or Nginx reverse proxy)", /^ok +port 3000 is this stack's/m);
  row("Time synchronization enabled (for JWT validation)", { claim: async () => s.preflightSays(/^(ok|warn) +.*clock/m) });
  preflight("Persistent storage volumes configured", /^ok +the database .* persistent/m);
  part("Pre-Deployment Checklist: Monitoring");
  preflight("Health check endpoint configured", /^ok +the image has a health check/m);
  preflight("Logs are collected and monitored", /^ok +logs are collected/m);
  preflight("Alert thresholds defined", /^ok +alert thresholds/m);
  row("Backup verification complete", { claim: async () => {
    await s.must("./scripts/backup.sh");
    await s.preflightSays(/^ok +the newest backup is good/m, true);
  } });

  // --- Deployment Procedures ----------------------------------------------------------------------------------------------------
  part("Standard Deployment: Step 1");
  row("git pull origin main", { expect: /up to date|Fast-forward|FETCH_HEAD/i });
  row("git log --oneline -10", { env: { GIT_PAGER: "cat" }, expect: /The version under test/ });
  row("npm ci", { timeout: 300, expect: () => true });
  row("npm audit", { code: "any", timeout: 200, expect: ({ code, out }) => s.auditAnswer(code, out) });
  row("npm run build", { timeout: 1500, expect: () => true });
  row("npm run test", { run: "npm run test -- lint", timeout: 300, why: "one part: the whole is the suite that this table is a part of", expect: / 0 failed, / });
  part("Standard Deployment: Step 2");
  row('git tag -a v1.0.1 -m "Release v1.0.1 - Security updates"', { expect: () => true });
  row("git push origin v1.0.1", { expect: /v1\.0\.1/ });
  row("This will trigger CI/CD pipeline automatically", { claim: () => s.workflowTriggers() });
  part("Standard Deployment: Step 3");
  row("curl http://localhost:3000/health | jq", { expect: healthy });
  row("./scripts/smoke-tests.sh http://localhost:3000", { expect: / 0 failed, 0 skipped/ });
  row("docker-compose logs --tail=50", { expect: /dashboard/ });
  part("Standard Deployment: Step 4");
  row("watch -n 5 'docker-compose logs --tail=20'", { timeout: 7, stops: true, expect: /Every 5\.0s|docker-compose logs/ });
  row("docker stats claude-code-dashboard", { timeout: 5, stops: true, expect: /claude-code-dash/ });

  part("Rolling Back");
  row('git tag | grep "^v" | sort -V | tail -5', { expect: /v1\.0\.0[\s\S]*v1\.0\.1/ });
  row("git checkout v1.0.0", { expect: /HEAD is now at/ });
  row("docker-compose down", { timeout: 120, expect: () => true });
  row(`docker-compose ${prod} up -d`, { timeout: 300, expect: () => s.waitHealthy() });
  row("./scripts/smoke-tests.sh http://localhost:3000", { expect: / 0 failed, 0 skipped/ });
  row("docker-compose logs --tail=100 > /tmp/failure-logs.txt", { expect: () => s.fileHas("/tmp/failure-logs.txt", /dashboard/) });
  row("scripts/rollback.sh: the same without ending an agent", { claim: () => s.scriptedRollback(), ours: true });

  part("Blue/Green Deployment");
  row("export IMAGE_TAG=v1.0.1", { expect: () => s.makeTag("v1.0.1") });
  row(`docker-compose ${prod} up -d dashboard-green`, { env: { IMAGE_TAG: "v1.0.1" }, timeout: 120, expect: () => true });
  row("curl http://localhost:3001/health", { before: () => s.until("green answers", async () => /healthy/.test((await s.sh("curl -s http://localhost:3001/health")).out), 30), expect: healthy });
  row("# Update Nginx to point to green", { run: "./scripts/blue-green.sh switch green", why: "the runbook prints no command", expect: /green .*serves, gets the visitors/ });
  row("docker-compose restart nginx", { timeout: 120, expect: () => s.waitHealthy("green") });
  row("sleep 300", { run: "sleep 3", why: "blue stands by; five minutes add nothing here", expect: () => s.standsBy("blue") });
  row("docker-compose down -f docker-compose.blue.yml", {
    run: "docker-compose -f docker-compose.blue.yml down", why: "docker-compose 1.29 prints its usage for -f behind `down`, and changes nothing", timeout: 60,
    before: async () => s.note(`as printed: exit code ${(await s.sh("docker-compose down -f docker-compose.blue.yml", { tty: true })).code}`),
    expect: () => s.waitHealthy("green"),
  });
  row("docker rename claude-dashboard-green claude-dashboard-blue", { expect: () => s.waitHealthy("green") });
  row("(the next cycle) ./scripts/blue-green.sh v1.0.0", { run: "./scripts/blue-green.sh v1.0.0 --soak 1", timeout: 180, why: "brings the stack back to `dashboard`, one version on", ours: true, expect: /v1\.0\.0 serves/ });

  // --- Monitoring & Troubleshooting -----------------------------------------------------------------------------------------------
  part("Health Checks: Application");
  row("curl http://localhost:3000/health | jq", { expect: healthy });
  row("# Expected output: { status, checks: { server, database, tmux }, uptime, timestamp, version }", { claim: () => s.healthShape() });
  part("Health Checks: Database");
  row("docker-compose exec dashboard bash", { input: 'sqlite3 /app/data/dashboard.db "PRAGMA integrity_check;"\nexit\n', expect: /\nok\n/ });
  row('sqlite3 /app/data/dashboard.db "PRAGMA integrity_check;"', { run: 'docker-compose exec dashboard sqlite3 /app/data/dashboard.db "PRAGMA integrity_check;"', why: "inside the container, as the runbook says; it ran in the row above too", expect: /^ok$/m });
  part("Health Checks: tmux");
  row("docker-compose exec dashboard tmux -L claude-dashboard list-sessions", { before: () => s.startSession("runbook"), expect: /^\S+: 1 windows/m });

  part("Issue: Health check returns degraded");
  row("curl http://localhost:3000/health | jq '.checks'", { expect: /"database": "ok"/ });
  row("If database: error", { claim: () => s.databaseError() });
  row("If tmux: error → docker-compose restart dashboard", { claim: () => s.tmuxError(), timeout: 120 });
  row('If claude: "not-installed" → expected; does not degrade', { claim: () => s.claudeMissing() });
  part("Issue: Container exits immediately");
  row("docker-compose logs dashboard | tail -50", { expect: /dashboard/ });
  row("1. JWT_SECRET not set or invalid", { claim: () => s.refusal({ JWT_SECRET: "" }, 78, /JWT_SECRET: is not set/) });
  row("2. ALLOWED_PROJECT_ROOTS not writable", { claim: () => s.refusal({ ALLOWED_PROJECT_ROOTS: "/usr/share" }, 77, /ALLOWED_PROJECT_ROOTS: .*not writable/) });
  row("3. Port 3000 already in use", { claim: () => s.portInUse() });
  row("4. Database corruption", { claim: () => s.corruption() });
  row("docker-compose up -d", { timeout: 120, expect: () => s.waitHealthy() });
  part("Issue: High memory usage");
  row("docker stats --no-stream claude-code-dashboard", { expect: /claude-code-dashboard[\s\S]*MiB/ });
  row("docker-compose exec dashboard ps aux --sort=-%mem", { expect: /\/app\/dash/ });
  row("docker-compose restart dashboard", { timeout: 120, expect: () => s.waitHealthy() });
  part("Issue: Slow responses");
  row(`docker-compose exec dashboard sqlite3 /app/data/dashboard.db "SELECT name FROM sqlite_master WHERE type='table';"`, { expect: /sessions[\s\S]*|audit_logs/ });
  row('docker-compose exec dashboard sqlite3 /app/data/dashboard.db "EXPLAIN QUERY PLAN SELECT * FROM sessions;"', { expect: /SCAN sessions/ });
  row('docker-compose exec dashboard sqlite3 /app/data/dashboard.db "VACUUM; ANALYZE;"', { expect: () => s.waitHealthy() });

  // --- Backup & Recovery --------------------------------------------------------------------------------------------------------
  part("Automated Backup");
  row("docker-compose logs backup | tail -20", { expect: /backup: every/ });
  row("docker-compose exec backup /scripts/backup.sh", { timeout: 120, expect: /published .*dashboard_\d{8}_\d{6}\.db\.gz/ });
  row("ls -lh ./backups/", { expect: /dashboard_\d{8}_\d{6}\.db\.gz/ });
  part("Manual Backup");
  row('docker-compose exec dashboard sqlite3 /app/data/dashboard.db ".backup /tmp/dashboard_backup.db"', { expect: () => true });
  row('sqlite3 /tmp/dashboard_backup.db "PRAGMA integrity_check;"', {
    before: () => s.must("docker cp claude-code-dashboard:/tmp/dashboard_backup.db /tmp/dashboard_backup.db 2>/dev/null || docker exec claude-code-dashboard cat /tmp/dashboard_backup.db > /tmp/dashboard_backup.db"),
    run: 'test -s /tmp/dashboard_backup.db && sqlite3 /tmp/dashboard_backup.db "PRAGMA integrity_check;"',
    why: "the file lies in the container's /tmp: docker exec claude-code-dashboard cat brings it to the host's first", expect: /^ok$/m,
  });
  row("cp /tmp/dashboard_backup.db /mnt/backups/dashboard_$(date +%Y%m%d_%H%M%S).db", { expect: () => s.must("ls /mnt/backups/dashboard_*.db && rm -f /mnt/backups/dashboard_*.db /tmp/dashboard_backup.db") });
  part("Disaster Recovery");
  row("(a mark in the database before it, and a backup with it)", { run: "./scripts/backup.sh", why: "so that the restore shows what came back", ours: true, before: () => s.markDatabase(), expect: () => s.newestBackup() });
  row("docker-compose down", { timeout: 120, expect: () => true });
  row("rm /app/data/dashboard.db", { expect: () => true });
  row("gunzip < /mnt/backups/dashboard_20241215_020000.db.gz > /app/data/dashboard.db", { run: () => `gunzip < ${s.found.newest} > /app/data/dashboard.db`, why: "the backup of today", expect: () => true });
  row('sqlite3 /app/data/dashboard.db "PRAGMA integrity_check;"', { expect: /^ok$/m });
  row("docker-compose up -d", { timeout: 200, expect: () => true });
  row("./scripts/smoke-tests.sh http://localhost:3000", { before: () => s.waitHealthy(), expect: / 0 failed, 0 skipped/ });
  row("(the mark is back)", { claim: () => s.markIsBack(), ours: true });
  row("scripts/restore.sh latest: the same with checks, while agents go on", { run: "./scripts/restore.sh --yes latest", timeout: 120, why: "our own way", ours: true, expect: /restored; .*healthy/ });

  // --- Scheduled Maintenance -----------------------------------------------------------------------------------------------------
  part("Daily Tasks");
  row("curl http://localhost:3000/health", { expect: healthy });
  row("ls -lh /mnt/backups/ | head -10", { expect: /dashboard_\d{8}_\d{6}\.db\.gz/ });
  row("docker-compose logs --since 24h | grep ERROR | wc -l", { run: "docker-compose logs --tail=all | grep ERROR | wc -l", why: "docker-compose 1.29 has no --since (v2 has): all of the log is read; scripts/maintenance.sh daily asks Docker itself", before: () => s.sinceAsPrinted("24h"), expect: /^\d+$/m });
  row("./scripts/maintenance.sh daily", { ours: true, code: "any", expect: /to look at/ });
  part("Weekly Tasks");
  row("npm outdated", { code: "any", timeout: 200, expect: ({ code, out }) => s.registryAnswer(code, out) });
  row("npm update --save", { run: "npm update --save --dry-run", why: "dry: the clone's lock file stays", timeout: 300, code: "any", expect: ({ code, out }) => s.registryAnswer(code, out) });
  row("npm audit", { code: "any", timeout: 200, expect: ({ code, out }) => s.auditAnswer(code, out) });
  row('docker-compose exec dashboard sqlite3 /app/data/dashboard.db "VACUUM; ANALYZE;"', { expect: () => true });
  row('df -h | grep -E "data|backups"', { code: "any", expect: ({ code }) => code === 0 || s.note("nothing matches: here data and backups lie on the root disk; scripts/maintenance.sh weekly asks for their folders") });
  part("Monthly Tasks");
  row("docker pull node:18-slim", { code: "any", timeout: 300, expect: ({ code, out }) => s.pulled(code, out) });
  row("docker-compose build --no-cache dashboard", { env: { PROGRAMS: "prebuilt" }, run: "docker-compose build --no-cache dashboard", why: "PROGRAMS=prebuilt: without compiling", timeout: 900, expect: /Successfully tagged|naming to|Built/ });
  row("./scripts/deploy.sh staging", { before: () => s.prepareStaging(), timeout: 300, why: "on this machine staging takes the place of production, with the same settings", run: "./scripts/deploy.sh staging", expect: /is deployed \(staging\)/ });
  row("git log --oneline main | head -20", { expect: /The version under test/ });
  part("Quarterly Tasks");
  row("npm audit fix", { run: "npm audit fix --dry-run", why: "dry: the clone's lock file stays", timeout: 300, code: "any", expect: ({ code, out }) => s.auditAnswer(code, out) });
  row("npm update", { run: "npm update --dry-run", why: "dry", timeout: 300, code: "any", expect: ({ code, out }) => s.registryAnswer(code, out) });
  row("npm run test:e2e", { run: `cd ${s.checkout} && npm run test:e2e -- crash`, env: { PAGE_KILLS: "3" }, timeout: 300, why: "one file, in the checkout under test: all of them are another part of the suite that this table is a part of", expect: / 0 failed, / });
  row("Disaster recovery drill (restore from backup to test environment)", { claim: () => s.drill() });

  // --- Performance Tuning --------------------------------------------------------------------------------------------------------
  part("Database Optimization");
  row('docker-compose exec dashboard sqlite3 /app/data/dashboard.db "PRAGMA journal_mode = WAL;"', { expect: /^wal$/m });
  row('docker-compose exec dashboard sqlite3 /app/data/dashboard.db "PRAGMA page_size = 4096;"', { expect: () => true });
  row('docker-compose exec dashboard sqlite3 /app/data/dashboard.db "PRAGMA cache_size = 10000;"', { expect: () => s.waitHealthy() });
  part("Resource Limits");
  row("limits: cpus '2', memory 1G; reservations: cpus '0.5', memory 256M", { claim: () => s.limits() });

  // --- Security Operations -------------------------------------------------------------------------------------------------------
  part("Log Monitoring");
  row('docker-compose logs | grep -i "unauthorized\\|failed\\|denied"', { before: () => s.failedLogin(), expect: /login/ });
  row('docker-compose exec dashboard tail -f /tmp/access.log | grep "/files"', { before: () => s.readFilesSoon(), timeout: 15, stops: true, expect: /\/api\/files/ });
  row(`docker-compose exec dashboard sqlite3 /app/data/dashboard.db "SELECT * FROM audit_logs WHERE action LIKE '%error%' LIMIT 10;"`, { expect: () => true });
  part("Regular Security Checks");
  row("docker-compose exec dashboard ls -la /app | grep claude", { expect: /claude +claude .*data/ });
  row("docker-compose exec dashboard capsh --print", { expect: /Current: =\s*$/m });
  row('curl -H "Authorization: Bearer expired-token" http://localhost:3000/api/sessions', { expect: /unauthorized|"code"/ });
  row('curl -H "Authorization: Bearer $TOKEN" "http://localhost:3000/api/files?path=../../../etc/passwd"', { env: () => ({ TOKEN: s.token }), expect: ({ out }) => /"error"/.test(out) && !/root:/.test(out) });

  // --- Escalation, handoff -----------------------------------------------------------------------------------------------------
  part("Escalation Procedures");
  row("Notify on-call team (Slack channel)", { not: "a person; Alertmanager's receiver is a webhook (ops/prometheus/alertmanager.yml)" });
  row("Start incident log", { not: "a person" });
  row("docker-compose logs > /tmp/incident_$(date +%s).txt", { expect: () => s.must("ls /tmp/incident_*.txt && rm -f /tmp/incident_*.txt") });
  row("docker stats --no-stream > /tmp/stats_$(date +%s).txt", { expect: () => s.must("ls /tmp/stats_*.txt && rm -f /tmp/stats_*.txt") });
  row("./scripts/diagnostics.sh: the same with more, secrets removed", { claim: () => s.diagnostics(), ours: true });
  row("docker-compose restart dashboard", { timeout: 120, expect: () => s.waitHealthy() });
  row("If restart fails, rollback to previous version", { claim: () => s.rollbackIsKnown() });
  row('docker-compose logs --since 1h | grep -i "error\\|warn"', { run: 'docker-compose logs --tail=all | grep -i "error\\|warn"', why: "docker-compose 1.29 has no --since (v2 has)", before: () => s.sinceAsPrinted("1h"), code: "any", expect: () => true });
  row("Communicate status, estimate resolution time", { not: "a person" });
  part("On-Call Handoff");
  row("curl http://localhost:3000/health", { expect: healthy });
  row("docker-compose logs --since 8h | grep ERROR | wc -l", { run: "docker-compose logs --tail=all | grep ERROR | wc -l", why: "docker-compose 1.29 has no --since (v2 has)", before: () => s.sinceAsPrinted("8h"), expect: /^\d+$/m });
  row('docker-compose exec dashboard sqlite3 /app/data/dashboard.db "PRAGMA integrity_check;" | head -1', { expect: /^ok$/m });
  row("ls -lhtr /mnt/backups | tail -5", { expect: /dashboard_/ });
  row('df -h | grep -E "data|backups"', { code: "any", expect: () => true });
  row(`docker-compose exec dashboard sqlite3 /app/data/dashboard.db "SELECT COUNT(*) FROM sessions WHERE status='active';"`, { expect: /^\d+$/m });
  row("Handoff Note Template", { run: "./scripts/handoff.sh 2>/dev/null", why: "our script fills it", expect: /Shift Handoff[\s\S]*Status: (Healthy|Warning|Critical)[\s\S]*Session Count: \d+ active sessions[\s\S]*Escalation:/ });
  part("Additional Resources");
  for (const file of ["DEVOPS_ASSESSMENT.md", "CLAUDE_CODE_DASHBOARD_PLAN.md", ".github/workflows/ci-cd.yml", "Dockerfile", "docker-compose.yml", "scripts/deploy.sh", "scripts/smoke-tests.sh"]) {
    row(file, { run: `test -s ${file} && echo is there`, why: "a file", expect: /is there/ });
  }
  addOurRows(s, row, part);
  return rows;
}

