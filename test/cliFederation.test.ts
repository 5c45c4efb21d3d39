import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { privateAuthority } from "./fixtures/privateAuthority.js"
import { overTls } from "./support/answering.js"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"
import * as vendor from "./support/vendor.js"

describe("agentcore-identity serve, federated", { timeout: 30_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>

  beforeAll(async () => {
    cli = await Cli.bundle()
  }, 30_000)
  afterAll(() => cli.remove())

  const seedOf = (server: { readonly discoveryUrl: string }, more: object = {}) =>
    cli.write("federation.json", {
      workloadIdentities: [{ name: "my-agent" }],
      oauth2CredentialProviders: [
        {
          name: "own",
          credentialProviderVendor: "CustomOauth2",
          oauth2ProviderConfigInput: {
            customOauth2ProviderConfig: {
              clientId: "me",
              clientSecret: "very-secret",
              oauthDiscovery: { discoveryUrl: server.discoveryUrl }
            }
          }
        },
        {
          name: "github",
          credentialProviderVendor: "GithubOauth2",
          oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "me", clientSecret: "very-secret" } }
        }
      ],
      ...more
    })

  const serving = (args: ReadonlyArray<string>) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const started = cli.start(["serve", "--port", "0", ...args])
        const origin = await started.find("stdout", /listens on (http:\S+)\n/)
        const env = {
          AWS_ENDPOINT_URL: origin,
          AWS_REGION: "us-east-1",
          AWS_ACCESS_KEY_ID: "local",
          AWS_SECRET_ACCESS_KEY: "local"
        }
        return { origin, started, run: (...args: ReadonlyArray<string>) => cli.start(args, { env }).ended }
      }),
      ({ started }) =>
        Effect.promise(async () => {
          started.kill("SIGTERM")
          await started.ended
        })
    )

  const token = ["--json", "--workload", "my-agent", "--scope", "read", "--flow", "m2m"]

  const issuers = async (origin: string) => {
    const { providers }: { readonly providers: ReadonlyArray<{ readonly name: string; readonly issuer: string }> } =
      await fetch(`${origin}/_local/state`).then((response) => response.json())
    return providers.map(({ issuer, name }) => [name, issuer])
  }

  it.scopedLive("federates a provider on loopback by default and others only on request, and lists their errors", () =>
    Effect.gen(function*() {
      const server = yield* vendor.make()
      server.register({ clientId: "me", clientSecret: "another" })
      const { origin, run, started } = yield* serving(["--seed", seedOf(server)])
      assertEqual(yield* Effect.promise(() => issuers(origin)), [["github", "simulated"], [
        "own",
        "federated"
      ]])
      const refused = yield* Effect.promise(() => run("token", "--provider", "own", ...token))
      assert.notStrictEqual(refused.code, 0)
      assert.include(refused.stderr + refused.stdout, "Failed to retrieve token")
      yield* Effect.promise(() => started.find("stderr", /invalid_client/))
      assert.notMatch(started.stderr(), /very-secret/)
      server.register({ clientId: "me", clientSecret: "very-secret" })
      const given = yield* Effect.promise(() => run("token", "--provider", "own", ...token))
      assert.strictEqual(given.code, 0, given.stderr)
      assert.match(given.stdout, /eyJ/)
      const simulated = yield* Effect.promise(() => run("token", "--provider", "github", ...token))
      assert.match(simulated.stdout, /simulated-machine-/)
    }))

  it.scopedLive("reads issuers from the seed file and the command line, which has precedence, and stores them with --data", () =>
    Effect.gen(function*() {
      const server = yield* vendor.make()
      const seed = seedOf(server, { issuers: { own: "simulated", github: server.discoveryUrl } })
      const data = `${cli.write("folder", "")}-data`
      yield* Effect.scoped(Effect.gen(function*() {
        const { origin } = yield* serving(["--seed", seed, "--data", data])
        assertEqual(yield* Effect.promise(() => issuers(origin)), [
          ["github", "federated"],
          ["own", "simulated"]
        ])
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        const { origin } = yield* serving(["--data", data, "--issuer", "github=simulated"])
        assertEqual(yield* Effect.promise(() => issuers(origin)), [
          ["github", "simulated"],
          ["own", "simulated"]
        ])
      }))
    }))

  it.scopedLive("accepts a discovery URL with a path after the well-known name, in the seed file and on the command line", () =>
    Effect.gen(function*() {
      const url = "https://idp.example/.well-known/oauth-authorization-server/tenant1"
      const server = yield* vendor.make()
      const { origin } = yield* serving([
        "--seed",
        seedOf(server, { issuers: { own: url } }),
        "--issuer",
        `github=${url}`
      ])
      const dashboard = yield* Effect.promise(() => fetch(origin).then((response) => response.text()))
      assert.strictEqual(dashboard.split(url).length - 1, 2)
    }))

  it("reports the invalid issuer of the command line or the seed file", async () => {
    const queried = "github=https://idp.example/.well-known/oauth-authorization-server?tenant1"
    for (const issuer of ["github", "github=", "github=https://example.com", queried, "=federated"]) {
      const { code, stderr } = await cli.start(["serve", "--issuer", issuer]).ended
      assert.strictEqual(code, 64, issuer)
      assert.include(stderr, "--issuer: expected NAME=")
    }
    const seed = cli.write("bad.json", { issuers: { github: "guessed" } })
    const { code, stderr } = await cli.start(["serve", "--seed", seed]).ended
    assert.notStrictEqual(code, 0)
    assert.include(stderr, "issuers.github: expected simulated, federated, or a URL")
  })

  it.scopedLive("checks the tokens of users with --verify-jwt", () =>
    Effect.gen(function*() {
      const server = yield* vendor.make()
      const { run } = yield* serving([
        "--seed",
        seedOf(server),
        "--verify-jwt",
        "the agent",
        "--issuer-host",
        "127.0.0.1"
      ])
      const ask = (userToken: Redacted.Redacted) =>
        Effect.promise(() =>
          run(
            "token",
            "--provider",
            "github",
            ...token,
            "--user-token",
            cli.write("user.jwt", Redacted.value(userToken))
          )
        )
      assert.strictEqual((yield* ask(yield* server.userToken({ sub: "ada" }))).code, 0)
      const forged = yield* ask(yield* server.userToken({ sub: "ada", isForged: true }))
      assert.notStrictEqual(forged.code, 0)
      assert.include(forged.stderr + forged.stdout, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED")
    }))

  it.scopedLive("accepts the tokens of a client that have no audience with --verify-jwt-client, and logs the claim of others", () =>
    Effect.gen(function*() {
      const server = yield* vendor.make()
      const { run, started } = yield* serving([
        "--seed",
        seedOf(server),
        "--verify-jwt-client",
        "my-client",
        "--issuer-host",
        "127.0.0.1"
      ])
      const ask = (claims: Parameters<vendor.Vendor["userToken"]>[0]) =>
        Effect.flatMap(server.userToken(claims), (userToken) =>
          Effect.promise(() =>
            run(
              "token",
              "--provider",
              "github",
              ...token,
              "--user-token",
              cli.write("user.jwt", Redacted.value(userToken))
            )
          ))
      const given = yield* ask({ sub: "ada", clientId: "my-client" })
      assert.strictEqual(given.code, 0, given.stderr)
      const refused = yield* ask({ sub: "ada", clientId: "client-canary" })
      assert.notStrictEqual(refused.code, 0)
      yield* Effect.promise(() => started.find("stderr", /the claim client_id .*--verify-jwt-client ID/))
      const withAudience = yield* ask({ sub: "ada", aud: "my-client" })
      assert.notStrictEqual(withAudience.code, 0)
      yield* Effect.promise(() => started.find("stderr", /the claim aud .*--verify-jwt AUDIENCE/))
      assert.notInclude(started.stderr(), "client-canary")
    }))

  it.scopedLive("rejects the tokens of issuers other than --verify-jwt-issuer, before any request to them", () =>
    Effect.gen(function*() {
      const server = yield* vendor.make()
      const { run, started } = yield* serving([
        "--seed",
        seedOf(server),
        "--verify-jwt",
        "the agent",
        "--verify-jwt-issuer",
        "https://idp.example"
      ])
      const file = cli.write("user.jwt", Redacted.value(yield* server.userToken({ sub: "ada" })))
      const refused = yield* Effect.promise(() => run("token", "--provider", "github", ...token, "--user-token", file))
      assert.notStrictEqual(refused.code, 0)
      yield* Effect.promise(() =>
        started.find("stderr", /the claim iss is not an accepted issuer.*--verify-jwt-issuer URL/)
      )
    }))

  it("requires --verify-jwt or --verify-jwt-client for --verify-jwt-issuer", async () => {
    const { code, stderr } = await cli.start(["serve", "--port", "0", "--verify-jwt-issuer", "https://idp.example"])
      .ended
    assert.strictEqual(code, 64)
    assert.include(stderr, "--verify-jwt-issuer requires --verify-jwt or --verify-jwt-client")
  })

  it.scopedLive("reports how to allow the host of an issuer with --issuer-host", () =>
    Effect.gen(function*() {
      const server = yield* vendor.make()
      const { run, started } = yield* serving(["--seed", seedOf(server), "--verify-jwt", "the agent"])
      const file = cli.write("user.jwt", Redacted.value(yield* server.userToken({ sub: "ada" })))
      const refused = yield* Effect.promise(() => run("token", "--provider", "github", ...token, "--user-token", file))
      assert.notStrictEqual(refused.code, 0)
      assert.include(refused.stderr + refused.stdout, "it could not be checked")
      yield* Effect.promise(() => started.find("stderr", /claim iss.*--issuer-host HOST/))
    }))

  it("rejects an option without a value, and does not start the server", async () => {
    const cases = [["--verify-jwt", ""], ["--verify-jwt-client", " "], ["--verify-jwt-issuer"], ["--ca", ""], [
      "--issuer-host"
    ]]
    const ended = await Promise.all(
      cases.map(async (args) => {
        const started = cli.start(["serve", "--port", "0", ...args])
        const served = started.find("stdout", /listens on/).then(() => started.kill("SIGTERM"), () => undefined)
        const end = await started.ended
        await served
        return end
      })
    )
    for (const [index, { code, stderr, stdout }] of ended.entries()) {
      const [option = ""] = cases[index] ?? []
      assertEqual([code, stdout], [64, ""], option)
      assert.include(stderr, `${option}: expected a value`)
    }
  })

  const behindPrivateAuthority = Effect.map(
    overTls((request, response) => {
      const origin = `https://${request.headers.host}`
      const body = request.url === "/token"
        ? { access_token: "a-token", token_type: "Bearer", expires_in: 60 }
        : { issuer: origin, token_endpoint: `${origin}/token` }
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
    }, privateAuthority),
    (origin) => ({ discoveryUrl: `${origin}/.well-known/openid-configuration` })
  )

  it.scopedLive("trusts an authorization server whose certificate authority is in the file of --ca", () =>
    Effect.gen(function*() {
      const ca = cli.write("ca.pem", `${privateAuthority.authority}\n`)
      const { run } = yield* serving(["--seed", seedOf(yield* behindPrivateAuthority), "--ca", ca])
      const given = yield* Effect.promise(() => run("token", "--provider", "own", ...token))
      assert.strictEqual(given.code, 0, given.stderr)
      assert.include(given.stdout, "a-token")
    }))

  it.scopedLive("does not trust this server without --ca or with another certificate authority", () =>
    Effect.gen(function*() {
      const seed = seedOf(yield* behindPrivateAuthority)
      const other = cli.write("other.pem", privateAuthority.otherAuthority)
      for (const args of [[], ["--ca", other]]) {
        const { run, started } = yield* serving(["--seed", seed, ...args])
        const refused = yield* Effect.promise(() => run("token", "--provider", "own", ...token))
        assert.notStrictEqual(refused.code, 0)
        assert.include(refused.stderr + refused.stdout, "Failed to retrieve token")
        yield* Effect.promise(() => started.find("stderr", /discovery\): Certificate/))
      }
    }))

  it("reports the problem of the file of --ca and its remedy before the server starts", async () => {
    const files: ReadonlyArray<readonly [path: string, told: RegExp]> = [
      [`${cli.write("some.pem", "")}.not-there`, /cannot be read: check its path and its permissions/],
      [join(cli.write("some.pem", ""), ".."), /cannot be read: check its path and its permissions/],
      [cli.write("empty.pem", ""), /is not PEM text: convert it/],
      [cli.write("der.pem", "0\u0082\u0001\u0002"), /is not PEM text: convert it/],
      [cli.write("key.pem", `${privateAuthority.cert}\n${privateAuthority.key}`), /contains a private key: remove it/],
      [
        cli.write("public.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
        /contains no certificate: add/
      ],
      [
        cli.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        /contains a certificate that cannot be read, number 1: export it again/
      ]
    ]
    const good = cli.write("good.pem", privateAuthority.authority)
    for (const [path, told] of files) {
      const { code, stderr, stdout } = await cli.start(["serve", "--port", "0", "--ca", good, "--ca", path]).ended
      assertEqual([code, stdout], [1, ""], path)
      assert.match(stderr, /^Input(Unreadable|Invalid): --ca: the file /)
      assert.include(stderr, path)
      assert.match(stderr, told)
      assert.notInclude(stderr, privateAuthority.key.slice(40, 80))
    }
  })

  it("has no --ca for the commands that call AWS", async () => {
    const ca = cli.write("ca.pem", privateAuthority.authority)
    const { code } = await cli.start(["workloads", "list", "--ca", ca]).ended
    assert.strictEqual(code, 64)
  })
})
