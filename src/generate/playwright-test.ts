import { GasolineError } from "../model/errors.ts";
import { SESSION_KEYS } from "../query/filter.ts";
import { clean } from "../query/render/clean.ts";
import { count, isoTime } from "../query/render/units.ts";
import type { RecordFilter, StoredRecord, TelemetryStore } from "../store/telemetry-store.ts";
import { type BrowserPlan, planSession } from "./browser-steps.ts";
import { browserTest } from "./browser-test.ts";
import type { Artifact } from "./generate.ts";
import {
  askedTrace,
  entryOf,
  type GenerateQuestion,
  readRequests,
  readTrace,
  sessionIs,
  windowOf,
} from "./records.ts";
import { textOf } from "./request-facts.ts";
import { repeatable, requestTest } from "./request-test.ts";
import { isWithheld, pathOf } from "./test-plan.ts";
import { readFlow } from "./user-flow.ts";

const RECORDS_MAX = 5_000;
/** Requests of a window without a browser: the newest. */
const REQUESTS_MAX = 30;
/** Traces whose server side is asked for the route of a request. */
const TRACES_MAX = 50;

/**
 * A Playwright test of what was seen: of a recording, else of what a person did in a browser (the session asked for,
 * that of the trace, or the newest), else of the requests that began the traces.
 */
export async function writeTest(question: GenerateQuestion): Promise<Artifact> {
  const { recording } = question.request;
  if (recording !== undefined) return recordedTest(question, recording);
  const session = await sessionOf(question);
  const records = session === undefined ? [] : await sessionRecords(question, session);
  const plan = planSession(records, await routesOf(question.store, records));
  return plan === undefined || session === undefined
    ? testOfRequests(question)
    : testOfSession(question, session, plan);
}

function testOfSession(
  { request }: GenerateQuestion,
  session: string,
  { steps, origin, errors }: BrowserPlan,
): Artifact {
  const title = request.test_name ?? request.description ?? `what was done in session ${clean(session, 40)}`;
  const failed = steps.flatMap(({ answers }) => answers).filter(({ status }) => status >= 500).length;
  const answers = steps.reduce((sum, step) => sum + step.answers.length, 0);
  const wrong = errors + failed;
  const withheld = steps.filter(({ step }) => isWithheld(step)).length;
  return artifact({
    fileName: title,
    about: `A Playwright test of ${count(steps.length, "step")} that checks ${count(answers, "answer")}.${wrong === 0 ? "" : ` When recorded, ${count(failed, "answer")} failed and ${count(errors, "error")} came up: the test fails until that is repaired.`}${withheld === 0 ? "" : ` What was typed stays in the browser: set TEST_VALUE_1${withheld === 1 ? "" : ` to TEST_VALUE_${withheld}`} as its head says.`}`,
    noun: "step",
    rowsMax: steps.length,
    write: (rows) =>
      browserTest({
        title,
        source: `Written by gasoline from what was seen in session ${clean(session, 60)}.`,
        origin,
        steps: steps.slice(0, rows),
        left: steps.length - rows,
      }),
  });
}

function recordedTest({ request, context }: GenerateQuestion, recording: unknown): Artifact {
  const isName = typeof recording === "string";
  const { title: recorded, steps } = readFlow(
    isName ? context.state.readRecording(recording) : recording,
    isName ? `The recording ${recording}` : "context.recording",
  );
  const [first] = steps;
  if (first?.type !== "navigate") {
    throw new GasolineError(
      "bad_parameter",
      "The recording does not begin with a page.",
      'Its first step has to be {"type":"navigate","url":"http://localhost:3000/"}.',
    );
  }
  const title = request.test_name ?? request.description ?? recorded;
  return artifact({
    fileName: title,
    about: `A Playwright test of ${count(steps.length, "recorded step")}. A recording holds no answers of servers: take its session for these.`,
    noun: "step",
    rowsMax: steps.length,
    write: (rows) =>
      browserTest({
        title,
        source: "Written by gasoline from a recording.",
        origin: new URL(first.url).origin,
        steps: steps.slice(0, rows).map((step) => ({ step, answers: [], pathAfter: undefined })),
        left: steps.length - rows,
      }),
  });
}

async function testOfRequests(question: GenerateQuestion): Promise<Artifact> {
  const { spans } = await readRequests(question);
  const traces = [...Map.groupBy(spans, ({ traceId }) => traceId).values()];
  const entries = traces.map((trace) => entryOf(trace)).filter((span) => span !== undefined);
  const requests = repeatable(entries).slice(-REQUESTS_MAX);
  const [first] = requests;
  if (first === undefined) {
    throw new GasolineError(
      "not_found",
      entries.length === 0
        ? "Neither an action in a browser nor an HTTP request of that scope is held."
        : `No request of that scope can be sent again: the bodies of ${count(entries.length, "request")} were not captured.`,
      "Record with the extension, set http.request.body.content on your spans, or widen since.",
    );
  }
  const missing = entries.length - requests.length;
  const title =
    question.request.test_name ??
    question.request.description ??
    `${first.method} ${pathOf(first.url)} and what followed`;
  const at = isoTime(entries[0]!.startNs);
  return artifact({
    fileName: title,
    about: `A Playwright test of ${count(requests.length, "request")} without a browser.${missing === 0 ? "" : ` ${count(missing, "other")} cannot be sent again, for want of a body or an answer, or are older.`}`,
    noun: "request",
    rowsMax: requests.length,
    write: (rows) =>
      requestTest({
        title,
        source: `Written by gasoline from requests since ${at}.`,
        origin: new URL(first.url).origin,
        requests: rows === 0 ? [] : requests.slice(-rows),
        left: requests.length - rows,
      }),
  });
}

function artifact({ fileName, ...rest }: Omit<Artifact, "mediaType" | "next">): Artifact {
  const name = fileName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 60);
  return { fileName: `${name || "recorded"}.spec.ts`, mediaType: "text/x-typescript", next: [], ...rest };
}

/** The session asked for, else the one that the trace belongs to, else that of the newest action on a page. */
async function sessionOf(question: GenerateQuestion): Promise<string | undefined> {
  const { store, request } = question;
  if (request.session_id !== undefined) return request.session_id;
  const traceId = await askedTrace(question);
  if (traceId !== undefined) {
    const { spans, logs } = await readTrace(store, traceId);
    return [...spans, ...logs]
      .map(({ attributes }) => textOf(attributes, ...SESSION_KEYS))
      .find((id) => id !== undefined);
  }
  const { records } = await store.records({
    filter: { ...windowOf(question), kinds: ["log"], name: "browser.user_action" },
    order: "newest",
    limit: 1,
  });
  return records[0]?.kind === "log" ? textOf(records[0].attributes, ...SESSION_KEYS) : undefined;
}

/** All of a session within the window, up to the end of the trace asked for, by time. */
async function sessionRecords(question: GenerateQuestion, session: string): Promise<readonly StoredRecord[]> {
  const traceId = await askedTrace(question);
  const filter: RecordFilter = {
    ...windowOf(question),
    kinds: ["span", "log"],
    attributes: [sessionIs(session)],
  };
  const { records } = await question.store.records({ filter, order: "oldest", limit: RECORDS_MAX });
  if (traceId === undefined) return records;
  const last = records.findLastIndex((record) => record.kind !== "metric" && record.traceId === traceId);
  return last < 0 ? records : records.slice(0, last + 1);
}

/** Route templates that servers told, by the id of the span that asked. */
async function routesOf(
  store: TelemetryStore,
  records: readonly StoredRecord[],
): Promise<ReadonlyMap<string, string>> {
  const routes = new Map<string, string>();
  const traceIds = new Set(records.flatMap((record) => (record.kind === "span" ? [record.traceId] : [])));
  for (const traceId of [...traceIds].slice(-TRACES_MAX)) {
    const lookup = await store.trace(traceId);
    if (lookup.found !== "yes") continue;
    for (const { spanKind, parentSpanId, attributes } of lookup.value.spans) {
      const route = textOf(attributes, "http.route");
      if (spanKind === "server" && route?.startsWith("/")) routes.set(parentSpanId, route);
    }
  }
  return routes;
}
