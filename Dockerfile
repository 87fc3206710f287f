# The built-in agent: docker build -t greenroom:dev . && docker run -p 8000:8080 greenroom:dev
# Your own agent on top of it: see "On Kubernetes" in docs/running.md.

# The version of Node is that of package-lock.json.
#
# Compiles the package, as `npm run build` does, without its papers: they change more often. Install scripts are not run: they fetch another Node, and we have one.
FROM node:24.21.0-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
COPY workers workers
RUN node scripts/pack.ts --bare && find dist -name '*.d.ts' -delete

# What it needs to run, in the versions of the lock file. The SDKs are parts of the package.
FROM node:24.21.0-slim AS packages
WORKDIR /packages
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  # Of the runtime of the speech model one program is used, of 17: 14 of 138 MB.
  && find node_modules/onnxruntime-web/dist -type f ! -name 'ort.wasm.bundle.min.mjs' ! -name 'ort-wasm-simd-threaded.wasm' -delete

FROM node:24.21.0-slim
# MALLOC_…: large blocks of memory that an agent frees, or leaves behind at its end, go back to the kernel at once. Measured: 268 MiB
# in place of 2,600 after ten sessions that took all the Buffers they could.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/compile-cache \
    MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    GREENROOM_HOST=0.0.0.0 \
    GREENROOM_PORT=8080
# The first process of a container has to pass signals on, end at SIGTERM before Node has a handler for it, and reap what
# was left behind; Node as that process does neither of the last two. Kubernetes has no --init.
RUN apt-get update -qq \
  && apt-get install -y -qq --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=packages /packages/node_modules node_modules
COPY --from=build /src/dist ./
# Agents below /app import "greenroom", whatever package they are in.
RUN ln -s .. node_modules/greenroom && mkdir compile-cache && chown 1000:1000 compile-cache
# The user "node", as a number, by which Kubernetes knows that it is not root.
USER 1000:1000
# Fills the compile cache with the SDK of every provider: by serving once, and by loading Stream's, which the built-in agent
# does not use. The keys are never used; that services cannot be reached with them is logged, and shown where the step fails.
# The cache belongs to the user who fills it: another one would not find it.
RUN export GOOGLE_API_KEY=unused DEEPGRAM_API_KEY=unused ELEVENLABS_API_KEY=unused; \
  node src/runner/bin.js serve --host 127.0.0.1 --drain-announce-ms 0 --warm-sessions 1 > /tmp/serve.log 2>&1 & server=$!; \
  { node -e 'const asked = Date.now(); (async function ask() { \
    const answer = await fetch(`http://127.0.0.1:${process.env.GREENROOM_PORT}/serving`).catch(() => null); \
    if (!answer?.ok) Date.now() - asked < 60_000 ? setTimeout(ask, 200) : process.exit(1); })()' \
  && kill -TERM $server && wait $server; } || { cat /tmp/serve.log; exit 1; }; \
  rm /tmp/serve.log \
  && node -e 'import("greenroom/stream").then(({ preload }) => preload())'
COPY README.md LICENSE ./
EXPOSE 8080
# Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.GREENROOM_PORT}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "-s", "--", "node", "src/runner/bin.js"]
CMD ["serve"]
