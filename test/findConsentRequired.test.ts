import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, DateTime, Effect, Exit, FiberId, Option, Redacted, Runtime, Schema } from "effect"
import * as ConsentView from "../src/ConsentView.js"
import * as Diagnosis from "../src/Diagnosis.js"
import * as IdentityError from "../src/IdentityError.js"
import { assertEqual } from "./support/equality.js"

const consent = new IdentityError.ConsentRequired({
  providerName: "github",
  authFlow: "USER_FEDERATION",
  scopes: ["repo", "mail"],
  resources: ["https://api.example"],
  audiences: ["the-audience"],
  callbackUrl: "https://app.example/return",
  customState: Redacted.make("the-custom-state"),
  customParameters: { prompt: Redacted.make("the-custom-parameter") },
  authorizationUrl: Redacted.make("https://idp.example/authorize?request_uri=x"),
  sessionUri: Redacted.make("urn:ietf:params:oauth:request_uri:the-session"),
  expiresAt: DateTime.unsafeMake(600_000),
  handle: Redacted.make("the-handle")
})

const encoded = Schema.encodeSync(IdentityError.ConsentRequired)(consent)

const found = (value: unknown) => Option.getOrUndefined(IdentityError.findConsentRequired(value))

class ToolFailure extends Data.TaggedError("ToolFailure")<{ readonly cause: unknown }> {}

const other = new IdentityError.ConsentDenied({ providerName: "github" })

const inCause = Cause.parallel(Cause.interrupt(FiberId.none), Cause.sequential(Cause.fail(other), Cause.fail(consent)))

const wrappers: { readonly [title: string]: (value: unknown) => unknown } = {
  "the value itself": (value) => value,
  "the cause of an Error": (value) => new Error("tool failed", { cause: value }),
  "the cause of a cause": (value) => new Error("a", { cause: new Error("b", { cause: value }) }),
  "a tagged error": (value) => new ToolFailure({ cause: value }),
  "an AggregateError": (value) => new AggregateError([new Error("other"), value]),
  "an UnknownException": (value) => new Cause.UnknownException(value),
  "a failed Exit": Exit.fail,
  "a Cause that fails": Cause.fail,
  "a Cause that dies": Cause.die,
  "a FiberFailure": (value) => Runtime.makeFiberFailure(Cause.fail(value)),
  "a FiberFailure in an AggregateError in an Error": (value) =>
    new Error("a", { cause: new AggregateError([Runtime.makeFiberFailure(Cause.die(value))]) }),
  "the reason of a rejected promise": (value) => ({ status: "rejected", reason: value }),
  "inner and originalError": (value) => ({ inner: { originalError: value } }),
  "a plain object": (value) => ({ status: 500, error: value })
}

describe("findConsentRequired", () => {
  for (const [title, wrap] of Object.entries(wrappers)) {
    it(`finds it in ${title}, encoded or not`, () => {
      assert.strictEqual(found(wrap(consent)), consent)
      assertEqual(found(wrap(encoded)), consent)
      assertEqual(found(wrap(JSON.parse(JSON.stringify(encoded)))), consent)
    })

    it(`finds nothing in ${title} that is something else`, () => {
      for (
        const value of [other, new Error("no"), { _tag: "ConsentRequired" }, null, undefined, "ConsentRequired", 7]
      ) {
        assert.isUndefined(found(wrap(value)))
      }
    })
  }

  it("finds it among other failures of a Cause", () => {
    assert.strictEqual(found(inCause), consent)
    assert.strictEqual(found(Exit.failCause(inCause)), consent)
  })

  it("finds it in what a promise of an Effect rejects with", async () => {
    const rejected: unknown = await Effect.runPromise(Effect.fail(consent)).catch((error) => error)
    assert.strictEqual(found(rejected), consent)
  })

  it("finds the error of another copy of the package", () => {
    const copy = Object.assign(Object.create(Error.prototype), { ...consent, message: consent.message })
    assert.isFalse(copy instanceof IdentityError.ConsentRequired)
    assertEqual(found(copy), consent)
  })

  it("returns the one with the fewest wrappers", () => {
    const inner = new IdentityError.ConsentRequired({ ...consent, providerName: "inner" })
    assert.strictEqual(found(new AggregateError([new Error("a", { cause: inner }), consent])), consent)
  })

  it("ends in a value that contains itself, and gives up after a thousand values", () => {
    const circular: { cause?: unknown } = {}
    circular.cause = circular
    assert.isUndefined(found(circular))
    const nested = (depth: number) => Array.from({ length: depth }).reduce<unknown>((cause) => ({ cause }), consent)
    assert.strictEqual(found(nested(300)), consent)
    assert.isUndefined(found(nested(1100)))
    let visited = 0
    const many = new Proxy(Array.from({ length: 200_000 }, () => 7), {
      get: (target, key) => {
        if (typeof key === "string" && /^\d+$/.test(key)) visited++
        return Reflect.get(target, key)
      }
    })
    assert.isUndefined(found({ errors: many }))
    assert.isAtMost(visited, 1001)
    assert.isUndefined(found(new AggregateError(Array.from({ length: 1_000_000 }))))
    const wide = Array.from({ length: 150_000 }, () => Cause.fail(0)).reduce(Cause.parallel)
    assert.isUndefined(found(wide))
  })

  it("never throws, whatever the value does when it is inspected", () => {
    const thrower = (key: string) => ({
      get [key]() {
        throw new Error("boom")
      }
    })
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    for (const value of [thrower("_tag"), thrower("cause"), thrower("errors"), proxy]) {
      assert.isUndefined(found(value))
      assert.strictEqual(found(new AggregateError([value, consent])), consent)
    }
    const tagged = Object.defineProperty({ _tag: "ConsentRequired" }, "scopes", { get: () => assert.fail("boom") })
    assert.isUndefined(found(tagged))
  })

  it("finds no decoded consent that sends the user to an unsafe URL", () => {
    for (
      const authorizationUrl of ["javascript:alert(1)", "http://idp.example/authorize", "data:text/html,x", "no url"]
    ) {
      assert.isUndefined(found(new Error("response", { cause: { ...encoded, authorizationUrl } })), authorizationUrl)
    }
    for (const authorizationUrl of ["https://idp.example/", "http://127.0.0.1:4599/x", "http://localhost/"]) {
      assert.isDefined(found({ ...encoded, authorizationUrl }), authorizationUrl)
    }
  })
})

describe("IdentityError.find", () => {
  const throttled = new IdentityError.Throttled({ operation: "GetTokenVault", message: "slow down" })
  for (const [title, wrap] of Object.entries(wrappers)) {
    it(`finds any error of this library in ${title}, which Diagnosis.explainUnknown explains`, () => {
      assertEqual(IdentityError.find(wrap(throttled)), Option.some(throttled))
      assertEqual(IdentityError.find(wrap({ ...throttled, message: throttled.message })), Option.some(throttled))
      assertEqual(Option.getOrUndefined(IdentityError.find(wrap(consent))), consent)
      assertEqual(Diagnosis.explainUnknown(wrap(throttled)), Option.some("slow down"))
      assertEqual(IdentityError.find(wrap({ _tag: "Throttled" })), Option.none())
      assertEqual(Diagnosis.explainUnknown(wrap(new Error("no"))), Option.none())
    })
  }
})

describe("the view of a consent", () => {
  const view = ConsentView.make(consent)

  it("is JSON with the provider, the scopes, the authorization URL, the expiry and the handle, and nothing else", () => {
    assertEqual<unknown>(JSON.parse(JSON.stringify(Schema.encodeSync(ConsentView.ConsentView)(view))), {
      _tag: "ConsentView",
      providerName: "github",
      scopes: ["repo", "mail"],
      authorizationUrl: "https://idp.example/authorize?request_uri=x",
      expiresAt: "1970-01-01T00:10:00.000Z",
      handle: "the-handle"
    })
  })

  it("has no handle if the call was not suspended", () => {
    const { handle: _, ...members } = consent
    const json = Schema.encodeSync(ConsentView.ConsentView)(
      ConsentView.make(new IdentityError.ConsentRequired(members))
    )
    assert.notProperty(JSON.parse(JSON.stringify(json)), "handle")
  })

  it("is read by a client as it was made", () => {
    assertEqual(
      Schema.decodeUnknownSync(ConsentView.ConsentView)(Schema.encodeSync(ConsentView.ConsentView)(view)),
      view
    )
  })

  it("prints neither the authorization URL nor the handle", () => {
    for (const printed of [String(view), JSON.stringify(view)]) {
      assert.notInclude(printed, "idp.example")
      assert.notInclude(printed, "the-handle")
    }
  })
})
