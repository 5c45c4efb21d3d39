/** A program of somebody who has the package as it is published: its own types have to be right, and can be emitted. */
import { Effect, type Redacted } from "effect"
import { AccessToken, ApiKey, type IdentityApi, IdentityService } from "effect-agentcore-identity"
import * as Redis from "effect-agentcore-identity/Redis"

export class GitHub extends AccessToken.Tag("consumer/GitHub")<GitHub>() {}

export const listRepos = AccessToken.requiresAccessToken({
  into: "accessToken",
  providerName: "github",
  scopes: ["repo"],
  authFlow: "USER_FEDERATION"
})((args: { readonly org: string; readonly accessToken: Redacted.Redacted }) => Effect.succeed(args.org))

export const forecast = ApiKey.requiresApiKey({ into: "apiKey", providerName: "weather" })(
  (args: { readonly city: string; readonly apiKey: Redacted.Redacted }) => Effect.succeed(args.city)
)

export const program = listRepos({ org: "effect-ts" })

export const vault = Effect.flatMap(IdentityService.IdentityService, (identity) => identity.getTokenVault({}))

export const portal: IdentityApi.Reply<"getConsentPortal">["status"] = "ACTIVE"

// The service of the tag is a type, and not `any`.
export const connected = Effect.map(Redis.Redis, ({ prefix }) => prefix satisfies string)

// @ts-expect-error a member that it does not have
export const unknown = Effect.map(Redis.Redis, ({ url }) => url)

// @ts-expect-error another type of argument
listRepos({ org: 42 })

// @ts-expect-error a missing argument
listRepos({})

// @ts-expect-error the member that is injected
listRepos({ org: "effect-ts", accessToken: undefined })

// @ts-expect-error errors and requirements do not vanish
export const free: Effect.Effect<string> = listRepos({ org: "effect-ts" })

// @ts-expect-error an open choice is not just anything
export const status: number = portal
