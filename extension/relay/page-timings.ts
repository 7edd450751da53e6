import { type MetricType, onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import type { Attributes } from "../model/records.ts";
import { redactUrl } from "../model/redact.ts";

/** One thing that was measured, as a log event of the page. `atMs` is of `performance.now()`. */
export interface Timing {
  readonly name: string;
  readonly body: string;
  readonly severity: number;
  readonly atMs: number;
  readonly attributes: Attributes;
}

const RESOURCES_MAX = 150;

/** Measures the page: Web Vitals, long tasks, its own load and what it loads besides fetch and XHR. */
export function measurePage(tell: (timing: Timing) => void): void {
  for (const observe of [onCLS, onFCP, onINP, onLCP, onTTFB]) observe((metric) => tell(vital(metric)));
  observeEntries("longtask", ({ startTime, duration }) => {
    tell({
      name: "gasoline.browser.long_task",
      body: `long task of ${Math.round(duration)} ms`,
      severity: 9,
      atMs: startTime,
      attributes: { "gasoline.browser.duration_ms": round(duration) },
    });
  });
  let resources = 0;
  observeEntries("resource", (entry) => {
    const resource = entry as PerformanceResourceTiming;
    if (/^(?:fetch|xmlhttprequest|beacon)$/.test(resource.initiatorType)) return;
    if (resources++ < RESOURCES_MAX) tell(resourceTiming(resource));
  });
  observeEntries("navigation", (entry) => tell(navigationTiming(entry as PerformanceNavigationTiming)));
}

function observeEntries(type: string, tell: (entry: PerformanceEntry) => void): void {
  if (!PerformanceObserver.supportedEntryTypes.includes(type)) return;
  new PerformanceObserver((list) => list.getEntries().forEach(tell)).observe({ type, buffered: true });
}

function vital({ name, value, rating, delta, id, navigationType }: MetricType): Timing {
  return {
    name: "browser.web_vital",
    body: `${name} ${round(value)} (${rating})`,
    severity: rating === "poor" ? 13 : 9,
    atMs: performance.now(),
    attributes: {
      "browser.web_vital.name": name.toLowerCase(),
      "browser.web_vital.value": round(value),
      "browser.web_vital.delta": round(delta),
      "browser.web_vital.id": id,
      "browser.web_vital.rating": rating,
      "browser.web_vital.navigation_type": navigationType,
    },
  };
}

function resourceTiming(entry: PerformanceResourceTiming): Timing {
  const failed = entry.responseStatus >= 400;
  return {
    name: "browser.resource_timing",
    body: `${entry.initiatorType} ${redactUrl(entry.name)} ${Math.round(entry.duration)} ms`,
    severity: failed ? 13 : 9,
    atMs: entry.startTime,
    attributes: {
      "url.full": redactUrl(entry.name),
      "gasoline.browser.resource.initiator": entry.initiatorType,
      "gasoline.browser.duration_ms": round(entry.duration),
      "http.response.body.size": entry.encodedBodySize,
      ...(entry.responseStatus > 0 ? { "http.response.status_code": entry.responseStatus } : {}),
    },
  };
}

function navigationTiming(entry: PerformanceNavigationTiming): Timing {
  return {
    name: "browser.navigation_timing",
    body: `${entry.type}: answered after ${Math.round(entry.responseStart)} ms, loaded after ${Math.round(entry.loadEventStart)} ms`,
    severity: 9,
    atMs: 0,
    attributes: {
      "url.full": redactUrl(entry.name),
      "gasoline.browser.navigation.type": entry.type,
      "gasoline.browser.timing.connect_end_ms": round(entry.connectEnd),
      "gasoline.browser.timing.request_start_ms": round(entry.requestStart),
      "gasoline.browser.timing.response_start_ms": round(entry.responseStart),
      "gasoline.browser.timing.response_end_ms": round(entry.responseEnd),
      "gasoline.browser.timing.dom_interactive_ms": round(entry.domInteractive),
      "gasoline.browser.timing.dom_content_loaded_ms": round(entry.domContentLoadedEventEnd),
      "gasoline.browser.timing.load_ms": round(entry.loadEventStart),
    },
  };
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
