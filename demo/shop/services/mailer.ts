import { openDatabase } from "../database.ts";
import { consume } from "../queue.ts";
import { createService } from "../service.ts";
import { log } from "../telemetry.ts";

/** Confirms orders by mail: takes them off the queue and writes them to the outbox. */
const service = createService();
const outbox = openDatabase("mailer");
outbox.exec("CREATE TABLE mails (order_id TEXT NOT NULL, subject TEXT NOT NULL)");

await service.listen();
await consume(service.addressOf("broker"), "orders.placed", function confirmOrder(body) {
  const { order } = body as { order: string };
  outbox.run("INSERT INTO mails (order_id, subject) VALUES (?, ?)", order, "Your order");
  log.info("mail sent", { "order.id": order });
});
