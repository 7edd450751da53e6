import { redactUrl } from "../model/redact.ts";
import { listen } from "./natives.ts";
import type { Recorder } from "./recorder.ts";

/** Records route changes within a document: history calls, back and forward, fragments (HTML, Navigation API). */
export function captureHistory(recorder: Recorder): void {
  let before = location.href;
  listen(window.navigation, "currententrychange", (event) => {
    const now = location.href;
    if (now === before) return;
    recorder.event({
      name: "browser.navigation",
      severity: 9,
      body: `${redactUrl(before)} → ${redactUrl(now)}`,
      attributes: {
        "url.full": redactUrl(now),
        "browser.navigation.type": (event as NavigationCurrentEntryChangeEvent).navigationType ?? "replace",
        "browser.navigation.same_document": true,
        "browser.navigation.hash_change": now.split("#")[0] === before.split("#")[0],
      },
    });
    before = now;
  });
}
