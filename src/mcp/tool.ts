import type { z } from "zod";
import type { Config } from "../config.ts";
import type { Clock } from "../model/time.ts";
import type { Analyst } from "../query/analyst.ts";
import type { Browser } from "../query/browser-link.ts";
import type { ObserveContext } from "../query/shapes.ts";
import type { StateFiles } from "../query/state-files.ts";
import type { ToolCallLog } from "../query/tool-calls.ts";
import type { TelemetryStore } from "../store/telemetry-store.ts";

/** Names the client behind a bridge. */
export const CLIENT_HEADER = "x-gasoline-client";

/** What a tool works with. */
export interface ToolContext {
  readonly store: TelemetryStore;
  readonly clock: Clock;
  readonly analyst: Analyst;
  readonly state: StateFiles;
  /** Opens the sources that what=code shows. */
  readonly source: ObserveContext["source"];
  readonly config: Pick<Config, "replyBytes" | "replyBytesMax" | "stateDir" | "workspace" | "allowEdits">;
  readonly browser: Browser;
  readonly sendLogs: (body: object) => Promise<void>;
  /** Keeps what agents ask, for detect_loop. */
  readonly calls: ToolCallLog;
  /** The client's name and version, as far as it said; `""` when it did not. */
  readonly client: string;
  /** Where telemetry is sent to, as the client reaches this daemon. */
  readonly endpoint: string;
}

/** A reply in both forms, made from one value. */
interface ToolReply {
  readonly text: string;
  readonly structured: object;
  /** Shown to the agent beside the text. */
  readonly image?: { readonly mime: string; readonly data: string };
}

/** One tool. Its file holds a literal of this and nothing else. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  /** What it answers, with one example. */
  readonly description: string;
  /** Shown to clients as JSON Schema; `run` reads its input with it, leniently. */
  readonly schema: z.ZodObject;
  readonly hints: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint?: boolean;
    readonly idempotentHint?: boolean;
  };
  /** Throws GasolineError on input it cannot use. */
  readonly run: (input: unknown, context: ToolContext) => Promise<ToolReply>;
}
