import bunyan from "bunyan";
import { pino } from "pino";
import winston from "winston";

// Writes the same three statements with the logger named in the first argument, as its users set it up.
const ids = {
  trace_id: "0af7651916cd43dd8448eb211c80319c",
  span_id: "b7ad6b7169203331",
  trace_flags: "01",
};

const LOGGERS = {
  pino: () => pino({ base: undefined }),
  bunyan: () => bunyan.createLogger({ name: "shop", serializers: bunyan.stdSerializers }),
  "winston-json": () =>
    winston.createLogger({
      level: "debug",
      format: winston.format.combine(
        winston.format.errors({ stack: true }),
        winston.format.timestamp(),
        winston.format.json(),
      ),
      transports: [new winston.transports.Console()],
    }),
  "winston-simple": () =>
    winston.createLogger({
      level: "debug",
      format: winston.format.combine(winston.format.colorize(), winston.format.simple()),
      transports: [new winston.transports.Console()],
    }),
};

const name = process.argv[2];
const log = LOGGERS[name]();
const error = new TypeError("no card");
if (name.startsWith("winston")) {
  log.info("order placed", { orderId: 7, ...ids });
  log.warn("slow query");
  log.error(Object.assign(error, { message: "no card" }));
} else {
  log.info({ orderId: 7, ...ids }, "order placed");
  log.warn("slow query");
  log.error({ err: error }, "payment failed");
}
