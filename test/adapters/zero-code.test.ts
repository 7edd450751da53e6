import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withZeroCode } from "../../src/adapters/zero-code.ts";

let folder: string;
let hook: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gasoline-zero-code-"));
  const installed = join(folder, "with/node_modules/@opentelemetry/auto-instrumentations-node");
  mkdirSync(installed, { recursive: true });
  mkdirSync(join(folder, "without"));
  mkdirSync(join(folder, "with/src"));
  writeFileSync(
    join(installed, "package.json"),
    '{"name":"@opentelemetry/auto-instrumentations-node","exports":{"./register":"./register.js"}}',
  );
  hook = join(installed, "register.js");
  writeFileSync(hook, "");
  for (const program of [
    "venv/bin/python",
    "venv/bin/opentelemetry-instrument",
    "bin/opentelemetry-instrument",
  ]) {
    mkdirSync(join(folder, program, ".."), { recursive: true });
    writeFileSync(join(folder, program), "#!/bin/sh\n");
    chmodSync(join(folder, program), 0o755);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command in `cwd`, with PATH holding nothing but `path`. */
function instrument(
  command: readonly string[],
  {
    cwd = "without",
    path = "",
    auto,
    javaAgent,
    NODE_OPTIONS,
  }: {
    cwd?: string;
    path?: string;
    auto?: boolean;
    javaAgent?: string;
    NODE_OPTIONS?: string;
  } = {},
) {
  const env = { PATH: join(folder, path), ...(NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS }) };
  return withZeroCode(command, env, { cwd: join(folder, cwd), auto, javaAgent });
}

describe("zero-code instrumentation", () => {
  it("is switched on for Node where the project, or a folder above, has it installed", () => {
    const flag = `--import=${pathToFileURL(hook).href}`;
    for (const cwd of ["with", "with/src"]) {
      expect(instrument(["npm", "run", "dev"], { cwd }).env.NODE_OPTIONS).toBe(flag);
    }
    const kept = instrument(["node", "a.js"], { cwd: "with", NODE_OPTIONS: "--no-warnings" });
    expect(kept.env.NODE_OPTIONS).toBe(`--no-warnings ${flag}`);
  });

  it.each<[string, readonly string[], Parameters<typeof instrument>[1]]>([
    ["nothing is installed", ["node", "a.js"], {}],
    ["it was refused", ["node", "a.js"], { cwd: "with", auto: false }],
    ["the command brings its own", ["node", "--import", "./otel.js", "a.js"], { cwd: "with" }],
    [
      "the environment brings its own",
      ["node", "a.js"],
      { cwd: "with", NODE_OPTIONS: "-r ./instrumentation" },
    ],
    ["the program is another", ["cargo", "run"], { cwd: "with" }],
    ["Python has no wrapper", ["python3", "a.py"], {}],
  ])("leaves the command alone when %s", (_name, command, options) => {
    const { command: after, env, note } = instrument(command, options);
    expect({ after, note, NODE_OPTIONS: env.NODE_OPTIONS }).toEqual({
      after: command,
      note: "",
      NODE_OPTIONS: options?.NODE_OPTIONS,
    });
  });

  it("brings HTTP along for Node when it is asked for and nothing is installed", () => {
    expect(instrument(["node", "a.js"], { auto: true }).env.NODE_OPTIONS).toMatch(
      /^--import=file:.*node-register\.[jt]s$/,
    );
  });

  it("wraps Python with the wrapper beside it, else the one on PATH", () => {
    const python = join(folder, "venv/bin/python");
    expect(instrument([python, "a.py"], { path: "bin" }).command).toEqual([
      join(folder, "venv/bin/opentelemetry-instrument"),
      python,
      "a.py",
    ]);
    expect(instrument(["uvicorn", "a:app"], { path: "bin" }).command).toEqual([
      join(folder, "bin/opentelemetry-instrument"),
      "uvicorn",
      "a:app",
    ]);
  });

  it("gives any command the Java agent that was named", () => {
    expect(instrument(["./gradlew", "run"], { javaAgent: "agent.jar" }).env.JAVA_TOOL_OPTIONS).toBe(
      `-javaagent:${join(folder, "without/agent.jar")}`,
    );
  });
});
