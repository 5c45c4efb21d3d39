/** What an authorization server says of itself, or the configuration of it. */
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
import { send, type Transport } from "./httpClient.js"
import { presetOf } from "./preset.js"
import { malformed, misconfigured, shown, type Step, unanswered } from "./providerError.js"

/** @internal */
export interface OutboundPolicy extends Transport {
  readonly hosts: ReadonlyArray<string>
}

/**
 * What may be asked for this provider: a document from elsewhere does not lead to this machine.
 *
 * @internal
 */
export const allowed = ({ hosts }: OutboundPolicy, discovery: Discovery | undefined): AddressPolicy => ({
  hosts,
  loopback: isLocal(discovery)
})

const Issuer = Schema.parseJson(Schema.Struct({ issuer: Schema.String }))

/**
 * What an authorization server publishes at this URL.
 *
 * @internal
 */
export const document = (
  step: Step,
  reach: OutboundPolicy,
  allowed: AddressPolicy,
  what: string,
  url: string
): Effect.Effect<string, ProviderError> =>
  Effect.gen(function*() {
    if (!isUrl(url)) return yield* misconfigured(step, `the URL of ${what} is none`)
    const { status, text } = yield* Effect.mapError(
      send(allowed, reach, {
        url: new URL(url),
        method: "GET",
        headers: { accept: "application/json" },
        body: undefined
      }),
      unanswered(step)
    )
    return status === 200 ? text : yield* malformed(step, `${what} is not there`, status)
  })

/**
 * The document of an authorization server, which has to be its own: RFC 8414, section 3.3. `objectionTo` says why its
 * issuer is not the expected one.
 *
 * @internal
 */
export const discover = (
  reach: OutboundPolicy,
  allowed: AddressPolicy,
  discoveryUrl: string,
  objectionTo: (issuer: string) => string | undefined
): Effect.Effect<oauth.AuthorizationServer, ProviderError> =>
  Effect.gen(function*() {
    const step = "discovery"
    const text = yield* document(step, reach, allowed, "the discovery document", discoveryUrl)
    const described = Schema.decodeUnknownEither(Issuer)(text)
    if (Either.isLeft(described)) return yield* malformed(step, "the discovery document is no JSON with an issuer")
    const { issuer } = described.right
    if (!isUrl(issuer)) return yield* malformed(step, "the issuer of the discovery document is not a URL")
    // Compared here, since the library compares URLs, and issuers have to be the same text.
    const objection = objectionTo(issuer)
    if (objection !== undefined) return yield* malformed(step, objection)
    const response = new Response(text, { status: 200, headers: { "content-type": "application/json" } })
    return yield* Effect.tryPromise({
      try: () => oauth.processDiscoveryResponse(new URL(issuer), response),
      catch: () => malformed(step, "the issuer of the discovery document is not a URL")
    })
  })

/** The document at the discovery URL of a provider. */
const discoverProvider = (
  reach: OutboundPolicy,
  allowed: AddressPolicy,
  discoveryUrl: string,
  isAlsoIssuer: (issuer: string) => boolean
) => {
  const expected = issuersOf(discoveryUrl)
  const [first] = expected
  if (first === undefined) {
    return misconfigured(
      "discovery",
      "the discovery URL has to end in /.well-known/openid-configuration or /.well-known/oauth-authorization-server, " +
        "or to have one of these between its host and its path"
    )
  }
  return discover(reach, allowed, discoveryUrl, (issuer) =>
    expected.includes(issuer) || isAlsoIssuer(issuer)
      ? undefined
      : `the discovery document is of the issuer ${shown(issuer, [])}, and its URL is that of ${first}`)
}

/**
 * An endpoint that may be asked, or that a browser may be sent to.
 *
 * @internal
 */
export const endpoint = (
  step: Step,
  reach: OutboundPolicy,
  { discovery }: Client,
  server: oauth.AuthorizationServer,
  name: "authorization_endpoint" | "token_endpoint"
): Either.Either<URL, ProviderError> => {
  const url = parseUrl(server[name])
  if (Option.isNone(url)) return Either.left(malformed(step, `the authorization server has no ${name}`))
  const parsed = url.value
  const why = rejectReason(allowed(reach, discovery), parsed)
  return why === undefined
    ? Either.right(parsed)
    : Either.left(new ProviderError({ step, reason: "Forbidden", description: `${name}: ${why}` }))
}

const tenantId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Whether the issuer is the one that the template stands for, whose tenant is known by its name, or is any.
 *
 * @internal
 */
export const isOfTemplate = (template: string, discoveryUrl: string) => (issuer: string): boolean => {
  const [before = "", after = ""] = template.split("{tenantid}")
  const asked = discoveryUrl.slice(before.length).split("/")[0] ?? ""
  // The document of one tenant, known by its id, names just that.
  if (!discoveryUrl.startsWith(before) || tenantId.test(asked)) return false
  return issuer === template ||
    issuer.startsWith(before) && issuer.endsWith(after) && tenantId.test(issuer.slice(before.length, -after.length))
}

/** @internal */
export const resolveServer = (
  reach: OutboundPolicy,
  { discovery, provider }: Client
): Effect.Effect<oauth.AuthorizationServer, ProviderError> =>
  Effect.gen(function*() {
    if (discovery === undefined) {
      return yield* misconfigured("discovery", "nothing says where the authorization server is")
    }
    if ("discoveryUrl" in discovery) {
      const { discoveryUrl } = discovery
      const template = discovery === discoveryOf(provider.config)
        ? presetOf(provider.vendor)?.discoveredIssuer
        : undefined
      const isAlsoIssuer = template === undefined ? () => false : isOfTemplate(template, discoveryUrl)
      return yield* discoverProvider(reach, allowed(reach, discovery), discoveryUrl, isAlsoIssuer)
    }
    if (!("authorizationServerMetadata" in discovery)) {
      return yield* misconfigured("discovery", "the configuration is of a kind that is not known")
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
