type Environment = { readonly [name: string]: string | undefined };

export interface TelemetryTarget {
  readonly endpoint: string;
  /** `""` when none is required. */
  readonly apiKey: string;
  readonly service: string;
  /** W3C traceparent of the span that the command runs in. */
  readonly traceparent: string;
  /** True when what the command prints goes to a terminal. */
  readonly colours: boolean;
}

/** SDKs wait 5 s before they send by default, which is long for someone who looks at once. */
const SEND_DELAY_MS = "500";

/**
 * The environment of a command: `env`, with the `OTEL_*` variables that are unset pointing at the daemon (OpenTelemetry
 * environment variable specification) and `TRACEPARENT` naming the command's span (environment carriers). A variable
 * that is set stays. A pipe hides the terminal from the command, so colours are asked for by name.
 */
export function commandEnvironment(env: Environment, target: TelemetryTarget): NodeJS.ProcessEnv {
  const { endpoint, apiKey, service } = target;
  const defaults: Environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_SERVICE_NAME: service,
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=development",
    OTEL_BSP_SCHEDULE_DELAY: SEND_DELAY_MS,
    OTEL_BLRP_SCHEDULE_DELAY: SEND_DELAY_MS,
    ...(apiKey === "" ? {} : { OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${encodeURIComponent(apiKey)}` }),
    ...(target.colours && !env.NO_COLOR ? { FORCE_COLOR: "1", CLICOLOR_FORCE: "1" } : {}),
  };
  const added = Object.fromEntries(Object.entries(defaults).filter(([name]) => !env[name]));
  return { ...env, ...added, TRACEPARENT: target.traceparent };
}
