import { createRequire } from "node:module";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { NodeSDK } from "@opentelemetry/sdk-node";

/**
 * What `run --auto` loads into a Node program with `--import`: the SDK, set up by `OTEL_*` variables, with HTTP in and
 * out. A project that wants more installs OpenTelemetry's auto-instrumentations, which are then used instead.
 */
const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] });
sdk.start();
// The instrumentation patches node:http when it is next required; ES imports share the patched object.
createRequire(import.meta.url)("node:http");
process.once("beforeExit", () => void sdk.shutdown());
