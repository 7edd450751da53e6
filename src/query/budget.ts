import type { Detail } from "./normalize.ts";

/** Lengths that strings are cut to when every row fits, the roomiest first. */
const CHARS_ROOMY = [2_000, 600] as const;
const CHARS_TIGHT = 240;
/** The length when not every row fits. */
const CHARS_MIN = 120;
/** No row takes less, in both its forms (the text form alone: a line): more of them need not be tried. */
const ROW_BYTES_MIN = 20;

/** What can be laid out in any number of rows and any detail. */
interface Fitting<B> {
  readonly rowsMax: number;
  readonly build: (rows: number, detail: Detail) => B;
}

/**
 * The body that shows the most within `bytesMax`, as `measure` counts the finished reply. All rows in the
 * roomiest detail, else as many rows as fit in the tightest, so that a few long records never push out the many.
 * Without a budget: everything, exact. A body with no rows is returned even when it does not fit.
 */
export function fitToBudget<B>(
  draft: Fitting<B>,
  bytesMax: number | undefined,
  measure: (body: B) => number,
): B {
  if (bytesMax === undefined) return draft.build(draft.rowsMax, { compact: false });
  const fits = (body: B): boolean => measure(body) <= bytesMax;
  const rowsMax = Math.min(draft.rowsMax, Math.floor(bytesMax / ROW_BYTES_MIN));
  const all = (charsMax: number): B => draft.build(draft.rowsMax, { compact: true, charsMax });
  const tight = rowsMax === draft.rowsMax ? all(CHARS_TIGHT) : undefined;
  if (tight === undefined || !fits(tight)) {
    return mostRows(draft, rowsMax, { compact: true, charsMax: CHARS_MIN }, fits);
  }
  return firstFitting(CHARS_ROOMY, all, fits) ?? tight;
}

function firstFitting<B>(
  lengths: readonly number[],
  all: (charsMax: number) => B,
  fits: (body: B) => boolean,
): B | undefined {
  for (const charsMax of lengths) {
    const body = all(charsMax);
    if (fits(body)) return body;
  }
  return undefined;
}

/** Bisects for the largest number of rows that fits. */
function mostRows<B>(draft: Fitting<B>, rowsMax: number, detail: Detail, fits: (body: B) => boolean): B {
  let best = draft.build(0, detail);
  let low = 1;
  let high = rowsMax;
  while (low <= high) {
    const rows = (low + high) >>> 1;
    const body = draft.build(rows, detail);
    if (fits(body)) {
      best = body;
      low = rows + 1;
    } else {
      high = rows - 1;
    }
  }
  return best;
}
