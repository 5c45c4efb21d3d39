/** What is known of a vendor's authorization server, and how it is known. */
import type { Oauth2Discovery } from "../../Oauth2ProviderConfig.js"
import { trimTrailing } from "../lib/text.js"

/**
 * How a fact was checked: in the vendor's own pages, in AWS's guide to AgentCore, only in the code of other OAuth
 * clients, or not at all. The sources are where to look, whichever it is.
 *
 * @internal
 */
export interface Evidence {
  readonly checked: "vendor" | "aws" | "code" | "unverified"
  readonly sources: readonly [string, ...Array<string>]
}

/**
 * What breaks OAuth clients that do not know of it.
 *
 * @internal
 */
export interface Quirk extends Evidence {
  readonly text: string
}

/**
 * Endpoints with what depends on the tenant in braces.
 *
 * @internal
 */
export interface TenantEndpoints {
  readonly tenant: {
    readonly issuer: string
    readonly authorizationEndpoint: string
    readonly tokenEndpoint: string
  }
  /** Stands for `{tenantId}` if the caller names none. Without it the caller has to give the endpoints. */
  readonly defaultTenantId?: string
}

/**
 * When the vendor issues a refresh token: `conditional` on everything that is listed.
 *
 * @internal
 */
export interface Refresh {
  readonly issued: "always" | "conditional" | "sometimes" | "never"
  /** Parameters of the authorization request. */
  readonly parameters?: { readonly [name: string]: string }
  readonly scopes?: ReadonlyArray<string>
  /** A setting where the application is registered. */
  readonly registration?: string
  /** The grant type that stands in for `refresh_token`. */
  readonly replacementGrantType?: string
}

/** @internal */
export interface Preset {
  readonly endpoints: Oauth2Discovery | TenantEndpoints
  readonly refresh: Refresh
  /** Between the scopes of an authorization request. */
  readonly scopeSeparator: " " | ","
  /** How a client with a secret authenticates at the token endpoint. */
  readonly clientAuthentication: "client_secret_basic" | "client_secret_post"
  readonly evidence: {
    readonly [Fact in "endpoints" | "refresh" | "scopeSeparator" | "clientAuthentication"]: Evidence
  }
  /** What every authorization request has to carry, refresh token or not. */
  readonly authorizationParameters?: { readonly [name: string]: string }
  /** The parameter that takes the scopes of a person, where it is not `scope`. */
  readonly scopeParameter?: string
  /** The member of the token response that holds a person's token, where it is not the response itself. */
  readonly userTokenMember?: string
  readonly tokenRequestBody?: "json"
  readonly tokenRequestHeaders?: { readonly [name: string]: string }
  /** The members that tell why a token request was refused, where they are not those of RFC 6749. */
  readonly errorMembers?: { readonly error?: string; readonly description: string }
  /** What tells a failure from a success, where both have the status 200: `error` is there, or `ok` is false. */
  readonly errorWithStatus200?: "error" | "ok"
  /** How the token response writes the granted scopes, where it is not with spaces. */
  readonly grantedScopeFormat?: "array" | "commas"
  /** The token response may come without `expires_in`. */
  readonly mayOmitExpiry?: true
  readonly pkce?: "required" | "omit"
  /** The issuer in the discovery document of a tenant that is not known by its id. */
  readonly discoveredIssuer?: string
  readonly quirks: ReadonlyArray<Quirk>
}

type Sources = Evidence["sources"]

/** @internal */
export const vendor = (...sources: Sources): Evidence => ({ checked: "vendor", sources })

/** @internal */
export const aws = (...sources: Sources): Evidence => ({ checked: "aws", sources })

/** @internal */
export const code = (...sources: Sources): Evidence => ({ checked: "code", sources })

/** @internal */
export const unverified = (...sources: Sources): Evidence => ({ checked: "unverified", sources })

/** @internal */
export const quirk = (text: string, evidence: Evidence): Quirk => ({ text, ...evidence })

/**
 * A page of the developer guide to AgentCore.
 *
 * @internal
 */
export const guide = (page: string): string =>
  `https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/${page}.html`

/**
 * Where the guide tells how to get refresh tokens.
 *
 * @internal
 */
export const refreshGuide: string = guide("identity-authentication")

/** @internal */
export const openId = (issuer: string): Oauth2Discovery => ({
  discoveryUrl: `${trimTrailing(issuer, "/")}/.well-known/openid-configuration`
})

/** @internal */
export const metadata = (issuer: string, authorizationEndpoint: string, tokenEndpoint: string): Oauth2Discovery => ({
  authorizationServerMetadata: { issuer, authorizationEndpoint, tokenEndpoint }
})
