/** The metadata of an authorization server: discovered, or configured. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as oauth from "oauth4webapi"
import { type Discovery, discoveryOf, isLocal } from "../emulator/state/endpoints.js"
import { type Client, ProviderError } from "../emulator/state/issuer.js"
import { isUrl, parseUrl } from "../lib/url.js"
import { issuersOf } from "../model/discoveryUrl.js"
import { type AddressPolicy, rejectReason } from "./addressPolicy.js"
import { type HttpResponse, send, type Transport } from "./httpClient.js"
import { presetOf } from "./preset.js"
import { malformed, misconfigured, requestFailed, sanitize, type Step } from "./providerError.js"

/** @internal */
export interface OutboundPolicy extends Transport {
  readonly hosts: ReadonlyArray<string>
}

/** The URLs to which a configuration itself sends requests. */
const configuredUrls = (discovery: Discovery): ReadonlyArray<string> => {
  if ("discoveryUrl" in discovery) return [discovery.discoveryUrl]
  if (!("authorizationServerMetadata" in discovery)) return []
  const { authorizationEndpoint, tokenEndpoint } = discovery.authorizationServerMetadata
  return [authorizationEndpoint, tokenEndpoint]
}

/**
 * The address policy of a provider. A discovery document must not lead to a loopback origin that the configuration does not
 * name: the client would send its secret to another service of this machine.
 */
export const addressPolicyOf = ({ hosts }: OutboundPolicy, discovery: Discovery | undefined): AddressPolicy => ({
  hosts,
  loopbackOrigins: discovery !== undefined && isLocal(discovery)
    ? configuredUrls(discovery).map((url) => new URL(url).origin)
    : []
})

const Issuer = Schema.parseJson(Schema.Struct({ issuer: Schema.String }))

/** Fetches a document of an authorization server. */
export const document = (
  step: Step,
  policy: OutboundPolicy,
  allowed: AddressPolicy,
  what: string,
  url: string
): Effect.Effect<HttpResponse, ProviderError> =>
  Effect.gen(function*() {
    if (!isUrl(url)) return yield* misconfigured(step, `the URL of ${what} is invalid`)
    const response = yield* Effect.mapError(
      send(allowed, policy, {
        url: new URL(url),
        method: "GET",
        headers: { accept: "application/json" },
        body: undefined
      }),
      requestFailed(step)
    )
    return response.status === 200 ? response : yield* malformed(step, `${what} was not found`, response.status)
  })

/**
 * Fetches a discovery document and validates its issuer (RFC 8414, section 3.3). `issuerProblem` returns a message for an
 * unexpected issuer.
 */
export const discover = (
  policy: OutboundPolicy,
  allowed: AddressPolicy,
  discoveryUrl: string,
  issuerProblem: (issuer: string) => string | undefined
): Effect.Effect<oauth.AuthorizationServer, ProviderError> =>
  Effect.gen(function*() {
    const step = "discovery"
    const { text } = yield* document(step, policy, allowed, "the discovery document", discoveryUrl)
    const described = Schema.decodeUnknownEither(Issuer)(text)
    if (Either.isLeft(described)) {
      return yield* malformed(step, "the discovery document is not a JSON object with an issuer")
    }
    const { issuer } = described.right
    if (!isUrl(issuer)) {
      return yield* malformed(step, "the issuer of the discovery document is not a URL")
    }
    // The library compares issuers as URLs, but they must be identical strings.
    const problem = issuerProblem(issuer)
    if (problem !== undefined) return yield* malformed(step, problem)
    const response = new Response(text, { status: 200, headers: { "content-type": "application/json" } })
    return yield* Effect.tryPromise({
      try: () => oauth.processDiscoveryResponse(new URL(issuer), response),
      catch: () => malformed(step, "the issuer of the discovery document is not a URL")
    })
  })

/** Fetches the discovery document of a provider. */
const discoverProvider = (
  policy: OutboundPolicy,
  allowed: AddressPolicy,
  discoveryUrl: string,
  isAlsoIssuer: (issuer: string) => boolean
) => {
  const expected = issuersOf(discoveryUrl)
  const [first] = expected
  if (first === undefined) {
    return misconfigured(
      "discovery",
      "the discovery URL must end in /.well-known/openid-configuration or /.well-known/oauth-authorization-server, " +
        "or have one of these between its host and its path"
    )
  }
  return discover(policy, allowed, discoveryUrl, (issuer) =>
    expected.includes(issuer) || isAlsoIssuer(issuer)
      ? undefined
      : `the discovery document has the issuer ${sanitize(issuer, [])}, but its URL belongs to the issuer ${first}`)
}

/** The URL of an endpoint, if requests or redirects to it are allowed. */
export const endpoint = (
  step: Step,
  policy: OutboundPolicy,
  { discovery }: Client,
  server: oauth.AuthorizationServer,
  name: "authorization_endpoint" | "token_endpoint"
): Either.Either<URL, ProviderError> => {
  const url = parseUrl(server[name])
  if (Option.isNone(url)) return Either.left(malformed(step, `the authorization server has no ${name}`))
  const parsed = url.value
  const problem = rejectReason(addressPolicyOf(policy, discovery), parsed)
  return problem === undefined
    ? Either.right(parsed)
    : Either.left(new ProviderError({ step, reason: "Forbidden", description: `${name}: ${problem}` }))
}

const tenantId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Tests whether the issuer matches the template of the vendor. The discovery URL contains the name of a tenant, or a name
 * for all tenants.
 */
export const isOfTemplate = (template: string, discoveryUrl: string) => (issuer: string): boolean => {
  const [before = "", after = ""] = template.split("{tenantid}")
  const tenant = discoveryUrl.slice(before.length).split("/")[0] ?? ""
  // A discovery URL with the id of a tenant has exactly one issuer.
  if (!discoveryUrl.startsWith(before) || tenantId.test(tenant)) return false
  return issuer === template ||
    issuer.startsWith(before) && issuer.endsWith(after) && tenantId.test(issuer.slice(before.length, -after.length))
}

/** @internal */
export const resolveServer = (
  policy: OutboundPolicy,
  { discovery, provider }: Client
): Effect.Effect<oauth.AuthorizationServer, ProviderError> =>
  Effect.gen(function*() {
    if (discovery === undefined) {
      return yield* misconfigured("discovery", "the provider has no discovery configuration")
    }
    if ("discoveryUrl" in discovery) {
      const { discoveryUrl } = discovery
      const template = discovery === discoveryOf(provider.config)
        ? presetOf(provider.vendor)?.discoveredIssuer
        : undefined
      const isAlsoIssuer = template === undefined ? () => false : isOfTemplate(template, discoveryUrl)
      return yield* discoverProvider(policy, addressPolicyOf(policy, discovery), discoveryUrl, isAlsoIssuer)
    }
    if (!("authorizationServerMetadata" in discovery)) {
      return yield* misconfigured("discovery", "the discovery configuration has an unknown kind")
    }
    const { authorizationEndpoint, issuer, tokenEndpoint, tokenEndpointAuthMethods } =
      discovery.authorizationServerMetadata
    return {
      issuer,
      authorization_endpoint: authorizationEndpoint,
      token_endpoint: tokenEndpoint,
      ...(tokenEndpointAuthMethods !== undefined && {
        token_endpoint_auth_methods_supported: [...tokenEndpointAuthMethods]
      })
    }
  })
