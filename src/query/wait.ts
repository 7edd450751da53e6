import { setTimeout as pause } from "node:timers/promises";
import { GasolineError } from "../model/errors.ts";
import type { Draft, Question } from "./reply.ts";

const LOOK_EVERY_MS = 50;

/**
 * Asks until something is found, at most `query.waitMs` long, and gives the last answer then. It asks again only
 * when something has arrived, and no more often than the asking itself takes, so that waiting costs little.
 */
export async function askUntilFound(question: Question, ask: () => Promise<Draft>): Promise<Draft> {
  const { store, query, context } = question;
  const deadlineMs = context.clock.nowMs() + query.waitMs;
  for (;;) {
    const arrivals = arrivalsOf(question);
    const askedAtMs = context.clock.nowMs();
    const answer = await attempt(ask);
    const nowMs = context.clock.nowMs();
    if (!answer.isEmpty || nowMs >= deadlineMs) {
      if (answer.draft === undefined) throw answer.error;
      return answer.draft;
    }
    do {
      await pause(Math.max(LOOK_EVERY_MS, nowMs - askedAtMs));
    } while (arrivalsOf({ store }) === arrivals && context.clock.nowMs() < deadlineMs);
  }
}

type Attempt =
  | { readonly isEmpty: boolean; readonly draft: Draft }
  | { readonly isEmpty: true; readonly draft: undefined; readonly error: GasolineError };

/** An empty listing, and a trace that has not been seen, may yet be found; any other error is final. */
async function attempt(ask: () => Promise<Draft>): Promise<Attempt> {
  try {
    const draft = await ask();
    return { isEmpty: draft.rowsMax === 0, draft };
  } catch (error) {
    if (error instanceof GasolineError && error.code === "not_found")
      return { isEmpty: true, draft: undefined, error };
    throw error;
  }
}

function arrivalsOf({ store }: Pick<Question, "store">): number {
  return store.stats().streams.reduce((sum, stream) => sum + stream.accepted, 0);
}
