/**
 * The same hands as an HTTP API, for tests in any language. Only JSON is taken, which no page of another origin can send
 * without asking first; and since nothing here ever answers such a question, it never may.
 */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type ConsentSession, IdentityControls } from "../../../IdentityControls.js"
import { integer, text as limited } from "../../model/smithy.js"
import * as failures from "../state/errorsOf.js"
import { maxClockMoveSeconds, Trouble } from "../state/faultInjection.js"
import * as inventory from "../state/inventory.js"
import { type Endpoint, get, post, withControls } from "./endpoint.js"
import * as issuers from "./issuers.js"
import { ApiError, invalid, respond } from "./json.js"
import * as sessions from "./sessionSelector.js"

const name = Schema.optional(limited({ min: 1, max: 2048 }))

const Filter = Schema.Struct({ providerName: name, workloadName: name, user: name })

const times = Schema.optionalWith(integer(0, 1000), { default: () => 1 })

const seconds = Schema.Number.pipe(
  Schema.filter((n) => n >= 0 && n <= 3600 || "Member must be between 0 and 3600, inclusive")
)

const text1 = limited({ min: 1, max: 2048 })

const Failing = Schema.Struct({ operation: text1, error: name, times, message: name })

const Delaying = Schema.Struct({ operation: text1, times, seconds: Schema.optional(seconds) })

const Dropping = Schema.Struct({
  operation: text1,
  times,
  lost: Schema.optionalWith(Schema.Literal("request", "answer"), { default: () => "request" })
})

const Reset = Schema.Struct({ journal: Schema.optionalWith(Schema.Boolean, { default: () => false }) })

const SecretText = Schema.Redacted(
  Schema.String.pipe(
    Schema.filter((json) =>
      Either.match(Either.try((): unknown => JSON.parse(json)), {
        onLeft: () => false,
        onRight: (value) => typeof value === "object" && value !== null && !Array.isArray(value)
      }) || "Member must be a JSON object, as text"
    )
  )
)

const Secret = Schema.Struct({ secretId: text1, json: SecretText })

const Link = Schema.Struct({ workloadName: limited({ min: 3, max: 255, pattern: /[A-Za-z0-9_.-]+/ }) })

const Move = Schema.Struct({ moveSeconds: integer(0, maxClockMoveSeconds) })

const operationOf = (name: string) => {
  const key = failures.keyOf(name)
  return key === undefined
    ? Effect.fail(invalid({ name: "operation", message: "No such operation" }))
    : Effect.succeed(key)
}

const withTrouble = <A, E, R>(f: (trouble: Trouble["Type"]) => Effect.Effect<A, E, R>) => Effect.flatMap(Trouble, f)

const clock = Effect.gen(function*() {
  const { current } = yield* Trouble
  const { moved } = yield* current
  return {
    now: DateTime.formatIso(DateTime.unsafeMake(yield* Clock.currentTimeMillis)),
    movedSeconds: Duration.toSeconds(moved)
  }
})

const sessionOf = ({ sessionUri, ...session }: ConsentSession) => ({
  ...session,
  sessionUri: Redacted.value(sessionUri)
})

const state = Effect.gen(function*() {
  const controls = yield* IdentityControls
  const trouble = yield* Trouble
  const { providers, workloads } = yield* inventory.read
  const { delays, drops } = yield* trouble.current
  const sessions = yield* controls.sessions
  return {
    clock: yield* clock,
    workloads,
    providers,
    // Their URIs are secret: `/_local/sessions` gives them to who asks for them.
    sessions: sessions.map(({ sessionUri: _, ...session }) => session),
    grants: yield* controls.grants,
    failures: yield* controls.pendingFailures,
    delays: delays.map(({ duration, operation, times }) => ({
      operation,
      times,
      seconds: Duration.toSeconds(duration)
    })),
    drops
  }
})

const done = {}

const fail = ({ error, message, operation, times }: typeof Failing.Type) =>
  Effect.gen(function*() {
    const key = yield* operationOf(operation)
    if (times === 0) {
      yield* withControls((controls) => controls.clearFailures(key))
      return done
    }
    const tag = error === undefined ? undefined : failures.errorOf(key, error)
    if (tag === undefined) {
      const allowed = failures.namesOf(key).join(", ")
      return yield* invalid({ name: "error", message: `Member must satisfy enum value set: [${allowed}]` })
    }
    yield* failures.failNext(key, tag, times, message)
    return done
  })

const delay = ({ operation, seconds, times }: typeof Delaying.Type) =>
  Effect.gen(function*() {
    const key = yield* operationOf(operation)
    if (seconds === undefined && times > 0) {
      return yield* invalid({ name: "seconds", message: "Member must not be null" })
    }
    yield* withTrouble((trouble) => trouble.delayNext(key, times, Duration.seconds(seconds ?? 0)))
    return done
  })

const reset = ({ journal }: typeof Reset.Type) =>
  Effect.gen(function*() {
    const controls = yield* IdentityControls
    yield* controls.clearFailures()
    yield* withTrouble((trouble) => trouble.reset)
    if (journal) yield* controls.clearJournal
    return done
  })

const which = {
  "session?": "its id in /_local/state",
  "sessionUri?": "or its URI",
  "user?": "or, of those that wait, the only one of this user (userId:<id>, or jwt:<issuer>|<subject>),",
  "providerName?": "of this provider",
  "workloadName?": "and of this workload identity"
}

const filter = {
  "providerName?": "of this provider",
  "workloadName?": "of this workload identity",
  "user?": "of this user: userId:<id>, or jwt:<issuer>|<subject>"
}

const operation = "the name of an operation"

const calls = "how many calls, 1 unless given; 0 cancels what waits for the operation"

const expire = [
  {
    does: "The request for consent is over at once",
    body: which,
    answer: "{}; 404 if none fits, 409 if several do or it is over already"
  },
  sessions.Selector,
  (selector: sessions.Selector) =>
    withControls((controls) =>
      Effect.flatMap(
        sessions.find(selector, ["pending", "approved"]),
        (uri) => Effect.as(controls.expireSession(uri), done)
      )
    )
] as const

const endpoints: ReadonlyArray<Endpoint> = [
  get("/_local/state", {
    does: "What there is, and what waits to go wrong",
    answer: "{clock, workloads, providers, sessions, grants, failures, delays, drops}, without a secret"
  }, state),
  get(
    "/_local/journal",
    { does: "The last thousand calls, oldest first", answer: "{journal: [{at, operation, request, outcome}]}" },
    withControls((controls) => Effect.map(controls.journal, (journal) => ({ journal })))
  ),
  get(
    "/_local/sessions",
    {
      does: "The requests for consent with their URIs, which are secret",
      answer: "{sessions: [{id, sessionUri, status, workloadName, user, providerName, scopes, createdAt, expiresAt}]}"
    },
    withControls((controls) => Effect.map(controls.sessions, (sessions) => ({ sessions: sessions.map(sessionOf) })))
  ),
  post(
    "/_local/approve",
    {
      does: "The person consents",
      body: which,
      answer: "{returnUrl}: where the browser returns to; 404 if none fits, 409 if several do or it does not wait"
    },
    sessions.Selector,
    (selector) =>
      withControls((controls) =>
        Effect.flatMap(
          sessions.find(selector, ["pending"]),
          (uri) => Effect.map(controls.approve(uri), (url) => ({ returnUrl: Redacted.value(url) }))
        )
      )
  ),
  post(
    "/_local/deny",
    {
      does: "The person refuses",
      body: which,
      answer: "{}; 404 if none fits, 409 if several do or it does not wait"
    },
    sessions.Selector,
    (selector) =>
      withControls((controls) =>
        Effect.flatMap(sessions.find(selector, ["pending"]), (uri) => Effect.as(controls.deny(uri), done))
      )
  ),
  ...issuers.endpoints,
  post("/_local/expire", ...expire),
  post("/_local/expire-session", ...expire),
  post(
    "/_local/expire-tokens",
    { does: "The access tokens that fit are over", body: filter, answer: "{count}" },
    Filter,
    (filter) => withControls((controls) => Effect.map(controls.expireTokens(filter), (count) => ({ count })))
  ),
  post(
    "/_local/revoke",
    { does: "The vendor revokes: nothing that fits is refreshed any more", body: filter, answer: "{count}" },
    Filter,
    (filter) => withControls((controls) => Effect.map(controls.revoke(filter), (count) => ({ count })))
  ),
  post(
    "/_local/clock",
    {
      does: "Moves the clock forward",
      body: { moveSeconds: `0 to ${maxClockMoveSeconds}` },
      answer: "{now, movedSeconds}"
    },
    Move,
    ({ moveSeconds }) => Effect.zipRight(withTrouble((trouble) => trouble.move(Duration.seconds(moveSeconds))), clock)
  ),
  post(
    "/_local/fail",
    {
      does: "The next calls of an operation fail",
      body: {
        operation,
        error: "an error of its model, as the library or as AWS names it; not needed if times is 0",
        "times?": calls,
        "message?": "what the error says"
      },
      answer: "{}"
    },
    Failing,
    fail
  ),
  post(
    "/_local/delay",
    {
      does: "The next calls of an operation are slow",
      body: { operation, seconds: "0 to 3600; 0 cancels what waits for the operation", "times?": calls },
      answer: "{}"
    },
    Delaying,
    delay
  ),
  post(
    "/_local/drop",
    {
      does: "The next calls of an operation lose their connection",
      body: {
        operation,
        "lost?": "request (nothing is done; the default) or answer (everything was)",
        "times?": calls
      },
      answer: "{}"
    },
    Dropping,
    ({ lost, operation, times }) =>
      Effect.flatMap(
        operationOf(operation),
        (key) => Effect.as(withTrouble((trouble) => trouble.dropNext(key, times, lost)), done)
      )
  ),
  post(
    "/_local/reset",
    {
      does: "Forgets all failures, delays and drops that wait; the clock stays where it is",
      body: { "journal?": "true forgets the calls so far, too" },
      answer: "{}"
    },
    Reset,
    reset
  ),
  post(
    "/_local/secret",
    {
      does: "Puts a secret where providers with an EXTERNAL secret look for it",
      body: { secretId: "its id or ARN", json: "a JSON object, as text" },
      answer: "{}"
    },
    Secret,
    ({ json, secretId }) => withControls((controls) => Effect.as(controls.setSecret(secretId, json), done))
  ),
  post(
    "/_local/link",
    {
      does: "Makes a workload identity one that AgentCore Runtime or Gateway owns",
      body: { workloadName: "created if it is not there" },
      answer: "{}"
    },
    Link,
    ({ workloadName }) => withControls((controls) => Effect.as(controls.linkToService(workloadName), done))
  )
]

const listed = respond(Effect.succeed({ endpoints: endpoints.map(({ handler: _, ...about }) => about) }))

// HEAD is left out, since it is answered as GET is, and a route of its own would be found first.
const nothing = HttpRouter.fromIterable(
  (["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const).map((method) =>
    HttpRouter.makeRoute(
      method,
      "/_local/*",
      respond(Effect.fail(new ApiError({ status: 404, error: "NotFound", message: "Nothing is served here" })))
    )
  )
)

/** @internal */
export const router: HttpRouter.HttpRouter<never, IdentityControls | Trouble> = HttpRouter.fromIterable([
  // With a slash at its end it is the same route.
  HttpRouter.makeRoute("GET", "/_local", listed),
  ...endpoints.map(({ handler, method, path }) => HttpRouter.makeRoute(method, path, handler))
]).pipe(HttpRouter.concat(nothing))
