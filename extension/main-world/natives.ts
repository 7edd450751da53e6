/*
 * What the page's world offers, taken before the page can change it. Only `new` and plain calls of what stands here
 * are used where a page could do harm by replacing it.
 */
export const { apply, construct } = Reflect;
export const nativeThen = Promise.prototype.then;
export const nativeSetTimeout = window.setTimeout.bind(window);
export const nativeClearTimeout = window.clearTimeout.bind(window);
export const nativeAddEventListener = EventTarget.prototype.addEventListener;
export const NativeHeaders = Headers;
export const NativeRequest = Request;
export const NativeURL = URL;
export const NativeError = Error;
const performanceNow = performance.now.bind(performance);
const { timeOrigin } = performance;

/** Unix milliseconds with fraction, on the page's own monotonic clock. */
export const nowMs = (): number => timeOrigin + performanceNow();

/** Listens on any target without its own, possibly replaced, method. */
export function listen(
  target: EventTarget,
  type: string,
  listener: (event: Event) => void,
  capture = true,
): void {
  apply(nativeAddEventListener, target, [type, guarded(listener), { capture, passive: true }]);
}

/** `action` that never throws: what goes wrong here must not reach the page. What fails is simply not captured. */
export function guarded<A extends readonly unknown[]>(
  action: (...values: A) => void,
): (...values: A) => void {
  return (...values) => {
    try {
      action(...values);
    } catch {
      // A page can break whatever is used here; it keeps working, without this record.
    }
  };
}
