import { BedrockAgentCoreClient, GetWorkloadAccessTokenCommand } from "@aws-sdk/client-bedrock-agentcore"
import { BedrockAgentCoreControlClient, CreateWorkloadIdentityCommand } from "@aws-sdk/client-bedrock-agentcore-control"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { readFileSync } from "node:fs"
import { afterAll, beforeAll } from "vitest"
import * as IdentityControls from "../src/IdentityControls.js"
import { agent, callbackUrl } from "./support/agent.js"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"
import * as Server from "./support/server.js"

const seed = {
  workloadIdentities: [{ name: "my-agent", allowedResourceOauth2ReturnUrls: ["https://app.example/back"] }],
  oauth2CredentialProviders: [{
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "very-secret" } }
  }],
  apiKeyCredentialProviders: [
    { name: "weather", apiKey: "weather-key" },
    {
      name: "outside",
      apiKeySecretSource: "EXTERNAL",
      apiKeySecretConfig: { secretId: "the-secret", jsonKey: "key" }
    }
  ],
  paymentCredentialProviders: [{
    name: "wallet",
    credentialProviderVendor: "CoinbaseCDP",
    providerConfigurationInput: {
      coinbaseCdpConfiguration: { apiKeyId: "id", apiKeySecret: "cdp-secret", walletSecret: "wallet-secret" }
    }
  }],
  secrets: { "the-secret": { key: "outside-key" } }
}

// The start of a process takes most of the time, so these tests start few processes.
/** A well-formed signature, which is sufficient if no key is required. */
const wellFormed = "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/bedrock-agentcore/aws4_request, " +
  `SignedHeaders=host, Signature=${"0".repeat(64)}`

describe("agentcore-identity", { timeout: 30_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>
  let server: Cli.Started
  let origin: string

  const run = (...args: ReadonlyArray<string>) => cli.start(args).ended
  const client = (...args: ReadonlyArray<string>) => run(...args, "--endpoint", origin)
  const serve = async (...args: ReadonlyArray<string>) => {
    const started = cli.start(["serve", "--port", "0", ...args])
    return { started, origin: await started.find("stdout", /listens on (http:\S+)\n/) }
  }
  /** Runs a command that succeeds and writes nothing to stderr. */
  const printed = ({ code, stderr, stdout }: Cli.Ended) => {
    assertEqual({ code, stderr }, { code: 0, stderr: "" })
    return stdout
  }

  beforeAll(async () => {
    cli = await Cli.bundle()
    const served = await serve("--seed", cli.write("seed.json", seed))
    server = served.started
    origin = served.origin
  }, 30_000)

  afterAll(async () => {
    server.kill("SIGTERM")
    await server.ended
    cli.remove()
  })

  it("shows its help and its version, without colors in a pipe", async () => {
    const [help, nothing] = await Promise.all([run("--help"), run("workloads", "get")])
    for (const name of ["serve", "token", "api-key", "consent", "workloads", "providers"]) {
      assert.match(printed(help), new RegExp(`^  ${name}\\b`, "m"))
    }
    assert.notInclude(help.stdout, "\u001b")
    const manifest: { readonly version: string } = JSON.parse(
      readFileSync(new URL("../package.json", import.meta.url), "utf8")
    )
    assert.include(help.stdout, `agentcore-identity ${manifest.version}\n`)
    assert.strictEqual(nothing.code, 64)
    assert.include(nothing.stderr, "--name")
  })

  it("serves any AWS SDK, and logs a line per call without a secret", async () => {
    const config = { endpoint: origin, region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } }
    const control = new BedrockAgentCoreControlClient(config)
    await control.send(new CreateWorkloadIdentityCommand({ name: "by-sdk" }))
    const data = new BedrockAgentCoreClient(config)
    const { workloadAccessToken } = await data.send(new GetWorkloadAccessTokenCommand({ workloadName: "by-sdk" }))
    await fetch(`${origin}/no/such/thing?token=a-secret-of-the-query`)
    await server.find("stderr", /GET \/no\/such\/thing/)
    const line = (what: string) => new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z ${what} ms=\\d+$`, "gm")
    assert.lengthOf(server.stderr().match(line("CreateWorkloadIdentity workload=by-sdk outcome=ok")) ?? [], 1)
    assert.isAtLeast((server.stderr().match(line("GetWorkloadAccessToken workload=by-sdk outcome=ok")) ?? []).length, 1)
    assert.lengthOf(server.stderr().match(line("GET /no/such/thing outcome=\\S+")) ?? [], 1)
    assert.notInclude(server.stderr(), "a-secret-of-the-query")
    assert.notInclude(server.stderr(), workloadAccessToken ?? "no token")
    control.destroy()
    data.destroy()
  })

  it("prints only credentials, and the log contains no credentials", async () => {
    const machine = ["token", "--provider", "github", "--flow", "m2m", "--scope", "repo", "--workload", "my-agent"]
    const [token, outside] = await Promise.all([
      client(...machine),
      client("api-key", "--provider", "outside", "--workload", "my-agent", "--user", "ada", "--json")
    ])
    assert.match(printed(token), /^\S{20,}\n$/)
    assertEqual(JSON.parse(printed(outside)), { apiKey: "outside-key" })
    for (const secret of [token.stdout.trim(), "weather-key", "outside-key", "very-secret", "cdp-secret"]) {
      assert.notInclude(server.stderr(), secret)
    }
  })

  it("reports a required consent with exit code 2 and the URL on stderr, and completes only approved sessions", async () => {
    const ask = ["token", "--provider", "github", "--flow", "user", "--scope", "repo", "--workload", "my-agent"]
    const asUser = [...ask, "--user", "ada", "--callback-url", "https://app.example/back"]
    const [words, json] = await Promise.all([client(...asUser), client(...asUser, "--json")])
    assertEqual([words.code, words.stdout, json.code, json.stdout], [2, "", 2, ""])
    const [, url = ""] = words.stderr.split("\n")
    assert.isTrue(url.startsWith(`${origin}/identities/oauth2/authorize?request_uri=`), words.stderr)
    const error: unknown = JSON.parse(json.stderr)
    assert.propertyVal(error, "_tag", "ConsentRequired")
    const session = new URL(url).searchParams.get("request_uri") ?? ""
    const refused = await client("consent", "complete", "--session", session, "--user", "ada")
    assert.strictEqual(refused.code, 1)
    assert.match(refused.stderr, /^AccessDenied: .*\(The consent session has expired .*\)\n$/)
    assert.notInclude(server.stderr(), session)
  })

  it.scopedLive("waits for the consent of a user and completes the session", () =>
    Effect.gen(function*() {
      yield* agent
      const { approve } = yield* IdentityControls.IdentityControls
      const endpoint = ["--endpoint", yield* Server.origin]
      const ask = ["token", "--provider", "github", "--flow", "user", "--scope", "repo", "--workload", "my-agent"]
      const waiting = cli.start(
        ask.concat("--user", "ada", "--callback-url", callbackUrl, "--wait", "--poll-interval", "1", endpoint)
      )
      const url = yield* Effect.promise(() => waiting.find("stderr", /^(https?:\S+)$/m))
      const session = new URL(url).searchParams.get("request_uri") ?? ""
      yield* approve(Redacted.make(session))
      const complete = ["consent", "complete", "--session", session, "--user", "ada", ...endpoint]
      assert.strictEqual(printed(yield* Effect.promise(() => run(...complete))), "completed\n")
      const { code, stdout } = yield* Effect.promise(() => waiting.ended)
      assert.strictEqual(code, 0)
      assert.match(stdout, /^\S{20,}\n$/)
    }).pipe(Effect.provide(Server.layer)), 30_000)

  it("administers workload identities", async () => {
    const created = await client(
      "workloads",
      "create",
      "--name",
      "other",
      "--return-url",
      "https://a.example/",
      "--json"
    )
    assert.propertyVal(JSON.parse(printed(created)), "name", "other")
    const added = await client("workloads", "add-return-url", "--name", "other", "--url", "https://b.example/")
    assert.include(printed(added), "allowedResourceOauth2ReturnUrls[1]: https://b.example/\n")
    const removed = await client("workloads", "remove-return-url", "--name", "other", "--url", "https://a.example/")
    assert.include(printed(removed), "allowedResourceOauth2ReturnUrls[0]: https://b.example/\n")
    assert.strictEqual(printed(await client("workloads", "delete", "--name", "other")), "deleted other\n")
    const gone = await client("workloads", "get", "--name", "other", "--json")
    assertEqual([gone.code, gone.stdout], [1, ""])
    assert.include(JSON.parse(gone.stderr), { _tag: "ResourceNotFound", operation: "GetWorkloadIdentity" })
  })

  it("administers credential providers, and reads their secrets from standard input only", async () => {
    const provider = { ...seed.oauth2CredentialProviders[0], name: "github-2" }
    const create = ["providers", "create-oauth2", "--endpoint", origin, "--file"]
    const createKey = ["providers", "create-api-key", "--name", "piped", "--endpoint", origin, "--json"]
    const [key, oauth2, wrong] = await Promise.all([
      cli.start(createKey, { stdin: "piped-key\n" }).ended,
      cli.start([...create, "-"], { stdin: JSON.stringify(provider) }).ended,
      run(...create, cli.write("wrong.json", { ...provider, name: "no spaces", nickname: "x" }), "--json")
    ])
    assert.propertyVal(JSON.parse(printed(key)), "name", "piped")
    assert.include(printed(oauth2), "name: github-2\n")
    const error: { readonly fieldList?: ReadonlyArray<{ readonly name: string }> } = JSON.parse(wrong.stderr)
    assert.sameMembers((error.fieldList ?? []).map(({ name }) => name), ["name", "nickname"])
    assert.notInclude(wrong.stderr, "very-secret")
    const [list, got] = await Promise.all([
      client("providers", "list", "--json"),
      client("providers", "get", "--kind", "payment", "--name", "wallet")
    ])
    const listed: { readonly credentialProviders: ReadonlyArray<{ readonly kind: string; readonly name: string }> } =
      JSON
        .parse(printed(list))
    assert.includeMembers(listed.credentialProviders.map(({ kind, name }) => `${kind} ${name}`), [
      "oauth2 github-2",
      "api-key piped",
      "payment wallet"
    ])
    assert.match(list.stdout, /"createdTime":"\d{4}-\d\d-\d\dT[\d:.]+Z"/)
    assert.include(printed(got), "credentialProviderVendor: CoinbaseCDP\n")
    const deleted = await client("providers", "delete", "--kind", "oauth2", "--name", "github-2", "--json")
    assert.include(JSON.parse(printed(deleted)), { name: "github-2", outcome: "deleted" })
  })

  it("prints the environment variables to paste, and exits with 0 on SIGINT and on SIGTERM", async () => {
    const ends = await Promise.all((["SIGINT", "SIGTERM"] as const).map(async (signal) => {
      const { origin, started } = await serve("--region", "eu-central-1", "--account", "999999999999")
      // An open connection does not keep the server running.
      const response = await fetch(`${origin}/identities/CreateWorkloadIdentity`, {
        method: "POST",
        headers: { authorization: wellFormed },
        body: JSON.stringify({ name: "my-agent" })
      })
      assert.include(await response.text(), ":eu-central-1:999999999999:")
      started.kill(signal)
      const { code, stdout } = await started.ended
      const lines = stdout.split("\n")
      const names = ["AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL"]
      for (const name of [...names, "BEDROCK_AGENTCORE_DP_ENDPOINT", "BEDROCK_AGENTCORE_CP_ENDPOINT"]) {
        assert.include(lines, `export ${name}=${origin}`)
      }
      assert.include(lines, "export AWS_REGION=eu-central-1")
      return code
    }))
    assertEqual(ends, [0, 0])
  })

  it("also prints JSON when it serves", async () => {
    const started = cli.start(["serve", "--port", "0", "--json"])
    const said: { readonly endpoint: string; readonly environment: { readonly [name: string]: string } } = JSON.parse(
      await started.find("stdout", /^\{.*\}\n/)
    )
    const listed = await cli.start(["workloads", "list", "--json"], { env: said.environment }).ended
    assertEqual(JSON.parse(printed(listed)), { workloadIdentities: [] })
    started.kill("SIGINT")
    const { code, stderr } = await started.ended
    assert.strictEqual(code, 0)
    assert.include(JSON.parse(stderr.trim().split("\n").at(-1) ?? ""), {
      operation: "ListWorkloadIdentities",
      outcome: "ok",
      level: "INFO"
    })
  })

  it("reports each failure in one line", async () => {
    const bad = {
      oauth2CredentialProviders: [seed.oauth2CredentialProviders[0], {
        ...seed.oauth2CredentialProviders[0],
        name: ""
      }],
      apiKeyCredentialProviders: [{ name: "weather", apiKey: 1, colour: "blue" }],
      workloads: []
    }
    const seedFile = cli.write("bad.json", bad)
    const twice = { apiKeyCredentialProviders: [{ name: "a" }] }
    const [taken, seeded, broken, refused, regionless, nobody, signature] = await Promise.all([
      run("serve", "--port", new URL(origin).port),
      run("serve", "--port", "0", "--seed", seedFile),
      run("serve", "--port", "0", "--seed", cli.write("broken.json", "{\n  \"apiKey\": very-secret\n}")),
      run("serve", "--port", "0", "--seed", cli.write("refused.json", twice)),
      run("workloads", "list"),
      run("workloads", "list", "--endpoint", "http://127.0.0.1:1"),
      run("serve", "--port", "0", "--require-signature", "no-colon")
    ])
    for (const { code, stderr, stdout } of [taken, seeded, broken, regionless, nobody]) {
      assertEqual({ code, stdout, lines: stderr.split("\n").length }, { code: 1, stdout: "", lines: 2 })
      assert.notMatch(stderr, /very-secret|no-colon|\.mjs:\d/)
    }
    assert.match(taken.stderr, /^PortInUse: port \d+ of 127\.0\.0\.1 is in use: choose another with --port/)
    assert.include(seeded.stderr, "oauth2CredentialProviders[1].name: Member must")
    assert.include(seeded.stderr, "apiKeyCredentialProviders[0].apiKey: Member must be a string")
    assert.include(seeded.stderr, "apiKeyCredentialProviders[0].colour: Member is not known")
    assert.include(seeded.stderr, "workloads: Member is not known")
    assert.match(broken.stderr, /broken\.json is not JSON( at line 2, column \d+)?\n$/)
    assert.strictEqual(refused.code, 1)
    assert.include(refused.stderr, "SeedFailed: apiKeyCredentialProviders[0]: ValidationError:")
    assert.match(regionless.stderr, /^ConfigError: AWS_REGION: no AWS region/)
    assert.match(nobody.stderr, /^TransportFailure: .*\(No service answers at the endpoint\./)
    assertEqual(signature, {
      code: 64,
      stdout: "",
      stderr: "UsageInvalid: --require-signature: expected KEY:SECRET\n"
    })
  })
})
