# The images of the stack: `agents` (tmux and what agents run in), `toolchain` (compilers), and `dashboard`, the default. nginx's is ops/nginx/Dockerfile.
#
#   docker build -t claude-code-dashboard .                                  everything from source (some minutes)
#   docker build --build-arg PROGRAMS=prebuilt -t claude-code-dashboard .    from build/image/ (made by scripts/image-files.sh): the CI's way
#   docker build --target agents --build-arg CLAUDE_VERSION=2.1.0 ...        with the claude program in it
#
# Stages are in the order in which the classic builder, which skips none, has least to do.
ARG BASE=debian:bookworm-slim

# --- claude: the agents' program, on demand --------------------------------------------------------------------------------
FROM ${BASE} AS claude
ARG CLAUDE_VERSION=""
ENV DEBIAN_FRONTEND=noninteractive
RUN mkdir -p /out && if [ -n "$CLAUDE_VERSION" ]; then \
      apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm ca-certificates >/dev/null && \
      npm install --silent --no-audit --no-fund --ignore-scripts --prefix /claude "@anthropic-ai/claude-code@$CLAUDE_VERSION" && \
      cp "$(find /claude/node_modules/@anthropic-ai -maxdepth 2 -path '*claude-code-linux-*' -name claude | head -1)" /out/claude; \
    fi

# --- runtime: what every container of ours runs on ---------------------------------------------------------------------------
FROM ${BASE} AS runtime
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
# The owner of projects on most machines is uid 1000: then the agents' files are theirs.
ARG UID=1000
ARG GID=1000
RUN apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends tini bash tmux git curl ca-certificates procps libcap2-bin less openssh-client jq gzip \
      # what the dashboard is linked with
      libargon2-1 libboost-json1.81.0 libssl3 libspdlog1.10 libfmt9 libprometheus-cpp-core1.0 zlib1g libcurl4 libsimdjson14 libdate-tz3 tzdata >/dev/null && \
    rm -rf /var/lib/apt/lists/* && \
    # Its helper needs a right that no container of ours has, and its fork hides the ends of programs from tmux.
    rm -f /usr/lib/*/utempter/utempter /usr/libexec/utempter/utempter && \
    groupadd --gid "$GID" claude && useradd --uid "$UID" --gid "$GID" --create-home --shell /bin/bash claude && \
    install -d -o claude -g claude -m 0700 /run/tmux /app/data /app/data/sessions /backups && \
    install -d -o claude -g claude -m 0755 /srv/projects /app/taps
COPY --from=claude /out/ /usr/local/bin/
COPY ops/tmux.conf /app/tmux.conf
# Where tmux's socket is (a volume that the dashboards share), and the folder that they and the agents call by the same path.
ENV TMUX_TMPDIR=/run/tmux HOME=/home/claude

# --- agents: the tmux server, in a container that upgrades of the dashboard do not touch ---------------------------------------
FROM runtime AS agents
COPY ops/container/agents.sh /app/agents.sh
USER claude
WORKDIR /home/claude
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["/app/agents.sh"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 CMD ["tmux", "-N", "-L", "claude-dashboard", "display-message", "-p", "#{pid}"]

# --- toolchain: compilers and Node; the dev stack's builder runs in it ---------------------------------------------------------
FROM ${BASE} AS toolchain
ARG PROGRAMS=source
ENV DEBIAN_FRONTEND=noninteractive
# The lists of ./dev are the only ones. The folder that it works in is not the checkout: only its packages are wanted here.
COPY dev /toolchain/dev
RUN if [ "$PROGRAMS" = source ]; then \
      apt-get update -qq && apt-get install -y -qq --no-install-recommends bash ca-certificates procps >/dev/null && \
      /toolchain/dev packages >/tmp/packages && \
      xargs -a /tmp/packages apt-get install -y -qq --no-install-recommends >/dev/null && rm -rf /var/lib/apt/lists/* /tmp/packages; \
    fi

# --- programs: the server and the page, from source or from build/image/ --------------------------------------------------------
FROM toolchain AS programs
ARG PROGRAMS=source
WORKDIR /source
COPY . .
RUN if [ "$PROGRAMS" = source ]; then ./dev build && ./scripts/image-files.sh /out; else mkdir /out && cp -a build/image/. /out/; fi && \
    test -x /out/dashboard && test -f /out/page/index.html

# --- dashboard -----------------------------------------------------------------------------------------------------------------
FROM runtime AS dashboard
COPY --from=programs /out/ /app/
COPY ops/container/dashboard.sh ops/container/prepare.sh /app/
COPY scripts/ /scripts/
# The shell of the server's own SQLite comes before any other: Debian's may not write beside the server.
RUN ln -s /app/dashboard /usr/local/bin/dashboard && ln -s /app/sqlite3 /usr/local/bin/sqlite3 && \
    /app/dashboard --version && chmod -R a+rX /app/page /scripts
ARG IMAGE_TAG=unknown
LABEL org.opencontainers.image.title="Claude Code Dashboard" org.opencontainers.image.version="${IMAGE_TAG}"
ENV HOST=0.0.0.0 PORT=3000 DATA_DIR=/app/data DATABASE_PATH=/app/data/dashboard.db BACKUP_DIR=/backups ACCESS_LOG=/tmp/access.log \
    TMUX_START=never STANDBY=yes SETUP_FROM=direct
USER claude
WORKDIR /app
EXPOSE 3000
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["/app/dashboard.sh"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:3000/health"]
