import type { StepEffect } from "../../../src/http/api-types.ts";
import type { HandsToPage, Outcome } from "../../model/hand-messages.ts";
import type { RelayContext } from "../context.ts";
import { domSnapshot } from "./dom-snapshot.ts";
import { EffectWatch } from "./effect.ts";
import { pageState } from "./page-state.ts";
import { Recorder } from "./record.ts";
import { StepError, toErrorBody } from "./step-error.ts";
import { doStep } from "./steps.ts";

type StepOrder = HandsToPage["step"]["payload"];

/** A step under way: how to end it, and what it caused so far. */
interface Work {
  readonly stop: AbortController;
  readonly watch: EffectWatch;
}

/**
 * Starts the hands in the top frame of a page: they do steps, tell what each caused, show the page as an outline and
 * record what the user does. Commands come from the worker alone; nothing in the page can give one.
 */
export function startHands(context: RelayContext): void {
  const work = new Map<string, Work>();
  const recorder = new Recorder(
    (payload) => void context.send("recorded", payload).catch(() => recorder.stop()),
  );

  const watched = async (id: string, act: (signal: AbortSignal) => Promise<Partial<StepEffect>>) => {
    const watch = new EffectWatch(context);
    const stop = new AbortController();
    work.set(id, { stop, watch });
    try {
      const own = await act(stop.signal);
      await watch.settle(stop.signal);
      return { ...watch.effect(), ...own };
    } finally {
      watch.stop();
      work.delete(id);
    }
  };

  context.receive("step", ({ commandId, step, timeoutMs }: StepOrder) =>
    outcome(() =>
      watched(commandId, async (signal) => {
        if (step.type === "navigate" || step.type === "evaluate") {
          throw new StepError(
            "unsupported",
            `${step.type} is not done inside the page.`,
            "Update the extension.",
          );
        }
        const found = await doStep(step, { timeoutMs, signal });
        return found === undefined ? {} : { selector: found.selector, healed: found.healed };
      }),
    ),
  );
  context.receive("settle", ({ commandId }) => outcome(() => watched(commandId, async () => ({}))));
  context.receive("cancel", ({ commandId }) => {
    work.get(commandId)?.stop.abort();
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
    for (const [commandId, { watch }] of work) {
      // Answers nobody hears: the page is going.
      context.send("left", { commandId, effect: watch.effect() }).catch(() => undefined);
    }
  });
  context.send("started", { url: location.href }).then(
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
