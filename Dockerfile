# The daemon as a sidecar: see docker-compose.yml beside this, and sdk-snippets/docker-compose for your own stack.
FROM node:24-slim AS build
WORKDIR /src
COPY . .
RUN npm ci && npm pack --pack-destination /out

FROM node:24-slim
RUN --mount=type=bind,from=build,source=/out,target=/out \
    npm install --global /out/gasoline360-*.tgz && npm cache clean --force
USER node
WORKDIR /home/node
# A container's loopback is its own, so the daemon listens on all addresses, and then requires GASOLINE_API_KEY.
ENV GASOLINE_HOST=0.0.0.0
EXPOSE 7890 4317 4318
HEALTHCHECK --interval=5s --timeout=2s --start-period=2s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:7890/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["gasoline"]
CMD ["serve"]
