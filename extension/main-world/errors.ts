import { redactText } from "../model/redact.ts";
import { describe } from "./describe.ts";
import { listen } from "./natives.ts";
import type { Recorder } from "./recorder.ts";

/** Records what the page throws and does not catch, promises too. Neither event reaches the other world. */
export function captureErrors(recorder: Recorder): void {
  const record = (thrown: unknown, fallback: string, handled: string): void => {
    const { text, error } = describe([thrown]);
    recorder.event({
      name: "exception",
      severity: 17,
      body: error === undefined ? redactText(fallback || text) : `${error.type}: ${error.message}`,
      attributes: {
        "exception.type": error?.type ?? (typeof thrown === "object" ? "Error" : typeof thrown),
        "exception.message": error?.message ?? redactText(fallback || text),
        "exception.stacktrace": error?.stack ?? "",
        "gasoline.browser.uncaught": handled,
      },
    });
  };
  listen(window, "error", (event) => {
    // Resources that fail to load fire the event too, at their element; resource timing tells of those.
    if (!(event instanceof ErrorEvent)) return;
    record(event.error ?? event.message, event.message, "error");
  });
  listen(window, "unhandledrejection", (event) => {
    record((event as PromiseRejectionEvent).reason, "", "rejection");
  });
}
