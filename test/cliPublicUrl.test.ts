import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"
import * as Forwarder from "./support/forwarder.js"
import { tokenOf } from "./support/jar.js"
import { authorization } from "./support/raw.js"

const returnUrl = "http://localhost:3000/return"

const seed = {
  workloadIdentities: [{ name: "my-agent", allowedResourceOauth2ReturnUrls: [returnUrl] }],
  oauth2CredentialProviders: [{
    name: "github",
    credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: { githubOauth2ProviderConfig: { clientId: "id", clientSecret: "secret" } }
  }]
}

const json = { "content-type": "application/json" }

const form = { "content-type": "application/x-www-form-urlencoded" }

const authorize = "/identities/oauth2/authorize"

describe("agentcore-identity serve --public-url", { timeout: 60_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>

  beforeAll(async () => {
    cli = await Cli.bundle()
  }, 30_000)
  afterAll(() => cli.remove())

  const serving = async (args: ReadonlyArray<string>, use: (origin: string, started: Cli.Started) => Promise<void>) => {
    const started = cli.start(["serve", ...args, "--port", "0", "--seed", cli.write("seed.json", seed)])
    try {
      await use(await started.find("stdout", /listens on (http:\S+)\n/), started)
    } finally {
      started.kill("SIGTERM")
    }
    return started.ended
  }

  /** An agent in another container. It calls the server as `identity`, on the port on which the server listens. */
  const agentOf = (origin: string) => {
    const { port } = new URL(origin)
    const call = async (path: string, body: unknown) => {
      const answer = await Forwarder.send(`http://identity:${port}${path}`, Number(port), {
        method: "POST",
        headers: { ...json, authorization },
        body: JSON.stringify(body)
      })
      assert.isBelow(answer.status, 300, answer.text)
      const reply: Readonly<Record<string, string>> = answer.text === "" ? {} : JSON.parse(answer.text)
      return reply
    }
    return {
      call,
      asks: async () => {
        const { workloadAccessToken } = await call("/identities/GetWorkloadAccessTokenForUserId", {
          workloadName: "my-agent",
          userId: "ada"
        })
        return call("/identities/oauth2/token", {
          workloadIdentityToken: workloadAccessToken,
          resourceCredentialProviderName: "github",
          scopes: ["repo"],
          oauth2Flow: "USER_FEDERATION",
          resourceOauth2ReturnUrl: returnUrl
        })
      }
    }
  }

  for (const protocol of ["http", "https"] as const) {
    const behind = protocol === "http" ? "a port mapping" : "TLS termination"
    it(`completes a consent behind ${behind}, over ${protocol}`, async () => {
      const publicUrl = `${protocol}://dev.example:8443`
      const { stderr } = await serving(["--allowed-host", "identity", "--public-url", publicUrl], async (origin) => {
        const forwarder = await Forwarder.forward(protocol, origin)
        try {
          const agent = agentOf(origin)
          const { authorizationUrl = "" } = await agent.asks()
          assert.isTrue(authorizationUrl.startsWith(`${publicUrl}${authorize}?request_uri=`), authorizationUrl)

          // A browser omits Sec-Fetch-Site on an untrusted connection, such as plain HTTP.
          const own = { origin: "null", ...(protocol === "https" && { "sec-fetch-site": "same-origin" }) }
          const visit = (path: string, sent?: Forwarder.Sent) =>
            Forwarder.send(new URL(path, publicUrl).href, forwarder.port, sent)
          const page = await visit(authorizationUrl)
          assert.strictEqual(page.status, 200, page.text)
          const [cookie = ""] = page.cookies
          assert.match(
            cookie,
            protocol === "https"
              ? /^__Host-agentcore-identity-browser=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/
              : /^agentcore-identity-browser=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/
          )
          const known = { cookie: cookie.split(";")[0] ?? "" }
          const allow = (headers: Readonly<Record<string, string>>) =>
            visit(authorize, {
              method: "POST",
              headers: { ...form, ...known, ...headers },
              body: new URLSearchParams({ token: tokenOf(page.text), decision: "allow" }).toString()
            })
          const otherScheme = `${protocol === "http" ? "https" : "http"}://dev.example:8443`
          for (const foreign of ["https://evil.example", otherScheme]) {
            assert.strictEqual((await allow({ origin: foreign })).status, 403, foreign)
          }
          const allowed = await allow(own)
          assert.strictEqual(allowed.status, 303, allowed.text)
          const returned = await visit(allowed.location, { headers: known })
          assert.strictEqual(returned.status, 303, returned.text)
          assert.isTrue(returned.location.startsWith(`${returnUrl}?session_id=`), returned.location)

          await agent.call("/identities/CompleteResourceTokenAuth", {
            sessionUri: new URL(returned.location).searchParams.get("session_id"),
            userIdentifier: { userId: "ada" }
          })
          assert.isString((await agent.asks())["accessToken"])
        } finally {
          forwarder.close()
        }
      })
      assert.match(
        stderr,
        /WARN --public-url https?:\/\/dev\.example:8443: the dashboard and \/_local\/ require no sig/
      )
    })
  }

  it("responds at both addresses and at no other host, and ignores X-Forwarded headers", async () => {
    await serving(["--public-url", "https://dev.example:8443"], async (origin) => {
      const { port } = new URL(origin)
      const by = (url: string, sent?: Forwarder.Sent) => Forwarder.send(url, Number(port), sent)
      const forwarded = { "x-forwarded-host": "dev.example:8443", "x-forwarded-proto": "https" }
      const direct = await by(`${origin}/`, { headers: forwarded })
      assert.strictEqual(direct.status, 200)
      assert.match(direct.cookies[0] ?? "", /^agentcore-identity-browser=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
      // A proxy terminates TLS before the request arrives here.
      for (const host of ["dev.example:8443", "DEV.example:8443"]) {
        const mapped = await by(origin, { headers: { host } })
        assert.match(mapped.cookies[0] ?? "", /^__Host-agentcore-identity-browser=[\w-]+;.* Secure;/, host)
      }
      for (const host of ["evil.example", "evil.example:8443", "dev.example.evil.example"]) {
        const foreign = await by(`${origin}/`, { headers: { ...forwarded, host } })
        assertEqual([foreign.status, foreign.cookies], [403, []], host)
      }
      const control = (from: string, host: string) =>
        by(`${origin}/_local/clock`, {
          method: "POST",
          headers: { ...json, host, origin: from },
          body: JSON.stringify({ moveSeconds: 0 })
        })
      const publicHost = "dev.example:8443"
      assert.strictEqual((await control("https://dev.example:8443", publicHost)).status, 200)
      assert.strictEqual((await control(origin, new URL(origin).host)).status, 200)
      for (const from of ["http://dev.example:8443", "https://dev.example", "https://evil.example", "null"]) {
        assert.strictEqual((await control(from, publicHost)).status, 403, from)
      }
    })
  })

  it("prints its listening address for SDKs, and its public address for browsers", async () => {
    const args = ["serve", "--port", "0", "--public-url", "HTTPS://Dev.Example:443/", "--json"]
    const started = cli.start(args)
    const line: unknown = JSON.parse(await started.find("stdout", /^.*\n/))
    started.kill("SIGTERM")
    await started.ended
    assert.nestedPropertyVal(line, "publicUrl", "https://dev.example")
    assert.match(
      JSON.stringify(line),
      /"endpoint":"(http:\/\/127\.0\.0\.1:\d+)".*"AWS_ENDPOINT_URL_BEDROCK_AGENTCORE":"\1"/
    )
    const plain = await serving(["--public-url", "http://localhost:8080"], async () => undefined)
    assert.match(
      plain.stdout,
      /^# Dashboard: http:\/\/localhost:8080\/ {2}Test controls: http:\/\/127\.0\.0\.1:\d+\//m
    )
    // It points to this machine, and other machines cannot reach it.
    assert.notInclude(plain.stderr, "WARN")
  })

  it("changes the callback URLs and the authorization URLs of a stored state to the configured address", async () => {
    const data = join(cli.write("public.json", {}), "..", "public")
    const callbackUrl = async (...args: ReadonlyArray<string>) => {
      let found = ""
      await serving(["--data", data, "--allowed-host", "identity", ...args], async (origin) => {
        const agent = agentOf(origin)
        found = (await agent.call("/identities/GetOauth2CredentialProvider", { name: "github" }))["callbackUrl"] ?? ""
        const { authorizationUrl = "" } = await agent.asks()
        assert.strictEqual(new URL(authorizationUrl).origin, new URL(found).origin)
        assert.include(args.length === 0 ? [origin] : args, new URL(found).origin)
      })
      return new URL(found).pathname
    }
    const path = await callbackUrl()
    assert.match(path, /^\/identities\/oauth2\/callback\/[-0-9a-f]{36}$/)
    assert.strictEqual(await callbackUrl("--public-url", "https://dev.example:8443"), path)
    assert.strictEqual(await callbackUrl(), path)
  })

  it("reports the option if the URL has more than scheme, host and port, and does not start", async () => {
    const wrong = ["https://dev.example/identity", "https://ada:hush@dev.example"]
    const ends = await Promise.all(
      wrong.map((url) => cli.start(["serve", "--port", "0", "--public-url", url]).ended)
    )
    for (const { code, stderr, stdout } of ends) {
      assertEqual([code, stdout], [64, ""])
      assert.match(
        stderr,
        /^UsageInvalid: --public-url: expected a URL without a (path|user name or password), such as /
      )
      assert.notInclude(stderr, "hush")
    }
  })
})
