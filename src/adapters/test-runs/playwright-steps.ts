import type { BrowserContext, TestInfo, TestType } from "@playwright/test";
import { stepSpanId, traceparentOf } from "./test-ids.ts";

/** Where the browser extension looks for the step under which a page acts. */
const PAGE_VARIABLE = "__gasolineTraceparent";
/** A page that stands still, at a dialog or a breakpoint, does not hold up its test. */
const PAGE_MS_MAX = 500;

/** Which step each running test is in, and the browsers that are to know. */
export class StepTraces {
  readonly #tests = new WeakMap<TestInfo, TestTrace>();

  /** A test begins: from now on its steps are told to its browsers. */
  begin(info: TestInfo, traceparent: string): void {
    this.#tests.set(info, new TestTrace(traceparent));
  }

  /** A browser of the test: it learns of the step under way, and of each that follows. */
  async join(info: TestInfo, context: BrowserContext): Promise<void> {
    await this.#tests.get(info)?.join(context);
  }

  /** Whether the browser has been joined to the test. */
  knows(info: TestInfo, context: BrowserContext): boolean {
    return this.#tests.get(info)?.has(context) === true;
  }

  /** `test`, and every test made from it, whose steps are told. */
  watch<A extends object, B extends object>(test: TestType<A, B>): TestType<A, B> {
    const { step, extend } = test;
    const watched = async (title: string, body: StepBody, options?: object): Promise<unknown> => {
      const trace = this.#tests.get(test.info());
      if (trace === undefined) return step(title, body, options);
      return step(title, (info) => trace.run(title, () => body(info)), options);
    };
    return Object.assign(test, {
      step: Object.assign(watched, step),
      extend: (fixtures: Parameters<typeof extend>[0]) => this.watch(extend(fixtures)),
    });
  }
}

type StepBody = Parameters<TestType<object, object>["step"]>[1];

/** One test: the steps it is in, innermost last. */
class TestTrace {
  readonly #own: { readonly traceId: string; readonly spanId: string };
  readonly #contexts = new Map<BrowserContext, { dispose(): Promise<void> }>();
  readonly #counts = new Map<string, number>();
  #open: readonly string[] = [];

  constructor(traceparent: string) {
    const [, traceId = "", spanId = ""] = traceparent.split("-");
    this.#own = { traceId, spanId };
  }

  has(context: BrowserContext): boolean {
    return this.#contexts.has(context);
  }

  async join(context: BrowserContext): Promise<void> {
    if (!this.#contexts.has(context)) await this.#tell(context);
  }

  async run<T>(title: string, body: () => T | Promise<T>): Promise<T> {
    const nth = this.#counts.get(title) ?? 0;
    this.#counts.set(title, nth + 1);
    const spanId = stepSpanId(this.#own.spanId, title, nth);
    this.#open = [...this.#open, spanId];
    await this.#tellAll();
    try {
      return await body();
    } finally {
      this.#open = this.#open.filter((other) => other !== spanId);
      await this.#tellAll();
    }
  }

  async #tellAll(): Promise<void> {
    await Promise.all([...this.#contexts.keys()].map((context) => this.#tell(context)));
  }

  /** Sets the variable in all pages, and in those to come. */
  async #tell(context: BrowserContext): Promise<void> {
    const traceparent = traceparentOf({ ...this.#own, spanId: this.#open.at(-1) ?? this.#own.spanId });
    const said = { name: PAGE_VARIABLE, traceparent };
    try {
      const before = this.#contexts.get(context);
      this.#contexts.set(context, await context.addInitScript(setInPage, said));
      await before?.dispose();
    } catch {
      // A browser that was closed has no pages to come.
      this.#contexts.delete(context);
      return;
    }
    const frames = context.pages().flatMap((page) => page.frames());
    const told = Promise.allSettled(frames.map((frame) => frame.evaluate(setInPage, said)));
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      told,
      new Promise((resolve) => {
        timer = setTimeout(resolve, PAGE_MS_MAX);
      }),
    ]);
    clearTimeout(timer);
  }
}

/** Runs in the page. */
function setInPage({ name, traceparent }: { readonly name: string; readonly traceparent: string }): void {
  Object.defineProperty(globalThis, name, { value: traceparent, configurable: true });
}
