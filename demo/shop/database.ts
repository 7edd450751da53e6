import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { type Span, SpanKind } from "@opentelemetry/api";
import { codeOfCaller, inSpan } from "./telemetry.ts";

/** An SQLite database in memory whose statements are traced, one client span each. */
export interface Database {
  /** Rows of a query. */
  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[];
  /** A statement without rows. */
  run(sql: string, ...parameters: SQLInputValue[]): void;
  /** Schema, test data, pragmas: several statements, not traced. */
  exec(sql: string): void;
}

/**
 * Opens an empty database. Spans follow the database conventions: named by their summary (`SELECT reviews`), with the
 * whole statement, which holds `?` for every value, and with the line of code that sent it.
 */
export function openDatabase(namespace: string): Database {
  const database = new DatabaseSync(":memory:");
  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  function traced<T>(sql: string, code: ReturnType<typeof codeOfCaller>, work: (span: Span) => T): T {
    const { operation, table } = summarise(sql);
    const attributes = {
      "db.system.name": "sqlite",
      "db.namespace": namespace,
      "db.query.text": sql.replace(/\s+/g, " ").trim(),
      "db.query.summary": `${operation} ${table}`,
      "db.operation.name": operation,
      "db.collection.name": table,
      ...code,
    };
    return inSpan(`${operation} ${table}`, { kind: SpanKind.CLIENT, attributes }, (span) => {
      try {
        return work(span);
      } catch (error) {
        span.setAttribute("db.response.status_code", sqliteCode(error));
        throw error;
      }
    });
  }
  return {
    all: <Row>(sql: string, ...parameters: SQLInputValue[]) =>
      traced(sql, codeOfCaller(), (span) => {
        const rows = statement(sql).all(...parameters) as Row[];
        span.setAttribute("db.response.returned_rows", rows.length);
        return rows;
      }),
    run: (sql, ...parameters) => traced(sql, codeOfCaller(), () => void statement(sql).run(...parameters)),
    exec: (sql) => database.exec(sql),
  };
}

function summarise(sql: string): { operation: string; table: string } {
  const operation = /^\s*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? "";
  const table = /\b(?:FROM|INTO|UPDATE)\s+(\w+)/i.exec(sql)?.[1] ?? "";
  return { operation, table };
}

function sqliteCode(error: unknown): string {
  return error instanceof Error && "errcode" in error ? String(error.errcode) : "";
}
