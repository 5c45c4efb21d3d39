/** The federated issuer without the service: a client and an authorization server that records its requests. */
import { Array as Arr, DateTime, Duration, Effect, Order, Redacted } from "effect"
import type { IncomingHttpHeaders } from "node:http"
import { type Discovery, discoveryOf } from "../../src/internal/emulator/state/endpoints.js"
import type { Client } from "../../src/internal/emulator/state/issuer.js"
import type { Completing, Pending } from "../../src/internal/emulator/state/session.js"
import type { Oauth2Provider } from "../../src/internal/emulator/state/state.js"
import { target } from "../../src/internal/emulator/state/target.js"
import type { OutboundPolicy } from "../../src/internal/oauth/discovery.js"
import * as issuer from "../../src/internal/oauth/federatedIssuer.js"
import type { Oauth2ProviderConfigOutput, OnBehalfOfTokenExchangeConfig } from "../../src/Oauth2ProviderConfig.js"
import { answering } from "./answering.js"

export const reach: OutboundPolicy = { limit: Duration.seconds(10), hosts: [], secureContext: undefined }

type Custom = Extract<Oauth2ProviderConfigOutput, { readonly customOauth2ProviderConfig: unknown }>[
  "customOauth2ProviderConfig"
]

/** The endpoints of an authorization server at this origin. */
export const metadata = (origin: string, tokenEndpointAuthMethods?: ReadonlyArray<string>) => ({
  authorizationServerMetadata: {
    issuer: origin,
    authorizationEndpoint: `${origin}/auth`,
    tokenEndpoint: `${origin}/token`,
    ...(tokenEndpointAuthMethods !== undefined && { tokenEndpointAuthMethods })
  }
})

export const clientId = "the-client"

export const clientSecret = "s:e/c r+e%t"

export const callbackUrl = "https://identity.example/callback"

export interface ClientOptions {
  readonly vendor?: Oauth2Provider["vendor"]
  readonly oauthDiscovery?: Discovery
  /** Additional configuration of a custom provider. */
  readonly custom?: Partial<Custom>
  /** Replaces the discovery URL of the configuration. */
  readonly discovery?: Discovery | undefined
  readonly secret?: string | undefined
  readonly privateKey?: string
  readonly onBehalfOf?: OnBehalfOfTokenExchangeConfig
}

/** A client of a custom provider, or of another vendor. */
export const clientOf = (options: ClientOptions = {}): Client => {
  const { custom, oauthDiscovery = metadata("https://idp.example"), onBehalfOf, privateKey, vendor } = options
  const secret = "secret" in options ? options.secret : clientSecret
  const config: Oauth2ProviderConfigOutput = vendor === undefined || vendor === "CustomOauth2"
    ? { customOauth2ProviderConfig: { oauthDiscovery, clientId, ...custom } }
    : { includedOauth2ProviderConfig: { oauthDiscovery, clientId } }
  const created = DateTime.unsafeMake(0)
  return {
    provider: {
      name: "provider",
      arn: "arn:aws:bedrock-agentcore:us-east-1:123456789012:provider",
      createdTime: created,
      lastUpdatedTime: created,
      vendor: vendor ?? "CustomOauth2",
      callbackUrl,
      clientSecret: { source: "MANAGED", arn: "arn", value: undefined },
      config,
      onBehalfOf
    },
    secret: secret === undefined ? undefined : Redacted.make(secret),
    privateKey: privateKey === undefined ? undefined : Redacted.make(privateKey),
    discovery: "discovery" in options ? options.discovery : discoveryOf(config),
    issuer: issuer.make(reach)
  }
}

const opened = {
  uri: "urn:ietf:params:oauth:request_uri:one",
  ordinal: 1,
  workloadName: "agent",
  user: { kind: "userId" as const, userId: "ada" },
  providerName: "provider",
  target: target({ scopes: [] }),
  returnUrl: "https://app.example/return",
  customState: undefined,
  customParameters: undefined,
  createdAt: DateTime.unsafeMake(0),
  expiresAt: DateTime.unsafeMake(600_000)
}

/** A session whose user has not consented yet. */
export const pendingSession = (given: Partial<Pending> = {}): Pending => ({ ...opened, status: "pending", ...given })

/** A session whose code is being exchanged. */
export const completingSession = (given: Partial<Completing> = {}): Completing => ({
  ...opened,
  status: "completing",
  authorization: undefined,
  ...given
})

export const redactedMap = (values: { readonly [name: string]: string }) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Redacted.make(value)]))

export interface Received {
  readonly method: string | undefined
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  /** Text is sent unchanged, any other value as JSON. */
  readonly body?: unknown
}

export const tokens = { access_token: "the-access-token", token_type: "Bearer", expires_in: 3600 }

/** A server that computes the response from the request and records all requests. */
export const server = (answer: (received: Received, origin: string) => Answer = () => ({ body: tokens })) =>
  Effect.gen(function*() {
    const requests: Array<Received> = []
    const { origin } = yield* answering((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { headers, method, url: path = "" } = request
        const received = { method, path, headers, body: Buffer.concat(chunks).toString() }
        requests.push(received)
        const { body, headers: added, status = 200 } = answer(received, `http://${headers.host}`)
        response.writeHead(status, { "content-type": "application/json", ...added })
        response.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body))
      })
    })
    return { origin, requests }
  })

export const sorted = (values: ReadonlyArray<string>) => Arr.sort(values, Order.string)

/** The parameters of the only request that a server received. */
export const parametersOf = ([request]: ReadonlyArray<Received>) =>
  sorted([...new URLSearchParams(request?.body)].map(([name, value]) => `${name}=${value}`))
