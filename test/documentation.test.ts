import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import * as AwsTools from "./support/awsTools.js"
import * as Cli from "./support/cli.js"
import * as Documented from "./support/documented.js"
import * as Forwarder from "./support/forwarder.js"
import * as Markdown from "./support/markdown.js"
import { authorization } from "./support/raw.js"
import * as Shell from "./support/shell.js"

const guide = Markdown.read("guides/local-server.md")

const all = Markdown.documents.flatMap((file) =>
  Markdown.blocks(Markdown.read(file), ...Markdown.shell).map((block) => ({ file, block }))
)

const inline = [...new Set(Markdown.documents.flatMap((file) => Markdown.inlineCommands(Markdown.read(file))))]

/** The only block of a document that is run here and begins like this. */
const blockOf = (file: string, start: string) => {
  const entries = Documented.blocks.filter((entry) => entry.file === file && entry.run)
  const found = all.filter(({ block, file: of }) =>
    of === file && block.startsWith(start) && entries.some((entry) => entry.block.test(block))
  )
  assert.lengthOf(found, 1, `${file}: ${start}`)
  return found[0]?.block ?? ""
}

/** AWS's signatures came with 7.75, and `--fail-with-body` with 7.76. */
const noCurl = (() => {
  const [, major = 0, minor = 0] = /^curl (\d+)\.(\d+)/.exec(String(spawnSync("curl", ["--version"]).stdout)) ?? []
  if (Number(major) === 0) return "not installed"
  return Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 76) ? undefined : "too old"
})()

const noCli = AwsTools.awsCli()

const skipped = (why: string | undefined) => why === undefined ? "" : ` (skipped: ${why})`

describe("what the documents say to run", { timeout: 120_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>
  /** A folder of a reader, in which the package is installed. */
  let folder: string
  let server: ReturnType<typeof Shell.start>
  let port: string
  /** The lines that the server prints to be pasted. */
  let environment: string

  const options = () => ({
    cwd: folder,
    env: { HOME: folder, PATH: `${join(folder, "node_modules", ".bin")}:${process.env["PATH"] ?? ""}` }
  })

  /** As written, at the port where the guide's server is, in the environment that it printed. */
  const run = async (block: string) => {
    const { code, stderr, stdout } = await Shell.run(
      `${environment}\n${block.replaceAll("4599", port)}`,
      options()
    )
    assert.strictEqual(code, 0, stderr)
    return stdout.trim()
  }

  /** Starts a server as written, on a port that is free. */
  const serve = async (command: string) => {
    const started = Shell.start(command, options())
    const origin = await started.find(/listens on (http:\S+)\n/)
    return { started, origin }
  }

  beforeAll(async () => {
    cli = await Cli.bundle()
    folder = mkdtempSync(join(tmpdir(), "reader-"))
    const bin = join(folder, "node_modules", ".bin")
    mkdirSync(bin, { recursive: true })
    for (const name of ["agentcore-identity", "effect-agentcore-identity"]) {
      writeFileSync(join(bin, name), `#!/bin/sh\nexec "${process.execPath}" "${cli.file}" "$@"\n`)
      chmodSync(join(bin, name), 0o755)
    }
    writeFileSync(join(folder, "package.json"), "{}")
    const [, seed = ""] = /<!-- seed\.json -->\n\n```json\n([\s\S]*?)```/.exec(guide) ?? []
    writeFileSync(join(folder, "seed.json"), seed)
    const started = await serve(blockOf("guides/local-server.md", "npx effect-").replace("--port 4599", "--port 0"))
    server = started.started
    port = new URL(started.origin).port
    environment = await server.find(/^export [\s\S]*^unset .*$/m)
  }, 120_000)

  afterAll(async () => {
    await server.stop()
    cli.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  it("is run by a test, each block of shell, or for a reason elsewhere", () => {
    assert.isAbove(all.length, 10)
    for (const { block, file } of all) {
      const entries = Documented.blocks.filter((one) => one.file === file && one.block.test(block))
      assert.lengthOf(entries, 1, `classify this block of ${file} in test/support/documented.ts:\n${block}`)
    }
    for (const entry of Documented.blocks) {
      assert.isTrue(
        all.some(({ block, file }) => entry.file === file && entry.block.test(block)),
        `gone: ${entry.block}`
      )
      if (!entry.run) assert.isTrue(entry.holds(), entry.reason)
    }
  })

  it("is checked, each command in the prose", () => {
    assert.isAbove(inline.length, 10)
    for (const command of inline) {
      const entry = Documented.inline.find((one) => one.command.test(command))
      assert.isDefined(entry, `classify this command in test/support/documented.ts: ${command}`)
      assert.isTrue(entry?.holds?.(command) ?? true, `${command}: ${entry?.reason}`)
    }
  })

  for (const command of inline) {
    const runs = Documented.inline.find((one) => one.command.test(command))?.run
    if (runs === undefined) continue
    it(`\`${command}\` runs`, async () => {
      const script = runs(command)
      const inClone = { ...options(), cwd: Markdown.root }
      if (script.endsWith(" --help")) {
        const { code, stderr, stdout } = await Shell.run(script, inClone)
        assert.strictEqual(code, 0, stderr)
        assert.include(stdout, "agentcore-identity")
        return
      }
      const started = Shell.start(script, inClone)
      await started.find(/listens on (http:\S+)\n/)
      await started.stop()
    })
  }

  it("README.md: serves by npx, and answers at the address that it prints", async () => {
    const { origin, started } = await serve(`${blockOf("README.md", "npx effect-")} --port 0`)
    assert.strictEqual((await fetch(`${origin}/_local/state`)).status, 200)
    await started.stop()
  })

  it("guides/local-server.md: starts the server in the background, and stops it with kill", async () => {
    const script = blockOf("guides/local-server.md", "node_modules/.bin/").replace(
      "serve &",
      "serve --port 0 > output &"
    )
      .replace("# …", "until grep -q 'listens on' output; do sleep 0.1; done")
    const { code, stderr } = await Shell.run(`${script}\nwait "$server"\ngrep -o 'http:.*' output`, options())
    assert.strictEqual(code, 0, stderr)
  })

  // From here on in the order of the guide: a reader does one after the other at one server.
  const aws = (title: string, start: string, check: (stdout: string) => void) =>
    it.skipIf(noCli !== undefined)(`guides/local-server.md: ${title}${skipped(noCli)}`, async () => {
      check(await run(blockOf("guides/local-server.md", start)))
    })

  aws("sets the AWS CLI up for return URLs by http", "aws configure", (stdout) => assert.strictEqual(stdout, ""))

  aws("asks for a user's token by the AWS CLI", "token=$(aws", (stdout) => {
    const reply: Readonly<Record<string, unknown>> = JSON.parse(stdout)
    assert.match(String(reply["authorizationUrl"]), new RegExp(`^http://127.0.0.1:${port}/identities/oauth2/authorize`))
  })

  it("guides/local-server.md: uses the command as a client", async () => {
    const printed = (await run(blockOf("guides/local-server.md", "agentcore-identity workloads create "))).split("\n")
    assert.include(printed, "my-new-key")
    assert.isTrue(printed.some((line) => /^completed session \d+$/.test(line)), printed.join("\n"))
    assert.isTrue(
      printed.some((line) => /^\d+ +pending +shell-agent +github +userId:ada +repo /.test(line)),
      printed.join("\n")
    )
    assert.lengthOf(printed.filter((line) => /^\S{20,}$/.test(line)), 2)
  })

  it.skipIf(noCurl !== undefined)(`guides/local-server.md: calls by curl${skipped(noCurl)}`, async () => {
    assert.hasAllKeys(JSON.parse(await run(blockOf("guides/local-server.md", "curl "))), ["workloadAccessToken"])
  })

  it.skipIf(noCurl !== undefined)(
    `guides/local-server.md: goes through a consent from beginning to end${skipped(noCurl)}`,
    async () => {
      const lines = (await run(blockOf("guides/local-server.md", "server="))).split("\n")
      assert.lengthOf(lines, 2)
      assert.isTrue(lines[0]?.startsWith(`http://127.0.0.1:${port}/identities/oauth2/authorize?request_uri=`), lines[0])
      assert.match(lines[1] ?? "", /^\S{20,}$/)
    }
  )

  it("guides/local-server.md: serves an agent and a browser in the way of its compose file", async () => {
    const [, compose = ""] = /<!-- compose\.yaml -->\n\n```yaml\n([\s\S]*?)```/.exec(guide) ?? []
    const valueOf = (key: RegExp) =>
      new RegExp(`^ +${key.source}: (.*)$`, "m").exec(compose)?.[1] ?? assert.fail(`${key}`)
    const command = valueOf(/command/)
    const publicUrl = / --public-url (\S+)/.exec(command)?.[1] ?? ""
    // The port that the browser uses is mapped to the one that the agent uses.
    const [, mapped, internal] = /"127\.0\.0\.1:(\d+):(\d+)"/.exec(valueOf(/ports/)) ?? []
    const endpoint = valueOf(/AWS_ENDPOINT_URL_BEDROCK_AGENTCORE/)
    assert.strictEqual(new URL(publicUrl).port, mapped)
    assert.strictEqual(new URL(endpoint).port, internal)
    assert.strictEqual(valueOf(/AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL/), endpoint)

    const { origin, started } = await serve(`${command} --port 0`)
    const forwarder = await Forwarder.forward("http", origin)
    try {
      const call = async (path: string, body: unknown) => {
        const answer = await Forwarder.send(`${endpoint}${path}`, Number(new URL(origin).port), {
          method: "POST",
          headers: { "content-type": "application/json", authorization },
          body: JSON.stringify(body)
        })
        const reply: Readonly<Record<string, string>> = JSON.parse(answer.text)
        assert.isBelow(answer.status, 300, answer.text)
        return reply
      }
      const returnUrl = "http://localhost:3000/return"
      await call("/identities/CreateWorkloadIdentity", {
        name: "my-agent",
        allowedResourceOauth2ReturnUrls: [returnUrl]
      })
      const { callbackUrl = "" } = await call("/identities/CreateOauth2CredentialProvider", {
        name: "github",
        credentialProviderVendor: "GithubOauth2",
        oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "secret" } }
      })
      assert.strictEqual(new URL(callbackUrl).origin, publicUrl)
      const { workloadAccessToken } = await call("/identities/GetWorkloadAccessTokenForUserId", {
        workloadName: "my-agent",
        userId: "ada"
      })
      const { authorizationUrl = "" } = await call("/identities/oauth2/token", {
        workloadIdentityToken: workloadAccessToken,
        resourceCredentialProviderName: "github",
        scopes: ["repo"],
        oauth2Flow: "USER_FEDERATION",
        resourceOauth2ReturnUrl: returnUrl
      })
      assert.strictEqual(new URL(authorizationUrl).origin, publicUrl)
      const page = await Forwarder.send(authorizationUrl, forwarder.port)
      assert.strictEqual(page.status, 200, page.text)
    } finally {
      forwarder.close()
      await started.stop()
    }
  })
})
