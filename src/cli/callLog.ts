/**
 * The log of calls: one line per request with operation, workload identity, provider, user, outcome and duration. It has no
 * part of a request or a response that may be a secret.
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import { IdentityApi, make as makeApi, type OperationKey, operations } from "../IdentityApi.js"
import { IdentityControls } from "../IdentityControls.js"
import * as target from "../internal/lib/requestTarget.js"
import { exceptions } from "../internal/model/exceptions.js"
import { tokenResult } from "../internal/model/tokenResult.js"
import type { Operation } from "../Operation.js"
import type { Event } from "./logging.js"

const table: ReadonlyArray<Operation.Any> = Object.values(operations)

const nameOf = (method: string, path: string): Option.Option<string> => {
  const candidates = table.filter((operation) => operation.method === method)
  const found = candidates.find((operation) => operation.path === path) ??
    candidates.find((operation) =>
      operation.path.includes("{") && path.startsWith(operation.path.split("{")[0] ?? path)
    )
  return Option.fromNullable(found?.name)
}

/** Whom a call concerns, and its outcome if it succeeded. */
interface Details {
  readonly workload?: string | undefined
  readonly provider?: string | undefined
  readonly user?: string | undefined
  readonly outcome?: string | undefined
}

const textAt = (value: unknown, member: string): string | undefined => {
  if (!Predicate.isRecord(value)) return undefined
  const found = value[member]
  return typeof found === "string" ? found : undefined
}

const secretAt = (value: unknown, member: string): Option.Option<Redacted.Redacted> => {
  const found = Predicate.isRecord(value) ? value[member] : undefined
  return Redacted.isRedacted(found) ? Option.some(Redacted.make(String(Redacted.value(found)))) : Option.none()
}

const prefixed = (id: string | undefined) => id === undefined ? undefined : `userId:${id}`

const ownerOf = (secret: Option.Option<Redacted.Redacted>): Effect.Effect<Details, never, IdentityControls> =>
  Option.match(secret, {
    onNone: () => Effect.succeed({}),
    onSome: (secret) =>
      Effect.flatMap(IdentityControls, (controls) =>
        Effect.map(
          controls.ownerOf(secret),
          Option.match({
            onNone: () => ({}),
            onSome: ({ providerName, user, workloadName }) => ({ workload: workloadName, provider: providerName, user })
          })
        ))
  })

/** The names in the request itself. The name of a resource is that of a workload identity or of a provider. */
const namesOf = (key: OperationKey, request: unknown): Details => {
  const name = textAt(request, "name")
  return {
    workload: textAt(request, "workloadName") ?? (key.endsWith("WorkloadIdentity") ? name : undefined),
    provider: textAt(request, "resourceCredentialProviderName") ??
      (key.endsWith("CredentialProvider") ? name : undefined),
    user: prefixed(textAt(request, "userId"))
  }
}

/** The user who completes a session is the one in the request, who may be another than the user of the session. */
const completingUser = (request: unknown, owner: Details): Details => {
  const identifier = Predicate.isRecord(request) ? request["userIdentifier"] : undefined
  return identifier === undefined ? owner : { ...owner, user: prefixed(textAt(identifier, "userId")) }
}

const merged = (details: Details, more: Details): Details => ({
  workload: more.workload ?? details.workload,
  provider: more.provider ?? details.provider,
  user: more.user ?? details.user
})

/** The same port, which reports whom each call concerns. */
const observed = (
  api: IdentityApi["Type"],
  controls: IdentityControls["Type"],
  report: (details: Details) => Effect.Effect<void>
): IdentityApi["Type"] =>
  makeApi((key) => (request) =>
    Effect.gen(function*() {
      const owner = yield* ownerOf(
        Option.orElse(secretAt(request, "workloadIdentityToken"), () => secretAt(request, "sessionUri"))
      )
      const details = merged(namesOf(key, request), completingUser(request, owner))
      yield* report(details)
      const reply = yield* api[key](request)
      // Only the service reads the user of a JWT.
      const issued = yield* ownerOf(secretAt(reply, "workloadAccessToken"))
      yield* report({ ...merged(details, issued), outcome: tokenResult(key, request, reply) ?? "ok" })
      return reply
    }).pipe(Effect.provideService(IdentityControls, controls))
  )

/** The tag of the error in the library, by the name of the exception in the response. */
const tagOf = (exception: string): string =>
  Object.entries(exceptions).find(([, one]) => one.exception === exception)?.[0] ?? exception

const failureOf = (exit: Exit.Exit<{ readonly headers: { readonly [name: string]: string } }, unknown>) => {
  if (Exit.isFailure(exit)) return Cause.isInterruptedOnly(exit.cause) ? "disconnected" : "failed"
  const exception = exit.value.headers["x-amzn-errortype"]
  return exception === undefined ? undefined : tagOf(exception)
}

/**
 * Logs each request. Operations and errors have the level info, other requests the level debug. A request whose client
 * disconnects before the response is logged as `disconnected`.
 */
export const logCalls = <E, R>(
  app: HttpApp.Default<E, R>
): HttpApp.Default<E, R | IdentityApi | IdentityControls> =>
  Effect.gen(function*() {
    const { method, url } = yield* HttpServerRequest.HttpServerRequest
    // Without the query, which may contain secrets.
    const pathAndQuery = Option.match(target.parse(url), { onNone: () => url, onSome: ({ url }) => url })
    const path = target.pathOf(pathAndQuery)
    const operation = nameOf(method, path)
    const seen = yield* Ref.make<Details>({})
    const port = observed(yield* IdentityApi, yield* IdentityControls, (details) => Ref.set(seen, details))
    const [duration, exit] = yield* Effect.timed(
      Effect.exit(Effect.provideService(app, IdentityApi, port))
    )
    const { outcome, provider, user, workload } = yield* Ref.get(seen)
    const status = Exit.isSuccess(exit) ? exit.value.status : 500
    const isInfo = Option.isSome(operation) || status >= 400
    const call: Event = {
      event: Option.getOrElse(operation, () => `${method} ${path}`),
      fields: {
        workload,
        provider,
        user,
        outcome: failureOf(exit) ?? outcome ?? String(status),
        ms: Math.round(Duration.toMillis(duration))
      }
    }
    yield* Effect.logWithLevel(isInfo ? LogLevel.Info : LogLevel.Debug, call)
    return yield* exit
  })
