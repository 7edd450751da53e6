import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_PORT } from "../config.ts";
import { pairingToken } from "../http/pairing.ts";
import { GasolineError } from "../model/errors.ts";
import { type Command, flagOption, textOption } from "./command.ts";
import { daemonPlace, findDaemon } from "./daemon.ts";

const ROOT = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../.." : "../../..", import.meta.url));

/** `gasoline extension`: the browser extension in a folder, paired with the daemons of this state folder. */
export const extension: Command = {
  name: "extension",
  summary: "prepare the browser extension, pair it, and say how to load it",
  usage: "",
  options: {
    zip: { type: "boolean" },
    out: { type: "string" },
    endpoint: { type: "string" },
    "state-dir": { type: "string" },
  },
  run: async (args, terminal) => {
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const built = builtFolder();
    if (flagOption(args, "zip") === true) {
      terminal.stdout.write(`${zipOf(built)}\n`);
      return 0;
    }
    // A package may lie in a cache that is emptied: what Chrome loads has to stay where it is.
    const out = textOption(args, "out") ?? (isCheckout() ? undefined : join(place.stateDir, "extension"));
    const folder = out === undefined ? built : copyInto(built, resolve(out));
    const url = (await findDaemon(place)) ?? `http://localhost:${DEFAULT_PORT}`;
    writePairing(folder, url, pairingToken(place.stateDir), place.apiKey);
    terminal.stdout.write(stepsFor(folder, url));
    return 0;
  },
};

/** A checkout has the sources and builds them; a package has what was built. */
function isCheckout(): boolean {
  return existsSync(join(ROOT, "scripts", "build-extension.ts"));
}

function builtFolder(): string {
  const folder = join(ROOT, "dist", "extension");
  if (existsSync(join(folder, "manifest.json"))) return folder;
  if (!isCheckout()) {
    throw new GasolineError(
      "not_found",
      "This package holds no browser extension.",
      "Install gasoline360 again.",
    );
  }
  try {
    execFileSync(process.execPath, [join(ROOT, "scripts", "build-extension.ts")], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "pipe"],
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GasolineError(
      "internal",
      `The extension cannot be built: ${why}.`,
      "Run npm install, then again.",
    );
  }
  return folder;
}

function zipOf(folder: string): string {
  const path = `${folder}.zip`;
  if (existsSync(path)) return path;
  throw new GasolineError(
    "not_found",
    `There is no ${path}.`,
    "Build it with `npm run build:extension`; the zip holds no token.",
  );
}

function copyInto(built: string, folder: string): string {
  cpSync(built, folder, { recursive: true });
  return folder;
}

/** The extension reads its daemon, token and key from this file, which nobody else should. */
function writePairing(folder: string, url: string, token: string, key: string): void {
  const { port } = new URL(url);
  // `localhost` may be another address in the browser than here.
  const endpoint = url.startsWith("http://localhost") ? `http://127.0.0.1:${port}` : url;
  const path = join(folder, "config.json");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify({ endpoint, token, ...(key === "" ? {} : { key }) }, null, 2)}\n`, {
    mode: 0o600,
  });
  chmodSync(path, 0o600);
}

function stepsFor(folder: string, url: string): string {
  return `${folder}

  1. Open chrome://extensions and turn on Developer mode (top right).
  2. Click Load unpacked and choose the folder above. If it is loaded already, click its reload arrow.
  3. Open a page of your app on localhost; \`gasoline doctor\` then shows the browser.

  It sends to ${url}. Its config.json holds the pairing token: do not share the folder.
`;
}
