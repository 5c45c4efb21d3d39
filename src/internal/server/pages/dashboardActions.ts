/** What the forms of the dashboard do. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Grant, IdentityControls } from "../../../IdentityControls.js"
import { browser, form, once, PageError, required, seeOther, ticketRefused } from "../../web/forms.js"
import * as failures from "../state/errorsOf.js"
import { maxClockMoveSeconds, minDelaySeconds, Trouble } from "../state/faultInjection.js"

const flashMessages: Readonly<Record<string, string>> = {
  approve: "Approved. The application still has to complete the session.",
  deny: "Denied.",
  "expire-session": "The request has expired.",
  "expire-tokens": "The tokens have expired.",
  revoke: "Revoked: nothing is refreshed any more.",
  clock: "The clock was moved.",
  fail: "The next calls will fail.",
  delay: "The next calls will be slow.",
  drop: "The next calls will lose their connection.",
  reset: "Cancelled: the next calls are served as usual.",
  federate: "From now on the provider's own authorization server is asked. What was granted before is gone.",
  simulate: "From now on the provider is simulated. What was granted before is gone."
}

/**
 * What was done, for a person. The query says which; what it says, we do.
 *
 * @internal
 */
export const flashMessage = (action: string | null): string | undefined =>
  action !== null && Object.hasOwn(flashMessages, action) ? flashMessages[action] : undefined

const broken = (name: string) =>
  new PageError({ status: 400, title: "This form is broken", text: `The field ${name} is missing or wrong.` })

const notPending = () =>
  new PageError({ status: 409, title: "This request was answered already", text: "Nothing was changed." })

type Field =
  | "action"
  | "ticket"
  | "still"
  | "handle"
  | "moveSeconds"
  | "failure"
  | "operation"
  | "times"
  | "seconds"
  | "lost"
  | "provider"

/** @internal */
export const handle: Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  PageError,
  HttpServerRequest.HttpServerRequest | IdentityControls | Trouble
> = Effect.gen(function*() {
  const of = yield* once<Field>(
    yield* form,
    "action",
    "ticket",
    "still",
    "handle",
    "moveSeconds",
    "failure",
    "operation",
    "times",
    "seconds",
    "lost",
    "provider"
  )
  const controls = yield* IdentityControls
  const trouble = yield* Trouble
  const shown = yield* Effect.mapError(
    trouble.tickets.dashboards.consume(yield* required(of, "ticket"), yield* browser),
    ticketRefused("form")
  )

  const number = (name: Field, least: number, most: number, isWhole = true) =>
    Effect.mapError(
      Option.filter(Option.map(of(name), Number), (value) =>
        value >= least && value <= most && (!isWhole || Number.isInteger(value))),
      () =>
        broken(name)
    )
  const times = number("times", 1, 1000)
  const operation = Effect.mapError(
    Option.flatMap(of("operation"), (name) => Option.fromNullable(failures.keyOf(name))),
    () => broken("operation")
  )
  const at = <A>(shown: ReadonlyMap<number, A>) =>
    Effect.flatMap(
      number("handle", 0, Number.MAX_SAFE_INTEGER),
      (index) => Effect.mapError(Option.fromNullable(shown.get(index)), () => broken("handle"))
    )
  const session = at(shown.sessions)
  // One grant, or without a handle all of them.
  const grants: Effect.Effect<Grant | undefined, PageError> = Option.isNone(of("handle"))
    ? Effect.succeed(undefined)
    : at(shown.grants)
  const action = yield* required(of, "action")
  switch (action) {
    case "approve":
      yield* Effect.catchTags(controls.approve(yield* session), {
        SessionNotPending: notPending,
        NotSimulated: ({ message }) =>
          new PageError({ status: 409, title: "The provider answers for itself", text: `${message}.` })
      })
      break
    case "deny":
      yield* Effect.mapError(controls.deny(yield* session), notPending)
      break
    case "expire-session":
      yield* Effect.mapError(controls.expireSession(yield* session), notPending)
      break
    case "expire-tokens":
      yield* controls.expireTokens(yield* grants)
      break
    case "revoke":
      yield* controls.revoke(yield* grants)
      break
    case "clock":
      yield* trouble.move(Duration.seconds(yield* number("moveSeconds", 1, maxClockMoveSeconds)))
      break
    case "fail": {
      const [name = "", error = ""] = Option.getOrElse(of("failure"), () => "").split(" ")
      const key = failures.keyOf(name)
      const tag = key && failures.errorOf(key, error)
      if (key === undefined || tag === undefined) return yield* broken("failure")
      yield* failures.failNext(key, tag, yield* times)
      break
    }
    case "delay":
      yield* trouble.delayNext(
        yield* operation,
        yield* times,
        Duration.seconds(yield* number("seconds", minDelaySeconds, 3600, false))
      )
      break
    case "drop": {
      const lost = Option.getOrElse(of("lost"), () => "request")
      if (lost !== "request" && lost !== "answer") return yield* broken("lost")
      yield* trouble.dropNext(yield* operation, yield* times, lost)
      break
    }
    case "federate":
    case "simulate":
      yield* controls.setIssuer(
        yield* Effect.mapError(of("provider"), () => broken("provider")),
        action === "federate" ? "federated" : "simulated"
      )
      break
    case "reset":
      yield* controls.clearFailures()
      yield* trouble.reset
      break
    default:
      return yield* broken("action")
  }
  return seeOther(`/?${Option.isSome(of("still")) ? "still&" : ""}done=${action}`)
})
