import { tmpdir } from "node:os";
import { join } from "node:path";

export default {
  retries: 1,
  workers: 1,
  reporter: "list",
  outputDir: process.env.RESULTS ?? join(tmpdir(), "gasoline-playwright-results"),
  use: { launchOptions: { executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] } },
};
