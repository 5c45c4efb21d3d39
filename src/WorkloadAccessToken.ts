/**
 * Whose agent is asking: the token that binds a workload and, mostly, its user. Provided per request, never globally,
 * so that one user's token cannot reach another's fiber.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Failure } from "./IdentityApi.js"
import { IdentityService } from "./IdentityService.js"
import { type CallbackUrl, layerCallbackUrl } from "./TokenOptions.js"

/**
 * The workload access token of the current request.
 *
 * @since 0.1.0
 * @category tags
 */
export class WorkloadAccessToken extends Context.Tag("effect-agentcore-identity/WorkloadAccessToken")<
  WorkloadAccessToken,
  Redacted.Redacted
>() {}

/**
 * The invocation carries no workload access token. AgentCore Runtime sends one only when the caller is known: by an
 * inbound JWT, or by the header `X-Amzn-Bedrock-AgentCore-Runtime-User-Id`.
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkloadAccessTokenMissing extends Schema.TaggedError<WorkloadAccessTokenMissing>(
  "effect-agentcore-identity/WorkloadAccessTokenMissing"
)("WorkloadAccessTokenMissing", {}) {
  /**
   * @since 0.1.0
   */
  override get message(): string {
    return "the invocation carries no workload access token: call the agent with a JWT, or with the header " +
      "X-Amzn-Bedrock-AgentCore-Runtime-User-Id"
  }
}

/**
 * The headers of an invocation, as any HTTP server gives them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Headers {
  readonly [name: string]: string | ReadonlyArray<string> | undefined
}

const header = (headers: Headers, name: string): Option.Option<string> => {
  const key = Object.keys(headers).find((key) => key.toLowerCase() === name)
  const value = key === undefined ? undefined : headers[key]
  const first = typeof value === "string" ? value : value?.[0]
  return Option.filter(Option.fromNullable(first), (value) => value !== "")
}

/**
 * The workload access token that AgentCore Runtime put into the headers of an invocation: the one passed along a chain
 * of agents (`X-Amz-Bedrock-AgentCore-Identity-WAT`) before the one of this hop (`WorkloadAccessToken`).
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromHeaders = (headers: Headers): Option.Option<Redacted.Redacted> =>
  header(headers, "x-amz-bedrock-agentcore-identity-wat").pipe(
    Option.orElse(() => header(headers, "workloadaccesstoken")),
    Option.orElse(() => header(headers, "x-amzn-bedrock-agentcore-runtime-workload-accesstoken")),
    Option.map(Redacted.make)
  )

/**
 * The token, and the default return URL (`OAuth2CallbackUrl`), of an invocation by AgentCore Runtime. Fails with
 * `WorkloadAccessTokenMissing` when the headers carry no token. What they do not carry is not left over from an
 * earlier request.
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
): Layer.Layer<WorkloadAccessToken | CallbackUrl, WorkloadAccessTokenMissing> =>
  Layer.merge(
    Layer.effect(
      WorkloadAccessToken,
      Effect.mapError(fromHeaders(headers), () => new WorkloadAccessTokenMissing())
    ),
    layerCallbackUrl(Option.getOrUndefined(header(headers, "oauth2callbackurl")))
  )

/**
 * A token for a named workload and its user: `userToken` (a JWT, which the service checks) or `userId` (which it
 * believes). Without either the token is the workload's own, which is good for machine tokens and API keys only. Asked
 * for once, when the layer is built.
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
export const layer = (options: {
  readonly workloadName: string
  readonly userToken?: Redacted.Redacted | undefined
  readonly userId?: string | undefined
}): Layer.Layer<WorkloadAccessToken, Failure<"getWorkloadAccessToken">, IdentityService> =>
  Layer.effect(
    WorkloadAccessToken,
    Effect.flatMap(IdentityService, (identity) => identity.getWorkloadAccessToken(options))
  )
