import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, TestClock } from "effect"
import * as TokenOptions from "../src/TokenOptions.js"
import { required } from "./support/consenting.js"
import { assertContains, assertEqual, assertNotEqual } from "./support/equality.js"
import { answering, inProgress, token } from "./support/stub.js"

type Options =
  & TokenOptions.TokenOptions
  & TokenOptions.WithWorkloadAccessToken
  & { readonly authFlow: TokenOptions.AnyTokenOptions["authFlow"] }
  & { readonly refused: Redacted.Redacted }

const refused = Redacted.make("refused")

const user: Options = {
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION",
  callbackUrl: "https://app.example/return",
  workloadAccessToken: Redacted.make("ada"),
  refused
}

const flows = ["USER_FEDERATION", "M2M", "ON_BEHALF_OF_TOKEN_EXCHANGE"] as const

const parameters = { access_type: "offline", prompt: Redacted.make("consent") }

/** A reauthentication with every member. */
const full: Required<Options> = {
  ...user,
  scopes: ["repo", "mail"],
  resources: ["https://api.example", "https://other.example"],
  audiences: ["api", "other"],
  callbackUrl: "https://app.example/return",
  customParameters: parameters,
  customState: "state",
  forceAuthentication: false
}

type Values = { readonly [Member in keyof Options]-?: ReadonlyArray<Options[Member]> }

/** For each member, the values that make a different reauthentication. */
const different: Values = {
  providerName: ["gitlab", ""],
  scopes: [["repo"], ["mail"], ["repo", "mail", "admin"], ["repo", "Mail"], ["repo,mail"], []],
  authFlow: ["M2M", "ON_BEHALF_OF_TOKEN_EXCHANGE"],
  resources: [["https://api.example"], ["https://api.example", "https://other.example/"], undefined],
  audiences: [["api"], ["api", "others"], undefined],
  callbackUrl: ["https://app.example/other", undefined],
  customParameters: [
    { ...parameters, prompt: "login" },
    { ...parameters, access_type: "online" },
    { access_type: "consent", prompt: "offline" },
    { access_type: "offline", prompts: "consent" },
    { prompt: "consent" },
    { ...parameters, hd: "example.com" },
    undefined
  ],
  customState: [],
  forceAuthentication: [],
  workloadAccessToken: [Redacted.make("grace"), Redacted.make("ada\n")],
  refused: [Redacted.make("refused by another"), Redacted.make("\nrefused")]
}

/** For each member, the values that make the same reauthentication. */
const same: Values = {
  providerName: [],
  scopes: [["mail", "repo"], ["repo", "mail", "repo"]],
  authFlow: [],
  resources: [
    ["https://other.example", "https://api.example"],
    ["https://api.example", "https://api.example", "https://other.example"]
  ],
  audiences: [["other", "api"], ["other", "api", "other"]],
  callbackUrl: [],
  customParameters: [
    { prompt: "consent", access_type: "offline" },
    { access_type: Redacted.make("offline"), prompt: Redacted.make("consent") }
  ],
  customState: ["another state", Redacted.make("state"), undefined],
  forceAuthentication: [true, undefined],
  workloadAccessToken: [Redacted.make("ada")],
  refused: [Redacted.make("refused")]
}

const variants = (values: Values) =>
  Object.entries(values).flatMap(([member, values]) =>
    values.map((value: unknown): readonly [what: string, options: Options] => [
      `${member}: ${JSON.stringify(value)}`,
      { ...full, [member]: value }
    ])
  )

/** The results of concurrent reauthentications, and their requests. Each request has a separate result. */
const together = (all: ReadonlyArray<Options>) =>
  Effect.gen(function*() {
    const { identity, requests } = yield* answering((_, index) =>
      Effect.delay(Effect.succeed(token(`new-${index}`)), "1 second")
    )
    const fiber = yield* Effect.fork(
      Effect.forEach(all, (options) => identity.reauthenticate(options), { concurrency: "unbounded" })
    )
    yield* TestClock.adjust("10 seconds")
    return { results: (yield* Fiber.join(fiber)).map(Redacted.value), requests: yield* requests }
  })

describe("two concurrent reauthentications", () => {
  it.effect("of two users with the same rejected token return to each user only the token of this user", () =>
    Effect.gen(function*() {
      for (const authFlow of flows) {
        const { identity } = yield* answering(({ workloadIdentityToken }) =>
          Effect.delay(Effect.succeed(token(`of ${Redacted.value(workloadIdentityToken)}`)), "1 second")
        )
        const fiber = yield* Effect.fork(Effect.forEach(
          ["ada", "grace", "ada"],
          (name) => identity.reauthenticate({ ...user, authFlow, workloadAccessToken: Redacted.make(name) }),
          { concurrency: "unbounded" }
        ))
        yield* TestClock.adjust("10 seconds")
        assertEqual((yield* Fiber.join(fiber)).map(Redacted.value), ["of ada", "of grace", "of ada"])
      }
    }))

  for (const [what, options] of variants(different)) {
    it.effect(`do not share a request if they differ only in ${what}`, () =>
      Effect.gen(function*() {
        const { requests, results } = yield* together([full, options])
        assert.lengthOf(requests, 2)
        assertNotEqual(results[0], results[1])
      }))
  }

  for (const [what, options] of variants(same)) {
    it.effect(`share a request if they differ only in the form of ${what}`, () =>
      Effect.gen(function*() {
        const { requests, results } = yield* together([full, options])
        assert.lengthOf(requests, 1)
        assertEqual(results[0], results[1])
      }))
  }

  it.effect("do not share a request if values have moved from one member to another", () =>
    Effect.gen(function*() {
      const plain = { ...full, resources: [], audiences: [] }
      const all: ReadonlyArray<Options> = [
        { ...plain, resources: ["api"] },
        { ...plain, audiences: ["api"] },
        { ...plain, scopes: [...plain.scopes, "api"] },
        { ...plain, workloadAccessToken: Redacted.make("ada\nx"), refused: Redacted.make("y") },
        { ...plain, workloadAccessToken: Redacted.make("ada"), refused: Redacted.make("x\ny") },
        { ...plain, customParameters: { a: "b", c: "d" } },
        { ...plain, customParameters: { a: "d", c: "b" } },
        { ...plain, customParameters: JSON.parse(`{"__proto__":"b"}`) },
        { ...plain, customParameters: {} }
      ]
      const { requests, results } = yield* together(all)
      assert.lengthOf(requests, all.length)
      assert.strictEqual(new Set(results).size, all.length)
    }))

  it.effect("each send a separate request if they all differ", () =>
    Effect.gen(function*() {
      const all = [full, ...variants(different).map(([, options]) => options)]
      const { requests, results } = yield* together(all)
      assert.lengthOf(requests, all.length)
      assert.strictEqual(new Set(results).size, all.length)
    }))

  it.effect("share a request if one omits members that are empty in the other", () =>
    Effect.gen(function*() {
      const { requests } = yield* together([
        user,
        { ...user, resources: [], audiences: [], customParameters: {} },
        { ...user, resources: undefined, audiences: undefined, customParameters: undefined }
      ])
      assert.lengthOf(requests, 1)
    }))

  it.effect("share a request if one has the default return URL and the other omits it", () =>
    Effect.gen(function*() {
      const { requests } = yield* together([full, { ...full, callbackUrl: undefined }])
      assert.lengthOf(requests, 1)
      assertContains(requests[0], { resourceOauth2ReturnUrl: full.callbackUrl })
    }).pipe(Effect.provide(TokenOptions.layerCallbackUrl(full.callbackUrl))))

  it.effect("that share a consent both receive its state", () =>
    Effect.gen(function*() {
      const { identity, requests } = yield* answering(() => Effect.delay(Effect.succeed(inProgress), "1 second"))
      const fiber = yield* Effect.fork(
        Effect.forEach(["first", "second"], (customState) =>
          required(identity.reauthenticate({ ...user, customState })), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("10 seconds")
      const consents = yield* Fiber.join(fiber)
      assert.lengthOf(yield* requests, 1)
      for (const { customState } of consents) {
        assertEqual(customState, Redacted.make("first"))
      }
    }))
})
