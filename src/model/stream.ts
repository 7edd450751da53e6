/**
 * The streams that records are kept in, one ring each, so that a chatty one cannot push out a quiet one
 * (design decision 4). The order is the ring's number, which ids and cursors carry: append, never reorder.
 */
export const STREAMS = [
  "browser.logs",
  "browser.network",
  "browser.dom",
  "backend.spans",
  "backend.logs",
  "tests",
  "git",
  "custom",
  "metrics",
] as const;
export type Stream = (typeof STREAMS)[number];
