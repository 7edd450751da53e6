import { VERSION } from "../version.ts";
import type { Browser } from "./browser-link.ts";
import type { Row } from "./shapes.ts";

const ORIGINS_SHOWN = 10;

/** What there is to say of the browser's side: paired or not, its tabs, origins, deliveries and problems. */
export function browserChecks(browser: Browser | undefined): Row[] {
  if (browser === undefined) return [];
  const { connected, state, refused } = browser.status();
  const rows: Row[] = [];
  const say = (level: "note" | "wrong", problem: string, remedy = ""): void => {
    rows.push({ state: level, check: "browser", problem, ...(remedy === "" ? {} : { remedy }) });
  };
  if (refused !== undefined) say("wrong", `The extension was refused: ${refused}`);
  if (!connected) {
    if (state === undefined)
      say("note", "No browser is paired.", "`gasoline extension` says how to pair one.");
    else say("note", "The paired browser is gone.", "Open it with a page of your app.");
    return rows;
  }
  if (state === undefined) return rows;
  const { extension_version, session_id, tabs, origins, delivery, problems } = state;
  rows.push({
    state: "ok",
    check: "browser",
    extension: extension_version,
    session_id,
    tabs: tabs.length,
    captured: tabs.filter(({ captured }) => captured).length,
    active: tabs.find(({ active }) => active)?.url,
    ...delivery,
  });
  if (extension_version !== VERSION)
    say(
      "note",
      `The extension is version ${extension_version}, the daemon ${VERSION}.`,
      "Run `gasoline extension` and reload it.",
    );
  if (delivery.dropped > 0)
    say(
      "wrong",
      `The extension dropped ${delivery.dropped} records that could not be delivered.`,
      "Keep the daemon running while pages are used.",
    );
  for (const { origin, state: link, how, reason } of origins.slice(0, ORIGINS_SHOWN)) {
    rows.push({
      state: link === "linked" ? "ok" : "note",
      check: "browser origin",
      origin,
      traces: link === "propagated_unseen" ? "sent, but no server span was seen" : link.replace("_", " "),
      ...(how === "none" ? {} : { how: how.replace("_", " ") }),
      ...(reason === undefined ? {} : { reason }),
    });
  }
  for (const problem of problems) say("note", problem);
  return rows;
}
