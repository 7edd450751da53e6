import { msToNs } from "../model/time.ts";
import { StepError } from "../relay/hands/step-error.ts";
import type { WorkerContext } from "./context.ts";

/** Chrome refuses more than two a second. */
const EVERY_MS = 510;
const BYTES_MAX = 200_000;
/** Tried in this order until the picture is small enough; the scale is of the device's pixels. */
const SIZES = [
  { quality: 0.7, scale: 1 },
  { quality: 0.5, scale: 1 },
  { quality: 0.5, scale: 0.5 },
  { quality: 0.4, scale: 0.25 },
] as const;
/** Traces whose error has its picture. */
const TRACES_MAX = 100;

export interface Screenshot {
  readonly mime: "image/jpeg";
  /** Base64. */
  readonly data: string;
}

/**
 * Pictures of the tab in front: on demand, and once per trace with an uncaught error. Each also becomes event
 * `gasoline.browser.screenshot`, the image in attribute `gasoline.image.data`.
 */
export class Screenshots {
  readonly #context: WorkerContext;
  readonly #pictured = new Set<string>();
  #lastMs = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(context: WorkerContext) {
    this.#context = context;
    context.onError((error, { tabId }) => {
      if (this.#pictured.has(error.traceId)) return;
      this.#pictured.add(error.traceId);
      for (const oldest of this.#pictured) {
        if (this.#pictured.size <= TRACES_MAX) break;
        this.#pictured.delete(oldest);
      }
      // A tab in the back, or a page that may not be pictured: the error itself is told in any case.
      this.#inFront(tabId)
        .then((inFront) => (inFront ? this.take(tabId, error) : undefined))
        .catch((problem: unknown) => context.report(`No screenshot: ${textOf(problem)}`));
    });
  }

  /**
   * Takes one after the other, two a second at most. A tab in the back is brought to the front of its window.
   *
   * @throws StepError `screenshot_refused` where the browser does not allow it.
   */
  take(tabId: number, of: { traceId: string; spanId: string; message?: string }): Promise<Screenshot> {
    const turn = this.#queue.then(() => this.#take(tabId, of));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #take(tabId: number, of: { traceId: string; spanId: string; message?: string }): Promise<Screenshot> {
    const waitMs = this.#lastMs + EVERY_MS - Date.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (!(await this.#inFront(tabId))) await chrome.tabs.update(tabId, { active: true });
    const { windowId, url = "" } = await chrome.tabs.get(tabId);
    this.#lastMs = Date.now();
    const picture = await capture(windowId);
    const { blob, scale } = await smallEnough(picture);
    const data = toBase64(new Uint8Array(await blob.arrayBuffer()));
    this.#context.emit(
      {
        kind: "log",
        traceId: of.traceId,
        spanId: of.spanId,
        timeNs: msToNs(this.#lastMs),
        severity: of.message === undefined ? 9 : 17,
        eventName: "gasoline.browser.screenshot",
        body: of.message === undefined ? "on demand" : `at error: ${of.message}`,
        attributes: {
          "url.full": url,
          "gasoline.browser.screenshot.format": "jpeg",
          "gasoline.browser.screenshot.bytes": blob.size,
          "gasoline.browser.screenshot.scale": scale,
          "gasoline.image.data": data,
        },
      },
      url,
    );
    return { mime: "image/jpeg", data };
  }

  async #inFront(tabId: number): Promise<boolean> {
    return (await chrome.tabs.get(tabId)).active;
  }
}

async function capture(windowId: number): Promise<Blob> {
  try {
    const address = await chrome.tabs.captureVisibleTab(windowId, { format: "png" });
    return await (await fetch(address)).blob();
  } catch (error) {
    throw new StepError(
      "screenshot_refused",
      `The browser allows no screenshot: ${textOf(error)}`,
      "In the extension's popup allow all sites: Chrome asks that for pictures, also of local pages.",
    );
  }
}

async function smallEnough(picture: Blob): Promise<{ readonly blob: Blob; readonly scale: number }> {
  const bitmap = await createImageBitmap(picture);
  let best: { readonly blob: Blob; readonly scale: number } | undefined;
  for (const { quality, scale } of SIZES) {
    const canvas = new OffscreenCanvas(Math.ceil(bitmap.width * scale), Math.ceil(bitmap.height * scale));
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    best = { blob: await canvas.convertToBlob({ type: "image/jpeg", quality }), scale };
    if (best.blob.size <= BYTES_MAX) break;
  }
  bitmap.close();
  if (best === undefined || best.blob.size > BYTES_MAX) {
    throw new StepError("too_large", "The picture stays above 200 kB.", "Make the window smaller.");
  }
  return best;
}

function toBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  // `fromCharCode` takes its bytes as arguments, of which there may be so many.
  for (let at = 0; at < bytes.length; at += 8_192) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 8_192)));
  }
  return btoa(pieces.join(""));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
