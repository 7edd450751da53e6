import type { Attributes } from "../model/records.ts";

interface BrandedNavigator {
  readonly userAgentData?: {
    readonly brands: readonly { readonly brand: string; readonly version: string }[];
    readonly mobile: boolean;
    readonly platform: string;
  };
}

/** What all records of this browser share (semantic conventions: service, telemetry, browser, user agent). */
export function browserResource(): Attributes {
  const { userAgentData } = navigator as BrandedNavigator;
  return {
    "service.name": "browser",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.language": "webjs",
    "telemetry.distro.name": "gasoline360-extension",
    "telemetry.distro.version": chrome.runtime.getManifest().version,
    "browser.language": navigator.language,
    "user_agent.original": navigator.userAgent,
    ...(userAgentData === undefined
      ? {}
      : {
          "browser.brands": userAgentData.brands.map(({ brand, version }) => `${brand} ${version}`),
          "browser.mobile": userAgentData.mobile,
          "browser.platform": userAgentData.platform,
        }),
  };
}
