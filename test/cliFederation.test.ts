import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { afterAll, beforeAll } from "vitest"
import * as Cli from "./support/cli.js"
import * as vendor from "./support/vendor.js"

describe("agentcore-identity serve, federated", { timeout: 30_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>

  beforeAll(async () => {
    cli = await Cli.bundle()
  }, 30_000)
  afterAll(() => cli.remove())

  const seedOf = (server: vendor.Vendor, more: object = {}) =>
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

  it.scopedLive("asks a provider on loopback by itself, another only if it is told to, and tells what it was answered", () =>
    Effect.gen(function*() {
      const server = yield* vendor.make()
      server.register({ clientId: "me", clientSecret: "another" })
      const { origin, run, started } = yield* serving(["--seed", seedOf(server)])
      assert.deepStrictEqual(yield* Effect.promise(() => issuers(origin)), [["github", "simulated"], [
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

  it.scopedLive("takes the issuers of the seed file and of the command line, which goes first, and keeps them with --data", () =>
    Effect.gen(function*() {
      const server = yield* vendor.make()
      const seed = seedOf(server, { issuers: { own: "simulated", github: server.discoveryUrl } })
      const data = `${cli.write("folder", "")}-data`
      yield* Effect.scoped(Effect.gen(function*() {
        const { origin } = yield* serving(["--seed", seed, "--data", data])
        assert.deepStrictEqual(yield* Effect.promise(() => issuers(origin)), [
          ["github", "federated"],
          ["own", "simulated"]
        ])
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        const { origin } = yield* serving(["--data", data, "--issuer", "github=simulated"])
        assert.deepStrictEqual(yield* Effect.promise(() => issuers(origin)), [
          ["github", "simulated"],
          ["own", "simulated"]
        ])
      }))
    }))

  it("says which issuer of the command line, or of the seed file, is none", async () => {
    for (const issuer of ["github", "github=", "github=https://example.com", "=federated"]) {
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
})
