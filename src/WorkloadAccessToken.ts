/**
 * Workload access token of the current request. It identifies a workload and usually a user. Provide it for each request, and
 * not globally, so that no request uses the token of another user.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import type { Failure } from "./IdentityApi.js"
import { WorkloadAccessTokenUnavailable } from "./IdentityError.js"
import { IdentityService } from "./IdentityService.js"
import * as singleFlight from "./internal/lib/singleFlight.js"
import { expiryOf } from "./internal/service/grantKey.js"
import { type CallbackUrl, layerCallbackUrl } from "./TokenOptions.js"

/**
 * The errors of requesting a workload access token.
 *
 * @since 0.1.0
 * @category errors
 */
export type MintFailure = Failure<"getWorkloadAccessToken"> | WorkloadAccessTokenUnavailable

/**
 * The workload and the user that a token was requested for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Identity {
  readonly workloadName: string
  readonly userId: string | undefined
}

/**
 * A source of workload access tokens, for one workload and one user.
 *
 * @since 0.1.0
 * @category models
 */
export interface Source {
  /** The current token. */
  readonly get: Effect.Effect<Redacted.Redacted, MintFailure>
  /** Another token for one that the service has rejected. Callers that had the same token share the new one. */
  readonly renew: (rejected: Redacted.Redacted) => Effect.Effect<Redacted.Redacted, MintFailure>
  /** Workload and user of the tokens, if this program requests them and identifies the user by an id. */
  readonly identity?: Identity | undefined
}

/**
 * The source of the workload access token of the current request.
 *
 * @since 0.1.0
 * @category tags
 */
export class WorkloadAccessToken extends Context.Tag("effect-agentcore-identity/WorkloadAccessToken")<
  WorkloadAccessToken,
  Source
>() {}

/**
 * The invocation contains no workload access token. AgentCore Runtime sends one only if the caller is authenticated by an
 * inbound JWT, or identified by the header `X-Amzn-Bedrock-AgentCore-Runtime-User-Id`.
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkloadAccessTokenMissing extends Schema.TaggedError<WorkloadAccessTokenMissing>(
  "effect-agentcore-identity/WorkloadAccessTokenMissing"
)("WorkloadAccessTokenMissing", {}) {
  /** @since 0.1.0 */
  override get message(): string {
    return "the invocation contains no workload access token: call the agent with a JWT, or with the header " +
      "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
  }
}

/**
 * HTTP headers of an invocation: a record, as in Node, or an iterable of pairs, such as `Headers` of Fetch or a `Map`.
 *
 * @since 0.1.0
 * @category models
 */
export type Headers =
  | { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  | Iterable<readonly [name: string, value: string | ReadonlyArray<string> | undefined]>

type Entries = ReadonlyArray<readonly [name: string, value: string | ReadonlyArray<string> | undefined]>

// An iterable may give its pairs only once.
const entriesOf = (headers: Headers): Entries =>
  Predicate.isIterable(headers) ? Array.from(headers) : Object.entries(headers)

const header = (headers: Entries, name: string): Option.Option<string> => {
  const [, value] = headers.find(([key]) => key.toLowerCase() === name) ?? []
  const first = typeof value === "string" ? value : value?.[0]
  return Option.filter(Option.fromNullable(first), (value) => value !== "")
}

/**
 * Reads the workload access token from the headers of an invocation by AgentCore Runtime. The token of a chain of agents
 * (`X-Amz-Bedrock-AgentCore-Identity-WAT`) takes precedence over that of this hop (`WorkloadAccessToken`).
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromHeaders = (headers: Headers): Option.Option<Redacted.Redacted> => tokenOf(entriesOf(headers))

const tokenOf = (headers: Entries): Option.Option<Redacted.Redacted> =>
  header(headers, "x-amz-bedrock-agentcore-identity-wat").pipe(
    Option.orElse(() => header(headers, "workloadaccesstoken")),
    Option.orElse(() => header(headers, "x-amzn-bedrock-agentcore-runtime-workload-accesstoken")),
    Option.map(Redacted.make)
  )

/**
 * Makes a source of one token. It cannot be renewed: `renew` fails with `WorkloadAccessTokenUnavailable`.
 *
 * @example
 * ```ts
 * import { Effect, type Redacted } from "effect"
 * import { WorkloadAccessToken } from "effect-agentcore-identity"
 *
 * export const as = (token: Redacted.Redacted) =>
 *   Effect.provideService(WorkloadAccessToken.WorkloadAccessToken, WorkloadAccessToken.fixed(token))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fixed = (token: Redacted.Redacted): Source => ({
  get: Effect.succeed(token),
  renew: () => new WorkloadAccessTokenUnavailable({ reason: "Fixed" })
})

/**
 * Provides the token and the default return URL (`OAuth2CallbackUrl`) of an invocation by AgentCore Runtime. The token cannot
 * be renewed during the invocation. Fails with `WorkloadAccessTokenMissing` if the headers contain no token. If they contain
 * no return URL, the default return URL is unset.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { WorkloadAccessToken } from "effect-agentcore-identity"
 *
 * export const handle = <A, E, R>(headers: WorkloadAccessToken.Headers, turn: Effect.Effect<A, E, R>) =>
 *   turn.pipe(Effect.provide(WorkloadAccessToken.layerHeaders(headers)))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHeaders = (
  headers: Headers
): Layer.Layer<WorkloadAccessToken | CallbackUrl, WorkloadAccessTokenMissing> => {
  const entries = entriesOf(headers)
  return Layer.merge(
    Layer.effect(
      WorkloadAccessToken,
      Effect.mapBoth(tokenOf(entries), { onFailure: () => new WorkloadAccessTokenMissing(), onSuccess: fixed })
    ),
    layerCallbackUrl(Option.getOrUndefined(header(entries, "oauth2callbackurl")))
  )
}

/** The tag or the name of an error; the rest of it may contain a secret. */
const nameOf = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "_tag") && typeof error._tag === "string"
    ? error._tag
    : error instanceof Error
    ? error.name
    : undefined

/** A token, and the time from which another one is requested. */
interface Current {
  readonly token: Redacted.Redacted
  /** Milliseconds since the epoch. `Infinity` if the lifetime is not known: then the service rejects the token some day. */
  readonly renewAt: number
}

/** How long before its end a token is renewed, or after half of a shorter life. */
const renewBefore = Duration.toMillis("1 minute")

/**
 * A workload access token that was requested with a JWT works as long as the JWT. The lifetime of others is not established:
 * they are renewed when the service rejects them.
 */
const renewalOf = (userToken: Redacted.Redacted | undefined, now: number): number => {
  const end = userToken === undefined ? undefined : Option.getOrUndefined(expiryOf(userToken))
  if (end === undefined) return Infinity
  return Math.max(end - renewBefore, now + (end - now) / 2)
}

const isSame = (token: Redacted.Redacted, rejected: Redacted.Redacted | undefined) =>
  rejected !== undefined && Redacted.value(token) === Redacted.value(rejected)

/**
 * Requests the token of a workload and its user. The user is `userToken`, a JWT that the service verifies, or `userId`, which
 * the service trusts. Without a user it is the token of the workload, which is sufficient for machine tokens and API keys only.
 *
 * The token is requested at its first use and then kept. Concurrent uses share one request. It is requested again when the
 * service rejects it, and one minute before the JWT expires (or after half of a shorter life) if `userToken` is an effect. The
 * effect runs for each request of a token and has to return a fresh JWT. With a fixed JWT the token ends with the JWT; then
 * `renew` fails with `WorkloadAccessTokenUnavailable`.
 *
 * @example
 * ```ts
 * import { WorkloadAccessToken } from "effect-agentcore-identity"
 *
 * export const Ada = WorkloadAccessToken.layer({ workloadName: "my-agent", userId: "cognito+ada" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E = never, R = never>({ userId, userToken, workloadName }: {
  readonly workloadName: string
  readonly userToken?: Redacted.Redacted | Effect.Effect<Redacted.Redacted, E, R> | undefined
  readonly userId?: string | undefined
}): Layer.Layer<WorkloadAccessToken, never, IdentityService | R> =>
  Layer.effect(
    WorkloadAccessToken,
    Effect.gen(function*() {
      const identity = yield* IdentityService
      const context = yield* Effect.context<R>()
      const jwt = Effect.isEffect(userToken)
        ? Effect.mapError(
          Effect.provide(userToken, context),
          (error) => new WorkloadAccessTokenUnavailable({ reason: "UserToken", failure: nameOf(error) })
        )
        : Effect.succeed(userToken)
      const isFresh = Effect.isEffect(userToken)
      const mint = (rejected: Redacted.Redacted | undefined) =>
        Effect.flatMap(jwt, (userToken) =>
          identity.getWorkloadAccessToken({
            workloadName,
            ...(rejected !== undefined && { rejected }),
            ...(userToken !== undefined && { userToken }),
            ...(userId !== undefined && { userId })
          }).pipe(
            Effect.zip(Clock.currentTimeMillis),
            Effect.map(([token, now]): Current => ({
              token,
              renewAt: isFresh ? renewalOf(userToken, now) : Infinity
            }))
          ))
      const current = yield* Ref.make(Option.none<Current>())
      const mints = yield* singleFlight.make<Redacted.Redacted, MintFailure>()
      /** One caller requests the token, and the others have its result. */
      const minted = (rejected: Redacted.Redacted | undefined) =>
        Effect.suspend(() => {
          let isOwn = false
          const own = Effect.suspend(() => {
            isOwn = true
            return Effect.flatMap(mint(rejected), (next) => Effect.as(Ref.set(current, Option.some(next)), next.token))
          })
          const shared = mints.run("token", own)
          // The request of another caller may have started before the token was rejected.
          return Effect.flatMap(shared, (token) => !isOwn && isSame(token, rejected) ? shared : Effect.succeed(token))
        })
      const tokenUnless = (rejected?: Redacted.Redacted) =>
        Effect.zipWith(Ref.get(current), Clock.currentTimeMillis, (kept, now) =>
          Option.filter(kept, ({ renewAt, token }) =>
            now < renewAt && !isSame(token, rejected))).pipe(
            Effect.flatMap(Option.match({
              onNone: () =>
                minted(rejected),
              onSome: ({ token }) => Effect.succeed(token)
            }))
          )
      return {
        get: tokenUnless(),
        renew: (rejected) =>
          isFresh || userToken === undefined
            ? tokenUnless(rejected)
            : Effect.catchTag(
              tokenUnless(rejected),
              "Unauthorized",
              () => new WorkloadAccessTokenUnavailable({ reason: "FixedUserToken" })
            ),
        ...(userToken === undefined && { identity: { workloadName, userId } })
      }
    })
  )
