/** Facts about a vendor's authorization server, with their evidence. */
import type { Oauth2Discovery } from "../../Oauth2ProviderConfig.js"
import { trimTrailing } from "../lib/text.js"

/**
 * Evidence of a fact: the vendor's documentation, AWS's guide to AgentCore, only the code of other OAuth clients, or none.
 * The sources are given in every case.
 */
export interface Evidence {
  readonly checked: "vendor" | "aws" | "code" | "unverified"
  readonly sources: readonly [string, ...Array<string>]
}

/** A deviation that breaks OAuth clients that do not know it. */
export interface Quirk extends Evidence {
  readonly text: string
}

/** Endpoints with placeholders for the tenant, in braces. */
export interface TenantEndpoints {
  readonly tenant: {
    readonly issuer: string
    readonly authorizationEndpoint: string
    readonly tokenEndpoint: string
  }
  /** Value of `{tenantId}` if the request has none. Without a default, the request must give the endpoints. */
  readonly defaultTenantId?: string
}

/** Conditions for refresh tokens. `conditional` requires everything that is listed. */
export interface Refresh {
  readonly issued: "always" | "conditional" | "sometimes" | "never"
  /** Parameters of the authorization request. */
  readonly parameters?: { readonly [name: string]: string }
  readonly scopes?: ReadonlyArray<string>
  /** A setting of the registered application. */
  readonly registration?: string
  /** The grant type that replaces `refresh_token`. */
  readonly replacementGrantType?: string
}

/** @internal */
export interface Preset {
  readonly endpoints: Oauth2Discovery | TenantEndpoints
  readonly refresh: Refresh
  /** Separator of the scopes in an authorization request. */
  readonly scopeSeparator: " " | ","
  /** Authentication of a client with a secret at the token endpoint. */
  readonly clientAuthentication: "client_secret_basic" | "client_secret_post"
  readonly evidence: {
    readonly [Fact in "endpoints" | "refresh" | "scopeSeparator" | "clientAuthentication"]: Evidence
  }
  /** Parameters that every authorization request needs, with or without refresh token. */
  readonly authorizationParameters?: { readonly [name: string]: string }
  /** The parameter for the scopes of a user, if it is not `scope`. */
  readonly scopeParameter?: string
  /** The member of the token response that contains the user's token, if it is not the response itself. */
  readonly userTokenMember?: string
  readonly tokenRequestBody?: "json"
  readonly tokenRequestHeaders?: { readonly [name: string]: string }
  /** The members of an error response, if they are not those of RFC 6749. */
  readonly errorMembers?: { readonly error?: string; readonly description: string }
  /** The sign of an error response with status 200: `error` is present, or `ok` is false. */
  readonly errorWithStatus200?: "error" | "ok"
  /** Format of the granted scopes in the token response, if it is not separated by spaces. */
  readonly grantedScopeFormat?: "array" | "commas"
  /** The token response may come without `expires_in`. */
  readonly mayOmitExpiry?: true
  readonly pkce?: "required" | "omit"
  /** The issuer in the discovery document of a tenant that is not named by its id. */
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

/** A page of the developer guide to AgentCore. */
export const guide = (page: string): string =>
  `https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/${page}.html`

/** The page of the guide on refresh tokens. */
export const refreshGuide: string = guide("identity-authentication")

/** @internal */
export const openId = (issuer: string): Oauth2Discovery => ({
  discoveryUrl: `${trimTrailing(issuer, "/")}/.well-known/openid-configuration`
})

/** @internal */
export const metadata = (issuer: string, authorizationEndpoint: string, tokenEndpoint: string): Oauth2Discovery => ({
  authorizationServerMetadata: { issuer, authorizationEndpoint, tokenEndpoint }
})
