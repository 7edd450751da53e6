import { describe, expect, it } from "vitest";
import { operationNamer } from "../../src/correlate/operation.ts";
import type { Attributes } from "../../src/model/attributes.ts";
import { makeSpan } from "../support/draw-trace.ts";

function named(attributes: Attributes, name = "name"): string {
  return operationNamer()(makeSpan({ name, attributes }));
}

describe("statements", () => {
  it.each([
    ["select * from users where id = 42", "select * from users where id = ?"],
    ["SELECT a FROM t WHERE n = 'it''s'  AND\n m = -1.5e3", "SELECT a FROM t WHERE n = ? AND m = ?"],
    ["SELECT a FROM t WHERE id IN (1, 2,3)", "SELECT a FROM t WHERE id IN (?)"],
    ["SELECT a FROM t WHERE id IN ($1, $2)", "SELECT a FROM t WHERE id IN (?)"],
    ["INSERT INTO t VALUES (1, 'x'), (2, 'y')", "INSERT INTO t VALUES (?)"],
    ["SELECT a::text FROM t1 WHERE b = :name", "SELECT a::text FROM t1 WHERE b = ?"],
    ["SELECT 'not closed", "SELECT ?"],
    ["GET user:17", "GET user:?"],
  ])("%s", (statement, expected) => {
    expect(named({ "db.query.text": statement })).toBe(expected);
    expect(named({ "db.statement": statement })).toBe(expected);
  });

  it("are named by their summary where there is one", () => {
    expect(named({ "db.query.summary": "SELECT users", "db.query.text": "select 1" })).toBe("SELECT users");
  });

  it("are cut, and take no longer for being hostile", () => {
    expect(named({ "db.query.text": `${"x ".repeat(1_000_000)}` })).toHaveLength(200);
    for (const hostile of ["'", "(?", "?,", "-1", ":a", "((("])
      named({ "db.query.text": hostile.repeat(1_000_000) });
  });
});

describe("HTTP calls", () => {
  it.each([
    [{ "http.request.method": "GET", "http.route": "/users/:id" }, "GET /users/:id"],
    [{ "http.request.method": "GET", "url.template": "/users/{id}" }, "GET /users/{id}"],
    [{ "http.method": "POST", "http.url": "http://pay:8080/cards/17?x=1" }, "POST pay:8080/cards/{}"],
    [{ "http.request.method": "GET", "url.full": "http://pay/a/b", "server.address": "pay" }, "GET pay/a/b"],
    [{ "http.request.method": "GET", "server.address": "pay" }, "GET pay"],
    [
      { "http.request.method": "GET", "url.path": "/v1/users/9", "server.address": "pay" },
      "GET pay/v1/users/{}",
    ],
    [{ "http.method": "GET", "http.target": "/a?b=1" }, "GET /a"],
    [{ "http.request.method": "GET", "url.full": "not a url" }, "name"],
    [{ "http.request.method": "GET" }, "name"],
  ])("%o", (attributes, expected) => {
    expect(named(attributes)).toBe(expected);
  });
});

describe("span names", () => {
  it.each([
    ["GET /users/123", "GET /users/{}"],
    ["order-123-shipped", "order-{}-shipped"],
    ["load 0af7651916cd43dd8448eb211c80319c", "load {}"],
    ["load 123e4567-e89b-12d3-a456-426614174000", "load {}"],
    ["/api/v1/sha256", "/api/v1/sha256"],
    ["connect 10.0.0.1:8080", "connect {}.0.0.1:8080"],
    ["facade deadbeef", "facade deadbeef"],
    ["", ""],
  ])("%s", (name, expected) => {
    expect(named({}, name)).toBe(expected);
  });
});
