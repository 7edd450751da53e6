import { DEFAULTS, scaleLimits } from "../../../src/config.ts";
import { createRingStore } from "../../../src/store/ring/ring-store.ts";
import { storeContract } from "../contract.ts";

storeContract("the ring store", async (clock, limits = scaleLimits(DEFAULTS.store, 16 * 1024 * 1024)) =>
  createRingStore({ limits, clock, random: Math.random }),
);
