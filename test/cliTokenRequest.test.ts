import { assert, describe, it } from "@effect/vitest"
import { Effect, Record, Redacted, SchemaAST } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { members } from "../src/cli/tokenRequest.js"
import { operations } from "../src/IdentityApi.js"
import { jwt } from "./support/agent.js"
import { assertEqual } from "./support/equality.js"
import { run } from "./support/inProcess.js"
import { temporary } from "./support/temporary.js"
import { asAws, fault, serve } from "./support/wire.js"

const base = ["token", "--provider", "github", "--workload", "my-agent", "--region", "us-east-1"]

/** The options that the flow needs, the option under test, and the member that it must become. */
const cases = (
  folder: string
): Readonly<Record<string, { readonly args: ReadonlyArray<string>; readonly wire: unknown }>> => {
  const state = join(folder, "state")
  writeFileSync(state, "a-state\n")
  const user = ["--flow", "user", "--user", "ada"]
  const machine = ["--flow", "m2m"]
  return {
    "--provider": { args: machine, wire: "github" },
    "--scope": { args: [...machine, "--scope", "a", "--scope", "b"], wire: ["a", "b"] },
    "--flow": { args: machine, wire: "M2M" },
    "--resource": { args: [...machine, "--resource", "https://a.example"], wire: ["https://a.example"] },
    "--audience": { args: [...machine, "--audience", "x", "--audience", "y"], wire: ["x", "y"] },
    "--custom-parameter": {
      args: [...machine, "--custom-parameter", "prompt=a=b", "--custom-parameter", "access_type=offline"],
      wire: { prompt: "a=b", access_type: "offline" }
    },
    "--callback-url": { args: [...user, "--callback-url", "https://a.example/back"], wire: "https://a.example/back" },
    "--custom-state": { args: [...user, "--custom-state", state], wire: "a-state" },
    "--force": { args: [...user, "--force"], wire: true }
  }
}

const requestMembers = SchemaAST.getPropertySignatures(
  SchemaAST.encodedAST(operations.getResourceOauth2Token.request.ast)
)
  .map(({ name }) => String(name))

const recorded = Effect.map(
  serve(({ path }) =>
    path?.startsWith("/identities/oauth2/token")
      ? { headers: asAws, body: JSON.stringify({ accessToken: "the-token" }) }
      : { headers: asAws, body: JSON.stringify({ workloadAccessToken: "a-workload-token" }) }
  ),
  (wire) => ({
    wire,
    token: (args: ReadonlyArray<string>) => run([...base, ...args, "--endpoint", wire.url]),
    sent: (): Readonly<Record<string, unknown>> => JSON.parse(wire.requests.at(-1)?.body ?? "{}")
  })
)

describe("agentcore-identity token", { timeout: 30_000 }, () => {
  it("has an option for each member of the request, or a reason", () => {
    assert.sameMembers(Object.keys(members), requestMembers)
    assertEqual(
      Record.keys(members).filter((member) => "reason" in members[member]),
      ["workloadIdentityToken", "sessionUri"]
    )
  })

  it.scopedLive("sends the member of each option", () =>
    Effect.gen(function*() {
      const { sent, token } = yield* recorded
      const given = cases(yield* temporary)
      for (const [member, how] of Object.entries(members)) {
        if (!("option" in how)) continue
        const { args, wire } = given[how.option] ?? assert.fail(`no case for ${how.option}`)
        assertEqual(yield* token(args), { code: 0, stdout: "the-token\n", stderr: "" })
        assertEqual(sent()[member], wire, how.option)
      }
    }))

  it.scopedLive("sends no member whose option is absent", () =>
    Effect.gen(function*() {
      const { sent, token } = yield* recorded
      yield* token(["--flow", "m2m"])
      assert.hasAllKeys(sent(), ["workloadIdentityToken", "resourceCredentialProviderName", "scopes", "oauth2Flow"])
    }))

  it.scopedLive("reports an invalid member by the name of its option", () =>
    Effect.gen(function*() {
      const { token, wire } = yield* recorded
      const provider = ["token", "--provider", "no!pe", "--workload", "my-agent", "--flow", "m2m"]
      assert.include((yield* run([...provider, "--endpoint", wire.url])).stderr, "Value at '--provider' failed")
      const long = "x".repeat(3000)
      const invalid: ReadonlyArray<readonly [option: string, args: ReadonlyArray<string>]> = [
        ["--scope[0]", ["--flow", "m2m", "--scope", long]],
        ["--resource[0]", ["--flow", "m2m", "--resource", long]],
        ["--audience[0]", ["--flow", "m2m", "--audience", long]],
        ["--custom-parameter.a", ["--flow", "m2m", "--custom-parameter", `a=${long}`]],
        ["--callback-url", ["--flow", "user", "--user", "ada", "--callback-url", "no!pe"]]
      ]
      for (const [option, args] of invalid) {
        const { code, stderr } = yield* token(args)
        assert.strictEqual(code, 64, option)
        assert.include(stderr, `Value at '${option}' failed`)
        assert.notInclude(stderr, long)
      }
    }))

  const limits: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: string]> = [
    [["--flow", "m2m", "--callback-url", "https://a.example"], "--callback-url requires --flow user, got --flow m2m"],
    [["--flow", "m2m", "--custom-state", "x"], "--custom-state requires --flow user, got --flow m2m"],
    [["--flow", "obo", "--user-token", "x", "--force"], "--force requires --flow m2m or user, got --flow obo"],
    [["--flow", "m2m", "--wait"], "--wait requires --flow user, got --flow m2m"],
    [["--flow", "obo", "--poll-interval", "9"], "--poll-interval requires --flow user, got --flow obo"],
    [["--flow", "user", "--user", "ada", "--poll-interval", "9"], "--poll-interval requires --wait"],
    [["--flow", "m2m", "--custom-parameter", "secret"], "--custom-parameter: expected KEY=VALUE"],
    [["--flow", "m2m", "--custom-parameter", "secret="], "--custom-parameter: expected KEY=VALUE"],
    [
      ["--flow", "m2m", "--custom-parameter", "a=1", "--custom-parameter", "a=2"],
      "--custom-parameter: the key 'a' is given more than once: pass it once"
    ],
    [
      ["--flow", "user", "--user-token", "-", "--custom-state", "-"],
      "--user-token and --custom-state cannot both be standard input: pass one of them in a file"
    ]
  ]
  it.scopedLive("rejects an option that the flow does not use, and sends nothing", () =>
    Effect.gen(function*() {
      const { token, wire } = yield* recorded
      for (const [args, message] of limits) {
        assertEqual(yield* token(args), { code: 64, stdout: "", stderr: `UsageInvalid: ${message}\n` })
      }
      assertEqual(wire.requests, [])
    }))

  it.scopedLive("reports a file of --custom-state that cannot be read", () =>
    Effect.gen(function*() {
      const folder = yield* temporary
      const { token } = yield* recorded
      const missing = yield* token(["--flow", "user", "--user", "ada", "--custom-state", join(folder, "not-there")])
      assert.strictEqual(missing.code, 1)
      assert.include(missing.stderr, "InputUnreadable")
    }))
})

describe("agentcore-identity workload-token", { timeout: 30_000 }, () => {
  it.scopedLive("prints the workload access token of the workload, of a user id or of a JWT, and nothing else", () =>
    Effect.gen(function*() {
      const { wire } = yield* recorded
      const file = join(yield* temporary, "jwt")
      const token = Redacted.value(jwt({ iss: "https://idp.example", sub: "ada" }))
      writeFileSync(file, `${token}\n`)
      const at = ["workload-token", "--workload", "my-agent", "--endpoint", wire.url]
      for (
        const [args, path, body] of [
          [[], "GetWorkloadAccessToken", {}],
          [["--user", "ada"], "GetWorkloadAccessTokenForUserId", { userId: "ada" }],
          [["--user-token", file], "GetWorkloadAccessTokenForJWT", { userToken: token }]
        ] as const
      ) {
        assertEqual(yield* run([...at, ...args]), { code: 0, stdout: "a-workload-token\n", stderr: "" })
        const sent = wire.requests.at(-1)
        assert.strictEqual(sent?.path, `/identities/${path}`)
        assertEqual(JSON.parse(sent?.body ?? ""), { workloadName: "my-agent", ...body })
      }
      assertEqual((yield* run([...at, "--json"])).stdout, "{\"workloadAccessToken\":\"a-workload-token\"}\n")
      const both = yield* run([...at, "--user", "ada", "--user-token", file])
      assertEqual([both.code, both.stdout], [64, ""])
    }))

  it.scopedLive("reports an error by the names of its options", () =>
    Effect.gen(function*() {
      const { wire } = yield* recorded
      const { code, stderr } = yield* run(["workload-token", "--workload", "no!pe", "--endpoint", wire.url])
      assert.strictEqual(code, 64)
      assert.include(stderr, "Value at '--workload' failed")
    }))
})

describe("a token that a vendor refused", { timeout: 30_000 }, () => {
  it.scopedLive("is explained with the failures that the local server recorded", () =>
    Effect.gen(function*() {
      const wire = yield* serve(({ path }) =>
        path?.startsWith("/identities/oauth2/token")
          ? fault(400, "ValidationException", { message: "Failed to retrieve token", reason: "CannotParse" })
          : { headers: asAws, body: JSON.stringify({ workloadAccessToken: "a-workload-token" }) }
      )
      const args = [...base, "--flow", "m2m", "--endpoint", wire.url]
      const { code, stderr } = yield* run(args)
      assert.strictEqual(code, 1)
      assert.include(stderr, `${wire.url}/_local/provider-failures`)
      const json: unknown = JSON.parse((yield* run([...args, "--json"])).stderr)
      assert.include(JSON.stringify(json), `${wire.url}/_local/provider-failures`)
    }))
})
