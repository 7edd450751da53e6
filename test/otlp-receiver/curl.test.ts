import { execFile, spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTracesRequest } from "../support/otlp-build.ts";
import { startTestReceiver, type TestReceiver } from "./harness.ts";

const curl = spawnSync("curl", ["--version"], { encoding: "utf8" });
const features = curl.status === 0 ? curl.stdout : "";

let target: TestReceiver;
beforeAll(async () => {
  target = await startTestReceiver();
});
afterAll(() => target.stop());

/** Runs curl with a body on its standard input; gives the status it saw and the HTTP version it spoke. */
function runCurl(options: readonly string[], body: Uint8Array): Promise<{ status: string; version: string }> {
  const fixed = [
    "--silent",
    "--show-error",
    "--max-time",
    "20",
    "--output",
    "/dev/null",
    "--write-out",
    "%{http_code} %{http_version}",
  ];
  return new Promise((resolve, reject) => {
    const child = execFile(
      "curl",
      [...fixed, ...options, "--data-binary", "@-", `${target.url}/v1/traces`],
      (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`curl: ${stderr}`));
        const [status = "", version = ""] = stdout.split(" ");
        resolve({ status, version });
      },
    );
    child.stdin!.end(body);
  });
}

describe.skipIf(features === "")("curl (skipped where it is not installed)", () => {
  const type = ["--header", "Content-Type: application/x-protobuf"];
  const small = buildTracesRequest([{ name: "from curl" }]);
  // Above 1 MiB curl asks for 100 Continue first.
  const large = buildTracesRequest(Array.from({ length: 1_000 }, () => ({ name: "x".repeat(1_500) })));
  const versions: readonly [string, readonly string[], string][] = [
    ["HTTP/1.1", ["--http1.1"], "1.1"],
    ["--http2, which offers h2c and stays with HTTP/1.1", ["--http2"], "1.1"],
    ["--http2-prior-knowledge", ["--http2-prior-knowledge"], "2"],
  ];

  it.each(versions)("exports over %s", async (_name, options, version) => {
    if (options[0] !== "--http1.1" && !features.includes("HTTP2")) return;
    for (const body of [small, large]) {
      const before = target.sink.spans.length;
      expect(await runCurl([...options, ...type], body)).toEqual({ status: "200", version });
      expect(target.sink.spans.length).toBeGreaterThan(before);
    }
    const gzip = ["--header", "Content-Encoding: gzip"];
    expect(await runCurl([...options, ...type, ...gzip], gzipSync(large))).toEqual({
      status: "200",
      version,
    });
    expect(await runCurl([...options, "--header", "Content-Type: text/plain"], small)).toEqual({
      status: "415",
      version,
    });
  });

  it("exports in chunks of unknown length", async () => {
    const before = target.sink.spans.length;
    const chunked = ["--header", "Transfer-Encoding: chunked"];
    expect(await runCurl([...type, ...chunked], large)).toEqual({ status: "200", version: "1.1" });
    expect(target.sink.spans.length).toBe(before + 1_000);
  });
});
