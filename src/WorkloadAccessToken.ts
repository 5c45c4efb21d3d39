/**
 * Workload access token of the current request. It identifies a workload and usually a user. Provide it for each request, and
 * not globally, so that no request uses the token of another user.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SynchronizedRef from "effect/SynchronizedRef"
import type { Failure } from "./IdentityApi.js"
import { WorkloadAccessTokenUnavailable } from "./IdentityError.js"
import { IdentityService } from "./IdentityService.js"
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

/**
 * Requests the token of a workload and its user. The user is `userToken`, a JWT that the service verifies, or `userId`, which
 * the service trusts. An effect as `userToken` is run for each request of a token, so that it can return a new JWT. Without a
 * user it is the token of the workload, which is sufficient for machine tokens and API keys only. The token is requested at
 * its first use and then kept; `renew` requests another one.
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
      const mint = Effect.flatMap(jwt, (userToken) =>
        identity.getWorkloadAccessToken({
          workloadName,
          ...(userToken !== undefined && { userToken }),
          ...(userId !== undefined && { userId })
        }))
      const current = yield* SynchronizedRef.make(Option.none<Redacted.Redacted>())
      // One caller requests the token at a time, and the others receive it.
      const tokenUnless = (isStale: (token: Redacted.Redacted) => boolean) =>
        SynchronizedRef.modifyEffect(current, (kept) => {
          const token = Option.isSome(kept) && !isStale(kept.value) ? Effect.succeed(kept.value) : mint
          return Effect.map(token, (token) => [token, Option.some(token)] as const)
        })
      return {
        get: tokenUnless(() => false),
        renew: (rejected) => tokenUnless((token) => Redacted.value(token) === Redacted.value(rejected)),
        ...(userToken === undefined && { identity: { workloadName, userId } })
      }
    })
  )
