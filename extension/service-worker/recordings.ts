import type { BrowserStep, UserFlow } from "../../src/http/api-types.ts";
import type { RecordedStep } from "../model/hand-messages.ts";
import { StepError } from "../relay/hands/step-error.ts";

const KEY = "recording";
const STEPS_MAX = 1_000;

interface Recording {
  readonly tabId: number;
  readonly title: string;
  readonly steps: readonly BrowserStep[];
  readonly withheld: number;
}

/**
 * The one recording under way, kept in `chrome.storage.session`, so that it outlives the worker and ends with the
 * browser. Steps beyond 1,000 are left out.
 */
export class Recordings {
  /** Changes one after the other: each reads what the one before wrote. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Begins with a step to where the tab is now. A recording under way is dropped. */
  start(tabId: number, title: string, url: string): Promise<void> {
    return this.#change(() => ({ tabId, title, steps: [{ type: "navigate", url }], withheld: 0 }));
  }

  add(tabId: number, { step, withheld }: RecordedStep): Promise<void> {
    return this.#change((recording) => {
      if (recording?.tabId !== tabId || recording.steps.length >= STEPS_MAX) return recording;
      return {
        ...recording,
        steps: [...recording.steps, step],
        withheld: recording.withheld + Number(withheld),
      };
    });
  }

  /** The tab that is recorded. */
  async tab(): Promise<number | undefined> {
    await this.#turn;
    return (await read())?.tabId;
  }

  /**
   * Ends it. The title says when secret values were left out, since the format has no other place for that.
   *
   * @throws StepError `not_recording`.
   */
  async stop(): Promise<UserFlow> {
    let ended: Recording | undefined;
    await this.#change((recording) => {
      ended = recording;
      return undefined;
    });
    if (ended === undefined) {
      throw new StepError(
        "not_recording",
        "Nothing is being recorded.",
        'Begin with interact {"action":"record"}.',
      );
    }
    const { title, steps, withheld } = ended;
    const note = ` (${withheld} secret value${withheld === 1 ? "" : "s"} left out: fill in before replay)`;
    return { title: withheld === 0 ? title : `${title}${note}`, steps };
  }

  #change(next: (recording: Recording | undefined) => Recording | undefined): Promise<void> {
    const turn = this.#turn.then(async () => {
      const recording = next(await read());
      if (recording === undefined) await chrome.storage.session.remove(KEY);
      else await chrome.storage.session.set({ [KEY]: recording });
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

async function read(): Promise<Recording | undefined> {
  const stored = await chrome.storage.session.get<{ readonly [KEY]?: Recording }>(KEY);
  return stored[KEY];
}
