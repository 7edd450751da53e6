import { openRelayLink } from "../model/world-link.ts";
import { watchActions } from "./actions.ts";
import { Frame } from "./frame.ts";
import { startHands } from "./hands/index.ts";
import { measurePage } from "./page-timings.ts";
import { WorkerLink } from "./worker-link.ts";

/*
 * The content script in the extension's own world: reads the page with natives that no page can replace, and is the
 * only way from page to worker.
 */
const frame = new Frame(openRelayLink(), new WorkerLink());
watchActions((action) => frame.act(action));
measurePage((timing) => frame.measured(timing));

if (document.readyState === "loading") {
  addEventListener("DOMContentLoaded", () => frame.watchDom(), { once: true });
} else {
  frame.watchDom();
}
// Registered before the page's, so it runs after main's in the same capture phase has handed over what it had.
addEventListener("pagehide", () => frame.flush());
document.addEventListener("visibilitychange", () => frame.flush());

if (window === window.top) startHands(frame);
