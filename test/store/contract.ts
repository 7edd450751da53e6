import { describe } from "vitest";
import { contractOfFilters } from "./contract-filters.ts";
import { contractOfLiveReads } from "./contract-live.ts";
import { contractOfMasking } from "./contract-masking.ts";
import { contractOfRecords } from "./contract-records.ts";
import { contractOfTraces } from "./contract-traces.ts";
import type { MakeStore } from "./store-under-test.ts";

/** What every TelemetryStore owes its readers, whatever it keeps its records in. */
export function storeContract(name: string, makeStore: MakeStore): void {
  describe(name, () => {
    contractOfRecords(makeStore);
    contractOfFilters(makeStore);
    contractOfTraces(makeStore);
    contractOfMasking(makeStore);
    contractOfLiveReads(makeStore);
  });
}
