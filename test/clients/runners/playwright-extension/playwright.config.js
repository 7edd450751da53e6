import { tmpdir } from "node:os";
import { join } from "node:path";

export default {
  workers: 1,
  reporter: "list",
  outputDir: join(process.env.RESULTS ?? tmpdir(), "gasoline-playwright-extension-results"),
  use: { baseURL: process.env.SHOP },
};
