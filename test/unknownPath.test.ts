import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { acceptsHtml } from "../src/internal/web/acceptsHtml.js"
import * as federated from "./support/federated.js"
import { jar } from "./support/jar.js"
import { origin } from "./support/server.js"
import { visit } from "./support/visit.js"
import { webRequest } from "./support/webRequest.js"

const chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

it("a browser is recognized by text/html in the Accept header of a GET request", () => {
  const accepts = (accept?: string, method = "GET") =>
    acceptsHtml(webRequest({ method, headers: accept === undefined ? {} : { accept } }))
  for (const accept of [chromium, "text/html", "TEXT/HTML; charset=utf-8", "a/b, text/html;q=0.1"]) {
    assert.isTrue(accepts(accept), accept)
    assert.isTrue(accepts(accept, "HEAD"), accept)
    assert.isFalse(accepts(accept, "POST"), accept)
  }
  for (const accept of [undefined, "", "*/*", "application/json", "text/*", "text/html;q=0", "text/html; q=0.00"]) {
    assert.isFalse(accepts(accept), accept)
  }
})

it.scopedLive("an unknown path answers a browser with a page that links the dashboard, and a program with JSON", () =>
  Effect.gen(function*() {
    const browser = yield* jar
    const get = (path: string, accept: string, method = "GET") =>
      Effect.promise(() => browser.request(path, { method, headers: { accept } }))
    for (
      const path of ["/nowhere", "/identities", "/identities/CreateWorkloadIdentity", "/_local/nothing", "/a%00/b"]
    ) {
      const page = yield* get(path, chromium)
      assert.strictEqual(page.status, 404, path)
      assert.strictEqual(page.headers.get("content-type"), "text/html; charset=utf-8", path)
      assert.strictEqual(page.headers.get("cache-control"), "no-store", path)
      assert.include(page.text, "<h1>Page not found</h1>", path)
      assert.include(page.text, "<a href=\"/\">Open the dashboard</a>", path)
      for (const accept of ["*/*", "application/json"]) {
        const other = yield* get(path, accept)
        assert.strictEqual(other.status, 404, path)
        assert.match(other.headers.get("content-type") ?? "", /^application\/(?:x-amz-)?json/, path)
        assert.isString(JSON.parse(other.text).message, path)
      }
    }
    // The error of AWS is unchanged for a client that sends an unknown operation.
    const posted = yield* get("/nowhere", chromium, "POST")
    assert.strictEqual(posted.headers.get("x-amzn-errortype"), "UnknownOperationException")
    // The pages and the control API are not affected.
    assert.strictEqual((yield* get("/", chromium)).status, 200)
    assert.match((yield* get("/_local/", chromium)).headers.get("content-type") ?? "", /^application\/json/)
  }).pipe(Effect.provide(federated.layer())))

it.scopedLive("a host that is not allowed answers a browser with a page, and a program with text", () =>
  Effect.gen(function*() {
    const address = yield* origin
    const get = (accept: string) => visit(address, { headers: { accept, host: "other.example" } })
    const page = yield* get(chromium)
    assert.strictEqual(page.status, 403)
    assert.include(page.body, "<h1>Host not allowed</h1>")
    assert.include(page.body, "start the server with --allowed-host")
    assert.notInclude(page.body, "other.example")
    const other = yield* get("*/*")
    assert.strictEqual(other.status, 403)
    assert.notInclude(other.body, "<")
  }).pipe(Effect.provide(federated.layer())))
