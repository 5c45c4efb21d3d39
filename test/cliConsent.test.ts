import { HttpServer } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as CallLog from "../src/cli/callLog.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { jwt } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"
import { run } from "./support/inProcess.js"
import { origin, Port } from "./support/server.js"
import { temporary } from "./support/temporary.js"
import { asAws, serve } from "./support/wire.js"

const callback = "http://localhost:3000/return"

/** The events that the server logs, without their durations. */
const makeLog = () => {
  const events: Array<{ readonly event: string; readonly fields: { readonly [name: string]: unknown } }> = []
  const logger = Logger.make<unknown, void>(({ message }) => {
    for (const part of Array.isArray(message) ? message : [message]) {
      if (typeof part === "object" && part !== null && "event" in part) events.push(part)
    }
  })
  return { events, layer: Logger.replace(Logger.defaultLogger, logger) }
}

/** A local server with a workload identity and two providers, and the commands against it. */
const local = Effect.gen(function*() {
  const log = makeLog()
  const context = yield* Layer.build(
    Layer.unwrapEffect(
      Effect.map(Effect.orDie(IdentityServer.makeLocal()), (app) => HttpServer.serve(CallLog.logCalls(app)))
    ).pipe(Layer.provideMerge(MemoryIdentity.layerApi()), Layer.provideMerge(Port), Layer.provide(log.layer))
  )
  const endpoint = yield* Effect.provide(origin, context)
  const folder = yield* temporary
  const file = (name: string, content: unknown) => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
    return path
  }
  const cli = (...args: ReadonlyArray<string>) => run([...args, "--endpoint", endpoint])
  const provider = (name: string) => ({
    name,
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "very-secret" } }
  })
  yield* cli("workloads", "create", "--name", "my-agent", "--return-url", callback)
  for (const name of ["github", "other"]) {
    yield* cli("providers", "create-oauth2", "--file", file(`${name}.json`, provider(name)))
  }
  const ask = (user: string, provider = "github", ...more: ReadonlyArray<string>) =>
    cli(...["token", "--flow", "user", "--scope", "repo", "--workload", "my-agent"].concat(
      "--provider",
      provider,
      "--user",
      user,
      "--callback-url",
      callback,
      more
    ))
  return { ask, cli, endpoint, events: log.events, file, provider }
})

describe("agentcore-identity consent", { timeout: 30_000 }, () => {
  it.scopedLive("lists sessions without their URIs, approves the only pending one, and completes it", () =>
    Effect.gen(function*() {
      const { ask, cli } = yield* local
      assertEqual(yield* cli("consent", "list"), { code: 0, stdout: "", stderr: "no consent session\n" })
      const asked = yield* ask("ada")
      const [, session = ""] = /request_uri=(\S+)/.exec(asked.stderr) ?? []
      const listed = yield* cli("consent", "list")
      assert.match(listed.stdout, /^SESSION +STATUS +WORKLOAD +PROVIDER +USER +SCOPES +EXPIRES\n/)
      assert.match(listed.stdout, /\n1 +pending +my-agent +github +userId:ada +repo +\d{4}-\d\d-\d\dT\S+Z\n$/)
      const json = yield* cli("consent", "list", "--json")
      const [first] = JSON.parse(json.stdout).sessions
      assert.include(first, {
        id: 1,
        status: "pending",
        workloadName: "my-agent",
        providerName: "github",
        user: "userId:ada"
      })
      for (const { stdout } of [listed, json]) {
        assert.notInclude(stdout, decodeURIComponent(session))
        assert.notInclude(stdout, "request_uri")
      }
      const approved = yield* cli("consent", "approve")
      assertEqual([approved.code, approved.stderr], [0, ""])
      const returned = new URL(approved.stdout.trim())
      assert.strictEqual(returned.origin + returned.pathname, callback)
      const uri = returned.searchParams.get("session_id") ?? ""
      assert.strictEqual((yield* cli("consent", "complete", "--session", uri, "--user", "ada")).code, 0)
      assert.match((yield* ask("ada")).stdout, /^\S{20,}\n$/)
    }))

  it.scopedLive("approves and completes with --complete, and prints no secret", () =>
    Effect.gen(function*() {
      const { ask, cli } = yield* local
      yield* ask("ada")
      assertEqual(yield* cli("consent", "approve", "--complete"), {
        code: 0,
        stdout: "completed session 1\n",
        stderr: ""
      })
      assert.strictEqual((yield* ask("ada")).code, 0)
      yield* ask("bob")
      const json = yield* cli("consent", "approve", "--complete", "--json")
      assertEqual(JSON.parse(json.stdout), { session: 2, outcome: "completed" })
    }))

  it.scopedLive("selects a session by its number, or by user, provider and workload", () =>
    Effect.gen(function*() {
      const { ask, cli } = yield* local
      for (
        const [user, provider] of [["ada", "github"], ["ada", "other"], ["bob", "github"], ["jwt:x", "github"]] as const
      ) {
        yield* ask(user, provider)
      }
      assertEqual((yield* cli("consent", "deny", "--session", "3")).stdout, "denied session 3\n")
      assertEqual((yield* cli("consent", "deny", "--user", "ada", "--provider", "other")).stdout, "denied session 2\n")
      assertEqual((yield* cli("consent", "deny", "--user", "userId:jwt:x")).stdout, "denied session 4\n")
      const json = yield* cli("consent", "deny", "--workload", "my-agent", "--json")
      assertEqual(JSON.parse(json.stdout), { session: 1, outcome: "denied" })
      const both = yield* cli("consent", "deny", "--session", "1", "--user", "ada")
      assertEqual([both.code, both.stdout], [64, ""])
    }))

  it.scopedLive("reports that no pending session or several are selected, with the remedy", () =>
    Effect.gen(function*() {
      const { ask, cli } = yield* local
      const failed = (...args: ReadonlyArray<string>) =>
        Effect.map(cli("consent", ...args), ({ code, stderr, stdout }) => {
          assertEqual([code, stdout], [1, ""])
          return stderr
        })
      assert.match(yield* failed("approve"), /^SessionNotPending: no pending session is selected: request a token/)
      yield* ask("ada")
      yield* ask("bob")
      assert.strictEqual(
        yield* failed("approve"),
        "SessionNotPending: several pending sessions are selected: pass the number of one as --session: 1, 2\n"
      )
      assert.include(yield* failed("deny", "--provider", "other"), "no pending session is selected")
      assert.include(
        yield* failed("deny", "--session", "9"),
        "there is no session 9: 'agentcore-identity consent list'"
      )
      yield* cli("consent", "deny", "--session", "1")
      assert.include(
        yield* failed("approve", "--session", "1"),
        "session 1 is failed, not pending: request the token again"
      )
    }))

  it.scopedLive("approve --complete completes an approved session, selected by its number or as the only one", () =>
    Effect.gen(function*() {
      const { ask, cli } = yield* local
      for (const [index, more] of [["--session", "1"], [], ["--user", "ada"]].entries()) {
        yield* ask("ada", "github", "--force")
        yield* cli("consent", "approve")
        assertEqual(yield* cli("consent", "approve", "--complete", ...more), {
          code: 0,
          stdout: `completed session ${index + 1}\n`,
          stderr: ""
        })
      }
      const again = yield* cli("consent", "approve", "--session", "1", "--complete")
      assertEqual([again.code, again.stderr], [
        1,
        "SessionNotPending: session 1 is completed, not pending or approved: its token is stored, and the next token " +
        "request returns it\n"
      ])
    }))

  it.scopedLive("approve without --complete names the command that completes an approved session", () =>
    Effect.gen(function*() {
      const { ask, cli } = yield* local
      yield* ask("ada")
      yield* cli("consent", "approve")
      const again = yield* cli("consent", "approve", "--session", "1")
      assertEqual([again.code, again.stderr], [
        1,
        "SessionNotPending: session 1 is approved, not pending: complete it with 'agentcore-identity consent complete " +
        "--session 1'\n"
      ])
    }))

  it.scopedLive("complete takes the number of an approved session, and completes it as its user", () =>
    Effect.gen(function*() {
      const { ask, cli } = yield* local
      yield* ask("ada")
      const pending = yield* cli("consent", "complete", "--session", "1")
      assertEqual([pending.code, pending.stderr], [
        1,
        "SessionNotPending: session 1 is pending, not approved: approve it first with 'agentcore-identity consent approve " +
        "--session 1'\n"
      ])
      yield* cli("consent", "approve")
      const user = yield* cli("consent", "complete", "--session", "1", "--user", "eve")
      assertEqual([user.code, user.stdout], [64, ""])
      assert.include(user.stderr, "completes the session as its own user: omit --user and --user-token")
      assertEqual(yield* cli("consent", "complete", "--session", "1"), {
        code: 0,
        stdout: "completed session 1\n",
        stderr: ""
      })
      assert.strictEqual((yield* ask("ada")).code, 0)
      assert.include((yield* cli("consent", "complete", "--session", "9")).stderr, "there is no session 9")
    }))

  it.scopedLive("complete takes the whole return URL", () =>
    Effect.gen(function*() {
      const { ask, cli } = yield* local
      yield* ask("ada")
      const url = (yield* cli("consent", "approve")).stdout.trim()
      const other = yield* cli("consent", "complete", "--session", callback, "--user", "ada")
      assertEqual([other.code, other.stdout], [64, ""])
      assert.include(other.stderr, "--session: this URL has no parameter session_id")
      assert.strictEqual((yield* cli("consent", "complete", "--session", url, "--user", "ada")).code, 0)
      assert.strictEqual((yield* ask("ada")).code, 0)
    }))

  it.scopedLive("reports an endpoint that is not a local server, and sends nothing to AWS", () =>
    Effect.gen(function*() {
      const aws = yield* serve(() => ({ status: 404, headers: asAws, body: "{\"message\":\"not found\"}" }))
      const page = yield* serve(() => ({ headers: { "content-type": "text/html" }, body: "<html>" }))
      const moved = yield* serve(() => ({ status: 302, headers: { location: aws.url } }))
      const ends: ReadonlyArray<readonly [endpoint: ReadonlyArray<string>, message: string]> = [
        [["--endpoint", aws.url], `${aws.url} is not a local server of this command`],
        [["--endpoint", page.url], `${page.url} is not a local server of this command`],
        [["--endpoint", moved.url], `${moved.url} is not a local server of this command`],
        [["--endpoint", "http://127.0.0.1:1"], "no local server answers at http://127.0.0.1:1"],
        [[], "no endpoint is set, and AWS has no test controls"],
        ...[
          "https://bedrock-agentcore.us-east-1.amazonaws.com",
          "https://bedrock-agentcore.cn-north-1.amazonaws.com.cn",
          "https://BEDROCK-agentcore.us-east-1.api.aws.",
          "https://x.bedrock-agentcore.us-east-1.vpce.amazonaws.com"
        ].map((url) =>
          [
            ["--endpoint", url],
            `${new URL(url).origin} belongs to AWS, which has no test controls; nothing was sent`
          ] as const
        )
      ]
      for (const [endpoint, message] of ends) {
        for (const name of ["list", "approve", "deny"]) {
          const { code, stderr, stdout } = yield* run(["consent", name, ...endpoint])
          assertEqual([code, stdout], [1, ""], message)
          assert.include(stderr, `LocalServerUnavailable: ${message}: start one with 'agentcore-identity serve'`)
        }
      }
      const invalid = yield* run(["consent", "list", "--endpoint", "nonsense"])
      assertEqual([invalid.code, invalid.stderr], [64, "UsageInvalid: --endpoint: expected an http or https URL\n"])
    }))

  it.scopedLive("passes on why the local server refuses", () =>
    Effect.gen(function*() {
      const wire = yield* serve(() => ({
        status: 403,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ error: "ForeignHost", message: "use --allowed-host \u001b[31m" })
      }))
      const { code, stderr } = yield* run(["consent", "list", "--endpoint", wire.url])
      assertEqual([code, stderr], [1, "LocalServerRefused: use --allowed-host \\u{1B}[31m\n"])
    }))
})

describe("the log of serve", { timeout: 30_000 }, () => {
  it.scopedLive("names workload identity, provider, user and outcome of each call, and no secret", () =>
    Effect.gen(function*() {
      const { ask, cli, endpoint, events, file } = yield* local
      const lines = () =>
        events.splice(0).map(({ event, fields: { ms: _, ...fields } }): { readonly [name: string]: unknown } => ({
          event,
          ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
        }))
      const agent = { workload: "my-agent" }
      const ada = { ...agent, user: "userId:ada" }
      const github = { event: "GetResourceOauth2Token", ...ada, provider: "github" }
      assertEqual(lines(), [
        { event: "CreateWorkloadIdentity", ...agent, outcome: "ok" },
        { event: "CreateOauth2CredentialProvider", provider: "github", outcome: "ok" },
        { event: "CreateOauth2CredentialProvider", provider: "other", outcome: "ok" }
      ])
      const secrets: Array<string> = []
      const seen: Array<unknown> = []
      const record = () => seen.push(...lines())

      secrets.push(/request_uri=(\S+)/.exec((yield* ask("ada")).stderr)?.[1] ?? "no session")
      record()
      assertEqual(seen.splice(0), [
        { event: "GetWorkloadAccessTokenForUserId", ...ada, outcome: "ok" },
        { ...github, outcome: "consent required" }
      ])
      const returned = (yield* cli("consent", "approve")).stdout.trim()
      const session = new URL(returned).searchParams.get("session_id") ?? ""
      secrets.push(session)
      yield* cli("consent", "complete", "--session", session, "--user", "eve")
      yield* cli("consent", "complete", "--session", session, "--user", "ada")
      secrets.push((yield* ask("ada")).stdout.trim())
      record()
      const complete = { event: "CompleteResourceTokenAuth", workload: "my-agent", provider: "github" }
      assertEqual(seen.splice(0).filter((line) => !JSON.stringify(line).includes("GetWorkload")), [
        { ...complete, user: "userId:eve", outcome: "AccessDenied" },
        { ...complete, user: "userId:ada", outcome: "ok" },
        { ...github, outcome: "token" }
      ])

      const token = Redacted.value(jwt({ iss: "https://idp.example", sub: "ada" }))
      secrets.push(token)
      const machine = ["token", "--provider", "none", "--flow", "m2m", "--workload", "my-agent"]
      yield* cli(...machine, "--user-token", file("jwt", token))
      yield* cli("workload-token", "--workload", "no-agent")
      record()
      const byJwt = { ...agent, user: "jwt:https://idp.example|ada" }
      assertEqual(seen.splice(0), [
        { event: "GetWorkloadAccessTokenForJWT", ...byJwt, outcome: "ok" },
        { event: "GetResourceOauth2Token", ...byJwt, provider: "none", outcome: "ResourceNotFound" },
        { event: "GetWorkloadAccessToken", workload: "no-agent", outcome: "ResourceNotFound" }
      ])
      yield* Effect.promise(() =>
        fetch(`${endpoint}/identities/oauth2/token`, { method: "POST", body: JSON.stringify({ scopes: ["a-scope"] }) })
      )
      record()
      assertEqual(seen.splice(0), [
        { event: "GetResourceOauth2Token", outcome: "MissingAuthenticationTokenException" }
      ])
      const all = JSON.stringify(events)
      for (const secret of secrets) assert.notInclude(all, secret)
    }))

  it.scopedLive("reports a denied consent and a pending one", () =>
    Effect.gen(function*() {
      const { ask, cli, events } = yield* local
      const waiting = yield* Effect.fork(ask("ada", "github", "--wait", "--poll-interval", "1"))
      const outcomes = () =>
        events.flatMap(({ event, fields: { outcome } }) => event === "GetResourceOauth2Token" ? [outcome] : [])
      yield* Effect.repeat(Effect.sleep("50 millis"), { until: () => outcomes().includes("consent pending") })
      yield* cli("consent", "deny")
      const { code, stderr } = yield* waiting
      assert.strictEqual(code, 1)
      assert.include(stderr, "ConsentDenied")
      assert.strictEqual(outcomes()[0], "consent required")
      assert.strictEqual(outcomes().at(-1), "denied")
    }))
})

describe("agentcore-identity providers", { timeout: 30_000 }, () => {
  it.scopedLive("updates providers of each kind from a file", () =>
    Effect.gen(function*() {
      const { cli, file, provider } = yield* local
      const renamed = {
        ...provider("github"),
        oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "another", clientSecret: "new-secret" } }
      }
      const updated = yield* cli("providers", "update-oauth2", "--file", file("update.json", renamed))
      assertEqual([updated.code, updated.stderr], [0, ""])
      assert.include(updated.stdout, "clientId: another\n")
      assert.notInclude(updated.stdout, "new-secret")
      const wallet = (apiKeyId: string) => ({
        name: "wallet",
        credentialProviderVendor: "CoinbaseCDP",
        providerConfigurationInput: {
          coinbaseCdpConfiguration: { apiKeyId, apiKeySecret: "cdp-secret", walletSecret: "wallet-secret" }
        }
      })
      yield* cli("providers", "create-payment", "--file", file("wallet.json", wallet("one")))
      const payment = yield* cli("providers", "update-payment", "--json", "--file", file("wallet2.json", wallet("two")))
      assert.strictEqual(payment.code, 0)
      assert.include(payment.stdout, "\"apiKeyId\":\"two\"")
      const missing = yield* cli(
        "providers",
        "update-payment",
        "--file",
        file("no.json", { ...wallet("two"), name: "none" })
      )
      assert.strictEqual(missing.code, 1)
      assert.match(missing.stderr, /^ResourceNotFound: /)
      const wrong = yield* cli(
        "providers",
        "update-oauth2",
        "--file",
        file("wrong.json", { ...renamed, tags: { a: "b" } })
      )
      assert.include(wrong.stderr, "tags: Member is not known")
      assert.notInclude(wrong.stderr, "new-secret")
    }))

  it.scopedLive("takes the key of an API key provider from a secret of AWS Secrets Manager", () =>
    Effect.gen(function*() {
      const { cli } = yield* local
      const secret = ["--name", "maps", "--secret-id", "maps-secret", "--json-key"]
      assert.strictEqual((yield* cli("providers", "create-api-key", ...secret, "key")).code, 0)
      const updated = yield* cli("providers", "update-api-key", ...secret, "other", "--json")
      assert.include(JSON.parse(updated.stdout), { apiKeySecretSource: "EXTERNAL", apiKeySecretJsonKey: "other" })
      const half = yield* cli("providers", "update-api-key", "--name", "maps", "--secret-id", "maps-secret")
      assertEqual([half.code, half.stderr], [64, "UsageInvalid: --secret-id and --json-key require each other\n"])
    }))

  it.scopedLive("replaces all return URLs of a workload identity", () =>
    Effect.gen(function*() {
      const { cli } = yield* local
      const update = (...args: ReadonlyArray<string>) =>
        cli("workloads", "update", "--name", "my-agent", "--json", ...args)
      const urls = ["https://a.example/", "https://b.example/"]
      const replaced = yield* update(...urls.flatMap((url) => ["--return-url", url]))
      assertEqual(JSON.parse(replaced.stdout).allowedResourceOauth2ReturnUrls, urls)
      assertEqual(JSON.parse((yield* update("--no-return-urls")).stdout).allowedResourceOauth2ReturnUrls, [])
      for (const args of [[], ["--no-return-urls", "--return-url", "https://a.example/"]]) {
        assert.strictEqual((yield* update(...args)).code, 64)
      }
    }))

  it.scopedLive("manages tags, policies, the token vault and consent portals", () =>
    Effect.gen(function*() {
      const { cli, file } = yield* local
      const { workloadIdentityArn: arn } = JSON.parse(
        (yield* cli("workloads", "get", "--name", "my-agent", "--json")).stdout
      )
      const ok = (...args: ReadonlyArray<string>) =>
        Effect.map(cli(...args), ({ code, stderr, stdout }) => {
          assertEqual([code, stderr], [0, ""], args.join(" "))
          return stdout
        })
      yield* ok("tags", "add", "--arn", arn, "--tag", "team=support", "--tag", "stage=test")
      assert.sameMembers((yield* ok("tags", "list", "--arn", arn)).trim().split("\n"), ["team=support", "stage=test"])
      yield* ok("tags", "remove", "--arn", arn, "--key", "team")
      assertEqual(JSON.parse(yield* ok("tags", "list", "--arn", arn, "--json")), { tags: { stage: "test" } })
      const policy = file("policy.json", { Version: "2012-10-17", Statement: [] })
      const put = yield* cli("policies", "put", "--arn", arn, "--file", policy)
      assert.isTrue(put.code === 0 || /^[A-Z]\w+: /.test(put.stderr), put.stderr)
      assert.include(yield* ok("vault", "get"), "keyType: ServiceManagedKey")
      const key = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
      assert.include(yield* ok("vault", "set-key", "--key-arn", key), key)
      assert.include(yield* ok("vault", "set-key", "--service-key"), "ServiceManagedKey")
      assert.strictEqual((yield* cli("vault", "set-key")).code, 64)
      assert.include(yield* ok("portals", "list"), "NAME")
      const portal = yield* cli("portals", "get", "--id", "no!pe")
      assert.include(portal.stderr, "Value at '--id' failed")
    }))
})
