import { redactUrl } from "../model/redact.ts";
import { apply, guarded, listen } from "./natives.ts";
import type { Recorder } from "./recorder.ts";

/** Records route changes within a document: history calls, back and forward, fragments. */
export function captureHistory(recorder: Recorder): void {
  let before = location.href;
  const changed = (type: string): void => {
    const now = location.href;
    if (now === before) return;
    const isHash = now.split("#")[0] === before.split("#")[0];
    recorder.event({
      name: "browser.navigation",
      severity: 9,
      body: `${redactUrl(before)} → ${redactUrl(now)}`,
      attributes: {
        "url.full": redactUrl(now),
        "browser.navigation.type": type,
        "browser.navigation.same_document": true,
        "browser.navigation.hash_change": isHash,
      },
    });
    before = now;
  };
  const changedSafely = guarded(changed);
  for (const [name, type] of [
    ["pushState", "push"],
    ["replaceState", "replace"],
  ] as const) {
    History.prototype[name] = new Proxy(History.prototype[name], {
      apply(target, self, args) {
        const result = apply(target, self, args);
        changedSafely(type);
        return result;
      },
    });
  }
  listen(window, "popstate", () => changed("traverse"));
  listen(window, "hashchange", () => changed("push"));
}
