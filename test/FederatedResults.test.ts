import { assert, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import * as jose from "jose"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as FederatedIssuer from "../src/FederatedIssuer.js"
import * as IdentityControls from "../src/IdentityControls.js"
import * as IdentityService from "../src/IdentityService.js"
import { presets } from "../src/internal/presets/table.js"
import type * as Oauth2Provider from "../src/Oauth2Provider.js"
import type * as Oauth2ProviderConfig from "../src/Oauth2ProviderConfig.js"
import { callbackUrl, workloadName } from "./support/agent.js"
import { dialect } from "./support/dialect.js"
import { answers } from "./support/federated.js"
import { configOf, vendors } from "./support/presets.js"
import * as vendor from "./support/vendor.js"

type Result = "yes" | "no" | "simulated"

const keyArn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

const layer = IdentityService.layerTest.pipe(
  Layer.provide(FederatedIssuer.layer()),
  Layer.provide(Logger.minimumLogLevel(LogLevel.None))
)

interface Tried {
  readonly name: string
  readonly vendor: Oauth2Provider.CredentialProviderVendor
  readonly config: Oauth2ProviderConfig.Oauth2ProviderConfigInput
  readonly method: "client_secret_basic" | "client_secret_post" | "private_key_jwt"
  readonly algorithm?: string
  readonly exchange?: "TOKEN_EXCHANGE" | "JWT_AUTHORIZATION_GRANT" | undefined
}

/** The token comes from the authorization server, is simulated, or is absent. */
const resultOf = <E, R>(server: vendor.Vendor, token: Effect.Effect<Redacted.Redacted, E, R>) =>
  Effect.match(token, {
    onFailure: (): Result => "no",
    onSuccess: (token): Result => {
      const text = Redacted.value(token)
      if (text.startsWith("simulated-")) return "simulated"
      return jose.decodeJwt(text).iss === server.issuer ? "yes" : "no"
    }
  })

/** Each flow of one provider, federated if supported, else simulated. */
const tried = ({ algorithm, config, exchange, method, name, vendor: of }: Tried) =>
  Effect.gen(function*() {
    const server = yield* vendor.make(
      of === "CustomOauth2" ? {} : { isPkceRequired: presets[of].pkce !== "omit", dialect: dialect(presets[of]) }
    )
    const identity = yield* IdentityService.IdentityService
    const controls = yield* IdentityControls.IdentityControls
    yield* identity.createWorkloadIdentity({ name: workloadName, allowedResourceOauth2ReturnUrls: [callbackUrl] })
    const provider = yield* identity.createOauth2CredentialProvider({
      name,
      credentialProviderVendor: of,
      oauth2ProviderConfigInput: config
    })
    const { privateKey, publicKey } = yield* Effect.promise(() =>
      jose.generateKeyPair(algorithm ?? "ES256", { extractable: true })
    )
    const [own, known] = yield* Effect.promise(() =>
      Promise.all([jose.exportJWK(privateKey), jose.exportJWK(publicKey)])
    )
    yield* controls.setSecret(keyArn, Redacted.make(JSON.stringify(own)))
    server.register({
      clientId: "client",
      ...(method === "private_key_jwt"
        ? { jwks: { keys: [{ ...known, alg: algorithm ?? "ES256" }] } }
        : { clientSecret: "secret" }),
      method,
      redirectUris: [provider.callbackUrl ?? ""]
    })
    const asAda = yield* identity.getWorkloadAccessToken({ workloadName, userId: "ada" })
    const user = identity.getToken({
      providerName: name,
      scopes: ["read"],
      authFlow: "USER_FEDERATION",
      callbackUrl,
      workloadAccessToken: asAda
    })
    const consented = Effect.gen(function*() {
      const consent = yield* Effect.flip(user)
      if (consent._tag !== "ConsentRequired") return yield* consent
      yield* Effect.sandbox(answers(controls, server, consent.sessionUri))
      yield* identity.completeResourceTokenAuth({ sessionUri: consent.sessionUri, userIdentifier: { userId: "ada" } })
      return yield* user
    })
    const flows = {
      machine: identity.getToken({ providerName: name, scopes: ["read"], authFlow: "M2M", workloadAccessToken: asAda }),
      user: consented,
      refresh: Effect.gen(function*() {
        const before = yield* user
        yield* controls.expireTokens()
        const after = yield* user
        return yield* Redacted.value(before) === Redacted.value(after)
          ? Effect.fail("the same" as const)
          : Effect.succeed(after)
      }),
      exchange: Effect.gen(function*() {
        const userToken = yield* server.userToken({ sub: "ada" })
        const workloadAccessToken = yield* identity.getWorkloadAccessToken({ workloadName, userToken })
        return yield* identity.getToken({
          providerName: name,
          scopes: ["read"],
          authFlow: "ON_BEHALF_OF_TOKEN_EXCHANGE",
          workloadAccessToken
        })
      })
    }
    const all = Effect.gen(function*() {
      return {
        machine: yield* resultOf(server, flows.machine),
        user: yield* resultOf(server, flows.user),
        refresh: yield* resultOf(server, flows.refresh),
        exchange: exchange === undefined ? undefined : yield* resultOf(server, flows.exchange)
      }
    })
    yield* controls.setIssuer(name, { discoveryUrl: server.discoveryUrl })
    const real = yield* all
    if (!Object.values(real).includes("no")) return real
    // A flow that cannot be federated runs in the simulation.
    yield* controls.setIssuer(name, "simulated")
    const simulated = yield* all
    return {
      machine: real.machine === "no" ? simulated.machine : real.machine,
      user: real.user === "no" ? simulated.user : real.user,
      refresh: real.refresh === "no" ? simulated.refresh : real.refresh,
      exchange: real.exchange === "no" ? simulated.exchange : real.exchange
    }
  }).pipe(Effect.scoped, Effect.provide(layer))

const custom = (
  clientAuthenticationMethod: "CLIENT_SECRET_BASIC" | "CLIENT_SECRET_POST" | "PRIVATE_KEY_JWT" | "AWS_IAM_ID_TOKEN_JWT",
  grantType: "TOKEN_EXCHANGE" | "JWT_AUTHORIZATION_GRANT",
  signingAlgorithm?: "RS256" | "PS256" | "ES256"
): Tried => ({
  name: "custom",
  vendor: "CustomOauth2",
  method: clientAuthenticationMethod === "CLIENT_SECRET_POST"
    ? "client_secret_post"
    : clientAuthenticationMethod === "CLIENT_SECRET_BASIC"
    ? "client_secret_basic"
    : "private_key_jwt",
  ...(signingAlgorithm !== undefined && { algorithm: signingAlgorithm }),
  exchange: grantType,
  config: {
    customOauth2ProviderConfig: {
      clientId: "client",
      oauthDiscovery: { discoveryUrl: "https://issuer.example/.well-known/openid-configuration" },
      clientAuthenticationMethod,
      onBehalfOfTokenExchangeConfig: { grantType },
      ...(signingAlgorithm === undefined
        ? { clientSecret: Redacted.make("secret") }
        : {
          privateKeyJwtConfig: { privateKeySource: { kmsKeySource: { kmsKeyArn: keyArn } }, signingAlgorithm }
        })
    }
  }
})

const clients: ReadonlyArray<readonly [string, Tried]> = [
  ["`CLIENT_SECRET_BASIC`, token exchange", custom("CLIENT_SECRET_BASIC", "TOKEN_EXCHANGE")],
  ["`CLIENT_SECRET_BASIC`, JWT grant", custom("CLIENT_SECRET_BASIC", "JWT_AUTHORIZATION_GRANT")],
  ["`CLIENT_SECRET_POST`, token exchange", custom("CLIENT_SECRET_POST", "TOKEN_EXCHANGE")],
  ["`CLIENT_SECRET_POST`, JWT grant", custom("CLIENT_SECRET_POST", "JWT_AUTHORIZATION_GRANT")],
  ...(["RS256", "PS256", "ES256"] as const).map((algorithm) =>
    [
      `\`PRIVATE_KEY_JWT\`, ${algorithm}, token exchange`,
      custom("PRIVATE_KEY_JWT", "TOKEN_EXCHANGE", algorithm)
    ] as const
  ),
  ["`AWS_IAM_ID_TOKEN_JWT`, token exchange", custom("AWS_IAM_ID_TOKEN_JWT", "TOKEN_EXCHANGE")]
]

const given = (of: typeof vendors[number]) =>
  "tenant" in presets[of].endpoints && presets[of].endpoints.defaultTenantId === undefined
    ? { issuer: "https://tenant.example" }
    : {}

const row = (name: string, { exchange, machine, refresh, user }: Effect.Effect.Success<ReturnType<typeof tried>>) =>
  `| ${name} | ${machine} | ${user} | ${refresh} | ${exchange ?? "–"} |`

const heads = (first: string) => [
  `| ${first} | machine | a person's code | refresh | on behalf of |`,
  "| --- | --- | --- | --- | --- |"
]

const file = fileURLToPath(new URL("../guides/federation.md", import.meta.url))

it.live(
  "the guide lists the flows that work with each client authentication and vendor, as observed",
  () =>
    Effect.gen(function*() {
      const ofClients = yield* Effect.forEach(
        clients,
        ([name, one]) => Effect.map(tried(one), (results) => row(`\`CustomOauth2\`, ${name}`, results))
      )
      const ofVendors = yield* Effect.forEach(vendors, (of) => {
        const method = presets[of].clientAuthentication
        const exchange = of === "MicrosoftOauth2" ? "JWT_AUTHORIZATION_GRANT" as const : undefined
        return Effect.map(
          tried({ name: "vendor", vendor: of, config: configOf(of, given(of)), method, exchange }),
          (results) => row(`\`${of}\`, \`${method}\``, results)
        )
      })
      const table = [
        "<!-- results -->",
        "",
        ...heads("provider and client authentication"),
        ...ofClients,
        ...ofVendors,
        ""
      ]
      const guide = readFileSync(file, "utf8")
      const updated = guide.replace(
        /<!-- results -->[^]*?(?=<!-- dprint-ignore-end -->)/,
        () => `${table.join("\n")}\n`
      )
      if (process.env.UPDATE_GUIDES === "1") return writeFileSync(file, updated)
      for (const line of table) {
        assert.include(guide, line, "UPDATE_GUIDES=1 npx vitest run test/FederatedResults.test.ts writes what is so")
      }
    }),
  120_000
)
