import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Record, Redacted, Ref } from "effect"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import { exceptions } from "../src/internal/model/exceptions.js"
import * as SessionBinding from "../src/SessionBinding.js"
import { origin, returnUrl } from "./support/binding.js"
import { ada, consentOf, type Fields, run, sessionUri, state, visit } from "./support/bindingVisits.js"
import { assertEqual } from "./support/equality.js"
import { recording } from "./support/recording.js"

type Failure = IdentityApi.Failure<"completeResourceTokenAuth">

const operation = "CompleteResourceTokenAuth"

const message = "said of urn:ietf:params:oauth:request_uri:session"

const fields = { operation, message, requestId: "request-1" }

interface Outcome {
  readonly status: 403 | 502
  /** Whether the same browser may load the page again, and so complete the consent. */
  readonly isRepeatable: boolean
}

const aboutSession: Outcome = { status: 403, isRepeatable: false }

const notAnswered: Outcome = { status: 502, isRepeatable: true }

/** The response of the page to every error of a completion. The type requires an entry for every error. */
const outcomes: { readonly [tag in Failure["_tag"]]: Outcome } = {
  ValidationError: aboutSession,
  AccessDenied: aboutSession,
  ResourceNotFound: aboutSession,
  Unauthorized: notAnswered,
  Throttled: notAnswered,
  InternalServerError: notAnswered,
  TransportFailure: notAnswered,
  UndecodableReply: notAnswered,
  UnknownServiceError: notAnswered
}

const failures: ReadonlyArray<Failure> = [
  ...IdentityApi.operations.completeResourceTokenAuth.errors.map((tag) => new exceptions[tag].make(fields)),
  ...(["Connection", "Timeout", "Credentials"] as const).map((reason) =>
    new IdentityError.TransportFailure({ ...fields, reason })
  ),
  new IdentityError.UndecodableReply(fields),
  ...[400, 403, 404, 429, 500, 503].map((status) =>
    new IdentityError.UnknownServiceError({ ...fields, code: "Unknown", status })
  )
]

const titleOf = (failure: Failure) =>
  failure._tag === "TransportFailure"
    ? `${failure._tag} ${failure.reason}`
    : failure._tag === "UnknownServiceError"
    ? `${failure._tag} ${failure.status}`
    : failure._tag

describe("the return page, when a completion fails", () => {
  it("has a page for every error of the operation", () => {
    assertEqual(new Set(failures.map(({ _tag }) => _tag)), new Set(Record.keys(outcomes)))
  })

  for (const failure of failures) {
    const { isRepeatable, status } = outcomes[failure._tag]

    it.effect(`responds to ${titleOf(failure)} with ${status}, and ${isRepeatable ? "can" : "cannot"} be loaded again`, () =>
      Effect.gen(function*() {
        const { layer, text } = yield* recording
        const complete = (asked: Ref.Ref<ReadonlyArray<unknown>>) =>
          Effect.gen(function*() {
            const { register, returnPage, startPage } = yield* SessionBinding.make({ origin, doneUrl: "/done" })
            const { cookie } = yield* visit(startPage, yield* register(yield* consentOf(), ada))
            const query = new URLSearchParams({ state: Redacted.value(state), session_id: Redacted.value(sessionUri) })
            const back = visit(returnPage, `${returnUrl}?${query}`, cookie)

            const failed = yield* back
            assert.strictEqual(failed.status, status)
            assert.include(failed.text, "The request could not be completed")
            assert.notInclude(failed.text, "The consent was approved")
            assert.isNull(failed.location)
            // The browser keeps its cookie while it may try again.
            assert.strictEqual(
              failed.set,
              isRepeatable ? "" : `${cookie.split("=")[0]}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`
            )

            const again = yield* back
            assert.strictEqual(again.status, isRepeatable ? 303 : 409)
            assert.strictEqual(again.location, isRepeatable ? `${origin}/done` : null)
            assert.strictEqual((yield* back).status, 409)
            const request = { sessionUri, userIdentifier: { userId: "ada" } }
            assertEqual(yield* Ref.get(asked), isRepeatable ? [request, request] : [request])
          })
        yield* Effect.provide(run(complete, [failure]), layer)
        assert.include(text(), "A consent session could not be completed")
        assert.include(text(), failure._tag)
        assert.include(text(), "request-1")
        assert.notInclude(text(), Redacted.value(state))
      }))

    it.effect(`responds to ${titleOf(failure)} with ${status} also with local auto-binding`, () =>
      run(() =>
        Effect.gen(function*() {
          const end = yield* SessionBinding.makeLocalAutoBinding({
            endpoint: "http://localhost:4599",
            userIdentifier: ada.userIdentifier
          })
          const url = `http://localhost:8081/?session_id=${Redacted.value(sessionUri)}`
          assert.strictEqual((yield* visit(end, url)).status, status)
          assert.strictEqual((yield* visit(end, url)).status, 200)
        }), [failure]))
  }
})

type Beginning = readonly [change: Partial<Fields>, who?: Partial<SessionBinding.ConsentUser> | undefined]

/** Registers consents in a separate application. Returns the link of the last one, or the reason for its rejection. */
const beginning = (...consents: ReadonlyArray<Beginning>) =>
  run(() =>
    Effect.gen(function*() {
      const { register } = yield* SessionBinding.make({ origin })
      const all = yield* Effect.forEach(
        consents,
        ([change, who]) =>
          Effect.flatMap(consentOf(change), (consent) => Effect.either(register(consent, { ...ada, ...who })))
      )
      return all.at(-1) ?? Either.right("nothing was begun")
    })
  )

const reasonOf = (result: Either.Either<string, IdentityError.LedgerFailure | SessionBinding.BindingRefused>) =>
  Either.match(result, {
    onLeft: (error) => error._tag === "BindingRefused" ? `${error.reason}: ${error.message}` : error._tag,
    onRight: (link) => link.replace(/[0-9a-f]{64}$/, "<id>")
  })

const begun = `${origin}/oauth2/start?consent=<id>`

const weak =
  "StateTooWeak: customState: expected 22 or more characters of base64url; request the token with `customState: yield* SessionBinding.customState`"

const foreign =
  `ReturnUrlForeign: callbackUrl: expected a URL of ${origin}, without a query, at which \`returnPage\` is mounted`

const used = "StateUsed: customState: another consent has the same value; generate a new one for each request"

describe("the registration of a consent", () => {
  const states: ReadonlyArray<readonly [state: string | undefined, expected: string]> = [
    [undefined, weak],
    ["", weak],
    ["x".repeat(21), weak],
    ["x".repeat(22), begun],
    ["A_-9".repeat(30), begun],
    [`${"x".repeat(22)} `, weak],
    [`.${"x".repeat(22)}`, weak],
    [`${"x".repeat(22)}=`, weak]
  ]
  for (const [state, expected] of states) {
    it.effect(`${expected === begun ? "accepts" : "rejects"} the state ${JSON.stringify(state)}`, () =>
      Effect.gen(function*() {
        const customState = state === undefined ? undefined : Redacted.make(state)
        assert.strictEqual(reasonOf(yield* beginning([{ customState }])), expected)
      }))
  }

  const returns: ReadonlyArray<readonly [callbackUrl: string | undefined, expected: string]> = [
    [undefined, foreign],
    ["", foreign],
    [returnUrl, begun],
    [`${origin}/`, begun],
    [origin, foreign],
    [`${returnUrl}?tenant=1`, foreign],
    [`${returnUrl}#a`, foreign],
    [`${origin}:8443/return`, foreign],
    [`${origin}.evil.example/return`, foreign],
    ["http://agent.example/return", foreign],
    ["https://elsewhere.example/return", foreign]
  ]
  for (const [callbackUrl, expected] of returns) {
    it.effect(`${expected === begun ? "accepts" : "rejects"} the return URL ${callbackUrl}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(reasonOf(yield* beginning([{ callbackUrl }])), expected)
      }))
  }

  it.effect("can be repeated for the same user and session", () =>
    Effect.gen(function*() {
      assert.strictEqual(reasonOf(yield* beginning([{}], [{}])), begun)
    }))

  const differing: { readonly [title: string]: Beginning } = {
    "another user": [{}, { user: "eve" }],
    "another session": [{ sessionUri: Redacted.make("urn:ietf:params:oauth:request_uri:other") }]
  }
  for (const [title, other] of Record.toEntries(differing)) {
    it.effect(`rejects the state of a consent with ${title}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(reasonOf(yield* beginning([{}], other)), used)
        assert.strictEqual(reasonOf(yield* beginning(other, [{}])), used)
        const customState = Redacted.make("other".repeat(5))
        assert.strictEqual(reasonOf(yield* beginning([{}], [{ ...other[0], customState }, other[1]])), begun)
      }))
  }

  it.effect("rejects a consumed state", () =>
    run(() =>
      Effect.gen(function*() {
        const { register, returnPage, startPage } = yield* SessionBinding.make({ origin })
        const consent = yield* consentOf()
        yield* visit(startPage, yield* register(consent, ada))
        assert.strictEqual((yield* visit(returnPage, `${returnUrl}?state=${Redacted.value(state)}`)).status, 403)
        assert.strictEqual(reasonOf(yield* Effect.either(register(consent, ada))), used)
      })
    ))
})

describe("the options of an application", () => {
  const path = "PathInvalid: startPath: expected a path without a query, such as /oauth2/start"
  const done = "PathInvalid: doneUrl: expected a path such as /done, or a URL that begins with https://"
  const options: ReadonlyArray<readonly [options: Partial<SessionBinding.Options>, expected: string | undefined]> = [
    [{}, undefined],
    [{ startPath: "/a", doneUrl: "/b" }, undefined],
    [{ startPath: undefined, doneUrl: undefined }, undefined],
    [{ startPath: "a" }, path],
    [{ startPath: "" }, path],
    [{ startPath: "/a?b" }, path],
    [{ doneUrl: "javascript:alert(1)" }, done],
    [
      { origin: "nowhere" },
      "OriginInvalid: origin: expected the URL at which browsers reach the application, such as https://agent.example"
    ]
  ]
  for (const [given, expected] of options) {
    it.effect(`${expected === undefined ? "accept" : "reject"} ${JSON.stringify(given)}`, () =>
      Effect.gen(function*() {
        const made = yield* Effect.either(SessionBinding.make({ origin, ...given }))
        assert.strictEqual(
          Either.match(made, { onLeft: ({ message, reason }) => `${reason}: ${message}`, onRight: () => undefined }),
          expected
        )
      }))
  }

  for (const endpoint of ["https://bedrock-agentcore.us-east-1.amazonaws.com", "http://evillocalhost", "localhost"]) {
    it.effect(`reject local auto-binding at ${endpoint}`, () =>
      Effect.gen(function*() {
        const options = { endpoint, userIdentifier: ada.userIdentifier }
        const { message, reason } = yield* Effect.flip(SessionBinding.makeLocalAutoBinding(options))
        assertEqual([reason, message], [
          "EndpointNotLocal",
          "endpoint: expected an identity service on loopback, such as http://127.0.0.1:4599; use `make` for any other"
        ])
      }))
  }

  it.effect("place the link at the start path", () =>
    run(() =>
      Effect.gen(function*() {
        const { register } = yield* SessionBinding.make({ origin, startPath: "/begin" })
        assert.match(
          yield* register(yield* consentOf(), ada),
          /^https:\/\/agent\.example\/begin\?consent=[0-9a-f]{64}$/
        )
      })
    ))
})

describe("the start page", () => {
  it.effect("fails after 21 concurrent changes of the record", () =>
    run(() =>
      Effect.gen(function*() {
        const { register, startPage } = yield* SessionBinding.make({ origin })
        const link = yield* register(yield* consentOf(), ada)
        const ledger = yield* ConsentLedger.ConsentLedger
        const started = (lost: number) => {
          let tries = 0
          const busy = ConsentLedger.ConsentLedger.of({
            ...ledger,
            replace: (key, before, after) =>
              ++tries <= lost ? Effect.succeed(false) : ledger.replace(key, before, after)
          })
          return Effect.map(
            Effect.provideService(visit(startPage, link), ConsentLedger.ConsentLedger, busy),
            ({ cookie, status }) => [status, tries, cookie === ""]
          )
        }
        assertEqual(yield* started(0), [303, 1, false])
        assertEqual(yield* started(20), [303, 21, false])
        assertEqual(yield* started(21), [503, 21, true])
      })
    ))

  it.effect("requires the id of exactly one consent", () =>
    run(() =>
      Effect.gen(function*() {
        const { register, startPage } = yield* SessionBinding.make({ origin })
        const link = yield* register(yield* consentOf(), ada)
        const statusOf = (url: string) => Effect.map(visit(startPage, url), ({ status }) => status)
        const base = `${origin}/oauth2/start`
        for (
          const query of [
            "",
            "?consent=",
            "?consent=x",
            `${"?consent="}${"A".repeat(64)}`,
            "?consent=0",
            `?consent=x${"0".repeat(64)}`,
            `?consent=${"0".repeat(65)}`
          ]
        ) {
          assert.strictEqual(yield* statusOf(`${base}${query}`), 400, query)
        }
        assert.strictEqual(yield* statusOf(`${base}?consent=${"0".repeat(64)}`), 404)
        assert.strictEqual(yield* statusOf(`${link}&consent=again`), 400)
        assert.strictEqual(yield* statusOf(link), 303)
      })
    ))
})

it.effect("customState generates 256 new random bits in base64url each time", () =>
  Effect.gen(function*() {
    const all = yield* Effect.replicateEffect(SessionBinding.customState, 5)
    for (const one of all) assert.match(Redacted.value(one), /^[\w-]{43}$/)
    assert.strictEqual(new Set(all.map(Redacted.value)).size, 5)
  }))
