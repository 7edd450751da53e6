import type { Attributes } from "../model/records.ts";
import { msToNs } from "../model/time.ts";
import { nowMs } from "./natives.ts";
import type { Outbox } from "./outbox.ts";
import type { Tracing } from "./tracing.ts";

/** What a captured event says; its trace is the active one. */
export interface EventFacts {
  readonly name: string;
  readonly severity: number;
  readonly body: string;
  readonly attributes: Attributes;
  readonly scope?: "gasoline.custom";
}

/** What every capture in the page's world works with. */
export interface Recorder {
  readonly tracing: Tracing;
  readonly outbox: Outbox;
  event(facts: EventFacts): void;
}

export function createRecorder(tracing: Tracing, outbox: Outbox): Recorder {
  return {
    tracing,
    outbox,
    event({ name, ...facts }) {
      const { traceId, spanId } = tracing.active();
      outbox.add({
        kind: "log",
        traceId,
        spanId,
        timeNs: msToNs(nowMs()),
        eventName: name,
        ...facts,
      });
    },
  };
}
