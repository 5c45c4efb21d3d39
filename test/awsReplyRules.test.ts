import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as reply from "../src/internal/aws/reply.js"
import { assertContains } from "./support/equality.js"

const encoder = new TextEncoder()

const json = "application/json"

const thing = {
  reply: Schema.Struct({ name: Schema.String, later: Schema.optional(Schema.String) })
}

const refuse = reply.refusal(thing)

const received = (headers: Readonly<Record<string, string>>, text: string, status = 200): reply.Received => ({
  status,
  headers,
  body: encoder.encode(text)
})

const kindOf = (headers: Readonly<Record<string, string>>, text: string) => refuse(received(headers, text), 200)?.kind

describe("a response with a success status", () => {
  it("can have every JSON content type in use", () => {
    const types = [
      json,
      "application/x-amz-json-1.0",
      "application/x-amz-json-1.1; charset=utf-8",
      "application/json;charset=utf-8",
      " Application/JSON ",
      "application/vnd.aws+json",
      "application/problem+json ; a"
    ]
    for (const type of types) assert.isUndefined(kindOf({ "content-type": type }, "{}"), type)
    const others = [
      "",
      "text/plain",
      "text/json",
      "application/jsonp",
      "application/x-json",
      "application/xjson",
      "application/json-seq",
      "text/html, application/json",
      "xapplication/json",
      "application/+json"
    ]
    for (const type of others) assert.strictEqual(kindOf({ "content-type": type }, "{}"), "NotAws", type)
    assert.strictEqual(kindOf({}, "{}"), "NotAws")
  })

  it("can have its request id under every name that the SDK supports", () => {
    for (const name of ["x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"]) {
      assert.isUndefined(kindOf({ [name]: "r" }, "{}"), name)
      assert.strictEqual(kindOf({ [name]: "" }, "{}"), "NotAws", name)
      assert.strictEqual(refuse(received({ [name]: "r" }, "x"), 200)?.requestId, "r")
    }
    assert.strictEqual(kindOf({ "x-request-id": "r" }, "{}"), "NotAws")
    assert.strictEqual(
      refuse(received({ "x-amzn-requestid": "", "x-amz-request-id": "second" }, "x"), 200)?.requestId,
      "second"
    )
  })

  it("must have a member of the operation or a request id, unless it is empty", () => {
    const type = { "content-type": json }
    for (const text of ["", "{}", `{"name":1}`, `{"later":1}`, `{"more":1,"name":1}`]) {
      assert.isUndefined(kindOf(type, text), text)
    }
    assert.strictEqual(kindOf(type, `{"error":1}`), "Foreign")
    assert.isUndefined(kindOf({ "x-amzn-requestid": "r" }, `{"error":1}`))
    for (const text of ["[]", "null", "1", `"x"`, "{", " ", "[{}]"]) {
      assert.strictEqual(kindOf(type, text), "NotJson", text)
    }
  })

  it("must be UTF-8 text", () => {
    const body = Uint8Array.from([...encoder.encode(`{"name":"`), 0xff, ...encoder.encode(`"}`)])
    assert.strictEqual(refuse({ status: 200, headers: { "content-type": json }, body }, 200)?.kind, "NotJson")
  })

  it("must have its declared length, unless it was compressed", () => {
    const type = { "content-type": json }
    assert.isUndefined(kindOf({ ...type, "content-length": "2" }, "{}"))
    for (const length of ["1", "3", "02000"]) {
      assert.strictEqual(kindOf({ ...type, "content-length": length }, "{}"), "Truncated", length)
    }
    for (const length of ["", "x", "3x", "x3", "-3"]) {
      assert.isUndefined(kindOf({ ...type, "content-length": length }, "{}"))
    }
    assert.isUndefined(kindOf({ ...type, "content-length": "3", "content-encoding": "gzip" }, "{}"))
    assert.strictEqual(kindOf({ "content-length": "3" }, ""), "Truncated")
  })

  const why: { readonly [kind in reply.ReplyRefused["kind"]]: string } = {
    NotAws:
      "is not from AWS: it has neither an AWS request id nor a JSON content type. Check the region, the endpoint, "
      + "and any proxy or captive portal in between",
    NotJson: "is not a JSON object",
    Foreign:
      "is not from AWS: it has no AWS request id and no member of this operation. Check the region, the endpoint, "
      + "and any proxy or captive portal in between",
    TooLarge: "is larger than 8 MiB",
    Truncated: "ended before its declared length"
  }
  for (const kind of ["NotAws", "NotJson", "Foreign", "TooLarge", "Truncated"] as const) {
    for (const requestId of [undefined, "r secret"]) {
      it(`that is rejected as ${kind} ${requestId === undefined ? "without" : "with"} a request id states the reason`, () => {
        const refused = new reply.ReplyRefused({ kind, status: 203, requestId })
        const error = reply.toError("GetThing", refused, (text) => text.replace("secret", "*"))
        assertContains(error, {
          _tag: kind === "Truncated" ? "TransportFailure" : "UndecodableReply",
          operation: "GetThing",
          message: `the reply of GetThing (HTTP 203) ${why[kind]}`
        })
        assert.strictEqual(error.requestId, requestId === undefined ? undefined : "r *")
        if (error._tag === "TransportFailure") assert.strictEqual(error.reason, "Connection")
      })
    }
  }

  it("that is too large has no known request id", () => {
    assertContains(refuse("TooLarge", 200), { kind: "TooLarge", status: 200, requestId: undefined })
  })
})
