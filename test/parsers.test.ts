// @effect-diagnostics multipleEffectProvide:off
import * as FileSystem from "@effect/platform/FileSystem"
import * as Headers from "@effect/platform/Headers"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Logger, Redacted } from "effect"
import { logCalls } from "../src/cli/callLog.js"
import * as Seed from "../src/cli/seed.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import * as Diagnosis from "../src/Diagnosis.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityError from "../src/IdentityError.js"
import * as IdentityServer from "../src/IdentityServer.js"
import { fromThrown } from "../src/internal/aws/exceptions.js"
import { ofRequest } from "../src/internal/aws/secrets.js"
import { withoutCredentials } from "../src/internal/aws/signed.js"
import { readRequest } from "../src/internal/binding/readRequest.js"
import * as address from "../src/internal/binding/urls.js"
import * as sealKeys from "../src/internal/consent/sealKeys.js"
import * as sealText from "../src/internal/consent/sealText.js"
import { page } from "../src/internal/emulator/control/paging.js"
import * as emulator from "../src/internal/emulator/emulator.js"
import * as record from "../src/internal/emulator/persistence/records.js"
import * as choices from "../src/internal/emulator/state/assumptions.js"
import { isLocal } from "../src/internal/emulator/state/endpoints.js"
import * as state from "../src/internal/emulator/state/state.js"
import * as Table from "../src/internal/emulator/state/table.js"
import { isLoopbackAddress, isLoopbackUrl } from "../src/internal/lib/loopback.js"
import { redactText } from "../src/internal/lib/redactText.js"
import * as target from "../src/internal/lib/requestTarget.js"
import { trimTrailing } from "../src/internal/lib/text.js"
import { parseUrl } from "../src/internal/lib/url.js"
import * as discoveryUrl from "../src/internal/model/discoveryUrl.js"
import { fromText } from "../src/internal/model/issuerChoice.js"
import { withOptionNames } from "../src/internal/model/optionNames.js"
import { isOfTemplate } from "../src/internal/oauth/discovery.js"
import * as keySet from "../src/internal/oauth/keySet.js"
import { sanitize } from "../src/internal/oauth/providerError.js"
import * as verifyJwt from "../src/internal/oauth/verifyJwt.js"
import { openId } from "../src/internal/presets/preset.js"
import * as guard from "../src/internal/server/api/hostGuard.js"
import * as signature from "../src/internal/server/api/signature.js"
import * as wire from "../src/internal/server/api/wire.js"
import * as json from "../src/internal/server/control/json.js"
import * as sessions from "../src/internal/server/control/sessionSelector.js"
import { cookiesOf } from "../src/internal/web/cookies.js"
import * as form from "../src/internal/web/forms.js"
import { html } from "../src/internal/web/html.js"
import * as publicUrl from "../src/internal/web/publicUrl.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import * as WorkloadAccessToken from "../src/WorkloadAccessToken.js"
import { after, growth, hostile, type Input, parts, repeat, separated } from "./support/growth.js"
import { authorization, recorder } from "./support/raw.js"
import { restore } from "./support/storage.js"

const requestOf = ({ body, headers = {}, method = "GET", url = "/" }: {
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}) =>
  HttpServerRequest.fromWeb(
    new Request("http://localhost/", { method, ...(body !== undefined && { body }) })
  ).modify({ url, headers: Headers.fromInput({ host: "localhost", ...headers }) })

/** Runs an effect for one request, however it ends. */
const handled = <A, E>(
  effect: Effect.Effect<A, E, HttpServerRequest.HttpServerRequest>,
  request: HttpServerRequest.HttpServerRequest
) => Effect.runPromiseExit(Effect.provideService(effect, HttpServerRequest.HttpServerRequest, request))

const port = recorder()

/** A request to the operations, before a port that only notes. */
const served = (request: Parameters<typeof requestOf>[0]) =>
  handled(
    Effect.provideService(IdentityServer.make(), IdentityApi.IdentityApi, port.api),
    requestOf({ ...request, headers: { authorization, ...request.headers } })
  )

const ended = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromiseExit(effect)

const encoded = (text: string) => Buffer.from(text).toString("base64url")

const jwt = (payload: string, header = "{\"alg\":\"RS256\"}") =>
  Redacted.make(`${encoded(header)}.${encoded(payload)}.c2lnbmF0dXJl`)

const verifying = Effect.runSync(verifyJwt.make(
  { limit: Duration.seconds(1), hosts: [], secureContext: undefined },
  { audiences: ["the agent"], clients: [] }
))

/** A seed file of this text. */
const seeded = (text: string) =>
  ended(
    Effect.provide(
      Seed.read("seed.json"),
      FileSystem.layerNoop({ readFile: () => Effect.succeed(new TextEncoder().encode(text)) })
    )
  )

const local = Effect.flatMap(IdentityServer.makeLocal(), (app) => logCalls(app)).pipe(
  Effect.provide(MemoryIdentity.layerApi()),
  Effect.provide(Logger.remove(Logger.defaultLogger))
)

const settings = emulator.settings({ accountId: "123456789012", region: "us-east-1", endpoint: "http://localhost" })

const restored = (records: ReadonlyArray<record.Entry>) =>
  restore(
    [
      ["meta/version", record.version],
      ["meta/owner", JSON.stringify({ accountId: settings.accountId, region: settings.region })],
      ...records
    ],
    settings,
    state.empty(DateTime.unsafeMake(0))
  )

const opened = (text: string) =>
  ended(
    Effect.flatMap(ConsentSeal.ConsentSeal, (seal) => seal.open("resume", Redacted.make(text))).pipe(
      Effect.provide(ConsentSeal.layerEphemeral)
    )
  )

const claimed = (userToken: Redacted.Redacted) =>
  ended(
    Effect.flatMap(IdentityApi.IdentityApi, (api) =>
      api.getWorkloadAccessTokenForJWT({ workloadName: "agent", userToken }))
      .pipe(Effect.provide(MemoryIdentity.layerApi()))
  )

const validation = (message: string) => new IdentityError.ValidationError({ operation: "X", message })

const tags = "/tags/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Atoken-vault%2Fdefault"

const secret = "a=b&\"%2F ü"

const request = {
  userToken: Redacted.make("a.".repeat(10_000)),
  apiKey: Redacted.make(secret),
  more: ["aaaa", "////", "    "].map((text) => Redacted.make(text))
}

interface Parser {
  readonly name: string
  readonly parse: (text: string) => unknown
  readonly inputs?: Readonly<Record<string, Input>>
}

const parsers: ReadonlyArray<Parser> = [
  { name: "a slash or a padding at an end", parse: (text) => trimTrailing(text, "/") + trimTrailing(text, "=") },
  { name: "a URL", parse: parseUrl, inputs: after("https://") },
  {
    name: "whether a provider is on this machine",
    parse: (discoveryUrl) => isLocal({ discoveryUrl }),
    inputs: after("https://")
  },
  { name: "the issuer of an authorization endpoint", parse: choices.issuerOfEndpoint, inputs: after("https://") },
  { name: "the issuer of a provider", parse: openId, inputs: after("https://a.invalid/") },
  { name: "an issuer choice", parse: fromText, inputs: after("https://a.invalid/") },
  {
    name: "the issuer of a tenant",
    parse: (text) => isOfTemplate("https://login.invalid/{tenantid}/v2.0", text)(text),
    inputs: after("https://login.invalid/")
  },
  {
    name: "the iss of a JWT that is not verified",
    parse: (iss) => ended(verifying(jwt(JSON.stringify({ iss, sub: "ada" })))),
    inputs: after("https://a.invalid/")
  },
  { name: "the header of a JWT", parse: (text) => ended(verifying(jwt("{}", text))) },
  { name: "the payload of a JWT", parse: (text) => ended(verifying(jwt(text))) },
  { name: "a JWT", parse: (text) => ended(verifying(Redacted.make(text))) },
  { name: "the claims of a JWT without verifyJwtFor", parse: (text) => claimed(jwt(text)) },
  { name: "a key set", parse: keySet.parse },
  {
    name: "a discovery URL",
    parse: discoveryUrl.isDiscoveryUrl,
    inputs: { ...hostile, ...after("https://a.invalid/") }
  },
  {
    name: "the issuers of a discovery URL",
    parse: discoveryUrl.issuersOf,
    inputs: {
      ...after("https://a.invalid/.well-known/openid-configuration"),
      "names": (size) => "https://a.invalid" + "/.well-known/openid-configurationx".repeat(size / 34)
    }
  },
  { name: "the discovery URL of an issuer", parse: discoveryUrl.openIdUrl, inputs: after("https://a.invalid/") },
  { name: "a public URL", parse: publicUrl.parse, inputs: { ...hostile, ...after("https://a.invalid") } },
  {
    name: "the operations of a key",
    parse: (text) => keySet.parse(JSON.stringify({ keys: [{ kty: "RSA", key_ops: parts(text, "&", 3) }] })),
    inputs: separated("&")
  },
  {
    name: "a list of keys",
    parse: (text) => keySet.parse(JSON.stringify({ keys: parts(text, "a", 22).map((kid) => ({ kty: "RSA", kid })) })),
    inputs: separated("a")
  },
  { name: "what a provider says", parse: (text) => sanitize(text, [secret, "aaaa", "////"]) },
  { name: "what AWS says", parse: redactText(() => ofRequest(request)) },
  {
    name: "credentials in what AWS says",
    parse: withoutCredentials,
    inputs: {
      ...hostile,
      ...after("x-amz-security-token:"),
      "names": (size) => "x-amz-security-token".repeat(size / 20)
    }
  },
  {
    name: "a failure of the AWS SDK",
    parse: (message) =>
      fromThrown({ name: "X", errors: [] }, redactText(() => ofRequest(request)), "Sent", undefined)({
        name: "Error",
        message,
        code: "E",
        $metadata: {}
      })
  },
  {
    name: "the fields of a ValidationException",
    parse: (text) =>
      fromThrown({ name: "X", errors: ["ValidationError"] }, redactText(() => ofRequest(request)), "Sent", undefined)({
        $fault: "client",
        name: "ValidationException",
        message: text.slice(0, 10),
        fieldList: (text.match(/[^]{1,64}/g) ?? []).map((field) => ({
          name: field.slice(0, 32),
          message: field.slice(32)
        }))
      }),
    // A text of any kind is in the row above; here it is the number of fields.
    inputs: separated("&")
  },
  {
    name: "a diagnosis",
    parse: (text) => Diagnosis.diagnose(validation(text)),
    inputs: { ...hostile, "requestUri": (size) => "requestUri".repeat(size / 10) }
  },
  { name: "the members in a message", parse: (text) => withOptionNames(validation(text)) },
  {
    name: "a page token",
    parse: (nextToken) => page("ListWorkloadIdentities", { nextToken }, 20, Table.empty({ indexes: {} }))
  },
  { name: "a handle", parse: opened, inputs: after("v1.a.") },
  {
    name: "the keys of a seal",
    parse: (text) => sealKeys.validate(sealKeys.parse(text)),
    inputs: { ...hostile, "distinct ids": (size) => Array.from({ length: size / 8 }, (_, n) => `${n}:k`).join(",") }
  },
  {
    name: "a sealed text",
    parse: (text) => sealText.fromBytes(sealText.toBytes(`\ud800${text}`).buffer),
    inputs: { "ASCII": repeat("a"), "marks": repeat("\u0301\u0323") }
  },
  { name: "the headers of an invocation", parse: (text) => WorkloadAccessToken.fromHeaders({ [text]: text }) },
  {
    name: "many headers of an invocation",
    parse: (text) =>
      WorkloadAccessToken.fromHeaders(Object.fromEntries(parts(text, "&", 4).map((name) => [name, name]))),
    inputs: separated("&")
  },
  { name: "the target of a request", parse: (text) => [target.isPath(text), target.parse(text)] },
  { name: "the absolute target of a request", parse: target.parse, inputs: after("http://") },
  { name: "the operation of a request", parse: (text) => wire.match("GET", text), inputs: after("/tags/") },
  {
    name: "the Host header",
    parse: (host) =>
      handled(guard.make({ hosts: ["a.test"] })(Effect.die("not asked")), requestOf({ headers: { host } }))
  },
  { name: "the names of a server", parse: (name) => guard.make({ hosts: [name, `::${name}`] }) },
  {
    name: "the Authorization header",
    parse: (text) => handled(signature.make()(new Uint8Array()), requestOf({ headers: { authorization: text } })),
    inputs: { ...hostile, ...after("AWS4-HMAC-SHA256 "), ...after("AWS4-HMAC-SHA256 Credential=") }
  },
  {
    name: "signed headers and a query",
    parse: (text) =>
      handled(
        signature.make({ required: { accessKeyId: "AKID", secretAccessKey: Redacted.make("secret") } })(
          new Uint8Array()
        ),
        requestOf({
          url: `/?${text}`,
          headers: {
            authorization,
            "x-amz-date": DateTime.formatIso(Effect.runSync(DateTime.now)).replace(/[-:]|\.\d+/g, "")
          }
        })
      )
  },
  { name: "the cookies of a request", parse: (cookie) => cookiesOf(requestOf({ headers: { cookie } })) },
  {
    name: "a form",
    parse: (body) =>
      handled(
        Effect.flatMap(form.form, (fields) => form.once(fields, "ticket", "a")),
        requestOf({ method: "POST", body, headers: { "content-type": "application/x-www-form-urlencoded" } })
      )
  },
  {
    name: "a query",
    parse: (text) => handled(Effect.flatMap(form.query, (q) => form.once(q, "a")), requestOf({ url: `/?${text}` }))
  },
  {
    name: "the origin and the type of a request",
    parse: (text) => {
      const from = requestOf({ headers: { origin: `http://${text}`, "content-type": text } })
      return [form.isForeign(from), form.mediaType(from)]
    }
  },
  { name: "a redirect", parse: form.seeOther },
  { name: "a text in a page", parse: (text) => html`<p title="${text}">${text}</p>`.toString() },
  {
    name: "a body of the control API",
    parse: (body) =>
      handled(
        json.body(sessions.Selector),
        requestOf({ method: "POST", body, headers: { "content-type": "application/json" } })
      )
  },
  {
    name: "a visit of a page of a consent",
    parse: (text) =>
      handled(
        readRequest(() => true),
        requestOf({ url: `/return?${text}`, headers: { cookie: text, host: text } }).modify({ url: `/return?${text}` })
      )
  },
  {
    name: "the addresses of an application",
    parse: (text) => [
      isLoopbackUrl(`http://${text}`),
      isLoopbackAddress(text),
      address.isLocalHost(text),
      address.isPageOf("https://a.test", `https://a.test/${text}`),
      address.parseAppOrigin(`https://${text}`)
    ]
  },
  {
    name: "a body of an operation",
    parse: (body) => served({ method: "POST", url: "/identities/oauth2/token", body })
  },
  {
    name: "a member of a body",
    parse: (text) =>
      served({
        method: "POST",
        url: "/identities/oauth2/token",
        body: JSON.stringify({ scopes: parts(text, "&", 3), customParameters: { [text]: text }, [text]: 1 })
      })
  },
  {
    name: "members of a body that are there twice",
    parse: (text) =>
      served({
        method: "POST",
        url: "/identities/oauth2/token",
        body: `{${(text.match(/[^]{1,16}/g) ?? []).map(() => "\"scopes\":[]").join(",")}}`
      }),
    inputs: { any: hostile["\"a\""] ?? ((size) => "a".repeat(size)) }
  },
  { name: "the query of an operation", parse: (text) => served({ method: "DELETE", url: `${tags}?${text}` }) },
  {
    name: "as many tag keys as fit",
    parse: (text) => served({ method: "DELETE", url: `${tags}?${text}` }),
    inputs: {
      "good ones": (size) => "tagKeys=a&".repeat(size / 10),
      "bad ones": (size) => "tagKeys=&".repeat(size / 9)
    }
  },
  { name: "the path of a page", parse: (text) => handled(local, requestOf({ url: `/_local/${text}?${text}` })) },
  { name: "a seed file", parse: seeded },
  {
    name: "the names of a seed file",
    parse: (text) =>
      seeded(JSON.stringify({ workloadIdentities: parts(text, "&", 14).map((name) => ({ name: `w-${name}` })) })),
    inputs: separated("&")
  },
  { name: "a stored record", parse: (text) => restored([[text, text], [`workloads/${text}`, text]]) },
  {
    name: "many stored records",
    parse: (text) => restored(parts(text, "&", 17).map((key): record.Entry => [`policies/${key}`, "\"policy\""])),
    inputs: separated("&")
  },
  { name: "the path of an operation", parse: (text) => served({ url: `/tags/${text}` }) }
]

describe("a parser, on 1 MiB of the worst", () => {
  for (const { inputs = hostile, name, parse } of parsers) {
    it(`of ${name} takes linear time`, { timeout: 300_000 }, async () => {
      for (const [what, input] of Object.entries(inputs)) assert.isUndefined(await growth(parse, input), what)
    })
  }
})
