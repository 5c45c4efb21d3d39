import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { afterAll, beforeAll } from "vitest"
import { assertNoCredentials, credentials } from "./support/canaries.js"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"
import * as Markdown from "./support/markdown.js"
import { fault, serve } from "./support/wire.js"

const callback = "https://app.example/back"

const seed = {
  workloadIdentities: [{ name: "my-agent", allowedResourceOauth2ReturnUrls: [callback] }],
  oauth2CredentialProviders: [{
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "very-secret" } }
  }],
  apiKeyCredentialProviders: [{ name: "weather", apiKey: "weather-key" }]
}

const ask = ["token", "--provider", "github", "--workload", "my-agent", "--scope", "repo", "--flow"]

describe("agentcore-identity as a client", { timeout: 60_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>
  let server: Cli.Started
  let origin: string

  const run = (...args: ReadonlyArray<string>) => cli.start(args).ended
  const client = (...args: ReadonlyArray<string>) => run(...args, "--endpoint", origin)
  // No server listens here, so a command that sends a request fails with another error.
  const nowhere = (...args: ReadonlyArray<string>) => run(...args, "--endpoint", "http://127.0.0.1:1")
  const failed = (code: number, ended: Cli.Ended) => {
    assertEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" }, ended.stderr)
    assert.lengthOf(ended.stderr.split("\n"), 2, ended.stderr)
    return ended.stderr
  }
  const failedInJson = (code: number, ended: Cli.Ended): unknown => JSON.parse(failed(code, ended))
  const printed = ({ code, stderr, stdout }: Cli.Ended) => {
    assertEqual({ code, stderr }, { code: 0, stderr: "" })
    return stdout
  }

  beforeAll(async () => {
    cli = await Cli.bundle()
    server = cli.start(["serve", "--port", "0", "--seed", cli.write("seed.json", seed)])
    origin = await server.find("stdout", /listens on (http:\S+)\n/)
  }, 60_000)

  afterAll(async () => {
    server.kill("SIGTERM")
    await server.ended
    cli.remove()
  })

  it("exits with 130 on SIGINT and with 143 on SIGTERM while it waits, and reports the signal", async () => {
    const waiting = (...args: ReadonlyArray<string>) =>
      cli.start([...ask, "user", "--user", "ada", "--callback-url", callback, "--wait", "--endpoint", origin, ...args])
    const words = waiting()
    const json = waiting("--json")
    await Promise.all([words.find("stderr", /^http\S+$/m), json.find("stderr", /"ConsentRequired".*\n/)])
    words.kill("SIGINT")
    json.kill("SIGTERM")
    const [interrupted, terminated] = await Promise.all([words.ended, json.ended])
    assertEqual([interrupted.code, interrupted.stdout], [130, ""])
    assert.match(interrupted.stderr, /\nInterrupted: interrupted by SIGINT\n$/)
    assertEqual([terminated.code, terminated.stdout], [143, ""])
    assertEqual(JSON.parse(terminated.stderr.split("\n")[1] ?? ""), {
      _tag: "CommandFailed",
      reason: "Interrupted",
      message: "interrupted by SIGTERM"
    })
  })

  it("rejects a poll interval below one second or above the duration of the wait", async () => {
    const intervals = ["0", "0.5", "-5", "601", "soon"]
    const ends = await Promise.all(
      intervals.map(async (interval) =>
        [
          interval,
          await nowhere(...ask, "user", "--user", "ada", "--wait", "--poll-interval", interval)
        ] as const
      )
    )
    for (const [interval, ended] of ends) {
      const message = `--poll-interval: expected 1 to 600 seconds, got '${interval}'`
      assert.strictEqual(
        failed(64, ended),
        `UsageInvalid: ${message} (for help, run 'agentcore-identity token --help')\n`
      )
    }
  })

  it("shows the full command, the defaults, the environment variables and the exit codes in its help", async () => {
    const [top, group, token, get] = await Promise.all([
      run("--help"),
      run("workloads"),
      run("token", "--help"),
      run("workloads", "get", "-h")
    ])
    assert.include(printed(group), "$ agentcore-identity workloads COMMAND\n")
    assert.include(printed(token), "$ agentcore-identity token --provider NAME")
    assert.include(printed(get), "$ agentcore-identity workloads get --name NAME")
    const about = (option: string) =>
      (token.stdout.split("\n  --").find((text) => text.startsWith(`${option} `)) ?? "").replaceAll(/\s+/g, " ")
    assert.include(about("poll-interval"), "(default: 5 seconds)")
    assert.include(about("endpoint"), "(default: AWS_ENDPOINT_URL_BEDROCK_AGENTCORE ")
    assert.include(about("region"), "(default: AWS_REGION, AWS_DEFAULT_REGION or the region of the profile;")
    assert.match(printed(top), /EXIT CODES\n[^]*- 0 [^]*- 1 [^]*- 2 [^]*- 64 [^]*- 130 [^]*- 143 /)
    assert.match(top.stdout, /ENVIRONMENT\n[^]*AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL/)
  })

  it("names nothing of the code in its help", async () => {
    const commands = [[], ["token"], ["api-key"], ["consent", "complete"], ["workloads", "create"]]
    const helps = await Promise.all(commands.map((command) => run(...command, "--help")))
    for (const help of helps) assert.notMatch(printed(help), /\b[a-z]+[A-Z]\w*/)
  })

  it("describes the exit codes in its help as in the guide", async () => {
    const help = printed(await run("--help")).replaceAll(/\s+/g, " ")
    const [, table = ""] = /## Exit codes\n([^]*)/.exec(Markdown.read("guides/local-server.md")) ?? []
    const rows = [...table.replaceAll("`", "").matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)]
    assert.lengthOf(rows, 7)
    for (const [, code, meaning] of rows) assert.include(help, `- ${code} ${meaning}`)
  })

  it("reports the options that a flow requires before a request is sent", async () => {
    const [user, obo, oboOfId, complete] = await Promise.all([
      nowhere(...ask, "user"),
      nowhere(...ask, "obo"),
      nowhere(...ask, "obo", "--user", "ada"),
      nowhere("consent", "complete", "--session", "x")
    ])
    assert.strictEqual(failed(64, user), "UsageInvalid: --flow user requires --user or --user-token\n")
    assert.strictEqual(failed(64, obo), "UsageInvalid: --flow obo requires --user-token\n")
    assert.strictEqual(failed(64, oboOfId), "UsageInvalid: --flow obo requires --user-token\n")
    assert.strictEqual(failed(64, complete), "UsageInvalid: --user or --user-token is required\n")
  })

  it("completes a session whose return URL or session_id comes from standard input", async () => {
    for (const read of [(url: string) => url, (url: string) => new URL(url).searchParams.get("session_id") ?? ""]) {
      const asked = await client(...ask, "user", "--user", "grace", "--callback-url", callback, "--force")
      assert.strictEqual(asked.code, 2)
      const url = printed(await client("consent", "approve", "--user", "grace"))
      const args = ["consent", "complete", "--session", "-", "--user", "grace", "--endpoint", origin]
      assert.strictEqual(printed(await cli.start(args, { stdin: `${read(url.trim())}\n` }).ended), "completed\n")
    }
    const both = await nowhere("consent", "complete", "--session", "-", "--user-token", "-")
    assert.include(failed(64, both), "--session and --user-token cannot both be standard input")
  })

  it("rejects --user together with --user-token", async () => {
    const both = ["--user", "ada", "--user-token", cli.write("jwt", "header.payload.signature")]
    const ends = await Promise.all([
      nowhere(...ask, "user", ...both),
      nowhere(...ask, "m2m", ...both),
      nowhere("api-key", "--provider", "weather", "--workload", "my-agent", ...both),
      nowhere("consent", "complete", "--session", "x", ...both)
    ])
    for (const ended of ends) {
      assert.include(failed(64, ended), "UsageInvalid: --user and --user-token exclude each other")
    }
  })

  it("reports invalid fields by the names of its options", async () => {
    const [callbackless, misnamed, workload, session, name, urls, ...providers] = await Promise.all([
      client(...ask, "user", "--user", "ada"),
      client(...ask, "user", "--user", "ada", "--callback-url", "no!pe"),
      client("api-key", "--provider", "weather", "--workload", "no!pe"),
      client("consent", "complete", "--session", "no!pe", "--user", "ada", "--json"),
      client("workloads", "get", "--name", "no!pe"),
      client("workloads", "create", "--return-url", "no!pe"),
      client("providers", "get", "--kind", "oauth2", "--name", "no!pe"),
      client("providers", "delete", "--kind", "payment", "--name", "no!pe"),
      cli.start(["providers", "create-api-key", "--name", "no!pe", "--endpoint", origin], { stdin: "a-key" }).ended
    ])
    assert.match(failed(1, callbackless), /^ValidationError: .*\(.* Pass --callback-url\.\)\n$/)
    assert.include(failed(64, misnamed), "Value at '--callback-url' failed")
    assert.include(failed(64, workload), "Value at '--workload' failed")
    const message = "1 validation error detected: Value at '--session' failed to satisfy constraint: Member must " +
      "satisfy regular expression pattern: urn:ietf:params:oauth:request_uri:[a-zA-Z0-9-._~]+"
    assert.include(failedInJson(64, session), { _tag: "ValidationError", message })
    for (const named of [name, ...providers]) assert.include(failed(64, named), "Value at '--name' failed")
    assert.include(failed(64, urls), "Value at '--return-url[0]' failed")
  })

  it("rejects a value that violates the model with exit code 64 before it sends a request", async () => {
    const ends = await Promise.all([
      nowhere("token", "--provider", "github", "--flow", "m2m", "--workload", "w"),
      nowhere(...ask, "m2m", "--resource", ""),
      nowhere(...ask, "user", "--user", "ada", "--callback-url", "no!pe"),
      nowhere("api-key", "--provider", "no!pe", "--workload", "my-agent"),
      nowhere("workloads", "get", "--name", "w"),
      nowhere("workloads", "add-return-url", "--name", "my-agent", "--url", "no!pe")
    ])
    for (const ended of ends) failed(64, ended)
    assert.match(failed(64, ends[0]), /^ValidationError: .*'--workload'/)
    assert.match(failed(64, ends[3]), /^ValidationError: .*'--provider'/)
    assert.match(failed(64, ends[5]), /^ValidationError: .*'--url/)
  })

  it("reports a validation error of the server with exit code 1", async () => {
    const unregistered = await client(...ask, "user", "--user", "ada", "--callback-url", "https://other.example/")
    assert.match(failed(1, unregistered), /^ValidationError: /)
  })

  it("rejects an API key that api-key could not print, and trims the line end", async () => {
    const create = (stdin: string, ...args: ReadonlyArray<string>) =>
      cli.start([...args, "--endpoint", origin], { stdin }).ended
    for (const command of ["create-api-key", "update-api-key"]) {
      for (const key of ["one\ntwo\n", "a\u001bb", "a\tb", "one\n\n"]) {
        const ended = await create(key, "providers", command, "--name", "weather")
        assert.match(failed(64, ended), /^UsageInvalid: the API key in standard input has several lines, a control/)
      }
    }
    assert.strictEqual((await create("one\r\n", "providers", "create-api-key", "--name", "lines")).code, 0)
    const key = await client("api-key", "--provider", "lines", "--workload", "my-agent")
    assert.strictEqual(printed(key), "one\n")
  })

  it("says that it waits for the consent, and not that it failed", async () => {
    const waiting = cli.start([
      ...ask,
      "user",
      "--user",
      "hedy",
      "--callback-url",
      callback,
      "--wait",
      "--endpoint",
      origin
    ])
    const url = await waiting.find("stderr", /^waiting for the consent of the user at\n(http\S+)\n$/)
    assert.include(url, "request_uri=")
    waiting.kill("SIGTERM")
    assert.notInclude((await waiting.ended).stderr, "ConsentRequired")
  })

  it("reports an https endpoint that does not use TLS, without text of OpenSSL", async () => {
    const ended = await run("workloads", "list", "--endpoint", origin.replace("http:", "https:"))
    const message = failed(1, ended)
    assert.include(message, "the endpoint does not use TLS. If it is a local server, use http:// instead of https://")
    assert.notMatch(message, /SSL routines|OpenSSL/)
  })

  it("reports --endpoint and --region if they are invalid or no service responds", async () => {
    const [endpoint, variable, region, nobody, regionless] = await Promise.all([
      run("workloads", "list", "--endpoint", "nonsense"),
      cli.start(["workloads", "list"], { env: { AWS_ENDPOINT_URL: "nonsense" } }).ended,
      nowhere("workloads", "list", "--region", "a_b"),
      nowhere("workloads", "list"),
      run("workloads", "list")
    ])
    assert.strictEqual(failed(64, endpoint), "UsageInvalid: --endpoint: expected an http or https URL\n")
    assert.strictEqual(failed(1, variable), "ConfigError: AWS_ENDPOINT_URL: expected an http or https URL\n")
    assert.strictEqual(failed(64, region), "UsageInvalid: --region: expected the name of an AWS region\n")
    assert.match(failed(1, nobody), /^TransportFailure: .*Check --endpoint \(or AWS_ENDPOINT_URL_BEDROCK_AGENTCORE,/)
    assert.notInclude(nobody.stderr, "dataEndpoint")
    assert.match(failed(1, regionless), /^ConfigError: AWS_REGION: no AWS region: pass --region,/)
  })

  const rejected: ReadonlyArray<readonly [args: string, message: string, help: string]> = [
    ["serve --port abc", "--port: expected a whole number from 0 to 65535, got 'abc'", "serve "],
    ["serve --port 1.5", "--port: expected a whole number from 0 to 65535, got '1.5'", "serve "],
    ["serve --port 65536", "--port: expected a whole number from 0 to 65535, got '65536'", "serve "],
    [
      "serve --json --log-level loud",
      "--log-level: expected one of debug, info, warning, error, none, got 'loud'",
      "serve "
    ],
    ["serve --region A_B", "--region: expected the name of an AWS region, got 'A_B'", "serve "],
    ["serve --account 1", "--account: expected an account id of 12 digits, got '1'", "serve "],
    ["serve --bogus", "unknown argument '--bogus'", "serve "],
    ["--bogus", "unknown argument '--bogus'", ""],
    ["--wizard", "unknown argument '--wizard'", ""],
    ["--log-level debug", "unknown argument '--log-level'", ""],
    ["--log-level=debug serve", "unknown argument '--log-level'", ""],
    ["serve --wizard", "unknown argument '--wizard'", "serve "],
    ["workloads --wizard", "unknown argument '--wizard'", "workloads "],
    ["workloads list --log-level debug", "unknown argument '--log-level'", "workloads list "],
    ["workloads --bogus", "unknown argument '--bogus'", "workloads "],
    ["consent bogus --help", "unknown subcommand 'bogus' of consent", "consent "],
    ["workloads list --bogus x", "unknown argument '--bogus'", "workloads list "],
    ["workloads bogus", "unknown subcommand 'bogus' of workloads", "workloads "],
    ["workloads get --name", "--name: expected a value", "workloads get "],
    ["providers get --kind x --name y", "--kind: expected one of oauth2, api-key, payment, got 'x'", "providers get "]
  ]
  it("reports the invalid argument, the expected value and the command for help", async () => {
    await Promise.all(rejected.map(async ([args, message, help]) => {
      const { code, stderr, stdout } = await run(...args.split(" "))
      assert.strictEqual(stdout, "", args)
      assert.strictEqual(code, 64, args)
      assert.lengthOf(stderr.split("\n"), 2, stderr)
      assert.include(stderr, `${message} (for help, run 'agentcore-identity ${help}--help')`)
    }))
  })

  it("reports invalid arguments with exit code 64, as JSON with --json", async () => {
    const [missing, unknown, json, flowless] = await Promise.all([
      run("workloads", "get"),
      run("bogus"),
      run("workloads", "get", "--json"),
      nowhere(...ask, "user", "--json")
    ])
    const nameless = "--name is required (for help, run 'agentcore-identity workloads get --help')"
    assert.strictEqual(failed(64, missing), `UsageInvalid: ${nameless}\n`)
    assert.strictEqual(
      failed(64, unknown),
      "UsageInvalid: unknown command 'bogus' (for help, run 'agentcore-identity --help')\n"
    )
    assertEqual(failedInJson(64, json), {
      _tag: "CommandFailed",
      reason: "UsageInvalid",
      message: nameless
    })
    assert.include(failedInJson(64, flowless), { _tag: "CommandFailed", reason: "UsageInvalid" })
  })

  it("also prints times in ISO 8601 in JSON", async () => {
    const { createdTime, ...rest }: {
      readonly createdTime: string
      readonly allowedResourceOauth2ReturnUrls: unknown
    } = JSON.parse(printed(await client("workloads", "get", "--name", "my-agent", "--json")))
    assert.match(createdTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assertEqual(rest.allowedResourceOauth2ReturnUrls, [callback])
  })

  it("reports a return URL that is not registered instead of removing nothing", async () => {
    const slip = await client("workloads", "remove-return-url", "--name", "my-agent", "--url", `${callback}/`)
    assert.match(failed(1, slip), /^NotRegistered: --url is not registered for my-agent, and nothing was removed/)
    const kept = await client("workloads", "get", "--name", "my-agent")
    assert.include(printed(kept), `allowedResourceOauth2ReturnUrls[0]: ${callback}\n`)
  })

  describe("with AWS credentials", () => {
    const signed = {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken
    }

    const against = (env: { readonly [name: string]: string }) =>
      Effect.gen(function*() {
        const wire = yield* serve(({ headers }) => {
          const lines = Object.entries(headers).map(([name, value]) => `${name}:${String(value)}`).join("\n")
          return fault(403, "InvalidSignatureException", {
            message: `The Canonical String should have been 'POST\n${lines}'`
          })
        })
        const args = ["workloads", "list", "--endpoint", wire.url, "--region", "us-east-1"]
        const ended = [cli.start(args, { env }).ended, cli.start([...args, "--json"], { env }).ended]
        return { wire, ended: yield* Effect.promise(() => Promise.all(ended)) }
      })

    it.scopedLive("prints no credentials when the service quotes the signed request", () =>
      Effect.gen(function*() {
        const { ended, wire } = yield* against(signed)
        assert.strictEqual(wire.requests[0]?.headers["x-amz-security-token"], credentials.sessionToken)
        for (const one of ended) {
          assert.strictEqual(one.code, 1)
          assert.include(one.stderr, "x-amz-security-token:<redacted>")
          assertNoCredentials(one.stderr, one.stdout)
        }
      }))

    const profiles = () =>
      cli.write(
        "profiles",
        "[profile broken]\ncredential_process = exit 1\n" +
          "[profile sso]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n" +
          "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://sso.invalid/start\n"
      )
    const onAws = ["workloads", "list", "--region", "us-east-1"]

    it("ignores the profile for a local server", async () => {
      const config = profiles()
      const ends = await Promise.all(
        ["sso", "broken", "missing"].map((profile) =>
          cli.start(["workloads", "list", "--endpoint", origin], {
            env: { AWS_PROFILE: profile, AWS_CONFIG_FILE: config, HOME: cli.directory }
          }).ended
        )
      )
      for (const ended of ends) assert.include(printed(ended), "my-agent\n")
    })

    it.scopedLive("signs requests to a local server with the keys of the environment, also if AWS_PROFILE is set", () =>
      Effect.gen(function*() {
        const { wire } = yield* against({ ...signed, AWS_PROFILE: "missing" })
        assert.strictEqual(wire.requests[0]?.headers["x-amz-security-token"], credentials.sessionToken)
      }))

    it("reports that the profile gave no credentials for AWS, with the reason and one advice", async () => {
      const config = profiles()
      const reasons: ReadonlyArray<readonly [profile: string, reason: RegExp]> = [
        ["sso", /SSO session does not exist or has expired/],
        ["broken", /no source has any; a profile must exist, and its credential_process succeed/],
        ["missing", /no source has any; a profile must exist/]
      ]
      await Promise.all(reasons.map(async ([profile, reason]) => {
        const env = { AWS_PROFILE: profile, AWS_CONFIG_FILE: config, HOME: cli.directory }
        const message = failed(1, await cli.start(onAws, { env }).ended)
        assert.include(message, `nothing was sent: the AWS profile '${profile}' gave no credentials (`)
        assert.match(message, reason)
        assert.notInclude(message, "`credentials`")
        assert.lengthOf(message.split("AWS_ACCESS_KEY_ID"), 2, message)
        assert.include(message, "aws sso login")
      }))
    })

    it("prints no output of a credential process", async () => {
      const script = cli.write(
        "keys.sh",
        `echo '${credentials.accessKeyId} ${credentials.sessionToken.replaceAll("'", "")}' >&2; exit 1`
      )
      const config = cli.write("config", `[profile broken]\ncredential_process = sh ${script}\n`)
      const env = { AWS_PROFILE: "broken", AWS_CONFIG_FILE: config }
      const ended = await Promise.all([cli.start(onAws, { env }).ended, cli.start([...onAws, "--json"], { env }).ended])
      for (const one of ended) {
        assert.strictEqual(one.code, 1)
        assert.include(one.stderr, "nothing was sent")
        assert.notInclude(one.stderr, "canary")
        assertNoCredentials(one.stderr, one.stdout)
      }
    })
  })
})
