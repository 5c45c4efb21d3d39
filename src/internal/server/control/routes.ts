/**
 * The test controls as an HTTP API, for tests in any language. Requests must be JSON. A page of another origin can send
 * JSON only after a CORS preflight, which this server never allows.
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
import { FaultInjection } from "../state/faultInjection.js"
import * as inventory from "../state/inventory.js"
import { maxClockMoveSeconds, MovableClock } from "../state/movableClock.js"
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

const requiredName = limited({ min: 1, max: 2048 })

const Failing = Schema.Struct({ operation: requiredName, error: name, times, message: name })

const Delaying = Schema.Struct({ operation: requiredName, times, seconds: Schema.optional(seconds) })

const Dropping = Schema.Struct({
  operation: requiredName,
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
      }) || "Member must be a JSON object, as a string"
    )
  )
)

const Secret = Schema.Struct({ secretId: requiredName, json: SecretText })

const Link = Schema.Struct({ workloadName: limited({ min: 3, max: 255, pattern: /[A-Za-z0-9_.-]+/ }) })

const Move = Schema.Struct({ moveSeconds: integer(0, maxClockMoveSeconds) })

const operationOf = (name: string) => {
  const key = failures.keyOf(name)
  return key === undefined
    ? Effect.fail(
      invalid({ name: "operation", message: "Member must be the name of an operation, such as GetWorkloadAccessToken" })
    )
    : Effect.succeed(key)
}

const clock = Effect.gen(function*() {
  const { offset } = yield* MovableClock
  return {
    now: DateTime.formatIso(DateTime.unsafeMake(yield* Clock.currentTimeMillis)),
    movedSeconds: Duration.toSeconds(yield* offset)
  }
})

const sessionOf = ({ sessionUri, ...session }: ConsentSession) => ({
  ...session,
  sessionUri: Redacted.value(sessionUri)
})

const state = Effect.gen(function*() {
  const controls = yield* IdentityControls
  const faults = yield* FaultInjection
  const { providers, workloads } = yield* inventory.read
  const { delays, drops } = yield* faults.pending
  const sessions = yield* controls.sessions
  return {
    clock: yield* clock,
    workloads,
    providers,
    // Without their URIs, which are secret. `/_local/sessions` returns them.
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
    yield* (yield* FaultInjection).delayNext(key, times, Duration.seconds(seconds ?? 0))
    return done
  })

const reset = ({ journal }: typeof Reset.Type) =>
  Effect.gen(function*() {
    const controls = yield* IdentityControls
    yield* controls.clearFailures()
    yield* (yield* FaultInjection).reset
    if (journal) yield* controls.clearJournal
    return done
  })

const Approval = Schema.Struct({
  ...sessions.Selector.fields,
  complete: Schema.optionalWith(Schema.Boolean, { default: () => false })
})

const approve = ({ complete, ...selector }: typeof Approval.Type) =>
  withControls((controls) =>
    Effect.gen(function*() {
      const uri = yield* sessions.find(selector, ["pending"])
      const returnUrl = yield* controls.approve(uri)
      if (complete) yield* controls.complete(uri)
      return { returnUrl: Redacted.value(returnUrl) }
    })
  )

const selectorFields = {
  "session?": "the id of the session in /_local/state",
  "sessionUri?": "or its URI",
  "user?": "or the user of the only pending session that matches (userId:<id>, or jwt:<issuer>|<subject>),",
  "providerName?": "its provider",
  "workloadName?": "and its workload identity"
}

const filterFields = {
  "providerName?": "the provider",
  "workloadName?": "the workload identity",
  "user?": "the user: userId:<id>, or jwt:<issuer>|<subject>"
}

const operation = "the name of an operation"

const calls = "the number of calls, 1 by default; 0 cancels the pending ones of the operation"

const expire = [
  {
    does: "Expires a session",
    body: selectorFields,
    answer: "{}; 404 if no session matches, 409 if several match or it is not active"
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
    does: "Returns the state, and the pending failures, delays and drops",
    answer: "{clock, workloads, providers, sessions, grants, failures, delays, drops}, without secrets"
  }, state),
  get(
    "/_local/journal",
    { does: "Lists the last thousand calls, oldest first", answer: "{journal: [{at, operation, request, outcome}]}" },
    withControls((controls) => Effect.map(controls.journal, (journal) => ({ journal })))
  ),
  get(
    "/_local/sessions",
    {
      does: "Lists the sessions with their URIs, which are secret",
      answer: "{sessions: [{id, sessionUri, status, workloadName, user, providerName, scopes, createdAt, expiresAt}]}"
    },
    withControls((controls) => Effect.map(controls.sessions, (sessions) => ({ sessions: sessions.map(sessionOf) })))
  ),
  post(
    "/_local/approve",
    {
      does: "Approves a session",
      body: {
        ...selectorFields,
        "complete?": "true also completes it as its user, as the page at the return URL does; false by default"
      },
      answer:
        "{returnUrl}: the URL to which the browser returns; 404 if no session matches, 409 if several match or it is not pending"
    },
    Approval,
    approve
  ),
  post(
    "/_local/deny",
    {
      does: "Denies a session",
      body: selectorFields,
      answer: "{}; 404 if no session matches, 409 if several match or it is not pending"
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
    { does: "Expires the access tokens that match", body: filterFields, answer: "{count}" },
    Filter,
    (filter) => withControls((controls) => Effect.map(controls.expireTokens(filter), (count) => ({ count })))
  ),
  post(
    "/_local/revoke",
    {
      does: "Revokes the grants that match at the vendor: they cannot be refreshed",
      body: filterFields,
      answer: "{count}"
    },
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
    ({ moveSeconds }) =>
      Effect.zipRight(Effect.flatMap(MovableClock, ({ move }) => move(Duration.seconds(moveSeconds))), clock)
  ),
  post(
    "/_local/fail",
    {
      does: "Makes the next calls of an operation fail",
      body: {
        operation,
        error: "an error of the operation, by the name of the library or of AWS; not required if times is 0",
        "times?": calls,
        "message?": "the message of the error"
      },
      answer: "{}"
    },
    Failing,
    fail
  ),
  post(
    "/_local/delay",
    {
      does: "Delays the next calls of an operation",
      body: { operation, seconds: "0 to 3600; 0 cancels the pending delays of the operation", "times?": calls },
      answer: "{}"
    },
    Delaying,
    delay
  ),
  post(
    "/_local/drop",
    {
      does: "Drops the connection of the next calls of an operation",
      body: {
        operation,
        "lost?": "request (nothing is executed; the default) or answer (the response is lost)",
        "times?": calls
      },
      answer: "{}"
    },
    Dropping,
    ({ lost, operation, times }) =>
      Effect.flatMap(
        operationOf(operation),
        (key) => Effect.as(Effect.flatMap(FaultInjection, (faults) => faults.dropNext(key, times, lost)), done)
      )
  ),
  post(
    "/_local/reset",
    {
      does: "Cancels all pending failures, delays and drops; the clock keeps its time",
      body: { "journal?": "true also clears the list of calls" },
      answer: "{}"
    },
    Reset,
    reset
  ),
  post(
    "/_local/secret",
    {
      does: "Stores a secret for providers with an EXTERNAL secret",
      body: { secretId: "the id or ARN of the secret", json: "a JSON object, as a string" },
      answer: "{}"
    },
    Secret,
    ({ json, secretId }) => withControls((controls) => Effect.as(controls.setSecret(secretId, json), done))
  ),
  post(
    "/_local/link",
    {
      does: "Marks a workload identity as owned by AgentCore Runtime or Gateway",
      body: { workloadName: "the workload identity; created if it does not exist" },
      answer: "{}"
    },
    Link,
    ({ workloadName }) => withControls((controls) => Effect.as(controls.linkToService(workloadName), done))
  )
]

const listing = respond(Effect.succeed({ endpoints: endpoints.map(({ handler: _, ...about }) => about) }))

// Without HEAD, which is answered like GET: a route for it would take precedence.
const notFound = HttpRouter.fromIterable(
  (["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const).map((method) =>
    HttpRouter.makeRoute(
      method,
      "/_local/*",
      respond(
        Effect.fail(
          new ApiError({
            status: 404,
            error: "NotFound",
            message: "Unknown endpoint. `GET /_local/` lists all endpoints."
          })
        )
      )
    )
  )
)

/** @internal */
export const router: HttpRouter.HttpRouter<never, IdentityControls | FaultInjection | MovableClock> = HttpRouter
  .fromIterable([
    // The same route with a trailing slash.
    HttpRouter.makeRoute("GET", "/_local", listing),
    ...endpoints.map(({ handler, method, path }) => HttpRouter.makeRoute(method, path, handler))
  ]).pipe(HttpRouter.concat(notFound))
