import { clean } from "../query/render/clean.ts";
import { count } from "../query/render/units.ts";
import { literal, pathPattern, shownPath, urlPattern } from "./source-text.ts";
import { codeOf, type ObservedAnswer, type PlannedStep, titleOf } from "./test-plan.ts";

/** What a test in the browser is written from. */
export interface BrowserTest {
  readonly title: string;
  /** Where it comes from, without line breaks. */
  readonly source: string;
  readonly origin: string;
  readonly steps: readonly PlannedStep[];
  /** Steps that did not fit. */
  readonly left: number;
}

/** Milliseconds that an element or an answer is waited for. */
const WAIT_MS = 5_000;

/**
 * A Playwright test: each step listens before it acts and then holds every answer, page and text against what was
 * observed; at its end, that the page logged no error. What failed when recorded is expected to work.
 */
export function browserTest({ title, source, origin, steps, left }: BrowserTest): string {
  const values: string[] = [];
  const withheld = (field: string, chars: number): string => {
    values.push(`// TEST_VALUE_${values.length + 1}: ${clean(field, 60)} (${count(chars, "character")})`);
    return `process.env.TEST_VALUE_${values.length} ?? ""`;
  };
  let answers = 0;
  const nextAnswer = (): string => `answer${++answers}`;
  const body = steps.flatMap((step) => ["", ...stepLines(step, nextAnswer, withheld)]);
  const used = new Set(body.join("\n").match(/answerTo/g) ?? []);
  return [
    `import { expect, ${used.size > 0 ? "type Page, " : ""}test } from "@playwright/test";`,
    "",
    `// ${source}`,
    ...(values.length > 0 ? ["// What was entered is not recorded. Set in the environment:", ...values] : []),
    ...(left > 0 ? [`// The last ${left} steps are left out.`] : []),
    `const BASE_URL = process.env.BASE_URL ?? ${literal(origin)};`,
    "",
    `test.use({ actionTimeout: ${WAIT_MS} });`,
    "",
    `test(${literal(title)}, async ({ page }) => {`,
    "  const errors: string[] = [];",
    '  page.on("pageerror", (error) => errors.push(error.message));',
    '  page.on("console", (message) => {',
    "    // An answer that failed is told here too; the steps hold it against what is expected.",
    '    if (message.type() === "error" && !message.text().startsWith("Failed to load")) errors.push(message.text());',
    "  });",
    ...body,
    "",
    '  expect(errors, "errors of the page").toEqual([]);',
    "});",
    ...(used.size > 0 ? ["", ...HELPER] : []),
    "",
  ].join("\n");
}

const HELPER = [
  "/** Status of the next answer to such a request; says so when none comes. */",
  "function answerTo(page: Page, method: string, path: RegExp): Promise<number | string> {",
  "  return page",
  "    .waitForResponse(",
  "      (response) => response.request().method() === method && path.test(new URL(response.url()).pathname),",
  `      { timeout: ${WAIT_MS} },`,
  "    )",
  "    .then(",
  "      (response) => response.status(),",
  '      () => "no answer",',
  "    );",
  "}",
];

function stepLines(
  { step, answers, pathAfter }: PlannedStep,
  nextAnswer: () => string,
  withheld: (field: string, chars: number) => string,
): string[] {
  const listened = answers.map((answer) => ({ answer, variable: nextAnswer() }));
  return [
    `  await test.step(${literal(titleOf(step))}, async () => {`,
    ...[
      ...listened.map(
        ({ answer: { method, path }, variable }) =>
          `const ${variable} = answerTo(page, ${literal(method)}, ${pathPattern(path)});`,
      ),
      ...codeOf(step, withheld),
      ...listened.map(({ answer, variable }) => expectAnswer(answer, variable)),
      ...(pathAfter === undefined ? [] : [`await expect(page).toHaveURL(${urlPattern(pathAfter)});`]),
    ].map((line) => `    ${line}`),
    "  });",
  ];
}

function expectAnswer({ method, path, status }: ObservedAnswer, variable: string): string {
  return expectStatus(`await ${variable}`, `${method} ${clean(shownPath(path), 120)}`, status);
}

/** A line that holds a status against the one observed. What failed is to succeed: the test is for the repair. */
export function expectStatus(actual: string, request: string, status: number): string {
  return status < 500
    ? `expect(${actual}, ${literal(request)}).toBe(${status});`
    : `expect(String(${actual}), ${literal(`${request} (was ${status} when recorded)`)}).toMatch(/^[23]\\d\\d$/);`;
}
