import { DEFAULT_SETTINGS } from "../model/messages.ts";
import { openMainLink } from "../model/world-link.ts";
import { captureConsole } from "./console.ts";
import { captureErrors } from "./errors.ts";
import { captureFetch } from "./fetch.ts";
import { captureHistory } from "./history.ts";
import { guarded, listen } from "./natives.ts";
import { Outbox } from "./outbox.ts";
import { offerPageApi } from "./page-api.ts";
import { createRecorder } from "./recorder.ts";
import { Redirects } from "./redirects.ts";
import { Requests } from "./request.ts";
import { captureSockets } from "./sockets.ts";
import { Tracing } from "./tracing.ts";
import { captureXhr } from "./xhr.ts";

/*
 * The content script in the page's own world: what can only be seen there. Starts before any script of the page;
 * each capture stands by itself, so that one that fails takes none of the others along.
 */
guarded(() => {
  const outbox = new Outbox();
  const tracing = new Tracing(outbox);
  const recorder = createRecorder(tracing, outbox);
  if (!offerPageApi(recorder)) return;
  const redirects = new Redirects(outbox);
  const requests = new Requests(recorder, redirects, DEFAULT_SETTINGS);

  openMainLink((link) => {
    link.receive((message) => {
      if (message.type === "settings") {
        requests.settings = message.settings;
        outbox.paused = message.settings.paused;
      } else if (message.type === "redirect") redirects.told(message.id, message.hop);
      else tracing.act(message.name, message.attributes, message.joins);
    });
    outbox.connect(link);
    tracing.announce();
  });

  const captures = [
    () => captureConsole(recorder),
    () => captureErrors(recorder),
    () => captureFetch(requests),
    () => captureXhr(requests),
    () => captureSockets(recorder),
    () => captureHistory(recorder),
  ];
  for (const capture of captures) guarded(capture)();

  listen(window, "load", () => tracing.pageLoaded());
  listen(window, "pageshow", (event) => {
    outbox.leaving = false;
    if ((event as PageTransitionEvent).persisted) tracing.resume();
  });
  listen(window, "pagehide", () => {
    tracing.end();
    outbox.leaving = true;
    outbox.flush();
  });
})();
