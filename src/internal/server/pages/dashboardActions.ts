/** The actions of the dashboard's forms. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Grant, IdentityControls } from "../../../IdentityControls.js"
import { ControlLimitReached } from "../../model/controlLimit.js"
import { browser, form, once, PageError, refusedTokenPage, required, seeOther } from "../../web/forms.js"
import * as failures from "../state/errorsOf.js"
import { FaultInjection, minDelaySeconds } from "../state/faultInjection.js"
import { maxClockMoveSeconds, MovableClock } from "../state/movableClock.js"
import { PageTokens } from "../state/pageTokens.js"
import * as pendingLimit from "../state/pendingLimit.js"
import { returnUrlPage } from "./returnUrlPage.js"
import * as answers from "./sessionAnswers.js"

/** The message about an action. A denial and an expiry are not shown as a success. */
export interface FlashMessage {
  readonly tone: "ok" | "no" | "info"
  readonly text: string
}

const ok = (text: string): FlashMessage => ({ tone: "ok", text })

const info = (text: string): FlashMessage => ({ tone: "info", text })

const flashMessages: Readonly<Record<string, FlashMessage>> = {
  "approve-complete": ok(`Consent given. ${answers.completedText}`),
  complete: ok(answers.completedText),
  deny: { tone: "no", text: "The consent was denied. The agent receives no token for this request." },
  "expire-session": info("The request for consent has expired."),
  "expire-tokens": info("The access tokens have expired."),
  revoke: info("The grants were revoked. Their access tokens stay valid until they expire."),
  clock: ok("The clock was moved."),
  fail: ok("The next calls will fail."),
  delay: ok("The next calls will be delayed."),
  drop: ok("The next calls will lose their connection."),
  reset: ok("The pending failures were cancelled."),
  federate: ok("The provider is federated: it uses its own authorization server. Its grants were removed."),
  simulate: ok("The provider is simulated. Its grants were removed.")
}

/** The message about the last action. The query contains its name only, so that a link cannot set the text. */
export const flashMessage = (action: string | null): FlashMessage | undefined =>
  action !== null && Object.hasOwn(flashMessages, action) ? flashMessages[action] : undefined

const broken = (name: string) =>
  new PageError({ status: 400, title: "Invalid form", text: `The field ${name} is missing or invalid.` })

const limitReached = (text: string) => new PageError({ status: 409, title: "Limit reached", text })

const withinLimit = pendingLimit.check(() => limitReached(`${pendingLimit.reachedText}. Cancel them first.`))

type Field =
  | "action"
  | "token"
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
  HttpServerRequest.HttpServerRequest | IdentityControls | FaultInjection | MovableClock | PageTokens
> = Effect.gen(function*() {
  const of = yield* once<Field>(
    yield* form,
    "action",
    "token",
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
  const clock = yield* MovableClock
  const faults = yield* FaultInjection
  const { dashboards } = yield* PageTokens
  const dashboard = yield* Effect.mapError(
    dashboards.consume(yield* required(of, "token"), yield* browser),
    refusedTokenPage("form")
  )

  const number = (name: Field, min: number, max: number, isWhole = true) =>
    Effect.mapError(
      Option.filter(Option.map(of(name), Number), (value) =>
        value >= min && value <= max && (!isWhole || Number.isInteger(value))),
      () =>
        broken(name)
    )
  const times = number("times", 1, 1000)
  const operation = Effect.mapError(
    Option.flatMap(of("operation"), (name) => Option.fromNullable(failures.keyOf(name))),
    () => broken("operation")
  )
  const at = <A>(rows: ReadonlyMap<number, A>) =>
    Effect.flatMap(
      number("handle", 0, Number.MAX_SAFE_INTEGER),
      (index) => Effect.mapError(Option.fromNullable(rows.get(index)), () => broken("handle"))
    )
  const session = at(dashboard.sessions)
  // One grant, or all grants without a handle.
  const grants: Effect.Effect<Grant | undefined, PageError> = Option.isNone(of("handle"))
    ? Effect.succeed(undefined)
    : at(dashboard.grants)
  const isPaused = Option.isSome(of("still"))
  const action = yield* required(of, "action")
  switch (action) {
    case "approve":
      return yield* returnUrlPage(yield* answers.approve(yield* session), isPaused)
    case "approve-complete": {
      const uri = yield* session
      yield* answers.approve(uri)
      yield* answers.complete(uri)
      break
    }
    case "complete":
      yield* answers.complete(yield* session)
      break
    case "deny": {
      const uri = yield* session
      yield* Effect.catchAll(controls.deny(uri), () => answers.explainNotPending(uri))
      break
    }
    case "expire-session": {
      const uri = yield* session
      yield* Effect.catchAll(controls.expireSession(uri), () => answers.explainNotPending(uri))
      break
    }
    case "expire-tokens":
      yield* controls.expireTokens(yield* grants)
      break
    case "revoke":
      yield* controls.revoke(yield* grants)
      break
    case "clock":
      yield* clock.move(Duration.seconds(yield* number("moveSeconds", 1, maxClockMoveSeconds)))
      break
    case "fail": {
      const [name = "", error = ""] = Option.getOrElse(of("failure"), () => "").split(" ")
      const key = failures.keyOf(name)
      const tag = key && failures.errorOf(key, error)
      if (key === undefined || tag === undefined) return yield* broken("failure")
      yield* withinLimit
      yield* failures.failNext(key, tag, yield* times)
      break
    }
    case "delay":
      yield* withinLimit
      yield* faults.delayNext(
        yield* operation,
        yield* times,
        Duration.seconds(yield* number("seconds", minDelaySeconds, 3600, false))
      )
      break
    case "drop": {
      const lost = Option.getOrElse(of("lost"), () => "request")
      if (lost !== "request" && lost !== "answer") return yield* broken("lost")
      yield* withinLimit
      yield* faults.dropNext(yield* operation, yield* times, lost)
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
      yield* faults.reset
      break
    default:
      return yield* broken("action")
  }
  return seeOther(`/?${isPaused ? "still&" : ""}done=${action}`)
}).pipe(
  Effect.catchSomeDefect((defect) =>
    defect instanceof ControlLimitReached ? Option.some(limitReached(defect.message)) : Option.none()
  )
)
