import { StepError } from "../relay/hands/step-error.ts";

/** What ends a load of a tab's top frame. A step inside the document (a hash, `pushState`) counts as one. */
const DONE = ["onCompleted", "onReferenceFragmentUpdated", "onHistoryStateUpdated"] as const;
/** A load that something else took the place of, or that turned into a download. */
const REPLACED = "net::ERR_ABORTED";

/**
 * Resolves when the next load of a tab's top frame is done; begin to listen before what starts it.
 *
 * @throws StepError `navigation_failed` with the browser's error; `timed_out` when the signal says so.
 */
export function nextLoad(tabId: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const isTop = (details: { tabId: number; frameId: number }): boolean =>
      details.tabId === tabId && details.frameId === 0;
    const done = (details: { tabId: number; frameId: number }): void => {
      if (isTop(details)) end(resolve);
    };
    const failed = (details: { tabId: number; frameId: number; error: string; url: string }): void => {
      if (!isTop(details) || details.error === REPLACED) return;
      const remedy = "Check the address, and that the server runs.";
      end(() =>
        reject(new StepError("navigation_failed", `${details.url} did not load: ${details.error}.`, remedy)),
      );
    };
    const end = (settle: () => void): void => {
      stop.abort();
      for (const name of DONE) chrome.webNavigation[name].removeListener(done);
      chrome.webNavigation.onErrorOccurred.removeListener(failed);
      settle();
    };
    for (const name of DONE) chrome.webNavigation[name].addListener(done);
    chrome.webNavigation.onErrorOccurred.addListener(failed);
    signal.addEventListener("abort", () => end(() => reject(tooSlow())), { signal: stop.signal });
    if (signal.aborted) end(() => reject(tooSlow()));
  });
}

function tooSlow(): StepError {
  return new StepError("timed_out", "The page did not finish loading in time.", "Give more timeout_ms.");
}
