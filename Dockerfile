# One image for `serve`, `work` and `migrate`; the command chooses. docs/deployment.md says how to run it.
#
# Trixie is Debian's stable release: its security team brings every new Chromium there within days.
# In the release before, chromium-headless-shell gets none once its regular support has ended.

FROM node:24.21.0-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

# What the program needs when it has a DATABASE_URL and a Chromium: no embedded Postgres and no
# unpacked browser, which are optional, and nothing for development.
FROM node:24.21.0-trixie-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-trixie-slim
LABEL org.opencontainers.image.title="pdfprompt" \
      org.opencontainers.image.description="PDFs as a durable queue on nothing but Postgres" \
      org.opencontainers.image.licenses="MIT"

# Without CJK the image is 90 MB smaller: --build-arg FONTS="fonts-liberation fonts-noto-core".
# Drivers of graphics cards (200 MB) come along as dependencies, and are never opened without one.
ARG FONTS="fonts-liberation fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji"
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    chromium-headless-shell fontconfig iproute2 tini ${FONTS} \
  && rm -f /usr/lib/*/libLLVM* /usr/lib/*/libgallium* /usr/lib/*/libz3* \
  && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
  && rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* \
  && groupadd --gid 10001 pdfprompt \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin pdfprompt

WORKDIR /app
COPY --from=dependencies /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE CHANGELOG.md ./
COPY bin bin
COPY sql sql
RUN ln -s /app/bin/pdfprompt.js /usr/local/bin/pdfprompt

# Nothing is written but below /tmp, so the root file system may be read-only.
ENV NODE_ENV=production \
    CHROME_PATH=/usr/lib/chromium/chromium-headless-shell \
    PDFPROMPT_DATA_DIR=/tmp/pdfprompt \
    HOST=0.0.0.0 \
    PORT=3000 \
    OPS_PORT=9464
EXPOSE 3000 9464

# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
# Of `serve` and `work`: the other commands are over before it is asked.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.OPS_PORT + '/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# tini reaps what a killed browser leaves behind.
ENTRYPOINT ["tini", "--", "pdfprompt"]
CMD ["--help"]
