/**
 * The same hands as an HTTP API, for tests in any language. Only JSON is taken, which no page of another origin can send
 * without asking first; and since nothing here ever answers such a question, it never may.
 */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { IdentityApi } from "../../IdentityApi.js"
import { type ConsentSession, IdentityControls, type SessionNotPending } from "../../IdentityControls.js"
import type { InvalidField } from "../../IdentityError.js"
import * as check from "../check.js"
import { integer, secret, text as limited } from "../shape.js"
import { longestMove } from "./actions.js"
import * as failures from "./failures.js"
import { mediaType, text } from "./form.js"
import { privacy } from "./html.js"
import * as inventory from "./inventory.js"
import { Trouble } from "./trouble.js"

class Refused extends Data.TaggedError("Refused")<{
  readonly status: number
  readonly error: string
  readonly message: string
  readonly fieldList?: ReadonlyArray<InvalidField>
}> {}

const answer = (body: unknown, status = 200) => HttpServerResponse.unsafeJson(body, { status, headers: privacy })

const invalid = (...fieldList: ReadonlyArray<InvalidField>) =>
  new Refused({
    status: 400,
    error: "InvalidBody",
    message: fieldList.map(({ message, name }) => `${name}: ${message}`).join("; "),
    fieldList
  })

const notJson = new Refused({ status: 400, error: "InvalidBody", message: "The body is not JSON" })

const respond = <R>(effect: Effect.Effect<unknown, Refused | SessionNotPending, R>) =>
  effect.pipe(
    Effect.map((body) => answer(body)),
    Effect.catchTags({
      Refused: ({ error, fieldList, message, status }) =>
        Effect.succeed(answer({ error, message, ...(fieldList !== undefined && { fieldList }) }, status)),
      SessionNotPending: ({ _tag, message }) => Effect.succeed(answer({ error: _tag, message }, 409))
    })
  )

/** The body, held against its schema; what is wrong is said without the value, which may be a secret. */
const body = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })
  return Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (mediaType(request) !== "application/json") {
      return yield* new Refused({
        status: 415,
        error: "UnsupportedMediaType",
        message: "The content type has to be application/json"
      })
    }
    const given = yield* Effect.mapError(
      text(request),
      () =>
        new Refused({
          status: 413,
          error: "BodyTooLarge",
          message: "The body cannot be read, or is larger than 64 KiB"
        })
    )
    const json = yield* Effect.try({ try: (): unknown => JSON.parse(given), catch: () => notJson })
    return yield* Either.mapLeft(decode(json), ({ issue }) => invalid(...check.invalidFields(issue)))
  })
}

const post = <A, I, R>(
  schema: Schema.Schema<A, I>,
  f: (body: A) => Effect.Effect<unknown, Refused | SessionNotPending, R>
) => respond(Effect.flatMap(body(schema), f))

const Session = Schema.Struct({ sessionUri: secret({ min: 1, max: 2048 }) })

const name = Schema.optional(limited({ min: 1, max: 2048 }))

const Filter = Schema.Struct({ providerName: name, workloadName: name, user: name })

const times = Schema.optionalWith(integer(1, 1000), { default: () => 1 })

const seconds = Schema.Number.pipe(
  Schema.filter((n) => n >= 0 && n <= 3600 || "Member must be between 0 and 3600, inclusive")
)

const text1 = limited({ min: 1, max: 2048 })

const Failing = Schema.Struct({ operation: text1, error: text1, times, message: name })

const Delaying = Schema.Struct({ operation: text1, times, seconds })

const Dropping = Schema.Struct({
  operation: text1,
  times,
  lost: Schema.optionalWith(Schema.Literal("request", "answer"), { default: () => "request" })
})

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

const Move = Schema.Struct({ moveSeconds: integer(0, longestMove) })

const operationOf = (name: string) => {
  const key = failures.keyOf(name)
  return key === undefined
    ? Effect.fail(invalid({ name: "operation", message: "No such operation" }))
    : Effect.succeed(key)
}

const withControls = <A, E, R>(f: (controls: IdentityControls["Type"]) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(IdentityControls, f)

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
  const { failures, providers, workloads } = yield* inventory.read(trouble.inventory)
  const { delays, drops } = yield* trouble.current
  const sessions = yield* controls.sessions
  return {
    clock: yield* clock,
    workloads,
    providers,
    ...(failures.length > 0 && { unread: failures }),
    // Their URIs are secret: `/_local/sessions` gives them to who asks for them.
    sessions: sessions.map(({ sessionUri: _, ...session }) => session),
    grants: yield* controls.grants,
    delays: delays.map(({ duration, operation, times }) => ({
      operation,
      times,
      seconds: Duration.toSeconds(duration)
    })),
    drops
  }
})

const done = {}

/** @internal */
export const router: HttpRouter.HttpRouter<never, IdentityApi | IdentityControls | Trouble> = HttpRouter.empty.pipe(
  HttpRouter.get("/_local/state", respond(state)),
  HttpRouter.get(
    "/_local/journal",
    respond(withControls((controls) => Effect.map(controls.journal, (journal) => ({ journal }))))
  ),
  HttpRouter.get(
    "/_local/sessions",
    respond(
      withControls((controls) => Effect.map(controls.sessions, (sessions) => ({ sessions: sessions.map(sessionOf) })))
    )
  ),
  HttpRouter.post(
    "/_local/approve",
    post(
      Session,
      ({ sessionUri }) =>
        withControls((controls) =>
          Effect.map(controls.approve(sessionUri), (url) => ({ returnUrl: Redacted.value(url) }))
        )
    )
  ),
  HttpRouter.post(
    "/_local/deny",
    post(Session, ({ sessionUri }) => withControls((controls) => Effect.as(controls.deny(sessionUri), done)))
  ),
  HttpRouter.post(
    "/_local/expire-session",
    post(Session, ({ sessionUri }) => withControls((controls) => Effect.as(controls.expireSession(sessionUri), done)))
  ),
  HttpRouter.post(
    "/_local/expire-tokens",
    post(
      Filter,
      (filter) => withControls((controls) => Effect.map(controls.expireTokens(filter), (count) => ({ count })))
    )
  ),
  HttpRouter.post(
    "/_local/revoke",
    post(Filter, (filter) => withControls((controls) => Effect.map(controls.revoke(filter), (count) => ({ count }))))
  ),
  HttpRouter.post(
    "/_local/clock",
    post(
      Move,
      ({ moveSeconds }) => Effect.zipRight(withTrouble((trouble) => trouble.move(Duration.seconds(moveSeconds))), clock)
    )
  ),
  HttpRouter.post(
    "/_local/fail",
    post(Failing, ({ error, message, operation, times }) =>
      Effect.gen(function*() {
        const key = yield* operationOf(operation)
        const tag = failures.errorOf(key, error)
        if (tag === undefined) {
          const allowed = failures.errorsOf(key).join(", ")
          return yield* invalid({ name: "error", message: `Member must satisfy enum value set: [${allowed}]` })
        }
        yield* failures.failNext(key, tag, times, message)
        return done
      }))
  ),
  HttpRouter.post(
    "/_local/delay",
    post(
      Delaying,
      ({ operation, seconds, times }) =>
        Effect.flatMap(
          operationOf(operation),
          (key) => Effect.as(withTrouble((trouble) => trouble.delayNext(key, times, Duration.seconds(seconds))), done)
        )
    )
  ),
  HttpRouter.post(
    "/_local/drop",
    post(
      Dropping,
      ({ lost, operation, times }) =>
        Effect.flatMap(
          operationOf(operation),
          (key) => Effect.as(withTrouble((trouble) => trouble.dropNext(key, times, lost)), done)
        )
    )
  ),
  HttpRouter.post(
    "/_local/secret",
    post(
      Secret,
      ({ json, secretId }) => withControls((controls) => Effect.as(controls.setSecret(secretId, json), done))
    )
  ),
  HttpRouter.post(
    "/_local/link",
    post(Link, ({ workloadName }) => withControls((controls) => Effect.as(controls.linkToService(workloadName), done)))
  ),
  HttpRouter.all(
    "/_local/*",
    respond(Effect.fail(new Refused({ status: 404, error: "NotFound", message: "Nothing is served here" })))
  )
)
