import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { writeFileSync } from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { jwt } from "./support/agent.js"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"
import { authorization } from "./support/raw.js"

const client = { clientId: "id", clientSecret: "very-secret" }

const seed = {
  workloadIdentities: [{ name: "my-agent" }],
  oauth2CredentialProviders: [
    {
      name: "github",
      credentialProviderVendor: "GithubOauth2",
      oauth2ProviderConfigInput: { githubOauth2ProviderConfig: client }
    },
    {
      name: "exchange",
      credentialProviderVendor: "CustomOauth2",
      oauth2ProviderConfigInput: {
        customOauth2ProviderConfig: {
          ...client,
          oauthDiscovery: { discoveryUrl: "https://issuer.example/.well-known/openid-configuration" },
          onBehalfOfTokenExchangeConfig: { grantType: "JWT_AUTHORIZATION_GRANT" }
        }
      }
    }
  ],
  apiKeyCredentialProviders: [{ name: "weather", apiKey: "weather-key" }],
  secrets: { "outside\u001b[31m\u009b1m\nit": { key: "outside-key" } }
}

describe("agentcore-identity serve", { timeout: 30_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>

  beforeAll(async () => {
    cli = await Cli.bundle()
  }, 30_000)
  afterAll(() => cli.remove())

  /** Runs a server while `use` runs, and returns its output. */
  const serving = async (
    args: ReadonlyArray<string>,
    use: (origin: string, started: Cli.Started) => Promise<void>
  ): Promise<Cli.Ended> => {
    const started = cli.start(["serve", ...args, "--port", "0"])
    try {
      await use(await started.find("stdout", /listens on (http:\S+)\n/), started)
    } finally {
      started.kill("SIGTERM")
    }
    return started.ended
  }

  const post = (origin: string, path: string, body: unknown, headers: Record<string, string>) =>
    new Promise<{ readonly status: number | undefined; readonly text: string }>((resolve, reject) => {
      const request = http.request(`${origin}${path}`, { method: "POST", headers }, (response) => {
        let text = ""
        response.on("data", (chunk) => text += String(chunk))
        response.on("end", () => resolve({ status: response.statusCode, text }))
      })
      request.on("error", reject)
      request.on("upgrade", (_, socket) => socket.destroy())
      request.end(JSON.stringify(body))
    })

  it("survives a client that requests a WebSocket and resets the connection", async () => {
    const { code } = await serving([], async (origin, started) => {
      const port = Number(new URL(origin).port)
      for (let i = 0; i < 20; i++) {
        await new Promise<void>((resolve) => {
          const socket = net.connect(port, "127.0.0.1", () => {
            socket.write(
              "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
              () => socket.resetAndDestroy()
            )
          })
          socket.on("error", () => undefined)
          socket.on("close", () => resolve())
        })
      }
      const page = await fetch(`${origin}/_local/state`)
      assert.strictEqual(page.status, 200)
      assert.isFalse(started.isOver())
    })
    assert.strictEqual(code, 0)
  })

  it("responds in HTTP/1.1 to a client that offers HTTP/2, and reads its body", async () => {
    await serving([], async (origin) => {
      const answer = await post(origin, "/identities/CreateWorkloadIdentity", { name: "by-java" }, {
        authorization,
        connection: "Upgrade, HTTP2-Settings",
        upgrade: "h2c",
        "http2-settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"
      })
      assert.strictEqual(answer.status, 201, answer.text)
      assert.include(answer.text, "by-java")
    })
  })

  it("logs calls by default, calls and pages with --log-level debug, and nothing with --log-level none", async () => {
    const asked = async (...args: ReadonlyArray<string>) => {
      const { code, stderr } = await serving(args, async (origin) => {
        await fetch(`${origin}/_local/state`)
        await post(origin, "/identities/get-token-vault", {}, { authorization })
      })
      assert.strictEqual(code, 0)
      return stderr
    }
    const behind = ["--region", "eu-west-1"]
    const [usual, debug, info, ...silent] = await Promise.all([
      asked(),
      asked("--log-level", "debug"),
      asked("--log-level=info"),
      asked("--log-level", "warning"),
      asked("--log-level", "error"),
      asked("--log-level", "none"),
      asked(...behind, "--log-level", "none"),
      asked(...behind, "--log-level=none")
    ])
    for (const some of [usual, info, debug]) assert.include(some, "GetTokenVault outcome=ok")
    assert.include(debug, "GET /_local/state outcome=200")
    for (const some of [usual, info]) assert.notInclude(some, "_local")
    assertEqual(silent, ["", "", "", "", ""])
  })

  it("responds at the address that it prints", async () => {
    for (const host of ["::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"]) {
      await serving(["--host", host], async (origin) => {
        assert.strictEqual((await fetch(`${origin}/_local/state`)).status, 200, origin)
      })
    }
  })

  it("rejects a --require-signature that no request can match", async () => {
    const keys = ["a/b:SECRET", "a,b:SECRET", "a b:SECRET", ":SECRET", "a:"]
    const refused = await Promise.all(
      keys.map((key) => cli.start(["serve", "--port", "0", "--require-signature", key]).ended)
    )
    for (const { code, stderr, stdout } of refused) {
      assertEqual([code, stdout], [64, ""])
      assert.strictEqual(stderr, "UsageInvalid: --require-signature: expected KEY:SECRET\n")
    }
  })

  it("reports the option with an invalid value", async () => {
    const wrong = [["--port", "99999999"], ["--account", "12"], ["--region", "EU West"]]
    const ends = await Promise.all(wrong.map((args) => cli.start(["serve", ...args]).ended))
    for (const [index, { code, stderr, stdout }] of ends.entries()) {
      assertEqual([code, stdout], [64, ""])
      assert.include(stderr, `UsageInvalid: ${wrong[index]?.[0]}: expected `)
    }
  })

  it("sets quotas by name and keeps the other defaults", async () => {
    const config = { ...client, clientSecret: "very-secret" }
    await serving(["--quota", "oauth2-providers=51", "--quota", "workload-identities=1"], async (origin) => {
      const create = (index: number) =>
        post(origin, "/identities/CreateOauth2CredentialProvider", {
          name: `one-${index}`,
          credentialProviderVendor: "GithubOauth2",
          oauth2ProviderConfigInput: { githubOauth2ProviderConfig: config }
        }, { authorization })
      for (let index = 0; index < 51; index++) assert.strictEqual((await create(index)).status, 201)
      const provider = await create(51)
      assert.strictEqual(provider.status, 402)
      assert.include(provider.text, "its quota of 51 OAuth2 credential providers")
      assert.include(provider.text, "serve --quota oauth2-providers=N")
      const workload = (name: string) => post(origin, "/identities/CreateWorkloadIdentity", { name }, { authorization })
      assertEqual([(await workload("one")).status, (await workload("two")).status], [201, 400])
    })
  })

  it("rejects an unknown quota or an invalid number, and lists the names", async () => {
    const ends = await Promise.all(
      ["providers=5", "oauth2-providers=many"].map((quota) =>
        cli.start(["serve", "--port", "0", "--quota", quota]).ended
      )
    )
    const expected = [
      "expected NAME=N, where NAME is one of workload-identities, oauth2-providers, api-key-providers, payment-providers, got providers=5",
      "expected oauth2-providers=N, where N is a whole number of at least 0, got oauth2-providers=many"
    ]
    assertEqual(
      ends,
      expected.map((message) => ({ code: 64, stdout: "", stderr: `UsageInvalid: --quota: ${message}\n` }))
    )
  })

  it("reports the option that allows a seed above a quota", async () => {
    const { code, stderr } = await cli.start([
      "serve",
      "--port",
      "0",
      "--quota",
      "oauth2-providers=1",
      "--seed",
      cli.write("beyond.json", seed)
    ]).ended
    assert.strictEqual(code, 1)
    assert.include(stderr, "serve --quota oauth2-providers=N")
    assert.match(stderr, /seed workloadIdentities my-agent: created/)
    assert.match(stderr, /SeedFailed: oauth2CredentialProviders\[1\]: ServiceQuotaExceeded: /)
  })

  it("warns about unprotected controls only if it listens on more than loopback", async () => {
    const [here, everywhere] = await Promise.all([
      serving(["--host", "localhost"], async () => undefined),
      serving(["--host", "0.0.0.0"], async (origin) => {
        const response = await new Promise<string>((resolve, reject) => {
          const request = http.get(`${origin}/_local/state`, { headers: { host: "agent.example" } }, (response) => {
            let text = `${response.statusCode} `
            response.on("data", (chunk) => text += String(chunk))
            response.on("end", () => resolve(text))
          })
          request.on("error", reject)
        })
        assert.match(response, /^403 .*--allowed-host.*allowedHosts/)
      })
    ])
    const warning =
      /WARN --host 0\.0\.0\.0: the dashboard and \/_local\/ require no signature, and are open to everyone/g
    assert.lengthOf(everywhere.stderr.match(warning) ?? [], 1, everywhere.stderr)
    assert.notInclude(here.stderr, "WARN")
  })

  it("rejects a folder that cannot be created, and a seed with a duplicate name", async () => {
    const twice = { ...seed, apiKeyCredentialProviders: [{ name: "a", apiKey: "1" }, { name: "a", apiKey: "hush" }] }
    const [folder, sown] = await Promise.all([
      cli.start(["serve", "--port", "0", "--data", "/proc/no/such"]).ended,
      cli.start(["serve", "--port", "0", "--seed", cli.write("twice.json", twice)]).ended
    ])
    assertEqual([folder.code, folder.stdout, sown.code, sown.stdout], [1, "", 1, ""])
    assert.match(folder.stderr, /^ServerFailed: The folder '\/proc\/no\/such' cannot be used: it cannot be created \(/)
    assert.match(
      sown.stderr,
      /^InputInvalid: .*twice\.json: apiKeyCredentialProviders\[1\]\.name: Member must be unique: apiKeyCredentialProviders\[0\] has/
    )
    assert.notInclude(sown.stderr, "hush")
  })

  it("restores the offset of its clock from the folder of the state", async () => {
    const data = join(cli.write("moved.json", {}), "..", "moved")
    const moved = async (origin: string, body: unknown) => {
      const response = await fetch(`${origin}/_local/clock`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body)
      })
      const clock: { readonly movedSeconds: number } = JSON.parse(await response.text())
      return clock.movedSeconds
    }
    const first = await serving(["--data", data], async (origin) => {
      assert.strictEqual(await moved(origin, { moveSeconds: 3600 }), 3600)
    })
    assert.notInclude(first.stderr, "ahead")
    const second = await serving(["--data", data], async (origin) => {
      assert.strictEqual(await moved(origin, { moveSeconds: 60 }), 3660)
    })
    assert.include(second.stderr, "the clock is 1h ahead, as stored in ")
    await serving(["--data", data], async (origin) => assert.strictEqual(await moved(origin, { moveSeconds: 0 }), 3660))
    writeFileSync(join(data, "CLOCK"), "soon")
    const third = await cli.start(["serve", "--port", "0", "--data", data]).ended
    assertEqual([third.code, third.stdout], [1, ""])
    assert.match(
      third.stderr,
      /^ServerFailed: .*CLOCK does not contain the offset of the clock in milliseconds: remove the file/
    )
  })

  it("keeps existing resources if the same seed is applied again", async () => {
    const data = join(cli.write("seed-again.json", seed), "..", "data")
    const args = ["--data", data, "--seed", cli.write("seed-again.json", seed)]
    const first = await serving(args, async () => undefined)
    const second = await serving(args, async (origin) => {
      const state: { readonly workloads: ReadonlyArray<string>; readonly providers: ReadonlyArray<unknown> } = JSON
        .parse(
          await (await fetch(`${origin}/_local/state`)).text()
        )
      assertEqual([state.workloads, state.providers.length], [["my-agent"], 3])
    })
    const names = [
      "workloadIdentities my-agent",
      "oauth2CredentialProviders github",
      "apiKeyCredentialProviders weather"
    ]
    for (const name of names) {
      assert.include(first.stderr, `seed ${name}: created\n`)
      assert.include(second.stderr, `seed ${name}: kept\n`)
    }
    assert.notInclude(second.stderr, "created")
    // A name cannot move the cursor or start a line.
    assert.include(first.stderr, "seed secrets outside\\u{1B}[31m\\u{9B}1m\\u{A}it: set\n")
    for (const control of ["\u001b", "\u009b"]) assert.notInclude(first.stderr, control)
  })

  it("returns a token on behalf of the user whose JWT is in a file, and an API key for the agent of this user", async () => {
    const token = jwt({ iss: "https://issuer.example", sub: "ada" })
    const file = cli.write("ada.jwt", `${Redacted.value(token)}\n`)
    const { stderr } = await serving(["--seed", cli.write("seed.json", seed)], async (origin) => {
      const run = (args: ReadonlyArray<string>, stdin?: string) =>
        cli.start([...args, "--workload", "my-agent", "--endpoint", origin], { stdin }).ended
      const exchange = ["token", "--provider", "exchange", "--flow", "obo", "--scope", "read"]
      const [exchanged, piped, key, nobody, missing] = await Promise.all([
        run([...exchange, "--user-token", file]),
        run([...exchange, "--user-token", "-", "--json"], Redacted.value(token)),
        run(["api-key", "--provider", "weather", "--user-token", file]),
        run([...exchange, "--user", "ada"]),
        run([...exchange, "--user-token", `${file}.not-there`])
      ])
      assertEqual([exchanged.code, exchanged.stderr], [0, ""])
      assert.match(exchanged.stdout, /^\S{20,}\n$/)
      assert.hasAllKeys(JSON.parse(piped.stdout), ["accessToken"])
      assertEqual(key, { code: 0, stdout: "weather-key\n", stderr: "" })
      assert.notStrictEqual(nobody.code, 0)
      assert.strictEqual(nobody.stdout, "")
      assertEqual([missing.code, missing.stdout], [1, ""])
      assert.include(missing.stderr, "InputUnreadable")
    })
    assert.notInclude(stderr, Redacted.value(token))
  })
})
