/** A line of `go test -json` (cmd/test2json). */
export interface GoEvent {
  readonly Time?: string;
  readonly Action: string;
  readonly Package?: string;
  readonly ImportPath?: string;
  readonly Test?: string;
  readonly Elapsed?: number;
  readonly Output?: string;
}

/** What the test binary prints only because `-json` makes it verbose. */
export const VERBOSE = /^(?:=== (?:RUN|PAUSE|CONT|NAME|ATTR|ARTIFACTS)\b|\s*--- (?:PASS|SKIP): )/;
/** The first line of what a test logs. */
export const LOGGED = /^\s+[\w-]+\.go:\d+: /;
const FAILED = /^\s*(--- FAIL: .*\n?)/;
const CONTINUED = /^ {8}/;
/** The last lines of a package that passed or has no tests. */
const VERDICT = /^(?:ok |\? )/;
const INDENT = "    ";

/** One test while it runs: what it logged, and its failed subtests, as `go test` shows them should it fail. */
interface Told {
  header: string;
  readonly lines: string[];
  logging: boolean;
}

interface Package {
  readonly lines: string[];
  readonly tests: Map<string, Told>;
}

/** Prints what `go test` without `-v` prints, from what it tells with `-json`. */
export interface GoSummary {
  accept(event: GoEvent): void;
}

/**
 * Without `-v` a package is told when it has ended: by one line when it passed; else by what its tests printed, and
 * for each failed test its header, its log lines and its failed subtests, each level indented by four spaces
 * (package testing, `flushToParent`).
 */
export function createGoSummary(print: (text: string) => void): GoSummary {
  const packages = new Map<string, Package>();

  function accept(event: GoEvent): void {
    const name = event.Package ?? "";
    const each = packages.get(name) ?? { lines: [], tests: new Map<string, Told>() };
    packages.set(name, each);
    if (event.Action === "output") output(each, event.Test, event.Output ?? "");
    else if (event.Test !== undefined && event.Action === "fail") failed(each, event.Test);
    else if (event.Test === undefined && ENDED.has(event.Action)) {
      const shown = event.Action === "fail" ? each.lines : each.lines.filter((line) => VERDICT.test(line));
      print(shown.join(""));
      packages.delete(name);
    }
  }

  return { accept };
}

const ENDED = new Set(["pass", "fail", "skip"]);

function output(each: Package, test: string | undefined, text: string): void {
  if (test === undefined) {
    each.lines.push(text);
    return;
  }
  const told = toldOf(each, test);
  const header = FAILED.exec(text)?.[1];
  if (header !== undefined) told.header = header;
  else if (LOGGED.test(text) || (told.logging && CONTINUED.test(text))) {
    told.logging = true;
    told.lines.push(text);
  } else {
    told.logging = false;
    // What a test prints past its log is shown at once, whatever becomes of it.
    if (!VERBOSE.test(text)) each.lines.push(text);
  }
}

function failed(each: Package, test: string): void {
  const { header, lines } = toldOf(each, test);
  each.tests.delete(test);
  if (header === "") return;
  const slash = test.lastIndexOf("/");
  const block = [header, ...lines];
  if (slash < 0) each.lines.push(...block);
  else toldOf(each, test.slice(0, slash)).lines.push(...block.map((line) => INDENT + line));
}

function toldOf(each: Package, test: string): Told {
  const told = each.tests.get(test) ?? { header: "", lines: [], logging: false };
  each.tests.set(test, told);
  return told;
}
