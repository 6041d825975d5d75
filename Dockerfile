# One image for `serve`, `work` and `migrate`; the command decides which. How to run it: docs/deployment.md.
# It is built in the same way for amd64 and arm64: what comes from npm is JavaScript and WebAssembly.
#
# Trixie is Debian's stable release, which gets every new Chromium from the security team within days.
# The previous release gets none for chromium-headless-shell once its regular support has ended.

FROM node:24.21.0-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json tsconfig.client.json ./
COPY src src
RUN npm run build

# With a DATABASE_URL and an installed Chromium the program needs neither the embedded Postgres nor the
# browser package, which are optional, nor anything for development.
FROM node:24.21.0-trixie-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
# Traces are optional too; those who run images often have a collector. All that they need is in this folder.
COPY --from=build /build/node_modules/@opentelemetry node_modules/@opentelemetry

FROM node:24.21.0-trixie-slim
LABEL org.opencontainers.image.title="pdfprompt" \
      org.opencontainers.image.description="PDFs as a durable queue on nothing but Postgres" \
      org.opencontainers.image.licenses="MIT"

# Without CJK the image is 90 MB smaller: --build-arg FONTS="fonts-liberation fonts-noto-core".
# Graphics drivers (200 MB) are installed as dependencies; without a graphics card they are never used, so they are removed.
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
COPY examples examples
COPY docs/moving.md docs/moving.md
RUN ln -s /app/bin/pdfprompt.js /usr/local/bin/pdfprompt

# The program writes below /tmp only, so the root file system may be read-only.
# No compiled code is kept: where it could be written, Chromium's user could write it too.
ENV NODE_ENV=production \
    NODE_DISABLE_COMPILE_CACHE=1 \
    CHROME_PATH=/usr/lib/chromium/chromium-headless-shell \
    PDFPROMPT_DATA_DIR=/tmp/pdfprompt \
    HOST=0.0.0.0 \
    PORT=3000 \
    OPS_PORT=9464
EXPOSE 3000 9464

# By number: Kubernetes verifies from it that the user is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
# For `serve` and `work`; the other commands end before the first check.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.OPS_PORT + '/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# tini reaps the child processes of a killed browser.
ENTRYPOINT ["tini", "--", "pdfprompt"]
CMD ["--help"]
