/** The endpoints of the control API, and their descriptions. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import { IdentityControls } from "../../../IdentityControls.js"
import type { FaultInjection } from "../state/faultInjection.js"
import type { MovableClock } from "../state/movableClock.js"
import { type ApiError, body, type ControlFailure, respond } from "./json.js"

type State = IdentityControls | FaultInjection | MovableClock

type Handler = Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest | State>

/** An endpoint: its description in `GET /_local/`, and its handler. */
export interface Endpoint {
  readonly method: "GET" | "POST"
  readonly path: `/_local/${string}`
  readonly does: string
  /** The query parameters; `?` marks optional ones. */
  readonly query?: { readonly [parameter: string]: string }
  /** The members of the request; `?` marks optional ones. */
  readonly body?: { readonly [member: string]: string }
  readonly answer: string
  readonly handler: Handler
}

type About = Pick<Endpoint, "does" | "answer" | "query">

/** @internal */
export const get = <R extends State | HttpServerRequest.HttpServerRequest>(
  path: Endpoint["path"],
  about: About,
  effect: Effect.Effect<unknown, ApiError, R>
): Endpoint => ({ method: "GET", path, ...about, handler: respond(effect) })

/** @internal */
export const post = <A, I, R extends State>(
  path: Endpoint["path"],
  about: About & Pick<Endpoint, "body">,
  schema: Schema.Schema<A, I>,
  f: (body: A) => Effect.Effect<unknown, ApiError | ControlFailure, R>
): Endpoint => ({ method: "POST", path, ...about, handler: respond(Effect.flatMap(body(schema), f)) })

/** @internal */
export const withControls = <A, E, R>(f: (controls: IdentityControls["Type"]) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(IdentityControls, f)
