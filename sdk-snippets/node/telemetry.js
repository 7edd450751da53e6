// Loaded before the app (`node --import ./telemetry.js app.js`), so that `node:http` is instrumented by the time the app
// imports it. Endpoint, headers and service name come from OTEL_* variables.
import { createRequire } from "node:module";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { NodeSDK } from "@opentelemetry/sdk-node";

const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] });
sdk.start();
// The instrumentation patches `node:http` when it is required; ES imports share the patched object.
createRequire(import.meta.url)("node:http");

// What was not sent yet is sent before the process ends.
process.once("SIGTERM", async () => {
  await sdk.shutdown();
  process.exit(0);
});
