import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import * as AwsTools from "./support/awsTools.js"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"

const seed = {
  oauth2CredentialProviders: [{
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "secret" } }
  }],
  apiKeyCredentialProviders: [{ name: "weather", apiKey: "weather-key" }]
}

const skipped = (why: string | undefined) => why === undefined ? "" : ` (skipped: ${why})`

const noCli = AwsTools.awsCli()

const noBoto3 = AwsTools.boto3()

const isVersion1 = AwsTools.awsCliMajor() === 1

/** A boto3 program that is configured only by its environment. */
const python = `
import boto3
control = boto3.client("bedrock-agentcore-control")
control.create_workload_identity(name="by-boto3")
data = boto3.client("bedrock-agentcore")
token = data.get_workload_access_token_for_user_id(workloadName="by-boto3", userId="ada")["workloadAccessToken"]
print(data.get_resource_api_key(workloadIdentityToken=token, resourceCredentialProviderName="weather")["apiKey"])
`

describe("the environment that agentcore-identity serve prints", { timeout: 120_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>
  let server: Cli.Started
  /** The lines to paste into a shell. */
  let printed: string
  /** An empty home directory, and one with a developer's profile. */
  const homes = mkdtempSync(join(tmpdir(), "agentcore-home-"))
  const empty = join(homes, "empty")
  const used = join(homes, "used")

  beforeAll(async () => {
    cli = await Cli.bundle()
    server = cli.start(["serve", "--port", "0", "--region", "eu-west-1", "--seed", cli.write("seed.json", seed)])
    printed = await server.find("stdout", /^[\s\S]*unset .*\n/)
    mkdirSync(empty)
    mkdirSync(join(used, ".aws"), { recursive: true })
    writeFileSync(
      join(used, ".aws", "config"),
      [
        "[default]",
        "region = us-gov-west-1",
        "endpoint_url = http://127.0.0.1:1",
        "ignore_configured_endpoint_urls = true",
        "credential_process = /bin/false"
      ].join("\n")
    )
  }, 60_000)

  afterAll(async () => {
    server.kill("SIGTERM")
    await server.ended
    cli.remove()
    rmSync(homes, { recursive: true, force: true })
  })

  const spawned = (command: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
    new Promise<Cli.Ended>((resolve, reject) => {
      const child = spawn(command, args, { env: { PATH: process.env["PATH"] ?? "", ...env }, cwd: homes })
      let [stdout, stderr] = ["", ""]
      child.stdout.on("data", (chunk) => stdout += String(chunk))
      child.stderr.on("data", (chunk) => stderr += String(chunk))
      child.on("error", reject)
      child.on("close", (code) => resolve({ code, stdout, stderr }))
    })

  /** An environment with only the printed variables, PATH and an empty home directory. */
  const alone = (command: string, ...args: ReadonlyArray<string>) =>
    spawned(command, args, {
      HOME: empty,
      ...Object.fromEntries([...printed.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]))
    })

  /** The printed lines in the shell of a developer with another AWS configuration. */
  const pasted = (command: string) =>
    spawned("sh", ["-c", `${printed}\n${command}`], {
      HOME: used,
      AWS_PROFILE: "of-somebody-else",
      AWS_DEFAULT_PROFILE: "of-somebody-else",
      AWS_REGION: "us-gov-west-1",
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "a-key-of-the-developer",
      AWS_SESSION_TOKEN: "a-token-of-the-developer",
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true"
    })

  const ok = ({ code, stderr, stdout }: Cli.Ended) => {
    assert.strictEqual(code, 0, stderr)
    return stdout.trim()
  }

  it("has both region variables, the endpoints and the keys, as shell lines and as JSON", async () => {
    const started = cli.start(["serve", "--port", "0", "--region", "eu-west-1", "--json"])
    const line: {
      readonly environment: Readonly<Record<string, string>>
      readonly unset: ReadonlyArray<string>
    } = JSON.parse(await started.find("stdout", /^.*\n/))
    started.kill("SIGTERM")
    await started.ended
    const names = Object.keys(line.environment)
    assert.includeMembers(names, [
      "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE",
      "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL",
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY"
    ])
    for (const region of ["AWS_REGION", "AWS_DEFAULT_REGION"]) assert.propertyVal(line.environment, region, "eu-west-1")
    assert.includeMembers([...line.unset], ["AWS_PROFILE", "AWS_SESSION_TOKEN"])
    assertEqual([...printed.matchAll(/^export (\w+)=/gm)].map(([, name]) => name), names)
    assert.include(printed, `\nunset ${line.unset.join(" ")}\n`)
  })

  it("overrides a developer's profile and session token in the AWS SDK for JavaScript", async () => {
    const script = cli.write(
      "sdk.mjs",
      `import { BedrockAgentCoreControlClient, ListWorkloadIdentitiesCommand } from "@aws-sdk/client-bedrock-agentcore-control"
const client = new BedrockAgentCoreControlClient({})
await client.send(new ListWorkloadIdentitiesCommand({}))
const { accessKeyId, sessionToken } = await client.config.credentials()
console.log(JSON.stringify({ accessKeyId, sessionToken, region: await client.config.region() }))`
    )
    const used = ok(await pasted(`"${process.execPath}" --no-warnings "${script}"`))
    assertEqual(JSON.parse(used), { accessKeyId: "local", region: "eu-west-1" })
  })

  it.skipIf(noCli !== undefined)(`is sufficient for the AWS CLI${skipped(noCli)}`, async () => {
    const created = await alone("aws", "bedrock-agentcore-control", "create-workload-identity", "--name", "by-cli")
    const { workloadIdentityArn }: { readonly workloadIdentityArn: string } = JSON.parse(ok(created))
    assert.match(workloadIdentityArn, /^arn:aws:bedrock-agentcore:eu-west-1:.*\/by-cli$/)
    const minted = ["get-workload-access-token-for-user-id", "--workload-name", "by-cli", "--user-id", "ada"]
    const query = ["--query", "workloadAccessToken", "--output", "text"]
    const token = ok(await alone("aws", "bedrock-agentcore", ...minted, ...query))
    const provider = ["--resource-credential-provider-name", "weather", "--query", "apiKey", "--output", "text"]
    const key = ["get-resource-api-key", "--workload-identity-token", token, ...provider]
    assert.strictEqual(ok(await alone("aws", "bedrock-agentcore", ...key)), "weather-key")
  })

  it.skipIf(noCli !== undefined)(
    `overrides a developer's profile, region and keys in the AWS CLI${skipped(noCli)}`,
    async () => {
      const created = ok(await pasted("aws bedrock-agentcore-control create-workload-identity --name pasted"))
      assert.include(created, "arn:aws:bedrock-agentcore:eu-west-1:")
    }
  )

  it.skipIf(noBoto3 !== undefined)(`is sufficient for boto3${skipped(noBoto3)}`, async () => {
    assert.strictEqual(ok(await alone("python3", "-c", python)), "weather-key")
  })

  const notVersion1 = noCli ?? (isVersion1 ? undefined : "not version 1")

  it.skipIf(notVersion1 !== undefined)(
    `requires the guide's setting for an http return URL in version 1 of the AWS CLI${skipped(notVersion1)}`,
    async () => {
      const create = [
        "bedrock-agentcore-control",
        "create-workload-identity",
        "--name",
        "returning",
        "--allowed-resource-oauth2-return-urls",
        "http://127.0.0.1:1/return"
      ]
      const fetching = await alone("aws", ...create)
      assert.notStrictEqual(fetching.code, 0)
      assert.include(fetching.stderr, "Unable to retrieve http://127.0.0.1:1/return")
      ok(await alone("aws", "configure", "set", "cli_follow_urlparam", "false"))
      assert.include(ok(await alone("aws", ...create)), "http://127.0.0.1:1/return")
    }
  )
})
