/**
 * The test controls as an HTTP API, for tests in any language. Requests must be JSON. A page of another origin can send
 * JSON only after a CORS preflight, which this server never allows.
 */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type ConsentSession, IdentityControls } from "../../../IdentityControls.js"
import { integer, text as limited } from "../../model/smithy.js"
import { FaultInjection } from "../state/faultInjection.js"
import * as inventory from "../state/inventory.js"
import { maxClockMoveSeconds, MovableClock } from "../state/movableClock.js"
import { type Endpoint, get, post, withControls } from "./endpoint.js"
import * as faults from "./faults.js"
import * as issuers from "./issuers.js"
import { ApiError, respond } from "./json.js"
import { enough, maxBytesOfSeveral, newest, page, pageOf, query } from "./page.js"
import * as sessions from "./sessionSelector.js"

const name = Schema.optional(limited({ min: 1, max: 2048 }))

const Filter = Schema.Struct({ providerName: name, workloadName: name, user: name })

const requiredName = limited({ min: 1, max: 2048 })

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
  const injection = yield* FaultInjection
  const { providers, workloads } = yield* inventory.read
  const { delays, drops } = yield* injection.pending
  const limit = enough(maxBytesOfSeveral)
  const { finished, pending } = yield* controls.sessionCounts
  const newestSessions = (yield* controls.sessionsPage({ limit })).sessions
  const grantsPage = yield* controls.grantsPage(limit)
  const pendingFailures = yield* controls.pendingFailures
  // Without their URIs, which are secret. `/_local/sessions` returns them.
  const sessions = newest(
    Arr.reverse(newestSessions.map(({ sessionUri: _, ...session }) => session)),
    maxBytesOfSeveral
  )
  const grants = newest(grantsPage.grants, maxBytesOfSeveral)
  const failures = newest(pendingFailures, maxBytesOfSeveral)
  return {
    clock: yield* clock,
    workloads,
    providers,
    sessions,
    grants,
    failures,
    delays: delays.map(({ duration, operation, times }) => ({
      operation,
      times,
      seconds: Duration.toSeconds(duration)
    })),
    drops,
    /** The numbers of entries that the answer does not contain. */
    omitted: {
      sessions: pending + finished - sessions.length,
      grants: grantsPage.total - grants.length,
      failures: pendingFailures.length - failures.length
    }
  }
})

const done = {}

const Approval = Schema.Struct({
  ...sessions.Selector.fields,
  complete: Schema.optionalWith(Schema.Boolean, { default: () => false })
})

/** The pending session; to complete it, else the approved one. */
const findToApprove = ({ complete, ...selector }: typeof Approval.Type) => {
  const pending = sessions.find(selector, ["pending"])
  return complete
    ? Effect.catchIf(pending, ({ error }) => error === sessions.notFound, () => sessions.find(selector, ["approved"]))
    : pending
}

const approve = (approval: typeof Approval.Type) =>
  withControls((controls) =>
    Effect.gen(function*() {
      const session = yield* findToApprove(approval)
      const { sessionUri, status } = session
      if (approval.complete && status === "approved") {
        yield* sessions.explaining(session, "approved")(controls.complete(sessionUri))
        return done
      }
      const returnUrl = yield* sessions.explaining(session, "pending")(controls.approve(sessionUri))
      if (approval.complete) yield* sessions.explaining(session, "approved")(controls.complete(sessionUri))
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
        (session) => Effect.as(sessions.explaining(session, "active")(controls.expireSession(session.sessionUri)), done)
      )
    )
] as const

const endpoints: ReadonlyArray<Endpoint> = [
  get("/_local/state", {
    does: "Returns the state, and the pending failures, delays and drops",
    answer: "{clock, workloads, providers, sessions, grants, failures, delays, drops, omitted}, without secrets; " +
      "of long lists the newest entries, and in omitted the number of the others"
  }, state),
  get(
    "/_local/journal",
    {
      does: "Lists the last thousand calls, oldest first, with excerpts of large requests",
      query,
      answer: "{journal: [{at, operation, request, outcome, tokenResult?}], total}"
    },
    withControls(({ journal }) =>
      Effect.map(Effect.flatMap(journal, page), ({ entries, total }) => ({ journal: entries, total }))
    )
  ),
  get(
    "/_local/sessions",
    {
      does: "Lists the sessions with their URIs, which are secret, oldest first",
      query,
      answer:
        "{sessions: [{id, sessionUri, status, workloadName, user, providerName, scopes, createdAt, expiresAt}], total}"
    },
    withControls(({ sessionCounts, sessionsPage }) =>
      Effect.flatMap(
        sessionCounts,
        ({ finished, pending }) =>
          pageOf(
            pending + finished,
            (part) => Effect.map(sessionsPage(part), ({ sessions }) => sessions.map(sessionOf))
          )
      ).pipe(Effect.map(({ entries, total }) => ({ sessions: entries, total })))
    )
  ),
  post(
    "/_local/approve",
    {
      does: "Approves a session",
      body: {
        ...selectorFields,
        "complete?": "true also completes it as its user, as the page at the return URL does, even if it is already " +
          "approved; false by default"
      },
      answer: "{returnUrl?}: the URL to which the browser returns, unless it was already approved; 404 if no session " +
        "matches, 409 if several match or it cannot be approved"
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
        Effect.flatMap(
          sessions.find(selector, ["pending"]),
          (session) => Effect.as(sessions.explaining(session, "pending")(controls.deny(session.sessionUri)), done)
        )
      )
  ),
  ...issuers.endpoints,
  ...faults.endpoints,
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
