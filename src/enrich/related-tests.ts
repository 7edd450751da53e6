import { posix } from "node:path";

/** A test that has to do with a file, how that is known, and how surely. */
export interface RelatedTest {
  /** Path from the workspace's root, or the test's id where it was seen running. */
  readonly test: string;
  readonly method: "coverage" | "trace" | "name";
  /** 0 to 1. */
  readonly confidence: number;
}

/** What a test of `NAME.EXT` is called. `NAME` is the file's name without its extension. */
const NAMES: readonly { readonly ext: RegExp; readonly pattern: (name: string) => RegExp }[] = [
  {
    ext: /^(?:[cm]?[jt]sx?|vue|svelte)$/,
    pattern: (name) => new RegExp(`^${name}[._-](?:test|spec|cy|e2e)\\.[cm]?[jt]sx?$`),
  },
  { ext: /^py$/, pattern: (name) => new RegExp(`^(?:test_${name}|${name}_test)\\.py$`) },
  { ext: /^go$/, pattern: (name) => new RegExp(`^${name}_test\\.go$`) },
  { ext: /^rb$/, pattern: (name) => new RegExp(`^(?:${name}_(?:test|spec)|test_${name})\\.rb$`) },
  {
    ext: /^(?:java|kt|scala|groovy)$/,
    pattern: (name) => new RegExp(`^${name}(?:Tests?|IT|Spec)\\.(?:java|kt|scala|groovy)$`),
  },
  { ext: /^cs$/, pattern: (name) => new RegExp(`^${name}Tests?\\.cs$`) },
  { ext: /^php$/, pattern: (name) => new RegExp(`^${name}Test\\.php$`) },
  { ext: /^rs$/, pattern: (name) => new RegExp(`^${name}(?:_test)?\\.rs$`) },
];

/** Folders that stand for the same place in a tree of sources and in one of tests. */
const ROOTS = new Set([
  "src",
  "lib",
  "app",
  "main",
  "test",
  "tests",
  "spec",
  "__tests__",
  "unit",
  "java",
  "kotlin",
]);
const TEST_FOLDER = /(?:^|\/)(?:tests?|specs?|__tests__)\//;
const BESIDE = 0.7;
const ELSEWHERE = 0.4;

/**
 * Tests that by their name are those of `path` (both from the workspace's root), the surest first: 0.7 in the same or
 * the mirrored folder, else 0.4. Nothing was run to know that.
 */
export function testsByName(path: string, files: readonly string[]): RelatedTest[] {
  const { name, ext } = posix.parse(path);
  const rule = NAMES.find((each) => each.ext.test(ext.slice(1)));
  if (rule === undefined) return [];
  const pattern = rule.pattern(name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return files
    .filter((file) => file !== path && pattern.test(posix.basename(file)))
    .filter((file) => ext !== ".rs" || TEST_FOLDER.test(file))
    .map((test) => ({
      test,
      method: "name" as const,
      confidence: mirrored(path) === mirrored(test) ? BESIDE : ELSEWHERE,
    }))
    .sort((a, b) => b.confidence - a.confidence || (a.test < b.test ? -1 : 1));
}

/** A path's folder without the segments that only tell sources from tests. */
function mirrored(path: string): string {
  return posix
    .dirname(path)
    .split("/")
    .filter((segment) => segment !== "." && !ROOTS.has(segment))
    .join("/");
}
