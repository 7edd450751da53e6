/** Opens a shop, prints the ids of its processes, and waits to be killed. */
import { startShop } from "../../demo/shop/shop.ts";

const shop = await startShop({ endpoint: "http://127.0.0.1:9" });
process.stdout.write(`${JSON.stringify(shop.services().map(({ pid }) => pid))}\n`);
