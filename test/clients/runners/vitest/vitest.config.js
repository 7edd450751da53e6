import { writeFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** A reporter of the project's own, which has to stay. */
const own = {
  onTestRunEnd: () => process.env.OWN_REPORT && writeFileSync(process.env.OWN_REPORT, "reported"),
};

export default defineConfig({ test: { include: ["*.spec.js"], reporters: ["default", own] } });
