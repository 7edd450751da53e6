import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { buildExtension } from "../../scripts/build-extension.ts";
import { startTestDaemon, type TestDaemon } from "../adapters/daemon.ts";
import { chromiumPath } from "../support/chromium.ts";
import { QUIET_ARGS } from "./browser.ts";
import { recordsOf } from "./records.ts";
import { html, type Site, startSite } from "./site.ts";

/** Longer than the 30 s after which Chromium ends a worker that does nothing. */
const SILENT_MS = 34_000;
/** A new profile on a busy machine. */
const START_MS = 60_000;

/** Chromium without a debugger, which would keep the worker alive. The extension is not paired: no socket does either. */
describe.skipIf(chromiumPath() === undefined)("the worker's lifetime", () => {
  let daemon: TestDaemon;
  let site: Site;
  let folder: string;
  let chromium: ReturnType<typeof spawn>;

  beforeAll(async () => {
    daemon = await startTestDaemon();
    site = await startSite({
      "/": html(`<script>
          // The first tab may be there before the extension.
          if (!("gasoline" in window)) setTimeout(() => location.reload(), 100);
          else {
            console.log("before the silence");
            setTimeout(() => { console.log("after the silence"); fetch("/asked"); }, ${SILENT_MS});
          }
        </script>`),
    });
    folder = mkdtempSync(join(tmpdir(), "gasoline-lifetime-"));
    const { folder: extension } = await buildExtension(join(folder, "extension"));
    writeFileSync(
      join(extension, "config.json"),
      JSON.stringify({ endpoint: daemon.gasoline.url, token: "" }),
    );
    const args = ["--headless=new", "--no-sandbox", ...QUIET_ARGS, `--load-extension=${extension}`];
    chromium = spawn(
      chromiumPath()!,
      [...args, `--user-data-dir=${join(folder, "profile")}`, `${site.url}/`],
      {
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    // Unread, a full pipe would stop the browser.
    chromium.stderr?.resume();
    await vi.waitFor(() => expect(site.last("/")).toBeDefined(), { timeout: START_MS });
  }, 2 * START_MS);
  afterAll(async () => {
    const ended = new Promise((resolve) => chromium?.once("exit", resolve));
    chromium?.kill();
    await ended;
    await site?.close();
    await daemon?.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test("a page that was silent for longer than the worker lives is heard, in the same session", {
    timeout: 60_000,
  }, async () => {
    const records = recordsOf({ daemon });
    const before = await records.log(({ body }) => body === "before the silence");
    await expect.poll(() => site.last("/asked"), { timeout: SILENT_MS + 5_000, interval: 500 }).toBeDefined();
    const after = await records.log(({ body }) => body === "after the silence");
    const request = await records.span(({ attributes }) => String(attributes["url.full"]).endsWith("/asked"));
    expect(site.last("/asked")?.headers.traceparent).toBe(`00-${request.traceId}-${request.spanId}-01`);
    expect(after.attributes["session.id"]).toBe(before.attributes["session.id"]);
    const starts = (await records.logs()).filter(({ eventName }) => eventName === "session.start");
    expect(starts).toHaveLength(1);
  });
});
