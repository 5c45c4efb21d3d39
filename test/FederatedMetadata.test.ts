import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import type { AuthorizationServer } from "oauth4webapi"
import { target } from "../src/internal/emulator/state/target.js"
import {
  addressPolicyOf,
  discover,
  document,
  endpoint,
  isOfTemplate,
  resolveServer
} from "../src/internal/oauth/discovery.js"
import * as issuer from "../src/internal/oauth/federatedIssuer.js"
import { clientOf, type ClientOptions, metadata, reach, type Received, server } from "./support/authorizationServer.js"
import { assertContains, assertEqual } from "./support/equality.js"

const local = { hosts: ["127.0.0.1"], loopbackOrigins: [] }

const openId = "/.well-known/openid-configuration"

const documentOf = (origin: string, more: object = {}) => ({
  issuer: origin,
  authorization_endpoint: `${origin}/auth`,
  token_endpoint: `${origin}/token`,
  ...more
})

/** The result of discovery at a server that responds with this document. */
const found = (body: unknown | ((origin: string) => unknown), path = openId) =>
  Effect.gen(function*() {
    const { origin, requests } = yield* server((_, origin) => ({
      body: typeof body === "function" ? body(origin) : body
    }))
    const client = clientOf({ oauthDiscovery: { discoveryUrl: `${origin}${path}` } })
    return { origin, requests, outcome: yield* Effect.either(resolveServer(reach, client)) }
  })

const failureOf = <A>(outcome: Either.Either<A, unknown>) => {
  if (Either.isRight(outcome)) return assert.fail("there is no failure")
  return outcome.left
}

describe("a document of an authorization server", () => {
  /** A server that responds with the status given in the path and always a valid document. */
  const byStatus = server(({ path }, origin) => ({ status: Number(path.slice(1)), body: documentOf(origin) }))

  const at = (url: string) => Effect.either(document("verification", reach, local, "the thing", url))

  it.scoped("is accepted with status 200 only, and no other below 300", () =>
    Effect.gen(function*() {
      const { origin } = yield* byStatus
      assert.isTrue(Either.isRight(yield* at(`${origin}/200`)))
      for (let status = 201; status < 300; status++) {
        assertContains(failureOf(yield* at(`${origin}/${status}`)), {
          step: "verification",
          reason: "Malformed",
          status,
          description: "the thing was not found"
        })
      }
    }))

  it.scoped("is rejected with a status of 300 or above, and redirects are not followed", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* byStatus
      for (let status = 300; status < 400; status++) {
        assertContains(failureOf(yield* at(`${origin}/${status}`)), {
          step: "verification",
          reason: "Redirected",
          status
        })
      }
      assert.strictEqual(requests.length, 100)
      for (const status of [400, 401, 403, 404, 410, 429, 500, 503]) {
        assertContains(failureOf(yield* at(`${origin}/${status}`)), { reason: "Malformed", status })
      }
    }))

  it.scoped("is requested by GET as JSON, without a body", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* byStatus
      yield* at(`${origin}/200`)
      const [request]: ReadonlyArray<Received> = requests
      assert.strictEqual(request?.method, "GET")
      assert.strictEqual(request?.headers.accept, "application/json")
      assert.strictEqual(request?.body, "")
    }))

  it.effect("at an invalid URL is Misconfigured, and the message contains the URL", () =>
    Effect.gen(function*() {
      assertContains(failureOf(yield* at("canary")), {
        step: "verification",
        reason: "Misconfigured",
        description: "the URL of the thing is invalid"
      })
    }))

  it.effect("at a URL that is not allowed is Forbidden", () =>
    Effect.gen(function*() {
      assertContains(failureOf(yield* at("https://10.0.0.7/")), { step: "verification", reason: "Forbidden" })
    }))
})

describe("a discovery document", () => {
  it.scoped("contains the server's endpoints and supported methods", () =>
    Effect.gen(function*() {
      const { origin, outcome, requests } = yield* found((origin: string) => documentOf(origin, { extra: 7 }))
      assertEqual<unknown>(outcome, Either.right(documentOf(origin, { extra: 7 })))
      assertEqual(requests.map(({ path }) => path), [openId])
    }))

  for (const body of ["", "<html>", "[]", "null", "7", "{}", `{"issuer":7}`, `{"issuer":null}`]) {
    it.scoped(`that is ${body === "" ? "empty" : body} is Malformed`, () =>
      Effect.gen(function*() {
        const { outcome } = yield* found(body)
        assertContains(failureOf(outcome), {
          step: "discovery",
          reason: "Malformed",
          description: "the discovery document is not a JSON object with an issuer"
        })
      }))
  }

  it.scoped("of another issuer is Malformed, and the message contains both issuers without control characters", () =>
    Effect.gen(function*() {
      const { origin, outcome } = yield* found({ issuer: "https://evil.example\u001b" })
      assertContains(failureOf(outcome), {
        step: "discovery",
        reason: "Malformed",
        description:
          `the discovery document has the issuer https://evil.example, but its URL belongs to the issuer ${origin}`
      })
    }))

  it.scoped("with an accepted issuer is Malformed if the issuer is not a URL", () =>
    Effect.gen(function*() {
      const { origin } = yield* server(() => ({ body: { issuer: "idp" } }))
      const outcome = yield* Effect.either(discover(reach, local, `${origin}${openId}`, () => undefined))
      assertContains(failureOf(outcome), {
        step: "discovery",
        reason: "Malformed",
        description: "the issuer of the discovery document is not a URL"
      })
    }))

  it.scoped("with an unexpected issuer is rejected, and the reason is reported", () =>
    Effect.gen(function*() {
      const { origin } = yield* server((_, origin) => ({ body: documentOf(origin) }))
      const asked: Array<string> = []
      const outcome = yield* Effect.either(discover(reach, local, `${origin}${openId}`, (issuer) => {
        asked.push(issuer)
        return "no"
      }))
      assertContains(failureOf(outcome), { step: "discovery", reason: "Malformed", description: "no" })
      assertEqual(asked, [origin])
    }))

  it.scoped("at a URL that is not a discovery URL is Misconfigured, and is not fetched", () =>
    Effect.gen(function*() {
      for (const path of ["", "/openid-configuration", `/a${openId}/b`, `${openId}?tenant=1`]) {
        const { outcome, requests } = yield* found({}, path)
        assertContains(failureOf(outcome), {
          step: "discovery",
          reason: "Misconfigured",
          description: "the discovery URL must end in /.well-known/openid-configuration or " +
            "/.well-known/oauth-authorization-server, or have one of these between its host and its path"
        })
        assert.strictEqual(requests.length, 0)
      }
    }))
})

describe("the server of a provider", () => {
  const outcomeOf = (options: ClientOptions) => Effect.either(resolveServer(reach, clientOf(options)))

  it.effect("is read from its metadata, with the client authentication methods if present", () =>
    Effect.gen(function*() {
      const expected = {
        issuer: "https://idp.example",
        authorization_endpoint: "https://idp.example/auth",
        token_endpoint: "https://idp.example/token"
      }
      assertEqual<unknown>(yield* outcomeOf({}), Either.right(expected))
      for (const methods of [[], ["client_secret_post"]]) {
        assertEqual<unknown>(
          yield* outcomeOf({ oauthDiscovery: metadata("https://idp.example", methods) }),
          Either.right({ ...expected, token_endpoint_auth_methods_supported: methods })
        )
      }
    }))

  it.effect("is Misconfigured without a discovery configuration, or with an unknown kind", () =>
    Effect.gen(function*() {
      assertContains(failureOf(yield* outcomeOf({ discovery: undefined })), {
        step: "discovery",
        reason: "Misconfigured",
        description: "the provider has no discovery configuration"
      })
      assertContains(failureOf(yield* outcomeOf({ discovery: { $unknown: ["newKind", {}] } })), {
        step: "discovery",
        reason: "Misconfigured",
        description: "the discovery configuration has an unknown kind"
      })
    }))
})

describe("the endpoints of a metadata document", () => {
  it("can be on the loopback origins of the configuration only, if all of it is on loopback", () => {
    const { authorizationServerMetadata: here } = metadata("http://127.0.0.1:9")
    const cases: ReadonlyArray<readonly [ClientOptions["discovery"], ReadonlyArray<string>]> = [
      [undefined, []],
      [{ discoveryUrl: `http://localhost:9${openId}` }, ["http://localhost:9"]],
      [{ discoveryUrl: `https://idp.example${openId}` }, []],
      [{ discoveryUrl: "canary" }, []],
      [{ authorizationServerMetadata: here }, ["http://127.0.0.1:9", "http://127.0.0.1:9"]],
      [{ authorizationServerMetadata: { ...here, authorizationEndpoint: "https://idp.example/auth" } }, []],
      [{ authorizationServerMetadata: { ...here, tokenEndpoint: "https://idp.example/token" } }, []]
    ]
    for (const [discovery, loopbackOrigins] of cases) {
      assertEqual(addressPolicyOf({ ...reach, hosts: ["a"] }, discovery), { hosts: ["a"], loopbackOrigins })
    }
  })
})

describe("an endpoint", () => {
  const names = ["authorization_endpoint", "token_endpoint"] as const
  const client = clientOf()
  const serverWith = (more: object): AuthorizationServer => JSON.parse(JSON.stringify({ issuer: "https://a", ...more }))

  for (const name of names) {
    it(`${name} is read from the server's metadata`, () => {
      for (const url of ["https://idp.example/one?a=1", "https://93.184.216.34:8443/"]) {
        const found = endpoint("refresh", reach, client, serverWith({ [name]: url }), name)
        assertEqual(found, Either.right(new URL(url)))
      }
    })

    it(`${name} is Malformed if it is missing or not a URL`, () => {
      const other = names.filter((other) => other !== name).map((other) => [other, "https://idp.example/other"])
      for (const url of [undefined, null, 7, "", "token", "/token", ["https://idp.example/"]]) {
        const server = serverWith({ ...Object.fromEntries(other), [name]: url })
        assertContains(failureOf(endpoint("refresh", reach, client, server, name)), {
          step: "refresh",
          reason: "Malformed",
          description: `the authorization server has no ${name}`
        })
      }
    })

    it(`${name} is Forbidden if its URL is not allowed, and the message contains the name`, () => {
      for (
        const url of ["http://idp.example/", "https://10.0.0.7/", "http://127.0.0.1:9/", "https://me@idp.example/"]
      ) {
        const failure = failureOf(endpoint("refresh", reach, client, serverWith({ [name]: url }), name))
        assertContains(failure, { step: "refresh", reason: "Forbidden" })
        assert.match(
          String(Object(failure).description),
          new RegExp(`^${name}: (the URL|the host|http://127.0.0.1:9) `)
        )
      }
    })

    it(`${name} can be internal if its host is allowed, and on loopback if the configuration names its origin`, () => {
      const inside = serverWith({ [name]: "https://10.0.0.7/" })
      assert.isTrue(Either.isRight(endpoint("token", { ...reach, hosts: ["10.0.0.7"] }, client, inside, name)))
      const here = clientOf({ oauthDiscovery: { discoveryUrl: `http://127.0.0.1:9${openId}` } })
      assert.isTrue(
        Either.isRight(endpoint("token", reach, here, serverWith({ [name]: "http://127.0.0.1:9/" }), name))
      )
    })
  }
})

it("a template matches the issuer of each tenant, unless the configuration contains a tenant id", () => {
  const template = "https://login.example/{tenantid}/v2.0"
  const id = "9188040d-6c67-4c5b-b112-36a304b66dad"
  const of = (tenant: string) => `https://login.example/${tenant}/v2.0`
  const isIssuer = (asked: string, issuer: string) => isOfTemplate(template, `${of(asked)}${openId}`)(issuer)
  for (const asked of ["common", "contoso.com", `${id}0`, id.slice(1), `x${id}`, ""]) {
    assert.isTrue(isIssuer(asked, template), asked)
    assert.isTrue(isIssuer(asked, of(id)), asked)
    assert.isTrue(isIssuer(asked, of(id.toUpperCase())), asked)
    for (
      const issuer of [
        of("common"),
        of(""),
        of(`${id}0`),
        of(`0${id}`),
        of(id.replace("d-", "g-")),
        of(id.replaceAll("-", "")),
        of(`${id}/x`),
        `https://evil.example/${id}/v2.0`,
        // As long as the template, so that the tenant is at the same position.
        `https://lugin.example/${id}/v2.0`,
        `https://login.example/${id}/v2.1`,
        `https://login.example/${id}/v1.0`,
        `${of(id)}/`,
        `x${of(id)}`
      ]
    ) {
      assert.isFalse(isIssuer(asked, issuer), `${asked} ${issuer}`)
    }
  }
  for (const asked of [id, id.toUpperCase()]) {
    for (const issuer of [template, of(id), of("common")]) assert.isFalse(isIssuer(asked, issuer))
  }
  assert.isFalse(isOfTemplate(template, `https://evil.example/common/v2.0${openId}`)(template))
})

describe("a failure of discovery", () => {
  it.scoped("is the failure of the flow, and the token endpoint receives no request", () =>
    Effect.gen(function*() {
      const { origin, requests } = yield* server(() => ({ status: 503 }))
      const client = clientOf({ oauthDiscovery: { discoveryUrl: `${origin}${openId}` } })
      const { machine } = issuer.make(reach)
      const refused = yield* Effect.flip(
        machine(client, { target: target({ scopes: [] }), customParameters: undefined })
      )
      assertContains(refused, { step: "discovery", reason: "Malformed", status: 503 })
      assertEqual(requests.map(({ path }) => path), [openId])
    }))
})
