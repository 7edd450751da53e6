import type { StepEffect } from "../../../src/http/api-types.ts";
import type { HandsToPage, Outcome } from "../../model/hand-messages.ts";
import type { RelayContext } from "../context.ts";
import { reportConsoleErrors } from "./console-errors.ts";
import { domSnapshot } from "./dom-snapshot.ts";
import { EffectWatch } from "./effect.ts";
import { pageState } from "./page-state.ts";
import { Recorder } from "./record.ts";
import { StepError, toErrorBody } from "./step-error.ts";
import { doStep } from "./steps.ts";

type StepOrder = HandsToPage["step"]["payload"];

/** A step under way: how to end it, what it caused so far, and on which element it was done. */
interface Work {
  readonly stop: AbortController;
  readonly watch: EffectWatch;
  found?: Pick<StepEffect, "selector" | "healed">;
}

/**
 * Starts the hands in the top frame of a page: they do steps, tell what each caused, show the page as an outline and
 * record what the user does. Commands come from the worker alone; nothing in the page can give one.
 */
export function startHands(context: RelayContext): void {
  const underWay = new Map<string, Work>();
  const recorder = new Recorder(
    (payload) => void context.send("recorded", payload).catch(() => recorder.stop()),
  );
  const sinceLoad = new EffectWatch(context, "page");
  reportConsoleErrors(context);

  const begin = (id: string, watch = new EffectWatch(context, "step")): Work => {
    const work = { stop: new AbortController(), watch };
    underWay.set(id, work);
    return work;
  };
  /** Does something, waits for quiet, and tells what happened. */
  const finish = async (
    id: string,
    work: Work,
    act?: (signal: AbortSignal) => Promise<void>,
  ): Promise<StepEffect> => {
    try {
      await act?.(work.stop.signal);
      await work.watch.settle(work.stop.signal);
      return { ...work.watch.effect(), ...work.found };
    } finally {
      work.watch.stop();
      underWay.delete(id);
    }
  };

  context.receive("step", ({ commandId, step, timeoutMs }: StepOrder) =>
    outcome(() => {
      if (step.type === "navigate" || step.type === "evaluate") {
        throw new StepError(
          "unsupported",
          `${step.type} is not done inside the page.`,
          "Update the extension.",
        );
      }
      sinceLoad.stop();
      const work = begin(commandId);
      return finish(commandId, work, async (signal) => {
        const found = await doStep(step, { timeoutMs, signal });
        if (found !== undefined) work.found = { selector: found.selector, healed: found.healed };
      });
    }),
  );
  context.receive("watch", ({ commandId }) => {
    begin(commandId);
    return null;
  });
  context.receive("settle", ({ commandId }) =>
    outcome(() => finish(commandId, underWay.get(commandId) ?? begin(commandId, sinceLoad))),
  );
  context.receive("trace", () => ({ traceId: context.traceId() }));
  context.receive("cancel", ({ commandId }) => {
    underWay.get(commandId)?.stop.abort();
    return null;
  });
  context.receive("page", () =>
    outcome(async () => {
      context.emit(domSnapshot(context.traceId(), context.spanId()));
      return pageState();
    }),
  );
  context.receive("recording", ({ on }) => {
    if (on) recorder.start();
    else recorder.stop();
    return null;
  });

  addEventListener("pagehide", () => {
    recorder.flush();
    for (const [commandId, { watch, found }] of underWay) {
      // Answers nobody hears: the page is going.
      context.send("left", { commandId, effect: { ...watch.effect(), ...found } }).catch(() => undefined);
    }
  });
  context.send("started", null).then(
    ({ recording }) => recording && recorder.start(),
    // Without a worker there is nobody to give commands or to take a recording.
    () => undefined,
  );
}

async function outcome<T>(act: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await act() };
  } catch (error) {
    return { ok: false, error: toErrorBody(error) };
  }
}
