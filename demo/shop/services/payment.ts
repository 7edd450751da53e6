import { openDatabase } from "../database.ts";
import { createService, Refusal } from "../service.ts";
import { log } from "../telemetry.ts";

/** Charges cards through a bank and keeps a ledger of it. */
const service = createService();
const ledger = openDatabase("payment");
ledger.exec(
  "CREATE TABLE charges (order_id TEXT PRIMARY KEY, cents INTEGER NOT NULL, approval TEXT NOT NULL)",
);

/** The ledger as after a failover to a replica: it can be read, and every write fails. */
service.onFault("error-deep", (on) => ledger.exec(`PRAGMA query_only = ${on ? "ON" : "OFF"}`));

interface Charge {
  readonly order: string;
  readonly cents: number;
  readonly card: string;
}

service.route("POST /charges", async function charge({ body }) {
  const { order, cents, card } = body as Charge;
  if (!Number.isInteger(cents) || cents <= 0) throw new Refusal(422, "the amount is not a number of cents");
  const known = ledger.all("SELECT approval FROM charges WHERE order_id = ?", order);
  if (known.length > 0) return known[0];

  const { approval } = await service.call<{ approval: string }>("bank.example", "POST /authorizations", {
    body: { cents, card },
  });
  ledger.run("INSERT INTO charges (order_id, cents, approval) VALUES (?, ?, ?)", order, cents, approval);
  log.info("card charged", { "order.id": order, "order.cents": cents });
  return { approval };
});

await service.listen();
