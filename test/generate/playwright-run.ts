import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { chromiumPath } from "../support/chromium.ts";

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const CLI = join(MODULES, "@playwright/test/cli.js");

/** What Playwright's JSON report says of a run. */
export interface Run {
  readonly passed: boolean;
  /** Of every failure, without colours. */
  readonly messages: readonly string[];
  /** Problems before any test ran. */
  readonly broken: readonly string[];
}

interface Report {
  readonly errors: readonly { readonly message: string }[];
  readonly stats: { readonly expected: number; readonly unexpected: number };
  readonly suites: readonly Suite[];
}
interface Suite {
  readonly suites?: readonly Suite[];
  readonly specs: readonly {
    readonly tests: readonly {
      readonly results: readonly { readonly errors: readonly { message: string }[] }[];
    }[];
  }[];
}

/** Runs a test file with @playwright/test as a person would, against `baseUrl`. */
export async function runPlaywright(
  content: string,
  baseUrl: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "gasoline-playwright-"));
  try {
    symlinkSync(MODULES, join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    writeFileSync(join(folder, "recorded.spec.ts"), content);
    const launchOptions = { executablePath: chromiumPath(), args: ["--no-sandbox"] };
    const config = { testDir: ".", workers: 1, use: { launchOptions } };
    writeFileSync(join(folder, "playwright.config.ts"), `export default ${JSON.stringify(config)};`);
    const output = await new Promise<string>((resolve) => {
      const options = {
        cwd: folder,
        env: { PATH: process.env.PATH, BASE_URL: baseUrl, ...env },
        maxBuffer: 1 << 26,
      };
      // The exit code says that a test failed, which the report says better.
      execFile(process.execPath, [CLI, "test", "--reporter=json"], options, (_error, stdout, stderr) =>
        resolve(stdout || `{"errors":[{"message":${JSON.stringify(stderr)}}],"stats":{},"suites":[]}`),
      );
    });
    const report = JSON.parse(output) as Report;
    const results = specsOf(report.suites).flatMap(({ tests }) => tests.flatMap((test) => test.results));
    return {
      passed: report.stats.expected > 0 && report.stats.unexpected === 0,
      messages: results.flatMap(({ errors }) =>
        errors.map(({ message }) => stripVTControlCharacters(message)),
      ),
      broken: report.errors.map(({ message }) => message),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function specsOf(suites: readonly Suite[]): Suite["specs"][number][] {
  return suites.flatMap((suite) => [...suite.specs, ...specsOf(suite.suites ?? [])]);
}
