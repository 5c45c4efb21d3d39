/**
 * Where a person's browser returns to after consent, when a call does not say.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"

/**
 * The default return URL of an invocation; nothing unless one is provided. AgentCore's local tools send it in the
 * header `OAuth2CallbackUrl`.
 *
 * @since 0.1.0
 * @category tags
 */
export class CallbackUrl extends Context.Reference<CallbackUrl>()("effect-agentcore-identity/CallbackUrl", {
  defaultValue: (): string | undefined => undefined
}) {}

/**
 * A return URL for everything within.
 *
 * @example
 * ```ts
 * import { CallbackUrl } from "effect-agentcore-identity"
 *
 * export const Return = CallbackUrl.layer("https://agent.example/oauth2/return")
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (url: string | undefined): Layer.Layer<CallbackUrl> => Layer.succeed(CallbackUrl, url)
